//! The fields of a room, and what only some kinds of rooms hold.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A part of a room that the file declares.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// Every field of every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The key in `rooms.yaml`, with a dot where it stands inside another.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

fields! {
    /// The name that people see.
    Name = "name",
    /// How long an empty room lives.
    DestroyDelayTime = "destroy_delay_time",
    /// RTC: what people are told when the room is closed.
    CloseReason = "close.reason",
    /// RTC: whether the service tells our backend that the room was closed.
    CloseCallback = "close.callback",
    /// Tencent: Owner_Account.
    Owner = "owner",
    /// Tencent: SeatTemplate.
    SeatTemplate = "seat_template",
    /// Tencent: TakeSeatMode.
    TakeSeatMode = "take_seat_mode",
    /// Tencent: MaxSeatCount.
    MaxSeats = "max_seats",
    /// Tencent: MaxMemberCount.
    MaxMembers = "max_members",
    /// Tencent: CoverURL.
    CoverUrl = "cover_url",
    /// Tencent: Category.
    Category = "category",
    /// Tencent: ActivityStatus.
    ActivityStatus = "activity_status",
    /// Tencent: Notice.
    Notice = "notice",
    /// Tencent: IsMessageDisabled.
    Muted = "muted",
    /// Tencent: IsPublicVisible.
    Public = "public",
    /// Tencent: IsUnlimitedRoomEnabled.
    Unlimited = "unlimited",
    /// The attributes; Tencent calls them metadata.
    Attributes = "attributes",
}

/// What a field may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text of so many bytes.
    Text {
        /// The most bytes.
        most: usize,
    },
    /// One of few words.
    Choice(&'static [&'static str]),
    /// A whole number up to 4,294,967,295.
    Number {
        /// The least that makes sense.
        least: u32,
    },
    /// So many whole numbers.
    Numbers {
        /// The most of them.
        most: usize,
    },
    /// Yes or no.
    Flag,
    /// A span of so many seconds.
    Delay {
        /// The longest, in seconds.
        most: u32,
    },
    /// Attributes, which have limits of their own.
    Attributes,
}

/// What a field is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(u32),
    /// A text, or a word of few.
    Text(Box<str>),
    /// Whole numbers.
    Numbers(Box<[u32]>),
}

/// Fields with what they are, but for the delay and the attributes. Thin while it is empty: most
/// rooms have none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Option<Box<Entries>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entries(BTreeMap<Field, Value>);

/// The key in `rooms.yaml` that holds what goes along with a close.
const CLOSE: &str = "close";

impl Fields {
    /// What `field` is; none where it is not there.
    #[must_use]
    pub fn of(&self, field: Field) -> Option<&Value> {
        self.0.as_ref()?.0.get(&field)
    }

    /// Sets `field`, or takes it out.
    pub fn set(&mut self, field: Field, value: Option<Value>) {
        let mut entries = self.0.take().unwrap_or_default();
        match value {
            Some(value) => drop(entries.0.insert(field, value)),
            None => drop(entries.0.remove(&field)),
        }
        self.0 = (!entries.0.is_empty()).then_some(entries);
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.0.iter().flat_map(|entries| entries.0.iter().map(|(field, value)| (*field, value)))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Value {
    /// The text, where it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Flag(_) | Self::Number(_) | Self::Numbers(_) => None,
        }
    }

    /// Yes or no, where it is that.
    #[must_use]
    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text(_) | Self::Number(_) | Self::Numbers(_) => None,
        }
    }
}

impl FromIterator<(Field, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(pairs: I) -> Self {
        let entries: BTreeMap<Field, Value> = pairs.into_iter().collect();
        Self((!entries.is_empty()).then(|| Box::new(Entries(entries))))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes the fields as the file does: those of a close inside `close`.
impl Serialize for Fields {
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

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut entries = BTreeMap::new();
                let known = |name: &str| {
                    let field = Field::ALL.iter().find(|field| field.as_str() == name);
                    field.copied().ok_or_else(|| A::Error::custom(format!("no field `{name}`")))
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
                Ok(entries.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_written_as_the_file_writes_them_and_read_back() {
        let fields: Fields = [
            (Field::CloseReason, Value::Text("over".into())),
            (Field::CloseCallback, Value::Flag(true)),
            (Field::Category, Value::Numbers([1, 2].into())),
            (Field::MaxSeats, Value::Number(9)),
        ]
        .into_iter()
        .collect();
        let text = serde_json::to_string(&fields).expect("text");
        assert_eq!(
            text,
            r#"{"close":{"callback":true,"reason":"over"},"max_seats":9,"category":[1,2]}"#
        );
        assert_eq!(serde_json::from_str::<Fields>(&text).ok(), Some(fields));
        assert!(serde_json::from_str::<Fields>(r#"{"colour":1}"#).is_err());
        assert!(serde_json::from_str::<Fields>(r#"{"close":{"colour":1}}"#).is_err());
    }

    #[test]
    fn nothing_takes_no_place() {
        let mut fields = Fields::default();
        fields.set(Field::Muted, Some(Value::Flag(true)));
        assert!(!fields.is_empty());
        fields.set(Field::Muted, None);
        assert_eq!(fields, Fields::default());
        assert_eq!(size_of::<Fields>(), size_of::<usize>());
    }
}
