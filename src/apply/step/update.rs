//! Changes the attributes of a room in place, of one of ours or of one that is taken over.

use std::sync::Arc;

use crate::apply::change::{Failure, Intended, Known, Worker};
use crate::model::{
    Address, Assumed, AttributeChange, Call, Class, PendingKind, RecordedRoom, Room, Step, Trouble,
};
use crate::provider::{Operation, Permit, Receipt};

use super::{Broken, Carried, Effect, noted};

impl Worker {
    pub(super) async fn update(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Carried {
        let failed = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "its attributes could not be changed",
        };
        let Some(record) = record else { return Ok(None) };
        let mut record = noted(step, record);
        if let Some(before) = &step.before {
            record.room = with_attributes(&record.room, before);
        }
        let after = step.after.clone().unwrap_or_else(|| record.room.clone());
        self.modify(&step.address, record, &step.changes, after, first).await.map_err(failed)
    }

    /// Changes attributes, a call for each batch, and records what each call changed; once all are
    /// done the room is `after`.
    pub(super) async fn modify(
        &self,
        address: &Address,
        record: RecordedRoom,
        batches: &[Vec<AttributeChange>],
        after: Arc<Room>,
        first: Option<Permit>,
    ) -> Result<Option<String>, Failure> {
        let (mut record, mut first, mut request_id) = (record, first, None);
        let mut worker = self.clone();
        self.keep(address, &record).await?;
        for batch in batches {
            let target = changed(&record.room, batch, &[]);
            let intended = Intended {
                address,
                operation: Operation::Modify(batch.clone()),
                kind: PendingKind::Update,
                record: record.clone(),
                before: Some(&record),
                target: Some(target),
            };
            match worker.change(&intended, first.take()).await? {
                Known::Done(receipt, _) => {
                    let done = changed(&record.room, batch, &receipt.failed_keys);
                    record = modified(&record, done, &receipt);
                    self.keep(address, &record).await?;
                    refuse_partial(&receipt)?;
                    request_id = receipt.request_id;
                }
                Known::Seen(seen) => {
                    self.keep(address, &seen).await?;
                    record = seen;
                }
                Known::Missing(trouble) => {
                    // The intent stays open: the next run looks, and brings the room back.
                    return Err(Failure::Open("the room is gone".to_owned(), trouble));
                }
                Known::Exists(trouble, _) => {
                    self.put_back(address, Some(&record)).await?;
                    return Err(Failure::NotDone(trouble));
                }
            }
            worker = self.committed();
        }
        record.room = after;
        self.keep(address, &record).await?;
        Ok(request_id)
    }

    pub(super) async fn adopt(&self, step: &Step, first: Option<Permit>) -> Carried {
        let failed = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "it could not be taken over",
        };
        let mut record = self.fresh(step, step.after.clone().unwrap_or_default());
        record.assumed = Assumed { name: true, destroy_delay_time: true };
        let after = record.room.clone();
        if let Some(before) = &step.before {
            record.room = with_attributes(&record.room, before);
        }
        self.modify(&step.address, record, &step.changes, after, first).await.map_err(failed)
    }
}

/// The record of a room whose attributes the service says it changed.
fn modified(record: &RecordedRoom, room: Arc<Room>, receipt: &Receipt) -> RecordedRoom {
    let mut record = record.clone();
    record.room = room;
    record.attribute_sequence = receipt.attribute_sequence.or(record.attribute_sequence);
    record.request_id = receipt.request_id.as_deref().map(Into::into);
    record
}

/// A room after changes, but for those of the keys that failed.
fn changed(room: &Room, changes: &[AttributeChange], failed_keys: &[(String, i64)]) -> Arc<Room> {
    let mut room = room.clone();
    let done = |change: &&AttributeChange| !failed_keys.iter().any(|(key, _)| key == change.key());
    for change in changes.iter().filter(done) {
        room.attributes.apply(change);
    }
    Arc::new(room)
}

/// A room with the attributes of another.
fn with_attributes(room: &Room, other: &Room) -> Arc<Room> {
    let mut room = room.clone();
    room.attributes = other.attributes.clone();
    Arc::new(room)
}

/// Code 0 with failed keys is a failure of those keys.
fn refuse_partial(receipt: &Receipt) -> Result<(), Failure> {
    if receipt.failed_keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = receipt
        .failed_keys
        .iter()
        .map(|(key, code)| format!("`{key}` (sub-code {code})"))
        .collect();
    Err(Failure::NotDone(Trouble {
        class: Class::Refused,
        call: Call::ModifyRoomAttribute,
        code: Some(0),
        message: format!(
            "the service changed the other attributes, but not {}: check their keys and sizes, \
             then apply again",
            keys.join(", ")
        ),
        request_id: receipt.request_id.clone(),
        retry_after: None,
    }))
}
