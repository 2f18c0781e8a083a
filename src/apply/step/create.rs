//! Creates a room, or takes over one that exists where that is allowed.

use std::sync::Arc;

use crate::apply::change::{EarlierIntent, Failure, Intended, Known, Worker};
use crate::apply::observe::look;
use crate::apply::recover::adopted;
use crate::model::{
    Address, Class, Observation, OnConflict, Operation, Origin, Overwritten, Patch, PendingKind,
    RecordedRoom, Room, Step, Timestamp, Trouble, shows,
};
use crate::provider::{Permit, Receipt};

use super::{Broken, Effect, Made};

impl Worker {
    pub(super) async fn create(
        &self,
        step: &Step,
        before: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Result<Made, Broken> {
        let room = step.after.clone().unwrap_or_default();
        let Origin::Call(call) = self.kind().origin() else { return self.expect(step, room).await };
        let made = room.made_by_its_call(self.kind());
        let intended = Intended {
            address: &step.address,
            operation: Operation::Create(made.clone()),
            call,
            empty: Vec::new(),
            kind: PendingKind::Create,
            record: self.fresh(step, made),
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
                let record = made_by(&intended.record, &receipt, sent);
                self.complete(step, record, &step.changes, receipt.request_id).await
            }
            Known::Seen(record) => self.complete(step, record, &step.changes, None).await,
            Known::Exists(trouble, earlier) => {
                let Found { record, changes, adopted } =
                    self.exists(step, &intended, trouble, earlier).await.map_err(failed)?;
                let made = self.complete(step, record, &changes, None).await;
                match adopted {
                    Some(overwritten) => {
                        made.map_err(unadopted).map(|made| made.adopting(overwritten))
                    }
                    None => made,
                }
            }
            Known::Missing(trouble) => {
                let why = "the service says that the room to be created does not exist";
                Err(failed(Failure::Open(why.to_owned(), trouble)))
            }
        }
    }

    /// Records a room that no call makes: its first user does.
    async fn expect(&self, step: &Step, room: Arc<Room>) -> Result<Made, Broken> {
        let failed =
            |failure| Broken { failure, effect: Effect::Gone, what: "it could not be recorded" };
        self.keep(&step.address, &self.fresh(step, room)).await.map_err(failed)?;
        Ok(Made::default())
    }

    /// Records a room that exists now, and makes the changes that are left.
    async fn complete(
        &self,
        step: &Step,
        record: RecordedRoom,
        changes: &[Patch],
        request_id: Option<String>,
    ) -> Result<Made, Broken> {
        let failed = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "it was created, but not everything was set; the next run sets the rest",
        };
        let after = step.after.clone().unwrap_or_default();
        let last = self.committed().modify(&step.address, record, changes, after, None).await;
        Ok(Made { request_id: last.map_err(failed)?.or(request_id), adopted: None })
    }

    /// A create that the service answered with "exists": ours where an earlier intent was open and
    /// what can be read agrees, and otherwise as `on_conflict` says.
    async fn exists(
        &self,
        step: &Step,
        intended: &Intended<'_>,
        trouble: Trouble,
        earlier: EarlierIntent,
    ) -> Result<Found, Failure> {
        let address = &step.address;
        if earlier == EarlierIntent::Absent {
            self.put_back(address, intended.before).await?;
            if self.settings.on_conflict == OnConflict::Fail {
                let elsewhere = self.recorded.elsewhere(address, &self.connection.provider);
                return Err(Failure::NotDone(conflict(address, elsewhere.as_ref(), trouble)));
            }
        }
        let sighting = match look(&*self.connection.client, address).await {
            Ok(Observation::There(sighting)) => sighting,
            Ok(Observation::Gone(_)) => {
                self.put_back(address, intended.before).await?;
                return Err(Failure::NotDone(trouble));
            }
            Ok(Observation::Unread { why }) => return Err(unread(earlier, why, trouble)),
            Err(why) => return Err(unread(earlier, why.to_string(), trouble)),
        };
        let kind = self.kind();
        let application = &self.connection.provider.application;
        match (earlier, self.settings.on_conflict) {
            (EarlierIntent::Open, _) if shows(application, &intended.record.room, &sighting) => {
                let mut record = intended.record.seen(&sighting);
                record.pending = None;
                Ok(Found { record, changes: step.changes.clone(), adopted: None })
            }
            (EarlierIntent::Open, OnConflict::Fail) => {
                let why = "a room is there that is not what was sent";
                Err(Failure::Open(why.to_owned(), Some(trouble)))
            }
            (EarlierIntent::Open | EarlierIntent::Absent, _) => {
                let room = step.after.clone().unwrap_or_default();
                let declared = RecordedRoom { room: room.clone(), ..intended.record.clone() };
                let record = adopted(kind, &declared, &sighting);
                let changes = record.room.patches_towards(kind, &room);
                let adopted = Some(Overwritten::by(&record.room, &changes));
                Ok(Found { record, changes, adopted })
            }
        }
    }
}

/// A room that exists already, and what is left to change of it.
struct Found {
    record: RecordedRoom,
    changes: Vec<Patch>,
    /// The values that are overwritten, where the room was not made by us and is adopted.
    adopted: Option<Vec<Overwritten>>,
}

impl Made {
    /// The same of a room that was adopted, and that had these values.
    fn adopting(self, overwritten: Vec<Overwritten>) -> Self {
        Self { adopted: Some(overwritten), ..self }
    }
}

fn unadopted(broken: Broken) -> Broken {
    let what =
        "it exists already and was adopted, but not everything was set; the next run sets the rest";
    Broken { what, ..broken }
}

/// A room that exists and could not be looked at: open only where a create of ours is.
fn unread(earlier: EarlierIntent, why: String, trouble: Trouble) -> Failure {
    match earlier {
        EarlierIntent::Open => Failure::Open(why, Some(trouble)),
        EarlierIntent::Absent => Failure::NotDone(trouble),
    }
}

/// The service's answer, which says that a room of this id exists, and whether it is recorded
/// `elsewhere`.
fn conflict(address: &Address, elsewhere: Option<&Address>, trouble: Trouble) -> Trouble {
    let recorded = elsewhere.map_or_else(
        || "is not in this state (a lost state, another state, a colleague?)".to_owned(),
        |other| format!("is recorded as {other}, another provider name of the same application"),
    );
    let joined = if trouble.class == Class::Exists { " and " } else { "; it " };
    let message = format!(
        "{}{joined}{recorded}: `roomctl import {address}` or `on_conflict: adopt` takes it over",
        trouble.message
    );
    Trouble { message, ..trouble }
}

/// The record of a room that the service says it made.
fn made_by(record: &RecordedRoom, receipt: &Receipt, sent: Timestamp) -> RecordedRoom {
    let mut record = record.clone();
    record.created = sent;
    record.attribute_sequence = receipt.attribute_sequence;
    record.request_id = receipt.request_id.as_deref().map(Into::into);
    record
}
