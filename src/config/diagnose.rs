//! Finds every mistake of a text that was not decoded, and the place of each finding.

pub(super) mod structure;

use std::collections::HashMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::model::{Finding, Place, Severity};

use super::decode::{DecodedRoom, Document, Layout, Refusal, Rooms, decode_whole};
use super::diagnostics::{
    Diagnostic, Diagnostics, EntryPart, Location, Part, PathSegment, Reading, Reporter, SHOWN,
    Span, merge_key,
};
use super::load::Source;
use super::prescan::prescan;
use super::raw::File;
use super::secrets::{continues_secret, hide_secrets, stars};
use super::yaml::{self, InvalidYaml, Node, Stats, Value};
use structure::check_structure;

/// Finds the mistakes of a file that was not decoded, and keeps its valid parts; `None` if it is not
/// valid YAML.
pub(super) fn document(
    text: &str,
    file: usize,
    refusal: Refusal,
    diagnostics: &mut Diagnostics,
) -> Option<Document> {
    let (part, reading) = (Part::Text, Reading::Complete);
    let mut reporter = Reporter { diagnostics, file, part, reading };
    match refusal {
        Refusal::Head(layout) => match grouped_head(layout, file, reporter.diagnostics) {
            Some(document) => Some(document),
            None => whole(text, file, reporter.diagnostics),
        },
        Refusal::InvalidYaml(invalid) => {
            report_invalid(&invalid, &mut reporter);
            None
        }
        Refusal::TagsOrMerges(stats) => {
            report_stats(&stats, &mut reporter);
            partial(text, None, file, diagnostics)
        }
        Refusal::Serde(error) => partial(text, Some(&error), file, diagnostics),
    }
}

/// Decodes a whole file, or finds its mistakes.
pub(super) fn whole(text: &str, file: usize, diagnostics: &mut Diagnostics) -> Option<Document> {
    match decode_whole(text, file) {
        Ok(document) => Some(document),
        Err(refusal) => document(text, file, refusal, diagnostics),
    }
}

/// Reads a room that serde_yaml rejected, and reports its mistakes.
///
/// # Errors
/// Returns [`InvalidYaml`] if it cannot be read without the rest of the file.
pub(super) fn room(
    text: &str,
    reporter: &mut Reporter<'_>,
) -> Result<Option<DecodedRoom>, InvalidYaml> {
    let node = yaml::read(text)?;
    let item = node.item(0).ok_or(InvalidYaml::Empty)?;
    Ok(read_room(item, reporter))
}

/// Reports invalid YAML from a room on. Returns false if it is valid, and only the room cannot be read
/// without the rest of the file.
pub(super) fn report_invalid_rest(
    layout: &Layout,
    text: &str,
    item: usize,
    reporter: &mut Reporter<'_>,
) -> bool {
    let rest = layout.rest_from(text, item);
    if !layout.is_independent(text, item) || prescan(rest.as_bytes()).too_deep_at.is_some() {
        return false;
    }
    match yaml::stats(rest) {
        Err(InvalidYaml::Syntax(span, error)) => {
            let line = span.line + layout.line(item);
            report_invalid(&InvalidYaml::Syntax(Span { line, ..span }, error), reporter);
            true
        }
        Ok(_) | Err(_) => false,
    }
}

fn report_invalid(invalid: &InvalidYaml, reporter: &mut Reporter<'_>) {
    reporter.at_span(invalid.span(), invalid.finding());
}

fn report_stats(stats: &Stats, reporter: &mut Reporter<'_>) {
    let Stats { tags, merges } = stats;
    for span in tags {
        let finding = Finding::error("tag", "YAML tags are not supported");
        reporter.at_span(*span, finding.help("remove the tag; use quotes for a string"));
    }
    for span in merges {
        reporter.at_span(*span, merge_key());
    }
}

/// Finds the mistakes of everything but the rooms; `None` if it finds none, so that the whole file has
/// to be read.
fn grouped_head(layout: Layout, file: usize, diagnostics: &mut Diagnostics) -> Option<Document> {
    let node = yaml::read(&layout.skeleton).ok()?;
    yaml::read(layout.head()).ok().filter(|head| head.entry("rooms").is_some())?;
    let mut found = Diagnostics::default();
    let head = read_head(&node, file, &mut found);
    if !found.any_error() {
        return None;
    }
    diagnostics.extend(found);
    Some(Document::grouped(head, layout, file, Reading::Partial))
}

/// Finds the mistakes of a whole file, and keeps its valid parts.
fn partial(
    text: &str,
    error: Option<&serde_yaml::Error>,
    file: usize,
    diagnostics: &mut Diagnostics,
) -> Option<Document> {
    let mut found = Diagnostics::default();
    let document = match yaml::read(text) {
        Ok(tree) => {
            let (head, items) = split(tree);
            let head = File { rooms: None, ..read_head(&head, file, &mut found) };
            let rooms = items.map_or(Rooms::Absent, |items| {
                let rooms = items.iter().enumerate();
                Rooms::Whole(
                    rooms
                        .map(|(number, node)| {
                            let (part, reading) = (Part::Item(number), Reading::Partial);
                            let diagnostics = &mut found;
                            read_room(node, &mut Reporter { diagnostics, file, part, reading })
                        })
                        .collect(),
                )
            });
            Some(Document { file, head, reading: Reading::Partial, rooms })
        }
        Err(invalid) => {
            let (part, reading) = (Part::Head, Reading::Partial);
            let diagnostics = &mut found;
            report_invalid(&invalid, &mut Reporter { diagnostics, file, part, reading });
            None
        }
    };
    if let Some(error) = error.filter(|_| !found.any_error()) {
        report_serde(error, file, &mut found);
    }
    diagnostics.extend(found);
    document
}

/// Reads everything but the rooms from a tree.
fn read_head(node: &Node, file: usize, diagnostics: &mut Diagnostics) -> File {
    let (part, reading) = (Part::Head, Reading::Partial);
    let mut reporter = Reporter { diagnostics, file, part, reading };
    from_json(check_structure(node, "File", &mut reporter)).unwrap_or_default()
}

fn read_room(node: &Node, reporter: &mut Reporter<'_>) -> Option<DecodedRoom> {
    let mut found = Diagnostics::default();
    let Reporter { file, part, .. } = *reporter;
    let mut inner = Reporter { diagnostics: &mut found, file, part, reading: Reading::Partial };
    let room = from_json(check_structure(node, "Room", &mut inner));
    let reading = if found.any_error() { Reading::Partial } else { Reading::Complete };
    reporter.diagnostics.extend(found);
    room.map(|room| DecodedRoom { room, reading })
}

/// Removes the rooms from a file's tree, if they are a list.
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

/// Decodes what the check of the structure has kept; `None` if it kept nothing.
fn from_json<T: DeserializeOwned>(valid: Option<Json>) -> Option<T> {
    serde_json::from_value(valid?).ok()
}

/// Reports serde_yaml's own message if nothing else was found.
fn report_serde(error: &serde_yaml::Error, file: usize, diagnostics: &mut Diagnostics) {
    let span = error.location().map_or(Span::START, |at| Span {
        line: at.line().saturating_sub(1),
        column: at.column().saturating_sub(1),
        width: Some(1),
    });
    let mut reporter = Reporter { diagnostics, file, part: Part::Text, reading: Reading::Partial };
    report_invalid(&InvalidYaml::Syntax(span, error.to_string()), &mut reporter);
}

/// The maximum length of a displayed line, in characters. A finding beyond it is displayed without its
/// line.
const LONGEST_LINE: usize = 500;

/// Converts diagnostics to findings with places, sorted by place. If there are too many, errors are
/// kept before warnings, and a last finding has the number of the rest.
pub(super) fn findings(
    diagnostics: Diagnostics,
    sources: &[Source],
    documents: &[Document],
) -> Vec<Finding> {
    let (kept, mut errors, mut warnings) = diagnostics.into_parts();
    let mut atlas = Locator::new(sources, documents);
    let mut shown: Vec<_> = kept.into_iter().map(|diagnostic| atlas.finding(diagnostic)).collect();
    shown.sort_by(|(a, one), (b, other)| {
        (a, one.code, &one.message).cmp(&(b, other.code, &other.message))
    });
    shown.dedup();
    shown.sort_by_key(|(_, finding)| finding.severity);
    for (_, finding) in shown.iter().skip(SHOWN) {
        match finding.severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
        }
    }
    shown.truncate(SHOWN);
    shown.sort_by_key(|(order, _)| *order);
    let shown = shown.into_iter().map(|(_, finding)| finding);
    shown.chain(rest(errors, warnings)).collect()
}

/// Makes the finding with the number of those that are not shown.
fn rest(errors: usize, warnings: usize) -> Option<Finding> {
    let message = match (errors, warnings) {
        (0, 0) => return None,
        (0, _) => format!("{warnings} more warnings are not shown"),
        (_, 0) => format!("{errors} more errors are not shown"),
        (_, _) => format!("{errors} more errors and {warnings} more warnings are not shown"),
    };
    Some(match errors {
        0 => Finding::warning("more", message),
        _ => Finding::error("more", message).help("fix these and run again"),
    })
}

/// The sort order of findings: file, line, column.
type Order = (usize, usize, usize);

/// Resolves locations, and caches the trees that it has read.
struct Locator<'a> {
    sources: &'a [Source],
    documents: HashMap<usize, &'a Document>,
    trees: HashMap<(usize, Part), Option<Node>>,
    /// The rooms of files that were parsed whole.
    items: HashMap<usize, Vec<Node>>,
}

impl<'a> Locator<'a> {
    fn new(sources: &'a [Source], documents: &'a [Document]) -> Self {
        let documents = documents.iter().map(|document| (document.file, document)).collect();
        Self { sources, documents, trees: HashMap::new(), items: HashMap::new() }
    }

    fn finding(&mut self, diagnostic: Diagnostic) -> (Order, Finding) {
        let Diagnostic { mut finding, location, first } = diagnostic;
        if let Some((_, first)) = first.and_then(|location| self.place(&location)) {
            let Place { file, line, column, .. } = first;
            let help = finding.help.take().unwrap_or_default();
            finding.help = Some(format!("first at {file}:{line}:{column}: {help}"));
        }
        match self.place(&location) {
            Some((order, place)) => (order, finding.at(place)),
            None => ((0, 0, 0), finding),
        }
    }

    fn place(&mut self, location: &Location) -> Option<(Order, Place)> {
        let (file, part, span) = match location {
            Location::None => return None,
            Location::Span { file, part, span } => (*file, *part, *span),
            Location::Path { file, part, path, entry } => {
                let node = self.tree(*file, *part);
                let span = node.map_or(Span::START, |node| find(node, path, *entry));
                (*file, *part, span)
            }
        };
        let (text, line) = self.piece(file, part, span.line);
        let place = place(&self.sources[file].shown, text, line, span);
        Some(((file, place.line, place.column), place))
    }

    /// Returns the text that the lines of a part are counted in, and the line of the file for one of
    /// them, from 0.
    fn piece(&self, file: usize, part: Part, line: usize) -> (&'a str, usize) {
        let text = self.sources[file].text.as_str();
        let Some(Rooms::Grouped(layout)) = self.documents.get(&file).map(|it| &it.rooms) else {
            return (text, line);
        };
        match part {
            Part::Text => (text, line),
            Part::Head => (&layout.skeleton, layout.line_of_skeleton(line)),
            Part::Item(item) => (layout.item(text, item), layout.line(item) + line),
        }
    }

    fn tree(&mut self, file: usize, part: Part) -> Option<&Node> {
        if !self.trees.contains_key(&(file, Part::Head)) {
            self.read_head(file);
        }
        match part {
            Part::Head | Part::Text => self.trees.get(&(file, Part::Head))?.as_ref(),
            Part::Item(item) => self.item(file, item),
        }
    }

    fn item(&mut self, file: usize, item: usize) -> Option<&Node> {
        let Rooms::Grouped(layout) = &self.documents.get(&file)?.rooms else {
            return self.items.get(&file)?.get(item);
        };
        let text = layout.item(&self.sources[file].text, item);
        let read = || yaml::read(text).ok().and_then(|node| node.item(0).cloned());
        self.trees.entry((file, Part::Item(item))).or_insert_with(read).as_ref()
    }

    fn read_head(&mut self, file: usize) {
        let text = match self.documents.get(&file).map(|document| &document.rooms) {
            Some(Rooms::Grouped(layout)) => &layout.skeleton,
            Some(Rooms::Absent | Rooms::Whole(_)) | None => &self.sources[file].text,
        };
        let root = yaml::read(text).ok().map(|root| {
            let (head, items) = split(root);
            self.items.insert(file, items.unwrap_or_default());
            head
        });
        self.trees.insert((file, Part::Head), root);
    }
}

/// Returns the span of a path's value, or of its longest existing prefix.
fn find(mut node: &Node, path: &[PathSegment], entry: EntryPart) -> Span {
    let mut mark = node.mark();
    for (at, segment) in path.iter().enumerate() {
        let (key, value) = match segment {
            PathSegment::Key(name) => match node.entry(name) {
                Some((key, value)) => (key.span, value),
                None => return mark,
            },
            PathSegment::Index(at) => match node.item(*at) {
                Some(item) => (item.mark(), item),
                None => return mark,
            },
        };
        let last = at + 1 == path.len();
        mark = if last && entry == EntryPart::Value { value.mark() } else { key };
        node = value;
    }
    mark
}

/// Makes a place with its source line, in which secrets are masked.
fn place(file: &Arc<str>, text: &str, line: usize, span: Span) -> Place {
    let shown = text.lines().nth(span.line).unwrap_or_default();
    let rest = shown.chars().skip(span.column).count();
    let width = span.width.unwrap_or(rest).clamp(1, rest.max(1));
    let hidden = if continues_secret(text, span.line) { stars(shown) } else { hide_secrets(shown) };
    let (line, column, text) = (line + 1, span.column + 1, short(hidden, span.column + width));
    Place { file: Arc::clone(file), line, column, width, text }
}

/// Truncates a line; it is empty if the mark is beyond the limit.
fn short(line: String, mark_end: usize) -> String {
    if mark_end > LONGEST_LINE {
        return String::new();
    }
    let mut shown = line;
    if shown.chars().count() > LONGEST_LINE {
        shown = shown.chars().take(LONGEST_LINE - 1).chain(['…']).collect();
    }
    shown
}
