//! The events of a run, and its outcome.

use std::time::Duration;

use super::{
    Action, Address, AttributeChange, Fields, Partial, Patch, People, Reason, Room, Step, Value,
};

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Calls that an earlier run left open, in this number of rooms, may still take effect for this
    /// long. Nothing is done with these rooms before.
    CallsAwaited(u64, Duration),
    /// This number of rooms is about to be read.
    ReadsStarted(u64),
    /// This number of further rooms was read, or failed to be read.
    RoomsRead(u64),
    /// The refresh ended.
    ReadsEnded,
    /// This number of steps of an approved plan is about to be applied.
    StepsStarted(u64),
    /// An event of a step.
    Step(StepEvent),
    /// No more steps are applied.
    StepsEnded,
}

/// An event of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEvent {
    /// The room.
    pub address: Address,
    /// What is done: `adopt` if a create found an existing room and adopted it.
    pub action: Action,
    /// The reason, as in the plan.
    pub reason: Reason,
    /// How long the step took; `None` if it has not ended or did not run.
    pub duration: Option<Duration>,
    /// The progress of the step.
    pub progress: StepProgress,
}

/// The progress of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepProgress {
    /// It started.
    Started,
    /// It is done, and recorded.
    Done {
        /// The service's id of the last request.
        request_id: Option<String>,
        /// The values of an adopted room that were overwritten.
        overwritten: Vec<Overwritten>,
    },
    /// It failed.
    Failed(StepFailure),
    /// It waits.
    Waiting(StepWait),
    /// It was not tried.
    NotTried(NotTried),
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// The room.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// What failed and how to fix it, in a sentence.
    pub message: String,
    /// The service's code.
    pub code: Option<i64>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// Whether the outcome is still unknown, so that the next run looks up the room first.
    pub pending: bool,
    /// Whether a part of the step was done before it failed.
    pub partial: bool,
}

/// A step that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepWait {
    /// The room.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// What it waits for.
    pub reason: WaitReason,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// These people are inside, or may be.
    People(People),
    /// The people inside could not be read, for this reason.
    Unread(String),
    /// The room's next life, under `replace: on_next_vanish`.
    NextLife,
}

/// Why a step was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTried {
    /// The run was interrupted.
    Interrupted,
    /// The provider returned an error that applies to all its calls.
    ProviderFatal,
    /// The provider could not be reached.
    ProviderUnreachable,
    /// The provider stopped answering.
    ProviderNoAnswer,
    /// The provider answers every call with "too often".
    ProviderTooOften,
    /// The application has reached its quota of rooms.
    Quota,
    /// Another side of the same room, which is destroyed first, still exists.
    SideStays,
    /// No room was freed for it, because destroys failed or wait.
    NoRoomFreed,
    /// The state can no longer be written.
    StateFailed,
    /// The gate held it back: too many rooms would be destroyed or replaced.
    Gate,
    /// The gate held it back: too many rooms that are gone before their time would be recreated.
    RecreateGate,
    /// `--no-destroy` left it for another run.
    LeftOut,
    /// The saved plan does not have it.
    NotInPlan,
}

/// A value of an adopted room that was overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwritten {
    /// The field, such as `attributes.topic`.
    pub path: String,
    /// The value that the room had.
    pub before: Value,
    /// The value that it has now.
    pub after: Value,
}

/// A room that was to be created, existed already, and was adopted: `on_conflict: adopt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The room.
    pub address: Address,
    /// The values that were overwritten.
    pub overwritten: Vec<Overwritten>,
}

/// The outcome of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Steps done, by action.
    pub done: Vec<(Address, Action)>,
    /// Rooms that the plan was to create and that were adopted instead.
    pub adopted: Vec<Adoption>,
    /// Steps that failed.
    pub failed: Vec<StepFailure>,
    /// Steps that wait.
    pub waiting: Vec<StepWait>,
    /// Steps that were not tried.
    pub not_tried: Vec<(Address, Action, NotTried)>,
    /// How many rooms have no step because they are blocked.
    pub blocked: u64,
    /// How many rooms have no step because they could not be read.
    pub unread: u64,
    /// The scope of the run, if it is not all rooms.
    pub scope: Option<Partial>,
}

impl StepEvent {
    /// Makes the event of a step that starts.
    #[must_use]
    pub fn started(step: &Step) -> Self {
        Self {
            address: step.address.clone(),
            action: step.action,
            reason: step.reason,
            duration: None,
            progress: StepProgress::Started,
        }
    }
}

impl Overwritten {
    /// Returns the values of the room `found` that `changes` overwrite, not those that they add.
    #[must_use]
    pub fn by(found: &Room, changes: &[Patch]) -> Vec<Self> {
        let of = |patch: &Patch| match patch {
            Patch::Attributes(changes) => {
                changes.iter().filter_map(|change| attribute(found, change)).collect::<Vec<_>>()
            }
            Patch::Fields(fields) => Self::fields(found, fields),
        };
        changes.iter().flat_map(of).collect()
    }

    fn fields(found: &Room, fields: &Fields) -> Vec<Self> {
        let of = |(field, after): (super::Field, &Value)| {
            let before = found.value(field).filter(|before| *before != after.by_ref())?.to_value();
            Some(Self { path: field.as_str().to_owned(), before, after: after.clone() })
        };
        fields.iter().filter_map(of).collect()
    }
}

/// Returns the value of an attribute that a change overwrites.
fn attribute(found: &Room, change: &AttributeChange) -> Option<Overwritten> {
    let key = change.key();
    let before = found.attributes.get(key)?.value.clone();
    let after = match change {
        AttributeChange::Set(_, attribute) => attribute.value.clone(),
        AttributeChange::Delete(_) => return None,
    };
    (before != after).then(|| Overwritten {
        path: format!("attributes.{key}"),
        before: Value::Text(before),
        after: Value::Text(after),
    })
}

impl Outcome {
    /// Returns whether the run changed something; an outcome that is still unknown counts.
    #[must_use]
    pub fn has_changed_something(&self) -> bool {
        !self.done.is_empty() || self.failed.iter().any(|step| step.pending || step.partial)
    }

    /// Adds the counts and lists of another outcome.
    pub fn merge(&mut self, other: Self) {
        let Self { done, adopted, failed, waiting, not_tried, blocked, unread, scope } = other;
        self.done.extend(done);
        self.adopted.extend(adopted);
        self.failed.extend(failed);
        self.waiting.extend(waiting);
        self.not_tried.extend(not_tried);
        self.blocked += blocked;
        self.unread += unread;
        self.scope = self.scope.take().or(scope);
    }
}

impl WaitReason {
    /// Returns whether the people inside are unknown.
    #[must_use]
    pub const fn is_unread(&self) -> bool {
        match self {
            Self::People(People::Unknown) | Self::Unread(_) => true,
            Self::People(People::Nobody | People::Count(_) | People::AtLeast(_))
            | Self::NextLife => false,
        }
    }
}

impl NotTried {
    /// Returns whether the gate or the user left it out, which is not a failure.
    #[must_use]
    pub const fn is_intended(self) -> bool {
        match self {
            Self::Gate | Self::RecreateGate | Self::LeftOut | Self::NotInPlan => true,
            Self::Interrupted
            | Self::ProviderFatal
            | Self::ProviderUnreachable
            | Self::ProviderNoAnswer
            | Self::ProviderTooOften
            | Self::Quota
            | Self::SideStays
            | Self::NoRoomFreed
            | Self::StateFailed => false,
        }
    }

    /// Returns the stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::ProviderFatal => "provider_fatal",
            Self::ProviderUnreachable => "provider_unreachable",
            Self::ProviderNoAnswer => "provider_no_answer",
            Self::ProviderTooOften => "provider_too_often",
            Self::Quota => "quota",
            Self::SideStays => "side_stays",
            Self::NoRoomFreed => "no_room_freed",
            Self::StateFailed => "state_failed",
            Self::Gate => "gate",
            Self::RecreateGate => "recreate_gate",
            Self::LeftOut => "left_out",
            Self::NotInPlan => "not_in_plan",
        }
    }
}
