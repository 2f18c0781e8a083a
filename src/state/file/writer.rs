//! Writes the journal under the lock, and folds it at the end.

use std::io;

use crate::state::journal::{self, Head};
use crate::state::overlay::Overlay;
use crate::state::{Entry, StateError, uuid};

use super::disk::Output;
use super::fold::{Base, Saved, begin_lineage, fold};
use super::folder::Folder;

/// The journal of this run. It is begun with the first entry, or before: a run that changes
/// nothing leaves no trace.
pub(super) struct Writer {
    folder: Folder,
    base: Base,
    overlay: Overlay,
    journal: Option<Begun>,
}

/// An entry, and its text as the journal takes it.
pub(super) struct Written {
    entry: Entry,
    body: Vec<u8>,
}

struct Begun {
    file: Box<dyn Output>,
    id: String,
    /// How many entries are durable.
    durable: u64,
}

/// The bytes that an entry is taken for: a room with a few attributes.
const ENTRY: u64 = 1024;
/// More than this is not tried: a large state's fold finds out by itself, and its journal stays.
const LARGEST_PROBE: u64 = 64 << 20;

impl Written {
    /// Writes the text of an entry.
    pub(super) fn of(entry: Entry) -> Result<Self, serde_json::Error> {
        Ok(Self { body: journal::body(&entry)?, entry })
    }
}

impl Writer {
    /// Writes on top of `base`; nothing is written yet.
    pub(super) fn new(folder: Folder, base: Base) -> Self {
        Self { folder, base, overlay: Overlay::default(), journal: None }
    }

    /// Begins the journal, and finds out whether the disk has room for so many entries and the
    /// fold that follows them.
    pub(super) fn reserve(&mut self, entries: usize) -> Result<(), StateError> {
        let Self { folder, base, overlay: _, journal } = self;
        begun(folder, base, journal)?;
        let state = base.fingerprint.map_or(0, |fingerprint| fingerprint.length);
        let journal = ENTRY.saturating_mul(entries as u64);
        let needed = journal.saturating_mul(2).saturating_add(state).min(LARGEST_PROBE);
        let mut file = folder.create(&folder.probe)?;
        let filled = fill(&mut *file, needed);
        // What was filled must be given back before anything else is done.
        let removed = folder.remove(&folder.probe);
        filled.map_err(StateError::io("reserve room with", &folder.probe))?;
        removed
    }

    /// Makes entries durable, all by one write and one sync.
    pub(super) fn append(&mut self, entries: Vec<Written>) -> Result<(), StateError> {
        if entries.is_empty() {
            return Ok(());
        }
        let Self { folder, base, overlay, journal } = self;
        let begun = begun(folder, base, journal)?;
        let (mut lines, mut n) = (Vec::new(), begun.durable);
        for Written { entry: _, body } in &entries {
            n += 1;
            journal::seal(&mut lines, n, begun.durable, body);
        }
        let written = begun.file.write_all(&lines).and_then(|()| begun.file.sync());
        written.map_err(StateError::io("write", &folder.journal))?;
        begun.durable = n;
        for Written { entry, body: _ } in entries {
            overlay.add(entry);
        }
        Ok(())
    }

    /// Folds the journal into the state, and gives the serial of the state then.
    pub(super) fn fold(&mut self) -> Result<u64, StateError> {
        let Self { folder, base, overlay, journal } = self;
        let Some(Begun { file: _, id, durable: _ }) = journal.take() else {
            return Ok(base.recorded.serial);
        };
        let Saved { serial, fingerprint: _ } = fold(folder, base, overlay, &id)?;
        Ok(serial)
    }
}

/// The journal, begun now where it is not yet.
fn begun<'a>(
    folder: &Folder,
    base: &mut Base,
    journal: &'a mut Option<Begun>,
) -> Result<&'a mut Begun, StateError> {
    match journal {
        Some(begun) => Ok(begun),
        None => Ok(journal.insert(begin(folder, base)?)),
    }
}

fn begin(folder: &Folder, base: &mut Base) -> Result<Begun, StateError> {
    let failed = |error| StateError::io("begin", &folder.journal)(error);
    let lineage = begin_lineage(folder, base)?;
    let id = uuid::random().map_err(failed)?;
    let head = Head::new(id.clone(), lineage, base.recorded.serial);
    let head = head.line().map_err(|error| failed(error.into()))?;
    let mut file = folder.create_new(&folder.journal)?;
    file.write_all(&head).and_then(|()| file.sync()).map_err(failed)?;
    folder.sync()?;
    Ok(Begun { file, id, durable: 0 })
}

fn fill(file: &mut dyn Output, mut bytes: u64) -> io::Result<()> {
    let block = vec![0; 1 << 16];
    while bytes > 0 {
        let length = block.len().min(usize::try_from(bytes).unwrap_or(block.len()));
        file.write_all(&block[..length])?;
        bytes -= length as u64;
    }
    file.sync()
}
