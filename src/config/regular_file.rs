//! Reads a file that the user names: only a regular file of bounded size, without blocking.

use std::fs::{File, FileType, Metadata, OpenOptions, metadata};
use std::io::{self, Read};
use std::path::Path;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system reported an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not a regular file: reading it may never end, or have side effects.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// It is larger than the limit.
    #[error("it is larger than {0}")]
    TooLarge(Size),
}

/// A number of bytes, displayed in the largest unit that divides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Reads the regular file at `path`, following links, if it has at most `most` bytes.
///
/// # Errors
/// Returns [`ReadError`] without blocking for a pipe, a device, a socket or a folder, and for a larger
/// file.
pub fn read_regular(path: &Path, most: Size) -> Result<Vec<u8>, ReadError> {
    // Opening a device may have side effects, so only regular files are opened. The file may be
    // exchanged in between: opening does not block on a pipe without a writer, and the opened file is
    // checked again.
    check(&metadata(path)?, most)?;
    let file = open(path)?;
    let metadata = file.metadata()?;
    check(&metadata, most)?;
    bounded(file, metadata.len(), most)
}

/// Reads a stream of at most `most` bytes to its end.
///
/// # Errors
/// Returns [`ReadError`] for a longer one.
pub fn read_stream(stream: impl Read, most: Size) -> Result<Vec<u8>, ReadError> {
    bounded(stream, 0, most)
}

fn check(metadata: &Metadata, most: Size) -> Result<(), ReadError> {
    if !metadata.is_file() {
        return Err(ReadError::NotRegular(what(metadata.file_type())));
    }
    if metadata.len() > most.0 {
        return Err(ReadError::TooLarge(most));
    }
    Ok(())
}

fn bounded(stream: impl Read, expected: u64, most: Size) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    stream.take(most.0.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most.0 {
        return Err(ReadError::TooLarge(most));
    }
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NONBLOCK | libc::O_NOCTTY,
    );
    options.open(path)
}

/// Returns the name of a file type that is not regular.
fn what(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return "a pipe";
        }
        if file_type.is_socket() {
            return "a socket";
        }
        if file_type.is_char_device() || file_type.is_block_device() {
            return "a device";
        }
    }
    "something else"
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(bytes) = self;
        match bytes {
            whole if *whole >= 1 << 30 && whole.is_multiple_of(1 << 30) => {
                write!(f, "{} GiB", whole >> 30)
            }
            whole if *whole >= 1 << 10 && whole.is_multiple_of(1 << 10) => {
                write!(f, "{} KiB", whole >> 10)
            }
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const MOST: Size = Size(8);

    fn message(read: Result<Vec<u8>, ReadError>) -> String {
        read.expect_err("an error").to_string()
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let mut file = File::create(&path).expect("a file");
        file.write_all(b"12345678").expect("written");
        assert_eq!(read_regular(&path, MOST).expect("read"), b"12345678");
        file.write_all(b"9").expect("written");
        assert_eq!(message(read_regular(&path, MOST)), "it is larger than 8 bytes");
        assert_eq!(message(read_stream(&b"123456789"[..], MOST)), "it is larger than 8 bytes");
        file.set_len((1 << 30) + 1).expect("a sparse file");
        assert_eq!(message(read_regular(&path, Size(1 << 30))), "it is larger than 1 GiB");
    }

    #[test]
    fn anything_but_a_regular_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        for (path, what) in [
            (folder.path(), "a folder"),
            (&*socket, "a socket"),
            (Path::new("/dev/null"), "a device"),
        ] {
            let refused = message(read_regular(path, MOST));
            assert_eq!(refused, format!("it is {what}, not a regular file"));
        }
    }
}
