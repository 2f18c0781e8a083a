//! The context of a step, and the queries before a destroy (who is inside) and a replace (also the
//! attributes that others wrote).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::call_admission::CallAdmission;
use super::journal::JournalWriter;
use super::observe::observe_room;
use super::{Connection, Connections, Stop};
use crate::model::{
    Address, ApiError, Call, ErrorClass, Kind, NotTried, Observation, ObservedRoom, Operation,
    PendingKind, People, Recorded, RecordedRoom, Room, Timestamp, belongs_to, over_limits,
};
use crate::provider::{Observer, Receipt};
use crate::state::StateError;

/// Executes single steps of one provider.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) connection: Connection,
    /// The connections of all providers: a room may have sides at other providers.
    pub(super) connections: Arc<Connections>,
    pub(super) journal: JournalWriter,
    pub(super) admission: CallAdmission,
    pub(super) stop: Stop,
    /// The record before the run.
    pub(super) recorded: Arc<Recorded>,
    /// Whether this step has changed something.
    pub(super) effects: Arc<AtomicBool>,
    /// Why the provider takes no more steps; unset while it does.
    pub(super) halted: Arc<OnceLock<NotTried>>,
    /// Why the provider takes no more steps that make a room; unset while it does.
    pub(super) creates_halted: Arc<OnceLock<NotTried>>,
}

/// A change that one call makes, and what is recorded before and after it.
pub(super) struct Mutation<'a> {
    pub(super) address: &'a Address,
    pub(super) operation: Operation,
    /// The call that makes the change.
    pub(super) call: Call,
    /// The sides of the room that have to be empty before the call.
    pub(super) empty: Vec<Address>,
    /// The room that a replace makes next: the attributes that others wrote into the old room are read
    /// before the call, and carried over to the new one.
    pub(super) next: Option<Arc<Room>>,
    pub(super) kind: PendingKind,
    /// The record in the intent.
    pub(super) record: RecordedRoom,
    /// The record that is restored if the change was not made.
    pub(super) before: Option<&'a RecordedRoom>,
    /// What the room is once an update is done.
    pub(super) target: Option<Arc<Room>>,
}

/// A mutation whose result is known.
pub(super) struct Completed {
    pub(super) result: MutationResult,
    /// The record in its last intent.
    pub(super) record: RecordedRoom,
}

/// The result of a mutation.
pub(super) enum MutationResult {
    /// The service reports that it is done; with the time at which the call was sent.
    Done(Receipt, Timestamp),
    /// A lookup shows that it is done; with the record by that lookup.
    Confirmed(RecordedRoom),
    /// The room does not exist: the service's answer, or `None` if a lookup shows it.
    Missing(Option<ApiError>),
    /// The room exists already.
    Exists(ApiError, EarlierIntent),
}

/// Whether an earlier intent of ours to create the room had an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EarlierIntent {
    /// There was such an intent, and a lookup after it found no room.
    Open,
    /// There was no such intent.
    Absent,
}

/// Why a mutation is not known to be done.
pub(super) enum Failure {
    /// It is known not to be done, and the record is as before.
    NotDone(ApiError),
    /// Its outcome is unknown, and it stays pending.
    Open(String, Option<ApiError>),
    /// People are inside, or may be.
    Occupied(Occupants),
    /// It could not be read who is inside.
    Unread(QueryFailure),
    /// The run was interrupted before anything was sent.
    Interrupted,
    /// The provider takes no more steps, and this step has changed nothing.
    NotTried(NotTried),
    /// It could not be recorded.
    State(StateError),
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// The result of the queries right before a call.
pub(super) enum Precheck {
    /// The room does not exist; with the record for the intent.
    Missing(RecordedRoom),
    /// The call may be sent.
    Clear {
        /// The record for the call's intent.
        record: RecordedRoom,
        /// When the last answer was received; `None` if no query was needed.
        answered: Option<Instant>,
    },
}

/// The people inside a room that is to be destroyed.
pub(super) struct Occupants {
    /// The people at the side that the step destroys.
    pub(super) here: People,
    /// The people at all sides of the room.
    pub(super) anywhere: People,
}

/// Why a room could not be read.
pub(super) struct QueryFailure {
    /// The other side of the room, if that is what could not be read.
    pub(super) side: Option<Address>,
    /// The error of the query.
    pub(super) api_error: ApiError,
}

impl Worker {
    /// Returns a worker for the rest of a step that has changed something: neither a stop nor a halt ends
    /// it, only the run's grace period.
    pub(super) fn committed(&self) -> Self {
        self.effects.store(true, Ordering::Relaxed);
        let (halted, creates_halted) = (Arc::default(), Arc::default());
        Self { stop: Stop::never(), halted, creates_halted, ..self.clone() }
    }

    /// Returns whether this step has changed something.
    pub(super) fn has_changed_something(&self) -> bool {
        self.effects.load(Ordering::Relaxed)
    }

    /// Registers the users that an operation needs.
    pub(super) async fn register_users(&self, operation: &Operation) -> Result<(), Failure> {
        let prepared = self.connection.client.prepare(operation);
        let prepared = self.stop.or(prepared).await.ok_or(Failure::Interrupted)?;
        prepared.map_err(|api_error| self.not_done(api_error))
    }

    /// Returns the failure of a change that is known not to be done.
    pub(super) fn not_done(&self, api_error: ApiError) -> Failure {
        match self.connection.client.tripped() {
            Some(why)
                if api_error.class == ErrorClass::Stopped && !self.has_changed_something() =>
            {
                Failure::NotTried(why.into())
            }
            Some(_) | None => Failure::NotDone(api_error),
        }
    }

    /// Returns the kind of the provider.
    pub(super) fn kind(&self) -> Kind {
        self.connection.provider.kind()
    }

    /// Records a room.
    pub(super) async fn record(
        &self,
        address: &Address,
        record: &RecordedRoom,
    ) -> Result<(), Failure> {
        Ok(self.journal.record(address, record).await?)
    }

    /// Restores the record of a room that a call did not change.
    pub(super) async fn restore(
        &self,
        address: &Address,
        before: Option<&RecordedRoom>,
    ) -> Result<(), Failure> {
        Ok(self.journal.restore(address, before).await?)
    }
}

impl Occupants {
    fn add(&mut self, people: People, here: bool) {
        self.anywhere = self.anywhere.and(people);
        if here {
            self.here = self.here.and(people);
        }
    }
}

impl fmt::Display for QueryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, api_error } = self;
        match side {
            Some(side) => write!(f, "{side}: {api_error}"),
            None => write!(f, "{api_error}"),
        }
    }
}

impl Worker {
    /// Reads right before a destroy whether people are inside, and before a replace also the attributes.
    /// Fails with [`Failure::Occupied`] or [`Failure::Unread`] if the step has to wait.
    pub(super) async fn precheck(&self, mutation: &Mutation<'_>) -> Result<Precheck, Failure> {
        let mut occupants = Occupants { here: People::Nobody, anywhere: People::Nobody };
        let read = match mutation.next {
            Some(_) => match self.read(mutation.address).await? {
                Some(observed_room) => Some(observed_room),
                None => return Ok(Precheck::Missing(self.record_for_intent(mutation, None)?)),
            },
            None => None,
        };
        for side in &mutation.empty {
            let here = side == mutation.address;
            let people = match &read {
                Some(observed_room) if here => Some(observed_room.people),
                Some(_) | None => self.people(side, here).await?,
            };
            match people {
                None if here => return Ok(Precheck::Missing(mutation.record.clone())),
                people => occupants.add(people.unwrap_or(People::Nobody), here),
            }
        }
        match occupants.anywhere {
            People::Nobody => {
                let asks = mutation.next.is_some() || !mutation.empty.is_empty();
                let record = self.record_for_intent(mutation, read.as_ref())?;
                Ok(Precheck::Clear { record, answered: asks.then(Instant::now) })
            }
            People::Count(_) | People::AtLeast(_) | People::Unknown => {
                Err(Failure::Occupied(occupants))
            }
        }
    }

    /// Reads who is inside a side of a room; `None` if the side does not exist, [`People::Nobody`] if its
    /// provider is not connected.
    async fn people(&self, side: &Address, here: bool) -> Result<Option<People>, Failure> {
        let Some(connection) = self.connections.get(&side.provider) else {
            return Ok(Some(People::Nobody));
        };
        let people = self.stop.or(connection.client.people(&side.room)).await;
        people.ok_or(Failure::Interrupted)?.map_err(|api_error| {
            if here && api_error.class == ErrorClass::Stopped {
                return self.not_done(api_error);
            }
            Failure::Unread(QueryFailure { side: (!here).then(|| side.clone()), api_error })
        })
    }

    /// Reads a room with its attributes; `None` if it does not exist.
    async fn read(&self, address: &Address) -> Result<Option<ObservedRoom>, Failure> {
        let unread = |api_error: ApiError| {
            if api_error.class == ErrorClass::Stopped {
                return self.not_done(api_error);
            }
            Failure::Unread(QueryFailure { side: None, api_error })
        };
        let read = self.stop.or(observe_room(&*self.connection.client, address)).await;
        match read.ok_or(Failure::Interrupted)?.map_err(unread)? {
            Observation::There(observed_room) => Ok(Some(observed_room)),
            Observation::Gone(_) => Ok(None),
            Observation::Unread { why } => {
                let call = self.kind().people_call();
                Err(unread(ApiError::local(ErrorClass::Unknown, call, why)))
            }
        }
    }

    /// Returns the record for an intent. For a replace it carries the attributes of others, which the create
    /// sets again.
    fn record_for_intent(
        &self,
        mutation: &Mutation<'_>,
        read: Option<&ObservedRoom>,
    ) -> Result<RecordedRoom, Failure> {
        let record = &mutation.record;
        let Some(after) = &mutation.next else { return Ok(record.clone()) };
        let Some(observed_room) = read else {
            return Ok(record.replaced_by(Arc::clone(after), record.carried().clone()));
        };
        let refused = |why: String| {
            let call = self.kind().destroy_call();
            Failure::NotDone(ApiError::local(ErrorClass::Refused, call, why))
        };
        let application = &self.connection.provider.application;
        if let (Some(other), Some(ownership)) =
            (record.other_owner(application, observed_room), application.ownership())
        {
            return Err(refused(belongs_to(ownership.key(), &other)));
        }
        let wanted = &after.attributes;
        let mut others = record.others(wanted, &observed_room.attributes);
        if let Some(ownership) = application.ownership() {
            others.remove(ownership.key());
        }
        if let Some(why) = over_limits(self.connection.provider.limits, wanted, &others) {
            return Err(refused(why));
        }
        Ok(record.seen(observed_room).replaced_by(Arc::clone(after), others))
    }
}
