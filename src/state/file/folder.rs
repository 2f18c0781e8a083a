//! The paths of a state's files, and the operations on them, with errors that name the file.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::state::error::text;
use crate::state::format::{self, Document, Fingerprint, ParseError, SharedRooms};
use crate::state::{Loss, StateError};

use super::difference;
use super::disk::{Disk, Input, Output, Stat};

/// The files of one state. All are in one folder, so that a rename stays on one file system.
#[derive(Clone)]
pub(super) struct Folder {
    disk: Arc<dyn Disk>,
    /// Declared rooms that the record may share.
    shared: SharedRooms,
    /// The state.
    pub(super) state: PathBuf,
    /// The journal.
    pub(super) journal: PathBuf,
    /// The lock. Never removed: a run that waits for it has it open.
    pub(super) lock: PathBuf,
    /// The next state, until it is complete.
    pub(super) next: PathBuf,
    /// A copy of the state, until it is complete.
    pub(super) partial_copy: PathBuf,
    /// The file that probes the free disk space.
    pub(super) probe: PathBuf,
}

/// The most symbolic links that are followed: the limit of Linux.
const LINKS: usize = 40;
/// The suffix of a copy's name, before its serial.
const COPY: &str = ".backup-";
/// The suffix of a rescue file's name, before the process id of its run.
const RESCUE: &str = ".rescue-";

impl Folder {
    /// Derives the paths from the path of the state, which may be a symbolic link.
    pub(super) fn of(path: &Path, disk: Arc<dyn Disk>) -> Self {
        let state = resolved(path);
        let beside = |suffix: &str| with_suffix(&state, suffix);
        Self {
            disk,
            shared: SharedRooms::default(),
            journal: beside(".journal"),
            lock: beside(".lock"),
            next: beside(".next"),
            partial_copy: beside(".copying"),
            probe: beside(".probe"),
            state,
        }
    }

    /// Lets the state that is read share declared rooms.
    pub(super) fn sharing(self, shared: SharedRooms) -> Self {
        Self { shared, ..self }
    }

    /// Returns the path of the copy of the state with `serial`.
    pub(super) fn copy(&self, serial: u64) -> PathBuf {
        with_suffix(&self.state, &format!("{COPY}{serial}"))
    }

    /// Returns the kept copies with their serials, oldest first.
    pub(super) fn copies(&self) -> Result<Vec<(u64, PathBuf)>, StateError> {
        let named = self.named(COPY)?;
        let serial = |(serial, path): (String, PathBuf)| Some((serial.parse().ok()?, path));
        let mut copies: Vec<_> = named.into_iter().filter_map(serial).collect();
        copies.sort_unstable();
        Ok(copies)
    }

    /// Returns the rescue files, sorted by name.
    pub(super) fn rescues(&self) -> Result<Vec<PathBuf>, StateError> {
        let mut rescues: Vec<_> = self.named(RESCUE)?.into_iter().map(|(_, path)| path).collect();
        rescues.sort_unstable();
        Ok(rescues)
    }

    /// Fails while there is a rescue file: it may contain rooms that the state lacks.
    pub(super) fn check_rescues(&self) -> Result<(), StateError> {
        let rescues = self.rescues()?;
        let count = rescues.len();
        let first = rescues.into_iter().next();
        first.map_or(Ok(()), |rescue| Err(StateError::Unrepaired { rescue: text(&rescue), count }))
    }

    /// Returns the path of a process's rescue file while it is incomplete.
    pub(super) fn partial_rescue(&self, pid: u32) -> PathBuf {
        with_suffix(&self.state, &format!(".rescuing-{pid}"))
    }

    /// Returns the path of a process's rescue file.
    pub(super) fn rescue(&self, pid: u32) -> PathBuf {
        with_suffix(&self.state, &format!("{RESCUE}{pid}"))
    }

    /// Returns an unused path for a process's rescue file.
    pub(super) fn free_rescue(&self, pid: u32) -> Result<PathBuf, StateError> {
        self.free(&format!("{RESCUE}{pid}"))
    }

    /// Returns an unused path for a damaged file that a repair replaces by the state with `serial`.
    pub(super) fn damaged(&self, file: &Path, serial: u64) -> Result<PathBuf, StateError> {
        let journal = if file == self.journal { ".journal" } else { "" };
        self.free(&format!("{journal}.damaged-{serial}"))
    }

    /// Returns an unused path with this suffix, followed by a number if needed.
    pub(super) fn free(&self, suffix: &str) -> Result<PathBuf, StateError> {
        let mut path = with_suffix(&self.state, suffix);
        let mut number = 1;
        while self.stat(&path)?.is_some() {
            number += 1;
            path = with_suffix(&self.state, &format!("{suffix}-{number}"));
        }
        Ok(path)
    }

    /// Returns the files whose names begin with the state's name and `suffix`, each with the rest
    /// of its name.
    fn named(&self, suffix: &str) -> Result<Vec<(String, PathBuf)>, StateError> {
        let folder = self.path();
        let names = self.disk.names(folder).map_err(StateError::io("list", folder))?;
        let start = with_suffix(&self.state, suffix);
        let start = start.file_name().unwrap_or_default().as_encoded_bytes();
        let rest = |name: &OsString| {
            let rest = name.as_encoded_bytes().strip_prefix(start)?;
            Some((String::from_utf8_lossy(rest).into_owned(), self.state.with_file_name(name)))
        };
        Ok(names.iter().filter_map(rest).collect())
    }

    /// Returns the identity of the file at a path; `None` if it is missing.
    pub(super) fn stat(&self, path: &Path) -> Result<Option<Stat>, StateError> {
        match self.disk.stat(path) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::io("inspect", path)(error)),
        }
    }

    /// Reads the state; `None` if it is missing.
    pub(super) fn document(&self) -> Result<Option<Document>, StateError> {
        match format::read_sharing(|| self.disk.open(&self.state), &self.shared) {
            Ok(document) => Ok(Some(document)),
            Err(ParseError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(ParseError::Checksum(what)) => {
                let (location, differs) = (text(&self.state), self.first_difference()?);
                Err(StateError::Checksum { location, what, differs })
            }
            Err(error) => Err(StateError::parse(&self.state, error, |_| self.fix_state())),
        }
    }

    /// Reads a file's text and the status of its writer; `None` if it is missing.
    pub(super) fn text(&self, path: &Path) -> Result<Option<(Vec<u8>, WriterStatus)>, StateError> {
        let Some(mut reader) = self.open(path)? else { return Ok(None) };
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map_err(StateError::io("read", path))?;
        // Checked after reading: otherwise a run that starts after the check would count as ended,
        // although its entries were read.
        let status = if reader.is_held() { WriterStatus::Running } else { WriterStatus::Ended };
        Ok(Some((content, status)))
    }

    /// Checks that the state is still the one that was read, or is still missing.
    pub(super) fn check_unchanged(&self, read: Option<Fingerprint>) -> Result<(), StateError> {
        let now = match self.open(&self.state)? {
            Some(reader) => {
                Some(Fingerprint::of(reader).map_err(StateError::io("read", &self.state))?)
            }
            None => None,
        };
        if now == read {
            return Ok(());
        }
        let loss = if now.is_none() { Loss::Removed } else { Loss::Replaced };
        Err(StateError::Changed { location: text(&self.state), loss })
    }

    /// Returns the first line of the state that differs from the newest copy, and that copy.
    fn first_difference(&self) -> Result<Option<(usize, String)>, StateError> {
        let Some((_, copy)) = self.copies()?.into_iter().next_back() else { return Ok(None) };
        let (Some(state), Some(before)) = (self.open(&self.state)?, self.open(&copy)?) else {
            return Ok(None);
        };
        let line = difference::first(state, before).map_err(StateError::io("read", &copy))?;
        Ok(line.map(|line| (line, text(&copy))))
    }

    /// Creates a file. Replaces one that an earlier run may have left incomplete.
    pub(super) fn create(&self, path: &Path) -> Result<Box<dyn Output>, StateError> {
        self.remove_if_there(path)?;
        self.create_new(path)
    }

    /// Creates a file, which must not exist yet.
    pub(super) fn create_new(&self, path: &Path) -> Result<Box<dyn Output>, StateError> {
        self.disk.create(path).map_err(StateError::io("create", path))
    }

    /// Creates a hard link. Some file systems do not support this.
    pub(super) fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.disk.link(file, name)
    }

    /// Opens a file, which must exist.
    pub(super) fn open_existing(&self, path: &Path) -> Result<Box<dyn Input>, StateError> {
        self.disk.open(path).map_err(StateError::io("read", path))
    }

    /// Replaces a file by another, durably.
    pub(super) fn replace(&self, from: &Path, to: &Path) -> Result<(), StateError> {
        self.disk.rename(from, to).map_err(StateError::io("replace", to))?;
        self.sync()
    }

    /// Removes a file, which must exist.
    pub(super) fn remove(&self, path: &Path) -> Result<(), StateError> {
        self.disk.remove(path).map_err(StateError::io("remove", path))
    }

    /// Removes a file if it exists.
    pub(super) fn remove_if_there(&self, path: &Path) -> Result<(), StateError> {
        match self.disk.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StateError::io("remove", path)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Syncs the folder, which makes its names durable.
    pub(super) fn sync(&self) -> Result<(), StateError> {
        let folder = self.path();
        self.disk.sync_folder(folder).map_err(StateError::io("sync", folder))
    }

    fn open(&self, path: &Path) -> Result<Option<Box<dyn Input>>, StateError> {
        match self.disk.open(path) {
            Ok(reader) => Ok(Some(reader)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::io("read", path)(error)),
        }
    }

    fn path(&self) -> &Path {
        match self.state.parent() {
            Some(folder) if folder != Path::new("") => folder,
            Some(_) | None => Path::new("."),
        }
    }

    fn fix_state(&self) -> String {
        let newest = self.copies().ok().and_then(|copies| copies.into_iter().next_back());
        let copy = newest
            .map_or_else(String::new, |(_, path)| format!(" or from the copy {}", path.display()));
        format!(
            "`roomctl state repair` shows what can be saved, and writes it; or restore the state from \
             version control{copy}"
        )
    }
}

/// Whether the process that writes a journal is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriterStatus {
    /// A run is in progress.
    Running,
    /// The run has ended.
    Ended,
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Follows symbolic links to the file that a path names, which may be missing.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = path.read_link() else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}
