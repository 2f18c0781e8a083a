//! The rooms: parsed group by group, checked, and resolved against the defaults and the providers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{
    Address, Attribute, Attributes, Delay, DesiredRoom, Finding, Lifecycle, ProviderName, Room,
    RoomId,
};

use super::checks;
use super::document::{self, Document, Item, Rooms};
use super::groups::{GROUP, Layout};
use super::mirror::{self, Amount, AttributeValue, FullAttribute, Pairs, Text};
use super::note::{Note, Notes, Part, Reading, Side, Sink, Spot, key};
use super::provider::Known;

/// Where a room stands: the number of its file, and its own number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub file: usize,
    pub item: usize,
}

/// A room, and where it stands.
pub(super) type Placed = (DesiredRoom, Origin);

/// What the rooms of a file come to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The rooms that are sound.
    pub rooms: Vec<Placed>,
    /// What there is to tell.
    pub notes: Notes,
    /// The first item that could not be parsed by itself.
    pub broken: Option<usize>,
}

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

/// A room with all that is known of it, as the checks see it.
pub(super) struct Subject<'a> {
    /// What the file says of it.
    pub said: &'a mirror::Room,
    /// What that comes to with the defaults.
    pub room: &'a Room,
    /// The providers that it names and that are declared.
    pub providers: &'a [&'a Known],
    /// Every declared provider.
    pub known: &'a BTreeMap<Box<str>, Known>,
}

/// Resolves the rooms of a file.
pub(super) fn rooms(document: &Document, text: &str, ground: &Ground<'_>) -> Found {
    match &document.rooms {
        Rooms::Absent => Found::default(),
        Rooms::Grouped(layout) => {
            let group = |group| resolve_group(document.file, layout, text, group, ground);
            Found::joined(layout.groups(GROUP).into_par_iter().map(group).collect())
        }
        Rooms::Whole(items) => {
            let mut found = Found::default();
            for (number, item) in items.iter().enumerate() {
                if let Some(item) = item {
                    let origin = Origin { file: document.file, item: number };
                    found.resolve(&item.room, item.reading, origin, ground);
                }
            }
            found
        }
    }
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

/// Sorts all rooms by address, and tells of addresses that stand twice.
pub(super) fn sorted(mut rooms: Vec<Placed>, notes: &mut Notes) -> Vec<DesiredRoom> {
    rooms.par_sort_unstable_by(|(a, one), (b, other)| {
        a.address.cmp(&b.address).then_with(|| one.cmp(other))
    });
    let mut repeated = Vec::new();
    for run in rooms.chunk_by(|(a, _), (b, _)| a.address == b.address) {
        let (room, first) = &run[0];
        let others = run[1..].iter().filter(|(_, origin)| origin != first);
        repeated.extend(others.map(|(_, origin)| (*origin, *first, room.address.clone())));
    }
    repeated.sort_by_key(|(origin, _, _)| *origin);
    for (origin, first, address) in repeated {
        let finding = Finding::error("duplicate_address", format!("`{address}` is declared twice"));
        let finding = finding.help("take one of them out").about(&address);
        notes.push(Note { finding, spot: origin.id(), first: Some(first.id()) });
    }
    rooms.into_iter().map(|(room, _)| room).collect()
}

fn resolve_group(
    file: usize,
    layout: &Layout,
    text: &str,
    group: Range<usize>,
    ground: &Ground<'_>,
) -> Found {
    let mut found = Found::default();
    found.rooms.reserve(group.len());
    if let Some(rooms) = layout.parse(text, group.clone()) {
        for (item, room) in group.zip(&rooms) {
            found.resolve(room, Reading::Sound, Origin { file, item }, ground);
        }
        return found;
    }
    for item in group {
        match read_item(file, layout, text, item, &mut found.notes) {
            Ok(Some(Item { room, reading })) => {
                found.resolve(&room, reading, Origin { file, item }, ground);
            }
            Ok(None) => {}
            Err(Broken) => {
                found.broken = Some(item);
                return found;
            }
        }
    }
    found
}

/// An item that could not be parsed by itself.
struct Broken;

fn read_item(
    file: usize,
    layout: &Layout,
    text: &str,
    item: usize,
    notes: &mut Notes,
) -> Result<Option<Item>, Broken> {
    if let Some(room) = layout.parse(text, item..item + 1).and_then(|mut rooms| rooms.pop()) {
        return Ok(Some(Item { room, reading: Reading::Sound }));
    }
    if !layout.stands_alone(text, item) {
        return Err(Broken);
    }
    let mut faults = Notes::default();
    let mut sink =
        Sink { notes: &mut faults, file, part: Part::Item(item), reading: Reading::Faulty };
    let read = document::faulty_item(layout.item(text, item), &mut sink).map_err(|_| Broken)?;
    if !faults.any_error() {
        return Err(Broken);
    }
    notes.extend(faults);
    Ok(read)
}

impl Origin {
    /// The spot of the room's id.
    fn id(self) -> Spot {
        let Self { file, item } = self;
        Spot::Path { file, part: Part::Item(item), steps: vec![key("id")], side: Side::Value }
    }
}

impl Found {
    fn joined(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        all.rooms.reserve_exact(parts.iter().map(|part| part.rooms.len()).sum());
        for Self { rooms, notes, broken } in parts {
            all.rooms.extend(rooms);
            all.notes.extend(notes);
            all.broken = all.broken.or(broken);
        }
        all
    }

    fn resolve(
        &mut self,
        said: &mirror::Room,
        reading: Reading,
        origin: Origin,
        ground: &Ground<'_>,
    ) {
        let room = Arc::new(ground.room(said));
        let named = ground.providers(said);
        let subject = Subject { said, room: &room, providers: &named, known: ground.known };
        let Origin { file, item } = origin;
        let sink = Sink { notes: &mut self.notes, file, part: Part::Item(item), reading };
        checks::room(&subject, sink);
        let Some(Text(id)) = &said.id else { return };
        for provider in named.iter().filter_map(|known| known.name.as_ref()) {
            let declared = ground.declare(said, id, provider, &room);
            self.rooms.push((declared, origin));
        }
    }
}

impl<'a> Ground<'a> {
    /// The declared providers that a room names; the only one where it names none.
    fn providers(&self, said: &mirror::Room) -> Vec<&'a Known> {
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
    fn room(&self, said: &mirror::Room) -> Room {
        let Defaults { name, destroy_delay_time, attributes, lifecycle: _ } = &self.defaults;
        let own = |pairs| self::attributes(pairs, attributes);
        Room {
            name: said.name.as_ref().map(|Text(name)| name.clone()).or_else(|| name.clone()),
            destroy_delay_time: match &said.destroy_delay_time {
                Some(amount) => delay(amount),
                None => *destroy_delay_time,
            },
            attributes: said.attributes.as_ref().map_or_else(|| attributes.clone(), own),
        }
    }

    fn declare(
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
    Lifecycle { prevent_destroy: prevent_destroy.unwrap_or(defaults.prevent_destroy) }
}
