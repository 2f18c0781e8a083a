//! The documents of all files to providers, policy and rooms, in parallel.

mod application;
mod checks;
mod context;
mod head;
mod provider;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{DesiredRoom, Finding, ProviderName, Sides};

use super::decode::{DecodedRoom, Document, GROUP, Layout, RoomLines, Rooms, decode};
use super::diagnose;
use super::diagnostics::{
    Diagnostic, Diagnostics, EntryPart, Location, Part, Reading, Reporter, key,
};
use super::expand::{Entry, EntryFindings, MOST, too_many};
use super::load::Source;
use super::raw::{self, Text};
use super::variables::Lookup;
use checks::{RoomInput, RoomOrigin};
use context::ResolveContext;
pub(super) use head::ResolvedHead;
use provider::DeclaredProvider;

/// A file of more bytes is large: its rooms are parsed in parallel, so that large files are read one
/// after the other. One that has to be parsed whole takes some 16 times its size of memory.
const LARGE: usize = 1 << 20;

/// How many files are resolved before their rooms are put together: what is in memory twice stays
/// small.
const FILE_BATCH: usize = 512;

/// How many rooms of an entry with `for_each` are made at once.
const UNIT: usize = 1 << 10;

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
    /// The entries that made many of them, in the order of the files.
    pub entries: Vec<PositionedEntry>,
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
        let (mut entries, mut contexts) = (Vec::new(), BTreeMap::new());
        for files in batches(sources.len()) {
            let work = |file| file_rooms(&documents[file], &sources[file], &head);
            for (file, found) in files.clone().zip(each_file(sources, files, work)) {
                let FileRooms { found, context, whole } = found.map_err(alone)?;
                if let Some((document, report)) = whole {
                    heads_changed |= !document.has_head_of(&documents[file]);
                    (documents[file], reports[file]) = (document, report);
                }
                diagnostics.extend(found.diagnostics);
                if rooms.is_empty() {
                    rooms = found.rooms;
                } else {
                    rooms.extend(found.rooms);
                }
                if !found.entries.is_empty() {
                    entries.extend(found.entries);
                    contexts.insert(file, context);
                }
            }
        }
        // Decoded at once, a head may turn out to have mistakes: the heads are resolved again, once.
        if !heads_changed {
            expand_all(&entries, &contexts, &mut rooms, &mut diagnostics);
            drop(contexts);
            let mut all = Diagnostics::default();
            reports.into_iter().chain([diagnostics]).for_each(|report| all.extend(report));
            return Ok(Resolved { documents, head, rooms, entries, diagnostics: all });
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

/// The rooms of one file.
struct FileRooms<'a> {
    /// Those that are written out, and the entries that make others.
    found: ResolvedRooms,
    /// What they are resolved against.
    context: ResolveContext<'a>,
    /// The file, if it was decoded at once.
    whole: Option<WholeFile>,
}

/// Resolves the rooms of one file; where they cannot be parsed in groups, it is decoded at once.
fn file_rooms<'a>(
    document: &Document,
    source: &Source,
    head: &'a ResolvedHead,
) -> Result<FileRooms<'a>, InvalidFile> {
    let mut found = ResolvedRooms::default();
    let context = ResolveContext {
        declared: &head.declared,
        defaults: context::defaults(document, &head.declared, &mut found.diagnostics),
        source: source.recorded(&head.home),
    };
    found.add_all(document, &source.text, &context);
    let Some(item) = found.not_alone else { return Ok(FileRooms { found, context, whole: None }) };
    let whole = read_whole(document, source, item)?;
    let FileRooms { found, context, whole: _ } = file_rooms(&whole.0, source, head)?;
    Ok(FileRooms { found, context, whole: Some(whole) })
}

/// Makes the rooms of all entries with `for_each`, in parallel, and adds them to the others.
fn expand_all(
    entries: &[PositionedEntry],
    contexts: &BTreeMap<usize, ResolveContext<'_>>,
    rooms: &mut Vec<PositionedRoom>,
    diagnostics: &mut Diagnostics,
) {
    let mut units = Vec::new();
    let mut total = 0;
    for (at, (entry, position)) in entries.iter().enumerate() {
        total += entry.len();
        if total > MOST {
            let mut reporter = position.reporter(diagnostics, Reading::Complete);
            return reporter.at_key(vec![key("for_each")], too_many());
        }
        let unit = |from| (at, from..entry.len().min(from + UNIT));
        units.extend((0..entry.len()).step_by(UNIT).map(unit));
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

/// Where a room is: the number of its file, its own number there, and its number among the rooms that
/// the same entry makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoomPosition {
    file: usize,
    item: usize,
    number: usize,
}

/// A room, and where it is.
pub(super) type PositionedRoom = (DesiredRoom, RoomPosition);

/// An entry with `for_each`, and where it is.
pub(super) type PositionedEntry = (Entry, RoomPosition);

/// The rooms of a file, or of a part of it.
#[derive(Debug, Default)]
struct ResolvedRooms {
    /// Its rooms.
    rooms: Vec<PositionedRoom>,
    /// The entries that make many rooms each.
    entries: Vec<PositionedEntry>,
    /// What was found in them.
    diagnostics: Diagnostics,
    /// The first room that could not be parsed without the rest of the file.
    not_alone: Option<usize>,
    /// The sides of the last room that has several: the next one mostly has the same.
    sides: Sides,
}

/// Sorts all rooms by address, with their lines, and reports duplicate addresses.
pub(super) fn sorted(
    mut rooms: Vec<PositionedRoom>,
    entries: &[PositionedEntry],
    lines: &[RoomLines<'_>],
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
        let values = |position: RoomPosition| {
            let entry = entries.binary_search_by_key(&position.entry(), |(_, at)| at.entry()).ok();
            entry.map(|at| format!(" ({})", entries[at].0.describe(position.number)))
        };
        let message =
            format!("`{address}` is declared twice{}", values(position).unwrap_or_default());
        let help = values(first).map(|values| format!("generated by{values}; "));
        let help = help.unwrap_or_default() + "remove one of them";
        let finding = Finding::error("duplicate_address", message).help(help).about(&address);
        diagnostics.push(Diagnostic { finding, location: position.id(), first: Some(first.id()) });
    }
    let with_line = |(room, RoomPosition { file, item, number: _ }): PositionedRoom| {
        let line = lines.get(file).and_then(|lines| lines.of(item));
        DesiredRoom { line, ..room }
    };
    let mut rooms: Vec<DesiredRoom> = rooms.into_iter().map(with_line).collect();
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
    let RoomPosition { file: _, item, number: _ } = position;
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
        let Self { file, item, number: _ } = self;
        Reporter { diagnostics, file, part: Part::Item(item), reading }
    }

    /// Where the room that is written out, or the entry, begins in the order of all files.
    fn entry(self) -> (usize, usize) {
        (self.file, self.item)
    }

    /// The location of the room's id.
    fn id(self) -> Location {
        let Self { file, item, number: _ } = self;
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
                Err(NotAlone) => {
                    found.not_alone = Some(item);
                    return found;
                }
            }
        }
        found
    }

    fn join(&mut self, later: Self) {
        let Self { rooms, entries, diagnostics, not_alone, sides: _ } = later;
        self.rooms.extend(rooms);
        self.entries.extend(entries);
        self.diagnostics.extend(diagnostics);
        self.not_alone = self.not_alone.or(not_alone);
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

    /// Adds a room as it is written: itself, or an entry that makes many. An entry that could be read
    /// in part only has its mistakes reported already.
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
