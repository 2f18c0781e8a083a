//! Creates a room, or takes over one that exists where that is allowed.

use crate::apply::change::{EarlierIntent, Failure, Intended, Known, Worker};
use crate::apply::observe::look;
use crate::apply::recover::adopted;
use crate::model::{
    Address, Observation, OnConflict, PendingKind, RecordedRoom, Step, Timestamp, Trouble, shows,
};
use crate::provider::{Operation, Permit, Receipt};

use super::{Broken, Carried, Effect};

impl Worker {
    pub(super) async fn create(
        &self,
        step: &Step,
        before: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Carried {
        let room = step.after.clone().unwrap_or_default();
        let intended = Intended {
            address: &step.address,
            operation: Operation::Create(room.clone()),
            kind: PendingKind::Create,
            record: self.fresh(step, room.clone()),
            before,
            target: None,
        };
        let failed = |failure: Failure| {
            let effect =
                if matches!(failure, Failure::Open(..)) { Effect::AsPlanned } else { Effect::Gone };
            Broken { failure, effect, what: "it could not be created" }
        };
        match self.change(&intended, first).await.map_err(failed)? {
            Known::Done(receipt, sent) => {
                let record = made(&intended.record, &receipt, sent);
                self.keep(&step.address, &record).await.map_err(failed)?;
                Ok(receipt.request_id)
            }
            Known::Seen(record) => {
                self.keep(&step.address, &record).await.map_err(failed)?;
                Ok(None)
            }
            Known::Exists(trouble, earlier) => {
                self.exists(step, &intended, trouble, earlier).await.map_err(failed)
            }
            Known::Missing(trouble) => {
                self.put_back(&step.address, before).await.map_err(failed)?;
                Err(failed(Failure::NotDone(trouble)))
            }
            Known::SeenGone => Ok(None),
        }
    }

    /// A create that the service answered with "exists": ours where an earlier intent was open and
    /// the attributes agree, and otherwise as `on_conflict` says.
    async fn exists(
        &self,
        step: &Step,
        intended: &Intended<'_>,
        trouble: Trouble,
        earlier: EarlierIntent,
    ) -> Result<Option<String>, Failure> {
        let address = &step.address;
        if (earlier, self.settings.on_conflict) == (EarlierIntent::None, OnConflict::Fail) {
            self.put_back(address, intended.before).await?;
            return Err(Failure::NotDone(conflict(address, trouble)));
        }
        let seen = self.stop.or(look(&*self.connection.client, address)).await;
        let sighting = match seen.ok_or(Failure::Interrupted)? {
            Ok(Observation::There(sighting)) => sighting,
            Ok(Observation::Gone) => {
                self.put_back(address, intended.before).await?;
                return Err(Failure::NotDone(trouble));
            }
            Ok(Observation::Unread { why }) => return Err(Failure::Open(why, Some(trouble))),
            Err(why) => return Err(Failure::Open(why.to_string(), Some(trouble))),
        };
        let now = self.connection.clock.now();
        let room = step.after.clone().unwrap_or_default();
        match (earlier, self.settings.on_conflict) {
            (EarlierIntent::Open, _) if shows(&room, &sighting) => {
                let mut record = intended.record.seen(&sighting, now);
                record.pending = None;
                self.keep(address, &record).await?;
                Ok(None)
            }
            (EarlierIntent::Open, OnConflict::Fail) => {
                let why = "a room is there whose attributes are not the ones that were sent";
                Err(Failure::Open(why.to_owned(), Some(trouble)))
            }
            (EarlierIntent::Open | EarlierIntent::None, OnConflict::Adopt) => {
                let record = adopted(&intended.record, &sighting, now);
                let changes = sighting.attributes.sets_towards(&room.attributes);
                let batches = if changes.is_empty() { Vec::new() } else { vec![changes] };
                self.modify(address, record, &batches, room, None).await
            }
            (EarlierIntent::None, OnConflict::Fail) => {
                Err(Failure::NotDone(conflict(address, trouble)))
            }
        }
    }
}

fn conflict(address: &Address, trouble: Trouble) -> Trouble {
    let message = format!(
        "{}; it was not made by roomctl: take it over with `roomctl import {address}`, or with \
         `on_conflict: adopt` in the policy",
        trouble.message
    );
    Trouble { message, ..trouble }
}

/// The record of a room that the service says it made.
fn made(record: &RecordedRoom, receipt: &Receipt, sent: Timestamp) -> RecordedRoom {
    let mut record = record.clone();
    record.created = sent;
    record.attribute_sequence = receipt.attribute_sequence;
    record.request_id = receipt.request_id.as_deref().map(Into::into);
    record
}
