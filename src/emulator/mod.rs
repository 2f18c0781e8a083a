//! The stand-in for the services, made from their documents alone.
//!
//! It shares no code with the client: its own wire types, its own check of signatures, its own list of codes,
//! so that one mistake cannot hide in both. Where the vendor is silent it takes the stricter reading, and says
//! so where it does:
//!
//! - a nonce may be used once in ten minutes, and a field that no page shows is refused;
//! - a refused request does not count towards the rate limit;
//! - a ZIM room without a delay is gone as soon as time moves on from its creation, or from the last user's
//!   leaving;
//! - people are anonymous, so any leaving takes the auto-delete attributes along;
//! - a create_room counts towards the one a second of its room whatever comes of it, and keys count towards
//!   the size of the metadata;
//! - an identifier whose UserSig is right is an administrator, and a live room that nobody entered stays;
//! - the rate limit and the age of a signature go by real time, the life of rooms by the emulator's own.

mod action;
mod admin;
mod code;
mod core;
mod data;
mod describe;
mod dice;
mod error;
mod fault;
mod gate;
mod listen;
mod pace;
mod people;
mod process;
mod query;
mod room;
mod settings;
mod shelf;
mod survey;
mod traffic;
mod wire;
mod work;
mod world;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Clock, Kind, RoomId, Timestamp};

pub use action::Action;
pub use data::Data;
pub use error::EmulatorError;
pub use fault::{Fault, FaultError, FaultShare, Share, Work};
pub use listen::Running;
pub use process::Cut;
pub use settings::{App, HeadCount, MissingRoom, Retention, Settings, UnknownOwner};
pub use survey::{AppSurvey, CallSurvey, ClosingSurvey, LiveSurvey, RoomSurvey, Survey};

use self::code::{Code, Tencent, Zego};
use self::core::{Core, Luck};
use self::gate::{AppKey, Caller};
use self::people::Move;
use self::process::Received;
use self::wire::Answer;
use self::work::{Refusal, Request};

/// A stand-in for the services. Clones share one world.
///
/// Its [`Clock`] is that of its world: the clock it was opened with, and what was added by
/// [`Emulator::advance`].
#[derive(Clone)]
pub struct Emulator(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Arc<dyn Clock>,
    core: Mutex<Core>,
}

/// An emulator that is not kept open.
struct Waiting(Weak<Inner>);

impl Emulator {
    /// Opens the stand-in on what `data` holds.
    ///
    /// # Errors
    /// Fails where the settings contradict themselves, the data is locked by another process, damaged or
    /// newer, or a file cannot be read or written.
    pub fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
        data: Data,
    ) -> Result<Self, EmulatorError> {
        settings.check()?;
        let (world, keeper) = data.open()?;
        let core = Mutex::new(Core::new(&settings, world, keeper));
        Ok(Self(Arc::new(Inner { settings, clock, core })))
    }

    /// The services themselves, for tests that go without a socket. A connection that a
    /// fault cuts is a response with the extension [`Cut`] whose body ends in an error.
    pub fn router(&self) -> axum::Router {
        listen::router(self.clone())
    }

    /// Serves on `address`, port 0 for any that is free.
    ///
    /// # Errors
    /// Returns [`EmulatorError::Listen`] where the address is in use or not ours.
    pub async fn listen(&self, address: SocketAddr) -> Result<Running, EmulatorError> {
        listen::listen(self.clone(), address).await
    }

    /// Lets `users` more into a room, and returns how many are inside then. An RTC room appears as its first
    /// user enters.
    ///
    /// # Errors
    /// Fails where the app is not served, the room does not exist, or the change cannot be kept.
    pub fn enter(
        &self,
        kind: Kind,
        app: u32,
        room: &RoomId,
        users: u64,
    ) -> Result<u64, EmulatorError> {
        self.move_people((kind, app), room, Move::Enter(users))
    }

    /// Lets `users` out of a room, everyone where none is given, and returns how many are left inside.
    ///
    /// # Errors
    /// Fails as [`Emulator::enter`] does.
    pub fn leave(
        &self,
        kind: Kind,
        app: u32,
        room: &RoomId,
        users: Option<u64>,
    ) -> Result<u64, EmulatorError> {
        self.move_people((kind, app), room, Move::Leave(users.unwrap_or(u64::MAX)))
    }

    /// Lets time pass for the rooms. Signatures and rate limits stay with real time.
    ///
    /// # Errors
    /// Fails where the change cannot be kept.
    pub fn advance(&self, span: Duration) -> Result<(), EmulatorError> {
        let (mut core, _) = self.core();
        core.advance(span)
    }

    /// Shows everything at once, for tests.
    #[must_use]
    pub fn survey(&self) -> Survey {
        let (mut core, now) = self.core();
        core.survey(&self.0.settings, now)
    }

    /// Says in a few lines what is served and what it accepts. No secret is in it.
    #[must_use]
    pub fn describe(&self) -> String {
        describe::describe(&self.0.settings)
    }

    /// Brings the data file up to date and empties the log beside it. Nothing is lost without it: the next
    /// one to open the data does the same.
    ///
    /// # Errors
    /// Returns [`EmulatorError::File`] where the file cannot be written.
    pub fn fold(&self) -> Result<(), EmulatorError> {
        let (mut core, now) = self.core();
        core.fold(now)
    }

    fn core(&self) -> (MutexGuard<'_, Core>, Timestamp) {
        // A panic while it was held left at worst one request undone.
        let core = self.0.core.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.now().plus(core.ahead());
        (core, now)
    }

    fn move_people(
        &self,
        (kind, app): AppKey,
        room: &RoomId,
        step: Move,
    ) -> Result<u64, EmulatorError> {
        if self.served(Some(kind), Some(app)).next().is_none() {
            return Err(EmulatorError::NoSuchApp { kind, app });
        }
        let (mut core, now) = self.core();
        core.move_people((kind, app), room, step, now, &self.0.settings)
    }

    /// The applications of this kind and id, of any where none is given.
    fn served(&self, kind: Option<Kind>, app: Option<u32>) -> impl Iterator<Item = AppKey> {
        let apps = self.0.settings.apps.iter().map(|app| (app.kind, app.app_id));
        apps.filter(move |(its, id)| {
            kind.is_none_or(|kind| kind == *its) && app.is_none_or(|app| app == *id)
        })
    }

    fn luck(&self) -> Luck {
        self.core().0.luck(&self.0.settings)
    }

    fn lands(&self, work: Work) -> bool {
        work.lands(&mut self.core().0.dice)
    }

    fn heads(&self) -> bool {
        self.core().0.dice.heads()
    }

    fn arrive(&self, received: &Received) -> Result<Caller, Refusal> {
        let (mut core, _) = self.core();
        core.arrive(received, self.0.clock.now(), &self.0.settings)
    }

    fn work(&self, caller: Caller, received: &Received) -> Answer {
        let kind = caller.action.kind();
        let (Some(body), Ok(query)) = (&received.body, &received.query) else {
            let code: Code = match kind {
                Kind::Rtc | Kind::Zim => Zego::Body.into(),
                Kind::TencentLive => Tencent::Http.into(),
            };
            return self.refuse(kind, code.into());
        };
        let (mut core, now) = self.core();
        core.work(&Request { caller, query, body, now, at: Instant::now() }, &self.0.settings)
    }

    fn busy(&self, caller: Caller) -> Answer {
        let (mut core, _) = self.core();
        let refusal = core.busy(caller);
        core.answer(caller.action.kind(), Err(refusal))
    }

    fn refuse(&self, kind: Kind, refusal: Refusal) -> Answer {
        self.core().0.answer(kind, Err(refusal))
    }

    fn downgrade(&self) -> Waiting {
        Waiting(Arc::downgrade(&self.0))
    }
}

impl Waiting {
    fn upgrade(&self) -> Option<Emulator> {
        self.0.upgrade().map(Emulator)
    }
}

impl Clock for Emulator {
    fn now(&self) -> Timestamp {
        self.core().1
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
