//! A run under its lock. It writes its journal while the files are the ones that it opened.

use std::path::Path;

use crate::model::{Lineage, Recorded};
use crate::state::error::text;
use crate::state::{Entry, LastCalls, Loss, StateError};

use super::lock_file::LockFile;
use super::rescue::Rescue;
use super::writer::{Writer, Written};

/// The journal and the lock of a run.
pub(super) struct Session {
    writer: Writer,
    lock: LockFile,
    mode: Mode,
}

/// Where entries are written.
enum Mode {
    /// To the journal.
    Journal,
    /// Nowhere: a file was changed before anything was done.
    Stopped(ExternalChange),
    /// To a rescue file: a file was changed.
    Rescue(ExternalChange, Rescue),
    /// To memory: a file was changed, and the rescue file could not be written, for this reason.
    Unsaved(ExternalChange, StateError),
}

/// A change of a file by another program while this run held the lock.
#[derive(Clone)]
struct ExternalChange {
    location: String,
    loss: Loss,
}

/// What happens to the entries of a run after an external change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnChange {
    /// They are kept in a rescue file.
    Keep,
    /// They are kept only if a call was sent: otherwise the next run can look everything up.
    KeepIfSent,
}

impl Session {
    /// Creates the session of a run that holds the lock.
    pub(super) fn new(writer: Writer, lock: LockFile) -> Self {
        Self { writer, lock, mode: Mode::Journal }
    }

    /// Returns the lineage of the state, or the one that a new state gets.
    pub(super) fn lineage(&mut self) -> Result<Lineage, StateError> {
        self.writer.lineage()
    }

    /// Lets a new state continue an earlier lineage.
    pub(super) fn continue_lineage(&mut self, lineage: Lineage) {
        self.writer.continue_lineage(lineage);
    }

    /// Checks that about `entries` entries can be written.
    pub(super) fn reserve(&mut self, entries: usize) -> Result<(), StateError> {
        self.check()?;
        self.writer.reserve(entries)
    }

    /// Checks that the files are the ones that this run opened.
    pub(super) fn check(&mut self) -> Result<(), StateError> {
        self.check_mode()?;
        let checked = self.check_files();
        self.handle_change(checked, OnChange::KeepIfSent)
    }

    /// Makes entries durable. If the files are no longer the ones that this run opened, it fails
    /// and drops intents. Results are still kept; with [`StateError::Rescued`] they are durable.
    pub(super) fn append(&mut self, entries: Vec<Written>) -> Result<(), StateError> {
        if matches!(self.mode, Mode::Journal) {
            let written = self.write(&entries);
            match self.handle_change(written, OnChange::Keep) {
                Ok(()) => {
                    self.writer.accept(entries);
                    return Ok(());
                }
                Err(error) if matches!(self.mode, Mode::Journal) => return Err(error),
                Err(_) => {}
            }
        }
        self.keep(entries);
        self.check_mode()
    }

    /// Replaces the state and the journal by a whole record.
    pub(super) fn replace(&mut self, recorded: Recorded) -> Result<(), StateError> {
        self.check()?;
        let Self { writer, lock, mode: _ } = self;
        let replaced = writer.replace(recorded, &|| lock.check());
        self.handle_change(replaced, OnChange::KeepIfSent)
    }

    /// Folds the journal into the state, keeps the last calls and releases the lock. Returns the
    /// serial of the resulting state.
    pub(super) fn fold(
        mut self,
        appended: Result<(), StateError>,
        last_calls: LastCalls,
    ) -> Result<u64, StateError> {
        let folded =
            appended.and_then(|()| self.fold_journal()).map_err(|error| self.final_error(error));
        let called = last_calls.values().any(|calls| !calls.is_empty());
        let released = if called { self.lock.release(last_calls) } else { self.lock.restore() };
        let serial = folded?;
        released.map(|()| serial)
    }

    /// Fails if entries are no longer written to the journal.
    fn check_mode(&self) -> Result<(), StateError> {
        match &self.mode {
            Mode::Journal => Ok(()),
            Mode::Stopped(change) => Err(change.early()),
            Mode::Rescue(change, rescue) => Err(change.rescued(&rescue.path)),
            Mode::Unsaved(change, why) => {
                let rescue = self.writer.rescue_path(self.lock.holder().pid);
                Err(change.unsaved(&rescue, why, None))
            }
        }
    }

    fn check_files(&mut self) -> Result<(), StateError> {
        self.lock.check()?;
        self.writer.check_files()
    }

    /// Checks the files before and after the write. A run that locks a replaced lock file reads the
    /// journal afterwards, and so finds every intent that was durable while this lock was in place.
    fn write(&mut self, entries: &[Written]) -> Result<(), StateError> {
        self.check_files()?;
        self.writer.write(entries)?;
        self.check_files()
    }

    fn fold_journal(&mut self) -> Result<u64, StateError> {
        let Self { writer, lock, mode: _ } = self;
        let folded = writer.fold(&|| lock.check());
        self.handle_change(folded, OnChange::Keep)
    }

    /// Changes the mode if `done` failed because of an external change.
    fn handle_change<T>(
        &mut self,
        done: Result<T, StateError>,
        on_change: OnChange,
    ) -> Result<T, StateError> {
        let (location, loss) = match done {
            Err(StateError::Changed { location, loss }) => (location, loss),
            done => return done,
        };
        let change = ExternalChange { location, loss };
        let dropped = on_change == OnChange::KeepIfSent && !self.writer.has_sent();
        self.mode = if dropped || self.writer.is_empty() {
            self.writer.abandon();
            Mode::Stopped(change)
        } else {
            match self.writer.rescue(self.lock.holder().pid) {
                Ok(rescue) => {
                    self.writer.abandon();
                    Mode::Rescue(change, rescue)
                }
                Err(why) => Mode::Unsaved(change, why),
            }
        };
        match self.check_mode() {
            Ok(()) => Err(StateError::Stopped { location: text(self.writer.state()) }),
            Err(error) => Err(error),
        }
    }

    /// Keeps the results of calls in flight. Intents are dropped, since their calls are not sent.
    fn keep(&mut self, entries: Vec<Written>) {
        let is_result = |written: &Written| match written.entry {
            Entry::Intent(..) => false,
            Entry::Result(..)
            | Entry::Removed(_)
            | Entry::Provider(..)
            | Entry::ProviderRemoved(_)
            | Entry::PlanCarriedOut(_) => true,
        };
        let results: Vec<Written> = entries.into_iter().filter(is_result).collect();
        match &mut self.mode {
            Mode::Journal | Mode::Stopped(_) => return,
            Mode::Unsaved(..) => {}
            Mode::Rescue(change, rescue) => {
                if let Err(why) = rescue.append(&results) {
                    self.mode = Mode::Unsaved(change.clone(), why);
                }
            }
        }
        self.writer.accept(results);
    }

    /// Returns the final error of the run. If the rescue file could not be written, that is tried
    /// once more. If it fails again, the error contains the lines.
    fn final_error(&mut self, error: StateError) -> StateError {
        let Mode::Unsaved(change, why) = &self.mode else { return error };
        let pid = self.lock.holder().pid;
        if let Ok(rescue) = self.writer.rescue(pid) {
            return change.rescued(&rescue.path);
        }
        change.unsaved(&self.writer.rescue_path(pid), why, self.writer.lines().ok())
    }
}

impl ExternalChange {
    fn early(&self) -> StateError {
        let Self { location, loss } = self.clone();
        StateError::Changed { location, loss }
    }

    fn rescued(&self, rescue: &Path) -> StateError {
        let Self { location, loss } = self.clone();
        StateError::Rescued { location, loss, rescue: text(rescue) }
    }

    fn unsaved(&self, rescue: &Path, why: &StateError, lines: Option<String>) -> StateError {
        let Self { location, loss } = self.clone();
        let (why, lines) = (Box::new(why.clone()), lines.map(Into::into));
        StateError::Unsaved { location, loss, rescue: text(rescue), why, lines }
    }
}
