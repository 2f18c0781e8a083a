//! What the rooms of a file stand on: the defaults, the declared providers, and the file's name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    Address, Attribute, Attributes, DesiredRoom, Field, Kind, Lifecycle, OnRemove, ProviderName,
    Room, RoomId, Sides, ValueRef,
};

use super::defaults::Defaults;
use super::mirror::{self, AttributeValue, FullAttribute, Pairs, Said, Text};
use super::provider::Known;
use super::values::{delay, value};

/// What the rooms of one file are resolved against.
pub(super) struct Ground<'a> {
    /// Every declared provider.
    pub known: &'a BTreeMap<Box<str>, Known>,
    /// What the file's `defaults` say.
    pub defaults: Defaults,
    /// The file, as it is recorded.
    pub source: Arc<str>,
}

/// A room as each of the kinds that it is declared for holds it.
pub(super) type Reduced = Vec<(Kind, Arc<Room>)>;

impl<'a> Ground<'a> {
    /// The declared providers that a room names; the only one where it names none.
    pub(super) fn providers(&self, said: &mirror::Room) -> Vec<&'a Known> {
        match (&said.provider, &said.providers) {
            (Some(Text(one)), _) => self.known.get(one).into_iter().collect(),
            (None, Some(several)) => {
                several.iter().filter_map(|Text(one)| self.known.get(one)).collect()
            }
            (None, None) if self.known.len() == 1 => self.known.values().collect(),
            (None, None) => Vec::new(),
        }
    }

    /// What a room holds with the defaults, for each kind of its providers; what is equal is shared.
    pub(super) fn reduced(&self, said: &mirror::Room, providers: &[&Known]) -> Reduced {
        let mut all = Reduced::with_capacity(1);
        let meant = if providers.is_empty() { self.only_kind() } else { None };
        for kind in providers.iter().filter_map(|known| known.kind).chain(meant) {
            if all.iter().any(|(earlier, _)| *earlier == kind) {
                continue;
            }
            let room = resolve(kind.fields(), &|field| said.said(field), &self.defaults.room);
            let room = if kind.spec().auto_delete { room } else { without_auto_delete(room) };
            let same = all.iter().find(|(_, earlier)| **earlier == room);
            let room = same.map_or_else(|| Arc::new(room), |(_, earlier)| Arc::clone(earlier));
            all.push((kind, room));
        }
        all
    }

    /// The kind of every declared provider, where it is one: a room whose provider is not known is of
    /// it too.
    fn only_kind(&self) -> Option<Kind> {
        let mut kinds = self.known.values().map(|known| known.kind);
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// A room as it is declared at one of its providers.
    pub(super) fn declare(
        &self,
        said: &mirror::Room,
        id: &str,
        provider: &ProviderName,
        room: Arc<Room>,
        sides: &Sides,
    ) -> DesiredRoom {
        DesiredRoom {
            address: Address::new(provider.clone(), RoomId::new(id)),
            room,
            lifecycle: lifecycle(said.lifecycle.as_ref(), self.defaults.lifecycle),
            sides: sides.clone(),
            source: Arc::clone(&self.source),
        }
    }
}

/// What is said of `fields`, over what the defaults hold of them.
pub(super) fn resolve<'a>(
    fields: impl Iterator<Item = Field>,
    said: &dyn Fn(Field) -> Option<Said<'a>>,
    defaults: &Room,
) -> Room {
    let mut room = Room::default();
    for field in fields {
        match (field, said(field)) {
            (_, Some(Said::Delay(amount))) => room.destroy_delay_time = delay(amount),
            (Field::DestroyDelayTime, _) => room.destroy_delay_time = defaults.destroy_delay_time,
            (_, Some(Said::Attributes(own))) => {
                room.attributes = attributes(own, &defaults.attributes);
            }
            (Field::Attributes, _) => room.attributes.clone_from(&defaults.attributes),
            (field, said) => {
                let inherited = || defaults.value(field).map(ValueRef::to_value);
                if let Some(value) = said.and_then(value).or_else(inherited) {
                    room.set(field, Some(value));
                }
            }
        }
    }
    room
}

/// A room without the attributes that only some services can delete by themselves.
fn without_auto_delete(mut room: Room) -> Room {
    if room.attributes.iter().any(|(_, attribute)| attribute.auto_delete) {
        let kept = room.attributes.iter().filter(|(_, attribute)| !attribute.auto_delete);
        room.attributes = kept.map(|(key, attribute)| (key, attribute.clone())).collect();
        room.attributes.shrink_to_fit();
    }
    room
}

/// A room's own attributes over those of the defaults.
fn attributes(own: &Pairs<AttributeValue>, defaults: &Attributes) -> Attributes {
    let inherited = defaults.iter().map(|(key, attribute)| (key, attribute.clone()));
    let own = own.0.iter().map(|(Text(key), value)| (&**key, attribute(value)));
    inherited.chain(own).collect()
}

fn attribute(value: &AttributeValue) -> Attribute {
    match value {
        AttributeValue::Text(Text(text)) => Attribute { value: text.clone(), auto_delete: false },
        AttributeValue::Full(FullAttribute { value, auto_delete }) => Attribute {
            value: value.as_ref().map(|Text(text)| text.clone()).unwrap_or_default(),
            auto_delete: auto_delete.unwrap_or_default(),
        },
    }
}

/// A room's own lifecycle over that of the defaults.
pub(super) fn lifecycle(said: Option<&mirror::Lifecycle>, defaults: Lifecycle) -> Lifecycle {
    let Some(mirror::Lifecycle { prevent_destroy, on_remove }) = said else { return defaults };
    Lifecycle {
        prevent_destroy: prevent_destroy.unwrap_or(defaults.prevent_destroy),
        on_remove: on_remove.map_or(defaults.on_remove, |it| match it {
            mirror::OnRemove::Destroy => OnRemove::Destroy,
            mirror::OnRemove::Forget => OnRemove::Forget,
        }),
    }
}
