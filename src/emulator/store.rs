//! The data file: a snapshot of the world, and a log of later changes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::EmulatorError;
use super::world::{Change, World};

/// Where the emulator's data is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In memory: it is dropped with the emulator.
    Memory,
    /// In this file and the log beside it (`.log`, which is also the lock), both with mode 0600. Each
    /// change is durable before its answer.
    File(PathBuf),
    /// In this file, which is only read; empty if it does not exist. No lock is taken.
    ReadOnly(PathBuf),
}

/// The open storage of the changes. A write blocks until it is durable.
#[derive(Debug)]
pub(super) enum Storage {
    Memory,
    ReadOnly,
    Log(Log),
}

/// The open and locked log.
#[derive(Debug)]
pub(super) struct Log {
    /// The path of the data file, which is the snapshot.
    data: PathBuf,
    /// The path of the log.
    path: PathBuf,
    file: File,
    /// The number of all changes so far.
    serial: u64,
    /// The number of lines in the log.
    lines: usize,
    /// The number of lines in the last snapshot.
    folded: usize,
    /// Whether a write has failed: the content of the file is then unknown, and every later write fails.
    failed: bool,
}

/// A line of the log.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object")]
struct LogLine {
    serial: u64,
    change: Change,
}

/// The version of a snapshot, which is read before the rest.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Version {
    version: u64,
}

/// An encoded snapshot.
#[derive(Debug)]
pub(super) struct Snapshot {
    text: Vec<u8>,
    /// The number of its changes, one line each.
    lines: usize,
}

/// A decoded snapshot.
#[derive(Default, Deserialize)]
#[serde(expecting = "an object")]
struct SnapshotRead {
    serial: u64,
    world: Vec<Change>,
}

/// The data as it was read.
struct Loaded {
    world: World,
    /// The number of all changes so far.
    serial: u64,
    /// The number of lines in the log.
    lines: usize,
    /// The number of lines in the snapshot.
    folded: usize,
}

const VERSION: u64 = 1;

/// How many lines the log has at least before it is folded. It must also have as many as the snapshot,
/// so that the cost of a change does not depend on the number of rooms.
const LOG_LINES: usize = 256;

impl Data {
    /// Reads the world, and opens the log for its changes.
    pub(super) fn open(self) -> Result<(World, Storage), EmulatorError> {
        match self {
            Self::Memory => Ok((World::default(), Storage::Memory)),
            Self::ReadOnly(path) => {
                // The log is read first, so that changes that a writer folds in between are in the snapshot.
                let log = read_if_exists(&log_path(&path))?;
                Ok((load(&path, &log)?.world, Storage::ReadOnly))
            }
            Self::File(path) => Log::open(path).map(|(world, log)| (world, Storage::Log(log))),
        }
    }
}

impl Storage {
    /// Returns whether changes are written to a disk.
    pub(super) fn is_on_disk(&self) -> bool {
        match self {
            Self::Log(_) => true,
            Self::Memory | Self::ReadOnly => false,
        }
    }

    /// Returns whether the log has to be folded before the next change.
    pub(super) fn is_fold_due(&self) -> bool {
        match self {
            Self::Log(log) => log.lines >= LOG_LINES.max(log.folded),
            Self::Memory | Self::ReadOnly => false,
        }
    }

    /// Returns whether the log contains changes that the snapshot does not.
    pub(super) fn has_changes(&self) -> bool {
        match self {
            Self::Log(log) => log.lines > 0,
            Self::Memory | Self::ReadOnly => false,
        }
    }

    /// Encodes a world with all changes so far.
    pub(super) fn encode(&self, world: &World) -> Result<Snapshot, EmulatorError> {
        let serial = match self {
            Self::Log(log) => log.serial,
            Self::Memory | Self::ReadOnly => 0,
        };
        Snapshot::encode(serial, world)
    }

    /// Makes a change durable, before it is applied to the world.
    pub(super) fn append(&mut self, change: &Change) -> Result<(), EmulatorError> {
        match self {
            Self::Memory => Ok(()),
            Self::ReadOnly => Err(EmulatorError::ReadOnly),
            Self::Log(log) => log.append(change),
        }
    }

    /// Writes a snapshot of all changes, and empties the log.
    pub(super) fn fold(&mut self, snapshot: &Snapshot) -> Result<(), EmulatorError> {
        match self {
            Self::Log(log) => log.fold(snapshot),
            Self::Memory | Self::ReadOnly => Ok(()),
        }
    }

    /// Swaps the file of the log.
    #[cfg(test)]
    pub(super) fn swap(&mut self, file: &mut File) {
        if let Self::Log(log) = self {
            std::mem::swap(&mut log.file, file);
        }
    }
}

impl Log {
    fn open(data: PathBuf) -> Result<(World, Self), EmulatorError> {
        let path = log_path(&data);
        let failed = |doing| {
            let path = path.clone();
            move |source| EmulatorError::file(&path, doing, source)
        };
        let mut file = open_private(&path).map_err(failed("open"))?;
        lock(&file, &data)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed("read"))?;
        let Loaded { world, serial, lines, folded } = load(&data, &text)?;
        let mut log = Self { data, path, file, serial, lines, folded, failed: false };
        // Also if the log contains only a line that a crash truncated.
        if !text.is_empty() || !log.data.exists() {
            let snapshot = Snapshot::encode(log.serial, &world)?;
            log.fold(&snapshot)?;
        }
        Ok((world, log))
    }

    fn append(&mut self, change: &Change) -> Result<(), EmulatorError> {
        if self.failed {
            let source = io::Error::other("an earlier write failed");
            return Err(EmulatorError::file(&self.path, "write", source));
        }
        let line = LogLine { serial: self.serial + 1, change: change.clone() };
        let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            self.file.write_all(&text)?;
            self.file.sync_data()
        });
        self.failed = written.is_err();
        written.map_err(|source| EmulatorError::file(&self.path, "write", source))?;
        self.serial += 1;
        self.lines += 1;
        Ok(())
    }

    fn fold(&mut self, snapshot: &Snapshot) -> Result<(), EmulatorError> {
        replace_file(&self.data, &snapshot.text)
            .map_err(|source| EmulatorError::file(&self.data, "write", source))?;
        self.folded = snapshot.lines;
        let emptied = self.file.set_len(0).and_then(|()| self.file.sync_data());
        emptied.map_err(|source| EmulatorError::file(&self.path, "empty", source))?;
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
        // A line that a crash truncated belongs to a change that was never answered.
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

/// Replaces a file atomically and durably: a reader sees the old content or the new one.
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
