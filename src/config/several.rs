//! Any number of files, in parallel: each is read on its own, whatever the others hold.

use std::ops::Range;

use rayon::prelude::*;

use crate::model::Finding;

use super::context::ResolveContext;
use super::defaults;
use super::diagnostics::{Diagnostics, Part, Reading, Reporter};
use super::document::{self, Document, Rooms};
use super::files::Source;
use super::locate;
use super::rooms::{self, PositionedRoom};
use super::settings::{self, ResolvedHead};

/// A file of more bytes is large: its rooms are parsed in parallel, so that large files are read one
/// after the other. One that has to be parsed whole takes some 16 times its size of memory.
const LARGE: usize = 1 << 20;

/// How many files are resolved before their rooms are put together: what is in memory twice stays
/// small.
const BATCH: usize = 512;

/// What all files come to, before their rooms are put in order.
pub(super) struct Resolved {
    /// The files as they were read, in order.
    pub documents: Vec<Document>,
    /// Everything but the rooms.
    pub settings: ResolvedHead,
    /// The sound rooms of all files, in the order of the files.
    pub rooms: Vec<PositionedRoom>,
    /// The notes on the files, the settings and the rooms, in this order.
    pub diagnostics: Diagnostics,
}

/// What the rooms of one file come to.
struct FileRooms {
    rooms: Vec<PositionedRoom>,
    diagnostics: Diagnostics,
    /// The file parsed whole, where its rooms do not stand alone, with the notes on that.
    whole: Option<(Document, Diagnostics)>,
}

/// Why a file cannot be read as YAML: reported without any other notes.
struct InvalidFile(Diagnostics);

/// Reads all files and resolves their rooms.
///
/// # Errors
/// Returns the findings of the files that cannot be read as YAML, and no others.
pub(super) fn resolve(
    sources: &[Source],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Resolved, Vec<Finding>> {
    let alone = |InvalidFile(diagnostics)| locate::findings(diagnostics, sources, &[]);
    let (mut documents, mut reports) = read_documents(sources).map_err(alone)?;
    loop {
        let mut diagnostics = Diagnostics::default();
        let settings = settings::settings(&documents, sources, variable, &mut diagnostics);
        let (mut rooms, mut heads_changed) = (Vec::new(), false);
        for files in batches(sources.len()) {
            let work = |file| file_rooms(&documents[file], &sources[file], &settings);
            for (file, found) in files.clone().zip(each_file(sources, files, work)) {
                let found = found.map_err(alone)?;
                if let Some((document, diagnostics)) = found.whole {
                    heads_changed |= !document.has_head_of(&documents[file]);
                    (documents[file], reports[file]) = (document, diagnostics);
                }
                diagnostics.extend(found.diagnostics);
                if rooms.is_empty() { rooms = found.rooms } else { rooms.extend(found.rooms) }
            }
        }
        // Parsed whole, a head may turn out to have faults: the settings are resolved again, once.
        if !heads_changed {
            let mut all = Diagnostics::default();
            reports
                .into_iter()
                .chain([diagnostics])
                .for_each(|diagnostics| all.extend(diagnostics));
            return Ok(Resolved { documents, settings, rooms, diagnostics: all });
        }
    }
}

/// Reads the heads of all files, and the rooms of those that have to be parsed whole.
fn read_documents(sources: &[Source]) -> Result<(Vec<Document>, Vec<Diagnostics>), InvalidFile> {
    let read = each_file(sources, 0..sources.len(), |file| {
        let mut diagnostics = Diagnostics::default();
        let document = document::read(&sources[file].text, file, &mut diagnostics);
        (document, diagnostics)
    });
    let (mut documents, mut reports) =
        (Vec::with_capacity(read.len()), Vec::with_capacity(read.len()));
    let mut unreadable = Diagnostics::default();
    for (document, diagnostics) in read {
        match document {
            Some(document) => {
                documents.push(document);
                reports.push(diagnostics);
            }
            None => unreadable.extend(diagnostics),
        }
    }
    if unreadable.any_error() { Err(InvalidFile(unreadable)) } else { Ok((documents, reports)) }
}

/// Resolves the rooms of one file; where they do not stand alone, it is parsed whole.
fn file_rooms(
    document: &Document,
    source: &Source,
    settings: &ResolvedHead,
) -> Result<FileRooms, InvalidFile> {
    let mut diagnostics = Diagnostics::default();
    let context = ResolveContext {
        known: &settings.known,
        defaults: defaults::defaults(document, &settings.known, &mut diagnostics),
        source: source.recorded(&settings.home),
    };
    let found = rooms::rooms(document, &source.text, &context);
    if let Some(item) = found.broken {
        let whole = read_whole(document, source, item)?;
        let rooms = file_rooms(&whole.0, source, settings)?;
        return Ok(FileRooms { whole: Some(whole), ..rooms });
    }
    let (rooms, notes_on_rooms) = found.into_parts();
    diagnostics.extend(notes_on_rooms);
    Ok(FileRooms { rooms, diagnostics, whole: None })
}

/// Parses a file whole whose rooms could be parsed on their own up to `item` only.
fn read_whole(
    document: &Document,
    source: &Source,
    item: usize,
) -> Result<(Document, Diagnostics), InvalidFile> {
    let Source { text, path: _, shown: _ } = source;
    let file = document.file;
    let mut diagnostics = Diagnostics::default();
    if let Rooms::Grouped(layout) = &document.rooms {
        let (part, reading) = (Part::Text, Reading::Complete);
        let mut reporter = Reporter { diagnostics: &mut diagnostics, file, part, reading };
        if document::report_invalid_rest(layout, text, item, &mut reporter) {
            return Err(InvalidFile(diagnostics));
        }
    }
    match document::read_whole(text, file, &mut diagnostics) {
        Some(whole) => Ok((whole, diagnostics)),
        None => Err(InvalidFile(diagnostics)),
    }
}

/// The numbers of all files, batch by batch.
fn batches(files: usize) -> impl Iterator<Item = Range<usize>> {
    (0..files).step_by(BATCH).map(move |from| from..files.min(from + BATCH))
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
