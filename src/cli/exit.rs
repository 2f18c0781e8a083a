//! The exit codes, and errors that carry one.

use std::fmt;

use crate::model::Finding;

/// How a command ends. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed: nothing done, or a damaged input.
    Failed = 1,
    /// Changes are planned.
    Changes = 2,
    /// Refused: the gate held something back, or it was not approved.
    Refused = 3,
    /// The state is locked by another run.
    Locked = 4,
    /// Partly done: some steps failed or were not tried, or some rooms could not be read.
    Partly = 5,
    /// Wrong usage.
    Usage = 64,
    /// Aborted by a second Ctrl-C or SIGTERM: the journal has what the next run needs.
    Aborted = 130,
}

/// A command that could not be carried out.
#[derive(Debug)]
pub(super) struct Stopped {
    /// How the command ends.
    pub(super) exit: Exit,
    /// A stable code.
    pub(super) code: &'static str,
    /// What went wrong and what to do.
    pub(super) error: anyhow::Error,
    /// What is wrong with the files.
    pub(super) findings: Vec<Finding>,
}

impl Exit {
    /// The worse of two ends: the first of 1, 5, 3, 2, 0.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Aborted | Self::Usage => 0,
            Self::Locked => 1,
            Self::Failed => 2,
            Self::Partly => 3,
            Self::Refused => 4,
            Self::Changes => 5,
            Self::Done => 6,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Stopped {
    /// A failure with a code and a sentence.
    pub(super) fn new(exit: Exit, code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, code, error: error.into(), findings: Vec::new() }
    }

    /// A refusal with a code and a sentence.
    pub(super) fn refused(code: &'static str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Refused, code, anyhow::anyhow!("{message}"))
    }

    /// A failure with a code and a sentence.
    pub(super) fn failed(code: &'static str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, code, anyhow::anyhow!("{message}"))
    }

    /// Arguments that do not go together.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "usage", anyhow::anyhow!("{message}"))
    }

    /// Files with findings.
    #[must_use]
    pub(super) fn invalid(findings: Vec<Finding>) -> Self {
        let error = anyhow::anyhow!("the files have mistakes: nothing was done");
        Self { exit: Exit::Failed, code: "invalid_files", error, findings }
    }
}

/// Anything that has no code of its own is a plain failure.
impl From<anyhow::Error> for Stopped {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Failed, "failed", error)
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Failed, "io", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_end_wins_in_the_documented_order() {
        let order = [Exit::Failed, Exit::Partly, Exit::Refused, Exit::Changes, Exit::Done];
        for (at, worse) in order.iter().enumerate() {
            for better in &order[at..] {
                assert_eq!(better.or(*worse), *worse);
                assert_eq!(worse.or(*better), *worse);
            }
        }
    }
}
