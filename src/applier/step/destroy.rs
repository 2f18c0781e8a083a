//! Destroys a room, or replaces it by a new one.

use std::sync::Arc;

use crate::applier::change::{Changed, Failure, Intended, Known, Worker};
use crate::model::{
    Address, OnOccupied, Operation, PendingKind, RecordedRoom, Room, Step, Timestamp,
};
use crate::provider::Permit;

use super::{Also, Broken, Carried, Effect, Made, noted};

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
        first: Option<Permit>,
    ) -> Carried {
        let failed =
            |failure| Broken { failure, effect: Effect::Stays, what: "it could not be destroyed" };
        let Some(record) = record else { return Ok(None) };
        let destroyed = self.destroy(step, record, None, first).await.map_err(failed)?;
        Ok(destroyed.request_id)
    }

    async fn destroy(
        &self,
        step: &Step,
        record: &RecordedRoom,
        next: Option<Arc<Room>>,
        first: Option<Permit>,
    ) -> Result<Destroyed, Failure> {
        let intended = Intended {
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
        let changed = match self.change(&intended, first).await {
            Err(Failure::Occupied(inside)) if inside.here.any() => {
                self.keep(&step.address, &self.occupied(record)).await?;
                return Err(Failure::Occupied(inside));
            }
            changed => changed?,
        };
        let Changed { known, record: intent } = changed;
        let (request_id, at) = match known {
            Known::Done(receipt, at) => (receipt.request_id, at),
            Known::Missing(api_error) => {
                (api_error.and_then(|api_error| api_error.request_id), self.now())
            }
            Known::Seen(_) => (None, self.now()),
            Known::Exists(api_error, _) => {
                self.put_back(&step.address, Some(record)).await?;
                return Err(Failure::NotDone(api_error));
            }
        };
        let left = intent.after_destroy(at);
        self.put_back(&step.address, left.as_ref()).await?;
        Ok(Destroyed { request_id, left })
    }

    /// Destroys a room and makes it anew, with the attributes of others as they were read right before.
    pub(super) async fn replace(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Result<Made, Broken> {
        let stays = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "it could not be destroyed, so it was not replaced",
        };
        let unprepared = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "it was not replaced, since its new owner could not be made known",
        };
        let Some(record) = record else { return Ok(Made::default()) };
        let record = &noted(step, record);
        let after = step.after.clone().unwrap_or_default();
        let making = Operation::Create(after.clone());
        self.make_known(&making).await.map_err(unprepared)?;
        let destroyed = self.destroy(step, record, Some(after), first).await.map_err(stays)?;
        let gone = |broken: Broken| Broken {
            what: "it was destroyed and could not be created again; the next run creates it",
            ..broken
        };
        self.committed().create(step, destroyed.left.as_ref(), None).await.map_err(gone)
    }

    /// What can change in place, while the room cannot be made anew yet; none where nothing can.
    pub(super) async fn instead(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        failure: &Failure,
    ) -> Option<Also> {
        let record = record?;
        let record = match failure {
            Failure::Occupied(inside) if inside.here.any() => self.occupied(record),
            Failure::Occupied(_) | Failure::Unasked(_) => record.clone(),
            Failure::NotDone(_)
            | Failure::Open(..)
            | Failure::Interrupted
            | Failure::NotTried(_)
            | Failure::State(_) => return None,
        };
        let instead = step.instead.as_deref()?;
        let carried = self.in_place(instead, &record).await;
        Some(Also::of(instead, carried))
    }

    fn now(&self) -> Timestamp {
        self.connection.clock.now()
    }

    /// The record of a room that people were just seen in: the next plan asks again, and lists the
    /// room as waiting.
    fn occupied(&self, record: &RecordedRoom) -> RecordedRoom {
        let now = Some(self.now());
        RecordedRoom { last_seen: now, last_seen_with_people: now, ..record.clone() }
    }
}

/// The sides of the room that nobody may be inside of; none where people are thrown out.
fn to_be_empty(step: &Step) -> Vec<Address> {
    match step.on_occupied {
        OnOccupied::Defer => {
            let here = [step.address.clone()];
            here.into_iter().chain(step.sides.others(&step.address)).collect()
        }
        OnOccupied::Destroy => Vec::new(),
    }
}
