//! Reads and writes a room as JSON: in full for plans, compact for the state. Either layout is read.
//!
//! ```text
//! full     {"name":null,"destroy_delay_time":3600,"attributes":{"a":{"value":"1","auto_delete":false}},"muted":true}
//! compact  {"destroy_delay_time":3600,"attributes":{"a":{"value":"1"}},"fields":{"muted":true}}
//! ```

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Attribute, Attributes, Delay, OtherFields, Room};

/// A room whose JSON leaves out what is absent.
#[derive(Debug)]
pub struct CompactRoom<'a>(pub Cow<'a, Room>);

/// Attributes whose JSON leaves out an `auto_delete` that is false.
#[derive(Debug)]
pub struct CompactAttributes<'a>(pub Cow<'a, Attributes>);

#[derive(Serialize)]
struct FullText<'a> {
    name: Option<&'a str>,
    destroy_delay_time: Option<Delay>,
    attributes: &'a Attributes,
    #[serde(flatten)]
    fields: &'a OtherFields,
}

#[derive(Serialize)]
struct CompactText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destroy_delay_time: Option<Delay>,
    #[serde(skip_serializing_if = "CompactAttributes::is_empty")]
    attributes: CompactAttributes<'a>,
    #[serde(skip_serializing_if = "OtherFields::is_empty")]
    fields: &'a OtherFields,
}

/// Either layout. Any other key is a field, or unknown.
#[derive(Deserialize)]
struct EitherText {
    name: Option<Box<str>>,
    destroy_delay_time: Option<Delay>,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    fields: OtherFields,
    #[serde(flatten)]
    flattened: OtherFields,
}

struct CompactAttribute<'a>(&'a Attribute);

impl Serialize for Room {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, destroy_delay_time, attributes, fields } = self;
        let (name, destroy_delay_time) = (name.as_deref(), *destroy_delay_time);
        FullText { name, destroy_delay_time, attributes, fields }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Room {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let EitherText { name, destroy_delay_time, attributes, fields, flattened } =
            EitherText::deserialize(deserializer)?;
        let fields = match (fields.is_empty(), flattened.is_empty()) {
            (false, true) => fields,
            (true, _) => flattened,
            (false, false) => {
                return Err(serde::de::Error::custom(
                    "a room has fields inside and outside `fields`",
                ));
            }
        };
        Ok(Self { name, destroy_delay_time, attributes, fields })
    }
}

impl Serialize for CompactRoom<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Room { name, destroy_delay_time, attributes, fields } = self.0.as_ref();
        let (name, destroy_delay_time) = (name.as_deref(), *destroy_delay_time);
        let attributes = CompactAttributes(Cow::Borrowed(attributes));
        CompactText { name, destroy_delay_time, attributes, fields }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CompactRoom<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Room::deserialize(deserializer).map(|room| Self(Cow::Owned(room)))
    }
}

impl CompactAttributes<'_> {
    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for CompactAttributes<'_> {
    fn default() -> Self {
        Self(Cow::Owned(Attributes::EMPTY))
    }
}

impl Serialize for CompactAttributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, it)| (key, CompactAttribute(it))))
    }
}

impl<'de> Deserialize<'de> for CompactAttributes<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Attributes::deserialize(deserializer).map(|attributes| Self(Cow::Owned(attributes)))
    }
}

impl Serialize for CompactAttribute<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Attribute { value, auto_delete } = self.0;
        let mut text = serializer.serialize_struct("Attribute", 1 + usize::from(*auto_delete))?;
        text.serialize_field("value", value)?;
        if *auto_delete {
            text.serialize_field("auto_delete", auto_delete)?;
        }
        text.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Field, Value};
    use super::*;

    fn room() -> Room {
        let attribute = |value: &str, auto_delete| Attribute { value: value.into(), auto_delete };
        let attributes = [("a", attribute("1", false)), ("b", attribute("\"2\"", true))];
        let mut room = Room {
            name: Some("Lobby".into()),
            destroy_delay_time: Some(Delay::from_seconds(60)),
            attributes: attributes.into_iter().collect(),
            ..Room::default()
        };
        room.set(Field::CloseReason, Some(Value::Text("over".into())));
        room.set(Field::Muted, Some(Value::Flag(true)));
        room
    }

    fn compact(room: &Room) -> String {
        serde_json::to_string(&CompactRoom(Cow::Borrowed(room))).expect("text")
    }

    fn full(room: &Room) -> String {
        serde_json::to_string(room).expect("text")
    }

    #[test]
    fn both_layouts_are_as_documented() {
        assert_eq!(
            compact(&room()),
            r#"{"name":"Lobby","destroy_delay_time":60,"attributes":{"a":{"value":"1"},"b":{"value":"\"2\"","auto_delete":true}},"fields":{"close":{"reason":"over"},"muted":true}}"#
        );
        assert_eq!(
            full(&room()),
            r#"{"name":"Lobby","destroy_delay_time":60,"attributes":{"a":{"value":"1","auto_delete":false},"b":{"value":"\"2\"","auto_delete":true}},"close":{"reason":"over"},"muted":true}"#
        );
        let empty = Room::default();
        assert_eq!(compact(&empty), "{}");
        assert_eq!(full(&empty), r#"{"name":null,"destroy_delay_time":null,"attributes":{}}"#);
    }

    #[test]
    fn both_layouts_are_read_back() {
        for room in [room(), Room::default()] {
            for text in [compact(&room), full(&room)] {
                assert_eq!(serde_json::from_str::<Room>(&text).expect("a room"), room, "{text}");
            }
        }
    }

    #[test]
    fn unknown_and_duplicate_keys_are_refused() {
        for text in [
            r#"{"colour":1}"#,
            r#"{"fields":{"colour":1}}"#,
            r#"{"name":"a","name":"b"}"#,
            r#"{"fields":{"muted":true},"public":true}"#,
            r#"{"attributes":{"a":{"value":"1","colour":1}}}"#,
            r#"{"attributes":{"a":{"value":"1"},"a":{"value":"1"}}}"#,
        ] {
            assert!(serde_json::from_str::<Room>(text).is_err(), "{text}");
        }
    }
}
