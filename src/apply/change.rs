//! One change of one room: sent, and where its outcome is unknown looked up before it is repeated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::guard::{Inside, Unasked};
use super::ledger::Ledger;
use super::observe::look;
use super::recover::wait_until;
use super::{Connection, Connections, Settings, Stop};
use crate::model::{
    Address, Call, Class, Field, Kind, Landing, NotTried, Observation, Operation, Pending,
    PendingKind, Recorded, RecordedRoom, Room, Settled, Timestamp, Trouble, settle,
};
use crate::provider::http::Backoff;
use crate::provider::{Permit, Receipt};
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
    /// The record before the run.
    pub(super) recorded: Arc<Recorded>,
    /// Whether this step has changed something.
    pub(super) effects: Arc<AtomicBool>,
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
    /// The provider was stopped before the step changed anything.
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
    last: Option<Trouble>,
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
        self.effects.store(true, Ordering::Relaxed);
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
            last: None,
        };
        self.make_known(&intended.operation).await?;
        loop {
            let permit = self.permit(intended.call, first.take()).await;
            let permit = permit.map_err(|failure| attempts.last_or(failure))?;
            if let Some(known) = self.guard(intended).await? {
                return Ok(known);
            }
            attempts.begin()?;
            match self.attempt(intended, &mut attempts, permit).await? {
                Attempt::Known(known) => {
                    self.note_effect(&known);
                    return Ok(known);
                }
                Attempt::NotDone(trouble) => self.prepare(intended, &mut attempts, trouble).await?,
            }
        }
    }

    fn note_effect(&self, known: &Known) {
        match known {
            Known::Done(..) | Known::Seen(_) => self.effects.store(true, Ordering::Relaxed),
            Known::Missing(_) | Known::Exists(..) => {}
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
        permit.map_err(|why| self.not_done(why.trouble(call)))
    }

    /// Has the user known whom an operation needs.
    pub(super) async fn make_known(&self, operation: &Operation) -> Result<(), Failure> {
        let prepared = self.connection.client.prepare(operation);
        let prepared = self.stop.or(prepared).await.ok_or(Failure::Interrupted)?;
        prepared.map_err(|trouble| self.not_done(trouble))
    }

    /// The failure of a change that is known not to be done.
    pub(super) fn not_done(&self, trouble: Trouble) -> Failure {
        match self.connection.client.tripped() {
            Some(why) if trouble.class == Class::Stopped && !self.has_changed_something() => {
                Failure::NotTried(why.into())
            }
            Some(_) | None => Failure::NotDone(trouble),
        }
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
            | Class::Refused
            | Class::Stopped => Ok(Attempt::NotDone(trouble)),
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
        let next = self.next(attempts, &intended.operation, &trouble).await;
        next.map_err(|why| {
            let failure = why.map_or(Failure::Interrupted, |why| self.not_done(why));
            attempts.last_or(failure)
        })?;
        attempts.last = Some(trouble);
        Ok(())
    }

    /// Waits for the next attempt. The error is why there is none; none where the run is to stop.
    async fn next(
        &self,
        attempts: &mut Attempts,
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
                let wait = self.connection.client.wait(trouble.call, delay);
                self.stop.or(wait).await.ok_or(None)
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
            | Class::Refused
            | Class::Stopped => Err(Some(trouble.clone())),
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
