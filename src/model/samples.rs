//! Sample values for the tests of every folder.

use std::sync::Arc;

use super::{
    Assumed, Attribute, Attributes, Fields, Lifecycle, ObservedRoom, People, RecordedRoom, Room,
    Sides, Timestamp,
};

/// Returns an attribute without `auto_delete`.
pub(crate) fn attribute(value: &str) -> Attribute {
    Attribute { value: value.into(), auto_delete: false }
}

/// Returns attributes without `auto_delete`.
pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(key, value)| (*key, attribute(value))).collect()
}

/// Returns a record with only a room, its creation time and its source file.
pub(crate) fn record(room: Arc<Room>, created: Timestamp) -> RecordedRoom {
    RecordedRoom {
        room,
        assumed: Assumed::default(),
        created,
        last_seen: None,
        last_seen_with_people: None,
        attribute_sequence: None,
        request_id: None,
        source: "rooms.yaml".into(),
        lifecycle: Lifecycle::default(),
        sides: Sides::default(),
        ignore_changes: Box::default(),
        pending: None,
        contested: None,
        next: None,
    }
}

/// Returns an existing room without an attribute sequence or other fields.
pub(crate) fn observed_room(at: Timestamp, people: People, attributes: Attributes) -> ObservedRoom {
    ObservedRoom { at, people, attributes, attribute_sequence: None, fields: Fields::default() }
}
