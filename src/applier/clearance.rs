//! What precedes a call that changes something: queries, its permit and its intent, in the order that the
//! store needs.

use std::time::Duration;

use super::call_admission::{CallAdmission, IntentSlot, Reservation};
use super::worker::{EarlierIntent, Failure, Mutation, Precheck, Worker};
use crate::model::{ApiError, Call, ErrorClass, NotTried, PendingKind, RecordedRoom};
use crate::provider::Permit;
use crate::provider::http::Backoff;
use crate::state::{Durable, StateError};

/// How old an answer about a room may be when the call that ends its life is sent.
const MOST_AGE: Duration = Duration::from_secs(3);

/// The attempts at one change.
pub(super) struct Attempts {
    pub(super) backoff: Backoff,
    pub(super) signed_again: bool,
    pub(super) registered: bool,
    pub(super) earlier: EarlierIntent,
    /// The error of the last one, which is known not to be done.
    pub(super) last: Option<ApiError>,
}

/// Whether a call may be sent.
pub(super) enum Cleared {
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

impl Worker {
    /// Makes the queries that have to precede the call, takes its permit and has its intent written, in
    /// the order that the store needs.
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
                return Err(self.stopped(mutation.call));
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

    /// The failure of a call that is not sent, since nothing can be written any more.
    fn stopped(&self, call: Call) -> Failure {
        if self.has_changed_something() {
            let why = "not sent: the state can no longer be written".to_owned();
            Failure::NotDone(ApiError::local(ErrorClass::Stopped, call, why))
        } else {
            Failure::NotTried(NotTried::StateFailed)
        }
    }

    /// Whether the provider still takes such a step: it may have waited for long since it began.
    fn may_go_on(&self, mutation: &Mutation<'_>) -> Result<(), Failure> {
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
    /// Begins with none.
    pub(super) fn new(backoff: Backoff) -> Self {
        let earlier = EarlierIntent::Absent;
        Self { backoff, signed_again: false, registered: false, earlier, last: None }
    }

    /// Whether one may begin, or it is too late for another.
    fn may_begin(&mut self) -> Result<(), Failure> {
        match (self.backoff.may_begin(), &self.last) {
            (false, Some(last)) => Err(Failure::NotDone(last.clone())),
            (true | false, _) => Ok(()),
        }
    }

    /// Prefers the error of the last attempt to "not tried": it says more.
    pub(super) fn last_or(&mut self, failure: Failure) -> Failure {
        match (failure, self.last.take()) {
            (Failure::NotTried(_), Some(last)) => Failure::NotDone(last),
            (failure, _) => failure,
        }
    }
}
