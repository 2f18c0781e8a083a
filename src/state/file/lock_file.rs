//! The lock: an OS lock, which a crash releases, on a file that names the holder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::state::error::text;
use crate::state::{Held, Holder, LastCalls, Loss, StateError, merge_last_calls};

use super::disk::{Links, Stat, open_regular, private};

/// The lock, held until it is dropped.
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
    holder: Holder,
    /// The note of the previous run.
    pub(super) earlier: Earlier,
}

/// The result of an attempt to take a lock.
pub(super) enum Attempt<T> {
    /// This run holds it.
    Taken(T),
    /// Another run holds it; the holder, if it could be read.
    Held(Option<Holder>),
}

/// The most bytes that are read of a lock file, which contains one short line.
const MAX_BYTES: u64 = 1 << 20;
/// How often taking a lock is retried if its file is replaced meanwhile.
const ATTEMPTS: usize = 100;

/// What the lock file records about the previous run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    /// When each call was last made, as far as recorded.
    pub(super) last_calls: LastCalls,
    /// Whether `last_calls` is complete.
    pub(super) ended: Ended,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    /// It recorded when its last calls were.
    Cleanly,
    /// It did not record them, or is still in progress.
    Uncleanly,
}

/// The content of the lock file. It is informational: an unreadable one counts as absent.
#[derive(Serialize, Deserialize)]
struct Note {
    holder: Holder,
    ended: Ended,
    last_calls: LastCalls,
}

impl LockFile {
    /// Tries to take the lock, and writes the holder into it. If the locked file is no longer the
    /// one at its path, it would not exclude other runs: it is released, and the file at the path
    /// is tried.
    pub(super) fn take(path: &Path, holder: Holder) -> Result<Attempt<Self>, StateError> {
        let failed = |error| StateError::io("lock", path)(error);
        for _ in 0..ATTEMPTS {
            let mut options = private();
            options.read(true).write(true).create(true).truncate(false);
            let file = open_regular(&mut options, path, Links::Refused).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Attempt::Held(holder_in(&file))),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            match check(&file, path) {
                Ok(()) => return Self::taken(file, path, holder).map(Attempt::Taken),
                Err(StateError::Changed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(failed(io::Error::other("it keeps being replaced")))
    }

    /// Checks that the file at the lock's path still is the one that is locked.
    pub(super) fn check(&self) -> Result<(), StateError> {
        check(&self.file, &self.path)
    }

    /// Returns the holder: this run.
    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }

    fn taken(file: File, path: &Path, holder: Holder) -> Result<Self, StateError> {
        let failed = |error| StateError::io("lock", path)(error);
        let earlier = earlier_in(&text_in(&file).map_err(failed)?);
        let mut lock = Self { file, path: path.to_owned(), holder, earlier };
        lock.write(Ended::Uncleanly, lock.earlier.last_calls.clone())?;
        Ok(lock)
    }

    /// Writes when the last calls were, and releases the lock.
    pub(super) fn release(mut self, last_calls: LastCalls) -> Result<(), StateError> {
        let mut all = std::mem::take(&mut self.earlier.last_calls);
        merge_last_calls(&mut all, last_calls);
        self.write(Ended::Cleanly, all)
    }

    /// Releases the lock with the note that was found, because no call was made.
    pub(super) fn restore(mut self) -> Result<(), StateError> {
        let Earlier { last_calls, ended } = self.earlier.clone();
        self.write(ended, last_calls)
    }

    /// Writes before truncating, so that a reader never sees an empty file.
    fn write(&mut self, ended: Ended, last_calls: LastCalls) -> Result<(), StateError> {
        let Self { file, path, holder, earlier: _ } = self;
        let note = Note { holder: holder.clone(), ended, last_calls };
        let mut write = || {
            let mut text = serde_json::to_vec(&note)?;
            text.push(b'\n');
            file.rewind()?;
            file.write_all(&text)?;
            file.set_len(text.len() as u64)
        };
        write().map_err(StateError::io("write", path))
    }
}

/// Reads the note of the previous run, or of the one in progress, without the lock.
pub(super) fn earlier(path: &Path) -> Result<Earlier, StateError> {
    match open_regular(File::options().read(true), path, Links::Refused) {
        Ok(file) => text_in(&file).map(|text| earlier_in(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(earlier_in(b"")),
        Err(error) => Err(error),
    }
    .map_err(StateError::io("read", path))
}

/// Returns the lock that a run holds; `None` if the lock is free.
pub(super) fn held(path: &Path) -> Result<Option<Held>, StateError> {
    let file = match open_regular(File::options().read(true), path, Links::Refused) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io("read", path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(Held { holder: holder_in(&file), lease: None })),
        Err(TryLockError::Error(error)) => Err(StateError::io("lock", path)(error)),
    }
}

/// Checks that the file at `path` is the one that was opened.
fn check(file: &File, path: &Path) -> Result<(), StateError> {
    let failed = |error| StateError::io("inspect", path)(error);
    let opened = Stat::of(&file.metadata().map_err(failed)?).id;
    let loss = match fs::symlink_metadata(path) {
        Ok(metadata) if Stat::of(&metadata).id == opened => return Ok(()),
        Ok(_) => Loss::Replaced,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Loss::Removed,
        Err(error) => return Err(failed(error)),
    };
    Err(StateError::Changed { location: text(path), loss })
}

fn earlier_in(text: &[u8]) -> Earlier {
    let ended = if text.is_empty() { Ended::Cleanly } else { Ended::Uncleanly };
    note_in(text).map_or(Earlier { last_calls: LastCalls::new(), ended }, |note| {
        let Note { holder: _, ended, last_calls } = note;
        Earlier { last_calls, ended }
    })
}

/// Returns the holder of the lock; `None` if it is not written yet.
fn holder_in(file: &File) -> Option<Holder> {
    let Note { holder, ended, last_calls: _ } = note_in(&text_in(file).ok()?)?;
    (ended == Ended::Uncleanly).then_some(holder)
}

/// Parses the note, which is the first line. The rest may remain of a longer earlier note.
fn note_in(text: &[u8]) -> Option<Note> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    serde_json::from_slice(line).ok()
}

fn text_in(mut file: &File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.rewind()?;
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
