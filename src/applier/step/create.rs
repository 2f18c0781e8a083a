//! Creates a room, or adopts one that exists if `on_conflict` allows it.

use std::sync::Arc;

use crate::applier::call_admission::Reservation;
use crate::applier::observe::observe_room;
use crate::applier::recover::uncertain;
use crate::applier::refresh::adopted;
use crate::applier::worker::{Completed, EarlierIntent, Failure, Mutation, MutationResult, Worker};
use crate::model::{
    Address, ApiError, Attributes, ErrorClass, Field, Kind, Landing, NextLife, Observation,
    ObservedRoom, OnConflict, Operation, Origin, Overwritten, Owner, Patch, Pending, PendingKind,
    RecordedRoom, Room, Settled, Step, Timestamp, settle,
};
use crate::provider::Receipt;

use super::{Done, Effect, FailedStep};

impl Worker {
    pub(super) async fn create(
        &self,
        step: &Step,
        before: Option<&RecordedRoom>,
        first: Option<Reservation>,
    ) -> Result<Done, FailedStep> {
        let room = step.after.clone().unwrap_or_default();
        let Origin::Call(call) = self.kind().origin() else {
            return self.record_expected(step, room).await;
        };
        let made = room.made_by_its_call(self.kind());
        let mut record = self.new_record(step, made);
        record.next = match before {
            Some(before) => Some(Box::new(next_of(before, &room))),
            None => record.with_next(Some(room)).next.filter(|_| !step.changes.is_empty()),
        };
        let mutation = Mutation {
            address: &step.address,
            operation: Operation::Create(sent(self.kind(), &record)),
            call,
            empty: Vec::new(),
            next: None,
            kind: PendingKind::Create,
            record,
            before,
            target: None,
        };
        let failed = |failure: Failure| {
            let effect =
                if matches!(failure, Failure::Open(..)) { Effect::AsPlanned } else { Effect::Gone };
            FailedStep { failure, effect, what: None }
        };
        let Completed { result, record: _ } =
            self.mutate(&mutation, first).await.map_err(failed)?;
        match result {
            MutationResult::Done(receipt, sent) => {
                let record = made_by(&mutation.record, &receipt, sent).made(self.kind());
                self.complete(step, record, &step.changes, receipt.request_id).await
            }
            MutationResult::Confirmed(record) => {
                self.complete(step, record, &step.changes, None).await
            }
            MutationResult::Exists(api_error, earlier) => {
                let ExistingRoom { record, changes, adopted } =
                    self.exists(step, &mutation, api_error, earlier).await.map_err(failed)?;
                let made = self.complete(step, record, &changes, None).await;
                match adopted {
                    Some(overwritten) => {
                        made.map_err(partly_adopted).map(|made| made.adopting(overwritten))
                    }
                    None => made,
                }
            }
            MutationResult::Missing(api_error) => {
                let why = "the service reports that the room to be created does not exist";
                Err(failed(Failure::Open(why.to_owned(), api_error)))
            }
        }
    }

    /// Records a room of a kind that no call creates: the service creates it for its first user.
    async fn record_expected(&self, step: &Step, room: Arc<Room>) -> Result<Done, FailedStep> {
        let failed = |failure| FailedStep { failure, effect: Effect::Gone, what: None };
        self.record(&step.address, &self.new_record(step, room)).await.map_err(failed)?;
        Ok(Done::default())
    }

    /// Records a room that exists now, and makes the remaining changes.
    async fn complete(
        &self,
        step: &Step,
        record: RecordedRoom,
        changes: &[Patch],
        request_id: Option<String>,
    ) -> Result<Done, FailedStep> {
        let after = step.after.clone().unwrap_or_default();
        let mut changes = changes.to_vec();
        changes.extend(carried_patch(&record));
        let what = if changes.is_empty() {
            "it was created, but could not be recorded"
        } else {
            "it was created, but not everything was set; the next run sets the rest"
        };
        let failed = |failure| FailedStep { failure, effect: Effect::AsPlanned, what: Some(what) };
        if !changes.is_empty() {
            self.record(&step.address, &record).await.map_err(failed)?;
        }
        let (worker, made) = (self.committed(), record.room.clone());
        let last = worker.modify(&step.address, record, made, &changes, after, None).await;
        Ok(Done { request_id: last.map_err(failed)?.or(request_id), adopted: None })
    }

    /// Handles a create that the service refused because the room exists. If an earlier intent was open,
    /// the room may be ours; otherwise `on_conflict` decides. A room of another state is never adopted.
    async fn exists(
        &self,
        step: &Step,
        mutation: &Mutation<'_>,
        api_error: ApiError,
        earlier: EarlierIntent,
    ) -> Result<ExistingRoom, Failure> {
        let address = &step.address;
        if earlier == EarlierIntent::Absent {
            self.restore(address, mutation.before).await?;
            if step.on_conflict == OnConflict::Fail {
                let owner = self.owner(address).await;
                return Err(Failure::NotDone(self.conflict(address, &owner, api_error)));
            }
        }
        let observed_room = match observe_room(&*self.connection.client, address).await {
            Ok(Observation::There(observed_room)) => observed_room,
            Ok(Observation::Gone(_)) => {
                self.restore(address, mutation.before).await?;
                return Err(Failure::NotDone(api_error));
            }
            Ok(Observation::Unread { why }) => return Err(unread(earlier, why, api_error)),
            Err(why) => return Err(unread(earlier, why.to_string(), api_error)),
        };
        match earlier {
            EarlierIntent::Open => self.appeared(step, mutation, observed_room, api_error).await,
            EarlierIntent::Absent => {
                let application = &self.connection.provider.application;
                match application.owner(&observed_room.attributes) {
                    owner @ Owner::Other(_) => {
                        Err(Failure::NotDone(self.conflict(address, &owner, api_error)))
                    }
                    Owner::Unknown | Owner::Ours => {
                        Ok(self.adopt_existing(step, mutation, &observed_room))
                    }
                }
            }
        }
    }

    /// Reads the owner of a room that exists. It is unknown if the room cannot be read or has no ownership
    /// attribute.
    async fn owner(&self, address: &Address) -> Owner {
        let application = &self.connection.provider.application;
        if application.ownership().is_none() {
            return Owner::Unknown;
        }
        match observe_room(&*self.connection.client, address).await {
            Ok(Observation::There(observed_room)) => application.owner(&observed_room.attributes),
            Ok(Observation::Gone(_) | Observation::Unread { .. }) | Err(_) => Owner::Unknown,
        }
    }

    /// Returns the error for a room that exists and that we did not create.
    fn conflict(&self, address: &Address, owner: &Owner, api_error: ApiError) -> ApiError {
        let elsewhere = self.recorded.elsewhere(address, &self.connection.provider);
        conflict(address, elsewhere.as_ref(), owner, api_error)
    }

    /// Returns a room that appeared after a lookup found none, if it is ours. If its origin is uncertain, it
    /// is recorded as contested and left unchanged.
    async fn appeared(
        &self,
        step: &Step,
        mutation: &Mutation<'_>,
        observed_room: ObservedRoom,
        api_error: ApiError,
    ) -> Result<ExistingRoom, Failure> {
        let (address, record) = (mutation.address, &mutation.record);
        let pending = Pending::new(PendingKind::Create, record.created, None);
        let application = &self.connection.provider.application;
        let owner = application.owner(&observed_room.attributes);
        let there = Observation::There(observed_room);
        let settled = settle(application, record, &pending, Some(&there), Landing::FoundMissing);
        let why = match settled {
            Settled::Contested(record) => {
                self.record(address, &record).await?;
                uncertain(address, &record)
            }
            Settled::Done(record) => {
                return Ok(ExistingRoom { record, changes: step.changes.clone(), adopted: None });
            }
            Settled::Foreign(_) => {
                self.restore(address, mutation.before).await?;
                return Err(Failure::NotDone(self.conflict(address, &owner, api_error)));
            }
            Settled::NotDone(_)
            | Settled::Gone(_)
            | Settled::Unproven(_)
            | Settled::MayStillLand(_)
            | Settled::Unread(_) => "a room exists, and its owner is not known".to_owned(),
        };
        Err(Failure::Open(why, Some(api_error)))
    }

    /// Adopts a room that we did not create. The changes bring it to what is declared, as far as that can
    /// change in place.
    fn adopt_existing(
        &self,
        step: &Step,
        mutation: &Mutation<'_>,
        observed_room: &ObservedRoom,
    ) -> ExistingRoom {
        let kind = self.kind();
        let after = step.after.clone().unwrap_or_default();
        let room = after.with_paths_as_read(&step.ignore_changes, observed_room);
        let room = Arc::new(match &step.ownership_key {
            Some(key) => room.with_attribute_of(key, &after.attributes),
            None => room,
        });
        let declared = RecordedRoom { room: room.clone(), next: None, ..mutation.record.clone() };
        let record = adopted(kind, &declared, observed_room);
        let changes = record.room.patches_towards(kind, &room);
        let adopted = Some(Overwritten::by(&record.room, &changes));
        ExistingRoom { record, changes, adopted }
    }
}

/// A room that exists already, and the changes that it still needs.
struct ExistingRoom {
    record: RecordedRoom,
    changes: Vec<Patch>,
    /// The values that are overwritten, if the room is adopted.
    adopted: Option<Vec<Overwritten>>,
}

impl Done {
    /// Returns this result for an adopted room whose values are overwritten.
    fn adopting(self, overwritten: Vec<Overwritten>) -> Self {
        Self { adopted: Some(overwritten), ..self }
    }
}

fn partly_adopted(failed_step: FailedStep) -> FailedStep {
    let what =
        "it exists already and was adopted, but not everything was set; the next run sets the rest";
    FailedStep { what: Some(what), ..failed_step }
}

/// Returns the failure for a room that exists and could not be looked up. It stays pending only if an
/// earlier create of ours is.
fn unread(earlier: EarlierIntent, why: String, api_error: ApiError) -> Failure {
    match earlier {
        EarlierIntent::Open => Failure::Open(why, Some(api_error)),
        EarlierIntent::Absent => Failure::NotDone(api_error),
    }
}

/// Adds to the service's error that a room exists where it is recorded (`elsewhere`), or who owns it.
fn conflict(
    address: &Address,
    elsewhere: Option<&Address>,
    owner: &Owner,
    api_error: ApiError,
) -> ApiError {
    let recorded = match (elsewhere, owner) {
        (Some(other), _) => {
            format!("is recorded as {other}, another provider name of the same application")
        }
        (None, Owner::Other(lineage)) => format!("belongs to another state, of lineage {lineage}"),
        (None, Owner::Ours) => "belongs to this state, but its record was lost".to_owned(),
        (None, Owner::Unknown) => {
            "is not in this state (a lost state, another state, or created by hand?)".to_owned()
        }
    };
    let adopt = match owner {
        Owner::Other(_) => "",
        Owner::Unknown | Owner::Ours => " or `on_conflict: adopt`",
    };
    let joined = if api_error.class == ErrorClass::Exists { " and " } else { "; it " };
    let message = format!(
        "{}{joined}{recorded}: `roomctl import {address}`{adopt} takes it over",
        api_error.message
    );
    ApiError { message, ..api_error }
}

/// Returns the next life of a recorded room that is gone and is recreated as `room`. It stays recorded
/// until the room is created, with the attributes of others that a replace has not set again yet.
fn next_of(before: &RecordedRoom, room: &Arc<Room>) -> NextLife {
    let carried = before.others(&room.attributes, &Attributes::EMPTY);
    let destroyed = before.next.as_deref().and_then(|next| next.destroyed);
    let destroyed = destroyed.or(before.last_seen).unwrap_or(before.created);
    NextLife { room: Some(room.clone()), carried, destroyed: Some(destroyed) }
}

/// Returns the room that the create call sends, including the attributes of others.
fn sent(kind: Kind, record: &RecordedRoom) -> Arc<Room> {
    if record.carried().is_empty() || !kind.made_with(Field::Attributes) {
        return record.room.clone();
    }
    Arc::new(Room { attributes: record.sent_attributes(kind), ..record.room.as_ref().clone() })
}

/// Returns the patch that sets the attributes of others that are not set again yet.
fn carried_patch(record: &RecordedRoom) -> Option<Patch> {
    let sets = Attributes::EMPTY.sets_towards(record.carried());
    (!sets.is_empty()).then_some(Patch::Attributes(sets))
}

/// Returns the record of a room that the service reports as created.
fn made_by(record: &RecordedRoom, receipt: &Receipt, sent: Timestamp) -> RecordedRoom {
    let mut record = record.clone();
    record.created = sent;
    record.attribute_sequence = receipt.attribute_sequence;
    record.request_id = receipt.request_id.as_deref().map(Into::into);
    record
}
