//! The operations on files. A crash may happen between any two of them.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// A disk. Tests use one that fails after any operation, or loses what was not synced.
pub(super) trait Disk: Send + Sync {
    /// Opens a regular file for reading, without blocking on a FIFO.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>>;

    /// Returns the identity of the file at a path. Follows no link.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Creates a new file with mode 0600 for writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// Renames a file over another.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Creates a hard link.
    fn link(&self, file: &Path, name: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Syncs a folder, which makes its names durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Returns the names in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;
}

/// A file that is being read.
pub(super) trait Input: Read + Send {
    /// Returns whether a running process holds the file as its writer.
    fn is_held(&self) -> bool;
}

/// A file that is being written.
pub(super) trait Output: Write + Send {
    /// Makes the written bytes durable.
    fn sync(&mut self) -> io::Result<()>;

    /// Locks the file as its writer until it is closed or the process ends. Readers detect the
    /// lock.
    fn hold(&self) -> io::Result<()>;

    /// Returns the identity of the file.
    fn stat(&self) -> io::Result<Stat>;
}

/// The identity of a file at one time: differs for another file, and after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// The device and the inode: no other file has them while this one is open.
    pub(super) id: (u64, u64),
    /// The length in bytes.
    pub(super) length: u64,
    /// When it was last written.
    pub(super) modified: Option<SystemTime>,
}

/// The disk of this machine.
pub(super) struct LocalDisk;

/// Returns options that create files which only their owner can read.
pub(super) fn private() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// How a symbolic link is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// It is followed.
    Followed,
    /// It is an error.
    Refused,
}

/// Opens a regular file; a FIFO, a device or a folder is an error at once.
pub(super) fn open_regular(
    options: &mut OpenOptions,
    path: &Path,
    links: Links,
) -> io::Result<File> {
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what);
    if links == Links::Refused && fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink()) {
        return Err(refused(
            "it is a symbolic link, which roomctl does not follow here: remove it",
        ));
    }
    #[cfg(unix)]
    {
        let follow = if links == Links::Refused { libc::O_NOFOLLOW } else { 0 };
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK | follow);
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused("it is not a regular file"));
    }
    Ok(file)
}

impl Stat {
    /// Reads the identity from a file's metadata.
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let id = (0, 0);
        Self { id, length: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Disk for LocalDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>> {
        let file = open_regular(File::options().read(true), path, Links::Followed)?;
        Ok(Box::new(file))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::symlink_metadata(path).map(|metadata| Stat::of(&metadata))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        Ok(Box::new(private().write(true).create_new(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        fs::hard_link(file, name)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Other systems cannot open a folder. There names are durable at once.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }
}

impl Input for File {
    fn is_held(&self) -> bool {
        match self.try_lock_shared() {
            // The writer waits for this lock if it locks at the same moment.
            Ok(()) => self.unlock().is_err(),
            Err(TryLockError::WouldBlock) => true,
            // If the file system has no locks, no run holds one.
            Err(TryLockError::Error(_)) => false,
        }
    }
}

impl Output for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn hold(&self) -> io::Result<()> {
        self.lock()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.metadata().map(|metadata| Stat::of(&metadata))
    }
}
