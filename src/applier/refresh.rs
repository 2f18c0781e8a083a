//! What an observation changes in the records of rooms.

use std::sync::Arc;

use super::Connections;
use super::observe::observed_rooms;
use crate::model::{
    Assumed, DesiredRoom, Kind, Observed, ObservedRoom, Recorded, RecordedRoom, Room,
};
use crate::state::Entry;

/// The record after observations, and the entries that have to be written for it.
#[derive(Debug)]
pub struct UpdatedRecord {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// The entries to write.
    pub entries: Vec<Entry>,
}

/// Records when rooms were observed, if a later run needs it: with people inside, empty after there were
/// people, or with other attributes. If others have recreated a room, its fields that cannot be read are
/// recorded as assumed.
#[must_use]
pub fn record_observations(
    recorded: &Arc<Recorded>,
    observed: &Observed,
    connections: &Connections,
) -> UpdatedRecord {
    let mut entries = Vec::new();
    for (address, observed_room) in observed_rooms(observed) {
        let connection = connections.get(&address.provider);
        if let (Some(before), Some(connection)) = (recorded.rooms.get(address), connection) {
            let mut after = before.seen(observed_room);
            if before.was_recreated_by_others(observed_room) {
                after.assumed = Assumed::of(connection.provider.kind());
            }
            if before.pending.is_none() && matters(before, &after, observed_room) {
                entries.push(Entry::Result(address.clone(), after));
            }
        }
    }
    if entries.is_empty() {
        return UpdatedRecord { recorded: recorded.clone(), entries };
    }
    let mut changed = recorded.as_ref().clone();
    for entry in &entries {
        if let Entry::Result(address, record) = entry {
            changed.rooms.insert(address.clone(), record.clone());
        }
    }
    UpdatedRecord { recorded: Arc::new(changed), entries }
}

fn matters(before: &RecordedRoom, after: &RecordedRoom, observed_room: &ObservedRoom) -> bool {
    let had_people = before.last_seen.is_some() && before.last_seen == before.last_seen_with_people;
    observed_room.people.any()
        || had_people
        || before.attribute_sequence != after.attribute_sequence
}

/// Returns the record of a declared room that exists and that an import takes over.
#[must_use]
pub fn imported(kind: Kind, room: &DesiredRoom, observed_room: &ObservedRoom) -> RecordedRoom {
    let DesiredRoom {
        address: _,
        room,
        lifecycle,
        ignore_changes,
        on_conflict: _,
        sides,
        source,
        line: _,
    } = room;
    let record = RecordedRoom {
        room: room.clone(),
        assumed: Assumed::default(),
        created: observed_room.at,
        last_seen: None,
        last_seen_with_people: None,
        attribute_sequence: None,
        request_id: None,
        source: source.clone(),
        lifecycle: *lifecycle,
        sides: sides.clone(),
        ignore_changes: ignore_changes.clone(),
        pending: None,
        contested: None,
        next: None,
    };
    adopted(kind, &record, observed_room)
}

/// Returns the record of a room that exists and is taken over: fields that change in place are as they
/// were read, the others are assumed to be as in `record`.
pub(super) fn adopted(
    kind: Kind,
    record: &RecordedRoom,
    observed_room: &ObservedRoom,
) -> RecordedRoom {
    let mut adopted = record.seen(observed_room);
    let declared = &record.room;
    let read = declared.attributes.iter().filter_map(|(key, _)| {
        observed_room.attributes.get(key).map(|attribute| (key, attribute.clone()))
    });
    let mut known = Room { attributes: read.collect(), ..Room::default() };
    for (field, value) in
        observed_room.fields.iter().filter(|(it, _)| declared.value(*it).is_some())
    {
        known.set(field, Some(value.clone()));
    }
    adopted.room = Arc::new(declared.with_changeable_of(kind, &known));
    adopted.assumed = Assumed::of(kind);
    adopted.created = observed_room.at;
    adopted.pending = None;
    adopted.contested = None;
    adopted
}
