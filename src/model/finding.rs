//! An error or a warning: what is wrong, where, and how to fix it.

use std::sync::Arc;

use serde::Serialize;

use super::Address;

/// An error, or a warning, which does not change the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// A stable code, such as `unknown_key`.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// The place in a file.
    pub place: Option<Place>,
    /// The room that it is about.
    pub address: Option<Address>,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is done until it is fixed.
    Error,
    /// The run continues.
    Warning,
}

/// A place in a file, with the line itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as it was named on the command line.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters the mark under the line covers, at least 1.
    pub width: usize,
    /// The line as it is in the file, without its end.
    pub text: String,
}

impl Finding {
    /// Makes an error without a place.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message.into())
    }

    /// Makes a warning without a place.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message.into())
    }

    /// Adds how to fix it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds the room.
    #[must_use]
    pub fn about(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }

    fn new(severity: Severity, code: &'static str, message: String) -> Self {
        Self { severity, code, message, help: None, place: None, address: None }
    }
}
