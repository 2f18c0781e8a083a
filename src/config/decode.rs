//! Decodes a text with serde_yaml: whole, or divided into groups of rooms that are parsed in parallel.
//!
//! serde_yaml collects all events of a document before it reads the first, so that a million rooms
//! would take 4 GB. The item lines of the top-level `rooms:` are therefore found in one pass over the
//! bytes, and each group of items is parsed separately. A file whose groups cannot be parsed separately
//! is parsed whole. A property test checks that every text accepted in groups is also accepted whole,
//! with the same meaning.

use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::Range;

use rayon::prelude::*;

use super::diagnostics::Reading;
use super::prescan::{MAX_DEPTH, indent_at, prescan};
use super::raw::{File, Room};
use super::yaml::{self, InvalidYaml, Stats};

/// A decoded file: its head, and its rooms or the layout of its rooms.
#[derive(Debug)]
pub(super) struct Document {
    /// The number of its source.
    pub file: usize,
    /// Everything but its rooms.
    pub head: File,
    /// How the head was read.
    pub reading: Reading,
    /// Its rooms.
    pub rooms: Rooms,
}

/// The rooms of a file.
#[derive(Debug)]
pub(super) enum Rooms {
    /// The file has no `rooms`.
    Absent,
    /// Not parsed yet: they will be parsed in groups.
    Grouped(Layout),
    /// Parsed with the file; `None` for one without any structure.
    Whole(Vec<Option<DecodedRoom>>),
}

/// A room as it was read.
#[derive(Debug)]
pub(super) struct DecodedRoom {
    /// Its keys.
    pub room: Room,
    /// How it was read.
    pub reading: Reading,
}

/// Why a text was not decoded; `diagnose` finds the mistakes.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not one YAML document of bounded size.
    InvalidYaml(InvalidYaml),
    /// It has tags or merge keys.
    TagsOrMerges(Stats),
    /// serde_yaml refused it.
    Serde(serde_yaml::Error),
    /// Its rooms are in groups, and serde_yaml refused the rest.
    Head(Layout),
}

/// Decodes a file, without its rooms if they can be parsed in groups later.
///
/// # Errors
/// Returns [`Refusal`] if the text has a mistake, or may have one.
pub(super) fn decode(text: &str, file: usize) -> Result<Document, Refusal> {
    let Some(layout) = Layout::of(text) else { return decode_whole(text, file) };
    match layout.parse_skeleton() {
        Some(head) => Ok(Document::grouped(head, layout, file, Reading::Complete)),
        None => Err(Refusal::Head(layout)),
    }
}

/// Decodes a whole file.
///
/// # Errors
/// Returns [`Refusal`] if the text has a mistake.
pub(super) fn decode_whole(text: &str, file: usize) -> Result<Document, Refusal> {
    let invalid = match yaml::scan(text) {
        Ok(stats) if stats.has_tags_or_merges() => return Err(Refusal::TagsOrMerges(stats)),
        Ok(_) => {
            let head = parse_whole(text).map_err(Refusal::Serde)?;
            return Ok(Document::whole(head, file));
        }
        Err(invalid) => invalid,
    };
    // The scanner is stricter than serde_yaml: it rejects a `}` in the first column.
    if matches!(invalid, InvalidYaml::Syntax(..))
        && !prescan(text.as_bytes()).marks
        && let Ok(head) = parse_whole(text)
    {
        return Ok(Document::whole(head, file));
    }
    Err(Refusal::InvalidYaml(invalid))
}

impl Document {
    /// Makes a file whose rooms are parsed in groups.
    pub(super) fn grouped(head: File, layout: Layout, file: usize, reading: Reading) -> Self {
        let head = File { rooms: None, ..head };
        Self { file, head, reading, rooms: Rooms::Grouped(layout) }
    }

    fn whole(mut head: File, file: usize) -> Self {
        let decoded = |room| Some(DecodedRoom { room, reading: Reading::Complete });
        let rooms = head.rooms.take();
        let rooms = rooms
            .map_or(Rooms::Absent, |rooms| Rooms::Whole(rooms.into_iter().map(decoded).collect()));
        Self { file, head, reading: Reading::Complete, rooms }
    }

    /// Returns where the rooms and entries of this file, whose contents are `text`, begin.
    pub(super) fn lines(&self, text: &str) -> RoomLines<'_> {
        match &self.rooms {
            Rooms::Absent => RoomLines::Found(Vec::new()),
            Rooms::Grouped(layout) => RoomLines::Grouped(layout),
            Rooms::Whole(rooms) => {
                let found = item_starts(text.as_bytes());
                let all = found.filter(|starts| starts.len() == rooms.len());
                RoomLines::Found(all.unwrap_or_default())
            }
        }
    }

    /// Returns whether everything but the rooms is equal to that of `other`.
    pub(super) fn has_head_of(&self, other: &Self) -> bool {
        (self.reading, &self.head) == (other.reading, &other.head)
    }
}

/// Where the rooms and entries of a file begin.
pub(super) enum RoomLines<'a> {
    /// By the layout of the groups.
    Grouped(&'a Layout),
    /// As found in a file that was parsed whole; empty if they are not all on separate lines.
    Found(Vec<Start>),
}

impl RoomLines<'_> {
    /// Returns the line on which a room or an entry begins, from 1, if it is known.
    pub(super) fn of(&self, item: usize) -> Option<NonZeroU32> {
        let line = match self {
            Self::Grouped(layout) => layout.line(item),
            Self::Found(starts) => starts.get(item)?.line,
        };
        NonZeroU32::new(u32::try_from(line).ok()?.saturating_add(1))
    }
}

/// Finds where the items of the top-level `rooms:` begin, if each is on separate lines.
fn item_starts(bytes: &[u8]) -> Option<Vec<Start>> {
    let mut items = Items::new(bytes, rooms_line(bytes)?.end);
    items.find()?;
    Some(items.starts)
}

/// The number of items that are parsed together: enough to make the cost of a parser small, few enough
/// for its events to stay in a core's cache.
pub const GROUP: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not zero");

/// The positions of the parts of a file of many rooms.
#[derive(Debug)]
pub(super) struct Layout {
    /// Everything but the items, with `rooms: []` in their place.
    pub skeleton: String,
    /// Where the skeleton's tail begins.
    tail: usize,
    /// The line of the skeleton from which on lines are `shift` lines further down in the file.
    tail_line: usize,
    /// The number of lines of the items.
    shift: usize,
    /// Where each item begins.
    items: Vec<Start>,
    /// Where the last item ends.
    end: usize,
}

/// Where an item begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// The byte.
    at: usize,
    /// The line, from 0.
    line: usize,
}

/// Parses a file in groups of `size` items; `None` if a group has a mistake or cannot be parsed
/// separately.
#[must_use]
pub fn parse_grouped(text: &str, size: NonZeroUsize) -> Option<File> {
    let layout = Layout::of(text)?;
    let mut file = layout.parse_skeleton()?;
    let groups: Option<Vec<Vec<Room>>> =
        layout.groups(size).into_par_iter().map(|group| layout.parse(text, group)).collect();
    file.rooms = Some(groups?.into_iter().flatten().collect());
    Some(file)
}

/// Parses a whole file.
///
/// # Errors
/// Returns serde_yaml's error, whose place may be the beginning of the map with the mistake.
pub fn parse_whole(text: &str) -> Result<File, serde_yaml::Error> {
    serde_yaml::from_str(text)
}

impl Layout {
    /// Finds the items of a file; `None` if the file is not simple enough to be divided.
    pub(super) fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let rooms = rooms_line(bytes)?;
        let mut items = Items::new(bytes, rooms.end);
        let end = items.find()?;
        let (head, tail) = (&text[..items.starts.first()?.at], &text[end..]);
        let mut skeleton = format!("{}: []{}", &head[..rooms.colon], &head[rooms.colon + 1..]);
        let tail_at = skeleton.len();
        skeleton.push_str(tail);
        if !plain(skeleton.as_bytes()) {
            return None;
        }
        let first = items.starts.first()?.line;
        let (tail_line, shift) = (first, items.line - first);
        Some(Self { skeleton, tail: tail_at, tail_line, shift, items: items.starts, end })
    }

    /// Returns the text before the items, with `rooms: []`. If it is valid YAML, nothing that begins in
    /// it (a quoted scalar) continues across the items into the tail.
    pub(super) fn head(&self) -> &str {
        &self.skeleton[..self.tail]
    }

    /// Parses everything but the items; `None` if it has a mistake or cannot be parsed separately.
    pub(super) fn parse_skeleton(&self) -> Option<File> {
        let head: File = serde_yaml::from_str(self.head()).ok()?;
        head.rooms.filter(Vec::is_empty)?;
        serde_yaml::from_str(&self.skeleton).ok()
    }

    /// Returns the number of items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns the groups as ranges of items.
    pub(super) fn groups(&self, size: NonZeroUsize) -> Vec<Range<usize>> {
        let (last, size) = (self.items.len(), size.get());
        (0..last).step_by(size).map(|from| from..last.min(from.saturating_add(size))).collect()
    }

    /// Returns the bytes of an item, including the comments after it.
    pub(super) fn item<'a>(&self, text: &'a str, item: usize) -> &'a str {
        self.slice(text, item..item + 1)
    }

    /// Returns the bytes from an item to the end of the last one.
    pub(super) fn rest_from<'a>(&self, text: &'a str, item: usize) -> &'a str {
        &text[self.items[item].at..self.end]
    }

    /// Returns the line on which an item begins, from 0.
    pub(super) fn line(&self, item: usize) -> usize {
        self.items[item].line
    }

    /// Returns the line of the file for a line of the skeleton, from 0.
    pub(super) fn line_of_skeleton(&self, line: usize) -> usize {
        if line < self.tail_line { line } else { line + self.shift }
    }

    /// Returns whether an item is simple enough to be read without the rest of the file.
    pub(super) fn is_independent(&self, text: &str, item: usize) -> bool {
        plain(self.item(text, item).as_bytes())
    }

    /// Parses the items of a group; `None` if one has a mistake or they cannot be parsed separately.
    pub(super) fn parse(&self, text: &str, group: Range<usize>) -> Option<Vec<Room>> {
        if !group.clone().all(|item| self.is_independent(text, item)) {
            return None;
        }
        let rooms: Vec<Room> = serde_yaml::from_str(self.slice(text, group.clone())).ok()?;
        (rooms.len() == group.len()).then_some(rooms)
    }

    fn slice<'a>(&self, text: &'a str, items: Range<usize>) -> &'a str {
        let end = self.items.get(items.end).map_or(self.end, |start| start.at);
        &text[self.items[items.start].at..end]
    }
}

/// Returns whether a part of a file means the same when it is read separately.
fn plain(bytes: &[u8]) -> bool {
    let prescan = prescan(bytes);
    prescan.depth <= MAX_DEPTH && !prescan.marks && !prescan.odd
}

/// The position of the line `rooms:`.
struct RoomsLine {
    /// The byte of its colon.
    colon: usize,
    /// The byte at which the next line begins.
    end: usize,
}

/// Finds the first line that is `rooms:`, possibly with a comment.
fn rooms_line(bytes: &[u8]) -> Option<RoomsLine> {
    let mut at = 0;
    while at < bytes.len() {
        let line = line_at(bytes, at);
        if let Some(rest) = line.strip_prefix(b"rooms:") {
            let (indent, blank) = indent_at(rest);
            let comment = indent > 0 && rest.get(indent) == Some(&b'#');
            return (blank || comment).then_some(RoomsLine { colon: at + 5, end: at + line.len() });
        }
        at += line.len();
    }
    None
}

/// Returns the line that begins at `at`, including its end.
fn line_at(bytes: &[u8], at: usize) -> &[u8] {
    let rest = &bytes[at..];
    &rest[..rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1)]
}

/// Finds the item lines.
struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    starts: Vec<Start>,
}

/// The role of a line in the list of rooms.
enum LineKind {
    /// It begins an item at this column.
    Item(usize),
    /// It belongs to the item before it, or is a comment.
    Inside,
    /// It begins the next top-level key.
    Tail,
    /// Neither: the file cannot be divided.
    Unsupported,
}

impl<'a> Items<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        let line = bytes[..at].split(|byte| *byte == b'\n').count() - 1;
        Self { bytes, at, line, starts: Vec::new() }
    }

    /// Finds all items, and returns the byte at which the last one ends.
    fn find(&mut self) -> Option<usize> {
        let mut column = None;
        while self.at < self.bytes.len() {
            let line = line_at(self.bytes, self.at);
            match classify(line, column) {
                LineKind::Item(at) => {
                    column = Some(at);
                    self.starts.push(Start { at: self.at, line: self.line });
                }
                LineKind::Inside => {}
                LineKind::Tail => break,
                LineKind::Unsupported => return None,
            }
            self.at += line.len();
            self.line += usize::from(line.ends_with(b"\n"));
        }
        Some(self.at)
    }
}

/// Classifies a line; items begin at `column`, `None` before the first.
fn classify(line: &[u8], column: Option<usize>) -> LineKind {
    let (indent, blank) = indent_at(line);
    let first = line.get(indent).copied();
    if blank || first == Some(b'#') {
        return LineKind::Inside;
    }
    let dash = first == Some(b'-') && matches!(line.get(indent + 1), None | Some(b' ' | b'\n'));
    match column {
        None if dash => LineKind::Item(indent),
        Some(column) if dash && indent == column => LineKind::Item(indent),
        Some(column) if indent > column => LineKind::Inside,
        Some(_) if indent == 0 => LineKind::Tail,
        None | Some(_) => LineKind::Unsupported,
    }
}

#[cfg(test)]
mod tests;
