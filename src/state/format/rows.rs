//! A document that is kept in rows of a database: its head, and a row for each room.

use std::io;

use crate::model::{Address, Recorded, RecordedRoom};

use super::document::DocumentText;
use super::lines::{HEAD_END, ROOMS_END};
use super::{Fingerprinter, Head, Names, ParseError, RecordText, SharedRooms, checksum};

/// The JSON of everything but the rooms.
pub(in crate::state) fn head_text(head: Head<'_>) -> io::Result<String> {
    Ok(serde_json::to_string(&DocumentText::of(head))?)
}

/// The JSON of a room's record.
pub(in crate::state) fn record_text(record: &RecordedRoom) -> io::Result<String> {
    Ok(serde_json::to_string(&RecordText::of(record))?)
}

/// Reads the record of a head and its rows, each an address and the JSON of a record.
pub(in crate::state) fn read_rows<'a>(
    head: &str,
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    shared: &SharedRooms,
) -> Result<Recorded, ParseError> {
    let mut text = head.trim_end().strip_suffix('}').unwrap_or(head).as_bytes().to_vec();
    text.push(b',');
    text.extend_from_slice(HEAD_END);
    let mut between: &[u8] = b"";
    for (address, record) in rows {
        text.extend_from_slice(between);
        serde_json::to_writer(&mut text, address).map_err(io::Error::from)?;
        text.push(b':');
        text.extend_from_slice(record.as_bytes());
        between = b",\n";
    }
    text.extend_from_slice(if between.is_empty() { b"" } else { b"\n" });
    text.extend_from_slice(ROOMS_END);
    let mut passing = Fingerprinter::default();
    passing.pass(&text);
    text.extend_from_slice(&checksum::seal(passing.checksum()));
    super::read_sharing(|| Ok(&text[..]), shared).map(|document| document.recorded)
}

/// Reads a row.
pub(in crate::state) fn read_row(
    address: &str,
    record: &str,
    names: &mut Names,
) -> Result<(Address, RecordedRoom), ParseError> {
    let damaged = |what: String| ParseError::Damaged { line: 1, column: 1, what };
    let address = names.address(address).map_err(|error| damaged(error.to_string()))?;
    let record: RecordText<'_> =
        serde_json::from_str(record).map_err(|error| ParseError::of(&error))?;
    Ok((address, record.into_record(names)))
}
