//! The fields of a room that only some kinds have, as the state stores them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, Fields, Value};

/// The fields of a room besides its name, delay and attributes, which [`Room`](super::Room) stores
/// itself. Only [`Room::set`](super::Room::set) sets them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherFields(Fields);

/// The key in `rooms.yaml` with the fields that are sent when a room is closed.
const CLOSE: &str = "close";

impl OtherFields {
    /// Returns the value of `field`, or `None` if it is not set.
    #[must_use]
    pub fn of(&self, field: Field) -> Option<&Value> {
        self.0.of(field)
    }

    /// Returns all fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.0.iter()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets or removes a field that is stored here.
    pub(super) fn set(&mut self, field: Field, value: Option<Value>) {
        debug_assert!(is_other(field), "`{field}` does not belong in `fields`");
        self.0.set(field, value);
    }
}

/// Returns whether a field is stored here.
fn is_other(field: Field) -> bool {
    !matches!(field, Field::Name | Field::DestroyDelayTime | Field::Attributes)
}

/// Serializes the fields as the file has them, with those of `close` nested.
impl Serialize for OtherFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let inner = |field: Field| field.as_str().split_once('.').map(|(_, inner)| inner);
        let close: BTreeMap<&str, &Value> =
            self.iter().filter_map(|(field, value)| Some((inner(field)?, value))).collect();
        if !close.is_empty() {
            map.serialize_entry(CLOSE, &close)?;
        }
        for (field, value) in self.iter().filter(|(field, _)| inner(*field).is_none()) {
            map.serialize_entry(field.as_str(), value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for OtherFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = OtherFields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OtherFields, A::Error> {
                let mut entries = BTreeMap::new();
                let known = |name: &str| {
                    let known = Field::ALL.iter().copied().filter(|field| is_other(*field));
                    let field = known.into_iter().find(|field| field.as_str() == name);
                    field.ok_or_else(|| A::Error::custom(format!("no field `{name}`")))
                };
                while let Some(name) = map.next_key::<String>()? {
                    if name == CLOSE {
                        for (inner, value) in map.next_value::<BTreeMap<String, Value>>()? {
                            entries.insert(known(&format!("{CLOSE}.{inner}"))?, value);
                        }
                    } else {
                        entries.insert(known(&name)?, map.next_value()?);
                    }
                }
                Ok(OtherFields(entries.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Room;
    use super::*;

    #[test]
    fn fields_are_written_as_in_the_file_and_read_back() {
        let room: Room = [
            (Field::CloseReason, Value::Text("over".into())),
            (Field::CloseCallback, Value::Flag(true)),
            (Field::Category, Value::Numbers([1, 2].into())),
            (Field::MaxSeats, Value::Number(9)),
        ]
        .into_iter()
        .collect();
        let text = serde_json::to_string(&room.fields).expect("text");
        assert_eq!(
            text,
            r#"{"close":{"callback":true,"reason":"over"},"max_seats":9,"category":[1,2]}"#
        );
        assert_eq!(serde_json::from_str(&text).ok(), Some(room.fields));
    }

    #[test]
    fn unknown_fields_and_fields_stored_elsewhere_are_refused() {
        for text in [
            r#"{"colour":1}"#,
            r#"{"close":{"colour":1}}"#,
            r#"{"name":"Lobby"}"#,
            r#"{"destroy_delay_time":3600}"#,
            r#"{"attributes":{"topic":{"value":"hi"}}}"#,
            r#"{"notice":{"value":"hi"}}"#,
        ] {
            assert!(serde_json::from_str::<OtherFields>(text).is_err(), "{text}");
        }
    }
}
