//! Destroys a room, or replaces it by a new one.

use crate::apply::change::{Failure, Intended, Known, Worker};
use crate::model::{Address, OnOccupied, Operation, PendingKind, RecordedRoom, Step};
use crate::provider::Permit;

use super::{Broken, Carried, Effect, Made};

impl Worker {
    pub(super) async fn destroy_step(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Carried {
        let failed =
            |failure| Broken { failure, effect: Effect::Stays, what: "it could not be destroyed" };
        self.destroy(step, record, first).await.map_err(failed)
    }

    async fn destroy(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Result<Option<String>, Failure> {
        let Some(record) = record else { return Ok(None) };
        let intended = Intended {
            address: &step.address,
            operation: Operation::Destroy(record.room.clone()),
            call: self.kind().destroy_call(),
            empty: to_be_empty(step),
            kind: PendingKind::Destroy,
            record: record.clone(),
            before: Some(record),
            target: None,
        };
        let known = match self.change(&intended, first).await {
            Err(Failure::Occupied(inside)) if inside.here.any() => {
                self.keep(&step.address, &self.occupied(record)).await?;
                return Err(Failure::Occupied(inside));
            }
            known => known?,
        };
        let request_id = match known {
            Known::Done(receipt, _) => receipt.request_id,
            Known::Missing(trouble) => trouble.and_then(|trouble| trouble.request_id),
            Known::Seen(_) => None,
            Known::Exists(trouble, _) => {
                self.put_back(&step.address, Some(record)).await?;
                return Err(Failure::NotDone(trouble));
            }
        };
        self.ledger.remove(&step.address).await?;
        Ok(request_id)
    }

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
        let making = Operation::Create(step.after.clone().unwrap_or_default());
        self.make_known(&making).await.map_err(unprepared)?;
        self.destroy(step, record, first).await.map_err(stays)?;
        let gone = |broken: Broken| Broken {
            what: "it was destroyed and could not be created again; the next run creates it",
            ..broken
        };
        self.committed().create(step, None, None).await.map_err(gone)
    }

    /// The record of a room that people were just seen in: the next plan asks again, and lists the
    /// room as waiting.
    fn occupied(&self, record: &RecordedRoom) -> RecordedRoom {
        let now = Some(self.connection.clock.now());
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
