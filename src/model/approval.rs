//! Consent as a type: only a plan that passed the gate can be applied.

use super::{Gate, Plan, Step, Weight};

/// What the user consented to, for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// How the plan as a whole was approved.
    pub approval: Approval,
    /// `--allow-destroy N`: at most so many counted steps, also where the gate is closed.
    pub allow_destroy: Option<u64>,
    /// Whether steps that count are wanted at all.
    pub destroys: Destroys,
}

/// How a plan was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// `--auto-approve`.
    Automatic,
    /// A "yes" typed on a terminal.
    Typed,
    /// There was nothing to approve.
    NothingToDo,
}

/// Whether steps that count are wanted at all.
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
    held: Vec<Step>,
    refused: bool,
}

impl ApprovedPlan {
    /// Takes the steps of a plan through its gate: without consent the counted ones stay behind.
    #[must_use]
    pub fn new(plan: Plan, consent: Consent) -> Self {
        let refused = consent.destroys == Destroys::Wanted && !consent.covers(&plan.gate);
        let closed = refused || consent.destroys == Destroys::LeftOut;
        let stays_behind = |step: &Step| closed && step.weight == Weight::Counted;
        let (held, going) = plan.steps.into_iter().partition(stays_behind);
        Self { steps: going, held, refused }
    }

    /// The steps that may be carried out, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps that stay behind.
    #[must_use]
    pub fn held(&self) -> &[Step] {
        &self.held
    }

    /// Whether the gate held them back, and not the user's own `--no-destroy`.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.refused
    }
}

impl Consent {
    fn covers(&self, gate: &Gate) -> bool {
        match self.allow_destroy {
            Some(most) => gate.counted <= most,
            None => gate.open() || gate.counted == 0,
        }
    }
}
