//! A run under its lock: it writes its journal for as long as the files are the ones it opened.

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

/// Where entries go.
enum Mode {
    /// Into the journal.
    Journal,
    /// A file was changed before anything was done: nowhere.
    Over(Breach),
    /// A file was changed: results go into a rescue file.
    Rescue(Breach, Rescue),
    /// Nor could that one be written, for this reason: results are kept in memory.
    Unsaved(Breach, StateError),
}

/// A file that is no longer the one that this run opened.
#[derive(Clone)]
struct Breach {
    location: String,
    loss: Loss,
}

/// What becomes of what a run has learned whose files were changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Learned {
    /// It is kept.
    Kept,
    /// It is kept only where a call was sent: anything else the next run learns by itself.
    Dropped,
}

impl Session {
    /// A run that has taken its lock.
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

    /// Makes sure that about so many entries can be written.
    pub(super) fn reserve(&mut self, entries: usize) -> Result<(), StateError> {
        self.check()?;
        self.writer.reserve(entries)
    }

    /// Checks that the files are the ones that this run opened.
    pub(super) fn check(&mut self) -> Result<(), StateError> {
        self.broken_off()?;
        let checked = self.check_files();
        self.judged(checked, Learned::Dropped)
    }

    /// Makes entries durable. Where the files are no longer the ones that this run opened, that
    /// is an error, and intents are refused; results are kept all the same, and with
    /// [`StateError::Rescued`] they are durable.
    pub(super) fn append(&mut self, entries: Vec<Written>) -> Result<(), StateError> {
        if matches!(self.mode, Mode::Journal) {
            let written = self.write(&entries);
            match self.judged(written, Learned::Kept) {
                Ok(()) => {
                    self.writer.accept(entries);
                    return Ok(());
                }
                Err(error) if matches!(self.mode, Mode::Journal) => return Err(error),
                Err(_) => {}
            }
        }
        self.keep(entries);
        self.broken_off()
    }

    /// Writes a whole record in place of the state and the journal.
    pub(super) fn replace(&mut self, recorded: Recorded) -> Result<(), StateError> {
        self.check()?;
        let Self { writer, lock, mode: _ } = self;
        let replaced = writer.replace(recorded, &|| lock.check());
        self.judged(replaced, Learned::Dropped)
    }

    /// Folds the journal into the state, keeps the last calls and releases the lock. Returns
    /// the serial of the state then.
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

    /// Fails if the run is broken off.
    fn broken_off(&self) -> Result<(), StateError> {
        match &self.mode {
            Mode::Journal => Ok(()),
            Mode::Over(breach) => Err(breach.early()),
            Mode::Rescue(breach, rescue) => Err(breach.rescued(&rescue.path)),
            Mode::Unsaved(breach, why) => {
                let rescue = self.writer.rescue_path(self.lock.holder().pid);
                Err(breach.unsaved(&rescue, why, None))
            }
        }
    }

    fn check_files(&mut self) -> Result<(), StateError> {
        self.lock.check()?;
        self.writer.check_files()
    }

    /// Checks after the write too: a run that takes a new lock reads the journal afterwards, and so
    /// finds every intent that was durable while this lock was still in its place.
    fn write(&mut self, entries: &[Written]) -> Result<(), StateError> {
        self.check_files()?;
        self.writer.write(entries)?;
        self.check_files()
    }

    fn fold_journal(&mut self) -> Result<u64, StateError> {
        let Self { writer, lock, mode: _ } = self;
        let folded = writer.fold(&|| lock.check());
        self.judged(folded, Learned::Kept)
    }

    /// Breaks off where the files were changed.
    fn judged<T>(
        &mut self,
        done: Result<T, StateError>,
        learned: Learned,
    ) -> Result<T, StateError> {
        let (location, loss) = match done {
            Err(StateError::Changed { location, loss }) => (location, loss),
            done => return done,
        };
        let breach = Breach { location, loss };
        let dropped = learned == Learned::Dropped && !self.writer.has_sent();
        self.mode = if dropped || self.writer.is_empty() {
            self.writer.abandon();
            Mode::Over(breach)
        } else {
            match self.writer.rescue(self.lock.holder().pid) {
                Ok(rescue) => {
                    self.writer.abandon();
                    Mode::Rescue(breach, rescue)
                }
                Err(why) => Mode::Unsaved(breach, why),
            }
        };
        match self.broken_off() {
            Ok(()) => Err(StateError::Stopped { location: text(self.writer.state()) }),
            Err(error) => Err(error),
        }
    }

    /// Keeps what calls in flight brought; an intent's call is not sent.
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
            Mode::Journal | Mode::Over(_) => return,
            Mode::Unsaved(..) => {}
            Mode::Rescue(breach, rescue) => {
                if let Err(why) = rescue.append(&results) {
                    self.mode = Mode::Unsaved(breach.clone(), why);
                }
            }
        }
        self.writer.accept(results);
    }

    /// The error that the run ends with. If its rescue file could not be written that is tried once
    /// more, and otherwise the error itself holds the lines.
    fn final_error(&mut self, error: StateError) -> StateError {
        let Mode::Unsaved(breach, why) = &self.mode else { return error };
        let pid = self.lock.holder().pid;
        if let Ok(rescue) = self.writer.rescue(pid) {
            return breach.rescued(&rescue.path);
        }
        breach.unsaved(&self.writer.rescue_path(pid), why, self.writer.lines().ok())
    }
}

impl Breach {
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
