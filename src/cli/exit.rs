//! The exit codes, and errors that carry one.

use std::fmt;

use crate::model::{Finding, NotTried, Outcome};

/// How a command ends. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed: nothing was changed. An input is damaged, or every step failed or was not tried.
    Failed = 1,
    /// There are changes: steps, or rooms that are blocked or wait.
    Changes = 2,
    /// Refused: the gate held something back, rooms are blocked, or it was not approved.
    Refused = 3,
    /// The state is locked by another run.
    Locked = 4,
    /// Partly done: some steps were done and some failed or were not tried, or some rooms could not be
    /// read.
    Partly = 5,
    /// Wrong usage.
    Usage = 64,
    /// Aborted by a second Ctrl-C or SIGTERM: the journal has what the next run needs.
    Aborted = 130,
}

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Stopped {
    /// How the command ends.
    pub(super) exit: Exit,
    /// A stable code.
    pub(super) code: &'static str,
    /// What failed and how to fix it.
    pub(super) error: anyhow::Error,
    /// The findings about the files.
    pub(super) findings: Vec<Finding>,
}

impl Exit {
    /// Returns the worse of two codes: the first of 1, 5, 3, 2, 0.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }

    /// Returns the exit code for the outcome of a run alone; `detailed` is `--detailed-exitcode`.
    #[must_use]
    pub(super) fn of(outcome: &Outcome, detailed: bool) -> Self {
        let Outcome {
            done: _,
            adopted: _,
            failed,
            waiting,
            not_tried,
            blocked: _,
            unread: _,
            scope: _,
        } = outcome;
        let is = |applies: bool, exit: Self| if applies { exit } else { Self::Done };
        let changed = outcome.has_changed_something();
        let left = |why: &NotTried| !why.is_intended();
        let failures = !failed.is_empty() || not_tried.iter().any(|(_, _, why)| left(why));
        let interrupted = not_tried.iter().any(|(_, _, why)| *why == NotTried::Interrupted);
        let by_gate = |why: &NotTried| matches!(why, NotTried::Gate | NotTried::RecreateGate);
        let held = not_tried.iter().any(|(_, _, why)| by_gate(why));
        let unread = waiting.iter().any(|wait| wait.reason.is_unread());
        is(failures, if changed || interrupted { Self::Partly } else { Self::Failed })
            .or(is(unread || detailed && !waiting.is_empty(), Self::Partly))
            .or(is(held, Self::Refused))
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
    /// Makes a failure with an exit code, a stable code and a message.
    pub(super) fn new(exit: Exit, code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, code, error: error.into(), findings: Vec::new() }
    }

    /// Makes a refusal with a stable code and a message.
    pub(super) fn refused(code: &'static str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Refused, code, anyhow::anyhow!("{message}"))
    }

    /// Makes a failure with a stable code and a message.
    pub(super) fn failed(code: &'static str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, code, anyhow::anyhow!("{message}"))
    }

    /// Returns the error of a run that had already changed something: a failure means partly done.
    #[must_use]
    pub(super) fn after_changes(self) -> Self {
        let exit = if self.exit == Exit::Failed { Exit::Partly } else { self.exit };
        Self { exit, ..self }
    }

    /// Makes the error of wrong arguments.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "usage", anyhow::anyhow!("{message}"))
    }

    /// Makes the error of files with findings.
    #[must_use]
    pub(super) fn invalid(findings: Vec<Finding>) -> Self {
        let error = anyhow::anyhow!("the files have errors: nothing was done");
        Self { exit: Exit::Failed, code: "invalid_files", error, findings }
    }
}

/// An error without an exit code of its own is a plain failure.
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
    use crate::model::{Action, Address, People, StepFailure, StepWait, WaitReason};

    fn room() -> Address {
        "chat/a".parse().expect("an address")
    }

    fn failed(pending: bool, partial: bool) -> StepFailure {
        let (message, code, request_id) = ("no".to_owned(), None, None);
        let (address, action) = (room(), Action::Replace);
        StepFailure { address, action, message, code, request_id, pending, partial }
    }

    /// A run with a step that was not tried for each reason.
    fn left(reasons: &[NotTried]) -> Outcome {
        let left = reasons.iter().map(|why| (room(), Action::Destroy, *why));
        Outcome { not_tried: left.collect(), ..Outcome::default() }
    }

    fn waiting(people: People) -> Outcome {
        let wait = StepWait {
            address: room(),
            action: Action::Destroy,
            reason: WaitReason::People(people),
        };
        Outcome { waiting: vec![wait], ..Outcome::default() }
    }

    fn and(mut one: Outcome, other: Outcome) -> Outcome {
        one.merge(other);
        one
    }

    #[test]
    fn an_outcome_has_the_documented_exit_code() {
        let done = || Outcome { done: vec![(room(), Action::Create)], ..Outcome::default() };
        let failure = |pending, partial| Outcome {
            failed: vec![failed(pending, partial)],
            ..Outcome::default()
        };
        let halted = || left(&[NotTried::ProviderFatal]);
        for (outcome, exit) in [
            (Outcome::default(), Exit::Done),
            (done(), Exit::Done),
            (failure(false, false), Exit::Failed),
            (halted(), Exit::Failed),
            (and(failure(false, false), halted()), Exit::Failed),
            (and(failure(false, false), left(&[NotTried::Gate])), Exit::Failed),
            (and(done(), failure(false, false)), Exit::Partly),
            (and(done(), halted()), Exit::Partly),
            (failure(true, false), Exit::Partly),
            (failure(false, true), Exit::Partly),
            (left(&[NotTried::Interrupted]), Exit::Partly),
            (left(&[NotTried::Gate]), Exit::Refused),
            (left(&[NotTried::LeftOut]), Exit::Done),
            (and(done(), left(&[NotTried::Gate])), Exit::Refused),
            (waiting(People::Count(3)), Exit::Done),
            (waiting(People::Unknown), Exit::Partly),
            (and(waiting(People::Count(3)), left(&[NotTried::Gate])), Exit::Refused),
        ] {
            assert_eq!(Exit::of(&outcome, false), exit, "{outcome:?}");
        }
        assert_eq!(Exit::of(&waiting(People::Count(3)), true), Exit::Partly);
        assert_eq!(Exit::of(&done(), true), Exit::Done);
    }

    #[test]
    fn the_first_code_of_the_documented_order_is_used() {
        let order = [Exit::Failed, Exit::Partly, Exit::Refused, Exit::Changes, Exit::Done];
        for (at, worse) in order.iter().enumerate() {
            for better in &order[at..] {
                assert_eq!(better.or(*worse), *worse);
                assert_eq!(worse.or(*better), *worse);
            }
        }
    }
}
