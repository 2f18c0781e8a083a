//! Findings on their way: each knows what it is about, and gets its line only if it is shown.

use crate::model::{Finding, Kind, Severity};

/// How many findings are shown.
pub(super) const SHOWN: usize = 100;

/// A finding, and where it belongs.
#[derive(Clone, Debug)]
pub(super) struct Diagnostic {
    /// The finding, without its place.
    pub finding: Finding,
    /// Where it belongs.
    pub location: Location,
    /// Where the same thing stood first; told in the help.
    pub first: Option<Location>,
}

/// Where a note belongs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Location {
    /// In no file.
    None,
    /// At a place that is known, counted from the beginning of its part.
    Span { file: usize, part: Part, span: Span },
    /// At a path that is looked up when the note is shown.
    Path { file: usize, part: Part, steps: Vec<PathSegment>, side: EntryPart },
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// Everything but the rooms.
    Head,
    /// The room of this number, from 0.
    Item(usize),
    /// The text as it stands, where no tree was made of it.
    Text,
}

/// A step of a path: a key, or a number in a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PathSegment {
    /// Into a map.
    Key(Box<str>),
    /// Into a list.
    Index(usize),
}

/// Which side of an entry is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum EntryPart {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Notes in order: the first [`SHOWN`] errors and warnings, and how many there are of each.
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

/// Where the notes of one part of a file go.
pub(super) struct Reporter<'a> {
    pub diagnostics: &'a mut Diagnostics,
    pub file: usize,
    pub part: Part,
    pub reading: Reading,
}

/// How a part of a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Whole: what is not there is not in the file.
    Complete,
    /// With faults that are told already: what is not there may be one of them.
    Partial,
}

/// A step into the map under `key`.
pub(super) fn key(key: &str) -> PathSegment {
    PathSegment::Key(key.into())
}

/// A step to an item of a list.
pub(super) fn index(at: usize) -> PathSegment {
    PathSegment::Index(at)
}

impl Diagnostics {
    /// Adds a note.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let count = self.count(diagnostic.finding.severity);
        count.all += 1;
        if count.kept < SHOWN {
            count.kept += 1;
            self.kept.push(diagnostic);
        }
    }

    /// Adds the notes of what comes later.
    pub(super) fn extend(&mut self, later: Self) {
        let Self { kept, errors, warnings } = later;
        self.errors.all += errors.all - errors.kept;
        self.warnings.all += warnings.all - warnings.kept;
        for diagnostic in kept {
            self.push(diagnostic);
        }
    }

    /// Whether there is an error among them.
    pub(super) fn any_error(&self) -> bool {
        self.errors.all > 0
    }

    /// The notes that are kept, and how many errors and warnings there are besides.
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
    /// A note that belongs to no file.
    pub(super) fn without_location(finding: Finding) -> Self {
        Self { finding, location: Location::None, first: None }
    }
}

impl Reporter<'_> {
    /// Adds a finding at the value that a path leads to, or at what is there of the path.
    pub(super) fn at(&mut self, steps: Vec<PathSegment>, finding: Finding) {
        let location = self.location(steps, EntryPart::Value);
        self.add(location, None, finding);
    }

    /// Adds a finding at the key that a path ends with.
    pub(super) fn at_key(&mut self, steps: Vec<PathSegment>, finding: Finding) {
        let location = self.location(steps, EntryPart::Key);
        self.add(location, None, finding);
    }

    /// Adds a finding at a known place of this part.
    pub(super) fn at_span(&mut self, span: Span, finding: Finding) {
        let location = self.span_location(span);
        self.add(location, None, finding);
    }

    /// Adds a finding at a known place, about something that stood elsewhere first.
    pub(super) fn repeated(&mut self, span: Span, first: Span, finding: Finding) {
        let (location, first) = (self.span_location(span), self.span_location(first));
        self.add(location, Some(first), finding);
    }

    /// Adds a finding about something that is not in the file, unless a fault may have hidden it.
    pub(super) fn missing(&mut self, steps: Vec<PathSegment>, finding: Finding) {
        if self.reading == Reading::Complete {
            self.at(steps, finding);
        }
    }

    /// The spot of a path in this part.
    pub(super) fn location(&self, steps: Vec<PathSegment>, side: EntryPart) -> Location {
        Location::Path { file: self.file, part: self.part, steps, side }
    }

    fn span_location(&self, span: Span) -> Location {
        Location::Span { file: self.file, part: self.part, span }
    }

    fn add(&mut self, location: Location, first: Option<Location>, finding: Finding) {
        self.diagnostics.push(Diagnostic { finding, location, first });
    }
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// The line, from 0.
    pub line: usize,
    /// The column in characters, from 0.
    pub column: usize,
    /// How many characters it covers on its line; none where it ends on a later line.
    pub width: Option<usize>,
}

impl Span {
    /// The first place of a text.
    pub(super) const START: Self = Self { line: 0, column: 0, width: Some(1) };
}

/// How to mend a name that is none of `known`.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match closest(word, known) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("known here: {}", listed(known)),
    }
}

/// The name nearest to `word`, where one is near enough to be meant.
pub(super) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = (word.chars().count() / 3).max(1);
    // A key may be a megabyte long: nothing that begins with 64 other characters is near.
    let start: String = word.chars().take(64).collect();
    known
        .iter()
        .map(|name| (strsim::osa_distance(&start, name), *name))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, name)| name)
}

/// The names in one line, each in backticks.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The names as one part of a sentence: `zim and tencent-live`.
pub(super) fn spoken(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// A text as a sentence can hold it: its end is left out where it is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The finding about a key that merges a map elsewhere.
pub(super) fn merge_key() -> Finding {
    Finding::error("merge_key", "`<<` merges nothing here")
        .help("write the keys out, or use `defaults`")
}

/// The finding about a key that must be there.
pub(super) fn missing_key(owner: &str, name: &str) -> Finding {
    let help = match name {
        "version" => "write `version: 1`",
        "kind" => "write which service it is: `kind: zim`, `kind: rtc` or `kind: tencent-live`",
        "app_id" => "write the number that the vendor's console shows: `app_id: 12345`",
        "operator" => "write the user in whose name rooms are made: `operator: admin`",
        "id" => "write the room's id: `id: lobby`",
        "value" => "write its text: `value: \"Hi!\"`",
        "from" => "write the provider's old name: `from: talk`",
        "to" => "write the provider's name in `providers`: `to: chat`",
        _ => "write it",
    };
    Finding::error("missing_key", format!("{owner} needs `{name}`")).help(help)
}

/// The names of kinds as one part of a sentence.
pub(super) fn kinds(kinds: &[Kind]) -> String {
    spoken(&kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
}

/// What a JSON type is called in a sentence.
pub(super) fn kind_of(json_type: &str) -> &'static str {
    match json_type {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number that is not whole, below zero or too large",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    }
}

/// What a definition is called in a sentence.
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
    fn finds_what_was_meant() {
        let known = ["destroy_delay_time", "name", "id", "attributes"];
        assert_eq!(closest("destory_delay_time", &known), Some("destroy_delay_time"));
        assert_eq!(closest("nmae", &known), Some("name"));
        assert_eq!(closest("ID", &["id"]), None);
        assert_eq!(closest("colour", &known), None);
    }

    #[test]
    fn are_cut_where_they_are_long() {
        assert_eq!(shortened(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(shortened(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
    }

    #[test]
    fn are_spoken_of_together() {
        assert_eq!(spoken(&["a"]), "a");
        assert_eq!(spoken(&["a", "b"]), "a and b");
        assert_eq!(spoken(&["a", "b", "c"]), "a, b and c");
    }
}
