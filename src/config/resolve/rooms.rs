//! Resolves the rooms of one file: parsed in groups, expanded by `for_each`, and checked, in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{ProviderName, Sides};

use super::checks::{self, RoomInput, RoomOrigin};
use super::context::ResolveContext;
use super::position::{PositionedEntry, PositionedRoom, RoomPosition};
use super::provider::DeclaredProvider;
use crate::config::decode::{DecodedRoom, Document, GROUP, Layout, Rooms};
use crate::config::diagnose;
use crate::config::diagnostics::{Diagnostics, Reading, key};
use crate::config::expand::{Entry, EntryFindings, MAX_ROOMS, too_many};
use crate::config::raw::{self, Text};

/// The number of rooms of an entry with `for_each` that one parallel task makes.
const EXPANSION_BATCH: usize = 1 << 10;

/// The number of groups of rooms that are resolved before they are merged, which bounds the memory used
/// twice.
const GROUP_BATCH: usize = 256;

/// The rooms of a file, or of a part of it.
#[derive(Debug, Default)]
pub(super) struct ResolvedRooms {
    /// The rooms.
    pub rooms: Vec<PositionedRoom>,
    /// The entries with `for_each`.
    pub entries: Vec<PositionedEntry>,
    /// The diagnostics of the rooms.
    pub diagnostics: Diagnostics,
    /// The first room that cannot be parsed without the rest of the file.
    pub dependent_item: Option<usize>,
    /// The sides of the last room with several, which the next such room usually shares.
    sides: Sides,
}

impl ResolvedRooms {
    /// Adds the rooms of a document.
    pub(super) fn add_all(
        &mut self,
        document: &Document,
        text: &str,
        context: &ResolveContext<'_>,
    ) {
        let file = document.file;
        match &document.rooms {
            Rooms::Absent => {}
            Rooms::Grouped(layout) => self.add_groups(file, layout, text, context),
            Rooms::Whole(rooms) => {
                for (item, room) in rooms.iter().enumerate() {
                    if let Some(DecodedRoom { room, reading }) = room {
                        self.add(room, *reading, RoomPosition { file, item, number: 0 }, context);
                    }
                }
            }
        }
    }

    fn add_groups(
        &mut self,
        file: usize,
        layout: &Layout,
        text: &str,
        context: &ResolveContext<'_>,
    ) {
        self.rooms.reserve_exact(layout.len());
        for batch in layout.groups(GROUP).chunks(GROUP_BATCH) {
            let group = |group: &Range<usize>| Self::of_group(file, layout, text, group, context);
            let parts: Vec<Self> = batch.par_iter().map(group).collect();
            for part in parts {
                self.join(part);
            }
            if self.dependent_item.is_some() {
                break;
            }
        }
    }

    fn of_group(
        file: usize,
        layout: &Layout,
        text: &str,
        group: &Range<usize>,
        context: &ResolveContext<'_>,
    ) -> Self {
        let mut found = Self::default();
        found.rooms.reserve(group.len());
        if let Some(rooms) = layout.parse(text, group.clone()) {
            for (item, room) in group.clone().zip(&rooms) {
                found.add(room, Reading::Complete, RoomPosition { file, item, number: 0 }, context);
            }
            return found;
        }
        for item in group.clone() {
            let position = RoomPosition { file, item, number: 0 };
            match read_room(layout, text, position, &mut found.diagnostics) {
                Ok(Some(DecodedRoom { room, reading })) => {
                    found.add(&room, reading, position, context);
                }
                Ok(None) => {}
                Err(DependentItem) => {
                    found.dependent_item = Some(item);
                    return found;
                }
            }
        }
        found
    }

    fn join(&mut self, later: Self) {
        let Self { rooms, entries, diagnostics, dependent_item, sides: _ } = later;
        self.rooms.extend(rooms);
        self.entries.extend(entries);
        self.diagnostics.extend(diagnostics);
        self.dependent_item = self.dependent_item.or(dependent_item);
    }

    /// Makes some of the rooms of an entry.
    fn of_entry(
        entry: &Entry,
        numbers: &Range<usize>,
        position: RoomPosition,
        context: &ResolveContext<'_>,
    ) -> (Vec<PositionedRoom>, EntryFindings) {
        let (mut made, mut findings) = (Self::default(), EntryFindings::default());
        made.rooms.reserve(numbers.len());
        for number in numbers.clone() {
            let position = RoomPosition { number, ..position };
            let room = entry.room(number);
            made.add_room(&room, RoomOrigin::Expanded, Reading::Complete, position, context);
            if !made.diagnostics.is_empty() {
                findings.add(number, std::mem::take(&mut made.diagnostics));
            }
        }
        (made.rooms, findings)
    }

    /// Adds a room as written, or an entry with `for_each`. An entry that was read only in part is
    /// skipped, since its mistakes are already reported.
    fn add(
        &mut self,
        raw: &raw::Room,
        reading: Reading,
        position: RoomPosition,
        context: &ResolveContext<'_>,
    ) {
        match (&raw.for_each, reading) {
            (None, _) => self.add_room(raw, RoomOrigin::Written, reading, position, context),
            (Some(_), Reading::Partial) => {}
            (Some(_), Reading::Complete) => {
                let mut reporter = position.reporter(&mut self.diagnostics, reading);
                let entry = Entry::of(raw, &mut reporter);
                self.entries.extend(entry.map(|entry| (entry, position)));
            }
        }
    }

    /// Checks a room, and adds it at each of its providers.
    fn add_room(
        &mut self,
        raw: &raw::Room,
        origin: RoomOrigin,
        reading: Reading,
        position: RoomPosition,
        context: &ResolveContext<'_>,
    ) {
        let providers = context.providers(raw);
        let by_kind = context.by_kind(raw, &providers);
        let input = RoomInput { raw, by_kind: &by_kind, providers: &providers, context, origin };
        checks::room(&input, position.reporter(&mut self.diagnostics, reading));
        let Some(Text(id)) = &raw.id else { return };
        let sides = self.sides(&providers);
        for provider in &providers {
            let room = by_kind.iter().find(|(kind, _)| provider.kind == Some(*kind));
            if let Some(name) = &provider.name {
                let room = room.map_or_else(Arc::default, |(_, room)| Arc::clone(room));
                self.rooms.push((context.declare(raw, id, name, room, &sides), position));
            }
        }
    }

    fn sides(&mut self, providers: &[&DeclaredProvider]) -> Sides {
        if providers.len() < 2 {
            return Sides::default();
        }
        let names = providers.iter().filter_map(|provider| provider.name.clone());
        let names: BTreeSet<ProviderName> = names.collect();
        if !self.sides.iter().eq(&names) {
            self.sides = Sides::new(names);
        }
        self.sides.clone()
    }
}

/// The room cannot be parsed without the rest of the file.
struct DependentItem;

/// Reads a room of a group that serde_yaml rejected.
fn read_room(
    layout: &Layout,
    text: &str,
    position: RoomPosition,
    diagnostics: &mut Diagnostics,
) -> Result<Option<DecodedRoom>, DependentItem> {
    let RoomPosition { file: _, item, number: _ } = position;
    if let Some(room) = layout.parse(text, item..item + 1).and_then(|mut rooms| rooms.pop()) {
        return Ok(Some(DecodedRoom { room, reading: Reading::Complete }));
    }
    if !layout.is_independent(text, item) {
        return Err(DependentItem);
    }
    let mut found = Diagnostics::default();
    let mut reporter = position.reporter(&mut found, Reading::Partial);
    let read = diagnose::room(layout.item(text, item), &mut reporter).map_err(|_| DependentItem)?;
    if !found.any_error() {
        return Err(DependentItem);
    }
    diagnostics.extend(found);
    Ok(read)
}

/// Makes the rooms of all entries with `for_each`, in parallel, and appends them to the others.
pub(super) fn expand_all(
    entries: &[PositionedEntry],
    contexts: &BTreeMap<usize, ResolveContext<'_>>,
    rooms: &mut Vec<PositionedRoom>,
    diagnostics: &mut Diagnostics,
) {
    let mut units = Vec::new();
    let mut total = 0;
    for (at, (entry, position)) in entries.iter().enumerate() {
        total += entry.len();
        if total > MAX_ROOMS {
            let mut reporter = position.reporter(diagnostics, Reading::Complete);
            return reporter.at_key(vec![key("for_each")], too_many());
        }
        let unit = |from| (at, from..entry.len().min(from + EXPANSION_BATCH));
        units.extend((0..entry.len()).step_by(EXPANSION_BATCH).map(unit));
    }
    rooms.reserve_exact(total);
    let mut findings: BTreeMap<usize, EntryFindings> = BTreeMap::new();
    for batch in units.chunks(GROUP_BATCH) {
        let expand = |(at, numbers): &(usize, Range<usize>)| {
            let (entry, position) = &entries[*at];
            let context = contexts.get(&position.file);
            context.map(|context| ResolvedRooms::of_entry(entry, numbers, *position, context))
        };
        let parts: Vec<_> = batch.par_iter().map(expand).collect();
        for ((at, _), (made, found)) in batch.iter().zip(parts.into_iter().flatten()) {
            rooms.extend(made);
            findings.entry(*at).or_default().extend(found);
        }
    }
    for (at, found) in findings {
        diagnostics.extend(found.into_diagnostics(&entries[at].0));
    }
}
