//! Writes a document. The rooms are streamed in order, and are never in memory twice.

use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;

use crate::model::{Address, Lineage, ProviderIdentity, ProviderName, RecordedRoom};

use super::document::DocumentText;
use super::lines::{HEAD_END, ROOMS_END};
use super::{Fingerprinter, LastFold, RecordText, checksum};

/// The number of rooms that one core serializes at a time.
const PART: usize = 512;
/// The number of rooms that are in memory as text at once.
const BATCH: usize = 32 * PART;

/// Everything of a state but its rooms.
pub(in crate::state) struct Head<'a> {
    /// The lineage.
    pub(in crate::state) lineage: &'a Lineage,
    /// The serial.
    pub(in crate::state) serial: u64,
    /// What is folded into it.
    pub(in crate::state) folded: LastFold,
    /// The applications that the rooms belong to.
    pub(in crate::state) providers: BTreeMap<ProviderName, ProviderIdentity>,
    /// The ids of the saved plans that were carried out.
    pub(in crate::state) plans: Vec<String>,
    /// Where the record was moved to.
    pub(in crate::state) moved_to: Option<&'a str>,
}

/// Passes a document to `write`, a piece at a time, and appends its checksum.
pub(in crate::state) fn write<'a>(
    head: Head<'_>,
    mut rooms: impl Iterator<Item = (&'a Address, &'a RecordedRoom)>,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut fingerprinter = Fingerprinter::default();
    let mut emit = |bytes: &[u8]| {
        fingerprinter.update(bytes);
        write(bytes)
    };
    let mut head = serde_json::to_vec(&DocumentText::of(head))?;
    head.pop();
    head.push(b',');
    head.extend_from_slice(HEAD_END);
    emit(&head)?;
    let mut between: &[u8] = b"";
    loop {
        let batch: Vec<_> = rooms.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        for part in batch.par_chunks(PART).map(lines).collect::<Vec<_>>() {
            emit(between)?;
            emit(&part?)?;
            between = b",\n";
        }
    }
    emit(if between.is_empty() { b"" } else { b"\n" })?;
    emit(ROOMS_END)?;
    let seal = checksum::seal(fingerprinter.checksum());
    write(&seal)
}

fn lines(rooms: &[(&Address, &RecordedRoom)]) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(rooms.len() * 256);
    for (address, record) in rooms {
        if !text.is_empty() {
            text.extend_from_slice(b",\n");
        }
        serde_json::to_writer(&mut text, address)?;
        text.push(b':');
        serde_json::to_writer(&mut text, &RecordText::of(record))?;
    }
    Ok(text)
}
