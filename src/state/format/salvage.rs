//! Salvages a damaged state line by line, and splits the sides of a conflict.

use std::collections::BTreeMap;

use crate::model::{Address, RecordedRoom};

use super::checksum::is_conflict_mark;
use super::document::{self, DocumentText};
use super::lines::{self, HEAD_END};
use super::{Document, Fingerprint};

/// The readable parts of a state.
#[derive(Debug, Default)]
pub(in crate::state) struct Salvaged {
    /// Everything but the rooms; `None` if the first line cannot be read.
    pub(in crate::state) head: Option<Document>,
    /// The rooms whose lines are complete.
    pub(in crate::state) rooms: BTreeMap<Address, RecordedRoom>,
    /// The lines, from 1, that cannot be read.
    pub(in crate::state) unreadable: Vec<usize>,
    /// Whether the end of the document was found.
    pub(in crate::state) end: End,
}

/// Whether the end of a document was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::state) enum End {
    /// It was found.
    Found,
    /// It was not found: lines before it may be missing too.
    #[default]
    Missing,
}

impl Salvaged {
    /// Returns whether the text may have contained rooms that could not be read.
    pub(in crate::state) fn lacks_rooms(&self) -> bool {
        !self.unreadable.is_empty() || self.end == End::Missing || self.head.is_none()
    }

    fn whole(document: Document) -> Self {
        let mut head = document;
        let rooms = std::mem::take(&mut head.recorded.rooms);
        Self { head: Some(head), rooms, unreadable: Vec::new(), end: End::Found }
    }
}

/// Reads all readable parts.
pub(in crate::state) fn salvage(text: &[u8]) -> Salvaged {
    match document::read_unsealed(text) {
        Ok((document, _)) => Salvaged::whole(document),
        Err(_) => by_line(text),
    }
}

fn by_line(text: &[u8]) -> Salvaged {
    let mut all = Salvaged::default();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii_end();
        let line = line.strip_suffix(b",").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if line.starts_with(b"}") {
            all.end = End::Found;
        } else if let Some(head) = head(line) {
            all.head.get_or_insert(head);
        } else if let Some(rooms) = lines::read_part(line) {
            for (address, record) in rooms {
                keep_later(&mut all.rooms, address, record);
            }
        } else {
            all.unreadable.push(at + 1);
        }
    }
    all
}

/// Inserts a record. Of a duplicated room the later record is kept.
fn keep_later(rooms: &mut BTreeMap<Address, RecordedRoom>, address: Address, record: RecordedRoom) {
    let later = rooms.get(&address).is_none_or(|known| known.last_known() <= record.last_known());
    if later {
        rooms.insert(address, record);
    }
}

fn head(line: &[u8]) -> Option<Document> {
    let start = line.strip_suffix(HEAD_END.trim_ascii_end())?;
    let text = [start, HEAD_END, b"}}"].concat();
    let head: DocumentText<'_> = serde_json::from_slice(&text).ok()?;
    Some(head.into_document(Fingerprint::of(&text[..]).ok()?))
}

/// Returns the two sides, ours and theirs, of a text with git's conflict marks.
pub(in crate::state) fn sides(text: &[u8]) -> [Vec<u8>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    let mut on = [true, true];
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if is_conflict_mark(line.trim_ascii_end()) {
            on = match line[0] {
                b'<' => [true, false],
                b'|' => [false, false],
                b'=' => [false, true],
                _ => [true, true],
            };
            continue;
        }
        for (side, on) in sides.iter_mut().zip(on) {
            if on {
                side.extend_from_slice(line);
            }
        }
    }
    sides
}
