//! Writes the journal under the lock, and folds it at the end.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Holder, Lineage, Recorded};
use crate::state::error::text;
use crate::state::journal::{self, Head};
use crate::state::overlay::{self, Overlay};
use crate::state::{Entry, Loss, StateError, random_uuid};

use super::disk::{Output, Stat};
use super::fold::{Base, Saved, begin_lineage, fold, remove_journal, replace};
use super::folder::Folder;
use super::rescue::{self, Rescue};

/// The journal of this run. It is begun with the first entry, or before: a run that changes
/// nothing leaves no trace.
pub(super) struct Writer {
    folder: Folder,
    base: Base,
    overlay: Overlay,
    journal: Option<Begun>,
    holder: Holder,
    sent: Sent,
    /// The lineage that a new state gets, once somebody asked for it or chose it.
    new_lineage: Option<Lineage>,
}

/// An entry, and its text as the journal takes it.
pub(super) struct Written {
    /// The entry.
    pub(super) entry: Entry,
    /// Its text.
    pub(super) body: Vec<u8>,
}

struct Begun {
    file: Box<dyn Output>,
    head: Head,
    /// The bytes that were written to it.
    length: u64,
    /// How many entries are durable.
    durable: u64,
}

/// Whether a call may have been sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    Something,
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
    pub(super) fn new(folder: Folder, base: Base, holder: Holder) -> Self {
        let (overlay, sent) = (Overlay::default(), Sent::Nothing);
        Self { folder, base, overlay, journal: None, holder, sent, new_lineage: None }
    }

    /// Returns the lineage of the state, or the one that a new state gets.
    pub(super) fn lineage(&mut self) -> Result<Lineage, StateError> {
        let chosen = self.base.recorded.lineage.as_ref().or(self.new_lineage.as_ref());
        if let Some(lineage) = chosen {
            return Ok(lineage.clone());
        }
        let lineage = random_uuid().map_err(StateError::io("begin", &self.folder.state))?;
        Ok(self.new_lineage.insert(Lineage(lineage)).clone())
    }

    /// Lets a new state continue an earlier lineage. A state that is there keeps its own.
    pub(super) fn continue_lineage(&mut self, lineage: Lineage) {
        self.new_lineage = Some(lineage);
    }

    /// Begins the journal, and finds out whether the disk has room for so many entries and the
    /// fold that follows them.
    pub(super) fn reserve(&mut self, entries: usize) -> Result<(), StateError> {
        self.begin()?;
        let state = self.base.fingerprint.map_or(0, |fingerprint| fingerprint.length);
        let journal = ENTRY.saturating_mul(entries as u64);
        let needed = journal.saturating_mul(2).saturating_add(state).min(LARGEST_PROBE);
        let folder = &self.folder;
        let mut file = folder.create(&folder.probe)?;
        let filled = fill(&mut *file, needed);
        // What was filled must be freed before anything else is done.
        let removed = folder.remove(&folder.probe);
        filled.map_err(StateError::io("reserve room with", &folder.probe))?;
        removed
    }

    /// Checks that journal and state are the files that this run opened, and as it left them.
    pub(super) fn check_files(&mut self) -> Result<(), StateError> {
        let Self { folder, base, overlay: _, journal, holder: _, sent: _, new_lineage: _ } = self;
        check_journal(folder, journal.as_ref())?;
        let now = folder.stat(&folder.state)?;
        if now != base.stat {
            // Touched, or copied over with the same content: only what is in it counts.
            folder.check_unchanged(base.fingerprint)?;
            base.stat = now;
        }
        Ok(())
    }

    /// Makes entries durable, all by one write and one sync.
    pub(super) fn write(&mut self, entries: &[Written]) -> Result<(), StateError> {
        if entries.is_empty() {
            return Ok(());
        }
        let path = self.folder.journal.clone();
        let begun = self.begin()?;
        let (mut lines, mut n) = (Vec::new(), begun.durable);
        for Written { entry: _, body } in entries {
            n += 1;
            journal::seal(&mut lines, n, begun.durable, body);
        }
        let written = begun.file.write_all(&lines).and_then(|()| begun.file.sync());
        written.map_err(StateError::io("write", &path))?;
        begun.length += lines.len() as u64;
        begun.durable = n;
        Ok(())
    }

    /// Takes entries that are durable into what is folded in the end.
    pub(super) fn accept(&mut self, entries: Vec<Written>) {
        for Written { entry, body: _ } in entries {
            if matches!(entry, Entry::Intent(..)) {
                self.sent = Sent::Something;
            }
            self.overlay.add(entry);
        }
    }

    /// Folds the journal into the state, and returns the serial of the state then. `guard` checks
    /// the lock once more before the state is replaced.
    pub(super) fn fold(
        &mut self,
        guard: &dyn Fn() -> Result<(), StateError>,
    ) -> Result<u64, StateError> {
        let Self { folder, base, overlay, journal, holder: _, sent: _, new_lineage: _ } = self;
        let Some(begun) = journal else {
            return Ok(base.recorded.serial);
        };
        let id = begun.head.journal.as_str();
        let guard = || {
            guard()?;
            check_journal(folder, Some(begun))
        };
        let Saved { serial, fingerprint: _, stat: _ } = fold(folder, base, overlay, id, &guard)?;
        *journal = None;
        Ok(serial)
    }

    /// Writes a whole record in place of the state and the journal. `guard` checks the lock once more
    /// before the state is replaced.
    pub(super) fn replace(
        &mut self,
        recorded: Recorded,
        guard: &dyn Fn() -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let Self { folder, base, overlay, journal, holder: _, sent: _, new_lineage: _ } = self;
        let guard = || {
            guard()?;
            check_journal(folder, journal.as_ref())
        };
        let journal_id = journal.as_ref().map(|begun| begun.head.journal.clone());
        *base = replace(folder, base, recorded, journal_id, &guard)?;
        *overlay = Overlay::default();
        if journal.take().is_some() { remove_journal(folder) } else { Ok(()) }
    }

    /// Whether a call may have been sent.
    pub(super) fn has_sent(&self) -> bool {
        self.sent == Sent::Something
    }

    /// Whether there is nothing to be folded.
    pub(super) fn is_empty(&self) -> bool {
        self.overlay.is_empty()
    }

    /// Removes the journal if it is still this run's: what it holds is kept elsewhere, or is
    /// nothing.
    pub(super) fn abandon(&self) {
        if self.journal.is_some() && check_journal(&self.folder, self.journal.as_ref()).is_ok() {
            // If that fails the journal says itself what it builds on, and the first error is
            // the one to report.
            drop(self.folder.remove(&self.folder.journal).and_then(|()| self.folder.sync()));
        }
    }

    /// Writes what this run did into a rescue file of a process.
    pub(super) fn rescue(&self, pid: u32) -> Result<Rescue, StateError> {
        Rescue::write(&self.folder, pid, &self.head()?, self.entries())
    }

    /// Where that rescue file would be.
    pub(super) fn rescue_path(&self, pid: u32) -> PathBuf {
        self.folder.rescue(pid)
    }

    /// What would be in the rescue file.
    pub(super) fn lines(&self) -> Result<String, StateError> {
        let mut lines = Vec::new();
        let emit = |part: &[u8]| {
            lines.extend_from_slice(part);
            Ok(())
        };
        rescue::lines(&self.head()?, self.entries(), emit)
            .map_err(StateError::io("write", &self.folder.state))?;
        Ok(String::from_utf8_lossy(&lines).into_owned())
    }

    /// All that was recorded and what this run did: what removed a file may remove the state
    /// next, or put another one in its place.
    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        overlay::entries(&self.base.recorded).chain(self.overlay.entries())
    }

    fn head(&self) -> Result<Head, StateError> {
        let Self { folder, base, overlay: _, journal, holder, sent: _, new_lineage: _ } = self;
        match (journal, &base.recorded.lineage) {
            (Some(begun), _) => Ok(begun.head.clone()),
            (None, Some(lineage)) => {
                let id = random_uuid().map_err(StateError::io("begin", &folder.journal))?;
                let (lineage, holder) = (lineage.clone(), Some(holder.clone()));
                Ok(Head::new(id, lineage, base.recorded.serial, holder))
            }
            (None, None) => Err(StateError::Stopped { location: text(&folder.state) }),
        }
    }

    /// Where the state is.
    pub(super) fn state(&self) -> &Path {
        &self.folder.state
    }

    /// The journal, begun now if it is not yet.
    fn begin(&mut self) -> Result<&mut Begun, StateError> {
        let lineage = self.lineage()?;
        let Self { folder, base, overlay: _, journal, holder, sent: _, new_lineage: _ } = self;
        match journal {
            Some(begun) => Ok(begun),
            None => Ok(journal.insert(begin(folder, base, lineage, holder)?)),
        }
    }
}

fn begin(
    folder: &Folder,
    base: &mut Base,
    lineage: Lineage,
    holder: &Holder,
) -> Result<Begun, StateError> {
    let failed = |error| StateError::io("begin", &folder.journal)(error);
    begin_lineage(folder, base, &lineage)?;
    let id = random_uuid().map_err(failed)?;
    let head = Head::new(id, lineage, base.recorded.serial, Some(holder.clone()));
    let line = head.line().map_err(|error| failed(error.into()))?;
    let mut file = folder.create_new(&folder.journal)?;
    file.hold().map_err(failed)?;
    file.write_all(&line).and_then(|()| file.sync()).map_err(failed)?;
    folder.sync()?;
    Ok(Begun { file, head, length: line.len() as u64, durable: 0 })
}

/// Checks that the file at the journal's path is this run's, and nothing else cut it or wrote to it;
/// if none is begun there is nothing to check.
fn check_journal(folder: &Folder, journal: Option<&Begun>) -> Result<(), StateError> {
    let Some(Begun { file, head: _, length, durable: _ }) = journal else { return Ok(()) };
    let path = &folder.journal;
    let opened = file.stat().map_err(StateError::io("inspect", path))?;
    let loss = match folder.stat(path)? {
        Some(Stat { id, length: now, modified: _ }) if id == opened.id && now == *length => {
            return Ok(());
        }
        Some(_) => Loss::Replaced,
        None => Loss::Removed,
    };
    Err(StateError::Changed { location: text(path), loss })
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
