//! Entries that wait for the disk. Entries that arrive during a sync share the next one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::state::{Entry, StateError};

use super::writer::Written;

/// Entries in order of arrival, with the callers that wait for them.
#[derive(Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    batch: Batch,
    turn: Turn,
    failed: Option<StateError>,
}

/// The entries that one sync makes durable.
#[derive(Default)]
pub(super) struct Batch {
    /// The entries.
    entries: Vec<Written>,
    /// The waiting callers, and what each waits for.
    callers: Vec<(Awaited, oneshot::Sender<Result<(), StateError>>)>,
}

/// What a caller waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// Its results are durable, in the journal or in a rescue file.
    Results,
    /// Its intents, or all earlier entries if it has none itself, are durable in the journal.
    Journal,
}

/// Who writes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// No caller is writing: the next one has to write.
    #[default]
    Free,
    /// A caller is writing, and will write later entries too.
    Taken,
}

/// The channel for the reply to a waiting caller.
pub(super) type Answer = oneshot::Receiver<Result<(), StateError>>;

impl Queue {
    /// Adds entries. Returns [`Turn::Free`] if the caller has to write them.
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

    /// Takes all waiting entries. If there are none, the turn becomes free.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        if waiting.batch.callers.is_empty() {
            waiting.turn = Turn::Free;
            return None;
        }
        Some(std::mem::take(&mut waiting.batch))
    }

    /// Fails all waiting entries, and all later ones.
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
    /// Takes the entries out. The callers keep waiting.
    pub(super) fn entries(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.entries)
    }

    /// Answers every waiting caller.
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
        // The receiver of a cancelled caller is gone.
        drop(caller.send(result));
    }
}
