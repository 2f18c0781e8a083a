//! What the rooms of a file stand on: the defaults, the declared providers, and the file's name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    Address, Attribute, Attributes, Delay, DesiredRoom, Fields, Lifecycle, ProviderName, Room,
    RoomId, Sides,
};

use super::checks;
use super::document::Document;
use super::mirror::{self, Amount, AttributeValue, FullAttribute, Pairs, Text};
use super::note::{Notes, Part, Sink};
use super::provider::Known;

/// What the rooms of one file are resolved against.
pub(super) struct Ground<'a> {
    /// Every declared provider.
    pub known: &'a BTreeMap<Box<str>, Known>,
    /// What the file's `defaults` say.
    pub defaults: Defaults,
    /// The file, as it is recorded.
    pub source: Arc<str>,
}

/// What the rooms of a file hold where they do not say otherwise.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    pub name: Option<Box<str>>,
    pub destroy_delay_time: Option<Delay>,
    pub attributes: Attributes,
    pub lifecycle: Lifecycle,
}

/// Resolves the `defaults` of a file.
pub(super) fn defaults(document: &Document, notes: &mut Notes) -> Defaults {
    let Some(said) = &document.head.defaults else { return Defaults::default() };
    let mirror::Defaults { name, destroy_delay_time, attributes, lifecycle } = said;
    let (file, reading) = (document.file, document.reading);
    let mut sink = Sink { notes, file, part: Part::Head, reading };
    checks::defaults(said, &mut sink);
    Defaults {
        name: name.as_ref().map(|Text(name)| name.clone()),
        destroy_delay_time: destroy_delay_time.as_ref().and_then(delay),
        attributes: attributes
            .as_ref()
            .map(|it| self::attributes(it, &Attributes::default()))
            .unwrap_or_default(),
        lifecycle: self::lifecycle(lifecycle.as_ref(), Lifecycle::default()),
    }
}

/// A span as the file writes it; none where it is no span.
pub(super) fn delay(amount: &Amount) -> Option<Delay> {
    match amount {
        Amount::Number(seconds) => u32::try_from(*seconds).ok().map(Delay::from_seconds),
        Amount::Text(text) => text.parse().ok(),
    }
}

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

    /// What a room holds with the defaults.
    pub(super) fn room(&self, said: &mirror::Room) -> Room {
        let Defaults { name, destroy_delay_time, attributes, lifecycle: _ } = &self.defaults;
        let own = |pairs| self::attributes(pairs, attributes);
        Room {
            name: said.name.as_ref().map(|Text(name)| name.clone()).or_else(|| name.clone()),
            destroy_delay_time: match &said.destroy_delay_time {
                Some(amount) => delay(amount),
                None => *destroy_delay_time,
            },
            attributes: said.attributes.as_ref().map_or_else(|| attributes.clone(), own),
            fields: Fields::default(),
        }
    }

    /// A room as it is declared at one of its providers.
    pub(super) fn declare(
        &self,
        said: &mirror::Room,
        id: &str,
        provider: &ProviderName,
        room: &Arc<Room>,
    ) -> DesiredRoom {
        DesiredRoom {
            address: Address::new(provider.clone(), RoomId::new(id)),
            room: Arc::clone(room),
            lifecycle: lifecycle(said.lifecycle.as_ref(), self.defaults.lifecycle),
            sides: Sides::default(),
            source: Arc::clone(&self.source),
        }
    }
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

fn lifecycle(said: Option<&mirror::Lifecycle>, defaults: Lifecycle) -> Lifecycle {
    let Some(mirror::Lifecycle { prevent_destroy, on_remove: _ }) = said else { return defaults };
    let prevent_destroy = prevent_destroy.unwrap_or(defaults.prevent_destroy);
    Lifecycle { prevent_destroy, ..defaults }
}
