//! Where the world is kept between commands: a snapshot, and a log of what changed since.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::EmulatorError;
use super::world::{Entry, World};

/// Where the world is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Nowhere: it is gone with the emulator.
    Memory,
    /// In this file and the log beside it (`.log`, also the lock), both of mode 0600. Each change is durable
    /// before its answer.
    File(PathBuf),
    /// As that file says, or empty where there is none. Nothing is written, and no lock is needed.
    ReadOnly(PathBuf),
}

/// Keeps changes of the world.
#[derive(Debug)]
pub(super) enum Keeper {
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
    /// The lines of the snapshot when it was last written.
    folded: usize,
    /// Whether a write has failed: what is in the file is then unknown, and nothing more is promised.
    failed: bool,
}

/// A line of the log.
#[derive(Serialize, Deserialize)]
struct Line {
    serial: u64,
    change: Entry,
}

/// The head of a snapshot, enough to tell whether the rest can be understood.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

/// A snapshot as it is read.
#[derive(Default, Deserialize)]
struct Snapshot {
    serial: u64,
    world: Vec<Entry>,
}

/// What was read: the world, the last change in it, and the lines of the log and of the snapshot.
struct Loaded {
    world: World,
    serial: u64,
    lines: usize,
    folded: usize,
}

const VERSION: u64 = 1;

/// The log is folded into the snapshot where it has as many lines as this, and as the snapshot: so the cost
/// of a change does not depend on how many rooms there are.
const LOG_LINES: usize = 256;

impl Data {
    /// Reads the world, and gets ready to keep its changes.
    pub(super) fn open(self) -> Result<(World, Keeper), EmulatorError> {
        match self {
            Self::Memory => Ok((World::default(), Keeper::Memory)),
            Self::ReadOnly(path) => {
                // The log first: what a writer folds meanwhile is then in the snapshot.
                let log = read_or_nothing(&log_path(&path))?;
                Ok((load(&path, &log)?.world, Keeper::ReadOnly))
            }
            Self::File(path) => Log::open(path).map(|(world, log)| (world, Keeper::Log(log))),
        }
    }
}

impl Keeper {
    /// Makes a change durable. It is not in `world` yet.
    pub(super) fn keep(&mut self, entry: &Entry, world: &World) -> Result<(), EmulatorError> {
        match self {
            Self::Memory => Ok(()),
            Self::ReadOnly => Err(EmulatorError::ReadOnly),
            Self::Log(log) => {
                if log.lines >= LOG_LINES.max(log.folded) {
                    log.fold(world)?;
                }
                log.append(entry)
            }
        }
    }

    /// Puts another file under the log.
    #[cfg(test)]
    pub(super) fn swap(&mut self, file: &mut File) {
        if let Self::Log(log) = self {
            std::mem::swap(&mut log.file, file);
        }
    }

    /// Brings the snapshot up to date and empties the log.
    pub(super) fn fold(&mut self, world: &World) -> Result<(), EmulatorError> {
        match self {
            Self::Log(log) if log.lines > 0 => log.fold(world),
            Self::Log(_) | Self::Memory | Self::ReadOnly => Ok(()),
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
        // Also where it holds nothing but a line that a crash cut short.
        if !text.is_empty() || !log.path.exists() {
            log.fold(&world)?;
        }
        Ok((world, log))
    }

    fn append(&mut self, entry: &Entry) -> Result<(), EmulatorError> {
        if self.failed {
            let source = io::Error::other("an earlier write failed");
            return Err(EmulatorError::file(&self.beside, "write", source));
        }
        let line = Line { serial: self.serial + 1, change: entry.clone() };
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

    fn fold(&mut self, world: &World) -> Result<(), EmulatorError> {
        self.folded = write_snapshot(&self.path, self.serial, world)
            .map_err(|source| EmulatorError::file(&self.path, "write", source))?;
        let emptied = self.file.set_len(0).and_then(|()| self.file.sync_data());
        emptied.map_err(|source| EmulatorError::file(&self.beside, "empty", source))?;
        self.lines = 0;
        Ok(())
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

fn read_or_nothing(path: &Path) -> Result<Vec<u8>, EmulatorError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(EmulatorError::file(path, "read", source)),
    }
}

fn load(path: &Path, log: &[u8]) -> Result<Loaded, EmulatorError> {
    let Snapshot { serial, world: entries } = read_snapshot(path)?;
    let mut world = World::default();
    let folded = entries.len();
    for entry in entries {
        world.apply(entry);
    }
    let mut loaded = Loaded { world, serial, lines: 0, folded };
    for text in log.split_inclusive(|byte| *byte == b'\n') {
        // A line that a crash cut short was never answered for.
        let Some(text) = text.strip_suffix(b"\n") else { break };
        loaded.lines += 1;
        let bad = |reason: String| EmulatorError::Damaged {
            path: log_path(path),
            line: loaded.lines,
            reason,
        };
        let line: Line = serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?;
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

fn read_snapshot(path: &Path) -> Result<Snapshot, EmulatorError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Snapshot::default()),
        Err(source) => return Err(EmulatorError::file(path, "read", source)),
    };
    let damaged = |error: serde_json::Error| EmulatorError::Damaged {
        path: path.to_owned(),
        line: error.line().max(1),
        reason: error.to_string(),
    };
    let Head { version } = serde_json::from_slice(&text).map_err(damaged)?;
    if version != VERSION {
        return Err(EmulatorError::Newer { path: path.to_owned(), version });
    }
    serde_json::from_slice(&text).map_err(damaged)
}

fn write_snapshot(path: &Path, serial: u64, world: &World) -> io::Result<usize> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut out = BufWriter::new(&mut file);
    write!(out, "{{\"version\":{VERSION},\"serial\":{serial},\"world\":[")?;
    let mut lines = 0;
    for entry in world.entries() {
        out.write_all(if lines == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, &entry)?;
        lines += 1;
    }
    out.write_all(b"\n]}\n")?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(lines)
}
