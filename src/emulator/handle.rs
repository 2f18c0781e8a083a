//! The handle of an emulator: opens it on its data, changes and reads it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Clock, Kind, RoomId, Timestamp};

use super::action::AppKey;
use super::config::EmulatorConfig;
use super::core::{self, Core, Disturbance};
use super::error::EmulatorError;
use super::fault::Work;
use super::request::{Caller, RawRequest, Request};
use super::response::{Accepted, Answer, Payload, Refusal};
use super::store::{Data, Storage};
use super::world::{Change, Move};

/// An emulator of the services. Clones share one world.
///
/// As a [`Clock`] it returns the time of its world: the time of the clock that it was opened with, plus what
/// [`Emulator::advance`] has added.
///
/// Methods that change the world block until the change is durable. In async code, call them on a blocking
/// thread.
#[derive(Clone)]
pub struct Emulator(Arc<Inner>);

struct Inner {
    config: EmulatorConfig,
    clock: Arc<dyn Clock>,
    /// Whether changes are written to a disk.
    on_disk: bool,
    /// Locked from the decision on a change until the change is applied: one change at a time. Locked before
    /// `core`.
    storage: Mutex<Storage>,
    /// Never locked while a file is written, so that reads and the clock do not wait for a disk.
    core: Mutex<Core>,
}

/// A weak reference to an emulator, which does not keep it open.
pub(super) struct WeakEmulator(Weak<Inner>);

impl Emulator {
    /// Opens the emulator on `data`.
    ///
    /// # Errors
    /// Fails if the configuration contradicts itself, the data is locked by another process, damaged or
    /// newer, or a file cannot be read or written.
    pub fn open(
        config: EmulatorConfig,
        clock: Arc<dyn Clock>,
        data: Data,
    ) -> Result<Self, EmulatorError> {
        config.check()?;
        let (world, storage) = data.open()?;
        let core = Mutex::new(Core::new(&config, world));
        let on_disk = storage.is_on_disk();
        let storage = Mutex::new(storage);
        Ok(Self(Arc::new(Inner { config, clock, on_disk, storage, core })))
    }

    /// Adds `users` to the people inside a room, and returns how many are inside then. An RTC room is
    /// created when its first user enters.
    ///
    /// # Errors
    /// Fails if the app is not served, the room does not exist, or the change cannot be stored.
    pub fn enter(
        &self,
        kind: Kind,
        app: u32,
        room: &RoomId,
        users: u64,
    ) -> Result<u64, EmulatorError> {
        self.move_people((kind, app), room, Move::Enter(users))
    }

    /// Removes `users` people from a room, or all for `None`, and returns how many are left inside.
    ///
    /// # Errors
    /// Fails like [`Emulator::enter`].
    pub fn leave(
        &self,
        kind: Kind,
        app: u32,
        room: &RoomId,
        users: Option<u64>,
    ) -> Result<u64, EmulatorError> {
        self.move_people((kind, app), room, Move::Leave(users.unwrap_or(u64::MAX)))
    }

    /// Advances the time of the rooms. Signatures and rate limits still use real time.
    ///
    /// # Errors
    /// Fails if the change cannot be stored.
    pub fn advance(&self, span: Duration) -> Result<(), EmulatorError> {
        let mut storage = self.storage();
        let change = self.core().0.advanced(span);
        self.change(&mut storage, change)
    }

    /// Describes in a few lines what is served and which requests are accepted, without secrets.
    #[must_use]
    pub fn describe(&self) -> String {
        self.0.config.describe()
    }

    /// Folds the log into the data file. Without it nothing is lost: the next emulator that opens the data
    /// folds the log.
    ///
    /// # Errors
    /// Returns [`EmulatorError::File`] if the file cannot be written.
    pub fn fold(&self) -> Result<(), EmulatorError> {
        let mut storage = self.storage();
        if storage.has_changes() { self.fold_into(&mut storage) } else { Ok(()) }
    }

    /// Returns the whole world as one JSON document, in the format of the data file.
    ///
    /// # Errors
    /// Returns [`EmulatorError::Encode`] if it cannot be encoded.
    pub fn snapshot(&self) -> Result<Vec<u8>, EmulatorError> {
        let storage = self.storage();
        let (mut core, now) = self.core();
        core.world.expire(now);
        Ok(storage.encode(&core.world)?.into_text())
    }

    /// Returns the applications with a kind and an id; `None` matches any.
    pub(super) fn served(
        &self,
        kind: Option<Kind>,
        app: Option<u32>,
    ) -> impl Iterator<Item = AppKey> {
        let apps = self.0.config.apps.iter().map(|app| (app.kind, app.app_id));
        apps.filter(move |(its, id)| {
            kind.is_none_or(|kind| kind == *its) && app.is_none_or(|app| app == *id)
        })
    }

    /// Returns whether changes are written to a disk.
    pub(super) fn is_on_disk(&self) -> bool {
        self.0.on_disk
    }

    pub(super) fn disturbance(&self) -> Disturbance {
        self.core().0.disturbance(&self.0.config)
    }

    pub(super) fn is_done(&self, work: Work) -> bool {
        work.is_done(&mut self.core().0.random)
    }

    pub(super) fn coin(&self) -> bool {
        self.core().0.random.coin()
    }

    /// Checks the signature and the rate limit of an arriving request.
    pub(super) fn admit(&self, raw: &RawRequest) -> Result<Caller, Refusal> {
        self.core().0.admit(raw, self.0.clock.now(), &self.0.config)
    }

    /// Executes a request and returns its answer. A change is decided, made durable and applied; the call
    /// blocks until then.
    pub(super) fn work(&self, caller: Caller, raw: &RawRequest) -> Answer {
        let outcome = self.payload(caller, raw);
        self.core().0.reply(caller, outcome, &self.0.config)
    }

    fn payload(&self, caller: Caller, raw: &RawRequest) -> Result<Payload, Refusal> {
        let kind = caller.action.kind();
        let (Some(body), Ok(query)) = (&raw.body, &raw.query) else {
            return Err(core::invalid_body(kind));
        };
        let mut guard = (!caller.action.only_reads()).then(|| self.storage());
        let accepted = {
            let (mut core, now) = self.core();
            let request = Request { caller, query, body, now, at: Instant::now() };
            core.decide(&request, &self.0.config)?
        };
        let Accepted { change, payload } = accepted;
        if let Some(change) = change {
            let storage = guard.get_or_insert_with(|| self.storage());
            self.change(storage, change).map_err(|error| core::not_stored(kind, &error))?;
        }
        Ok(payload)
    }

    /// Returns the "too often" answer for a caller.
    pub(super) fn busy(&self, caller: Caller) -> Answer {
        let refusal = core::too_often(caller, &self.0.config);
        self.refuse(caller.action.kind(), refusal)
    }

    pub(super) fn refuse(&self, kind: Kind, refusal: Refusal) -> Answer {
        self.core().0.answer(kind, Err(refusal))
    }

    pub(super) fn downgrade(&self) -> WeakEmulator {
        WeakEmulator(Arc::downgrade(&self.0))
    }

    fn move_people(
        &self,
        (kind, app): AppKey,
        room: &RoomId,
        people: Move,
    ) -> Result<u64, EmulatorError> {
        if self.served(Some(kind), Some(app)).next().is_none() {
            return Err(EmulatorError::NoSuchApp { kind, app });
        }
        let mut storage = self.storage();
        let moved = {
            let (mut core, now) = self.core();
            core.world.expire(now);
            core.world.moved((kind, app), room.as_str(), people, now, &self.0.config)
        };
        let missing = || EmulatorError::NoSuchRoom { kind, app, room: room.clone() };
        let (change, inside) = moved.ok_or_else(missing)?;
        self.change(&mut storage, change)?;
        Ok(inside)
    }

    /// Makes a change durable, then applies it.
    fn change(&self, storage: &mut Storage, change: Change) -> Result<(), EmulatorError> {
        if storage.is_fold_due() {
            self.fold_into(storage)?;
        }
        storage.append(&change)?;
        self.core().0.world.apply(change);
        Ok(())
    }

    fn fold_into(&self, storage: &mut Storage) -> Result<(), EmulatorError> {
        let snapshot = {
            let (mut core, now) = self.core();
            core.world.expire(now);
            storage.encode(&core.world)?
        };
        storage.fold(&snapshot)
    }

    #[cfg(test)]
    pub(super) fn parts(&self) -> (MutexGuard<'_, Storage>, MutexGuard<'_, Core>) {
        (self.storage(), self.core().0)
    }

    fn storage(&self) -> MutexGuard<'_, Storage> {
        // After a panic while the lock was held, at worst one change was not applied.
        self.0.storage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn core(&self) -> (MutexGuard<'_, Core>, Timestamp) {
        // After a panic while the lock was held, at worst one request was not executed.
        let core = self.0.core.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.now().plus(core.world.ahead());
        (core, now)
    }
}

impl WeakEmulator {
    pub(super) fn upgrade(&self) -> Option<Emulator> {
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
        f.debug_struct("Emulator").field("config", &self.0.config).finish_non_exhaustive()
    }
}
