//! Findings with a location that is resolved to a line only if the finding is shown.

use crate::model::{Finding, Kind, Severity};

/// The number of findings that are shown.
pub(super) const SHOWN: usize = 100;

/// A finding and its location.
#[derive(Clone, Debug)]
pub(super) struct Diagnostic {
    /// The finding, without a place.
    pub finding: Finding,
    /// Its location.
    pub location: Location,
    /// The location of the first of two duplicates, which the help contains.
    pub first: Option<Location>,
}

/// The location of a diagnostic.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Location {
    /// In no file.
    None,
    /// At a span, counted from the beginning of its part.
    Span { file: usize, part: Part, span: Span },
    /// At a path, which is resolved when the diagnostic is shown.
    Path { file: usize, part: Part, path: Vec<PathSegment>, entry: EntryPart },
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// Everything but the rooms.
    Head,
    /// The room of this number, from 0.
    Item(usize),
    /// The whole text, without a tree.
    Text,
}

/// A segment of a path: a key, or an index of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PathSegment {
    /// A key of a map.
    Key(Box<str>),
    /// An index of a list.
    Index(usize),
}

/// A part of a map's entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum EntryPart {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Diagnostics in order: the first [`SHOWN`] errors and warnings, and the number of each.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    kept: Vec<Diagnostic>,
    errors: Count,
    warnings: Count,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    kept: usize,
    all: usize,
}

/// Adds the diagnostics of one part of a file.
pub(super) struct Reporter<'a> {
    pub diagnostics: &'a mut Diagnostics,
    pub file: usize,
    pub part: Part,
    pub reading: Reading,
}

/// How completely a part of a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Completely: a key that is missing is not in the file.
    Complete,
    /// With mistakes that are already reported: a key that is missing may be one of them.
    Partial,
}

/// Returns the path segment of a key.
pub(super) fn key(key: &str) -> PathSegment {
    PathSegment::Key(key.into())
}

/// Returns the path segment of an item of a list.
pub(super) fn index(at: usize) -> PathSegment {
    PathSegment::Index(at)
}

impl Diagnostics {
    /// Adds a diagnostic.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let count = self.count(diagnostic.finding.severity);
        count.all += 1;
        if count.kept < SHOWN {
            count.kept += 1;
            self.kept.push(diagnostic);
        }
    }

    /// Counts diagnostics that are not stored.
    pub(super) fn count_more(&mut self, errors: usize, warnings: usize) {
        self.errors.all += errors;
        self.warnings.all += warnings;
    }

    /// Returns whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.errors.all + self.warnings.all == 0
    }

    /// Appends later diagnostics.
    pub(super) fn extend(&mut self, later: Self) {
        let Self { kept, errors, warnings } = later;
        self.count_more(errors.all - errors.kept, warnings.all - warnings.kept);
        for diagnostic in kept {
            self.push(diagnostic);
        }
    }

    /// Returns whether there is an error.
    pub(super) fn any_error(&self) -> bool {
        self.errors.all > 0
    }

    /// Returns the stored diagnostics, and the number of other errors and warnings.
    pub(super) fn into_parts(self) -> (Vec<Diagnostic>, usize, usize) {
        let Self { kept, errors, warnings } = self;
        (kept, errors.all - errors.kept, warnings.all - warnings.kept)
    }

    fn count(&mut self, severity: Severity) -> &mut Count {
        match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        }
    }
}

impl Diagnostic {
    /// Makes a diagnostic that belongs to no file.
    pub(super) fn without_location(finding: Finding) -> Self {
        Self { finding, location: Location::None, first: None }
    }
}

impl Reporter<'_> {
    /// Adds a finding at the value of a path, or at its longest existing prefix.
    pub(super) fn at(&mut self, path: Vec<PathSegment>, finding: Finding) {
        let location = self.location(path, EntryPart::Value);
        self.add(location, None, finding);
    }

    /// Adds a finding at the key that a path ends with.
    pub(super) fn at_key(&mut self, path: Vec<PathSegment>, finding: Finding) {
        let location = self.location(path, EntryPart::Key);
        self.add(location, None, finding);
    }

    /// Adds a finding at a span of this part.
    pub(super) fn at_span(&mut self, span: Span, finding: Finding) {
        let location = self.span_location(span);
        self.add(location, None, finding);
    }

    /// Adds a finding about a duplicate, with the span of the first.
    pub(super) fn repeated(&mut self, span: Span, first: Span, finding: Finding) {
        let (location, first) = (self.span_location(span), self.span_location(first));
        self.add(location, Some(first), finding);
    }

    /// Adds a finding about something missing, unless a reported mistake may have hidden it.
    pub(super) fn missing(&mut self, path: Vec<PathSegment>, finding: Finding) {
        if self.reading == Reading::Complete {
            self.at(path, finding);
        }
    }

    /// Returns the location of a path in this part.
    pub(super) fn location(&self, path: Vec<PathSegment>, entry: EntryPart) -> Location {
        Location::Path { file: self.file, part: self.part, path, entry }
    }

    fn span_location(&self, span: Span) -> Location {
        Location::Span { file: self.file, part: self.part, span }
    }

    fn add(&mut self, location: Location, first: Option<Location>, finding: Finding) {
        self.diagnostics.push(Diagnostic { finding, location, first });
    }
}

/// A range of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// The line, from 0.
    pub line: usize,
    /// The column in characters, from 0.
    pub column: usize,
    /// The number of characters on its line; `None` if it ends on a later line.
    pub width: Option<usize>,
}

impl Span {
    /// The beginning of a text.
    pub(super) const START: Self = Self { line: 0, column: 0, width: Some(1) };
}

/// Returns the help for a name that is not one of `known`.
pub(super) fn suggestion(name: &str, known: &[&str]) -> String {
    match closest(name, known) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("expected one of {}", listed(known)),
    }
}

/// Returns the name nearest to `name`, if it is near enough for a misspelling.
pub(super) fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = (name.chars().count() / 3).max(1);
    // A key may be a megabyte long; the first 64 characters suffice for the comparison.
    let start: String = name.chars().take(64).collect();
    known
        .iter()
        .map(|known| (strsim::osa_distance(&start, known), *known))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, name)| name)
}

/// Lists names, each in backticks.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Joins names for a sentence: `zim and tencent-live`.
pub(super) fn joined(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// Truncates a text for a message.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Makes the finding about a YAML merge key.
pub(super) fn merge_key() -> Finding {
    Finding::error("merge_key", "merge keys (`<<`) are not supported")
        .help("write the keys out, or use `defaults`")
}

/// Makes the finding about a missing key.
pub(super) fn missing_key(owner: &str, name: &str) -> Finding {
    let help = match name {
        "version" => "write `version: 1`",
        "kind" => "name the service: `kind: zim`, `kind: rtc` or `kind: tencent-live`",
        "app_id" => "write the number that the vendor's console shows: `app_id: 12345`",
        "operator" => "write the user id that creates the rooms: `operator: admin`",
        "id" => "write the room's id: `id: lobby`",
        "value" => "write its value: `value: \"Hi!\"`",
        "from" => "write the provider's old name: `from: talk`",
        "to" => "write the provider's name in `providers`: `to: chat`",
        _ => "write it",
    };
    Finding::error("missing_key", format!("missing key `{name}` in {owner}")).help(help)
}

/// Joins the names of kinds for a sentence.
pub(super) fn kinds(kinds: &[Kind]) -> String {
    joined(&kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
}

/// Returns the name of a JSON type for messages.
pub(super) fn type_name(json_type: &str) -> &'static str {
    match json_type {
        "string" => "string",
        "integer" => "integer",
        "number" => "fractional, negative or too large number",
        "boolean" => "boolean",
        "array" => "list",
        "object" => "map",
        _ => "null",
    }
}

/// Returns the name of a schema definition for messages.
pub(super) fn owner(definition: &str) -> &'static str {
    match definition {
        "File" => "the file",
        "Provider" => "a provider",
        "Moved" => "an entry of `moved`",
        "Limits" => "`limits`",
        "Policy" => "`policy`",
        "Defaults" => "`defaults`",
        "Room" => "a room",
        "Close" => "`close`",
        "Lifecycle" => "`lifecycle`",
        "FullAttribute" => "an attribute",
        _ => "this map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_name_is_found() {
        let known = ["destroy_delay_time", "name", "id", "attributes"];
        assert_eq!(closest("destory_delay_time", &known), Some("destroy_delay_time"));
        assert_eq!(closest("nmae", &known), Some("name"));
        assert_eq!(closest("ID", &["id"]), None);
        assert_eq!(closest("colour", &known), None);
    }

    #[test]
    fn long_texts_are_truncated() {
        assert_eq!(shortened(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(shortened(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
    }

    #[test]
    fn names_are_joined_for_a_sentence() {
        assert_eq!(joined(&["a"]), "a");
        assert_eq!(joined(&["a", "b"]), "a and b");
        assert_eq!(joined(&["a", "b", "c"]), "a, b and c");
    }
}
