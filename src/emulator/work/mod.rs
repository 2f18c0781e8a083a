//! The work itself: each action looks at the world and says what changes and what it answers.

mod live;
mod rtc;
mod zim;

use tokio::time::Instant;

use crate::model::Timestamp;

use super::code::Code;
use super::gate::Caller;
use super::pace::Pace;
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
    /// The time that limits go by.
    pub(super) at: Instant,
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

/// Decides what a request comes to. Nothing of the world is changed yet.
pub(super) fn decide(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
    pace: &mut Pace,
) -> Outcome {
    match request.caller.action {
        Action::CreateRoom => zim::create(request, world, settings),
        Action::DestroyRoom => zim::destroy(request, world),
        Action::ModifyRoomAttribute => zim::modify(request, world, settings),
        Action::QueryRoomAttribute => zim::attributes(request, world, settings),
        Action::QueryRoomUserList => zim::people(request, world),
        Action::UserRegister => zim::register(request, world),
        Action::CloseRoom => rtc::close(request, world),
        Action::DescribeUserNum => rtc::count(request, world),
        Action::LiveCreateRoom => live::create(request, world, settings, pace),
        Action::LiveDestroyRoom => live::destroy(request, world, settings),
        Action::LiveGetRoomInfo => live::info(request, world, settings),
        Action::LiveUpdateRoomInfo => live::update(request, world),
        Action::LiveSetRoomMetadata => live::set(request, world, settings),
        Action::LiveGetRoomMetadata => live::metadata(request, world),
        Action::LiveDelRoomMetadata => live::delete(request, world),
        Action::AccountImport => live::import(request),
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
    pub(super) fn because(code: impl Into<Code>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), payload: Payload::Nothing {} }
    }
}

impl<C: Into<Code>> From<C> for Refusal {
    fn from(code: C) -> Self {
        let code = code.into();
        Self::because(code, code.message())
    }
}
