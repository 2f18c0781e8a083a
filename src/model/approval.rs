//! Consent as a type: only a plan that passed the gate can be applied.

use std::collections::BTreeSet;

use super::{Action, Address, Gate, Held, NotTried, Plan, Refusal, RefusalKind, Step, Weight};

/// What the user consented to, for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// How the plan as a whole was approved.
    pub approval: Approval,
    /// `--allow-destroy N`: allows at most N destroys, replaces and forgets, even if the gate refuses
    /// them.
    pub allow_destroy: Option<u64>,
    /// `--allow-recreate N`: allows at most N recreates before the earliest end, even if the gate
    /// refuses them.
    pub allow_recreate: Option<u64>,
    /// Whether the run includes steps that end a room's life or its record.
    pub destroys: Destroys,
}

/// How a plan was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// `--auto-approve`.
    Automatic,
    /// A "yes" typed on a terminal.
    Typed,
    /// Nothing was approved, because there was nothing to approve: no step passes.
    NothingToDo,
}

/// Whether the run includes steps that end a room's life or its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destroys {
    /// Included, as far as the gate allows.
    Wanted,
    /// `--no-destroy`: left for another run.
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
    /// Splits the steps of a plan by its gate: those without consent are held back.
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

    /// Adds the in-place changes of held replaces, after the other replaces.
    fn add_in_place(&mut self, instead: Vec<Step>) {
        let earlier = |step: &Step| matches!(step.action, Action::Destroy | Action::Replace);
        let at = self.steps.iter().position(|step| !earlier(step)).unwrap_or(self.steps.len());
        self.steps.splice(at..at, instead);
    }

    /// Returns the steps that may be applied, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the steps that are held back, with the reason.
    #[must_use]
    pub fn held(&self) -> &[(Step, NotTried)] {
        &self.held
    }

    /// Returns the steps that wait according to the plan.
    #[must_use]
    pub fn waiting(&self) -> &[Held] {
        &self.waiting
    }

    /// Returns the rooms that are not changed because they are blocked or could not be read.
    #[must_use]
    pub fn left(&self) -> &BTreeSet<Address> {
        &self.left
    }

    /// Returns the number of blocked rooms.
    #[must_use]
    pub fn blocked(&self) -> u64 {
        self.blocked
    }

    /// Returns the number of rooms that could not be read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.unread
    }
}

impl Consent {
    /// Returns the gate under this consent: refusals are removed where a flag allows enough steps, and
    /// added where it allows fewer. Steps that are left out do not count.
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

    /// Returns whether any step of a plan would be applied, including the in-place changes of a held
    /// replace.
    #[must_use]
    pub fn lets_through(&self, plan: &Plan) -> bool {
        let gate = self.evaluate(plan.gate.clone());
        let passes = |step: &Step| self.holds(step, &gate).is_none() || step.instead.is_some();
        plan.steps.iter().any(passes)
    }

    /// Returns whether all steps of a plan are left out, without in-place changes instead.
    #[must_use]
    pub fn leaves_all(&self, plan: &Plan) -> bool {
        plan.steps.iter().all(|step| self.leaves_out(step) && step.instead.is_none())
    }

    /// Returns whether a step is left out because it ends a room's life or its record.
    fn leaves_out(&self, step: &Step) -> bool {
        self.destroys == Destroys::LeftOut && ends(step.action)
    }

    /// Returns why a step is held back.
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

/// Returns the remaining refusals if a flag allows `most` of `count` steps.
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

/// Returns whether an action ends a room's life or its record.
fn ends(action: Action) -> bool {
    match action {
        Action::Destroy | Action::Replace | Action::Forget => true,
        Action::Create | Action::Recreate | Action::Update | Action::Adopt | Action::Record => {
            false
        }
    }
}
