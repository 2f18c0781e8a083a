//! Any number of files, in parallel: each is read on its own, whatever the others hold.

use std::ops::Range;

use rayon::prelude::*;

use crate::model::Finding;

use super::defaults;
use super::document::{self, Document, Rooms};
use super::files::Source;
use super::ground::Ground;
use super::note::{Notes, Part, Reading, Sink};
use super::places;
use super::rooms::{self, Placed};
use super::settings::{self, Settings};

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
    pub settings: Settings,
    /// The sound rooms of all files, in the order of the files.
    pub rooms: Vec<Placed>,
    /// The notes on the files, the settings and the rooms, in this order.
    pub notes: Notes,
}

/// What the rooms of one file come to.
struct FileRooms {
    rooms: Vec<Placed>,
    notes: Notes,
    /// The file parsed whole, where its rooms do not stand alone, with the notes on that.
    whole: Option<(Document, Notes)>,
}

/// Why a file cannot be read as YAML: reported without any other notes.
struct InvalidFile(Notes);

/// Reads all files and resolves their rooms.
///
/// # Errors
/// Returns the findings of the files that cannot be read as YAML, and no others.
pub(super) fn resolve(
    sources: &[Source],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Resolved, Vec<Finding>> {
    let alone = |InvalidFile(notes)| places::findings(notes, sources, &[]);
    let (mut documents, mut reports) = read_documents(sources).map_err(alone)?;
    loop {
        let mut notes = Notes::default();
        let settings = settings::settings(&documents, sources, variable, &mut notes);
        let (mut rooms, mut heads_changed) = (Vec::new(), false);
        for files in batches(sources.len()) {
            let work = |file| file_rooms(&documents[file], &sources[file], &settings);
            for (file, found) in files.clone().zip(each_file(sources, files, work)) {
                let found = found.map_err(alone)?;
                if let Some((document, notes)) = found.whole {
                    heads_changed |= !document.has_head_of(&documents[file]);
                    (documents[file], reports[file]) = (document, notes);
                }
                notes.extend(found.notes);
                if rooms.is_empty() { rooms = found.rooms } else { rooms.extend(found.rooms) }
            }
        }
        // Parsed whole, a head may turn out to have faults: the settings are resolved again, once.
        if !heads_changed {
            let mut all = Notes::default();
            reports.into_iter().chain([notes]).for_each(|notes| all.extend(notes));
            return Ok(Resolved { documents, settings, rooms, notes: all });
        }
    }
}

/// Reads the heads of all files, and the rooms of those that have to be parsed whole.
fn read_documents(sources: &[Source]) -> Result<(Vec<Document>, Vec<Notes>), InvalidFile> {
    let read = each_file(sources, 0..sources.len(), |file| {
        let mut notes = Notes::default();
        let document = document::read(&sources[file].text, file, &mut notes);
        (document, notes)
    });
    let (mut documents, mut reports) =
        (Vec::with_capacity(read.len()), Vec::with_capacity(read.len()));
    let mut unreadable = Notes::default();
    for (document, notes) in read {
        match document {
            Some(document) => {
                documents.push(document);
                reports.push(notes);
            }
            None => unreadable.extend(notes),
        }
    }
    if unreadable.any_error() { Err(InvalidFile(unreadable)) } else { Ok((documents, reports)) }
}

/// Resolves the rooms of one file; where they do not stand alone, it is parsed whole.
fn file_rooms(
    document: &Document,
    source: &Source,
    settings: &Settings,
) -> Result<FileRooms, InvalidFile> {
    let mut notes = Notes::default();
    let ground = Ground {
        known: &settings.known,
        defaults: defaults::defaults(document, &settings.known, &mut notes),
        source: source.recorded(&settings.home),
    };
    let found = rooms::rooms(document, &source.text, &ground);
    if let Some(item) = found.broken {
        let whole = read_whole(document, source, item)?;
        let rooms = file_rooms(&whole.0, source, settings)?;
        return Ok(FileRooms { whole: Some(whole), ..rooms });
    }
    let (rooms, notes_on_rooms) = found.into_parts();
    notes.extend(notes_on_rooms);
    Ok(FileRooms { rooms, notes, whole: None })
}

/// Parses a file whole whose rooms could be parsed on their own up to `item` only.
fn read_whole(
    document: &Document,
    source: &Source,
    item: usize,
) -> Result<(Document, Notes), InvalidFile> {
    let Source { text, path: _, shown: _ } = source;
    let file = document.file;
    let mut notes = Notes::default();
    if let Rooms::Grouped(layout) = &document.rooms {
        let (part, reading) = (Part::Text, Reading::Sound);
        let mut sink = Sink { notes: &mut notes, file, part, reading };
        if document::tell_broken(layout, text, item, &mut sink) {
            return Err(InvalidFile(notes));
        }
    }
    match document::read_whole(text, file, &mut notes) {
        Some(whole) => Ok((whole, notes)),
        None => Err(InvalidFile(notes)),
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
