//! Findings on their way: each knows what it is about, and learns its line only if it is shown.

use crate::model::{Finding, Severity};

use super::tree::Span;

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
