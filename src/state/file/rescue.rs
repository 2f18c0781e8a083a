//! A rescue file: the journal of a run whose files were removed or replaced. It blocks later runs
//! until a repair merges it.

use std::io;
use std::path::PathBuf;

use crate::state::journal::{self, Head};
use crate::state::{Entry, StateError};

use super::disk::Output;
use super::folder::Folder;
use super::writer::Written;

/// A rescue file, open for the results of calls in flight.
pub(super) struct Rescue {
    /// Its path.
    pub(super) path: PathBuf,
    file: Box<dyn Output>,
    /// How many entries are durable.
    durable: u64,
}

/// The size of a block of text that is written at once, in bytes.
const BLOCK: usize = 1 << 20;

impl Rescue {
    /// Writes a rescue file durably, under an unused name.
    pub(super) fn write(
        folder: &Folder,
        pid: u32,
        head: &Head,
        entries: impl Iterator<Item = Entry>,
    ) -> Result<Self, StateError> {
        let partial = folder.partial_rescue(pid);
        let mut file = folder.create(&partial)?;
        let written = lines(head, entries, |text| file.write_all(text));
        let durable = written.and_then(|count| file.sync().map(|()| count)).map_err(|error| {
            // It may have filled the disk. The first error is the one to report.
            drop(folder.remove(&partial));
            StateError::io("write", &partial)(error)
        })?;
        let path = folder.free_rescue(pid)?;
        folder.replace(&partial, &path)?;
        Ok(Self { path, file, durable })
    }

    /// Appends entries durably.
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

/// Passes entries as journal lines to `emit`, a block at a time. Returns their number.
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
