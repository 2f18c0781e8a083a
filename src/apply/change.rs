//! One change of one room: sent, and where its outcome is unknown looked up before it is repeated.

use std::sync::Arc;

use super::guard::{Inside, Unasked};
use super::ledger::Ledger;
use super::observe::look;
use super::recover::wait_until;
use super::{Connection, Connections, Settings, Stop};
use crate::model::{
    Address, Call, Class, Field, Kind, Landing, Observation, Operation, Pending, PendingKind,
    RecordedRoom, Room, RoomId, Settled, Timestamp, Trouble, settle,
};
use crate::provider::http::Backoff;
use crate::provider::{Permit, Receipt, log_retry};
use crate::state::StateError;

/// What the steps of one provider work with.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) connection: Connection,
    /// Those of all providers: a room may have sides at others.
    pub(super) connections: Arc<Connections>,
    pub(super) ledger: Ledger,
    pub(super) settings: Arc<Settings>,
    pub(super) stop: Stop,
}

/// A change to be made, and what is written down around it.
pub(super) struct Intended<'a> {
    pub(super) address: &'a Address,
    pub(super) operation: Operation,
    /// The call that carries it out.
    pub(super) call: Call,
    /// The sides of the room that have to be empty before; none where nobody is asked.
    pub(super) empty: Vec<Address>,
    pub(super) kind: PendingKind,
    /// The record under the intent.
    pub(super) record: RecordedRoom,
    /// The record that stands again where the change was not made.
    pub(super) before: Option<&'a RecordedRoom>,
    /// What the room is once an update is done.
    pub(super) target: Option<Arc<Room>>,
}

/// What is known of a change in the end.
pub(super) enum Known {
    /// The service says that it is done; with the time of sending.
    Done(Receipt, Timestamp),
    /// A look shows that it is done; the record as it was seen.
    Seen(RecordedRoom),
    /// The room does not exist: the service's answer, or none where a look shows it.
    Missing(Option<Trouble>),
    /// The room exists already.
    Exists(Trouble, EarlierIntent),
}

/// Whether an earlier intent of ours to create the room had an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EarlierIntent {
    /// It had: the room may be ours.
    Open,
    /// There was none.
    Absent,
}

/// Why a change is not known to be done.
pub(super) enum Failure {
    /// It is known not to be done, and the record is as before.
    NotDone(Trouble),
    /// Its outcome is unknown, and it stays pending.
    Open(String, Option<Trouble>),
    /// People are inside, or may be.
    Occupied(Inside),
    /// It could not be asked who is inside.
    Unasked(Unasked),
    /// The run was interrupted before anything was sent.
    Interrupted,
    /// It could not be written down.
    State(StateError),
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// The attempts at one change.
struct Attempts {
    backoff: Backoff,
    signed_again: bool,
    registered: bool,
    earlier: EarlierIntent,
}

/// What one attempt came to.
enum Attempt {
    Known(Known),
    NotDone(Trouble),
}

impl Worker {
    /// This worker for a step that has changed something already: it goes on to its end, and only
    /// the run's grace limits it.
    pub(super) fn committed(&self) -> Self {
        Self { stop: Stop::never(), ..self.clone() }
    }

    /// Makes a change, with `first` as the permit of its first attempt, until its outcome is known or
    /// the attempts are used up.
    pub(super) async fn change(
        &self,
        intended: &Intended<'_>,
        first: Option<Permit>,
    ) -> Result<Known, Failure> {
        let mut first = first;
        let mut attempts = Attempts {
            backoff: self.connection.client.backoff(),
            signed_again: false,
            registered: false,
            earlier: EarlierIntent::Absent,
        };
        self.make_known(&intended.operation).await?;
        loop {
            let permit = self.permit(intended.call, first.take()).await?;
            if let Some(known) = self.guard(intended).await? {
                return Ok(known);
            }
            match self.attempt(intended, &mut attempts, permit).await? {
                Attempt::Known(known) => return Ok(known),
                Attempt::NotDone(trouble) => self.prepare(intended, &mut attempts, trouble).await?,
            }
        }
    }

    async fn permit(&self, call: Call, first: Option<Permit>) -> Result<Permit, Failure> {
        match first {
            Some(permit) => Ok(permit),
            None => {
                self.stop.or(self.connection.client.permit(call)).await.ok_or(Failure::Interrupted)
            }
        }
    }

    /// Has the user known whom an operation needs.
    pub(super) async fn make_known(&self, operation: &Operation) -> Result<(), Failure> {
        let prepared = self.connection.client.prepare(operation);
        let prepared = self.stop.or(prepared).await.ok_or(Failure::Interrupted)?;
        prepared.map_err(Failure::NotDone)
    }

    /// Which service it is.
    pub(super) fn kind(&self) -> Kind {
        self.connection.provider.kind()
    }

    async fn attempt(
        &self,
        intended: &Intended<'_>,
        attempts: &mut Attempts,
        permit: Permit,
    ) -> Result<Attempt, Failure> {
        let Intended { address, operation, call: _, empty: _, kind, record, before: _, target } =
            intended;
        let at = self.connection.clock.now();
        self.ledger.intent(address, record, *kind, at, target.clone()).await?;
        let at = self.connection.clock.now();
        let answer = self.connection.client.attempt(permit, &address.room, operation).await;
        let trouble = match answer {
            Ok(receipt) => return Ok(Attempt::Known(Known::Done(receipt, at))),
            Err(trouble) => trouble,
        };
        match trouble.class {
            Class::Missing => Ok(Attempt::Known(Known::Missing(Some(trouble)))),
            Class::Exists => Ok(Attempt::Known(Known::Exists(trouble, attempts.earlier))),
            Class::Taken => Ok(Attempt::Known(Known::Exists(trouble, EarlierIntent::Absent))),
            Class::Retry
            | Class::TooOften
            | Class::SignAgain
            | Class::OperatorUnknown
            | Class::Quota
            | Class::Fatal
            | Class::Refused => Ok(Attempt::NotDone(trouble)),
            Class::Unknown | Class::Unrecognised => {
                attempts.earlier = EarlierIntent::Open;
                self.look_up(intended, at, trouble).await
            }
        }
    }

    /// Looks until it is known whether the change was made.
    async fn look_up(
        &self,
        intended: &Intended<'_>,
        at: Timestamp,
        trouble: Trouble,
    ) -> Result<Attempt, Failure> {
        let Intended { address, operation: _, call: _, empty: _, kind, record, before: _, target } =
            intended;
        let pending = Pending { kind: *kind, at, room: target.clone() };
        let mut landing = Landing::ByClock;
        loop {
            let observation = self.look(address, &trouble).await?;
            match settle(
                &self.connection.provider.application,
                record,
                &pending,
                Some(&observation),
                landing,
            ) {
                Settled::Kept(seen) if effective(*kind, &seen, target.as_deref()) => {
                    return Ok(Attempt::Known(Known::Seen(seen)));
                }
                Settled::Removed if *kind == PendingKind::Destroy => {
                    return Ok(Attempt::Known(Known::Missing(None)));
                }
                Settled::Kept(_) | Settled::Removed => return Ok(Attempt::NotDone(trouble)),
                Settled::MayStillLand(until) => {
                    let wait = wait_until(until, self.connection.clock.now());
                    let waited = self.stop.or(wait).await;
                    waited.ok_or_else(|| open("the run was interrupted", &trouble))?;
                    landing = Landing::Over;
                }
                Settled::Unread(why) => return Err(open(&why, &trouble)),
                Settled::NotOurs => {
                    return Err(open("a room is there whose attributes are not ours", &trouble));
                }
            }
        }
    }

    async fn look(&self, address: &Address, trouble: &Trouble) -> Result<Observation, Failure> {
        match self.stop.or(look(&*self.connection.client, address)).await {
            Some(Ok(observation)) => Ok(observation),
            Some(Err(why)) => Err(open(&format!("looking it up failed: {why}"), trouble)),
            None => Err(open("the run was interrupted", trouble)),
        }
    }

    /// Puts the record back after an attempt that changed nothing, and does what it asks for before
    /// the next one.
    async fn prepare(
        &self,
        intended: &Intended<'_>,
        attempts: &mut Attempts,
        trouble: Trouble,
    ) -> Result<(), Failure> {
        self.ledger.restore(intended.address, intended.before).await?;
        let room = &intended.address.room;
        let next = self.next(attempts, room, &intended.operation, &trouble).await;
        next.map_err(|last| last.map_or(Failure::Interrupted, Failure::NotDone))
    }

    /// Waits for the next attempt. The error is why there is none; none where the run is to stop.
    async fn next(
        &self,
        attempts: &mut Attempts,
        room: &RoomId,
        operation: &Operation,
        trouble: &Trouble,
    ) -> Result<(), Option<Trouble>> {
        match trouble.class {
            Class::SignAgain if !attempts.signed_again => {
                attempts.signed_again = true;
                Ok(())
            }
            Class::OperatorUnknown if !attempts.registered => {
                attempts.registered = true;
                let registered = self.connection.client.register_user(Some(operation));
                self.stop.or(registered).await.ok_or(None)?.map_err(Some)
            }
            Class::Retry | Class::TooOften | Class::Unknown => {
                let delay = attempts.backoff.next(trouble.retry_after);
                let delay = delay.ok_or_else(|| Some(trouble.clone()))?;
                log_retry(trouble, Some(room), attempts.backoff.attempts(), delay);
                self.stop.or(tokio::time::sleep(delay)).await.ok_or(None)
            }
            // Another room may have another owner.
            Class::OperatorUnknown if has_owner(operation) => {
                Err(Some(Trouble { class: Class::Refused, ..trouble.clone() }))
            }
            Class::SignAgain | Class::OperatorUnknown => {
                Err(Some(Trouble { class: Class::Fatal, ..trouble.clone() }))
            }
            Class::Missing
            | Class::Exists
            | Class::Taken
            | Class::Quota
            | Class::Unrecognised
            | Class::Fatal
            | Class::Refused => Err(Some(trouble.clone())),
        }
    }
}

/// Whether an operation makes a room of an owner that the file names.
fn has_owner(operation: &Operation) -> bool {
    match operation {
        Operation::Create(room) => room.value(Field::Owner).is_some(),
        Operation::Destroy(_) | Operation::Patch(_) => false,
    }
}

/// Whether a record as it was seen shows that the change was made.
fn effective(kind: PendingKind, seen: &RecordedRoom, target: Option<&Room>) -> bool {
    match kind {
        PendingKind::Create => true,
        PendingKind::Update => target.is_some_and(|target| *target == *seen.room),
        PendingKind::Destroy => false,
    }
}

fn open(why: &str, trouble: &Trouble) -> Failure {
    Failure::Open(why.to_owned(), Some(trouble.clone()))
}
