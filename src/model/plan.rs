//! A plan: a value that is rendered, or approved and applied.

use std::time::Duration;

use serde::Serialize;

use super::{
    Action, Address, Digest, Finding, Holder, Lineage, Partial, People, Refresh, Step, Weight,
};

/// The steps, what is held back, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whether any provider is the built-in emulator.
    pub emulated: bool,
    /// The state that it was made from.
    pub state: StateRef,
    /// The digest of what the files declare.
    pub config_digest: Digest,
    /// The digest of what the files change against the record, in the scope.
    pub digest: Digest,
    /// The scope, if it is not all rooms.
    pub scope: Option<Partial>,
    /// The steps, in the order in which they start.
    pub steps: Vec<Step>,
    /// Steps that the saved plan does not contain, and that are not applied.
    pub left_out: Vec<Step>,
    /// Steps that a policy defers, by address.
    pub waiting: Vec<Held>,
    /// Steps that are protected or refused, by address.
    pub blocked: Vec<Held>,
    /// Rooms that could not be read, so that nothing is planned for them; by address.
    pub unread: Vec<Unread>,
    /// The run that is changing rooms meanwhile, if any.
    pub in_progress: Option<RunInProgress>,
    /// The result of the gate.
    pub gate: Gate,
    /// The counts.
    pub summary: Summary,
    /// How long the calls take at the rate limits.
    pub estimate: Duration,
    /// Findings besides the steps.
    pub findings: Vec<Finding>,
    /// What was refreshed before planning.
    pub refreshed: Refreshed,
}

/// What was refreshed before planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// As the refresh mode specifies.
    As(Refresh),
    /// Nothing, because credentials are missing.
    NoCredentials,
}

/// The state from which a plan was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StateRef {
    /// The lineage; null if there is no state yet.
    pub lineage: Option<Lineage>,
    /// The serial.
    pub serial: u64,
}

/// A step that is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The step.
    pub step: Step,
    /// Why it is held back.
    pub reason: HeldReason,
}

/// Why a step is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldReason {
    /// Waiting: people are inside, under `on_occupied: defer`.
    Occupied(People),
    /// Waiting for the room's next life, under `replace: on_next_vanish`.
    NextLife,
    /// Blocked: `prevent_destroy`.
    PreventDestroy,
    /// Blocked: more rooms than the provider's `max_rooms`.
    MaxRooms(u64),
    /// Blocked: the room exists, we did not make it, and `on_conflict: fail`.
    Conflict,
    /// Blocked: the room exists, and its ownership attribute holds the lineage of another state.
    OtherState,
    /// Blocked: a room exists whose origin is uncertain.
    Contested,
}

/// A room that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The room.
    pub address: Address,
    /// The reason, as a sentence.
    pub why: String,
}

/// A run that is in progress while a plan is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunInProgress {
    /// The run.
    pub by: Holder,
    /// The rooms with a call of that run in flight, by address: nothing is planned for them.
    pub rooms: Vec<Address>,
}

/// The result of the gate: open if nothing is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// The refusals.
    pub refusals: Vec<Refusal>,
    /// The number of steps that end a room's life or its record: the N that `--allow-destroy` has to
    /// reach.
    pub counted: u64,
    /// The number of recreates before the earliest end: the N that `--allow-recreate` has to reach.
    pub recreated: u64,
}

/// A reason to hold back steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub kind: RefusalKind,
    /// The numbers, in one sentence.
    pub message: String,
}

/// A rule of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// More steps than `max_destroy`.
    MaxDestroy,
    /// No room is desired.
    NothingDesired,
    /// A room's file was not read in this run.
    FileNotRead,
    /// More steps than `max_recreate`.
    MaxRecreate,
}

/// The counts of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is the number of steps of the action of its name")]
pub struct Summary {
    pub create: u64,
    pub recreate: u64,
    pub update: u64,
    pub replace: u64,
    pub destroy: u64,
    pub adopt: u64,
    pub forget: u64,
    pub record: u64,
    /// Rooms that are unchanged, as far as they were queried.
    pub unchanged: u64,
    /// Rooms that wait.
    pub waiting: u64,
    /// Rooms that are blocked.
    pub blocked: u64,
    /// Rooms that were queried and could not be read.
    pub unread: u64,
    /// Rooms that were queried.
    pub asked: u64,
    /// Rooms that were due and were not queried because credentials are missing: they are planned as
    /// recorded.
    pub not_asked: u64,
}

impl Summary {
    /// Returns the number of steps of an action.
    #[must_use]
    pub const fn of(&self, action: Action) -> u64 {
        match action {
            Action::Create => self.create,
            Action::Recreate => self.recreate,
            Action::Update => self.update,
            Action::Replace => self.replace,
            Action::Destroy => self.destroy,
            Action::Adopt => self.adopt,
            Action::Forget => self.forget,
            Action::Record => self.record,
        }
    }

    /// Returns the number of steps.
    #[must_use]
    pub fn steps(&self) -> u64 {
        let Self {
            create,
            recreate,
            update,
            replace,
            destroy,
            adopt,
            forget,
            record,
            unchanged: _,
            waiting: _,
            blocked: _,
            unread: _,
            asked: _,
            not_asked: _,
        } = *self;
        create + recreate + update + replace + destroy + adopt + forget + record
    }
}

impl Plan {
    /// Returns whether there are changes: steps, or rooms that wait or are blocked.
    #[must_use]
    pub fn wants_changes(&self) -> bool {
        !(self.steps.is_empty() && self.waiting.is_empty() && self.blocked.is_empty())
    }

    /// Returns whether there is no step, nothing is held back or unread, and no other run is changing
    /// rooms.
    #[must_use]
    pub fn has_nothing_to_do(&self) -> bool {
        self.steps.is_empty()
            && self.left_out.is_empty()
            && self.waiting.is_empty()
            && self.blocked.is_empty()
            && self.unread.is_empty()
            && self.in_progress.is_none()
    }
}

impl Gate {
    /// Returns whether nothing is refused.
    #[must_use]
    pub fn open(&self) -> bool {
        self.refusals.is_empty()
    }

    /// Returns whether the gate holds back steps of this weight.
    #[must_use]
    pub fn holds(&self, weight: Weight) -> bool {
        self.refusals.iter().any(|refusal| refusal.kind.holds() == weight)
    }

    /// Returns the number of steps of this weight.
    #[must_use]
    pub fn count(&self, weight: Weight) -> u64 {
        match weight {
            Weight::Counted => self.counted,
            Weight::Recreated => self.recreated,
            Weight::Free => 0,
        }
    }

    /// Returns the number of steps that are held back.
    #[must_use]
    pub fn held(&self) -> u64 {
        let held = [Weight::Counted, Weight::Recreated].into_iter().filter(|it| self.holds(*it));
        held.map(|weight| self.count(weight)).sum()
    }

    /// Returns the flag that consents to what a refusal of this kind holds back.
    #[must_use]
    pub fn flag(&self, kind: RefusalKind) -> String {
        match kind.holds() {
            Weight::Recreated => format!("--allow-recreate {}", self.recreated),
            Weight::Counted | Weight::Free => format!("--allow-destroy {}", self.counted),
        }
    }
}

impl RefusalKind {
    /// Returns the weight of the steps that this rule holds back.
    #[must_use]
    pub const fn holds(self) -> Weight {
        match self {
            Self::MaxDestroy | Self::NothingDesired | Self::FileNotRead => Weight::Counted,
            Self::MaxRecreate => Weight::Recreated,
        }
    }
}

impl HeldReason {
    /// Returns the stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Occupied(_) => "occupied",
            Self::NextLife => "on_next_vanish",
            Self::PreventDestroy => "prevent_destroy",
            Self::MaxRooms(_) => "max_rooms",
            Self::Conflict => "conflict",
            Self::OtherState => "other_state",
            Self::Contested => "contested",
        }
    }
}
