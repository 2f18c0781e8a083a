//! What a run did whose files were taken away: a journal of its own, that the next runs wait for.

use std::io;
use std::path::PathBuf;

use crate::state::journal::{self, Head};
use crate::state::{Entry, StateError};

use super::disk::Output;
use super::folder::Folder;
use super::writer::Written;

/// A rescue file, open for what calls in flight still bring.
pub(super) struct Rescue {
    /// Where it is.
    pub(super) path: PathBuf,
    file: Box<dyn Output>,
    /// How many entries are durable.
    durable: u64,
}

/// How much of a rescue file is in memory as text at once.
const BLOCK: usize = 1 << 20;

impl Rescue {
    /// Writes a rescue file durably, under a name that no other one has.
    pub(super) fn write(
        folder: &Folder,
        pid: u32,
        head: &Head,
        entries: impl Iterator<Item = Entry>,
    ) -> Result<Self, StateError> {
        let half = folder.half_rescue(pid);
        let mut file = folder.create(&half)?;
        let written = lines(head, entries, |text| file.write_all(text));
        let durable = written.and_then(|count| file.sync().map(|()| count)).map_err(|error| {
            // It may have filled the disk; the first error is the one to report.
            drop(folder.remove(&half));
            StateError::io("write", &half)(error)
        })?;
        let path = folder.free_rescue(pid)?;
        folder.replace(&half, &path)?;
        Ok(Self { path, file, durable })
    }

    /// Adds entries durably.
    pub(super) fn append(&mut self, entries: &[Written]) -> Result<(), StateError> {
        let (mut lines, mut n) = (Vec::new(), self.durable);
        for Written { entry: _, body } in entries {
            n += 1;
            journal::seal(&mut lines, n, self.durable, body);
        }
        let written = self.file.write_all(&lines).and_then(|()| self.file.sync());
        written.map_err(StateError::io("write", &self.path))?;
        self.durable = n;
        Ok(())
    }
}

/// Writes entries as the lines of a journal, a block at a time through `emit`; returns their number.
pub(super) fn lines(
    head: &Head,
    entries: impl Iterator<Item = Entry>,
    mut emit: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let (mut text, mut count) = (head.line()?, 0);
    for entry in entries {
        count += 1;
        journal::seal(&mut text, count, 0, &journal::body(&entry)?);
        if text.len() >= BLOCK {
            emit(&text)?;
            text.clear();
        }
    }
    emit(&text)?;
    Ok(count)
}
