//! Changes a recorded or adopted room in place.

use std::sync::Arc;

use crate::applier::call_admission::Reservation;
use crate::applier::observe::observe_room;
use crate::applier::worker::{Completed, Failure, Mutation, MutationResult, Worker};
use crate::model::{
    Address, ApiError, Assumed, Call, ErrorClass, Observation, ObservedRoom, Operation, Patch,
    PendingKind, RecordedRoom, Room, Step,
};
use crate::provider::Receipt;

use super::{Effect, FailedStep, StepResult, with_bookkeeping};

/// A change that failed for some keys.
#[derive(Clone, Copy)]
struct Partial<'a> {
    call: Call,
    /// The record before it.
    ours: &'a Room,
    /// The room after it.
    target: &'a Room,
    patch: &'a Patch,
    receipt: &'a Receipt,
}

impl Worker {
    pub(super) async fn update(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Reservation>,
    ) -> StepResult {
        let failed = |failure| FailedStep { failure, effect: Effect::AsPlanned, what: None };
        let Some(record) = record else { return Ok(None) };
        let record = with_bookkeeping(step, record);
        let present = match &step.before {
            Some(before) => Arc::new(record.room.with_changeable_of(self.kind(), before)),
            None => record.room.clone(),
        };
        let after = step.after.clone().unwrap_or_else(|| present.clone());
        let modified = self.modify(&step.address, record, present, &step.changes, after, first);
        modified.await.map_err(failed)
    }

    /// Makes one call for each change and records the result of each call; the last result records the
    /// room as `after`. Without changes that need a call, it records only that.
    ///
    /// `present` is the room as it is now. The record holds what was last sent: if a call fails, changes
    /// by others are not taken into it.
    pub(super) async fn modify(
        &self,
        address: &Address,
        record: RecordedRoom,
        present: Arc<Room>,
        changes: &[Patch],
        after: Arc<Room>,
        first: Option<Reservation>,
    ) -> Result<Option<String>, Failure> {
        let mut record = record.continued_towards(self.kind(), &after);
        let mut present = present;
        let (mut first, mut request_id) = (first, None);
        let mut worker = self.clone();
        let calls = self.calls(changes);
        if calls.is_empty() {
            record.room = after.clone();
            record = record.finished(self.kind());
            self.record(address, &record).await?;
        }
        let last = calls.len();
        for (n, (call, patch)) in (1..).zip(calls.iter().copied()) {
            let later = calls.iter().skip(n).map(|(_, patch)| *patch);
            let present_now = as_recorded_before(&present, &record.room, later);
            let (ours, target) = (record.room.clone(), changed(&present_now, patch, &[]));
            let mutation = Mutation {
                address,
                operation: Operation::Patch(patch.clone()),
                call,
                empty: Vec::new(),
                next: None,
                kind: PendingKind::Update,
                record: record.clone(),
                before: Some(&record),
                target: Some(target.clone()),
            };
            let Completed { result, record: _ } = worker.mutate(&mutation, first.take()).await?;
            match result {
                MutationResult::Done(receipt, _) => {
                    let done = changed(&record.room, patch, &receipt.failed_keys);
                    record = modified(&record, done, &receipt);
                    if !receipt.failed_keys.is_empty() {
                        let target = &target;
                        let failed =
                            Partial { call, ours: &ours, target, patch, receipt: &receipt };
                        record = self.partial(address, &record, &failed).await?;
                    }
                    record = record.disowning_carried(self.kind(), &ours.attributes);
                    request_id = receipt.request_id;
                }
                MutationResult::Confirmed(seen) => {
                    record = RecordedRoom { room: changed(&record.room, patch, &[]), ..seen };
                }
                MutationResult::Missing(api_error) => {
                    // The intent stays pending: the next run looks it up, and recreates the room.
                    return Err(Failure::Open("the room is gone".to_owned(), api_error));
                }
                MutationResult::Exists(api_error, _) => {
                    self.restore(address, Some(&record)).await?;
                    return Err(Failure::NotDone(api_error));
                }
            }
            if n == last {
                record.room = after.clone();
                record = record.finished(self.kind());
            }
            self.record(address, &record).await?;
            (worker, present) = (self.committed(), target);
        }
        Ok(request_id)
    }

    /// Returns each change with the call that makes it; changes that need no call are left out.
    fn calls<'a>(&self, changes: &'a [Patch]) -> Vec<(Call, &'a Patch)> {
        let call = |patch| Some((self.kind().patch_call(patch)?, patch));
        changes.iter().filter_map(call).collect()
    }

    /// Handles a success that lists failed keys: a failure of those keys, unless a lookup shows that they
    /// have their target values. A key to be deleted may be gone already.
    async fn partial(
        &self,
        address: &Address,
        record: &RecordedRoom,
        partial: &Partial<'_>,
    ) -> Result<RecordedRoom, Failure> {
        let Partial { call, ours, target, patch, receipt } = *partial;
        let application = &self.connection.provider.application;
        let is_foreign = |record: &RecordedRoom, observed_room: &ObservedRoom| {
            record.other_owner(application, observed_room).is_some()
        };
        let read = match observe_room(&*self.connection.client, address).await {
            Ok(Observation::There(observed_room)) if !is_foreign(record, &observed_room) => {
                record.read(target, &observed_room)
            }
            Ok(Observation::There(_) | Observation::Gone(_) | Observation::Unread { .. })
            | Err(_) => record.clone(),
        };
        if read.room.attributes == target.attributes {
            return Ok(RecordedRoom { room: changed(&record.room, patch, &[]), ..read });
        }
        let reached = Arc::new(record.room.with_reached(target, &read.room));
        let left = RecordedRoom { room: reached, ..read };
        let left = left.disowning_carried(self.kind(), &ours.attributes);
        self.record(address, &left).await?;
        Err(refused(call, receipt))
    }

    pub(super) async fn adopt(&self, step: &Step, first: Option<Reservation>) -> StepResult {
        let failed = |failure| FailedStep { failure, effect: Effect::AsPlanned, what: None };
        let mut record = self.new_record(step, step.after.clone().unwrap_or_default());
        record.assumed = Assumed::of(self.kind());
        let after = record.room.clone();
        if let Some(before) = &step.before {
            record.room = Arc::new(record.room.with_changeable_of(self.kind(), before));
        }
        let present = record.room.clone();
        let modified = self.modify(&step.address, record, present, &step.changes, after, first);
        modified.await.map_err(failed)
    }
}

/// Returns the record of a room that the service reports as changed.
fn modified(record: &RecordedRoom, room: Arc<Room>, receipt: &Receipt) -> RecordedRoom {
    let mut record = record.clone();
    record.room = room;
    record.attribute_sequence = receipt.attribute_sequence.or(record.attribute_sequence);
    record.request_id = receipt.request_id.as_deref().map(Into::into);
    record
}

/// Returns a room as it is, except that keys and fields that `later` calls change are as recorded. If the
/// run ends before those calls, values of others are not taken for ours.
fn as_recorded_before<'a>(
    present: &Room,
    recorded: &Room,
    later: impl Iterator<Item = &'a Patch>,
) -> Room {
    let mut room = present.clone();
    for patch in later {
        match patch {
            Patch::Attributes(changes) => {
                for change in changes {
                    room.attributes.copy(change.key(), &recorded.attributes);
                }
            }
            Patch::Fields(fields) => {
                for (field, _) in fields.iter() {
                    room.copy(field, recorded);
                }
            }
        }
    }
    room
}

/// Returns a room after a change, except for the keys that failed.
fn changed(room: &Room, patch: &Patch, failed_keys: &[(String, i64)]) -> Arc<Room> {
    let mut room = room.clone();
    room.apply(patch, failed_keys);
    Arc::new(room)
}

/// Returns the failure for keys that the service did not change.
fn refused(call: Call, receipt: &Receipt) -> Failure {
    let keys: Vec<_> = receipt
        .failed_keys
        .iter()
        .map(|(key, code)| format!("`{key}` (sub-code {code})"))
        .collect();
    Failure::NotDone(ApiError {
        class: ErrorClass::Refused,
        call,
        code: Some(0),
        message: format!(
            "the service changed the other attributes, but not {}: check their keys and sizes, \
             then apply again",
            keys.join(", ")
        ),
        request_id: receipt.request_id.clone(),
        retry_after: None,
        answered: true,
    })
}
