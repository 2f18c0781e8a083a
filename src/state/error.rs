//! Why the record could not be read or written, by what the user does next.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Holder;
use super::format::ParseError;

/// Why the record could not be read or written, classified by what the user does next. A location
/// is text: a path, or the URL of an object.
///
/// Nothing was overwritten if one of these is returned.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// Another run holds the lock: wait for it.
    #[error(
        "{location} is locked by {}{}",
        named(holder.as_deref()),
        ending(*lease_ends)
    )]
    Locked {
        /// The state.
        location: String,
        /// The holder of the lock, if it could be read.
        holder: Option<Box<Holder>>,
        /// The time until its lease expires without a renewal; `None` for a lock that ends with its
        /// process.
        lease_ends: Option<Duration>,
    },
    /// The record was moved: use the state that it was moved to.
    #[error(
        "the state was moved to {to}; nothing was done. Set `state: {to}` in the file, or give `--state \
         {to}`"
    )]
    Moved {
        /// The location of its record now.
        to: Box<str>,
    },
    /// A newer roomctl wrote the state or the journal: update this one.
    #[error(
        "{location} has format version {version}, which is newer than this roomctl knows; update \
         roomctl"
    )]
    Newer {
        /// The state or its journal.
        location: String,
        /// The version of its format.
        version: u64,
    },
    /// The state or the journal is not as it was written: repair it.
    #[error("{location}:{line}:{column}: {what}; nothing was overwritten. {fix}")]
    Damaged {
        /// The state or its journal.
        location: String,
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// What is wrong.
        what: String,
        /// How to fix it.
        fix: String,
    },
    /// The state is missing, but there was one: restore it.
    #[error(
        "{location} is missing, but {beside} is there, so there was a state once; restore it from version \
         control, run `roomctl state repair` to rebuild it, or move the files beside it away if its rooms \
         are gone"
    )]
    Missing {
        /// The state.
        location: String,
        /// The file that shows that there was one.
        beside: String,
    },
    /// The journal builds on another state: restore that one.
    #[error(
        "{journal} builds on {builds_on}, but {location} is {found}; nothing was overwritten. Restore the \
         state that it builds on, or run `roomctl state repair` to merge it: the journal contains rooms \
         that no other state records"
    )]
    Foreign {
        /// The state.
        location: String,
        /// The journal.
        journal: String,
        /// The state that the journal builds on.
        builds_on: String,
        /// The state that was found.
        found: String,
    },
    /// Another program changed a part of the state while this run held the lock. The run has done
    /// nothing yet: run again.
    #[error(
        "{location} was {loss} by something else while this run held the lock; nothing was done, \
         and nothing was overwritten: run again"
    )]
    Changed {
        /// What was changed.
        location: String,
        /// What happened to it.
        loss: Loss,
    },
    /// Another program changed a part of the state while this run held the lock. The changes of
    /// this run are in a rescue file: repair.
    #[error(
        "{location} was {loss} by something else while this run held the lock: no further call was made. \
         What this run did is in {rescue}, which `roomctl state repair` merges; no run can start before \
         that"
    )]
    Rescued {
        /// What was changed.
        location: String,
        /// What happened to it.
        loss: Loss,
        /// The rescue file.
        rescue: String,
    },
    /// As [`Self::Rescued`], but the rescue file could not be written: save the lines in the error.
    #[error(
        "{location} was {loss} by something else while this run held the lock: no further call was \
         made, and what this run did could not be saved: {why}{}",
        saving(lines.as_deref(), rescue)
    )]
    Unsaved {
        /// What was changed.
        location: String,
        /// What happened to it.
        loss: Loss,
        /// The path of the rescue file that could not be written.
        rescue: String,
        /// The reason.
        why: Box<StateError>,
        /// The journal lines of this run, in its final error.
        lines: Option<Arc<str>>,
    },
    /// An earlier run left a rescue file: repair.
    #[error(
        "{} did while the files of the state were removed or replaced; until that is merged, rooms may be \
         missing from the state: run `roomctl state repair`",
        rescued(rescue, *count)
    )]
    Unrepaired {
        /// The rescue file, the first of several.
        rescue: String,
        /// How many there are.
        count: usize,
    },
    /// The state can be read, but is not as roomctl wrote it: repair or restore it.
    #[error(
        "{location}: {what}, so it was damaged or edited by hand{}; nothing was overwritten. `roomctl \
         state repair` shows what would become of it and writes it; or restore the file from version \
         control",
        difference(differs.as_ref())
    )]
    Checksum {
        /// The state.
        location: String,
        /// What is wrong.
        what: &'static str,
        /// The first line, from 1, that differs from the newest copy, and that copy.
        differs: Option<(usize, String)>,
    },
    /// git left a conflict in a file: resolve it.
    #[error(
        "{location}:{line}: git left a conflict here; nothing was overwritten. Take one side whole (`git \
         checkout --ours` or `--theirs` with the file), or run `roomctl state repair`, which merges both"
    )]
    Conflict {
        /// The file.
        location: String,
        /// The line of the first mark, from 1.
        line: usize,
    },
    /// The state cannot be repaired automatically.
    #[error("{location} cannot be repaired: {why}; nothing was written")]
    Unrepairable {
        /// The state.
        location: String,
        /// What prevents it, and what to do.
        why: String,
    },
    /// The lease expired or was taken over: run again, which looks up the pending calls.
    #[error(
        "the lock of {location} was lost{}: no further call was made. Run again once it is free: it looks \
         up the outcome of the calls in flight",
        taken(by.as_deref())
    )]
    LeaseLost {
        /// The state.
        location: String,
        /// The current holder, if it could be read.
        by: Option<Box<Holder>>,
    },
    /// The lease was ended by hand: run again, which looks up the pending calls.
    #[error(
        "the lock of {location} was ended by `roomctl state unlock`: no further call was made. Run again: \
         it looks up the outcome of the calls in flight"
    )]
    Unlocked {
        /// The state.
        location: String,
    },
    /// Two parts of the state do not belong together: restore the newest version of both.
    #[error("{location}: {why}; nothing was overwritten. {fix}")]
    Outdated {
        /// The state.
        location: String,
        /// What does not fit.
        why: String,
        /// How to fix it.
        fix: String,
    },
    /// The store cannot be used: follow the message.
    #[error("{location} cannot be used: {why}; nothing was done")]
    Unusable {
        /// The state.
        location: String,
        /// What prevents it, and what to do.
        why: String,
    },
    /// The operating system or the store returned an error: follow the message.
    #[error("cannot {operation} {location}: {error}{}", advice(error))]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The file.
        location: String,
        /// The system's error. The message contains it, so it is not the error's source too.
        error: Arc<io::Error>,
    },
    /// The run was ended before the record could be read or written.
    #[error("the run was ended before {location} could be read or written")]
    Stopped {
        /// The state.
        location: String,
    },
}

/// What happened to a file during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// There is no file at its path.
    Removed,
    /// There is another file at its path, or its content differs.
    Replaced,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "removed",
            Self::Replaced => "replaced or changed",
        })
    }
}

impl StateError {
    /// Adds the attempted operation and the file to a system's error.
    pub(super) fn io(operation: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { operation, location: text(file), error: Arc::new(error) }
    }

    /// Returns whether results of calls in flight are still kept after this error.
    pub(super) fn keeps_results(&self) -> bool {
        matches!(self, Self::Rescued { .. } | Self::Unsaved { .. })
    }

    /// Adds the file and the way to fix it to a parse error.
    pub(super) fn parse(file: &Path, error: ParseError, fix: impl FnOnce(usize) -> String) -> Self {
        let location = text(file);
        match error {
            ParseError::Newer(version) => Self::Newer { location, version },
            ParseError::Damaged { line, column, what } => {
                Self::Damaged { location, line, column, what, fix: fix(line) }
            }
            ParseError::Checksum(what) => Self::Checksum { location, what, differs: None },
            ParseError::Conflict { line } => Self::Conflict { location, line },
            ParseError::Io(error) => Self::Io { operation: "read", location, error },
        }
    }
}

/// Returns a path as errors show it.
pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another run".to_owned(), |holder| format!("another run ({holder})"))
}

fn taken(by: Option<&Holder>) -> String {
    by.map_or_else(String::new, |holder| format!(" to another run ({holder})"))
}

/// Describes how a lock ends by itself, and how to end it by hand.
fn ending(lease: Option<Duration>) -> String {
    let wait = "wait until it ends, or let `--lock-timeout 60s` wait";
    match lease {
        Some(left) => format!(
            "; its lease ends in {} s unless it is renewed: {wait}. If that run is gone for certain, \
             `roomctl state unlock` ends its lease at once",
            left.as_secs()
        ),
        None => format!(
            "; {wait}. The lock ends with that process: `roomctl state unlock` shows how to end it by hand"
        ),
    }
}

fn rescued(rescue: &str, count: usize) -> String {
    match count {
        1 => format!("{rescue} contains what a run"),
        2 => format!("{rescue} and another rescue file contain what earlier runs"),
        more => format!("{rescue} and {} more rescue files contain what earlier runs", more - 1),
    }
}

fn difference(differs: Option<&(usize, String)>) -> String {
    differs.map_or_else(String::new, |(line, copy)| {
        format!("; line {line} is the first that differs from the newest copy, {copy}")
    })
}

fn saving(lines: Option<&str>, rescue: &str) -> String {
    lines.map_or_else(String::new, |lines| {
        format!(
            ". These lines are the only record of it: save them as {rescue} and run `roomctl state \
             repair`\n{lines}"
        )
    })
}

fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    let kind = error.kind();
    if matches!(kind, Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge) {
        "; free some disk space and run again"
    } else if matches!(kind, Kind::PermissionDenied | Kind::ReadOnlyFilesystem) {
        "; the state and the folder around it must be writable for this user"
    } else if kind == Kind::NotFound {
        "; create the folder first, or correct `state:`"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_locked_error_names_the_holder_the_expiry_and_the_way_out() {
        let holder = Holder {
            pid: 7,
            host: "runner-3".to_owned(),
            user: "ada".to_owned(),
            command: "roomctl apply".to_owned(),
            time: Timestamp::from_millis(1_700_000_000_000),
        };
        let locked = |lease_ends| StateError::Locked {
            location: "s3://b/k".to_owned(),
            holder: Some(Box::new(holder.clone())),
            lease_ends,
        };
        insta::assert_snapshot!(locked(Some(Duration::from_millis(43_500))), @"s3://b/k is locked by another run (`roomctl apply` of ada on runner-3, process 7, since 2023-11-14T22:13:20.000Z); its lease ends in 43 s unless it is renewed: wait until it ends, or let `--lock-timeout 60s` wait. If that run is gone for certain, `roomctl state unlock` ends its lease at once");
        insta::assert_snapshot!(locked(None), @"s3://b/k is locked by another run (`roomctl apply` of ada on runner-3, process 7, since 2023-11-14T22:13:20.000Z); wait until it ends, or let `--lock-timeout 60s` wait. The lock ends with that process: `roomctl state unlock` shows how to end it by hand");
    }
}
