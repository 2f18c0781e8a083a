//! Tells whether a file is still the one that was read.

use std::io::{self, Read};

/// The length and checksum of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) struct Fingerprint {
    /// The length in bytes.
    pub(in crate::state) length: u64,
    checksum: u32,
}

/// Takes the fingerprint of bytes as they pass.
#[derive(Default)]
pub(in crate::state) struct Fingerprinter {
    length: u64,
    hasher: crc32fast::Hasher,
}

/// How much of a file is read at a time only to take its fingerprint.
const BLOCK: usize = 1 << 20;

impl Fingerprint {
    /// Takes the fingerprint of everything that `reader` still holds.
    pub(in crate::state) fn of(mut reader: impl Read) -> io::Result<Self> {
        let mut passing = Fingerprinter::default();
        let mut block = vec![0; BLOCK];
        loop {
            match reader.read(&mut block) {
                Ok(0) => return Ok(passing.finish()),
                Ok(length) => passing.pass(&block[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Fingerprinter {
    /// Takes in the bytes that follow.
    pub(in crate::state) fn pass(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    /// The checksum of all bytes that passed so far.
    pub(in crate::state) fn checksum(&self) -> u32 {
        self.hasher.clone().finalize()
    }

    /// The fingerprint of all bytes that passed.
    pub(in crate::state) fn finish(self) -> Fingerprint {
        Fingerprint { length: self.length, checksum: self.hasher.finalize() }
    }
}
