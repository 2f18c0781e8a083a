//! Why the record could not be read or written, by what the user does next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Holder;
use super::format::ParseError;

/// Why the record could not be read or written, by what the user does next.
///
/// Nothing was overwritten where one of these is told.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// Another run holds the lock: wait for it.
    #[error(
        "{} is locked by {}; wait until it ends, or let `--lock-timeout 60s` wait",
        file.display(),
        named(holder.as_deref())
    )]
    Locked {
        /// The state.
        file: PathBuf,
        /// Who holds the lock, where it could be read.
        holder: Option<Box<Holder>>,
    },
    /// A newer roomctl wrote the file: update this one.
    #[error(
        "{} has format version {version}, which is newer than this roomctl knows; update roomctl",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its format.
        version: u64,
    },
    /// The file is not as it was written: mend it.
    #[error("{}:{line}:{column}: {what}; nothing was overwritten. {mend}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// What is wrong.
        what: String,
        /// How to mend it.
        mend: String,
    },
    /// There is no state, though there was one: bring it back.
    #[error(
        "{} is missing, but {} stands beside it, so there was a state once; bring it back from \
         version control, have `roomctl state repair` rebuild it, or move the files beside it away \
         if its rooms are gone",
        file.display(),
        beside.display()
    )]
    Missing {
        /// The state.
        file: PathBuf,
        /// What shows that there was one.
        beside: PathBuf,
    },
    /// The journal builds on another state: bring that one back.
    #[error(
        "{} builds on {builds_on}, but {} is {found}; nothing was overwritten. Bring back the \
         state that it builds on, or have `roomctl state repair` merge it: the journal names rooms \
         that no other state knows",
        journal.display(),
        file.display()
    )]
    Foreign {
        /// The state.
        file: PathBuf,
        /// The journal.
        journal: PathBuf,
        /// Which state the journal builds on.
        builds_on: String,
        /// Which state is there.
        found: String,
    },
    /// A file was changed by something else while this run held the lock, which has done nothing
    /// yet: run again.
    #[error(
        "{} was {loss} by something else while this run held the lock; nothing was done, and \
         nothing was overwritten: run again",
        file.display()
    )]
    Changed {
        /// The file.
        file: PathBuf,
        /// What became of it.
        loss: Loss,
    },
    /// A file was changed by something else while this run held the lock; what this run did is in
    /// a rescue file: repair.
    #[error(
        "{} was {loss} by something else while this run held the lock: no further call was made. \
         What this run did is in {}, which `roomctl state repair` merges; no run begins before",
        file.display(),
        rescue.display()
    )]
    Rescued {
        /// The file that was changed.
        file: PathBuf,
        /// What became of it.
        loss: Loss,
        /// Where this run's record is.
        rescue: PathBuf,
    },
    /// The same, and the rescue file could not be written: save what the error says.
    #[error(
        "{} was {loss} by something else while this run held the lock: no further call was made, \
         and what this run did could not be kept: {why}{}",
        file.display(),
        saving(lines.as_deref(), rescue)
    )]
    Unsaved {
        /// The file that was changed.
        file: PathBuf,
        /// What became of it.
        loss: Loss,
        /// Where this run's record was to be.
        rescue: PathBuf,
        /// Why it is not.
        why: Box<StateError>,
        /// The record of this run, in the end.
        lines: Option<Arc<str>>,
    },
    /// An earlier run left a rescue file: repair.
    #[error(
        "{} holds what {} did while the files of the state were removed or replaced; until it is \
         merged, rooms that it names may be missing from the state: run `roomctl state repair`",
        rescue.display(),
        others(*count)
    )]
    Unrepaired {
        /// The rescue file, the first of several.
        rescue: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// The state reads, and is not as roomctl wrote it: repair, or bring it back.
    #[error(
        "{}: {what}, so it was damaged or edited by hand{}; nothing was overwritten. `roomctl state \
         repair` shows what would become of it and writes it; or bring the file back from version \
         control",
        file.display(),
        difference(differs.as_ref())
    )]
    Checksum {
        /// The state.
        file: PathBuf,
        /// What is wrong.
        what: &'static str,
        /// The first line, from 1, that differs from the newest copy, and that copy.
        differs: Option<(usize, PathBuf)>,
    },
    /// git left a conflict in a file: resolve it.
    #[error(
        "{}:{line}: git left a conflict here; nothing was overwritten. Take one side whole (`git \
         checkout --ours` or `--theirs` with the file), or have `roomctl state repair` put both \
         together",
        file.display()
    )]
    Conflict {
        /// The file.
        file: PathBuf,
        /// The line of the first mark, from 1.
        line: usize,
    },
    /// What is there cannot be repaired without its owner.
    #[error("{} cannot be repaired: {why}; nothing was written", file.display())]
    Unrepairable {
        /// The state.
        file: PathBuf,
        /// What stands in the way, and what to do.
        why: String,
    },
    /// The system refused: mend what it says.
    #[error("cannot {operation} {}: {error}{}", file.display(), advice(error))]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system said. It is in the message, so it is not the error's source too.
        error: Arc<io::Error>,
    },
    /// The run was ended before the record could be read or written.
    #[error("the run was ended before {} could be read or written", file.display())]
    Stopped {
        /// The state.
        file: PathBuf,
    },
}

/// What became of a file while a run worked with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is at its path any more.
    Removed,
    /// Another file is at its path, or other content.
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
    /// Says of a system's error what was tried with which file.
    pub(super) fn io(operation: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { operation, file: file.to_owned(), error: Arc::new(error) }
    }

    /// Whether results of calls in flight are still kept after it.
    pub(super) fn keeps_results(&self) -> bool {
        matches!(self, Self::Rescued { .. } | Self::Unsaved { .. })
    }

    /// Says of a text's error which file it is in, and how to mend it.
    pub(super) fn parse(
        file: &Path,
        error: ParseError,
        mend: impl FnOnce(usize) -> String,
    ) -> Self {
        let file = file.to_owned();
        match error {
            ParseError::Newer(version) => Self::Newer { file, version },
            ParseError::Damaged { line, column, what } => {
                Self::Damaged { file, line, column, what, mend: mend(line) }
            }
            ParseError::Checksum(what) => Self::Checksum { file, what, differs: None },
            ParseError::Conflict { line } => Self::Conflict { file, line },
            ParseError::Io(error) => Self::Io { operation: "read", file, error },
        }
    }
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another run".to_owned(), |holder| format!("another run ({holder})"))
}

fn others(count: usize) -> String {
    if count == 1 { "a run".to_owned() } else { format!("(with {} more) runs", count - 1) }
}

fn difference(differs: Option<&(usize, PathBuf)>) -> String {
    differs.map_or_else(String::new, |(line, copy)| {
        format!("; line {line} is the first that differs from the newest copy, {}", copy.display())
    })
}

fn saving(lines: Option<&str>, rescue: &Path) -> String {
    lines.map_or_else(String::new, |lines| {
        format!(
            ". These lines are all that there is of it: save them as {} and run `roomctl state \
             repair`\n{lines}",
            rescue.display()
        )
    })
}

fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    let kind = error.kind();
    if matches!(kind, Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge) {
        "; make room on the disk and run again"
    } else if matches!(kind, Kind::PermissionDenied | Kind::ReadOnlyFilesystem) {
        "; the state and the folder around it must be writable for this user"
    } else if kind == Kind::NotFound {
        "; make the folder first, or correct `state:`"
    } else {
        ""
    }
}
