//! What precedes a call that changes something: queries, its permit and its intent, in the order that the
//! store requires.

use std::time::Duration;

use super::call_admission::{CallAdmission, IntentSlot, Reservation};
use super::worker::{EarlierIntent, Failure, Mutation, Precheck, Worker};
use crate::model::{ApiError, Call, ErrorClass, NotTried, PendingKind, RecordedRoom};
use crate::provider::Permit;
use crate::provider::http::Backoff;
use crate::state::{Durable, StateError};

/// How old the answer of a query about a room may be when the call that destroys it is sent.
const MAX_ANSWER_AGE: Duration = Duration::from_secs(3);

/// The state of the attempts at one change.
pub(super) struct Attempts {
    pub(super) backoff: Backoff,
    pub(super) signed_again: bool,
    pub(super) registered: bool,
    pub(super) earlier: EarlierIntent,
    /// The error of the last attempt, which is known not to be done.
    pub(super) last: Option<ApiError>,
}

/// Whether a call may be sent.
pub(super) enum Cleared {
    /// No call is needed: the room does not exist.
    Missing(RecordedRoom),
    /// The call may be sent: its intent with this record is durable.
    Granted(RecordedRoom, Permit),
}

/// Whether an intent of this attempt may be durable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    /// No intent was appended.
    None,
    /// An intent was appended.
    Appended,
}

impl Worker {
    /// Makes the queries that have to precede the call, takes its permit and writes its intent, in the
    /// order that the store requires.
    pub(super) async fn cleared(
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

    /// Makes the queries, takes the permit, then writes the intent. The queries come first because a
    /// query does not use up the call's rate limit. If their answers are stale when the permit is
    /// granted, they are repeated while it is held, so that the new answers are recent.
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
            self.check_not_halted(mutation)?;
            if answered.elapsed() > MAX_ANSWER_AGE {
                match self.precheck(mutation).await? {
                    Precheck::Missing(record) => return Ok(Cleared::Missing(record)),
                    Precheck::Clear { record: read, answered: _ } => record = read,
                }
            }
        }
        attempts.may_begin()?;
        self.intent(mutation, &record).await?;
        Ok(Cleared::Granted(record, permit))
    }

    /// Makes the queries, writes the intent, then takes the permit. If the call is not sent, the record
    /// is restored.
    async fn intent_first(
        &self,
        mutation: &Mutation<'_>,
        attempts: &mut Attempts,
        slot: IntentSlot,
    ) -> Result<Cleared, Failure> {
        let mut intent = Intent::None;
        let cleared = self.intent_then_permit(mutation, attempts, &mut intent).await;
        drop(slot);
        let unsent = matches!(&cleared, Err(failure) if !matches!(failure, Failure::State(_)));
        if unsent && intent == Intent::Appended && !self.journal.is_broken() {
            self.restore(mutation.address, mutation.before).await?;
        }
        cleared
    }

    /// Repeats queries, intent and permit until a permit is valid while the call is in its intent's send
    /// window and the queries' answers are recent. A permit that comes too late goes to the next waiter.
    async fn intent_then_permit(
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
                let is_recent =
                    answered.is_none_or(|answered| answered.elapsed() <= MAX_ANSWER_AGE);
                is_recent && durable.may_send()
            };
            if !may_send() {
                permit.release();
                continue;
            }
            permit.valid().await;
            self.check_not_halted(mutation)?;
            if self.journal.is_broken() {
                return Err(self.journal_broken(mutation.call));
            }
            if may_send() {
                attempts.may_begin()?;
                return Ok(Cleared::Granted(record, permit));
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

    /// Returns the failure of a call that is not sent because its intent could not be written.
    fn not_written(&self, error: StateError) -> Failure {
        if self.has_changed_something() {
            Failure::State(error)
        } else {
            Failure::NotTried(NotTried::StateFailed)
        }
    }

    /// Returns the failure of a call that is not sent because the journal is broken.
    fn journal_broken(&self, call: Call) -> Failure {
        if self.has_changed_something() {
            let why = "not sent: the state can no longer be written".to_owned();
            Failure::NotDone(ApiError::local(ErrorClass::Stopped, call, why))
        } else {
            Failure::NotTried(NotTried::StateFailed)
        }
    }

    /// Checks that the provider was not halted while the step waited.
    fn check_not_halted(&self, mutation: &Mutation<'_>) -> Result<(), Failure> {
        let makes = mutation.next.is_some() || mutation.kind == PendingKind::Create;
        let creates = self.creates_halted.get().filter(|_| makes);
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
}

impl Attempts {
    /// Starts with no attempt.
    pub(super) fn new(backoff: Backoff) -> Self {
        let earlier = EarlierIntent::Absent;
        Self { backoff, signed_again: false, registered: false, earlier, last: None }
    }

    /// Checks that another attempt may still begin. The error is the failure of the last one.
    fn may_begin(&mut self) -> Result<(), Failure> {
        match (self.backoff.may_begin(), &self.last) {
            (false, Some(last)) => Err(Failure::NotDone(last.clone())),
            (true | false, _) => Ok(()),
        }
    }

    /// Replaces "not tried" by the error of the last attempt, which is more specific.
    pub(super) fn last_or(&mut self, failure: Failure) -> Failure {
        match (failure, self.last.take()) {
            (Failure::NotTried(_), Some(last)) => Failure::NotDone(last),
            (failure, _) => failure,
        }
    }
}
