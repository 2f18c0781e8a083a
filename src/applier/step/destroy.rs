//! Destroys a room, or replaces it by a new one.

use std::sync::Arc;

use crate::applier::call_admission::Reservation;
use crate::applier::worker::{Completed, Failure, Mutation, MutationResult, Worker};
use crate::model::{
    Address, Attributes, NextLife, OnOccupied, Operation, PendingKind, RecordedRoom, Room, Step,
    Timestamp,
};

use super::{Done, Effect, FailedStep, InPlaceStep, StepResult, noted};

/// A room that was destroyed.
struct Destroyed {
    request_id: Option<String>,
    /// What stays on record: the room that a replace makes next.
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
        // What was approved for a next life is not approved any more.
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
        let changed = match self.mutate(&mutation, first).await {
            Err(failure) => {
                if let Some(waiting) = self.waiting(step, record, &failure) {
                    self.record(&step.address, &waiting).await?;
                }
                return Err(failure);
            }
            Ok(changed) => changed,
        };
        let Completed { result, record: intent } = changed;
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

    /// Destroys a room and makes it anew, with the attributes of others as they were read right before.
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
        let record = &noted(step, record);
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

    /// Executes what can change in place while the room cannot be made anew yet; `None` if nothing can.
    pub(super) async fn instead(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        failure: &Failure,
    ) -> Option<InPlaceStep> {
        let record = self.waiting(step, record?, failure)?;
        let instead = step.instead.as_deref()?;
        // The record says already what waits.
        let in_place = Step { next: None, ..instead.clone() };
        let carried = self.in_place(&in_place, &record).await;
        Some(InPlaceStep::of(instead, carried, self.stop.not_tried()))
    }

    fn now(&self) -> Timestamp {
        self.connection.clock.now()
    }

    /// The record of a room whose approved destroy or replace waits: it comes about once the room is gone.
    /// `None` if it does not wait.
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

    /// The record of a room that people were just seen in: the next plan asks again, and lists the
    /// room as waiting.
    fn occupied(&self, record: &RecordedRoom) -> RecordedRoom {
        let now = Some(self.now());
        RecordedRoom { last_seen: now, last_seen_with_people: now, ..record.clone() }
    }
}

/// The sides of the room that have to be empty; none if people are disconnected.
fn to_be_empty(step: &Step) -> Vec<Address> {
    match step.on_occupied {
        OnOccupied::Defer => {
            let here = [step.address.clone()];
            here.into_iter().chain(step.sides.others(&step.address)).collect()
        }
        OnOccupied::Destroy => Vec::new(),
    }
}
