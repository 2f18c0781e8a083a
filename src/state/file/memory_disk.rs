//! A disk in memory with fault injection: it fails after a number of operations, and a crash loses
//! what was not synced.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::disk::{Disk, Input, Output, Stat};

/// The disk. A clone is the same disk.
#[derive(Clone, Default)]
pub(super) struct MemoryDisk(Arc<Mutex<DiskState>>);

type Names = BTreeMap<PathBuf, usize>;

#[derive(Clone, Default)]
struct DiskState {
    files: Vec<Content>,
    names: Names,
    durable_names: Names,
    /// The number of operations so far.
    done: usize,
    /// The number of operations after which every one fails.
    limit: Option<usize>,
    /// The number of file syncs so far.
    syncs: usize,
    links: HardLinks,
}

/// Whether the file system supports hard links.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum HardLinks {
    #[default]
    Supported,
    Unsupported,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    /// The number of bytes that are synced.
    synced: usize,
}

/// What a crash leaves on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// The process was killed: everything that was written is there.
    Killed,
    /// Power loss: only what was synced is there.
    Forgotten,
    /// Power loss: all names are there, content only if synced.
    NamesKept,
    /// Power loss: all content is there, names only if synced.
    ContentKept,
    /// Power loss: of the unsynced changes of names only removals are there.
    RemovalsKept,
    /// Power loss: of the unsynced changes of names only replacements are there.
    ReplacementsKept,
    /// Power loss: of the unsynced changes of names only removals are lost.
    RemovalsLost,
    /// Power loss: all names are there, half of the unsynced content was written, and the rest is
    /// zeros.
    HalfWritten,
}

impl Crash {
    pub(super) const ALL: [Self; 8] = [
        Self::Killed,
        Self::Forgotten,
        Self::NamesKept,
        Self::ContentKept,
        Self::RemovalsKept,
        Self::ReplacementsKept,
        Self::RemovalsLost,
        Self::HalfWritten,
    ];

    fn names(self, durable: &Names, now: &Names) -> Names {
        let mut names = durable.clone();
        match self {
            Self::Killed | Self::NamesKept | Self::HalfWritten => names.clone_from(now),
            Self::Forgotten | Self::ContentKept => {}
            Self::RemovalsKept => names.retain(|path, _| now.contains_key(path)),
            Self::ReplacementsKept => {
                for (path, at) in &mut names {
                    *at = *now.get(path).unwrap_or(at);
                }
            }
            Self::RemovalsLost => names.extend(now.clone()),
        }
        names
    }
}

impl MemoryDisk {
    /// Lets every operation after the next `operations` fail.
    pub(super) fn fail_after(&self, operations: usize) {
        let mut disks = self.disks();
        disks.limit = Some(disks.done + operations);
    }

    pub(super) fn without_links(&self) {
        self.disks().links = HardLinks::Unsupported;
    }

    /// Blocks every operation until the result is dropped.
    pub(super) fn hold(&self) -> impl Drop + '_ {
        self.disks()
    }

    pub(super) fn done(&self) -> usize {
        self.disks().done
    }

    pub(super) fn syncs(&self) -> usize {
        self.disks().syncs
    }

    pub(super) fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let disks = self.disks();
        disks.names.get(path).map(|at| disks.files[*at].bytes.clone())
    }

    pub(super) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut disks = self.disks();
        disks.files.push(Content { bytes: bytes.to_owned(), synced: bytes.len() });
        let at = disks.files.len() - 1;
        disks.names.insert(path.to_owned(), at);
        disks.durable_names.insert(path.to_owned(), at);
    }

    /// Returns the disk as the next run finds it.
    pub(super) fn after(&self, crash: Crash) -> Self {
        let mut disks = self.disks().clone();
        disks.limit = None;
        disks.names = crash.names(&disks.durable_names, &disks.names);
        for content in &mut disks.files {
            let Content { bytes, synced } = content;
            match crash {
                Crash::Killed
                | Crash::ContentKept
                | Crash::RemovalsKept
                | Crash::ReplacementsKept
                | Crash::RemovalsLost => {}
                Crash::Forgotten | Crash::NamesKept => bytes.truncate(*synced),
                Crash::HalfWritten => {
                    let half = usize::midpoint(*synced, bytes.len());
                    bytes[half..].fill(0);
                }
            }
            *synced = bytes.len();
        }
        disks.durable_names.clone_from(&disks.names);
        Self(Arc::new(Mutex::new(disks)))
    }

    fn disks(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().expect("no panic under the lock")
    }

    fn operation<T>(&self, work: impl FnOnce(&mut DiskState) -> io::Result<T>) -> io::Result<T> {
        let mut disks = self.disks();
        if disks.limit.is_some_and(|limit| disks.done >= limit) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "stopped"));
        }
        disks.done += 1;
        work(&mut disks)
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>> {
        Ok(Box::new(Cursor::new(self.read(path).ok_or_else(missing)?)))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let disks = self.disks();
        disks.names.get(path).map(|at| disks.stat(*at)).ok_or_else(missing)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let at = self.operation(|disks| {
            if disks.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            disks.files.push(Content::default());
            let at = disks.files.len() - 1;
            disks.names.insert(path.to_owned(), at);
            Ok(at)
        })?;
        Ok(Box::new(MemoryFile { disk: self.clone(), at }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operation(|disks| {
            let at = disks.names.remove(from).ok_or_else(missing)?;
            disks.names.insert(to.to_owned(), at);
            Ok(())
        })
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.operation(|disks| {
            let at = *disks.names.get(file).ok_or_else(missing)?;
            if disks.links == HardLinks::Unsupported {
                return Err(io::ErrorKind::Unsupported.into());
            }
            if disks.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            disks.names.insert(name.to_owned(), at);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operation(|disks| disks.names.remove(path).map(drop).ok_or_else(missing))
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        self.operation(|disks| {
            disks.durable_names.clone_from(&disks.names);
            Ok(())
        })
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let disks = self.disks();
        let here = disks.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(here.filter_map(|path| path.file_name().map(OsString::from)).collect())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    at: usize,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.operation(|disks| {
            disks.files[self.at].bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Input for Cursor<Vec<u8>> {
    fn is_held(&self) -> bool {
        false
    }
}

impl DiskState {
    fn stat(&self, at: usize) -> Stat {
        Stat { id: (0, at as u64), length: self.files[at].bytes.len() as u64, modified: None }
    }
}

impl Output for MemoryFile {
    fn hold(&self) -> io::Result<()> {
        Ok(())
    }

    fn stat(&self) -> io::Result<Stat> {
        Ok(self.disk.disks().stat(self.at))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.operation(|disks| {
            let content = &mut disks.files[self.at];
            content.synced = content.bytes.len();
            disks.syncs += 1;
            Ok(())
        })
    }
}
