//! Consent as a type: only a plan that passed the gate can be applied.

use std::collections::BTreeSet;

use super::{Action, Address, Gate, Held, NotTried, Plan, Refusal, RefusalKind, Step, Weight};

/// What the user consented to, for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// How the plan as a whole was approved.
    pub approval: Approval,
    /// `--allow-destroy N`: at most so many destroys, replaces and forgets, also where the gate is
    /// closed to them.
    pub allow_destroy: Option<u64>,
    /// `--allow-recreate N`: at most so many rooms made anew before their time, also where the gate is
    /// closed to them.
    pub allow_recreate: Option<u64>,
    /// Whether steps that end a room's life, or its record, are wanted at all.
    pub destroys: Destroys,
}

/// How a plan was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// `--auto-approve`.
    Automatic,
    /// A "yes" typed on a terminal.
    Typed,
    /// Nobody was asked, since there was nothing to approve: no step goes through.
    NothingToDo,
}

/// Whether steps that end a room's life, or its record, are wanted at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destroys {
    /// They are, as far as the gate lets them through.
    Wanted,
    /// `--no-destroy`: leave them for another run.
    LeftOut,
}

/// A plan that passed the gate: the only thing that can be applied.
#[derive(Clone, Debug)]
pub struct ApprovedPlan {
    steps: Vec<Step>,
    held: Vec<(Step, NotTried)>,
    waiting: Vec<Held>,
    left: BTreeSet<Address>,
    blocked: u64,
    unread: u64,
}

impl ApprovedPlan {
    /// Takes the steps of a plan through its gate: what was not consented to stays behind.
    #[must_use]
    pub fn new(plan: Plan, consent: Consent) -> Self {
        let gate = consent.evaluate(plan.gate);
        let (blocked, unread) = (plan.blocked.len() as u64, plan.unread.len() as u64);
        let left = plan.unread.into_iter().map(|unread| unread.address);
        let left = left.chain(plan.blocked.into_iter().map(|held| held.step.address));
        let mut approved = Self {
            steps: Vec::new(),
            held: Vec::new(),
            waiting: plan.waiting,
            left: left.collect(),
            blocked,
            unread,
        };
        let left_out = plan.left_out.into_iter().map(|step| (step, NotTried::NotInPlan));
        approved.held.extend(left_out);
        let mut instead = Vec::new();
        for mut step in plan.steps {
            match consent.holds(&step, &gate) {
                Some(why) => {
                    instead.extend(step.instead.take().map(|step| *step));
                    approved.held.push((step, why));
                }
                None => approved.steps.push(step),
            }
        }
        if consent.approval != Approval::NothingToDo {
            approved.add_in_place(instead);
        }
        approved
    }

    /// Adds what is done in the place of replaces that are held back, after the other replaces.
    fn add_in_place(&mut self, instead: Vec<Step>) {
        let earlier = |step: &Step| matches!(step.action, Action::Destroy | Action::Replace);
        let at = self.steps.iter().position(|step| !earlier(step)).unwrap_or(self.steps.len());
        self.steps.splice(at..at, instead);
    }

    /// The steps that may be carried out, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps that stay behind, and why.
    #[must_use]
    pub fn held(&self) -> &[(Step, NotTried)] {
        &self.held
    }

    /// What waits by the plan already.
    #[must_use]
    pub fn waiting(&self) -> &[Held] {
        &self.waiting
    }

    /// The rooms that are left as they are because they could not be read, or are blocked.
    #[must_use]
    pub fn left(&self) -> &BTreeSet<Address> {
        &self.left
    }

    /// How many rooms are blocked.
    #[must_use]
    pub fn blocked(&self) -> u64 {
        self.blocked
    }

    /// How many rooms could not be read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.unread
    }
}

impl Consent {
    /// Returns the gate under this consent: open to what was consented to, and closed if a flag
    /// allows fewer. Steps that are left out do not count.
    #[must_use]
    pub fn evaluate(&self, gate: Gate) -> Gate {
        let Gate { mut refusals, counted, recreated } = gate;
        let counted = match self.destroys {
            Destroys::Wanted => counted,
            Destroys::LeftOut => {
                refusals.retain(|refusal| refusal.kind.holds() != Weight::Counted);
                0
            }
        };
        let refusals = within(refusals, counted, self.allow_destroy, RefusalKind::MaxDestroy);
        let refusals = within(refusals, recreated, self.allow_recreate, RefusalKind::MaxRecreate);
        Gate { refusals, counted, recreated }
    }

    /// Whether any step of a plan would be carried out, or the part of one that changes in place.
    #[must_use]
    pub fn lets_through(&self, plan: &Plan) -> bool {
        let gate = self.evaluate(plan.gate.clone());
        let goes = |step: &Step| self.holds(step, &gate).is_none() || step.instead.is_some();
        plan.steps.iter().any(goes)
    }

    /// Whether all steps of a plan are left out, and nothing is done instead.
    #[must_use]
    pub fn leaves_all(&self, plan: &Plan) -> bool {
        plan.steps.iter().all(|step| self.leaves_out(step) && step.instead.is_none())
    }

    /// Whether a step is left out, which ends a room's life, or its record.
    fn leaves_out(&self, step: &Step) -> bool {
        self.destroys == Destroys::LeftOut && ends(step.action)
    }

    /// Why a step stays behind.
    fn holds(&self, step: &Step, gate: &Gate) -> Option<NotTried> {
        if self.leaves_out(step) {
            return Some(NotTried::LeftOut);
        }
        if self.approval == Approval::NothingToDo {
            return Some(NotTried::Gate);
        }
        let refused = match step.weight {
            Weight::Counted => NotTried::Gate,
            Weight::Recreated => NotTried::RecreateGate,
            Weight::Free => return None,
        };
        gate.holds(step.weight).then_some(refused)
    }
}

/// The refusals that are left where a flag allows `most` of `count` steps.
fn within(
    mut refusals: Vec<Refusal>,
    count: u64,
    most: Option<u64>,
    kind: RefusalKind,
) -> Vec<Refusal> {
    let Some(most) = most else { return refusals };
    refusals.retain(|refusal| refusal.kind.holds() != kind.holds());
    if count > most {
        let message = match kind {
            RefusalKind::MaxRecreate => format!(
                "{count} rooms that are gone before their time would be recreated, but `--allow-recreate \
                 {most}` allows {most}"
            ),
            RefusalKind::MaxDestroy | RefusalKind::NothingDesired | RefusalKind::FileNotRead => {
                format!(
                    "{count} rooms would be destroyed, replaced or forgotten, but `--allow-destroy {most}` \
                     allows {most}"
                )
            }
        };
        refusals.push(Refusal { kind, message });
    }
    refusals
}

/// Whether an action ends a room's life, or its record.
fn ends(action: Action) -> bool {
    match action {
        Action::Destroy | Action::Replace | Action::Forget => true,
        Action::Create | Action::Recreate | Action::Update | Action::Adopt | Action::Record => {
            false
        }
    }
}
