//! One room as declared, recorded and observed, with the decision of a plan on it.

use super::{
    Address, DesiredRoom, Finding, Gate, Held, Holder, Observation, Plan, RecordedRoom, Step,
    Timestamp,
};

/// One room as declared, recorded and observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The room, under the declared name of its provider.
    pub address: Address,
    /// Whether its provider is the built-in emulator.
    pub emulated: bool,
    /// What the files declare.
    pub desired: Option<DesiredRoom>,
    /// What the state records.
    pub recorded: Option<RecordedRoom>,
    /// What the service answered; `None` if it was not queried.
    pub observed: Option<Observation>,
    /// The decision on the room.
    pub decision: RoomDecision,
    /// The result of the gate for the plan.
    pub gate: Gate,
    /// The earliest time at which the service may destroy the room; `None` if it is not recorded, or if
    /// its users create and end it.
    pub earliest_end: Option<Timestamp>,
    /// Whether a refresh of due rooms queries it now.
    pub due: bool,
    /// Findings about the room.
    pub findings: Vec<Finding>,
}

/// The decision of a plan on one room.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomDecision {
    /// A step.
    Step(Box<Step>),
    /// A step that waits, and the step that is done meanwhile.
    Waiting(Box<Held>, Option<Box<Step>>),
    /// A step that is blocked, and the step that is done meanwhile.
    Blocked(Box<Held>, Option<Box<Step>>),
    /// Nothing: it could not be read, for this reason.
    Unread(String),
    /// Nothing: another run is changing it.
    InProgress(Holder),
    /// Nothing: it is unchanged.
    Unchanged,
    /// Nothing: its provider is not declared.
    ProviderNotDeclared,
    /// Nothing: it is neither declared nor recorded.
    Unmanaged,
}

impl RoomDecision {
    /// Returns the decision on a room that has an entry in the plan; `None` if it has none.
    #[must_use]
    pub fn of(plan: &Plan, address: &Address) -> Option<Self> {
        let step = plan.steps.iter().find(|step| step.address == *address);
        let step = step.map(|step| Box::new(step.clone()));
        let held = |held: &[Held]| {
            let held = held.iter().find(|held| held.step.address == *address);
            held.map(|held| Box::new(held.clone()))
        };
        if let Some(waiting) = held(&plan.waiting) {
            return Some(Self::Waiting(waiting, step));
        }
        if let Some(blocked) = held(&plan.blocked) {
            return Some(Self::Blocked(blocked, step));
        }
        if let Some(unread) = plan.unread.iter().find(|unread| unread.address == *address) {
            return Some(Self::Unread(unread.why.clone()));
        }
        let run = plan.in_progress.as_ref().filter(|run| run.rooms.contains(address));
        match (step, run) {
            (Some(step), _) => Some(Self::Step(step)),
            (None, Some(run)) => Some(Self::InProgress(run.by.clone())),
            (None, None) => None,
        }
    }
}
