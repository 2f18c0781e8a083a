//! The state as text: one JSON document with one room per line.
//!
//! ```text
//! {"version":2,"lineage":"…","serial":7,"providers":{…},"rooms":{
//! "chat/garden":{…},
//! "chat/lobby":{…}
//! },"checksum":"crc32:…"}
//! ```
//!
//! Version 1 has no checksum and no provider hosts.

mod checksum;
mod document;
mod lines;
mod record;
#[cfg(feature = "postgres")]
mod rows;
mod salvage;
mod write;

use std::io::{self, Read, Write as _};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::model::{Digest, Recorded};

pub(super) use checksum::{Fingerprint, Fingerprinter, conflict};
#[cfg(test)]
pub(super) use checksum::{oldest, resealed};
pub(super) use document::{IdentityText, sniff};
pub(super) use lines::SharedRooms;
pub(super) use record::{Names, RecordText};
#[cfg(feature = "postgres")]
pub(super) use rows::{head_text, read_row, read_rows, record_text};
pub(super) use salvage::{Salvaged, salvage, sides};
pub(super) use write::{Head, write};

/// The version of the formats of state and journal that this roomctl writes.
pub(super) const VERSION: u64 = 2;
/// The oldest format version that this roomctl reads.
pub(super) const OLDEST: u64 = 1;

/// Why a text is not a valid state or journal.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ParseError {
    /// It has a newer version of the format.
    #[error("format version {0} is newer than this roomctl knows")]
    Newer(u64),
    /// It is damaged.
    #[error("line {line}, column {column}: {what}")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// It parses as a state but does not match its checksum: it was damaged, or edited by hand.
    #[error("{0}")]
    Checksum(&'static str),
    /// It has git's conflict marks.
    #[error("line {line}: git left a conflict here")]
    Conflict {
        /// The line of the first mark, from 1.
        line: usize,
    },
    /// It could not be read.
    #[error(transparent)]
    Io(Arc<io::Error>),
}

/// A state as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    /// The version of its format.
    pub(super) version: u64,
    /// The record.
    pub(super) recorded: Recorded,
    /// What was folded into it last.
    pub(super) folded: LastFold,
    /// The fingerprint of the file that was read.
    pub(super) fingerprint: Fingerprint,
}

/// The journal that was folded into a state last. It may still exist, and must not be folded again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum LastFold {
    /// Nothing.
    #[default]
    Nothing,
    /// In a file: the journal with this id.
    Journal(String),
    /// In an object store: the entries of the head, up to a number.
    Entries(StateWrite),
}

impl LastFold {
    /// Returns the id of the journal, if the state is a file.
    pub(super) fn journal(self) -> Option<String> {
        match self {
            Self::Journal(id) => Some(id),
            Self::Nothing | Self::Entries(_) => None,
        }
    }
}

/// A write of a state to an object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StateWrite {
    /// The unique id of this write.
    pub(super) write_id: String,
    /// The epoch of the lease under which it was written.
    pub(super) epoch: u64,
    /// The number of the last entry that is folded into it.
    pub(super) up_to: u64,
}

/// Parses a state, in any JSON layout.
///
/// # Errors
/// Returns what is wrong and where. An empty text is an error too: it never means "no rooms".
pub fn parse_state(text: &[u8]) -> Result<Recorded, ParseError> {
    read(|| Ok(text)).map(|document| document.recorded)
}

/// Returns the text of a state.
///
/// # Errors
/// Returns an error for a record without a lineage, which every state has.
pub fn state_text(recorded: &Recorded) -> io::Result<Vec<u8>> {
    let Recorded { lineage, serial, providers, rooms, plans, moved_to } = recorded;
    let lineage = lineage.as_ref().ok_or_else(|| io::Error::other("a state has a lineage"))?;
    let (providers, plans) = (providers.clone(), plans.clone());
    let (folded, moved_to) = (LastFold::Nothing, moved_to.as_deref());
    let head = Head { lineage, serial: *serial, folded, providers, plans, moved_to };
    let mut text = Vec::new();
    write(head, rooms.iter(), |bytes| text.write_all(bytes))?;
    Ok(text)
}

/// Parses a state that was edited by hand: its checksum may be missing or wrong.
///
/// # Errors
/// Returns every error of [`parse_state`] except those of the checksum.
pub fn parse_edited_state(text: &[u8]) -> Result<Recorded, ParseError> {
    document::read_unsealed(text).map(|(document, _)| document.recorded)
}

/// Returns the digest of a record's text. Equal records have equal digests in every store.
///
/// # Errors
/// Returns what [`state_text`] returns.
pub fn state_digest(recorded: &Recorded) -> io::Result<Digest> {
    Ok(Digest(Sha256::digest(state_text(recorded)?).into()))
}

/// Reads a state as [`read_sharing`] does, without sharing rooms.
pub(super) fn read<R: Read>(open: impl Fn() -> io::Result<R>) -> Result<Document, ParseError> {
    read_sharing(open, &SharedRooms::default())
}

/// Reads a state in blocks if it has roomctl's layout, and otherwise as a whole. If a block cannot
/// be parsed, the state is read again as a whole, so that one parser decides what is damaged.
///
/// Rooms that are read in blocks and equal a declared room share it.
pub(super) fn read_sharing<R: Read>(
    open: impl Fn() -> io::Result<R>,
    shared: &SharedRooms,
) -> Result<Document, ParseError> {
    if let Some(document) = lines::read(open()?, lines::DIVISION, shared)? {
        return Ok(document);
    }
    let mut text = Vec::new();
    open()?.read_to_end(&mut text)?;
    document::read(&text)
}

impl ParseError {
    fn of(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Self::Damaged { line: error.line().max(1), column: error.column().max(1), what }
    }
}

impl From<io::Error> for ParseError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

#[cfg(test)]
mod tests;
