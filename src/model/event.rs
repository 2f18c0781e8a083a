//! What happens while a plan is applied, and what came of it.

use super::{Action, Address, People};

/// Something that happened to one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It started.
    Started(Address, Action),
    /// It is done, and recorded.
    Done {
        /// The room.
        address: Address,
        /// What was done.
        action: Action,
        /// The service's id of the last request.
        request_id: Option<String>,
    },
    /// It failed.
    Failed(StepFailure),
    /// It waits until the people inside have left.
    Waiting(StepWait),
    /// It was not tried.
    NotTried(Address, Action, NotTried),
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// The room.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// What went wrong and what to do, in a sentence.
    pub message: String,
    /// The service's code.
    pub code: Option<i64>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// Whether the outcome is still unknown, so that the next run looks first.
    pub pending: bool,
}

/// A step that waits until the people inside have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepWait {
    /// The room.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// Who is inside.
    pub people: People,
    /// What stood in the way of asking who is inside.
    pub unasked: Option<String>,
}

/// Why a step was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTried {
    /// The run was interrupted.
    Interrupted,
    /// The provider answered that nothing will succeed.
    ProviderFatal,
    /// The provider could not be reached at all.
    ProviderUnreachable,
    /// The application has as many rooms as it may have.
    Quota,
    /// Another side of the same room, which goes first, did not go.
    SideStays,
    /// No room was freed for it: destroys failed or wait.
    NoRoomFreed,
    /// The state can no longer be written.
    StateFailed,
    /// The gate held it back: too many rooms would be destroyed or replaced.
    Gate,
    /// The gate held it back: too many rooms that are gone before their time would be made anew.
    RecreateGate,
    /// The user left it for another run: `--no-destroy`.
    LeftOut,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Steps done, by action.
    pub done: Vec<(Address, Action)>,
    /// Steps that failed.
    pub failed: Vec<StepFailure>,
    /// Steps that wait for people to leave.
    pub waiting: Vec<StepWait>,
    /// Steps that were not tried.
    pub not_tried: Vec<(Address, Action, NotTried)>,
}

impl Outcome {
    /// Adds another outcome to this one.
    pub fn merge(&mut self, other: Self) {
        let Self { done, failed, waiting, not_tried } = other;
        self.done.extend(done);
        self.failed.extend(failed);
        self.waiting.extend(waiting);
        self.not_tried.extend(not_tried);
    }
}

impl NotTried {
    /// Whether somebody wanted it so: the gate, or the user. It is no failure then.
    #[must_use]
    pub const fn is_wanted(self) -> bool {
        match self {
            Self::Gate | Self::RecreateGate | Self::LeftOut => true,
            Self::Interrupted
            | Self::ProviderFatal
            | Self::ProviderUnreachable
            | Self::Quota
            | Self::SideStays
            | Self::NoRoomFreed
            | Self::StateFailed => false,
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::ProviderFatal => "provider_fatal",
            Self::ProviderUnreachable => "provider_unreachable",
            Self::Quota => "quota",
            Self::SideStays => "side_stays",
            Self::NoRoomFreed => "no_room_freed",
            Self::StateFailed => "state_failed",
            Self::Gate => "gate",
            Self::RecreateGate => "recreate_gate",
            Self::LeftOut => "left_out",
        }
    }
}
