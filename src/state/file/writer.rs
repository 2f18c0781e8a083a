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

/// Writes the journal of this run. The file is created with the first entry or reservation: a run
/// that changes nothing creates no files.
pub(super) struct Writer {
    folder: Folder,
    base: Base,
    overlay: Overlay,
    journal: Option<OpenJournal>,
    holder: Holder,
    calls: Calls,
    /// The lineage that a new state gets, once it was requested or set.
    new_lineage: Option<Lineage>,
}

/// An entry, and its serialized text.
pub(super) struct Written {
    /// The entry.
    pub(super) entry: Entry,
    /// Its text as the journal stores it.
    pub(super) body: Vec<u8>,
}

struct OpenJournal {
    file: Box<dyn Output>,
    head: Head,
    /// The number of bytes written to it.
    length: u64,
    /// How many entries are durable.
    durable: u64,
}

/// Whether a call may have been sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    NoneSent,
    MayBeSent,
}

/// The assumed size of an entry in bytes: a room with a few attributes.
const ENTRY: u64 = 1024;
/// The largest probe, in bytes. If the disk is too full for the fold of a larger state, the fold
/// fails and the journal stays.
const LARGEST_PROBE: u64 = 64 << 20;

impl Written {
    /// Serializes an entry.
    pub(super) fn of(entry: Entry) -> Result<Self, serde_json::Error> {
        Ok(Self { body: journal::body(&entry)?, entry })
    }
}

impl Writer {
    /// Creates a writer on top of `base`. Writes nothing yet.
    pub(super) fn new(folder: Folder, base: Base, holder: Holder) -> Self {
        let (overlay, calls) = (Overlay::default(), Calls::NoneSent);
        Self { folder, base, overlay, journal: None, holder, calls, new_lineage: None }
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

    /// Lets a new state continue an earlier lineage. An existing state keeps its lineage.
    pub(super) fn continue_lineage(&mut self, lineage: Lineage) {
        self.new_lineage = Some(lineage);
    }

    /// Starts the journal, and checks that the disk has room for `entries` entries and their fold.
    pub(super) fn reserve(&mut self, entries: usize) -> Result<(), StateError> {
        self.begin()?;
        let state = self.base.fingerprint.map_or(0, |fingerprint| fingerprint.length);
        let journal = ENTRY.saturating_mul(entries as u64);
        let needed = journal.saturating_mul(2).saturating_add(state).min(LARGEST_PROBE);
        let folder = &self.folder;
        let mut file = folder.create(&folder.probe)?;
        let filled = fill(&mut *file, needed);
        // The space must be freed before anything else is written.
        let removed = folder.remove(&folder.probe);
        filled.map_err(StateError::io("reserve room with", &folder.probe))?;
        removed
    }

    /// Checks that journal and state are the files that this run opened, unchanged.
    pub(super) fn check_files(&mut self) -> Result<(), StateError> {
        let Self { folder, base, overlay: _, journal, holder: _, calls: _, new_lineage: _ } = self;
        check_journal(folder, journal.as_ref())?;
        let now = folder.stat(&folder.state)?;
        if now != base.stat {
            // The file may have been touched, or replaced by a copy: only its content counts.
            folder.check_unchanged(base.fingerprint)?;
            base.stat = now;
        }
        Ok(())
    }

    /// Makes entries durable by one write and one sync.
    pub(super) fn write(&mut self, entries: &[Written]) -> Result<(), StateError> {
        if entries.is_empty() {
            return Ok(());
        }
        let path = self.folder.journal.clone();
        let open = self.begin()?;
        let (mut lines, mut n) = (Vec::new(), open.durable);
        for Written { entry: _, body } in entries {
            n += 1;
            journal::seal(&mut lines, n, open.durable, body);
        }
        let written = open.file.write_all(&lines).and_then(|()| open.file.sync());
        written.map_err(StateError::io("write", &path))?;
        open.length += lines.len() as u64;
        open.durable = n;
        Ok(())
    }

    /// Adds durable entries to the changes that are folded at the end.
    pub(super) fn accept(&mut self, entries: Vec<Written>) {
        for Written { entry, body: _ } in entries {
            if matches!(entry, Entry::Intent(..)) {
                self.calls = Calls::MayBeSent;
            }
            self.overlay.add(entry);
        }
    }

    /// Folds the journal into the state, and returns the serial of the resulting state. `guard`
    /// checks the lock again before the state is replaced.
    pub(super) fn fold(
        &mut self,
        guard: &dyn Fn() -> Result<(), StateError>,
    ) -> Result<u64, StateError> {
        let Self { folder, base, overlay, journal, holder: _, calls: _, new_lineage: _ } = self;
        let Some(open) = journal else {
            return Ok(base.recorded.serial);
        };
        let id = open.head.journal.as_str();
        let guard = || {
            guard()?;
            check_journal(folder, Some(open))
        };
        let Saved { serial, fingerprint: _, stat: _ } = fold(folder, base, overlay, id, &guard)?;
        *journal = None;
        Ok(serial)
    }

    /// Replaces the state and the journal by a whole record. `guard` checks the lock again before
    /// the state is replaced.
    pub(super) fn replace(
        &mut self,
        recorded: Recorded,
        guard: &dyn Fn() -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let Self { folder, base, overlay, journal, holder: _, calls: _, new_lineage: _ } = self;
        let guard = || {
            guard()?;
            check_journal(folder, journal.as_ref())
        };
        let journal_id = journal.as_ref().map(|open| open.head.journal.clone());
        *base = replace(folder, base, recorded, journal_id, &guard)?;
        *overlay = Overlay::default();
        if journal.take().is_some() { remove_journal(folder) } else { Ok(()) }
    }

    /// Returns whether a call may have been sent.
    pub(super) fn has_sent(&self) -> bool {
        self.calls == Calls::MayBeSent
    }

    /// Returns whether there is nothing to fold.
    pub(super) fn is_empty(&self) -> bool {
        self.overlay.is_empty()
    }

    /// Removes the journal if it is still this run's. Its entries are kept elsewhere or not needed.
    pub(super) fn abandon(&self) {
        if self.journal.is_some() && check_journal(&self.folder, self.journal.as_ref()).is_ok() {
            // If that fails, the journal itself names the state that it builds on, and the first
            // error is the one to report.
            drop(self.folder.remove(&self.folder.journal).and_then(|()| self.folder.sync()));
        }
    }

    /// Writes the rescue file of process `pid`.
    pub(super) fn rescue(&self, pid: u32) -> Result<Rescue, StateError> {
        Rescue::write(&self.folder, pid, &self.head()?, self.entries())
    }

    /// Returns the path of the rescue file of process `pid`.
    pub(super) fn rescue_path(&self, pid: u32) -> PathBuf {
        self.folder.rescue(pid)
    }

    /// Returns the content of the rescue file.
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

    /// Returns the entries of the whole record and of this run: the program that removed a file may
    /// remove or replace the state too.
    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        overlay::entries(&self.base.recorded).chain(self.overlay.entries())
    }

    fn head(&self) -> Result<Head, StateError> {
        let Self { folder, base, overlay: _, journal, holder, calls: _, new_lineage: _ } = self;
        match (journal, &base.recorded.lineage) {
            (Some(open), _) => Ok(open.head.clone()),
            (None, Some(lineage)) => {
                let id = random_uuid().map_err(StateError::io("begin", &folder.journal))?;
                let (lineage, holder) = (lineage.clone(), Some(holder.clone()));
                Ok(Head::new(id, lineage, base.recorded.serial, holder))
            }
            (None, None) => Err(StateError::Stopped { location: text(&folder.state) }),
        }
    }

    /// Returns the path of the state.
    pub(super) fn state(&self) -> &Path {
        &self.folder.state
    }

    /// Returns the journal. Starts it first if needed.
    fn begin(&mut self) -> Result<&mut OpenJournal, StateError> {
        let lineage = self.lineage()?;
        let Self { folder, base, overlay: _, journal, holder, calls: _, new_lineage: _ } = self;
        match journal {
            Some(open) => Ok(open),
            None => Ok(journal.insert(begin(folder, base, lineage, holder)?)),
        }
    }
}

fn begin(
    folder: &Folder,
    base: &mut Base,
    lineage: Lineage,
    holder: &Holder,
) -> Result<OpenJournal, StateError> {
    let failed = |error| StateError::io("begin", &folder.journal)(error);
    begin_lineage(folder, base, &lineage)?;
    let id = random_uuid().map_err(failed)?;
    let head = Head::new(id, lineage, base.recorded.serial, Some(holder.clone()));
    let line = head.line().map_err(|error| failed(error.into()))?;
    let mut file = folder.create_new(&folder.journal)?;
    file.hold().map_err(failed)?;
    file.write_all(&line).and_then(|()| file.sync()).map_err(failed)?;
    folder.sync()?;
    Ok(OpenJournal { file, head, length: line.len() as u64, durable: 0 })
}

/// Checks that the file at the journal's path is this run's, and that no other program truncated it
/// or wrote to it. Succeeds if no journal was started.
fn check_journal(folder: &Folder, journal: Option<&OpenJournal>) -> Result<(), StateError> {
    let Some(OpenJournal { file, head: _, length, durable: _ }) = journal else { return Ok(()) };
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
