//! Detection of damage and changes: the checksum on the last line over all bytes before it, the
//! fingerprint of a file, and git's conflict marks.

use std::io::{self, Read};

use super::ParseError;

/// The separator of the bytes that the checksum covers and its digits.
const START: &[u8] = b",\"checksum\":\"crc32:";
/// The bytes after the digits.
const END: &[u8] = b"\"}";
/// The hex digits of a checksum.
const DIGITS: usize = 8;
/// The number of bytes that [`seal`] returns.
pub(super) const SEAL: usize = START.len() + DIGITS + END.len() + 1;

/// Returns the end of a document whose other bytes have this checksum.
pub(super) fn seal(checksum: u32) -> Vec<u8> {
    [START, format!("{checksum:08x}").as_bytes(), END, b"\n"].concat()
}

/// Verifies the checksum of a document. The newline at its end may be missing.
pub(super) fn check(text: &[u8]) -> Result<(), ParseError> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let covered = text
        .strip_suffix(END)
        .and_then(|text| text.split_last_chunk::<DIGITS>())
        .and_then(|(text, digits)| Some((text.strip_suffix(START)?, digits)));
    match covered {
        Some((covered, digits))
            if format!("{:08x}", crc32fast::hash(covered)).as_bytes() == digits =>
        {
            Ok(())
        }
        Some(_) => Err(ParseError::Checksum("it does not match its checksum")),
        None => Err(ParseError::Checksum("it does not end with its checksum")),
    }
}

/// The length and checksum of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) struct Fingerprint {
    /// The length in bytes.
    pub(in crate::state) length: u64,
    checksum: u32,
}

/// Computes a fingerprint incrementally.
#[derive(Default)]
pub(in crate::state) struct Fingerprinter {
    length: u64,
    hasher: crc32fast::Hasher,
}

/// The number of bytes that are read at a time to compute a fingerprint.
const BLOCK: usize = 1 << 20;

impl Fingerprint {
    /// Computes the fingerprint of the rest of `reader`.
    pub(in crate::state) fn of(mut reader: impl Read) -> io::Result<Self> {
        let mut fingerprinter = Fingerprinter::default();
        let mut block = vec![0; BLOCK];
        loop {
            match reader.read(&mut block) {
                Ok(0) => return Ok(fingerprinter.finish()),
                Ok(length) => fingerprinter.update(&block[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Fingerprinter {
    /// Adds the next bytes.
    pub(in crate::state) fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    /// Returns the checksum of the bytes so far.
    pub(in crate::state) fn checksum(&self) -> u32 {
        self.hasher.clone().finalize()
    }

    /// Returns the fingerprint of all bytes.
    pub(in crate::state) fn finish(self) -> Fingerprint {
        Fingerprint { length: self.length, checksum: self.hasher.finalize() }
    }
}

/// Returns the first line, from 1, with one of git's conflict marks. No line of a JSON document
/// begins with one.
pub(in crate::state) fn conflict(text: &[u8]) -> Option<usize> {
    text.split(|byte| *byte == b'\n').position(is_conflict_mark).map(|at| at + 1)
}

/// Returns whether a line is one of git's conflict marks.
pub(super) fn is_conflict_mark(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let begins = |mark: &[u8]| line.starts_with(mark);
    line == b"=======" || begins(b"<<<<<<<") || begins(b"|||||||") || begins(b">>>>>>>")
}

/// Returns an edited document with its checksum updated.
#[cfg(test)]
pub(in crate::state) fn resealed(text: &[u8]) -> Vec<u8> {
    let covered = &text[..text.len() - SEAL];
    [covered, &seal(crc32fast::hash(covered))].concat()
}

/// Returns the same document in format version 1.
#[cfg(test)]
pub(in crate::state) fn oldest(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text[..text.len() - SEAL].to_vec()).expect("UTF-8") + "}\n";
    let host = "\"host\":\"emulator\"";
    let text = text.replacen("\"version\":2", "\"version\":1", 1);
    text.replacen(host, "\"emulated\":true", 1).into_bytes()
}
