//! Destroys or replaces a room.

use std::sync::Arc;

use crate::applier::call_admission::Reservation;
use crate::applier::worker::{Completed, Failure, Mutation, MutationResult, Worker};
use crate::model::{
    Address, Attributes, NextLife, OnOccupied, Operation, PendingKind, RecordedRoom, Room, Step,
    Timestamp,
};

use super::{Done, Effect, FailedStep, InPlaceStep, StepResult, with_bookkeeping};

/// A room that was destroyed.
struct Destroyed {
    request_id: Option<String>,
    /// The record that is left: of the room that a replace creates next.
    left: Option<RecordedRoom>,
}

impl Worker {
    pub(super) async fn destroy_step(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Reservation>,
    ) -> StepResult {
        let failed = |failure| FailedStep { failure, effect: Effect::Stays, what: None };
        let Some(record) = record else { return Ok(None) };
        // A destroy cancels what was approved for the next life.
        let record = &RecordedRoom { next: None, ..record.clone() };
        let destroyed = self.destroy(step, record, None, first).await.map_err(failed)?;
        Ok(destroyed.request_id)
    }

    async fn destroy(
        &self,
        step: &Step,
        record: &RecordedRoom,
        next: Option<Arc<Room>>,
        first: Option<Reservation>,
    ) -> Result<Destroyed, Failure> {
        let mutation = Mutation {
            address: &step.address,
            operation: Operation::Destroy(record.room.clone()),
            call: self.kind().destroy_call(),
            empty: to_be_empty(step),
            next,
            kind: PendingKind::Destroy,
            record: record.clone(),
            before: Some(record),
            target: None,
        };
        let completed = match self.mutate(&mutation, first).await {
            Err(failure) => {
                if let Some(waiting) = self.waiting(step, record, &failure) {
                    self.record(&step.address, &waiting).await?;
                }
                return Err(failure);
            }
            Ok(completed) => completed,
        };
        let Completed { result, record: intent } = completed;
        let (request_id, at) = match result {
            MutationResult::Done(receipt, at) => (receipt.request_id, at),
            MutationResult::Missing(api_error) => {
                (api_error.and_then(|api_error| api_error.request_id), self.now())
            }
            MutationResult::Confirmed(_) => (None, self.now()),
            MutationResult::Exists(api_error, _) => {
                self.restore(&step.address, Some(record)).await?;
                return Err(Failure::NotDone(api_error));
            }
        };
        let left = intent.after_destroy(at);
        self.restore(&step.address, left.as_ref()).await?;
        Ok(Destroyed { request_id, left })
    }

    /// Destroys a room and creates it again, with the attributes of others as read right before the destroy.
    pub(super) async fn replace(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Reservation>,
    ) -> Result<Done, FailedStep> {
        let stays = |failure| FailedStep { failure, effect: Effect::AsPlanned, what: None };
        let unprepared = |failure| FailedStep {
            failure,
            effect: Effect::AsPlanned,
            what: Some("it was not replaced, because its new owner could not be registered"),
        };
        let Some(record) = record else { return Ok(Done::default()) };
        let record = &with_bookkeeping(step, record);
        let after = step.after.clone().unwrap_or_default();
        let making = Operation::Create(after.clone());
        self.register_users(&making).await.map_err(unprepared)?;
        let destroyed = self.destroy(step, record, Some(after), first).await.map_err(stays)?;
        let gone = |failed_step: FailedStep| FailedStep {
            what: Some("it was destroyed and could not be created again; the next run creates it"),
            ..failed_step
        };
        self.committed().create(step, destroyed.left.as_ref(), None).await.map_err(gone)
    }

    /// Executes what can change in place while a replace waits; `None` if the replace does not wait or
    /// nothing can change in place.
    pub(super) async fn execute_instead(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        failure: &Failure,
    ) -> Option<InPlaceStep> {
        let record = self.waiting(step, record?, failure)?;
        let instead = step.instead.as_deref()?;
        // The record contains the waiting replace already.
        let in_place = Step { next: None, ..instead.clone() };
        let result = self.execute_in_place(&in_place, &record).await;
        Some(InPlaceStep::of(instead, result, self.stop.not_tried()))
    }

    fn now(&self) -> Timestamp {
        self.connection.clock.now()
    }

    /// Returns the record of a room whose approved destroy or replace waits: it takes effect when the
    /// room is gone. `None` if the step does not wait.
    fn waiting(
        &self,
        step: &Step,
        record: &RecordedRoom,
        failure: &Failure,
    ) -> Option<RecordedRoom> {
        let record = match failure {
            Failure::Occupied(occupants) if occupants.here.any() => self.occupied(record),
            Failure::Occupied(_) | Failure::Unread(_) => record.clone(),
            Failure::NotDone(_)
            | Failure::Open(..)
            | Failure::Interrupted
            | Failure::NotTried(_)
            | Failure::State(_) => return None,
        };
        if let Some(after) = &step.after {
            return Some(record.with_next(Some(after.clone())));
        }
        let forgotten = NextLife { room: None, carried: Attributes::EMPTY, destroyed: None };
        Some(RecordedRoom { next: Some(Box::new(forgotten)), ..record })
    }

    /// Returns the record of a room that was just observed with people: the next plan queries it again, and
    /// lists it as waiting.
    fn occupied(&self, record: &RecordedRoom) -> RecordedRoom {
        let now = Some(self.now());
        RecordedRoom { last_seen: now, last_seen_with_people: now, ..record.clone() }
    }
}

/// Returns the sides of the room that have to be empty; none if people may be disconnected.
fn to_be_empty(step: &Step) -> Vec<Address> {
    match step.on_occupied {
        OnOccupied::Defer => {
            let here = [step.address.clone()];
            here.into_iter().chain(step.sides.others(&step.address)).collect()
        }
        OnOccupied::Destroy => Vec::new(),
    }
}
