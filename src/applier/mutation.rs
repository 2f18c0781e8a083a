//! One change of one room: sent, and if its outcome is unknown looked up before it is repeated.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::call_admission::{CallAdmission, IntentSlot, Reservation};
use super::recover::{PendingCall, Sent, Unresolved, uncertain};
use super::worker::{
    Completed, EarlierIntent, Failure, Mutation, MutationResult, Precheck, Worker,
};
use crate::model::{
    ApiError, Call, ErrorClass, Field, NotTried, Operation, Pending, PendingKind, RecordedRoom,
    RoomId, Settled,
};
use crate::provider::http::Backoff;
use crate::provider::{Permit, log_retry};
use crate::state::{Durable, StateError};

/// How old an answer about a room may be when the call that ends its life is sent.
const MOST_AGE: Duration = Duration::from_secs(3);

/// The attempts at one change.
struct Attempts {
    backoff: Backoff,
    signed_again: bool,
    registered: bool,
    earlier: EarlierIntent,
    /// The error of the last one, which is known not to be done.
    last: Option<ApiError>,
}

/// Whether a call may be sent.
enum Cleared {
    /// It need not be: the room does not exist.
    Missing(RecordedRoom),
    /// It may: its intent with this record is durable.
    For(RecordedRoom, Permit),
}

/// Whether an intent of this attempt may be durable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    /// None was appended.
    None,
    /// One was.
    Appended,
}

/// The result of one attempt.
enum Attempt {
    Completed(MutationResult),
    NotDone(ApiError),
}

impl Worker {
    /// Makes a change, with what is reserved for its first attempt, until its result is known or the
    /// attempts are used up.
    pub(super) async fn mutate(
        &self,
        mutation: &Mutation<'_>,
        first: Option<Reservation>,
    ) -> Result<Completed, Failure> {
        let mut first = first;
        let mut attempts = Attempts {
            backoff: self.connection.client.backoff(),
            signed_again: false,
            registered: false,
            earlier: EarlierIntent::Absent,
            last: None,
        };
        self.register_users(&mutation.operation).await?;
        loop {
            let cleared = self.cleared(mutation, &mut attempts, first.take()).await;
            let (record, permit) = match cleared.map_err(|failure| attempts.last_or(failure))? {
                Cleared::Missing(record) => {
                    return Ok(Completed { result: MutationResult::Missing(None), record });
                }
                Cleared::For(record, permit) => (record, permit),
            };
            match self.attempt(mutation, &record, &mut attempts, permit).await? {
                Attempt::Completed(result) => {
                    self.note_effect(&result);
                    return Ok(Completed { result, record });
                }
                Attempt::NotDone(api_error) => {
                    self.prepare(mutation, &mut attempts, api_error).await?;
                }
            }
        }
    }

    fn note_effect(&self, result: &MutationResult) {
        match result {
            MutationResult::Done(..) | MutationResult::Confirmed(_) => {
                self.effects.store(true, Ordering::Relaxed);
            }
            MutationResult::Missing(_) | MutationResult::Exists(..) => {}
        }
    }

    /// Makes the queries that have to precede the call, takes its permit and has its intent written, in
    /// the order that the store needs.
    async fn cleared(
        &self,
        mutation: &Mutation<'_>,
        attempts: &mut Attempts,
        first: Option<Reservation>,
    ) -> Result<Cleared, Failure> {
        match &self.admission {
            CallAdmission::PermitFirst => {
                let permit = first.and_then(Reservation::into_permit);
                self.permit_first(mutation, attempts, permit).await
            }
            CallAdmission::IntentFirst(slots) => {
                let slot = if let Some(slot) = first.and_then(Reservation::into_slot) {
                    slot
                } else {
                    let slot = self.stop.or(slots.slot(mutation.call)).await;
                    slot.ok_or(Failure::Interrupted)?
                };
                self.intent_first(mutation, attempts, slot).await
            }
        }
    }

    /// Makes the queries, then takes the permit: a query does not use up the call's limit. If the permit
    /// took long, the queries are repeated while it is held: without it their answers would grow old
    /// again.
    async fn permit_first(
        &self,
        mutation: &Mutation<'_>,
        attempts: &mut Attempts,
        first: Option<Permit>,
    ) -> Result<Cleared, Failure> {
        let (mut record, answered) = match self.precheck(mutation).await? {
            Precheck::Missing(record) => return Ok(Cleared::Missing(record)),
            Precheck::Clear { record, answered } => (record, answered),
        };
        let permit = self.permit(mutation.call, first).await?;
        if let Some(answered) = answered {
            self.may_go_on(mutation)?;
            if answered.elapsed() > MOST_AGE {
                match self.precheck(mutation).await? {
                    Precheck::Missing(record) => return Ok(Cleared::Missing(record)),
                    Precheck::Clear { record: read, answered: _ } => record = read,
                }
            }
        }
        attempts.may_begin()?;
        self.intent(mutation, &record).await?;
        Ok(Cleared::For(record, permit))
    }

    /// Makes the queries and appends the intent, then takes the permit. If the call is not sent, the
    /// record is as before.
    async fn intent_first(
        &self,
        mutation: &Mutation<'_>,
        attempts: &mut Attempts,
        slot: IntentSlot,
    ) -> Result<Cleared, Failure> {
        let mut intent = Intent::None;
        let cleared = self.within_window(mutation, attempts, &mut intent).await;
        drop(slot);
        let unsent = matches!(&cleared, Err(failure) if !matches!(failure, Failure::State(_)));
        if unsent && intent == Intent::Appended && !self.journal.is_broken() {
            self.restore(mutation.address, mutation.before).await?;
        }
        cleared
    }

    /// Begins anew until a permit is valid while the intent covers its call and the queries' answers are
    /// young: a permit that comes too late goes to the next in the queue.
    async fn within_window(
        &self,
        mutation: &Mutation<'_>,
        attempts: &mut Attempts,
        intent: &mut Intent,
    ) -> Result<Cleared, Failure> {
        loop {
            let (record, answered) = match self.precheck(mutation).await? {
                Precheck::Missing(record) => return Ok(Cleared::Missing(record)),
                Precheck::Clear { record, answered } => (record, answered),
            };
            let durable = self.intent(mutation, &record).await;
            let durable = durable.map_err(|error| self.not_written(error))?;
            *intent = Intent::Appended;
            let permit = self.permit(mutation.call, None).await?;
            let may_send = || {
                let young = answered.is_none_or(|answered| answered.elapsed() <= MOST_AGE);
                young && durable.may_send()
            };
            if !may_send() {
                permit.give_back();
                continue;
            }
            permit.valid().await;
            self.may_go_on(mutation)?;
            if self.journal.is_broken() {
                return Err(Failure::NotTried(NotTried::StateFailed));
            }
            if may_send() {
                attempts.may_begin()?;
                return Ok(Cleared::For(record, permit));
            }
        }
    }

    /// Writes that the call is about to be sent.
    async fn intent(
        &self,
        mutation: &Mutation<'_>,
        record: &RecordedRoom,
    ) -> Result<Durable, StateError> {
        let (address, kind, target) = (mutation.address, mutation.kind, mutation.target.clone());
        let at = self.connection.clock.now();
        self.journal.intent(address, record, kind, at, target).await
    }

    /// The failure of a call that is not sent, since its intent could not be written.
    fn not_written(&self, error: StateError) -> Failure {
        if self.has_changed_something() {
            Failure::State(error)
        } else {
            Failure::NotTried(NotTried::StateFailed)
        }
    }

    /// Whether the provider still takes such a step: it may have waited for long since it began.
    fn may_go_on(&self, mutation: &Mutation<'_>) -> Result<(), Failure> {
        let creates = self.creates_halted.get().filter(|_| mutation.next.is_some());
        match self.halted.get().or(creates) {
            Some(why) => Err(Failure::NotTried(*why)),
            None => Ok(()),
        }
    }

    async fn permit(&self, call: Call, first: Option<Permit>) -> Result<Permit, Failure> {
        if let Some(permit) = first {
            return Ok(permit);
        }
        let permit = self.stop.or(self.connection.client.permit(call)).await;
        let permit = permit.ok_or(Failure::Interrupted)?;
        permit.map_err(|why| self.not_done(why.api_error(call)))
    }

    async fn attempt(
        &self,
        mutation: &Mutation<'_>,
        record: &RecordedRoom,
        attempts: &mut Attempts,
        permit: Permit,
    ) -> Result<Attempt, Failure> {
        let (address, kind, target) = (mutation.address, mutation.kind, &mutation.target);
        let (at, since) = (self.connection.clock.now(), Instant::now());
        let sent = self.connection.client.attempt(permit, &address.room, &mutation.operation);
        let answer = sent.await;
        let api_error = match answer {
            Ok(receipt) => return Ok(Attempt::Completed(MutationResult::Done(receipt, at))),
            Err(api_error) => api_error,
        };
        match api_error.class {
            ErrorClass::Missing => Ok(Attempt::Completed(MutationResult::Missing(Some(api_error)))),
            ErrorClass::Exists | ErrorClass::Taken => {
                Ok(Attempt::Completed(MutationResult::Exists(api_error, attempts.earlier)))
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
                let pending = Pending::new(kind, at, target.clone());
                let origin = Sent::ByUs(since);
                let call = PendingCall { address, record, pending: &pending, origin };
                self.look_up(&call, api_error).await
            }
        }
    }

    /// Looks the room up until it is known whether the change was made.
    async fn look_up(
        &self,
        call: &PendingCall<'_>,
        api_error: ApiError,
    ) -> Result<Attempt, Failure> {
        let resolved = call.resolve(&self.connection, &self.stop).await;
        let (settled, _) = resolved.map_err(|unresolved| match unresolved {
            Unresolved::Unread(why) => open(&format!("looking it up failed: {why}"), &api_error),
            Unresolved::Interrupted => open("the run was interrupted", &api_error),
        })?;
        match settled {
            Settled::Done(seen) => Ok(Attempt::Completed(MutationResult::Confirmed(seen))),
            Settled::Gone(_) if call.pending.kind == PendingKind::Destroy => {
                Ok(Attempt::Completed(MutationResult::Missing(None)))
            }
            Settled::Gone(_) | Settled::NotDone(_) | Settled::Foreign(_) => {
                Ok(Attempt::NotDone(api_error))
            }
            Settled::Contested(record) | Settled::Unproven(record) => {
                self.record(call.address, &record).await?;
                Err(open(&uncertain(call.address, &record), &api_error))
            }
            Settled::MayStillLand(until) => {
                Err(open(&format!("it may still take effect until {until}"), &api_error))
            }
            Settled::Unread(why) => Err(open(&why, &api_error)),
        }
    }

    /// Restores the record after an attempt that changed nothing, and does what its answer requires
    /// before the next one.
    async fn prepare(
        &self,
        mutation: &Mutation<'_>,
        attempts: &mut Attempts,
        api_error: ApiError,
    ) -> Result<(), Failure> {
        self.journal.restore(mutation.address, mutation.before).await?;
        let room = &mutation.address.room;
        let next = self.next(attempts, room, &mutation.operation, &api_error).await;
        next.map_err(|why| {
            let failure = why.map_or(Failure::Interrupted, |why| self.not_done(why));
            attempts.last_or(failure)
        })?;
        attempts.last = Some(api_error);
        Ok(())
    }

    /// Waits for the next attempt. The error is why there is none; `None` if the run is to stop.
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
    /// Whether one may begin, or it is too late for another.
    fn may_begin(&mut self) -> Result<(), Failure> {
        match (self.backoff.may_begin(), &self.last) {
            (false, Some(last)) => Err(Failure::NotDone(last.clone())),
            (true | false, _) => Ok(()),
        }
    }

    /// Prefers the error of the last attempt to "not tried": it says more.
    fn last_or(&mut self, failure: Failure) -> Failure {
        match (failure, self.last.take()) {
            (Failure::NotTried(_), Some(last)) => Failure::NotDone(last),
            (failure, _) => failure,
        }
    }
}

/// Whether an operation creates a room of an owner that the file names.
fn has_owner(operation: &Operation) -> bool {
    match operation {
        Operation::Create(room) => room.value(Field::Owner).is_some(),
        Operation::Destroy(_) | Operation::Patch(_) => false,
    }
}

fn open(why: &str, api_error: &ApiError) -> Failure {
    Failure::Open(why.to_owned(), Some(api_error.clone()))
}
