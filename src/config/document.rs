//! One file: its head and its rooms, parsed in groups, whole, or with every fault told.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::model::Finding;

use super::diagnostics::{Diagnostics, Part, Reading, Reporter};
use super::groups::{Layout, parse_whole};
use super::prescan::prescan;
use super::raw::{File, Room};
use super::structure::check_structure;
use super::tree::{self, Node, Span, Stats, Value};
use super::unreadable::InvalidYaml;
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
pub(super) fn read(text: &str, file: usize, diagnostics: &mut Diagnostics) -> Option<Document> {
    match Layout::of(text).map(|layout| grouped(layout, file, diagnostics)) {
        Some(Some(document)) => Some(document),
        Some(None) | None => read_whole(text, file, diagnostics),
    }
}

/// Reads a file at once; none where it is no YAML that could be read, which is told.
pub(super) fn read_whole(
    text: &str,
    file: usize,
    diagnostics: &mut Diagnostics,
) -> Option<Document> {
    let mut reporter = Reporter { diagnostics, file, part: Part::Text, reading: Reading::Complete };
    let parse = || parse_whole(text);
    match bounded(text) {
        Ok(Stats { tags, merges }) if tags.is_empty() && merges.is_empty() => match parse() {
            Ok(read) => Some(sound(read, file)),
            Err(error) => faulty(text, Some(&error), file, diagnostics),
        },
        Ok(stats) => {
            report_stats(&stats, &mut reporter);
            faulty(text, None, file, diagnostics)
        }
        Err(unreadable) => {
            // The parser that knows places is the stricter one: a `}` in the first column stops it.
            let syntax = matches!(unreadable, InvalidYaml::Syntax(..));
            if syntax
                && !prescan(text.as_bytes()).marks
                && let Ok(read) = parse()
            {
                return Some(sound(read, file));
            }
            report_invalid(&unreadable, &mut reporter);
            None
        }
    }
}

/// Holds a text against what would make parsing it long, or mean two things.
fn bounded(text: &str) -> Result<Stats, InvalidYaml> {
    if let Some(at) = prescan(text.as_bytes()).too_deep_at {
        return Err(InvalidYaml::TooDeep(span_at(text, at)));
    }
    if let Some((at, character)) = forbidden_character(text) {
        return Err(InvalidYaml::Character(span_at(text, at), character));
    }
    tree::scan(text)
}

fn report_stats(stats: &Stats, reporter: &mut Reporter<'_>) {
    let Stats { tags, merges } = stats;
    for span in tags {
        let finding = Finding::error("tag", "tags are not read here");
        reporter.at_span(*span, finding.help("take the tag out; quotes make text"));
    }
    for span in merges {
        reporter.at_span(*span, merge_key());
    }
}

/// Reads the item of a text that serde has refused, and tells why.
///
/// # Errors
/// Returns [`InvalidYaml`] where it does not stand alone.
pub(super) fn faulty_item(
    text: &str,
    reporter: &mut Reporter<'_>,
) -> Result<Option<Item>, InvalidYaml> {
    let node = tree::read(text)?;
    let item = node.item(0).ok_or(InvalidYaml::Empty)?;
    Ok(read_item(item, reporter))
}

/// Tells why a text is no YAML that could be read.
pub(super) fn report_invalid(unreadable: &InvalidYaml, reporter: &mut Reporter<'_>) {
    reporter.at_span(unreadable.span(), unreadable.finding());
}

/// A file whose rooms stand in groups; none where its head is not sound for reasons unseen.
fn grouped(layout: Layout, file: usize, diagnostics: &mut Diagnostics) -> Option<Document> {
    if let Some(head) = layout.parse_skeleton() {
        let (head, rooms) = (File { rooms: None, ..head }, Rooms::Grouped(layout));
        return Some(Document { file, head, reading: Reading::Complete, rooms });
    }
    let node = tree::read(&layout.skeleton).ok()?;
    tree::read(layout.head()).ok().filter(|head| head.entry("rooms").is_some())?;
    let mut found = Diagnostics::default();
    let mut reporter =
        Reporter { diagnostics: &mut found, file, part: Part::Head, reading: Reading::Partial };
    let head = keep(check_structure(&node, "File", &mut reporter)).unwrap_or_default();
    if !found.any_error() {
        return None;
    }
    diagnostics.extend(found);
    let (head, rooms) = (File { rooms: None, ..head }, Rooms::Grouped(layout));
    Some(Document { file, head, reading: Reading::Partial, rooms })
}

fn sound(mut head: File, file: usize) -> Document {
    let rooms = head.rooms.take().map_or(Rooms::Absent, |rooms| {
        let item = |room| Some(Item { room, reading: Reading::Complete });
        Rooms::Whole(rooms.into_iter().map(item).collect())
    });
    Document { file, head, reading: Reading::Complete, rooms }
}

/// A file that serde has refused: its faults are told, and what is sound of it is kept.
fn faulty(
    text: &str,
    error: Option<&serde_yaml::Error>,
    file: usize,
    diagnostics: &mut Diagnostics,
) -> Option<Document> {
    let mut found = Diagnostics::default();
    let mut reporter =
        Reporter { diagnostics: &mut found, file, part: Part::Head, reading: Reading::Partial };
    let (head, items) =
        split(tree::read(text).map_err(|why| report_invalid(&why, &mut reporter)).ok()?);
    let head = keep(check_structure(&head, "File", &mut reporter)).unwrap_or_default();
    let head = File { rooms: None, ..head };
    let rooms = items.map_or(Rooms::Absent, |items| {
        Rooms::Whole(
            items
                .iter()
                .enumerate()
                .map(|(number, node)| {
                    let (diagnostics, part) = (&mut *reporter.diagnostics, Part::Item(number));
                    read_item(
                        node,
                        &mut Reporter { diagnostics, file, part, reading: Reading::Partial },
                    )
                })
                .collect(),
        )
    });
    if let Some(error) = error.filter(|_| !found.any_error()) {
        refused(error, file, &mut found);
    }
    diagnostics.extend(found);
    Some(Document { file, head, reading: Reading::Partial, rooms })
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

fn read_item(node: &Node, reporter: &mut Reporter<'_>) -> Option<Item> {
    let mut found = Diagnostics::default();
    let Reporter { file, part, .. } = *reporter;
    let mut inner = Reporter { diagnostics: &mut found, file, part, reading: Reading::Partial };
    let room = keep(check_structure(node, "Room", &mut inner));
    let reading = if found.any_error() { Reading::Partial } else { Reading::Complete };
    reporter.diagnostics.extend(found);
    room.map(|room| Item { room, reading })
}

/// What the walk has left, as the mirror; none where it left nothing.
fn keep<T: DeserializeOwned>(sound: Option<Json>) -> Option<T> {
    serde_json::from_value(sound?).ok()
}

/// Tells serde's own words, where nothing else was found.
pub(super) fn refused(error: &serde_yaml::Error, file: usize, diagnostics: &mut Diagnostics) {
    let span = error.location().map_or(Span::START, |at| Span {
        line: at.line().saturating_sub(1),
        column: at.column().saturating_sub(1),
        width: Some(1),
    });
    let mut reporter = Reporter { diagnostics, file, part: Part::Text, reading: Reading::Partial };
    report_invalid(&InvalidYaml::Syntax(span, error.to_string()), &mut reporter);
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
pub(super) fn report_invalid_rest(
    layout: &Layout,
    text: &str,
    item: usize,
    reporter: &mut Reporter<'_>,
) -> bool {
    let rest = layout.rest_from(text, item);
    if !layout.stands_alone(text, item) || prescan(rest.as_bytes()).too_deep_at.is_some() {
        return false;
    }
    match tree::scan(rest) {
        Err(InvalidYaml::Syntax(span, words)) => {
            let line = span.line + layout.line(item);
            report_invalid(&InvalidYaml::Syntax(Span { line, ..span }, words), reporter);
            true
        }
        Ok(_) | Err(_) => false,
    }
}
