//! The emulator's errors.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::task::JoinError;

use crate::model::{Kind, RoomId};

/// Why the emulator could not be opened, served or changed, by what the user does next.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// Another process has the data file open for writing: wait for it, or use the emulator
    /// that it serves.
    #[error(
        "the emulator's data `{}` is in use by another run, or by `roomctl emulator --listen`",
        path.display()
    )]
    Locked {
        /// The data file.
        path: PathBuf,
    },
    /// The data is damaged: remove the file to start with an empty service.
    #[error(
        "the emulator's data `{}` is damaged at line {line}: {reason}; remove it, and its `.log`, to start \
         with an empty service",
        path.display()
    )]
    Damaged {
        /// The file that is damaged.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A newer roomctl wrote the data: use that version.
    #[error("the emulator's data `{}` has version {version}; this roomctl reads version 1", path.display())]
    Newer {
        /// The data file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// A file could not be read or written.
    #[error("cannot {doing} the emulator's data `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operation that failed.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The data cannot be encoded.
    #[error("cannot encode the emulator's data")]
    Encode(#[source] io::Error),
    /// The work was interrupted by a panic, or by the end of the process.
    #[error("the emulator's work was interrupted")]
    Interrupted(#[source] JoinError),
    /// The data was opened for reading only.
    #[error("the emulator's data is read-only")]
    ReadOnly,
    /// The address to listen on is in use, or does not belong to this machine.
    #[error("the emulator cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The emulator does not serve this application.
    #[error("the emulator serves no {kind} app {app}")]
    NoSuchApp {
        /// The requested kind.
        kind: Kind,
        /// The requested id.
        app: u32,
    },
    /// The room does not exist: it was never created, or has ended.
    #[error("room `{room}` of {kind} app {app} does not exist on the emulator")]
    NoSuchRoom {
        /// The application's kind.
        kind: Kind,
        /// The application.
        app: u32,
        /// The room.
        room: RoomId,
    },
    /// An application is configured twice.
    #[error("{kind} app {app} is configured twice on the emulator")]
    DuplicateApp {
        /// The application's kind.
        kind: Kind,
        /// The application.
        app: u32,
    },
    /// The shares of the faults add up to more than 100%.
    #[error("the shares of all faults add up to {percent:.1}%, more than 100%")]
    FaultsOverWhole {
        /// The sum of the shares in percent.
        percent: f64,
    },
}

impl EmulatorError {
    /// Wraps a system error with the file and the operation.
    pub(super) fn file(path: &Path, doing: &'static str, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), doing, source }
    }
}
