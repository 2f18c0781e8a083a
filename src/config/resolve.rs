//! The documents of all files to providers, policy and rooms, in parallel.

mod application;
mod checks;
mod context;
mod head;
mod provider;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{DesiredRoom, Finding, ProviderName, Sides};

use super::decode::{DecodedRoom, Document, GROUP, Layout, Rooms, decode};
use super::diagnose;
use super::diagnostics::{
    Diagnostic, Diagnostics, EntryPart, Location, Part, Reading, Reporter, key,
};
use super::load::Source;
use super::raw::{self, Text};
use super::variables::Lookup;
use checks::RoomInput;
use context::ResolveContext;
pub(super) use head::ResolvedHead;
use provider::DeclaredProvider;

/// A file of more bytes is large: its rooms are parsed in parallel, so that large files are read one
/// after the other. One that has to be parsed whole takes some 16 times its size of memory.
const LARGE: usize = 1 << 20;

/// How many files are resolved before their rooms are put together: what is in memory twice stays
/// small.
const FILE_BATCH: usize = 512;

/// How many groups of rooms are resolved before they are put together, for the same reason.
const GROUP_BATCH: usize = 256;

/// What all files declare, before their rooms are sorted.
pub(super) struct Resolved {
    /// The files as they were read, in order.
    pub documents: Vec<Document>,
    /// Everything but the rooms.
    pub head: ResolvedHead,
    /// The rooms of all files, in the order of the files.
    pub rooms: Vec<PositionedRoom>,
    /// The diagnostics of the files, the heads and the rooms, in this order.
    pub diagnostics: Diagnostics,
}

/// A file that was decoded at once because its rooms cannot be parsed in groups, and its diagnostics.
type WholeFile = (Document, Diagnostics);

/// Why a file is not valid YAML: reported without any other findings.
struct InvalidFile(Diagnostics);

/// Decodes all files and resolves their rooms.
///
/// # Errors
/// Returns the findings of the files that are not valid YAML, and no others.
pub(super) fn resolve(sources: &[Source], variable: Lookup<'_>) -> Result<Resolved, Vec<Finding>> {
    let alone = |InvalidFile(diagnostics)| diagnose::findings(diagnostics, sources, &[]);
    let (mut documents, mut reports) = read_documents(sources).map_err(alone)?;
    loop {
        let mut diagnostics = Diagnostics::default();
        let head = head::resolve(&documents, sources, variable, &mut diagnostics);
        let (mut rooms, mut heads_changed) = (Vec::new(), false);
        for files in batches(sources.len()) {
            let work = |file| file_rooms(&documents[file], &sources[file], &head);
            for (file, found) in files.clone().zip(each_file(sources, files, work)) {
                let (found, whole) = found.map_err(alone)?;
                if let Some((document, report)) = whole {
                    heads_changed |= !document.has_head_of(&documents[file]);
                    (documents[file], reports[file]) = (document, report);
                }
                diagnostics.extend(found.diagnostics);
                if rooms.is_empty() { rooms = found.rooms } else { rooms.extend(found.rooms) }
            }
        }
        // Decoded at once, a head may turn out to have mistakes: the heads are resolved again, once.
        if !heads_changed {
            let mut all = Diagnostics::default();
            reports.into_iter().chain([diagnostics]).for_each(|report| all.extend(report));
            return Ok(Resolved { documents, head, rooms, diagnostics: all });
        }
    }
}

/// Decodes all files and resolves their heads alone; `None` if anything is wrong.
pub(super) fn head(sources: &[Source], variable: Lookup<'_>) -> Option<ResolvedHead> {
    let (documents, reports) = read_documents(sources).ok()?;
    let mut diagnostics = Diagnostics::default();
    let head = head::resolve(&documents, sources, variable, &mut diagnostics);
    let wrong = diagnostics.any_error() || reports.iter().any(Diagnostics::any_error);
    (!wrong).then_some(head)
}

/// Decodes all files, or finds their mistakes.
fn read_documents(sources: &[Source]) -> Result<(Vec<Document>, Vec<Diagnostics>), InvalidFile> {
    let read = each_file(sources, 0..sources.len(), |file| {
        let (text, mut diagnostics) = (&sources[file].text, Diagnostics::default());
        let document = match decode(text, file) {
            Ok(document) => Some(document),
            Err(refusal) => diagnose::document(text, file, refusal, &mut diagnostics),
        };
        (document, diagnostics)
    });
    let (mut documents, mut reports) =
        (Vec::with_capacity(read.len()), Vec::with_capacity(read.len()));
    let mut invalid = Diagnostics::default();
    for (document, diagnostics) in read {
        match document {
            Some(document) => {
                documents.push(document);
                reports.push(diagnostics);
            }
            None => invalid.extend(diagnostics),
        }
    }
    if invalid.any_error() { Err(InvalidFile(invalid)) } else { Ok((documents, reports)) }
}

/// Resolves the rooms of one file; where they cannot be parsed in groups, it is decoded at once.
fn file_rooms(
    document: &Document,
    source: &Source,
    head: &ResolvedHead,
) -> Result<(ResolvedRooms, Option<WholeFile>), InvalidFile> {
    let mut rooms = ResolvedRooms::default();
    let context = ResolveContext {
        declared: &head.declared,
        defaults: context::defaults(document, &head.declared, &mut rooms.diagnostics),
        source: source.recorded(&head.home),
    };
    rooms.add_all(document, &source.text, &context);
    let Some(item) = rooms.not_alone else { return Ok((rooms, None)) };
    let whole = read_whole(document, source, item)?;
    let (rooms, _) = file_rooms(&whole.0, source, head)?;
    Ok((rooms, Some(whole)))
}

/// Decodes a file at once whose rooms could be parsed on their own up to `item` only.
fn read_whole(document: &Document, source: &Source, item: usize) -> Result<WholeFile, InvalidFile> {
    let Source { text, path: _, shown: _ } = source;
    let file = document.file;
    let mut diagnostics = Diagnostics::default();
    if let Rooms::Grouped(layout) = &document.rooms {
        let (part, reading) = (Part::Text, Reading::Complete);
        let mut reporter = Reporter { diagnostics: &mut diagnostics, file, part, reading };
        if diagnose::report_invalid_rest(layout, text, item, &mut reporter) {
            return Err(InvalidFile(diagnostics));
        }
    }
    match diagnose::whole(text, file, &mut diagnostics) {
        Some(whole) => Ok((whole, diagnostics)),
        None => Err(InvalidFile(diagnostics)),
    }
}

/// The numbers of all files, batch by batch.
fn batches(files: usize) -> impl Iterator<Item = Range<usize>> {
    (0..files).step_by(FILE_BATCH).map(move |from| from..files.min(from + FILE_BATCH))
}

/// Does some work with each of `files`, small ones in parallel; the results are in their order.
fn each_file<T: Send>(
    sources: &[Source],
    files: Range<usize>,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let (large, small): (Vec<usize>, Vec<usize>) =
        files.partition(|file| sources[*file].text.len() > LARGE);
    let mut done: Vec<(usize, T)> = small.into_par_iter().map(|file| (file, work(file))).collect();
    done.extend(large.into_iter().map(|file| (file, work(file))));
    done.sort_unstable_by_key(|(file, _)| *file);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Where a room is: the number of its file, and its own number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoomPosition {
    file: usize,
    item: usize,
}

/// A room, and where it is.
pub(super) type PositionedRoom = (DesiredRoom, RoomPosition);

/// The rooms of a file, or of a part of it.
#[derive(Debug, Default)]
struct ResolvedRooms {
    /// Its rooms.
    rooms: Vec<PositionedRoom>,
    /// What was found in them.
    diagnostics: Diagnostics,
    /// The first room that could not be parsed without the rest of the file.
    not_alone: Option<usize>,
    /// The sides of the last room that has several: the next one mostly has the same.
    sides: Sides,
}

/// Sorts all rooms by address, and reports duplicate addresses.
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
        let others = run[1..].iter().filter(|(_, position)| position != first);
        repeated.extend(others.map(|(_, position)| (*position, *first, room.address.clone())));
    }
    repeated.sort_by_key(|(position, _, _)| *position);
    for (position, first, address) in repeated {
        let finding = Finding::error("duplicate_address", format!("`{address}` is declared twice"));
        let finding = finding.help("remove one of them").about(&address);
        diagnostics.push(Diagnostic { finding, location: position.id(), first: Some(first.id()) });
    }
    let mut rooms: Vec<DesiredRoom> = rooms.into_iter().map(|(room, _)| room).collect();
    // The list is made in place, and the positions took a fifth of it.
    rooms.shrink_to_fit();
    rooms
}

/// A room that could not be parsed without the rest of the file.
struct NotAlone;

/// Reads a room of a group that serde_yaml has refused.
fn read_room(
    layout: &Layout,
    text: &str,
    position: RoomPosition,
    diagnostics: &mut Diagnostics,
) -> Result<Option<DecodedRoom>, NotAlone> {
    let RoomPosition { file: _, item } = position;
    if let Some(room) = layout.parse(text, item..item + 1).and_then(|mut rooms| rooms.pop()) {
        return Ok(Some(DecodedRoom { room, reading: Reading::Complete }));
    }
    if !layout.is_independent(text, item) {
        return Err(NotAlone);
    }
    let mut found = Diagnostics::default();
    let mut reporter = position.reporter(&mut found, Reading::Partial);
    let read = diagnose::room(layout.item(text, item), &mut reporter).map_err(|_| NotAlone)?;
    if !found.any_error() {
        return Err(NotAlone);
    }
    diagnostics.extend(found);
    Ok(read)
}

impl RoomPosition {
    fn reporter(self, diagnostics: &mut Diagnostics, reading: Reading) -> Reporter<'_> {
        let Self { file, item } = self;
        Reporter { diagnostics, file, part: Part::Item(item), reading }
    }

    /// The location of the room's id.
    fn id(self) -> Location {
        let Self { file, item } = self;
        let (part, entry) = (Part::Item(item), EntryPart::Value);
        Location::Path { file, part, path: vec![key("id")], entry }
    }
}

impl ResolvedRooms {
    /// Adds the rooms of a document.
    fn add_all(&mut self, document: &Document, text: &str, context: &ResolveContext<'_>) {
        let file = document.file;
        match &document.rooms {
            Rooms::Absent => {}
            Rooms::Grouped(layout) => self.add_groups(file, layout, text, context),
            Rooms::Whole(rooms) => {
                for (item, room) in rooms.iter().enumerate() {
                    if let Some(DecodedRoom { room, reading }) = room {
                        self.add(room, *reading, RoomPosition { file, item }, context);
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
            if self.not_alone.is_some() {
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
                found.add(room, Reading::Complete, RoomPosition { file, item }, context);
            }
            return found;
        }
        for item in group.clone() {
            let position = RoomPosition { file, item };
            match read_room(layout, text, position, &mut found.diagnostics) {
                Ok(Some(DecodedRoom { room, reading })) => {
                    found.add(&room, reading, position, context);
                }
                Ok(None) => {}
                Err(NotAlone) => {
                    found.not_alone = Some(item);
                    return found;
                }
            }
        }
        found
    }

    fn join(&mut self, later: Self) {
        let Self { rooms, diagnostics, not_alone, sides: _ } = later;
        self.rooms.extend(rooms);
        self.diagnostics.extend(diagnostics);
        self.not_alone = self.not_alone.or(not_alone);
    }

    /// Checks a room, and adds it at each of its providers.
    fn add(
        &mut self,
        raw: &raw::Room,
        reading: Reading,
        position: RoomPosition,
        context: &ResolveContext<'_>,
    ) {
        let providers = context.providers(raw);
        let by_kind = context.by_kind(raw, &providers);
        let input = RoomInput { raw, by_kind: &by_kind, providers: &providers, context };
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
