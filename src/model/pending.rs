//! Resolves a call of unknown outcome by the result of a lookup.

use std::sync::Arc;
use std::time::Duration;

use super::origin::{self, Comparison};
use super::{
    Application, Assumed, Kind, Observation, ObservedRoom, Origin, Owner, Pending, PendingKind,
    People, RecordedRoom, Room, Timestamp,
};

/// The time-out of one call. A request that was sent may take effect until then, so only afterwards is
/// it certain that it did not.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after its intent was written a call may take effect: its time-out, and the time between
/// writing the intent and sending the call on a slow disk.
pub const LANDING: Duration = Duration::from_secs(12);

/// How long after its intent was written a service may accept a call that its sender delayed: the 10
/// minutes for which it accepts a signature, and 5 minutes of clock difference.
pub const SIGNATURE_ACCEPTED: Duration = Duration::from_mins(15);

/// The resolved outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was done and the room is ours, with this record.
    Done(RecordedRoom),
    /// It was not done and the room is ours as before, with this record.
    NotDone(RecordedRoom),
    /// The room does not exist, and the call can no longer make it. The record that remains, if any.
    Gone(Option<RecordedRoom>),
    /// The room was made by another state, and our call can no longer make it. The record that remains,
    /// if any.
    Foreign(Option<RecordedRoom>),
    /// A room of uncertain origin exists. Its record contains the reason.
    Contested(RecordedRoom),
    /// A room exists after a destroy, and nothing proves whether it is the one that was to be
    /// destroyed: its name and delay are assumed.
    Unproven(RecordedRoom),
    /// The call has not taken effect and may do so until this time, after which it is looked up again.
    MayStillLand(Timestamp),
    /// The lookup failed, for this reason.
    Unread(String),
}

/// Whether a call of unknown outcome may still take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The time of the observation decides.
    ByClock,
    /// [`LANDING`] has not passed by a monotonic clock.
    NotOver,
    /// [`LANDING`] has passed by a monotonic clock.
    Over,
    /// It has passed, and the room was missing then: a room that exists now was made later.
    FoundMissing,
}

/// Returns the outcome of the pending call of `record`, a room of this application, by an observation.
///
/// This is the only place that decides whether an existing room is ours. The lookup of a run, the
/// recovery of the next run, and a plan, which cannot write, all use it.
#[must_use]
pub fn settle(
    application: &Application,
    record: &RecordedRoom,
    pending: &Pending,
    observation: Option<&Observation>,
    landing: Landing,
) -> Settled {
    let (observed_room, now) = match observation {
        None if record.is_absent(None) => return missing(record, pending.kind, pending.at),
        None => {
            return Settled::Unread(
                "its last call has an unknown outcome, and it was not looked up".to_owned(),
            );
        }
        Some(Observation::Unread { why }) => return Settled::Unread(why.clone()),
        Some(Observation::Gone(at)) => (None, *at),
        Some(Observation::There(observed_room)) => (Some(observed_room), observed_room.at),
    };
    let last = pending.at.plus(LANDING);
    let landed = match landing {
        Landing::ByClock => now >= last,
        Landing::NotOver => false,
        Landing::Over | Landing::FoundMissing => true,
    };
    // With `absent_until` waiting proves nothing more: the call did not take effect, or a suspended
    // holder may send it at any time.
    let landed = landed || pending.absent_until.is_some();
    let settled = match observed_room {
        None => missing(record, pending.kind, now),
        Some(observed_room) => exists(application, record, pending, observed_room, landing),
    };
    if landed || is_final(pending.kind, &settled) { settled } else { Settled::MayStillLand(last) }
}

/// Returns whether the result is final even if the call takes effect later.
fn is_final(kind: PendingKind, settled: &Settled) -> bool {
    match (settled, kind) {
        (Settled::Done(_) | Settled::Unread(_), _)
        | (Settled::Gone(_), PendingKind::Update | PendingKind::Destroy) => true,
        (Settled::Gone(_), PendingKind::Create)
        | (
            Settled::NotDone(_)
            | Settled::Foreign(_)
            | Settled::Contested(_)
            | Settled::Unproven(_)
            | Settled::MayStillLand(_),
            _,
        ) => false,
    }
}

/// Returns what remains of a room that does not exist: under an update its record, so that the plan
/// recreates it; under a replace the room that it makes next.
fn missing(record: &RecordedRoom, kind: PendingKind, at: Timestamp) -> Settled {
    Settled::Gone(match kind {
        PendingKind::Create => record.is_destroyed().then(|| record.settled()),
        PendingKind::Update => Some(record.settled()),
        PendingKind::Destroy => record.after_destroy(at),
    })
}

fn exists(
    application: &Application,
    record: &RecordedRoom,
    pending: &Pending,
    observed_room: &ObservedRoom,
    landing: Landing,
) -> Settled {
    match pending.kind {
        PendingKind::Create if is_foreign(application, observed_room) => {
            Settled::Foreign(record.is_destroyed().then(|| record.settled()))
        }
        PendingKind::Create
            if landing == Landing::FoundMissing
                && application.owner(&observed_room.attributes) != Owner::Ours =>
        {
            contested(record, "it appeared after a lookup showed that our create was not done")
        }
        PendingKind::Create => created(application, record, pending, observed_room),
        PendingKind::Update if record.other_owner(application, observed_room).is_some() => {
            Settled::NotDone(record.seen(observed_room).settled())
        }
        PendingKind::Update => updated(application.kind(), record, pending, observed_room),
        PendingKind::Destroy if has_ended(application.kind(), observed_room) => Settled::Gone(None),
        PendingKind::Destroy => not_destroyed(application, record, observed_room),
    }
}

/// Returns whether the ownership attribute of a room names another state.
fn is_foreign(application: &Application, observed_room: &ObservedRoom) -> bool {
    match application.owner(&observed_room.attributes) {
        Owner::Other(_) => true,
        Owner::Unknown | Owner::Ours => false,
    }
}

fn created(
    application: &Application,
    record: &RecordedRoom,
    pending: &Pending,
    observed_room: &ObservedRoom,
) -> Settled {
    match origin::contradicts_create(application, record, pending.at, observed_room) {
        None => Settled::Done(record.seen(observed_room).made(application.kind())),
        Some(why) => contested(record, &format!("the outcome of our create is unknown, and {why}")),
    }
}

fn updated(
    kind: Kind,
    record: &RecordedRoom,
    pending: &Pending,
    observed_room: &ObservedRoom,
) -> Settled {
    let target = pending.room.as_ref().unwrap_or(&record.room);
    let read = record.read(target, observed_room);
    let done = read.room == *target;
    if done {
        let read = read.disowning_carried(kind, &record.room.attributes);
        return Settled::Done(if read.unfinished(kind).is_none() {
            read.finished(kind)
        } else {
            read
        });
    }
    // Values that are neither the earlier nor the target ones were set by others, and were not applied.
    let reached = Arc::new(record.room.with_reached(target, &read.room));
    let left = RecordedRoom { room: reached, ..read };
    Settled::NotDone(left.disowning_carried(kind, &record.room.attributes))
}

fn not_destroyed(
    application: &Application,
    record: &RecordedRoom,
    observed_room: &ObservedRoom,
) -> Settled {
    let seen = record.seen(observed_room).settled();
    let ours = RecordedRoom { next: None, ..seen.clone() };
    match origin::compare_with_last_read(application, record, observed_room) {
        Comparison::Same => Settled::NotDone(ours),
        Comparison::Other(why) => {
            contested(&seen, &format!("the outcome of our destroy is unknown, and {why}"))
        }
        Comparison::Nothing => {
            Settled::Unproven(RecordedRoom { assumed: Assumed::of(application.kind()), ..ours })
        }
    }
}

fn contested(record: &RecordedRoom, why: &str) -> Settled {
    Settled::Contested(RecordedRoom { contested: Some(why.into()), ..record.settled() })
}

/// Returns whether a room that its users create has ended, because nobody is inside.
fn has_ended(kind: Kind, observed_room: &ObservedRoom) -> bool {
    kind.origin() == Origin::FirstUser && observed_room.people == People::Nobody
}

impl RecordedRoom {
    /// Returns this record after the room was observed.
    #[must_use]
    pub fn seen(&self, observed_room: &ObservedRoom) -> Self {
        let now = observed_room.at;
        let with_people =
            if observed_room.people.any() { Some(now) } else { self.last_seen_with_people };
        Self {
            last_seen: Some(now),
            last_seen_with_people: with_people,
            attribute_sequence: observed_room.attribute_sequence.or(self.attribute_sequence),
            ..self.clone()
        }
    }

    /// Returns whether the observed room is another than the recorded one. The sequence of attribute
    /// changes only grows while a room lives, and the observed one is lower than the recorded one.
    #[must_use]
    pub fn was_recreated_by_others(&self, observed_room: &ObservedRoom) -> bool {
        let is_ours = self.pending.is_none() && self.contested.is_none() && !self.is_destroyed();
        let sequences = self.attribute_sequence.zip(observed_room.attribute_sequence);
        is_ours && sequences.is_some_and(|(recorded, read)| read < recorded)
    }

    /// Returns this record after the room was observed, without a pending call, and with the fields and
    /// the managed attributes, including those of `target`, as observed.
    #[must_use]
    pub fn read(&self, target: &Room, observed_room: &ObservedRoom) -> Self {
        seen(self, Arc::new(as_read(&self.room, target, observed_room)), observed_room)
    }
}

fn seen(record: &RecordedRoom, room: Arc<Room>, observed_room: &ObservedRoom) -> RecordedRoom {
    let mut record = record.seen(observed_room);
    record.room = room;
    record.pending = None;
    record
}

/// Returns the recorded room with its fields and managed attributes as observed. What is not reported
/// is as recorded. A missing `auto_delete` attribute counts as present.
fn as_read(recorded: &Room, target: &Room, observed_room: &ObservedRoom) -> Room {
    let ours = |key: &str| recorded.attributes.get(key).or(target.attributes.get(key)).is_some();
    let read = observed_room.attributes.iter().filter(|(key, _)| ours(key));
    let gone = target.attributes.iter().filter(|(key, attribute)| {
        attribute.auto_delete && observed_room.attributes.get(key).is_none()
    });
    let attributes = read.chain(gone).map(|(key, attribute)| (key, attribute.clone())).collect();
    let mut room = Room { attributes, ..recorded.clone() };
    let ours = |room: &Room, field| room.value(field).is_some();
    for (field, value) in observed_room.fields.iter() {
        if ours(recorded, field) || ours(target, field) {
            room.set(field, Some(value.clone()));
        }
    }
    room
}

#[cfg(test)]
mod tests;
