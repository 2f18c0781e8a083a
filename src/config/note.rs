//! Findings on their way: each knows what it is about, and learns its line only if it is shown.

use crate::model::{Finding, Severity};

use super::tree::Span;

/// How many findings are shown.
pub(super) const SHOWN: usize = 100;

/// A finding, and where it belongs.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// The finding, without its place.
    pub finding: Finding,
    /// Where it belongs.
    pub spot: Spot,
    /// Where the same thing stood first; told in the help.
    pub first: Option<Spot>,
}

/// Where a note belongs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spot {
    /// In no file.
    Nowhere,
    /// At a place that is known, counted from the beginning of its part.
    Known { file: usize, part: Part, span: Span },
    /// At a path that is looked up when the note is shown.
    Path { file: usize, part: Part, steps: Vec<Step>, side: Side },
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
pub(super) enum Step {
    /// Into a map.
    Key(Box<str>),
    /// Into a list.
    Index(usize),
}

/// Which side of an entry is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Notes in order: the first [`SHOWN`] errors and warnings, and how many there are of each.
#[derive(Debug, Default)]
pub(super) struct Notes {
    kept: Vec<Note>,
    errors: Count,
    warnings: Count,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    kept: usize,
    all: usize,
}

/// Where the notes of one part of a file go.
pub(super) struct Sink<'a> {
    pub notes: &'a mut Notes,
    pub file: usize,
    pub part: Part,
    pub reading: Reading,
}

/// How a part of a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Whole: what is not there is not in the file.
    Sound,
    /// With faults that are told already: what is not there may be one of them.
    Faulty,
}

/// A step into the map under `key`.
pub(super) fn key(key: &str) -> Step {
    Step::Key(key.into())
}

/// A step to an item of a list.
pub(super) fn index(at: usize) -> Step {
    Step::Index(at)
}

impl Notes {
    /// Adds a note.
    pub(super) fn push(&mut self, note: Note) {
        let count = self.count(note.finding.severity);
        count.all += 1;
        if count.kept < SHOWN {
            count.kept += 1;
            self.kept.push(note);
        }
    }

    /// Adds the notes of what comes later.
    pub(super) fn extend(&mut self, later: Self) {
        let Self { kept, errors, warnings } = later;
        self.errors.all += errors.all - errors.kept;
        self.warnings.all += warnings.all - warnings.kept;
        for note in kept {
            self.push(note);
        }
    }

    /// Whether there is an error among them.
    pub(super) fn any_error(&self) -> bool {
        self.errors.all > 0
    }

    /// The notes that are kept, and how many errors and warnings there are besides.
    pub(super) fn into_parts(self) -> (Vec<Note>, usize, usize) {
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

impl Note {
    /// A note that belongs to no file.
    pub(super) fn nowhere(finding: Finding) -> Self {
        Self { finding, spot: Spot::Nowhere, first: None }
    }
}

impl Sink<'_> {
    /// Adds a finding at the value that a path leads to, or at what is there of the path.
    pub(super) fn at(&mut self, steps: Vec<Step>, finding: Finding) {
        let spot = self.spot(steps, Side::Value);
        self.add(spot, None, finding);
    }

    /// Adds a finding at the key that a path ends with.
    pub(super) fn at_key(&mut self, steps: Vec<Step>, finding: Finding) {
        let spot = self.spot(steps, Side::Key);
        self.add(spot, None, finding);
    }

    /// Adds a finding at a known place of this part.
    pub(super) fn known(&mut self, span: Span, finding: Finding) {
        let spot = self.known_spot(span);
        self.add(spot, None, finding);
    }

    /// Adds a finding at a known place, about something that stood elsewhere first.
    pub(super) fn repeated(&mut self, span: Span, first: Span, finding: Finding) {
        let (spot, first) = (self.known_spot(span), self.known_spot(first));
        self.add(spot, Some(first), finding);
    }

    /// Adds a finding about something that is not in the file, unless a fault may have hidden it.
    pub(super) fn missing(&mut self, steps: Vec<Step>, finding: Finding) {
        if self.reading == Reading::Sound {
            self.at(steps, finding);
        }
    }

    /// The spot of a path in this part.
    pub(super) fn spot(&self, steps: Vec<Step>, side: Side) -> Spot {
        Spot::Path { file: self.file, part: self.part, steps, side }
    }

    fn known_spot(&self, span: Span) -> Spot {
        Spot::Known { file: self.file, part: self.part, span }
    }

    fn add(&mut self, spot: Spot, first: Option<Spot>, finding: Finding) {
        self.notes.push(Note { finding, spot, first });
    }
}
