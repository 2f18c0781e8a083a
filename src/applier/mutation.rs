//! Makes one change to one room. If its outcome is unknown, the room is looked up before a retry.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::call_admission::Reservation;
use super::clearance::{Attempts, Cleared};
use super::recover::{CallOrigin, PendingCall, Unresolved, uncertain};
use super::worker::{Completed, EarlierIntent, Failure, Mutation, MutationResult, Worker};
use crate::model::{
    ApiError, ErrorClass, Field, NotTried, Operation, Pending, PendingKind, RecordedRoom, RoomId,
    Settled,
};
use crate::provider::{Permit, log_retry};

/// The result of one attempt.
enum Attempt {
    Completed(MutationResult),
    NotDone(ApiError),
}

impl Worker {
    /// Makes a change and retries it until its result is known or the attempts are used up. `first` is
    /// what was reserved for the first attempt.
    pub(super) async fn mutate(
        &self,
        mutation: &Mutation<'_>,
        first: Option<Reservation>,
    ) -> Result<Completed, Failure> {
        let mut first = first;
        let mut attempts = Attempts::new(self.connection.client.backoff());
        self.register_users(&mutation.operation).await?;
        loop {
            let cleared = self.cleared(mutation, &mut attempts, first.take()).await;
            let (record, permit) = match cleared.map_err(|failure| attempts.last_or(failure))? {
                Cleared::Missing(record) => {
                    return Ok(Completed { result: MutationResult::Missing(None), record });
                }
                Cleared::Granted(record, permit) => (record, permit),
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
                let origin = CallOrigin::ThisRun(since);
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
            Unresolved::Unread(why) => open(&format!("the lookup failed: {why}"), &api_error),
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

    /// Restores the record after an attempt that changed nothing, and prepares the next one as the error
    /// requires.
    async fn prepare(
        &self,
        mutation: &Mutation<'_>,
        attempts: &mut Attempts,
        api_error: ApiError,
    ) -> Result<(), Failure> {
        // Restoring the record may take a second, so other calls are halted before. `set` fails if there is
        // a reason already.
        let _ = match api_error.class {
            ErrorClass::Quota => self.creates_halted.set(NotTried::Quota),
            ErrorClass::Fatal => self.halted.set(NotTried::ProviderFatal),
            ErrorClass::Retry
            | ErrorClass::TooOften
            | ErrorClass::SignAgain
            | ErrorClass::OperatorUnknown
            | ErrorClass::Missing
            | ErrorClass::Exists
            | ErrorClass::Taken
            | ErrorClass::Unknown
            | ErrorClass::Unrecognised
            | ErrorClass::Refused
            | ErrorClass::Stopped => Ok(()),
        };
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

    /// Waits until the next attempt may begin. The error is why there is none; `None` if the run stops.
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
            // Only this room is refused: another room may have another owner.
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

/// Returns whether an operation creates a room with a declared owner.
fn has_owner(operation: &Operation) -> bool {
    match operation {
        Operation::Create(room) => room.value(Field::Owner).is_some(),
        Operation::Destroy(_) | Operation::Patch(_) => false,
    }
}

fn open(why: &str, api_error: &ApiError) -> Failure {
    Failure::Open(why.to_owned(), Some(api_error.clone()))
}
