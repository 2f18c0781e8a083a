//! One file: its head and its rooms, parsed in groups, whole, or with every fault told.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::model::Finding;

use super::groups::{Layout, parse_whole};
use super::mirror::{File, Room};
use super::note::{Notes, Part, Reading, Sink};
use super::outline::outline;
use super::structure::walk;
use super::tree::{self, Census, Node, Span, Value};
use super::unreadable::Unreadable;
use super::words::merge_key;

/// A file that could be read as YAML.
#[derive(Debug)]
pub(super) struct Document {
    /// The number of its source.
    pub file: usize,
    /// Everything but its rooms, which are left out where they are read.
    pub head: File,
    /// How the head was read.
    pub reading: Reading,
    /// Its rooms.
    pub rooms: Rooms,
}

/// The rooms of a file.
#[derive(Debug)]
pub(super) enum Rooms {
    /// It says nothing of rooms.
    Absent,
    /// Not parsed yet: they are parsed group by group.
    Grouped(Layout),
    /// Parsed with the file; none for one with no structure at all.
    Whole(Vec<Option<Item>>),
}

/// A room as it was read.
#[derive(Debug)]
pub(super) struct Item {
    /// What it says.
    pub room: Room,
    /// How it was read.
    pub reading: Reading,
}

impl Document {
    /// Whether all that is said besides the rooms reads as in `other`.
    pub(super) fn has_head_of(&self, other: &Self) -> bool {
        (self.reading, &self.head) == (other.reading, &other.head)
    }
}

/// Reads a file; none where it is no YAML that could be read, which is told.
pub(super) fn read(text: &str, file: usize, notes: &mut Notes) -> Option<Document> {
    match Layout::of(text).map(|layout| grouped(layout, file, notes)) {
        Some(Some(document)) => Some(document),
        Some(None) | None => read_whole(text, file, notes),
    }
}

/// Reads a file at once; none where it is no YAML that could be read, which is told.
pub(super) fn read_whole(text: &str, file: usize, notes: &mut Notes) -> Option<Document> {
    let mut sink = Sink { notes, file, part: Part::Text, reading: Reading::Sound };
    let parse = || parse_whole(text);
    match bounded(text) {
        Ok(Census { tags, merges }) if tags.is_empty() && merges.is_empty() => match parse() {
            Ok(read) => Some(sound(read, file)),
            Err(error) => faulty(text, Some(&error), file, notes),
        },
        Ok(census) => {
            tell_census(&census, &mut sink);
            faulty(text, None, file, notes)
        }
        Err(unreadable) => {
            // The parser that knows places is the stricter one: a `}` in the first column stops it.
            let syntax = matches!(unreadable, Unreadable::Syntax(..));
            if syntax
                && !outline(text.as_bytes()).marks
                && let Ok(read) = parse()
            {
                return Some(sound(read, file));
            }
            tell(&unreadable, &mut sink);
            None
        }
    }
}

/// Holds a text against what would make parsing it long, or mean two things.
fn bounded(text: &str) -> Result<Census, Unreadable> {
    if let Some(at) = outline(text.as_bytes()).too_deep_at {
        return Err(Unreadable::TooDeep(span_at(text, at)));
    }
    if let Some((at, character)) = forbidden_character(text) {
        return Err(Unreadable::Character(span_at(text, at), character));
    }
    tree::survey(text)
}

fn tell_census(census: &Census, sink: &mut Sink<'_>) {
    let Census { tags, merges } = census;
    for span in tags {
        let finding = Finding::error("tag", "tags are not read here");
        sink.known(*span, finding.help("take the tag out; quotes make text"));
    }
    for span in merges {
        sink.known(*span, merge_key());
    }
}

/// Reads the item of a text that serde has refused, and tells why.
///
/// # Errors
/// Returns [`Unreadable`] where it does not stand alone.
pub(super) fn faulty_item(text: &str, sink: &mut Sink<'_>) -> Result<Option<Item>, Unreadable> {
    let node = tree::read(text)?;
    let item = node.item(0).ok_or(Unreadable::Empty)?;
    Ok(read_item(item, sink))
}

/// Tells why a text is no YAML that could be read.
pub(super) fn tell(unreadable: &Unreadable, sink: &mut Sink<'_>) {
    sink.known(unreadable.span(), unreadable.finding());
}

/// A file whose rooms stand in groups; none where its head is not sound for reasons unseen.
fn grouped(layout: Layout, file: usize, notes: &mut Notes) -> Option<Document> {
    if let Some(head) = layout.parse_skeleton() {
        let (head, rooms) = (File { rooms: None, ..head }, Rooms::Grouped(layout));
        return Some(Document { file, head, reading: Reading::Sound, rooms });
    }
    let node = tree::read(&layout.skeleton).ok()?;
    tree::read(layout.head()).ok().filter(|head| head.entry("rooms").is_some())?;
    let mut faults = Notes::default();
    let mut sink = Sink { notes: &mut faults, file, part: Part::Head, reading: Reading::Faulty };
    let head = keep(walk(&node, "File", &mut sink)).unwrap_or_default();
    if !faults.any_error() {
        return None;
    }
    notes.extend(faults);
    let (head, rooms) = (File { rooms: None, ..head }, Rooms::Grouped(layout));
    Some(Document { file, head, reading: Reading::Faulty, rooms })
}

fn sound(mut head: File, file: usize) -> Document {
    let rooms = head.rooms.take().map_or(Rooms::Absent, |rooms| {
        let item = |room| Some(Item { room, reading: Reading::Sound });
        Rooms::Whole(rooms.into_iter().map(item).collect())
    });
    Document { file, head, reading: Reading::Sound, rooms }
}

/// A file that serde has refused: its faults are told, and what is sound of it is kept.
fn faulty(
    text: &str,
    error: Option<&serde_yaml::Error>,
    file: usize,
    notes: &mut Notes,
) -> Option<Document> {
    let mut faults = Notes::default();
    let mut sink = Sink { notes: &mut faults, file, part: Part::Head, reading: Reading::Faulty };
    let (head, items) = split(tree::read(text).map_err(|why| tell(&why, &mut sink)).ok()?);
    let head = keep(walk(&head, "File", &mut sink)).unwrap_or_default();
    let head = File { rooms: None, ..head };
    let rooms = items.map_or(Rooms::Absent, |items| {
        Rooms::Whole(
            items
                .iter()
                .enumerate()
                .map(|(number, node)| {
                    let (notes, part) = (&mut *sink.notes, Part::Item(number));
                    read_item(node, &mut Sink { notes, file, part, reading: Reading::Faulty })
                })
                .collect(),
        )
    });
    if let Some(error) = error.filter(|_| !faults.any_error()) {
        refused(error, file, &mut faults);
    }
    notes.extend(faults);
    Some(Document { file, head, reading: Reading::Faulty, rooms })
}

/// Takes the rooms out of a file's tree, where they are a list.
pub(super) fn split(mut root: Node) -> (Node, Option<Vec<Node>>) {
    let mut rooms = None;
    if let Value::Map(entries) = &mut root.value {
        let entry = entries.iter_mut().find(|(key, _)| key.text() == Some("rooms"));
        if let Some((_, Node { value: Value::List(items), .. })) = entry {
            rooms = Some(std::mem::take(items));
        }
    }
    (root, rooms)
}

fn read_item(node: &Node, sink: &mut Sink<'_>) -> Option<Item> {
    let mut faults = Notes::default();
    let Sink { file, part, .. } = *sink;
    let mut inner = Sink { notes: &mut faults, file, part, reading: Reading::Faulty };
    let room = keep(walk(node, "Room", &mut inner));
    let reading = if faults.any_error() { Reading::Faulty } else { Reading::Sound };
    sink.notes.extend(faults);
    room.map(|room| Item { room, reading })
}

/// What the walk has left, as the mirror; none where it left nothing.
fn keep<T: DeserializeOwned>(sound: Option<Json>) -> Option<T> {
    serde_json::from_value(sound?).ok()
}

/// Tells serde's own words, where nothing else was found.
pub(super) fn refused(error: &serde_yaml::Error, file: usize, notes: &mut Notes) {
    let span = error.location().map_or(Span::START, |at| Span {
        line: at.line().saturating_sub(1),
        column: at.column().saturating_sub(1),
        width: Some(1),
    });
    let mut sink = Sink { notes, file, part: Part::Text, reading: Reading::Faulty };
    tell(&Unreadable::Syntax(span, error.to_string()), &mut sink);
}

/// The first character that YAML forbids, or that its versions read differently: a control character,
/// a byte order mark, or a line break other than `\n` and `\r\n`.
fn forbidden_character(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(at, character)| match character {
        '\n' | '\t' => false,
        '\r' => text.as_bytes().get(at + 1) != Some(&b'\n'),
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    })
}

/// The place of a byte.
fn span_at(text: &str, at: usize) -> Span {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    Span { line, column, width: Some(1) }
}

/// Tells why a file is no YAML from an item on; false where the item only does not stand alone.
pub(super) fn tell_broken(layout: &Layout, text: &str, item: usize, sink: &mut Sink<'_>) -> bool {
    let rest = layout.rest_from(text, item);
    if !layout.stands_alone(text, item) || outline(rest.as_bytes()).too_deep_at.is_some() {
        return false;
    }
    match tree::survey(rest) {
        Err(Unreadable::Syntax(span, words)) => {
            let line = span.line + layout.line(item);
            tell(&Unreadable::Syntax(Span { line, ..span }, words), sink);
            true
        }
        Ok(_) | Err(_) => false,
    }
}
