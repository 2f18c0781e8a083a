//! YAML to [`crate::model::Desired`]: the files, checked and resolved.
//!
//! serde_yaml decides what a text means. Only where it has refused, or a check has, the text is read
//! once more by a parser that knows every place, so that all mistakes are told at once.

mod application;
mod attributes;
mod checks;
mod defaults;
mod digest;
mod document;
mod endpoint;
mod fields;
mod files;
mod folders;
mod ground;
pub mod groups;
pub mod mirror;
mod names;
mod not_built;
mod note;
mod outline;
mod places;
mod provider;
mod room_id;
mod rooms;
mod schema;
mod secret_source;
mod settings;
mod structure;
mod tree;
mod unreadable;
mod values;
mod variables;
mod words;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::model::{Desired, Finding, Kind};

pub use folders::Subfolders;
pub use schema::schema;

use document::{Document, Rooms};
use files::Source;
use ground::Ground;
use note::{Notes, Part, Reading, Sink};
use settings::Settings;

/// What the files say, and what is worth a word about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the files say.
    pub desired: Desired,
    /// Warnings, in order of place.
    pub warnings: Vec<Finding>,
}

/// Loads the files that `paths` name, a folder standing for its `*.yaml` and `*.yml`.
///
/// `variable` looks up an environment variable, for `${NAME}` in `providers` and `state`.
///
/// # Errors
/// Returns every mistake of every file, in order of place, errors and warnings: 100 at most, and
/// then one finding with the number of the rest. A file that is no YAML is told alone.
pub fn load(
    paths: &[PathBuf],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<Finding>> {
    load_from(paths, Subfolders::Skipped, variable)
}

/// Loads files as [`load`] does, with those in the subfolders of a folder or without them.
///
/// # Errors
/// Returns what [`load`] does.
pub fn load_from(
    paths: &[PathBuf],
    subfolders: Subfolders,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<Finding>> {
    let mut notes = Notes::default();
    let sources = files::read_all(paths, subfolders, &mut notes);
    let failed = notes.any_error();
    let of_folders = places::findings(notes, &sources, &[]);
    if failed {
        return Err(of_folders);
    }
    let mut whole = BTreeSet::new();
    loop {
        match attempt(&sources, &whole, variable) {
            Ok(mut loaded) => {
                loaded.warnings.splice(0..0, of_folders);
                return Ok(loaded);
            }
            Err(Stop::Findings(findings)) => return Err(findings),
            Err(Stop::Entwined(file)) => whole.insert(file),
        };
    }
}

/// The commented rooms.yaml that a new user starts with. It loads without findings.
#[must_use]
pub fn starter(kind: Kind) -> &'static str {
    match kind {
        Kind::Rtc => include_str!("starters/rtc.yaml"),
        Kind::Zim => include_str!("starters/zim.yaml"),
        Kind::TencentLive => include_str!("starters/tencent-live.yaml"),
    }
}

/// Why an attempt ended.
enum Stop {
    /// There are mistakes.
    Findings(Vec<Finding>),
    /// The rooms of this file do not stand alone: it has to be parsed whole.
    Entwined(usize),
}

fn attempt(
    sources: &[Source],
    whole: &BTreeSet<usize>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Stop> {
    let mut notes = Notes::default();
    let documents = read_documents(sources, whole, &mut notes)?;
    let settings = settings::settings(&documents, sources, variable, &mut notes);
    let found = read_rooms(&documents, sources, &settings, &mut notes)?;
    let rooms = rooms::sorted(found, &mut notes);
    let failed = notes.any_error();
    let findings = places::findings(notes, sources, &documents);
    if failed {
        return Err(Stop::Findings(findings));
    }
    let config_digest = digest::digest(&settings, &rooms);
    let files =
        sources.iter().map(|source| files::relative(&settings.home, &source.path)).collect();
    let Settings { providers, known: _, policy, state, home: _ } = settings;
    let desired =
        Desired { providers, state, policy, rooms, files, config_digest, moved: Vec::new() };
    Ok(Loaded { desired, warnings: findings })
}

/// Reads the heads of all files; those that are no YAML are told alone.
fn read_documents(
    sources: &[Source],
    whole: &BTreeSet<usize>,
    notes: &mut Notes,
) -> Result<Vec<Document>, Stop> {
    let mut unreadable = Notes::default();
    let mut documents = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let mut told = Notes::default();
        let read = if whole.contains(&file) { document::read_whole } else { document::read };
        match read(&source.text, file, &mut told) {
            Some(document) => {
                documents.push(document);
                notes.extend(told);
            }
            None => unreadable.extend(told),
        }
    }
    if unreadable.any_error() {
        return Err(Stop::Findings(places::findings(unreadable, sources, &[])));
    }
    Ok(documents)
}

/// Reads the rooms of all files; a file that turns out to be no YAML is told alone.
fn read_rooms(
    documents: &[Document],
    sources: &[Source],
    settings: &Settings,
    notes: &mut Notes,
) -> Result<Vec<rooms::Placed>, Stop> {
    let mut all = Vec::new();
    for document in documents {
        let Source { path, text, shown: _ } = &sources[document.file];
        let ground = Ground {
            known: &settings.known,
            defaults: defaults::defaults(document, &settings.known, notes),
            source: files::relative(&settings.home, path),
        };
        let found = rooms::rooms(document, text, &ground);
        if let (Some(item), Rooms::Grouped(layout)) = (found.broken, &document.rooms) {
            let mut notes = Notes::default();
            let (file, part, reading) = (document.file, Part::Text, Reading::Sound);
            let mut sink = Sink { notes: &mut notes, file, part, reading };
            if document::tell_broken(layout, text, item, &mut sink) {
                return Err(Stop::Findings(places::findings(notes, sources, &[])));
            }
            return Err(Stop::Entwined(file));
        }
        let (rooms, told) = found.into_parts();
        notes.extend(told);
        if all.is_empty() { all = rooms } else { all.extend(rooms) }
    }
    Ok(all)
}

/// A share such as `30%`, from 0 to 100.
fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%').filter(|it| it.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests;
