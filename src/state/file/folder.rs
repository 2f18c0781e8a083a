//! Where the files of a state are, and what is done to them, with errors that name the file.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::state::StateError;
use crate::state::format::{self, Document, Fingerprint, SharedRooms};

use super::disk::{Disk, Output};

/// The files of one state. All lie in one folder, so that a rename stays on one file system.
#[derive(Clone)]
pub(super) struct Folder {
    disk: Arc<dyn Disk>,
    /// Rooms that are in memory already.
    shared: SharedRooms,
    /// The state.
    pub(super) state: PathBuf,
    /// The journal.
    pub(super) journal: PathBuf,
    /// The lock. Never removed: whoever waits for it has it open.
    pub(super) lock: PathBuf,
    /// The next state, until it is whole.
    pub(super) next: PathBuf,
    /// A copy of the state, until it is whole.
    pub(super) half_copy: PathBuf,
    /// Tells whether there is room.
    pub(super) probe: PathBuf,
}

/// How many symbolic links are followed: as many as Linux does.
const LINKS: usize = 40;
/// What a copy's name ends with, before its serial.
const COPY: &str = ".backup-";

impl Folder {
    /// Finds the files of the state at `path`, which may be a symbolic link to it.
    pub(super) fn of(path: &Path, disk: Arc<dyn Disk>) -> Self {
        let state = resolved(path);
        let beside = |suffix: &str| with_suffix(&state, suffix);
        Self {
            disk,
            shared: SharedRooms::default(),
            journal: beside(".journal"),
            lock: beside(".lock"),
            next: beside(".next"),
            half_copy: beside(".copying"),
            probe: beside(".probe"),
            state,
        }
    }

    /// Lets what is read of the state share rooms that are in memory already.
    pub(super) fn sharing(self, shared: SharedRooms) -> Self {
        Self { shared, ..self }
    }

    /// Where the copy of the state of `serial` is kept.
    pub(super) fn copy(&self, serial: u64) -> PathBuf {
        with_suffix(&self.state, &format!("{COPY}{serial}"))
    }

    /// The kept copies with their serials, oldest first.
    pub(super) fn copies(&self) -> Result<Vec<(u64, PathBuf)>, StateError> {
        let folder = self.path();
        let names = self.disk.names(folder).map_err(StateError::io("list", folder))?;
        let start = with_suffix(&self.state, COPY);
        let start = start.file_name().unwrap_or_default().as_encoded_bytes();
        let mut copies: Vec<_> = names
            .iter()
            .filter_map(|name| {
                let serial = name.as_encoded_bytes().strip_prefix(start)?;
                let serial = std::str::from_utf8(serial).ok()?.parse().ok()?;
                Some((serial, folder.join(name)))
            })
            .collect();
        copies.sort_unstable();
        Ok(copies)
    }

    /// Reads the state; none where it is missing.
    pub(super) fn document(&self) -> Result<Option<Document>, StateError> {
        match format::read_sharing(|| self.disk.open(&self.state), &self.shared) {
            Ok(document) => Ok(Some(document)),
            Err(format::ParseError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(StateError::parse(&self.state, error, |_| self.mend_state())),
        }
    }

    /// Reads the journal's text; none where it is missing.
    pub(super) fn journal_text(&self) -> Result<Option<Vec<u8>>, StateError> {
        let failed = |error| StateError::io("read", &self.journal)(error);
        let Some(mut reader) = self.open(&self.journal)? else { return Ok(None) };
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map_err(failed)?;
        Ok(Some(text))
    }

    /// Checks that the state is still the one that was read; none where it was missing.
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
        Err(StateError::Changed { file: self.state.clone(), journal: self.journal.clone() })
    }

    /// Makes a file, in the place of one that an earlier run may have left half-written.
    pub(super) fn create(&self, path: &Path) -> Result<Box<dyn Output>, StateError> {
        self.remove_if_there(path)?;
        self.create_new(path)
    }

    /// Makes a file that must not be there yet.
    pub(super) fn create_new(&self, path: &Path) -> Result<Box<dyn Output>, StateError> {
        self.disk.create(path).map_err(StateError::io("create", path))
    }

    /// Gives the state a second name. Not every file system can.
    pub(super) fn link_state(&self, name: &Path) -> io::Result<()> {
        self.disk.link(&self.state, name)
    }

    /// Opens the state, which must be there.
    pub(super) fn open_state(&self) -> Result<Box<dyn Read + Send>, StateError> {
        self.disk.open(&self.state).map_err(StateError::io("read", &self.state))
    }

    /// Puts a file in the place of another, durably.
    pub(super) fn replace(&self, from: &Path, to: &Path) -> Result<(), StateError> {
        self.disk.rename(from, to).map_err(StateError::io("replace", to))?;
        self.sync()
    }

    /// Removes a file, which must be there.
    pub(super) fn remove(&self, path: &Path) -> Result<(), StateError> {
        self.disk.remove(path).map_err(StateError::io("remove", path))
    }

    /// Removes a file where it is there.
    pub(super) fn remove_if_there(&self, path: &Path) -> Result<(), StateError> {
        match self.disk.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StateError::io("remove", path)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync(&self) -> Result<(), StateError> {
        let folder = self.path();
        self.disk.sync_folder(folder).map_err(StateError::io("sync", folder))
    }

    fn open(&self, path: &Path) -> Result<Option<Box<dyn Read + Send>>, StateError> {
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

    fn mend_state(&self) -> String {
        let newest = self.copies().ok().and_then(|copies| copies.into_iter().next_back());
        let copy = newest
            .map_or_else(String::new, |(_, path)| format!(" or from the copy {}", path.display()));
        format!("Mend the line, or bring the state back from version control{copy}")
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The file that a path names in the end, whether or not it is there.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = path.read_link() else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}
