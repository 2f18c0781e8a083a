//! The work itself: each action looks at the world and says what changes and what it answers.

mod ask;
mod change;
mod checks;

use crate::model::Timestamp;

use super::code::Code;
use super::gate::Caller;
use super::query::Query;
use super::wire::Payload;
use super::world::{Entry, World};
use super::{Action, Settings};

/// A request that passed the gate.
pub(super) struct Request<'a> {
    pub(super) caller: Caller,
    pub(super) query: &'a Query,
    pub(super) body: &'a [u8],
    /// The time in the emulator's world.
    pub(super) now: Timestamp,
}

/// A request that was carried out.
#[derive(Debug)]
pub(super) struct Done {
    /// What changes, if anything does.
    pub(super) change: Option<Entry>,
    pub(super) payload: Payload,
}

/// A request that was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) payload: Payload,
}

/// What a request comes to.
pub(super) type Outcome = Result<Done, Refusal>;

/// Decides what a request comes to. Nothing is changed yet.
pub(super) fn decide(request: &Request<'_>, world: &World, settings: &Settings) -> Outcome {
    match request.caller.action {
        Action::CreateRoom => change::create(request, world, settings),
        Action::DestroyRoom => change::destroy(request, world),
        Action::ModifyRoomAttribute => change::modify(request, world, settings),
        Action::QueryRoomAttribute => ask::attributes(request, world, settings),
        Action::QueryRoomUserList => ask::people(request, world),
        Action::UserRegister => change::register(request, world),
    }
}

impl Done {
    fn told(payload: Payload) -> Self {
        Self { change: None, payload }
    }

    fn changed(change: Entry, payload: Payload) -> Self {
        Self { change: Some(change), payload }
    }
}

impl Refusal {
    /// A refusal that says more than its code does.
    pub(super) fn because(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), payload: Payload::Nothing {} }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::because(code, code.message())
    }
}
