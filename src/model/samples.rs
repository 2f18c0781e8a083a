//! Values for the tests of every folder.

use std::sync::Arc;

use super::{
    Assumed, Attribute, Attributes, Fields, Lifecycle, ObservedRoom, People, RecordedRoom, Room,
    Sides, Timestamp,
};

/// An attribute that stays.
pub(crate) fn attribute(value: &str) -> Attribute {
    Attribute { value: value.into(), auto_delete: false }
}

/// Attributes that stay.
pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(key, value)| (*key, attribute(value))).collect()
}

/// A record with nothing but the room, when it was created, and its source file.
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

/// A room that exists, without a count of its attribute changes and without other fields.
pub(crate) fn observed_room(at: Timestamp, people: People, attributes: Attributes) -> ObservedRoom {
    ObservedRoom { at, people, attributes, attribute_sequence: None, fields: Fields::default() }
}
