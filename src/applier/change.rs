//! One change of one room: sent, and where its outcome is unknown looked up before it is repeated.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use super::guard::{Guarded, Inside, Unasked};
use super::ledger::Ledger;
use super::settle::{Sent, Unsettled, Unsure};
use super::{Connection, Connections, Stop};
use crate::model::{
    Address, ApiError, Call, ErrorClass, Field, Kind, NotTried, Operation, Pending, PendingKind,
    Recorded, RecordedRoom, Room, RoomId, Settled, Timestamp,
};
use crate::provider::http::Backoff;
use crate::provider::{Permit, Receipt, log_retry};
use crate::state::StateError;

/// How old an answer about a room may be when the call that ends its life is sent.
const MOST_AGE: Duration = Duration::from_secs(3);

/// What the steps of one provider work with.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) connection: Connection,
    /// Those of all providers: a room may have sides at others.
    pub(super) connections: Arc<Connections>,
    pub(super) ledger: Ledger,
    pub(super) stop: Stop,
    /// The record before the run.
    pub(super) recorded: Arc<Recorded>,
    /// Whether this step has changed something.
    pub(super) effects: Arc<AtomicBool>,
    /// Why no more steps are begun, and why none that make a room.
    pub(super) halted: Arc<OnceLock<NotTried>>,
    pub(super) creates_halted: Arc<OnceLock<NotTried>>,
}

/// A change to be made, and what is written down around it.
pub(super) struct Intended<'a> {
    pub(super) address: &'a Address,
    pub(super) operation: Operation,
    /// The call that carries it out.
    pub(super) call: Call,
    /// The sides of the room that have to be empty before; none where nobody is asked.
    pub(super) empty: Vec<Address>,
    /// The room that a replace makes next: what others wrote into the old one is read before the call,
    /// and kept for the new one.
    pub(super) next: Option<Arc<Room>>,
    pub(super) kind: PendingKind,
    /// The record under the intent.
    pub(super) record: RecordedRoom,
    /// The record that stands again where the change was not made.
    pub(super) before: Option<&'a RecordedRoom>,
    /// What the room is once an update is done.
    pub(super) target: Option<Arc<Room>>,
}

/// A change that came to its end.
pub(super) struct Changed {
    pub(super) known: Known,
    /// The record under its last intent.
    pub(super) record: RecordedRoom,
}

/// What is known of a change in the end.
pub(super) enum Known {
    /// The service says that it is done; with the time of sending.
    Done(Receipt, Timestamp),
    /// A look shows that it is done; the record as it was seen.
    Seen(RecordedRoom),
    /// The room does not exist: the service's answer, or none where a look shows it.
    Missing(Option<ApiError>),
    /// The room exists already.
    Exists(ApiError, EarlierIntent),
}

/// Whether an earlier intent of ours to create the room had an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EarlierIntent {
    /// It had, and the room was found missing since.
    Open,
    /// There was none.
    Absent,
}

/// Why a change is not known to be done.
pub(super) enum Failure {
    /// It is known not to be done, and the record is as before.
    NotDone(ApiError),
    /// Its outcome is unknown, and it stays pending.
    Open(String, Option<ApiError>),
    /// People are inside, or may be.
    Occupied(Inside),
    /// It could not be asked who is inside.
    Unasked(Unasked),
    /// The run was interrupted before anything was sent.
    Interrupted,
    /// The provider takes no more steps, and this one has changed nothing.
    NotTried(NotTried),
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
    /// What the last one came to, which is known not to be done.
    last: Option<ApiError>,
}

/// Whether a call may be sent.
enum Cleared {
    /// It need not be: the room does not exist.
    Missing(RecordedRoom),
    /// It may, with this record under its intent.
    For(RecordedRoom, Permit),
}

/// What one attempt came to.
enum Attempt {
    Known(Known),
    NotDone(ApiError),
}

impl Worker {
    /// This worker for a step that has changed something already: it goes on to its end, and only
    /// the run's grace limits it.
    pub(super) fn committed(&self) -> Self {
        self.effects.store(true, Ordering::Relaxed);
        let (halted, creates_halted) = (Arc::default(), Arc::default());
        Self { stop: Stop::never(), halted, creates_halted, ..self.clone() }
    }

    /// Makes a change, with `first` as the permit of its first attempt, until its outcome is known or
    /// the attempts are used up.
    pub(super) async fn change(
        &self,
        intended: &Intended<'_>,
        first: Option<Permit>,
    ) -> Result<Changed, Failure> {
        let mut first = first;
        let mut attempts = Attempts {
            backoff: self.connection.client.backoff(),
            signed_again: false,
            registered: false,
            earlier: EarlierIntent::Absent,
            last: None,
        };
        self.make_known(&intended.operation).await?;
        loop {
            let cleared = self.cleared(intended, first.take()).await;
            let (record, permit) = match cleared.map_err(|failure| attempts.last_or(failure))? {
                Cleared::Missing(record) => {
                    return Ok(Changed { known: Known::Missing(None), record });
                }
                Cleared::For(record, permit) => (record, permit),
            };
            attempts.begin()?;
            match self.attempt(intended, &record, &mut attempts, permit).await? {
                Attempt::Known(known) => {
                    self.note_effect(&known);
                    return Ok(Changed { known, record });
                }
                Attempt::NotDone(api_error) => {
                    self.prepare(intended, &mut attempts, api_error).await?;
                }
            }
        }
    }

    fn note_effect(&self, known: &Known) {
        match known {
            Known::Done(..) | Known::Seen(_) => self.effects.store(true, Ordering::Relaxed),
            Known::Missing(_) | Known::Exists(..) => {}
        }
    }

    /// Asks what has to be asked, then takes the permit: asking does not hold up the call's limit.
    /// Where the permit was long in coming it is asked again, with the permit at hand: what is asked
    /// once more without it would grow old once more.
    async fn cleared(
        &self,
        intended: &Intended<'_>,
        first: Option<Permit>,
    ) -> Result<Cleared, Failure> {
        let (record, answered) = match self.guard(intended).await? {
            Guarded::Missing(record) => return Ok(Cleared::Missing(record)),
            Guarded::Clear { record, answered } => (record, answered),
        };
        let permit = self.permit(intended.call, first).await?;
        let Some(answered) = answered else { return Ok(Cleared::For(record, permit)) };
        self.may_go_on(intended)?;
        if answered.elapsed() <= MOST_AGE {
            return Ok(Cleared::For(record, permit));
        }
        Ok(match self.guard(intended).await? {
            Guarded::Missing(record) => Cleared::Missing(record),
            Guarded::Clear { record, answered: _ } => Cleared::For(record, permit),
        })
    }

    /// Whether the provider still takes such a step: it may have waited for long since it began.
    fn may_go_on(&self, intended: &Intended<'_>) -> Result<(), Failure> {
        let creates = self.creates_halted.get().filter(|_| intended.next.is_some());
        match self.halted.get().or(creates) {
            Some(why) => Err(Failure::NotTried(*why)),
            None => Ok(()),
        }
    }

    /// Whether this step has changed something.
    pub(super) fn has_changed_something(&self) -> bool {
        self.effects.load(Ordering::Relaxed)
    }

    async fn permit(&self, call: Call, first: Option<Permit>) -> Result<Permit, Failure> {
        if let Some(permit) = first {
            return Ok(permit);
        }
        let permit = self.stop.or(self.connection.client.permit(call)).await;
        let permit = permit.ok_or(Failure::Interrupted)?;
        permit.map_err(|why| self.not_done(why.api_error(call)))
    }

    /// Has the user known whom an operation needs.
    pub(super) async fn make_known(&self, operation: &Operation) -> Result<(), Failure> {
        let prepared = self.connection.client.prepare(operation);
        let prepared = self.stop.or(prepared).await.ok_or(Failure::Interrupted)?;
        prepared.map_err(|api_error| self.not_done(api_error))
    }

    /// The failure of a change that is known not to be done.
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

    /// Which service it is.
    pub(super) fn kind(&self) -> Kind {
        self.connection.provider.kind()
    }

    async fn attempt(
        &self,
        intended: &Intended<'_>,
        record: &RecordedRoom,
        attempts: &mut Attempts,
        permit: Permit,
    ) -> Result<Attempt, Failure> {
        let (address, kind, target) = (intended.address, intended.kind, &intended.target);
        let at = self.connection.clock.now();
        self.ledger.intent(address, record, kind, at, target.clone()).await?;
        let (at, since) = (self.connection.clock.now(), Instant::now());
        let sent = self.connection.client.attempt(permit, &address.room, &intended.operation);
        let answer = sent.await;
        let api_error = match answer {
            Ok(receipt) => return Ok(Attempt::Known(Known::Done(receipt, at))),
            Err(api_error) => api_error,
        };
        match api_error.class {
            ErrorClass::Missing => Ok(Attempt::Known(Known::Missing(Some(api_error)))),
            ErrorClass::Exists | ErrorClass::Taken => {
                Ok(Attempt::Known(Known::Exists(api_error, attempts.earlier)))
            }
            ErrorClass::Retry
            | ErrorClass::TooOften
            | ErrorClass::SignAgain
            | ErrorClass::OperatorUnknown
            | ErrorClass::Quota
            | ErrorClass::Fatal
            | ErrorClass::Refused
            | ErrorClass::Stopped => Ok(Attempt::NotDone(api_error)),
            ErrorClass::Unknown | ErrorClass::Unrecognised => {
                attempts.earlier = EarlierIntent::Open;
                let pending = Pending { kind, at, room: target.clone() };
                let origin = Sent::ByUs(since);
                let unsettled = Unsettled { address, record, pending: &pending, origin };
                self.look_up(&unsettled, api_error).await
            }
        }
    }

    /// Looks until it is known whether the change was made.
    async fn look_up(
        &self,
        unsettled: &Unsettled<'_>,
        api_error: ApiError,
    ) -> Result<Attempt, Failure> {
        let looked = unsettled.settle(&self.connection, &self.stop).await;
        let (settled, _) = looked.map_err(|unsure| match unsure {
            Unsure::Unread(why) => open(&format!("looking it up failed: {why}"), &api_error),
            Unsure::Interrupted => open("the run was interrupted", &api_error),
        })?;
        match settled {
            Settled::Done(seen) => Ok(Attempt::Known(Known::Seen(seen))),
            Settled::Gone(_) if unsettled.pending.kind == PendingKind::Destroy => {
                Ok(Attempt::Known(Known::Missing(None)))
            }
            Settled::Gone(_) | Settled::NotDone(_) => Ok(Attempt::NotDone(api_error)),
            Settled::Contested(record) | Settled::Unproven(record) => {
                self.keep(unsettled.address, &record).await?;
                Err(open(&uncertain(unsettled.address, &record), &api_error))
            }
            Settled::MayStillLand(until) => {
                Err(open(&format!("it may still take effect until {until}"), &api_error))
            }
            Settled::Unread(why) => Err(open(&why, &api_error)),
        }
    }

    /// Puts the record back after an attempt that changed nothing, and does what it asks for before
    /// the next one.
    async fn prepare(
        &self,
        intended: &Intended<'_>,
        attempts: &mut Attempts,
        api_error: ApiError,
    ) -> Result<(), Failure> {
        self.ledger.restore(intended.address, intended.before).await?;
        let room = &intended.address.room;
        let next = self.next(attempts, room, &intended.operation, &api_error).await;
        next.map_err(|why| {
            let failure = why.map_or(Failure::Interrupted, |why| self.not_done(why));
            attempts.last_or(failure)
        })?;
        attempts.last = Some(api_error);
        Ok(())
    }

    /// Waits for the next attempt. The error is why there is none; none where the run is to stop.
    async fn next(
        &self,
        attempts: &mut Attempts,
        room: &RoomId,
        operation: &Operation,
        api_error: &ApiError,
    ) -> Result<(), Option<ApiError>> {
        match api_error.class {
            ErrorClass::SignAgain if !attempts.signed_again => {
                attempts.signed_again = true;
                Ok(())
            }
            ErrorClass::OperatorUnknown if !attempts.registered => {
                attempts.registered = true;
                let registered = self.connection.client.register_user(Some(operation));
                self.stop.or(registered).await.ok_or(None)?.map_err(Some)
            }
            ErrorClass::Retry | ErrorClass::TooOften | ErrorClass::Unknown => {
                let delay = attempts.backoff.next(api_error.retry_after);
                let delay = delay.ok_or_else(|| Some(api_error.clone()))?;
                log_retry(api_error, Some(room), attempts.backoff.attempts(), delay);
                let wait = self.connection.client.wait(api_error.call, delay);
                self.stop.or(wait).await.ok_or(None)
            }
            // Another room may have another owner.
            ErrorClass::OperatorUnknown if has_owner(operation) => {
                Err(Some(ApiError { class: ErrorClass::Refused, ..api_error.clone() }))
            }
            ErrorClass::SignAgain | ErrorClass::OperatorUnknown => {
                Err(Some(ApiError { class: ErrorClass::Fatal, ..api_error.clone() }))
            }
            ErrorClass::Missing
            | ErrorClass::Exists
            | ErrorClass::Taken
            | ErrorClass::Quota
            | ErrorClass::Unrecognised
            | ErrorClass::Fatal
            | ErrorClass::Refused
            | ErrorClass::Stopped => Err(Some(api_error.clone())),
        }
    }
}

impl Attempts {
    /// Begins one, unless it is too late for another.
    fn begin(&mut self) -> Result<(), Failure> {
        match (self.backoff.may_begin(), &self.last) {
            (false, Some(last)) => Err(Failure::NotDone(last.clone())),
            (true | false, _) => Ok(()),
        }
    }

    /// What the last one came to says more than that there is no other.
    fn last_or(&mut self, failure: Failure) -> Failure {
        match (failure, self.last.take()) {
            (Failure::NotTried(_), Some(last)) => Failure::NotDone(last),
            (failure, _) => failure,
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

/// Why a room that exists is left as it is, and what to do.
pub(super) fn uncertain(address: &Address, record: &RecordedRoom) -> String {
    match &record.contested {
        Some(why) => format!(
            "a room exists whose origin is uncertain ({why}): `roomctl import {address}` takes it, \
             `roomctl state rm {address}` leaves it to its owner"
        ),
        None => format!(
            "a room exists, and nothing tells whether it is the one that was to go: the next apply \
             plans anew, `roomctl state rm {address}` leaves it to its owner"
        ),
    }
}

fn open(why: &str, api_error: &ApiError) -> Failure {
    Failure::Open(why.to_owned(), Some(api_error.clone()))
}
