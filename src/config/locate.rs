//! Notes to findings: where each stands, with its line.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Finding, Place, Severity};

use super::diagnostics::{Diagnostic, Diagnostics, EntryPart, Location, Part, PathSegment, SHOWN};
use super::document::{Document, Rooms, split};
use super::files::Source;
use super::names::{looks_like_secret, names_secret};
use super::tree::{self, Node, Span};

/// The longest line that is shown, in characters. A mark beyond it is shown without its line.
const LONGEST_LINE: usize = 500;

/// Gives every note its place: errors go before warnings where there are too many, and all of them
/// are told in order of place, with the number of the rest at the end.
pub(super) fn findings(
    diagnostics: Diagnostics,
    sources: &[Source],
    documents: &[Document],
) -> Vec<Finding> {
    let (kept, mut errors, mut warnings) = diagnostics.into_parts();
    let mut atlas = Locator::new(sources, documents);
    let mut reported: Vec<_> =
        kept.into_iter().map(|diagnostic| atlas.finding(diagnostic)).collect();
    reported.sort_by(|(a, one), (b, other)| {
        (a, one.code, &one.message).cmp(&(b, other.code, &other.message))
    });
    reported.dedup();
    reported.sort_by_key(|(_, finding)| finding.severity);
    for (_, finding) in reported.iter().skip(SHOWN) {
        match finding.severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
        }
    }
    reported.truncate(SHOWN);
    reported.sort_by_key(|(order, _)| *order);
    let reported = reported.into_iter().map(|(_, finding)| finding);
    reported.chain(rest(errors, warnings)).collect()
}

/// The number of findings that are not shown.
fn rest(errors: usize, warnings: usize) -> Option<Finding> {
    let message = match (errors, warnings) {
        (0, 0) => return None,
        (0, _) => format!("{warnings} more warnings are not shown"),
        (_, 0) => format!("{errors} more errors are not shown"),
        (_, _) => format!("{errors} more errors and {warnings} more warnings are not shown"),
    };
    Some(match errors {
        0 => Finding::warning("more", message),
        _ => Finding::error("more", message).help("mend these, and look again"),
    })
}

/// The order of places: the file, the line, the column.
type Order = (usize, usize, usize);

/// The trees that have been looked at.
struct Locator<'a> {
    sources: &'a [Source],
    documents: HashMap<usize, &'a Document>,
    trees: HashMap<(usize, Part), Option<Node>>,
    /// The rooms of files that are one tree.
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
            finding.help = Some(format!("it stood first at {file}:{line}:{column}: {help}"));
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
            Location::Path { file, part, steps, side } => {
                let node = self.tree(*file, *part);
                let span = node.map_or(Span::START, |node| find(node, steps, *side));
                (*file, *part, span)
            }
        };
        let (text, line) = self.piece(file, part, span.line);
        let place = place(&self.sources[file].shown, text, line, span);
        Some(((file, place.line, place.column), place))
    }

    /// The text that a part's lines are counted in, and where one of its lines is in the file, from 0.
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
        let read = || tree::read(text).ok().and_then(|node| node.item(0).cloned());
        self.trees.entry((file, Part::Item(item))).or_insert_with(read).as_ref()
    }

    fn read_head(&mut self, file: usize) {
        let text = match self.documents.get(&file).map(|document| &document.rooms) {
            Some(Rooms::Grouped(layout)) => &layout.skeleton,
            Some(Rooms::Absent | Rooms::Whole(_)) | None => &self.sources[file].text,
        };
        let root = tree::read(text).ok().map(|root| {
            let (head, items) = split(root);
            self.items.insert(file, items.unwrap_or_default());
            head
        });
        self.trees.insert((file, Part::Head), root);
    }
}

/// The place that a path leads to, or as far as it leads.
fn find(mut node: &Node, steps: &[PathSegment], side: EntryPart) -> Span {
    let mut mark = node.mark();
    for (at, step) in steps.iter().enumerate() {
        let (key, value) = match step {
            PathSegment::Key(name) => match node.entry(name) {
                Some((key, value)) => (key.span, value),
                None => return mark,
            },
            PathSegment::Index(at) => match node.item(*at) {
                Some(item) => (item.mark(), item),
                None => return mark,
            },
        };
        let last = at + 1 == steps.len();
        mark = if last && side == EntryPart::Value { value.mark() } else { key };
        node = value;
    }
    mark
}

/// Makes a place, with its line as it may be shown.
fn place(file: &Arc<str>, text: &str, line: usize, span: Span) -> Place {
    let shown = text.lines().nth(span.line).unwrap_or_default();
    let rest = shown.chars().skip(span.column).count();
    let width = span.width.unwrap_or(rest).clamp(1, rest.max(1));
    let hidden = if continues_secret(text, span.line) { stars(shown) } else { hide_secrets(shown) };
    let (line, column, text) = (line + 1, span.column + 1, short(hidden, span.column + width));
    Place { file: Arc::clone(file), line, column, width, text }
}

/// A line as far as it is shown: not far beyond the mark.
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

/// Whether a line goes on with the value of a key that is named like a secret: it stands below the key
/// and deeper, or right below it.
fn continues_secret(text: &str, line: usize) -> bool {
    let lines: Vec<&str> = text.lines().take(line + 1).collect();
    let Some((own, above)) = lines.split_last() else { return false };
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let mut depth = indent(own);
    let above = above.iter().rev().filter(|line| !line.trim().is_empty());
    for (distance, line) in above.enumerate() {
        let deeper = indent(line) < depth;
        if (deeper || distance == 0) && ends_in_secret(line) {
            return true;
        }
        if deeper {
            depth = indent(line);
        }
        if depth == 0 {
            return false;
        }
    }
    false
}

/// Whether the last key of a line is named like a secret, and its value is not whole on the line.
fn ends_in_secret(line: &str) -> bool {
    let Some((before, value)) = line.rsplit_once(':') else { return false };
    let value = value.trim();
    let open =
        value.is_empty() || value.starts_with(['|', '>', '&', '!', '#', '"', '\'', '[', '{']);
    open && is_secret(name_before(before), "")
}

/// Puts stars over what follows a key that is named like a secret, and over a URL's user: as many as
/// there were characters, so that the columns stay.
fn hide_secrets(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(colon) = rest.find(':') {
        let (before, after) = rest.split_at(colon + 1);
        out.push_str(before);
        if is_secret(name_before(&before[..colon]), after) {
            return out + &stars(after);
        }
        rest = after;
        if let Some((user, host)) = after.strip_prefix("//").and_then(|it| it.split_once('@'))
            && !user.contains(['/', ' '])
        {
            out = out + "//" + &stars(user) + "@";
            rest = host;
        }
    }
    out + rest
}

/// The key that stands right before a colon.
fn name_before(text: &str) -> &str {
    let name = text.trim_end_matches(['"', '\'', ' ']);
    name.rsplit([' ', '{', ',', '"', '\'']).next().unwrap_or_default()
}

/// Whether what follows a key may be a secret.
fn is_secret(name: &str, value: &str) -> bool {
    match name {
        "secret_env" => !names_variable(value),
        "secret_file" => looks_like_secret(first_word(value)),
        name => names_secret(name),
    }
}

fn stars(text: &str) -> String {
    text.chars().map(|c| if c == ' ' { ' ' } else { '*' }).collect()
}

/// What stands after a colon, without its quotes.
fn first_word(text: &str) -> &str {
    let value = text.trim_start().split([' ', ',', '}', '#']).next().unwrap_or_default();
    value.trim_matches(['"', '\''])
}

/// Whether what follows `secret_env:` is a variable's name, and not the secret itself.
fn names_variable(text: &str) -> bool {
    let name = first_word(text);
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_${:-".contains(c);
    name.starts_with(|c: char| !c.is_ascii_digit())
        && name.chars().all(fits)
        && !looks_like_secret(name)
}
