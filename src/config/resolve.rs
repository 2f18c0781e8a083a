//! Resolves the documents of all files to providers, policy and rooms, in parallel.

mod application;
mod checks;
mod context;
mod head;
mod position;
mod provider;
mod rooms;

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use crate::model::{DesiredRoom, Finding};

use super::decode::{Document, RoomLines, Rooms, decode};
use super::diagnose;
use super::diagnostics::{Diagnostic, Diagnostics, Part, Reading, Reporter};
use super::load::Source;
use super::variables::Lookup;
use context::ResolveContext;
pub(super) use head::ResolvedHead;
use position::{PositionedEntry, PositionedRoom, RoomPosition};
use rooms::{ResolvedRooms, expand_all};

/// The size in bytes above which a file is large. The rooms of a large file are parsed in parallel, so
/// large files are read sequentially. Parsing a whole file takes about 16 times its size of memory.
const LARGE: usize = 1 << 20;

/// The number of files that are resolved before their rooms are merged, which bounds the memory used
/// twice.
const FILE_BATCH: usize = 512;

/// What all files declare, before their rooms are sorted.
pub(super) struct Resolved {
    /// The decoded files, in order.
    pub documents: Vec<Document>,
    /// Everything but the rooms.
    pub head: ResolvedHead,
    /// The rooms of all files, in the order of the files.
    pub rooms: Vec<PositionedRoom>,
    /// The entries that made many rooms each, in the order of the files.
    pub entries: Vec<PositionedEntry>,
    /// The diagnostics of the files, the heads and the rooms, in this order.
    pub diagnostics: Diagnostics,
}

/// A file that was decoded whole because its rooms cannot be parsed in groups, with its diagnostics.
type WholeFile = (Document, Diagnostics);

/// Why a file is not valid YAML. It is reported without any other findings.
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
        // Decoding a whole file may find mistakes in its head; the heads are then resolved again, once.
        if !heads_changed {
            expand_all(&entries, &contexts, &mut rooms, &mut diagnostics);
            drop(contexts);
            let mut all = Diagnostics::default();
            reports.into_iter().chain([diagnostics]).for_each(|report| all.extend(report));
            return Ok(Resolved { documents, head, rooms, entries, diagnostics: all });
        }
    }
}

/// Decodes all files and resolves only their heads; `None` if there is any mistake.
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
    /// The rooms and the entries with `for_each`.
    found: ResolvedRooms,
    /// The context of the rooms.
    context: ResolveContext<'a>,
    /// The file, if it was decoded whole.
    whole: Option<WholeFile>,
}

/// Resolves the rooms of one file. If they cannot be parsed in groups, the file is decoded whole.
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
    let Some(item) = found.dependent_item else {
        return Ok(FileRooms { found, context, whole: None });
    };
    let whole = read_whole(document, source, item)?;
    let FileRooms { found, context, whole: _ } = file_rooms(&whole.0, source, head)?;
    Ok(FileRooms { found, context, whole: Some(whole) })
}

/// Decodes a whole file whose rooms could be parsed separately only up to `item`.
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

/// Returns the numbers of all files in batches.
fn batches(files: usize) -> impl Iterator<Item = Range<usize>> {
    (0..files).step_by(FILE_BATCH).map(move |from| from..files.min(from + FILE_BATCH))
}

/// Runs `work` for each of `files`, small ones in parallel. The results are in the order of the files.
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

/// Sorts all rooms by address, adds their lines, and reports duplicate addresses.
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
    // The vector was collected in place, and its elements had positions: a fifth of its capacity is
    // unused.
    rooms.shrink_to_fit();
    rooms
}
