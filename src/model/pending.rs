//! Settles a call of unknown outcome by what a lookup found.

use std::sync::Arc;
use std::time::Duration;

use super::origin::{self, Comparison};
use super::{
    Application, Assumed, Kind, Observation, ObservedRoom, Origin, Owner, Pending, PendingKind,
    People, RecordedRoom, Room, Timestamp,
};

/// How long one call may take as a whole. A request that was sent may still land until then, so that
/// "it did not happen" is final only afterwards.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after its intent was written a call may still take effect: its own time-out, and what
/// passes between the intent and the sending on a slow disk.
pub const LANDING: Duration = Duration::from_secs(12);

/// How long after its intent was written a service may accept a call that its sender held back: the 10
/// minutes for which it accepts a signature, and 5 for the difference of the clocks.
pub const SIGNATURE_ACCEPTED: Duration = Duration::from_mins(15);

/// What became of a call whose outcome was unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was done, the room is ours, and this is its record.
    Done(RecordedRoom),
    /// It was not done, the room is ours as before, and this is its record.
    NotDone(RecordedRoom),
    /// The room does not exist, and the call can no longer make it: what stays on record, if anything
    /// does.
    Gone(Option<RecordedRoom>),
    /// A room exists that another state made, and our call can no longer make it: what stays on record,
    /// if anything does.
    Foreign(Option<RecordedRoom>),
    /// A room exists, and its origin is uncertain: its record says why.
    Contested(RecordedRoom),
    /// A room exists after a destroy, and nothing shows whether it is the one that was to be destroyed: its name
    /// and delay are assumed.
    Unproven(RecordedRoom),
    /// The call has not taken effect and still may, until this moment: look it up again then.
    MayStillLand(Timestamp),
    /// It could not be looked up.
    Unread(String),
}

/// Whether a call of unknown outcome may still take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The time of the observation decides.
    ByClock,
    /// [`LANDING`] has not passed yet by a clock that is never set forward or back.
    NotOver,
    /// [`LANDING`] has passed by such a clock.
    Over,
    /// It has passed, and the room was found missing then: what exists now was made later.
    FoundMissing,
}

/// Returns what became of the pending call of `record`, a room of this application, by what was
/// observed.
///
/// The only place that decides whether a room that exists is ours: a run that looks a call up, the
/// recovery of the next run and a plan without the means to write all ask it.
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
    // What was found missing once the calls had ended has not landed, or is sent at any time.
    let landed = landed || pending.absent_until.is_some();
    let settled = match observed_room {
        None => missing(record, pending.kind, now),
        Some(observed_room) => exists(application, record, pending, observed_room, landing),
    };
    if landed || is_final(pending.kind, &settled) { settled } else { Settled::MayStillLand(last) }
}

/// Whether nothing that lands later can change what was found.
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

/// What is left of a room that does not exist: under an update its record, for the plan to bring it
/// back; of a replace what it makes next.
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
        PendingKind::Destroy if is_over(application.kind(), observed_room) => Settled::Gone(None),
        PendingKind::Destroy => not_destroyed(application, record, observed_room),
    }
}

/// Whether a room belongs to another state by its ownership attribute.
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
    // What is neither as before nor as it was to be is of others: it is not what was last applied.
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

/// Whether a room that only users make is over: nobody is inside.
fn is_over(kind: Kind, observed_room: &ObservedRoom) -> bool {
    kind.origin() == Origin::FirstUser && observed_room.people == People::Nobody
}

impl RecordedRoom {
    /// This record after the room was observed.
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

    /// Whether the room that was observed is another than the recorded one: its count of attribute
    /// changes, which only grows while a room lives, is lower than when it was last read.
    #[must_use]
    pub fn was_made_anew(&self, observed_room: &ObservedRoom) -> bool {
        let is_ours = self.pending.is_none() && self.contested.is_none() && !self.is_destroyed();
        let sequences = self.attribute_sequence.zip(observed_room.attribute_sequence);
        is_ours && sequences.is_some_and(|(recorded, read)| read < recorded)
    }

    /// This record after the room was observed, with nothing pending, and its fields and the
    /// attributes that we manage, those of `target` among them, as they were read.
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

/// The recorded room with its fields and the attributes that we manage as they were read. What is
/// not told is as recorded; an attribute that goes with its user and is gone counts as there.
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
