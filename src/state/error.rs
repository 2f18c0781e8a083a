//! Why the record could not be read or written, by what the user does next.

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
         version control or a copy, or move the files beside it away if its rooms are gone",
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
         state that it builds on (it may be one of the copies beside it): the journal names rooms \
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
    /// The state was changed by something else while this run held the lock: run again.
    #[error(
        "{} was changed by something else while this run held its lock; nothing was overwritten, \
         and what this run did is kept in {}: look at the file, then run again",
        file.display(),
        journal.display()
    )]
    Changed {
        /// The state.
        file: PathBuf,
        /// Where this run's record is.
        journal: PathBuf,
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

impl StateError {
    /// Says of a system's error what was tried with which file.
    pub(super) fn io(operation: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { operation, file: file.to_owned(), error: Arc::new(error) }
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
            ParseError::Io(error) => Self::Io { operation: "read", file, error },
        }
    }
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another run".to_owned(), |holder| format!("another run ({holder})"))
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
