//! Entries that wait for the disk: those that come while it is busy share the next sync.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::state::{Entry, StateError};

use super::writer::Written;

/// Entries in the order in which they came, with those who wait for them.
#[derive(Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    batch: Batch,
    turn: Turn,
    failed: Option<StateError>,
}

/// What one sync makes durable.
#[derive(Default)]
pub(super) struct Batch {
    /// The entries.
    entries: Vec<Written>,
    /// The callers that wait for them, and what each waits for.
    callers: Vec<(Awaited, oneshot::Sender<Result<(), StateError>>)>,
}

/// What a caller waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// That results are durable: in the journal, or in a rescue file.
    Results,
    /// That a call may be sent, or that all before it is in the journal.
    Journal,
}

/// Who writes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing is being written: the next caller has to write.
    #[default]
    Free,
    /// A caller is writing, and will write this too.
    Taken,
}

/// The answer to a caller that waits.
pub(super) type Answer = oneshot::Receiver<Result<(), StateError>>;

impl Queue {
    /// Adds entries, and says whether it is for the caller to have them written.
    pub(super) fn add(&self, entries: Vec<Written>) -> Result<(Answer, Turn), StateError> {
        let mut waiting = self.lock();
        if let Some(error) = &waiting.failed {
            return Err(error.clone());
        }
        let (caller, answer) = oneshot::channel();
        waiting.batch.callers.push((Awaited::by(&entries), caller));
        waiting.batch.entries.extend(entries);
        Ok((answer, std::mem::replace(&mut waiting.turn, Turn::Taken)))
    }

    /// Takes everything that waits; if nothing does, the turn is free again.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        if waiting.batch.callers.is_empty() {
            waiting.turn = Turn::Free;
            return None;
        }
        Some(std::mem::take(&mut waiting.batch))
    }

    /// Fails everything that waits, and all that ever comes.
    pub(super) fn fail(&self, error: &StateError) {
        let mut waiting = self.lock();
        waiting.turn = Turn::Free;
        waiting.failed = Some(error.clone());
        let Batch { entries: _, callers } = std::mem::take(&mut waiting.batch);
        answer(callers, &Err(error.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// Takes the entries out; the callers still wait.
    pub(super) fn entries(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.entries)
    }

    /// Answers every caller that waited.
    pub(super) fn answer(self, result: &Result<(), StateError>) {
        let Self { entries: _, callers } = self;
        answer(callers, result);
    }
}

impl Awaited {
    fn by(entries: &[Written]) -> Self {
        let is_intent = |written: &Written| matches!(written.entry, Entry::Intent(..));
        if entries.is_empty() || entries.iter().any(is_intent) {
            Self::Journal
        } else {
            Self::Results
        }
    }
}

fn answer(
    callers: Vec<(Awaited, oneshot::Sender<Result<(), StateError>>)>,
    result: &Result<(), StateError>,
) {
    for (awaited, caller) in callers {
        let result = match (awaited, result) {
            (Awaited::Results, Err(StateError::Rescued { .. })) => Ok(()),
            (Awaited::Results | Awaited::Journal, result) => result.clone(),
        };
        // A caller that went away needs no answer.
        drop(caller.send(result));
    }
}
