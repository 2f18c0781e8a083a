//! Everything in the folder of a state that can be read.

use std::path::{Path, PathBuf};

use crate::model::{Holder, Lineage, Recorded};
use crate::state::error;
use crate::state::format::{self, Document, Fingerprint, ParseError, Salvaged, salvage, sides};
use crate::state::journal::{self, Head, Journal, parse_journal};
use crate::state::overlay::Overlay;
use crate::state::{Entry, StateError};

use super::super::folder::Folder;

/// The readable content of a state's folder.
pub(super) struct Evidence {
    /// The state.
    pub(super) state: State,
    /// The findings, as sentences for the user.
    pub(super) found: Vec<String>,
    /// The readable copies of the same lineage, newest first.
    pub(super) copies: Vec<(PathBuf, Recorded)>,
    /// The journal and the rescue files, in the order in which they are merged.
    pub(super) records: Vec<Record>,
    /// The fingerprint of the state's file that was read.
    pub(super) fingerprint: Option<Fingerprint>,
}

/// The state.
pub(super) enum State {
    /// There is none.
    Missing,
    /// There is one.
    There {
        /// Its condition.
        condition: Condition,
        /// The part that could be read.
        recorded: Recorded,
    },
}

/// The condition of a state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// As it was written.
    Sound,
    /// Not as it was written.
    Unsound {
        /// Whether it may have contained rooms that could not be read.
        lacks_rooms: bool,
    },
}

/// A journal, or a rescue file.
pub(super) struct Record {
    /// Its path.
    pub(super) path: PathBuf,
    /// Its path if it is a rescue file.
    pub(super) rescue: Option<PathBuf>,
    /// The id of the journal.
    pub(super) id: Option<String>,
    /// The lineage of the state that it builds on.
    pub(super) lineage: Option<Lineage>,
    /// The serial of the state that it builds on.
    pub(super) serial: Option<u64>,
    /// Its changes.
    pub(super) changes: Overlay,
    /// Whether all its lines are complete.
    pub(super) is_whole: bool,
    /// Whether it is complete and builds on the current state: an ordinary journal.
    pub(super) is_exact: bool,
}

impl Evidence {
    /// Reads everything.
    pub(super) fn gather(folder: &Folder) -> Result<Self, StateError> {
        let mut found = Vec::new();
        let (state, last_fold, fingerprint) = state(folder, &mut found)?;
        let mut records = records(folder, last_fold.as_deref(), &mut found)?;
        let lineage = match &state {
            State::There { condition: _, recorded } => recorded.lineage.clone(),
            State::Missing => None,
        };
        let copies = copies(folder, lineage.as_ref(), &mut found)?;
        if let State::There { condition: Condition::Sound, recorded } = &state {
            for record in &mut records {
                let same = record.lineage == recorded.lineage;
                record.is_exact = record.is_whole && same && record.serial == Some(recorded.serial);
            }
        }
        Ok(Self { state, found, copies, records, fingerprint })
    }

    /// Returns whether anything needs a repair. An ordinary journal does not: the next run folds
    /// it.
    pub(super) fn is_needed(&self) -> bool {
        let unusual = |record: &Record| record.rescue.is_some() || !record.is_exact;
        match &self.state {
            State::Missing => !self.copies.is_empty() || !self.records.is_empty(),
            State::There { condition: Condition::Unsound { .. }, .. } => true,
            State::There { condition: Condition::Sound, .. } => self.records.iter().any(unusual),
        }
    }

    /// Returns the id of the journal, which the repaired state contains.
    pub(super) fn journal_id(&self) -> Option<String> {
        let journal = self.records.iter().find(|record| record.rescue.is_none())?;
        journal.id.clone()
    }
}

/// Reads the state. Returns it with the id of the journal folded into it, and its fingerprint.
fn state(
    folder: &Folder,
    found: &mut Vec<String>,
) -> Result<(State, Option<String>, Option<Fingerprint>), StateError> {
    let path = &folder.state;
    let name = path.display();
    let Some((text, _)) = folder.text(path)? else {
        found.push(format!("{name} is missing"));
        return Ok((State::Missing, None, None));
    };
    let fingerprint = Some(Fingerprint::of(&text[..]).map_err(StateError::io("read", path))?);
    let salvaged = match format::read(|| Ok(&text[..])) {
        Ok(Document { version: _, recorded, folded, fingerprint: _ }) => {
            let state = State::There { condition: Condition::Sound, recorded };
            return Ok((state, folded.journal(), fingerprint));
        }
        Err(ParseError::Newer(version)) => {
            return Err(StateError::Newer { location: error::text(path), version });
        }
        Err(error @ ParseError::Io(_)) => {
            return Err(StateError::parse(path, error, |_| String::new()));
        }
        Err(ParseError::Checksum(what)) => {
            found.push(format!("{name}: {what}; its content is used as it is"));
            salvage(&text)
        }
        Err(ParseError::Conflict { line }) => {
            found.push(format!("{name}:{line}: git left a conflict here"));
            merge_sides(folder, &text, found)?
        }
        Err(ParseError::Damaged { line, column, what }) => {
            found.push(format!("{name}:{line}:{column}: {what}"));
            salvage(&text)
        }
    };
    let lacks_rooms = salvaged.lacks_rooms();
    let Salvaged { head, rooms, unreadable, end: _ } = salvaged;
    if !unreadable.is_empty() {
        found.push(format!("{name}: {} cannot be read", lines(&unreadable)));
    }
    let last_fold = head.as_ref().and_then(|head| head.folded.clone().journal());
    let head = head.map(|head| head.recorded).unwrap_or_default();
    let recorded = Recorded { rooms, ..head };
    let condition = Condition::Unsound { lacks_rooms };
    Ok((State::There { condition, recorded }, last_fold, fingerprint))
}

/// Merges the two sides of a conflict: the side with the higher serial, and the rooms that only the
/// other side has, so that no room is lost.
fn merge_sides(
    folder: &Folder,
    text: &[u8],
    found: &mut Vec<String>,
) -> Result<Salvaged, StateError> {
    let [ours, theirs] = sides(text).map(|side| salvage(&side));
    let lineage = |side: &Salvaged| side.head.as_ref().and_then(|it| it.recorded.lineage.clone());
    let serial = |side: &Salvaged| side.head.as_ref().map_or(0, |it| it.recorded.serial);
    if let (Some(one), Some(other)) = (lineage(&ours), lineage(&theirs))
        && one != other
    {
        let why = format!(
            "the two sides of the conflict are different states, of lineage {one} and {other}: take one of \
             them whole (`git checkout --ours` or `--theirs`)"
        );
        return Err(StateError::Unrepairable { location: error::text(&folder.state), why });
    }
    let (mut higher, other) =
        if serial(&theirs) > serial(&ours) { (theirs, ours) } else { (ours, theirs) };
    let before = higher.rooms.len();
    for (address, record) in other.rooms {
        higher.rooms.entry(address).or_insert(record);
    }
    if let (Some(ours), Some(theirs)) = (&mut higher.head, other.head) {
        for (name, identity) in theirs.recorded.providers {
            ours.recorded.providers.entry(name).or_insert(identity);
        }
    }
    found.push(format!(
        "the side of serial {} is used, and {} rooms that only the other side has",
        serial(&higher),
        higher.rooms.len() - before
    ));
    higher.unreadable.extend(other.unreadable);
    Ok(higher)
}

/// Reads the copies that are readable, newest first.
fn copies(
    folder: &Folder,
    lineage: Option<&Lineage>,
    found: &mut Vec<String>,
) -> Result<Vec<(PathBuf, Recorded)>, StateError> {
    let mut copies: Vec<(PathBuf, Recorded)> = Vec::new();
    for (_, path) in folder.copies()?.into_iter().rev() {
        let Some((text, _)) = folder.text(&path)? else { continue };
        match format::read(|| Ok(&text[..])) {
            Ok(document) => {
                let of = document.recorded.lineage.as_ref();
                let newest = copies.first().and_then(|(_, copy)| copy.lineage.as_ref());
                if lineage.or(newest).is_none_or(|lineage| of == Some(lineage)) {
                    copies.push((path, document.recorded));
                }
            }
            Err(error) => found.push(format!("{}: {error}; it is left out", path.display())),
        }
    }
    Ok(copies)
}

/// Reads the rescue files, and the journal unless the state contains it already.
fn records(
    folder: &Folder,
    last_fold: Option<&str>,
    found: &mut Vec<String>,
) -> Result<Vec<Record>, StateError> {
    let mut records = Vec::new();
    for path in folder.rescues()? {
        records.extend(record(folder, &path, found)?.map(|it| Record { rescue: Some(path), ..it }));
    }
    records.sort_by_key(|record| record.serial);
    if let Some(journal) = record(folder, &folder.journal, found)? {
        let known = records.iter().any(|rescue| rescue.id == journal.id);
        let is_folded = journal.id.is_some() && journal.id.as_deref() == last_fold;
        if !known && !is_folded {
            records.insert(0, journal);
        }
    }
    Ok(records)
}

/// Reads a journal or a rescue file; `None` if it is missing, or is a journal that was torn in its
/// first line.
fn record(
    folder: &Folder,
    path: &Path,
    found: &mut Vec<String>,
) -> Result<Option<Record>, StateError> {
    let Some((text, _)) = folder.text(path)? else { return Ok(None) };
    let name = path.display();
    match parse_journal(&text) {
        Ok(None) if path == folder.journal => Ok(None),
        Ok(None) => Ok(Some(taken(path, None, Vec::new(), true))),
        Ok(Some(Journal { id, lineage, serial, holder, entries })) => {
            let by = holder.as_ref().map_or_else(String::new, by);
            found.push(format!("{name} contains {} entries{by}", entries.len()));
            let head = Head::new(id, lineage, serial, holder);
            Ok(Some(taken(path, Some(head), entries, true)))
        }
        Err(ParseError::Newer(version)) => {
            Err(StateError::Newer { location: error::text(path), version })
        }
        Err(error) => {
            let journal::Salvaged { head, entries, unreadable } = journal::salvage(&text);
            found.push(format!(
                "{name}: {error}; {} entries are used, and {} cannot be read",
                entries.len(),
                lines(&unreadable)
            ));
            Ok(Some(taken(path, head, entries, false)))
        }
    }
}

fn taken(path: &Path, head: Option<Head>, entries: Vec<Entry>, is_whole: bool) -> Record {
    let mut changes = Overlay::default();
    for entry in entries {
        changes.add(entry);
    }
    let (id, lineage, serial) = head.map_or((None, None, None), |head| {
        (Some(head.journal), Some(head.lineage), Some(head.serial))
    });
    let path = path.to_owned();
    Record { path, rescue: None, id, lineage, serial, changes, is_whole, is_exact: false }
}

fn by(holder: &Holder) -> String {
    format!(" of {holder}")
}

/// Lists the first line numbers as text, and the number of the rest.
fn lines(lines: &[usize]) -> String {
    /// The most line numbers that are listed.
    const LISTED: usize = 5;
    let listed: Vec<String> = lines.iter().take(LISTED).map(ToString::to_string).collect();
    let rest = lines.len().saturating_sub(LISTED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let noun = if lines.len() == 1 { "line" } else { "lines" };
    format!("{noun} {}{more}", listed.join(", "))
}
