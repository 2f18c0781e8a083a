//! A room's record as JSON. Absent and default values are omitted.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    Address, AddressError, Assumed, CompactAttributes, CompactRoom, Lifecycle, NextLife, OnRemove,
    Pending, PendingKind, ProviderName, RecordedRoom, Room, RoomId, Sides, Timestamp,
};

/// The record of one room.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(in crate::state) struct RecordText<'a> {
    room: CompactRoom<'a>,
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
    on_remove: OnRemove,
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
#[serde(deny_unknown_fields, expecting = "an object")]
struct PendingText<'a> {
    kind: PendingKind,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<CompactRoom<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent_until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct NextText<'a> {
    /// Omitted if the room is to be forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<CompactRoom<'a>>,
    #[serde(default, skip_serializing_if = "CompactAttributes::is_empty")]
    carried: CompactAttributes<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destroyed: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AssumedField {
    Name,
    DestroyDelayTime,
}

/// A text that is borrowed if it has no escapes.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> RecordText<'a> {
    /// Creates the text of a record.
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
            room: CompactRoom(Cow::Borrowed(room.as_ref())),
            assumed: fields_of(*assumed),
            created: *created,
            last_seen: *last_seen,
            last_seen_with_people: *last_seen_with_people,
            attribute_sequence: *attribute_sequence,
            request_id: request_id.as_deref().map(Text::of),
            source: Text::of(source),
            prevent_destroy: *prevent_destroy,
            on_remove: *on_remove,
            sides: sides.iter().cloned().collect(),
            ignore_changes: ignore_changes.iter().map(|path| Text::of(path)).collect(),
            pending: pending.as_deref().map(PendingText::of),
            contested: contested.as_deref().map(Text::of),
            next: next.as_deref().map(NextText::of),
        }
    }

    /// Converts the text to a record.
    pub(in crate::state) fn into_record(self, names: &mut Names) -> RecordedRoom {
        RecordedRoom {
            room: Arc::new(self.room.0.into_owned()),
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
                on_remove: self.on_remove,
            },
            sides: Sides::new(self.sides.into_iter().collect()),
            ignore_changes: self.ignore_changes.into_iter().map(Text::into_box).collect(),
            pending: self.pending.map(|pending| Box::new(pending.into_pending())),
            contested: self.contested.map(Text::into_box),
            next: self.next.map(|next| Box::new(next.into_next())),
        }
    }
}

impl<'a> PendingText<'a> {
    fn of(pending: &'a Pending) -> Self {
        let Pending { kind, at, room, absent_until } = pending;
        let room = compact(room.as_ref());
        Self { kind: *kind, at: *at, room, absent_until: *absent_until }
    }

    fn into_pending(self) -> Pending {
        let Self { kind, at, room, absent_until } = self;
        let room = room.map(|room| Arc::new(room.0.into_owned()));
        Pending { kind, at, room, absent_until }
    }
}

impl<'a> NextText<'a> {
    fn of(next: &'a NextLife) -> Self {
        let NextLife { room, carried, destroyed } = next;
        Self {
            room: compact(room.as_ref()),
            carried: CompactAttributes(Cow::Borrowed(carried)),
            destroyed: *destroyed,
        }
    }

    fn into_next(self) -> NextLife {
        let Self { room, carried, destroyed } = self;
        let room = room.map(|room| Arc::new(room.0.into_owned()));
        NextLife { room, carried: carried.0.into_owned(), destroyed }
    }
}

fn compact(room: Option<&Arc<Room>>) -> Option<CompactRoom<'_>> {
    room.map(|room| CompactRoom(Cow::Borrowed(room.as_ref())))
}

// serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_destroy(on_remove: &OnRemove) -> bool {
    *on_remove == OnRemove::Destroy
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

/// Interns the names of providers and source files, which many rooms share.
#[derive(Default)]
pub(in crate::state) struct Names {
    providers: HashMap<Box<str>, ProviderName>,
    sources: HashSet<Arc<str>>,
}

impl Names {
    /// Parses an address.
    pub(super) fn address(&mut self, text: &str) -> Result<Address, AddressError> {
        if let Some((provider, room)) = text.split_once('/')
            && !room.is_empty()
            && let Some(known) = self.providers.get(provider)
        {
            return Ok(Address::new(known.clone(), RoomId::new(room)));
        }
        let address: Address = text.parse()?;
        self.providers.insert(address.provider.as_str().into(), address.provider.clone());
        Ok(address)
    }

    /// Interns the path of a source file.
    pub(super) fn source(&mut self, path: &str) -> Arc<str> {
        if let Some(known) = self.sources.get(path) {
            return known.clone();
        }
        let path: Arc<str> = path.into();
        self.sources.insert(path.clone());
        path
    }
}
