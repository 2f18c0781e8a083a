//! A room's record as JSON: what is absent or as usual is left out.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{
    Assumed, Attribute, Attributes, Delay, Lifecycle, NextLife, OnRemove, OtherFields, Pending,
    PendingKind, ProviderName, RecordedRoom, Room, Sides, Timestamp,
};

use super::names::Names;

/// The record of one room.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::state) struct RecordText<'a> {
    #[serde(borrow)]
    room: RoomText<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    assumed: Vec<AssumedField>,
    created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen_with_people: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attribute_sequence: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    request_id: Option<Text<'a>>,
    source: Text<'a>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    prevent_destroy: bool,
    #[serde(default, skip_serializing_if = "is_destroy")]
    on_remove: OnRemoveText,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sides: Vec<ProviderName>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    ignore_changes: Vec<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pending: Option<PendingText<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    contested: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    next: Option<NextText<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomText<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destroy_delay_time: Option<Delay>,
    #[serde(default, skip_serializing_if = "AttributesText::is_empty")]
    attributes: AttributesText<'a>,
    #[serde(default, skip_serializing_if = "OtherFields::is_empty")]
    fields: OtherFields,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PendingText<'a> {
    kind: PendingKind,
    at: Timestamp,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    room: Option<RoomText<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NextText<'a> {
    /// Left out where the room is to be forgotten.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    room: Option<RoomText<'a>>,
    #[serde(default, skip_serializing_if = "AttributesText::is_empty")]
    carried: AttributesText<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destroyed: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeText<'a> {
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    auto_delete: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnRemoveText {
    #[default]
    Destroy,
    Forget,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AssumedField {
    Name,
    DestroyDelayTime,
}

struct AttributesText<'a>(Cow<'a, Attributes>);

/// A text that is borrowed where it holds no escapes.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> RecordText<'a> {
    /// The text of a record.
    pub(in crate::state) fn of(record: &'a RecordedRoom) -> Self {
        let RecordedRoom {
            room,
            assumed,
            created,
            last_seen,
            last_seen_with_people,
            attribute_sequence,
            request_id,
            source,
            lifecycle: Lifecycle { prevent_destroy, on_remove },
            sides,
            ignore_changes,
            pending,
            contested,
            next,
        } = record;
        Self {
            room: RoomText::of(room),
            assumed: fields_of(*assumed),
            created: *created,
            last_seen: *last_seen,
            last_seen_with_people: *last_seen_with_people,
            attribute_sequence: *attribute_sequence,
            request_id: request_id.as_deref().map(Text::of),
            source: Text::of(source),
            prevent_destroy: *prevent_destroy,
            on_remove: OnRemoveText::of(*on_remove),
            sides: sides.iter().cloned().collect(),
            ignore_changes: ignore_changes.iter().map(|path| Text::of(path)).collect(),
            pending: pending.as_deref().map(PendingText::of),
            contested: contested.as_deref().map(Text::of),
            next: next.as_deref().map(NextText::of),
        }
    }

    /// The record that the text means.
    pub(in crate::state) fn into_record(self, names: &mut Names) -> RecordedRoom {
        RecordedRoom {
            room: Arc::new(self.room.into_room()),
            assumed: Assumed {
                name: self.assumed.contains(&AssumedField::Name),
                destroy_delay_time: self.assumed.contains(&AssumedField::DestroyDelayTime),
            },
            created: self.created,
            last_seen: self.last_seen,
            last_seen_with_people: self.last_seen_with_people,
            attribute_sequence: self.attribute_sequence,
            request_id: self.request_id.map(Text::into_box),
            source: names.source(&self.source.0),
            lifecycle: Lifecycle {
                prevent_destroy: self.prevent_destroy,
                on_remove: self.on_remove.meant(),
            },
            sides: Sides::new(self.sides.into_iter().collect()),
            ignore_changes: self.ignore_changes.into_iter().map(Text::into_box).collect(),
            pending: self.pending.map(|pending| Box::new(pending.into_pending())),
            contested: self.contested.map(Text::into_box),
            next: self.next.map(|next| Box::new(next.into_next())),
        }
    }
}

impl<'a> RoomText<'a> {
    fn of(room: &'a Room) -> Self {
        let Room { name, destroy_delay_time, attributes, fields } = room;
        Self {
            name: name.as_deref().map(Text::of),
            destroy_delay_time: *destroy_delay_time,
            attributes: AttributesText(Cow::Borrowed(attributes)),
            fields: fields.clone(),
        }
    }

    fn into_room(self) -> Room {
        let Self { name, destroy_delay_time, attributes, fields } = self;
        let attributes = attributes.0.into_owned();
        Room { name: name.map(Text::into_box), destroy_delay_time, attributes, fields }
    }
}

impl<'a> PendingText<'a> {
    fn of(pending: &'a Pending) -> Self {
        let Pending { kind, at, room } = pending;
        Self { kind: *kind, at: *at, room: room.as_deref().map(RoomText::of) }
    }

    fn into_pending(self) -> Pending {
        let Self { kind, at, room } = self;
        Pending { kind, at, room: room.map(|room| Arc::new(room.into_room())) }
    }
}

impl<'a> NextText<'a> {
    fn of(next: &'a NextLife) -> Self {
        let NextLife { room, carried, destroyed } = next;
        Self {
            room: room.as_deref().map(RoomText::of),
            carried: AttributesText(Cow::Borrowed(carried)),
            destroyed: *destroyed,
        }
    }

    fn into_next(self) -> NextLife {
        let Self { room, carried, destroyed } = self;
        let room = room.map(|room| Arc::new(room.into_room()));
        NextLife { room, carried: carried.0.into_owned(), destroyed }
    }
}

impl OnRemoveText {
    fn of(on_remove: OnRemove) -> Self {
        match on_remove {
            OnRemove::Destroy => Self::Destroy,
            OnRemove::Forget => Self::Forget,
        }
    }

    fn meant(self) -> OnRemove {
        match self {
            Self::Destroy => OnRemove::Destroy,
            Self::Forget => OnRemove::Forget,
        }
    }
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_destroy(on_remove: &OnRemoveText) -> bool {
    *on_remove == OnRemoveText::Destroy
}

fn fields_of(assumed: Assumed) -> Vec<AssumedField> {
    let Assumed { name, destroy_delay_time } = assumed;
    let name = name.then_some(AssumedField::Name);
    name.into_iter().chain(destroy_delay_time.then_some(AssumedField::DestroyDelayTime)).collect()
}

impl<'a> Text<'a> {
    fn of(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    fn into_box(self) -> Box<str> {
        self.0.into()
    }
}

impl AttributesText<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for AttributesText<'_> {
    fn default() -> Self {
        Self(Cow::Owned(Attributes::default()))
    }
}

impl Serialize for AttributesText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, attribute)| {
            let Attribute { value, auto_delete } = attribute;
            (key, AttributeText { value: Text::of(value), auto_delete: *auto_delete })
        }))
    }
}

impl<'de> Deserialize<'de> for AttributesText<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs).map(|attributes| Self(Cow::Owned(attributes)))
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Attributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
        let mut all = Attributes::default();
        while let Some((key, text)) = map.next_entry::<Text<'de>, AttributeText<'de>>()? {
            let AttributeText { value, auto_delete } = text;
            let attribute = Attribute { value: value.into_box(), auto_delete };
            if all.insert(&key.0, attribute).is_some() {
                return Err(A::Error::custom(format_args!("attribute `{}` stands twice", key.0)));
            }
        }
        all.shrink_to_fit();
        Ok(all)
    }
}
