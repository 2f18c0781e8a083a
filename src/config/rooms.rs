//! The rooms: parsed group by group, checked, and resolved against the defaults and the providers.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{DesiredRoom, Finding, Kind, ProviderName, Room, Sides};

use super::checks;
use super::document::{self, Document, Item, Rooms};
use super::ground::Ground;
use super::groups::{GROUP, Layout};
use super::mirror::{self, Text};
use super::note::{Note, Notes, Part, Reading, Side, Sink, Spot, key};
use super::provider::Known;

/// How many groups are resolved before their rooms are put together: what is kept of each stays small.
const BATCH: usize = 256;

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
    /// The sides of the last room that has several: the next one mostly has the same.
    sides: Sides,
}

/// A room with all that is known of it, as the checks see it.
pub(super) struct Subject<'a> {
    /// What the file says of it.
    pub said: &'a mirror::Room,
    /// What that comes to with the defaults, for each kind of its providers.
    pub reduced: &'a [(Kind, Arc<Room>)],
    /// The providers that it names and that are declared.
    pub providers: &'a [&'a Known],
    /// What the rooms of its file stand on.
    pub ground: &'a Ground<'a>,
}

/// Resolves the rooms of a file.
pub(super) fn rooms(document: &Document, text: &str, ground: &Ground<'_>) -> Found {
    match &document.rooms {
        Rooms::Absent => Found::default(),
        Rooms::Grouped(layout) => {
            let mut found = Found::default();
            found.rooms.reserve_exact(layout.len());
            for batch in layout.groups(GROUP).chunks(BATCH) {
                let group = |group: &Range<usize>| {
                    resolve_group(document.file, layout, text, group.clone(), ground)
                };
                let parts: Vec<Found> = batch.par_iter().map(group).collect();
                for part in parts {
                    found.join(part);
                }
                if found.broken.is_some() {
                    break;
                }
            }
            found
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
    let mut rooms: Vec<DesiredRoom> = rooms.into_iter().map(|(room, _)| room).collect();
    // The list is made in place, and the origins took a fifth of it.
    rooms.shrink_to_fit();
    rooms
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
    /// The rooms, and what there is to tell.
    pub(super) fn into_parts(self) -> (Vec<Placed>, Notes) {
        let Self { rooms, notes, broken: _, sides: _ } = self;
        (rooms, notes)
    }

    fn join(&mut self, later: Self) {
        let Self { rooms, notes, broken, sides: _ } = later;
        self.rooms.extend(rooms);
        self.notes.extend(notes);
        self.broken = self.broken.or(broken);
    }

    fn resolve(
        &mut self,
        said: &mirror::Room,
        reading: Reading,
        origin: Origin,
        ground: &Ground<'_>,
    ) {
        let named = ground.providers(said);
        let reduced = ground.reduced(said, &named);
        let subject = Subject { said, reduced: &reduced, providers: &named, ground };
        let Origin { file, item } = origin;
        let sink = Sink { notes: &mut self.notes, file, part: Part::Item(item), reading };
        checks::room(&subject, sink);
        let Some(Text(id)) = &said.id else { return };
        let sides = self.sides(&named);
        for known in &named {
            let room = reduced.iter().find(|(kind, _)| known.kind == Some(*kind));
            if let Some(provider) = &known.name {
                let room = room.map_or_else(Arc::default, |(_, room)| Arc::clone(room));
                let declared = ground.declare(said, id, provider, room, &sides);
                self.rooms.push((declared, origin));
            }
        }
    }

    fn sides(&mut self, providers: &[&Known]) -> Sides {
        if providers.len() < 2 {
            return Sides::default();
        }
        let names = providers.iter().filter_map(|known| known.name.clone());
        let names: BTreeSet<ProviderName> = names.collect();
        if !self.sides.iter().eq(&names) {
            self.sides = Sides::new(names);
        }
        self.sides.clone()
    }
}
