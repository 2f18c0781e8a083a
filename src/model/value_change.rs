//! The differences between two states of a room, value by value.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Attribute, Attributes, Field, Room, Value, ValueRef};

/// One value of a room before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueChange {
    /// The field's key in `rooms.yaml`, or `attributes.KEY`.
    pub path: Box<str>,
    /// The value before, or `None` if there was none.
    pub before: Option<Value>,
    /// The value after, or `None` if there is none.
    pub after: Option<Value>,
}

impl ValueChange {
    /// Returns the differences between two rooms: fields in their order, then attributes by key. `None`
    /// is a room that does not exist.
    #[must_use]
    pub fn between(before: Option<&Room>, after: Option<&Room>) -> Vec<Self> {
        let fields = Field::ALL.iter().filter(|field| **field != Field::Attributes);
        let mut changes: Vec<Self> = fields
            .filter_map(|field| {
                let of = |room: Option<&Room>| room?.value(*field).map(ValueRef::to_value);
                Self::of(field.as_str(), of(before), of(after))
            })
            .collect();
        let attributes = |room: Option<&Room>| room.map(|room| room.attributes.clone());
        let (before, after) = (attributes(before), attributes(after));
        changes
            .extend(Self::of_attributes(&before.unwrap_or_default(), &after.unwrap_or_default()));
        changes
    }

    /// Returns the differences between attributes, by key.
    #[must_use]
    pub fn of_attributes(before: &Attributes, after: &Attributes) -> Vec<Self> {
        let keys: BTreeSet<&str> = before.iter().chain(after.iter()).map(|(key, _)| key).collect();
        let text = |attribute: Option<&Attribute>| Some(Value::Text(attribute?.value.clone()));
        let flag = |attribute: Option<&Attribute>| Some(Value::Flag(attribute?.auto_delete));
        let mut changes = Vec::new();
        for key in keys {
            let (old, new) = (before.get(key), after.get(key));
            let path = format!("attributes.{key}");
            let marked = old.zip(new).is_some_and(|(old, new)| old.auto_delete != new.auto_delete);
            changes.extend(Self::of(&path, text(old), text(new)));
            if marked {
                changes.extend(Self::of(&format!("{path}.auto_delete"), flag(old), flag(new)));
            }
        }
        changes
    }

    /// Returns a change of one value, or `None` if both sides are equal.
    #[must_use]
    pub fn of(path: &str, before: Option<Value>, after: Option<Value>) -> Option<Self> {
        (before != after).then(|| Self { path: path.into(), before, after })
    }
}
