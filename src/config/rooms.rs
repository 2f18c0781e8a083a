//! The rooms: parsed group by group, checked, and resolved against the defaults and the providers.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{DesiredRoom, Finding, Kind, ProviderName, Room, Sides};

use super::checks;
use super::context::ResolveContext;
use super::diagnostics::{
    Diagnostic, Diagnostics, EntryPart, Location, Part, Reading, Reporter, key,
};
use super::document::{self, Document, Item, Rooms};
use super::groups::{GROUP, Layout};
use super::provider::DeclaredProvider;
use super::raw::{self, Text};

/// How many groups are resolved before their rooms are put together: what is kept of each stays small.
const BATCH: usize = 256;

/// Where a room stands: the number of its file, and its own number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoomPosition {
    pub file: usize,
    pub item: usize,
}

/// A room, and where it stands.
pub(super) type PositionedRoom = (DesiredRoom, RoomPosition);

/// What the rooms of a file come to.
#[derive(Debug, Default)]
pub(super) struct ResolvedRooms {
    /// The rooms that are sound.
    pub rooms: Vec<PositionedRoom>,
    /// What there is to tell.
    pub diagnostics: Diagnostics,
    /// The first item that could not be parsed by itself.
    pub broken: Option<usize>,
    /// The sides of the last room that has several: the next one mostly has the same.
    sides: Sides,
}

/// A room with all that is known of it, as the checks see it.
pub(super) struct RoomInput<'a> {
    /// What the file says of it.
    pub raw: &'a raw::Room,
    /// What that comes to with the defaults, for each kind of its providers.
    pub by_kind: &'a [(Kind, Arc<Room>)],
    /// The providers that it names and that are declared.
    pub providers: &'a [&'a DeclaredProvider],
    /// What the rooms of its file stand on.
    pub context: &'a ResolveContext<'a>,
}

/// Resolves the rooms of a file.
pub(super) fn rooms(
    document: &Document,
    text: &str,
    context: &ResolveContext<'_>,
) -> ResolvedRooms {
    match &document.rooms {
        Rooms::Absent => ResolvedRooms::default(),
        Rooms::Grouped(layout) => {
            let mut found = ResolvedRooms::default();
            found.rooms.reserve_exact(layout.len());
            for batch in layout.groups(GROUP).chunks(BATCH) {
                let group = |group: &Range<usize>| {
                    resolve_group(document.file, layout, text, group.clone(), context)
                };
                let parts: Vec<ResolvedRooms> = batch.par_iter().map(group).collect();
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
            let mut found = ResolvedRooms::default();
            for (number, item) in items.iter().enumerate() {
                if let Some(item) = item {
                    let origin = RoomPosition { file: document.file, item: number };
                    found.resolve(&item.room, item.reading, origin, context);
                }
            }
            found
        }
    }
}

/// Sorts all rooms by address, and tells of addresses that stand twice.
pub(super) fn sorted(
    mut rooms: Vec<PositionedRoom>,
    diagnostics: &mut Diagnostics,
) -> Vec<DesiredRoom> {
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
        diagnostics.push(Diagnostic { finding, location: origin.id(), first: Some(first.id()) });
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
    context: &ResolveContext<'_>,
) -> ResolvedRooms {
    let mut found = ResolvedRooms::default();
    found.rooms.reserve(group.len());
    if let Some(rooms) = layout.parse(text, group.clone()) {
        for (item, room) in group.zip(&rooms) {
            found.resolve(room, Reading::Complete, RoomPosition { file, item }, context);
        }
        return found;
    }
    for item in group {
        match read_item(file, layout, text, item, &mut found.diagnostics) {
            Ok(Some(Item { room, reading })) => {
                found.resolve(&room, reading, RoomPosition { file, item }, context);
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
    diagnostics: &mut Diagnostics,
) -> Result<Option<Item>, Broken> {
    if let Some(room) = layout.parse(text, item..item + 1).and_then(|mut rooms| rooms.pop()) {
        return Ok(Some(Item { room, reading: Reading::Complete }));
    }
    if !layout.stands_alone(text, item) {
        return Err(Broken);
    }
    let mut found = Diagnostics::default();
    let mut reporter = Reporter {
        diagnostics: &mut found,
        file,
        part: Part::Item(item),
        reading: Reading::Partial,
    };
    let read = document::faulty_item(layout.item(text, item), &mut reporter).map_err(|_| Broken)?;
    if !found.any_error() {
        return Err(Broken);
    }
    diagnostics.extend(found);
    Ok(read)
}

impl RoomPosition {
    /// The spot of the room's id.
    fn id(self) -> Location {
        let Self { file, item } = self;
        Location::Path {
            file,
            part: Part::Item(item),
            steps: vec![key("id")],
            side: EntryPart::Value,
        }
    }
}

impl ResolvedRooms {
    /// The rooms, and what there is to tell.
    pub(super) fn into_parts(self) -> (Vec<PositionedRoom>, Diagnostics) {
        let Self { rooms, diagnostics, broken: _, sides: _ } = self;
        (rooms, diagnostics)
    }

    fn join(&mut self, later: Self) {
        let Self { rooms, diagnostics, broken, sides: _ } = later;
        self.rooms.extend(rooms);
        self.diagnostics.extend(diagnostics);
        self.broken = self.broken.or(broken);
    }

    fn resolve(
        &mut self,
        raw: &raw::Room,
        reading: Reading,
        origin: RoomPosition,
        context: &ResolveContext<'_>,
    ) {
        let named = context.providers(raw);
        let by_kind = context.by_kind(raw, &named);
        let input = RoomInput { raw, by_kind: &by_kind, providers: &named, context };
        let RoomPosition { file, item } = origin;
        let reporter =
            Reporter { diagnostics: &mut self.diagnostics, file, part: Part::Item(item), reading };
        checks::room(&input, reporter);
        let Some(Text(id)) = &raw.id else { return };
        let sides = self.sides(&named);
        for known in &named {
            let room = by_kind.iter().find(|(kind, _)| known.kind == Some(*kind));
            if let Some(provider) = &known.name {
                let room = room.map_or_else(Arc::default, |(_, room)| Arc::clone(room));
                let declared = context.declare(raw, id, provider, room, &sides);
                self.rooms.push((declared, origin));
            }
        }
    }

    fn sides(&mut self, providers: &[&DeclaredProvider]) -> Sides {
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
