//! The data file: a snapshot of the world, and a log of the changes since.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::EmulatorError;
use super::world::{Change, World};

/// Where the emulator's data is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In memory: it ends with the emulator.
    Memory,
    /// In this file and the log beside it (`.log`, also the lock), both of mode 0600. Each change is durable
    /// before its answer.
    File(PathBuf),
    /// Read from that file, or empty if it does not exist. Nothing is written, and no lock is taken.
    ReadOnly(PathBuf),
}

/// The open store of the changes. Its writes block until they are durable.
#[derive(Debug)]
pub(super) enum Storage {
    Memory,
    ReadOnly,
    Log(Log),
}

/// The log, open and locked.
#[derive(Debug)]
pub(super) struct Log {
    /// The snapshot.
    path: PathBuf,
    /// The log itself.
    beside: PathBuf,
    file: File,
    /// The number of changes ever made.
    serial: u64,
    /// The lines in the log.
    lines: usize,
    /// The lines of the snapshot as it was last written.
    folded: usize,
    /// Whether a write has failed: what the file holds is then unknown, and every later write fails.
    failed: bool,
}

/// A line of the log.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object")]
struct LogLine {
    serial: u64,
    change: Change,
}

/// The version of a snapshot, read before the rest.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Version {
    version: u64,
}

/// A snapshot as it is written.
#[derive(Debug)]
pub(super) struct Snapshot {
    text: Vec<u8>,
    /// The number of changes in it, a line for each.
    lines: usize,
}

/// A snapshot as it is read.
#[derive(Default, Deserialize)]
#[serde(expecting = "an object")]
struct SnapshotRead {
    serial: u64,
    world: Vec<Change>,
}

/// What was read: the world, the serial of its last change, and the lines of the log and of the snapshot.
struct Loaded {
    world: World,
    serial: u64,
    lines: usize,
    folded: usize,
}

const VERSION: u64 = 1;

/// The log is folded into the snapshot once it has this many lines, and as many as the snapshot: so the cost
/// of a change does not depend on the number of rooms.
const LOG_LINES: usize = 256;

impl Data {
    /// Reads the world, and opens the log for its changes.
    pub(super) fn open(self) -> Result<(World, Storage), EmulatorError> {
        match self {
            Self::Memory => Ok((World::default(), Storage::Memory)),
            Self::ReadOnly(path) => {
                // The log first: what a writer folds in between is then in the snapshot.
                let log = read_if_exists(&log_path(&path))?;
                Ok((load(&path, &log)?.world, Storage::ReadOnly))
            }
            Self::File(path) => Log::open(path).map(|(world, log)| (world, Storage::Log(log))),
        }
    }
}

impl Storage {
    /// Whether a change is written to a disk.
    pub(super) fn is_on_disk(&self) -> bool {
        match self {
            Self::Log(_) => true,
            Self::Memory | Self::ReadOnly => false,
        }
    }

    /// Whether the log is long enough to be folded before the next change.
    pub(super) fn is_fold_due(&self) -> bool {
        match self {
            Self::Log(log) => log.lines >= LOG_LINES.max(log.folded),
            Self::Memory | Self::ReadOnly => false,
        }
    }

    /// Whether the log holds changes that the snapshot does not.
    pub(super) fn has_changes(&self) -> bool {
        match self {
            Self::Log(log) => log.lines > 0,
            Self::Memory | Self::ReadOnly => false,
        }
    }

    /// Encodes a world with all changes so far as a snapshot.
    pub(super) fn encode(&self, world: &World) -> Result<Snapshot, EmulatorError> {
        let serial = match self {
            Self::Log(log) => log.serial,
            Self::Memory | Self::ReadOnly => 0,
        };
        Snapshot::encode(serial, world)
    }

    /// Makes a change durable, before the world has it.
    pub(super) fn append(&mut self, change: &Change) -> Result<(), EmulatorError> {
        match self {
            Self::Memory => Ok(()),
            Self::ReadOnly => Err(EmulatorError::ReadOnly),
            Self::Log(log) => log.append(change),
        }
    }

    /// Writes a snapshot that holds every change, and empties the log.
    pub(super) fn fold(&mut self, snapshot: &Snapshot) -> Result<(), EmulatorError> {
        match self {
            Self::Log(log) => log.fold(snapshot),
            Self::Memory | Self::ReadOnly => Ok(()),
        }
    }

    /// Exchanges the file of the log.
    #[cfg(test)]
    pub(super) fn swap(&mut self, file: &mut File) {
        if let Self::Log(log) = self {
            std::mem::swap(&mut log.file, file);
        }
    }
}

impl Log {
    fn open(path: PathBuf) -> Result<(World, Self), EmulatorError> {
        let beside = log_path(&path);
        let failed = |doing| {
            let beside = beside.clone();
            move |source| EmulatorError::file(&beside, doing, source)
        };
        let mut file = open_private(&beside).map_err(failed("open"))?;
        lock(&file, &path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed("read"))?;
        let Loaded { world, serial, lines, folded } = load(&path, &text)?;
        let mut log = Self { path, beside, file, serial, lines, folded, failed: false };
        // Also if it holds nothing but a line that a crash cut short.
        if !text.is_empty() || !log.path.exists() {
            let snapshot = Snapshot::encode(log.serial, &world)?;
            log.fold(&snapshot)?;
        }
        Ok((world, log))
    }

    fn append(&mut self, change: &Change) -> Result<(), EmulatorError> {
        if self.failed {
            let source = io::Error::other("an earlier write failed");
            return Err(EmulatorError::file(&self.beside, "write", source));
        }
        let line = LogLine { serial: self.serial + 1, change: change.clone() };
        let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            self.file.write_all(&text)?;
            self.file.sync_data()
        });
        self.failed = written.is_err();
        written.map_err(|source| EmulatorError::file(&self.beside, "write", source))?;
        self.serial += 1;
        self.lines += 1;
        Ok(())
    }

    fn fold(&mut self, snapshot: &Snapshot) -> Result<(), EmulatorError> {
        replace_file(&self.path, &snapshot.text)
            .map_err(|source| EmulatorError::file(&self.path, "write", source))?;
        self.folded = snapshot.lines;
        let emptied = self.file.set_len(0).and_then(|()| self.file.sync_data());
        emptied.map_err(|source| EmulatorError::file(&self.beside, "empty", source))?;
        self.lines = 0;
        Ok(())
    }
}

impl Snapshot {
    fn encode(serial: u64, world: &World) -> Result<Self, EmulatorError> {
        let mut text =
            format!("{{\"version\":{VERSION},\"serial\":{serial},\"world\":[").into_bytes();
        let mut lines = 0;
        for change in world.changes() {
            text.extend(if lines == 0 { "\n" } else { ",\n" }.bytes());
            let encoded = serde_json::to_writer(&mut text, &change);
            encoded.map_err(|error| EmulatorError::Encode(error.into()))?;
            lines += 1;
        }
        text.extend_from_slice(b"\n]}\n");
        Ok(Self { text, lines })
    }

    /// Returns the JSON document.
    pub(super) fn into_text(self) -> Vec<u8> {
        self.text
    }
}

fn log_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".log");
    PathBuf::from(name)
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn lock(file: &File, path: &Path) -> Result<(), EmulatorError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(EmulatorError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(EmulatorError::file(path, "lock", source)),
    }
}

fn read_if_exists(path: &Path) -> Result<Vec<u8>, EmulatorError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(EmulatorError::file(path, "read", source)),
    }
}

fn load(path: &Path, log: &[u8]) -> Result<Loaded, EmulatorError> {
    let SnapshotRead { serial, world: changes } = read_snapshot(path)?;
    let mut world = World::default();
    let folded = changes.len();
    for change in changes {
        world.apply(change);
    }
    let mut loaded = Loaded { world, serial, lines: 0, folded };
    for text in log.split_inclusive(|byte| *byte == b'\n') {
        // A line that a crash cut short belongs to a change that was never answered.
        let Some(text) = text.strip_suffix(b"\n") else { break };
        loaded.lines += 1;
        let bad = |reason: String| EmulatorError::Damaged {
            path: log_path(path),
            line: loaded.lines,
            reason,
        };
        let line: LogLine = serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?;
        if line.serial > loaded.serial + 1 {
            return Err(bad(format!("change {} is missing before it", loaded.serial + 1)));
        }
        if line.serial > loaded.serial {
            loaded.serial = line.serial;
            loaded.world.apply(line.change);
        }
    }
    Ok(loaded)
}

fn read_snapshot(path: &Path) -> Result<SnapshotRead, EmulatorError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(SnapshotRead::default());
        }
        Err(source) => return Err(EmulatorError::file(path, "read", source)),
    };
    let damaged = |error: serde_json::Error| EmulatorError::Damaged {
        path: path.to_owned(),
        line: error.line().max(1),
        reason: error.to_string(),
    };
    let Version { version } = serde_json::from_slice(&text).map_err(damaged)?;
    if version != VERSION {
        return Err(EmulatorError::Newer { path: path.to_owned(), version });
    }
    serde_json::from_slice(&text).map_err(damaged)
}

/// Writes a file whole and durably: a reader sees the old content or the new one.
fn replace_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
