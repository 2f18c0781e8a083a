//! Reads a document in roomctl's own layout, block by block on all cores: a million rooms take
//! about a second.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use rayon::prelude::*;
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};

use crate::model::{Address, Desired, RecordedRoom};

use super::checksum::{self, Fingerprinter};
use super::document::{DocumentText, next_room, sniff};
use super::record::Names;
use super::{Document, OLDEST, ParseError};

/// The end of the first line.
pub(super) const HEAD_END: &[u8] = b"\"rooms\":{\n";
/// The end of the rooms, at the start of a line. In version 2 the seal follows.
pub(super) const ROOMS_END: &[u8] = b"}";
/// The last line of a document of version 1. It also closes a head without rooms.
const OLDEST_END: &[u8] = b"}}\n";

/// How a document is divided, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Division {
    /// How much text is in memory at once.
    pub(super) block: usize,
    /// How much one core parses at a time.
    pub(super) part: usize,
}

/// Small compared with the rooms in memory, and large enough to keep all cores busy.
pub(super) const DIVISION: Division = Division { block: 16 << 20, part: 256 << 10 };
/// The most bytes that are read to find the end of the head: a file may be one long line.
const MAX_HEAD: u64 = 1 << 20;

/// Part of the rooms, in the order of the file.
type Part = Vec<(Address, RecordedRoom)>;

/// The rooms of all blocks so far, in maps of decreasing size.
///
/// Appending a map to another frees its nodes on the way, so that the rooms are never in memory
/// twice. Collecting them in a list first would double the memory.
#[derive(Default)]
struct Gathered {
    maps: Vec<BTreeMap<Address, RecordedRoom>>,
    /// The number of rooms so far, duplicates included.
    count: usize,
}

/// Reads a document in roomctl's layout; `None` if it has another layout, or is damaged.
pub(super) fn read(
    reader: impl Read,
    division: Division,
    shared: &SharedRooms,
) -> Result<Option<Document>, ParseError> {
    let mut reader = BufReader::with_capacity(1 << 20, reader);
    let mut fingerprinter = Fingerprinter::default();
    let mut head = Vec::new();
    reader.by_ref().take(MAX_HEAD).read_until(b'\n', &mut head)?;
    fingerprinter.update(&head);
    if !head.ends_with(HEAD_END) {
        return Ok(None);
    }
    head.extend_from_slice(OLDEST_END);
    if let Err(error @ ParseError::Newer(_)) = sniff(&head) {
        return Err(error);
    }
    let Ok(text) = serde_json::from_slice::<DocumentText<'_>>(&head) else { return Ok(None) };
    let version = text.version;
    let Some(rooms) = rooms(reader, division, shared, version, &mut fingerprinter)? else {
        return Ok(None);
    };
    let mut document = text.into_document(fingerprinter.finish());
    document.recorded.rooms = rooms;
    Ok(Some(document))
}

fn rooms(
    mut reader: impl Read,
    division: Division,
    shared: &SharedRooms,
    version: u64,
    fingerprinter: &mut Fingerprinter,
) -> io::Result<Option<BTreeMap<Address, RecordedRoom>>> {
    let (mut block, mut all) = (Vec::new(), Gathered::default());
    loop {
        let read = reader.by_ref().take(division.block as u64).read_to_end(&mut block)?;
        let ended = read == 0;
        let end = if ended { end_of_rooms(&block, version) } else { end_of_lines(&block) };
        let Some(end) = end else {
            if ended {
                return Ok(None);
            }
            continue;
        };
        // If the last block contains only the end, the line before it must not end with a comma.
        let stray_comma = ended && end == 0 && all.count > 0;
        let Some(parts) =
            parts(&block[..end], division.part, shared, ended).filter(|_| !stray_comma)
        else {
            return Ok(None);
        };
        fingerprinter.update(&block[..end]);
        all.add(parts);
        if ended {
            return Ok(if ends(&block[end..], version, fingerprinter) {
                all.rooms()
            } else {
                None
            });
        }
        block.drain(..end);
    }
}

/// Returns the end of the lines in a block after which more rooms must follow: each ends with a comma.
fn end_of_lines(block: &[u8]) -> Option<usize> {
    block.windows(2).rposition(|pair| pair == b",\n").map(|at| at + 2)
}

/// Returns the end of the lines with rooms in the last block.
fn end_of_rooms(block: &[u8], version: u64) -> Option<usize> {
    let length =
        if version == OLDEST { OLDEST_END.len() } else { ROOMS_END.len() + checksum::SEAL };
    let end = block.len().checked_sub(length)?;
    (end == 0 || block[end - 1] == b'\n').then_some(end)
}

/// Returns whether `tail` is a valid end of the document whose other bytes `fingerprinter` has
/// seen.
fn ends(tail: &[u8], version: u64, fingerprinter: &mut Fingerprinter) -> bool {
    if version == OLDEST {
        fingerprinter.update(tail);
        return tail == OLDEST_END;
    }
    let Some(seal) = tail.strip_prefix(ROOMS_END) else { return false };
    fingerprinter.update(ROOMS_END);
    let right = seal == checksum::seal(fingerprinter.checksum());
    fingerprinter.update(seal);
    right
}

/// Parses complete lines on all cores. Each part must be a valid map by itself, so that together
/// they are one.
fn parts(lines: &[u8], part: usize, shared: &SharedRooms, last: bool) -> Option<Vec<Part>> {
    let mut texts = Vec::with_capacity(lines.len() / part + 1);
    let mut rest = lines;
    while !rest.is_empty() {
        let from = part.min(rest.len()) - 1;
        let end = rest[from..].iter().position(|byte| *byte == b'\n')? + from + 1;
        let (text, after) = rest.split_at(end);
        let comma: &[u8] = if last && after.is_empty() { b"" } else { b"," };
        texts.push(text.strip_suffix(b"\n")?.strip_suffix(comma)?);
        rest = after;
    }
    let read = |text| {
        let mut part = read_part(text)?;
        shared.share(&mut part);
        Some(part)
    };
    texts.into_par_iter().map(read).collect()
}

/// Parses rooms that are separated by commas.
pub(super) fn read_part(text: &[u8]) -> Option<Part> {
    let mut map = Vec::with_capacity(text.len() + 2);
    map.push(b'{');
    map.extend_from_slice(text);
    map.push(b'}');
    let mut deserializer = serde_json::Deserializer::from_slice(&map);
    let part = deserializer.deserialize_map(Each).ok()?;
    deserializer.end().ok()?;
    (!part.is_empty()).then_some(part)
}

impl Gathered {
    fn add(&mut self, parts: Vec<Part>) {
        self.count += parts.iter().map(Vec::len).sum::<usize>();
        let mut map: BTreeMap<_, _> = parts.into_iter().flatten().collect();
        while let Some(earlier) = self.maps.pop_if(|earlier| earlier.len() <= map.len()) {
            map = joined(earlier, map);
        }
        self.maps.push(map);
    }

    /// Returns the rooms as one map; `None` if an address is duplicated.
    fn rooms(self) -> Option<BTreeMap<Address, RecordedRoom>> {
        let rooms = self.maps.into_iter().rev().reduce(|later, earlier| joined(earlier, later));
        let rooms = rooms.unwrap_or_default();
        (rooms.len() == self.count).then_some(rooms)
    }
}

fn joined<K: Ord, V>(mut earlier: BTreeMap<K, V>, mut later: BTreeMap<K, V>) -> BTreeMap<K, V> {
    earlier.append(&mut later);
    earlier
}

/// The declared rooms, shared with the record: a room that is recorded exactly as declared is in
/// memory once.
#[derive(Clone, Debug, Default)]
pub(in crate::state) struct SharedRooms(Option<Arc<Desired>>);

impl SharedRooms {
    /// Shares the declared rooms.
    pub(in crate::state) fn declared(desired: Arc<Desired>) -> Self {
        Self(Some(desired))
    }

    /// Replaces each declared address, and each room that equals the declared one, by the declared
    /// value. Linear if `records` are sorted by address.
    pub(super) fn share(&self, records: &mut [(Address, RecordedRoom)]) {
        let declared = self.0.as_deref().map_or(&[][..], |desired| &desired.rooms);
        let mut next = 0;
        for (address, record) in records {
            let expected = declared.get(next).is_some_and(|it| it.address == *address);
            let search = || declared.binary_search_by(|it| it.address.cmp(address));
            match if expected { Ok(next) } else { search() } {
                Ok(at) => {
                    address.clone_from(&declared[at].address);
                    if declared[at].room == record.room {
                        record.room = Arc::clone(&declared[at].room);
                    }
                    next = at + 1;
                }
                Err(at) => next = at,
            }
        }
    }
}

struct Each;

impl<'de> Visitor<'de> for Each {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of rooms")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let (mut part, mut names) = (Part::new(), Names::default());
        while let Some(room) = next_room(&mut map, &mut names, |_| false)? {
            part.push(room);
        }
        Ok(part)
    }
}
