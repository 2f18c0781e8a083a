//! The journal as text: one JSON line for each entry, each with a checksum.
//!
//! ```text
//! {"version":2,"journal":"…","lineage":"…","serial":7,"holder":{…},"crc32":"…"}
//! {"n":1,"synced":0,"entry":{"intent":{"address":"chat/lobby","record":{…}}},"crc32":"…"}
//! {"n":2,"synced":1,"entry":{"removed":"chat/garden"},"crc32":"…"}
//! ```
//!
//! `n` numbers the entries, so that a lost or duplicated line is detected. `synced` is the number
//! of entries that were durable when the line was written. It distinguishes a line that a crash
//! tore, which was never acknowledged, from one that was damaged later. Version 1 has no holder.

mod line;

#[cfg(feature = "object-store")]
use serde::Deserialize;

use crate::model::{Holder, Lineage};

use super::Entry;
use super::format::{ParseError, conflict, sniff};

#[cfg(feature = "postgres")]
pub(super) use line::parse_body;
#[cfg(feature = "object-store")]
pub(super) use line::sealed;
pub(super) use line::{Head, body, seal};

/// A journal as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The id of the journal, a UUID.
    pub id: String,
    /// The lineage of the state that it builds on.
    pub lineage: Lineage,
    /// The serial of the state that it builds on.
    pub serial: u64,
    /// The holder that wrote it; `None` in version 1.
    pub holder: Option<Holder>,
    /// All acknowledged entries, and possibly some that were not acknowledged.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// Returns the text of the journal, as if each entry was synced before the next one was
    /// written.
    ///
    /// # Errors
    /// Returns the error of the JSON serializer, which entries that were parsed never cause.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let Self { id, lineage, serial, holder, entries } = self;
        let head = Head::new(id.clone(), lineage.clone(), *serial, holder.clone());
        let mut text = head.line()?;
        for (durable, entry) in (0..).zip(entries) {
            seal(&mut text, durable + 1, durable, &body(entry)?);
        }
        Ok(text)
    }
}

/// Parses a journal. A torn end is ignored. Returns `None` if the first line is torn, since nothing
/// was acknowledged yet.
///
/// # Errors
/// Returns what is wrong and where, for damage that a crash cannot have caused.
pub fn parse_journal(text: &[u8]) -> Result<Option<Journal>, ParseError> {
    read(text).map_err(|error| match (error, conflict(text)) {
        (ParseError::Damaged { .. }, Some(line)) => ParseError::Conflict { line },
        (error, _) => error,
    })
}

fn read(text: &[u8]) -> Result<Option<Journal>, ParseError> {
    let (first, mut rest) = split(text);
    let Some(Head { version: _, journal: id, lineage, serial, holder }) = head(first, rest)? else {
        return Ok(None);
    };
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (line, after) = split(rest);
        let n = entries.len() as u64 + 1;
        match line::entry(line, n) {
            Ok(entry) => entries.push(entry),
            Err(_) if is_torn(rest, n) => break,
            Err(flaw) => return Err(flaw.at(entries.len() + 2)),
        }
        rest = after;
    }
    Ok(Some(Journal { id, lineage, serial, holder, entries }))
}

#[cfg(feature = "object-store")]
/// Parses a sealed line, which is line `at` of its text, from 1.
pub(super) fn unsealed<'a, T: Deserialize<'a>>(line: &'a [u8], at: usize) -> Result<T, ParseError> {
    line::open(line).map_err(|flaw| flaw.at(at))
}

#[cfg(feature = "object-store")]
/// Parses entry `n`, which is line `at` of its text, from 1.
pub(super) fn entry(line: &[u8], n: u64, at: usize) -> Result<Entry, ParseError> {
    line::entry(line, n).map_err(|flaw| flaw.at(at))
}

/// The readable parts of a damaged journal.
#[derive(Debug)]
pub(super) struct Salvaged {
    /// Its first line; `None` if that cannot be read.
    pub(super) head: Option<Head>,
    /// The entries whose lines are complete.
    pub(super) entries: Vec<Entry>,
    /// The lines, from 1, that cannot be read.
    pub(super) unreadable: Vec<usize>,
}

/// Reads every complete line of a journal.
pub(super) fn salvage(text: &[u8]) -> Salvaged {
    let mut all = Salvaged { head: None, entries: Vec::new(), unreadable: Vec::new() };
    for (at, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if let Ok(entry) = line::any_entry(line) {
            all.entries.push(entry);
        } else if let Ok(head) = line::head(line) {
            all.head.get_or_insert(head);
        } else {
            all.unreadable.push(at + 1);
        }
    }
    all
}

fn head(line: &[u8], rest: &[u8]) -> Result<Option<Head>, ParseError> {
    match line::head(line) {
        Ok(head) => Ok(Some(head)),
        Err(_) if rest.is_empty() && is_unwritten(line) => Ok(None),
        Err(flaw) => {
            if let Err(newer @ ParseError::Newer(_)) = sniff(line) {
                return Err(newer);
            }
            Err(flaw.at(1))
        }
    }
}

/// Returns whether a crash may have left `tail`, which begins with the invalid line of entry `n`:
/// the line is incomplete, and no later line records that it was durable.
///
/// Several lines are synced at once, so that complete lines may follow a hole. Those were not
/// acknowledged either.
fn is_torn(tail: &[u8], n: u64) -> bool {
    let (line, mut rest) = split(tail);
    if !is_unwritten(line) {
        return false;
    }
    while !rest.is_empty() {
        let (line, after) = split(rest);
        if line::synced(line).is_some_and(|synced| synced >= n) {
            return false;
        }
        rest = after;
    }
    true
}

/// Returns whether a line was not written completely: it lacks the newline, or has zero bytes,
/// which a file system allocates before the content is written. JSON has no zero bytes.
fn is_unwritten(line: &[u8]) -> bool {
    !line.ends_with(b"\n") || line.contains(&0)
}

/// Returns the first line with its newline, and the rest.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
    text.split_at(end)
}

#[cfg(test)]
mod tests;
