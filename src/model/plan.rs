//! A plan: a value that is rendered, or approved and applied.

use std::time::Duration;

use serde::Serialize;

use super::{
    Action, Address, Digest, Finding, Holder, Lineage, Partial, People, Refresh, Step, Weight,
};

/// What would be done, and what would not, and why.
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
    /// Steps that the saved plan does not have: they are left out.
    pub left_out: Vec<Step>,
    /// Wanted, but a policy says later; by address.
    pub waiting: Vec<Held>,
    /// Wanted, but protected or refused; by address.
    pub blocked: Vec<Held>,
    /// Rooms that could not be read, so that nothing is planned for them; by address.
    pub unread: Vec<Unread>,
    /// The run that is changing rooms meanwhile, where there is one.
    pub in_progress: Option<RunInProgress>,
    /// The gate's verdict.
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
    /// As the refresh mode says.
    As(Refresh),
    /// Nothing, since no credentials were there.
    NoCredentials,
}

/// Which state a plan was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StateRef {
    /// The line of states; null where there is none yet.
    pub lineage: Option<Lineage>,
    /// The serial.
    pub serial: u64,
}

/// Something that is wanted and held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The step as it would be.
    pub step: Step,
    /// Why it is held back.
    pub reason: HeldReason,
}

/// Why something that is wanted is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldReason {
    /// Waiting: people are inside, and `on_occupied: defer`.
    Occupied(People),
    /// Waiting: for the room's next life, `replace: on_next_vanish`.
    NextLife,
    /// Blocked: `prevent_destroy`.
    PreventDestroy,
    /// Blocked: more rooms than the provider's `max_rooms`.
    MaxRooms(u64),
    /// Blocked: the room exists, was not made by us, and `on_conflict: fail`.
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
    /// A sentence that says why.
    pub why: String,
}

/// A run that is in progress while a plan is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunInProgress {
    /// Who runs it.
    pub by: Holder,
    /// The rooms with a call of that run in flight, by address: nothing is planned for them.
    pub rooms: Vec<Address>,
}

/// The gate's verdict: open where nothing is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Why steps are held back.
    pub refusals: Vec<Refusal>,
    /// How many steps end a room's life or its record: the N that `--allow-destroy` has to reach.
    pub counted: u64,
    /// How many steps make rooms anew before their time: the N that `--allow-recreate` has to reach.
    pub recreated: u64,
}

/// One reason to hold steps back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which rule.
    pub kind: RefusalKind,
    /// The numbers, in one sentence.
    pub message: String,
}

/// A rule of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// More than `max_destroy`.
    MaxDestroy,
    /// Nothing at all is desired.
    NothingDesired,
    /// A room's file was not read in this run.
    FileNotRead,
    /// More than `max_recreate`.
    MaxRecreate,
}

/// How many of each.
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
    /// Rooms that are as they should be, as far as they were queried.
    pub unchanged: u64,
    /// Rooms that wait.
    pub waiting: u64,
    /// Rooms that are blocked.
    pub blocked: u64,
    /// Rooms that were queried and could not be read.
    pub unread: u64,
    /// Rooms that were queried.
    pub asked: u64,
    /// Rooms that were due and were not queried, since credentials are missing: they are planned
    /// as recorded.
    pub not_asked: u64,
}

impl Summary {
    /// The number of steps of an action.
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

    /// The number of steps.
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
    /// Whether changes are wanted: steps, or rooms that wait or are blocked.
    #[must_use]
    pub fn wants_changes(&self) -> bool {
        !(self.steps.is_empty() && self.waiting.is_empty() && self.blocked.is_empty())
    }

    /// Whether there is no step, nothing is held back or unread, and no other run is changing rooms.
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
    /// Whether nothing is refused.
    #[must_use]
    pub fn open(&self) -> bool {
        self.refusals.is_empty()
    }

    /// Whether it holds steps of this weight back.
    #[must_use]
    pub fn holds(&self, weight: Weight) -> bool {
        self.refusals.iter().any(|refusal| refusal.kind.holds() == weight)
    }

    /// How many steps of this weight there are.
    #[must_use]
    pub fn count(&self, weight: Weight) -> u64 {
        match weight {
            Weight::Counted => self.counted,
            Weight::Recreated => self.recreated,
            Weight::Free => 0,
        }
    }

    /// How many steps are held back.
    #[must_use]
    pub fn held(&self) -> u64 {
        let held = [Weight::Counted, Weight::Recreated].into_iter().filter(|it| self.holds(*it));
        held.map(|weight| self.count(weight)).sum()
    }

    /// The flag that consents to what a refusal of this kind holds back.
    #[must_use]
    pub fn flag(&self, kind: RefusalKind) -> String {
        match kind.holds() {
            Weight::Recreated => format!("--allow-recreate {}", self.recreated),
            Weight::Counted | Weight::Free => format!("--allow-destroy {}", self.counted),
        }
    }
}

impl RefusalKind {
    /// The weight of the steps that it holds back.
    #[must_use]
    pub const fn holds(self) -> Weight {
        match self {
            Self::MaxDestroy | Self::NothingDesired | Self::FileNotRead => Weight::Counted,
            Self::MaxRecreate => Weight::Recreated,
        }
    }
}

impl HeldReason {
    /// The stable code.
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
