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
                let why = "the service says that the room to be created does not exist";
                Err(failed(Failure::Open(why.to_owned(), trouble)))
            }
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
        if earlier == EarlierIntent::Absent {
            self.put_back(address, intended.before).await?;
            if self.settings.on_conflict == OnConflict::Fail {
                return Err(Failure::NotDone(conflict(address, trouble)));
            }
        }
        let sighting = match look(&*self.connection.client, address).await {
            Ok(Observation::There(sighting)) => sighting,
            Ok(Observation::Gone) => {
                self.put_back(address, intended.before).await?;
                return Err(Failure::NotDone(trouble));
            }
            Ok(Observation::Unread { why }) => return Err(unread(earlier, why, trouble)),
            Err(why) => return Err(unread(earlier, why.to_string(), trouble)),
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
            (EarlierIntent::Open | EarlierIntent::Absent, _) => {
                let record = adopted(&intended.record, &sighting, now);
                let changes = sighting.attributes.sets_towards(&room.attributes);
                let batches = if changes.is_empty() { Vec::new() } else { vec![changes] };
                self.modify(address, record, &batches, room, None).await
            }
        }
    }
}

/// A room that exists and could not be looked at: open only where a create of ours is.
fn unread(earlier: EarlierIntent, why: String, trouble: Trouble) -> Failure {
    match earlier {
        EarlierIntent::Open => Failure::Open(why, Some(trouble)),
        EarlierIntent::Absent => Failure::NotDone(trouble),
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
