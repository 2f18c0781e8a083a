//! The store under its lock: many callers append concurrently, and one writes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{Lineage, Recorded};
use crate::state::error::text;
use crate::state::{
    Access, Durable, Entry, Folded, LastCalls, Lost, Snapshot, StateError, WriteStore,
};

use super::blocking;
use super::fold::{Base, recover};
use super::folder::Folder;
use super::load::found;
use super::lock_file::{Earlier, Ended, LockFile};
use super::queue::{Queue, Turn};
use super::session::Session;
use super::writer::{Writer, Written};

/// A state that this run may write, because it holds the lock.
///
/// A write in flight keeps the lock too, so that no other run can interfere with it.
pub(super) struct Locked {
    shared: Arc<Shared>,
    snapshot: Snapshot,
}

struct Shared {
    state: PathBuf,
    queue: Queue,
    session: Mutex<Option<Session>>,
}

impl Locked {
    /// Folds the journal that an earlier run left.
    pub(super) fn open(folder: Folder, lock: LockFile) -> Result<Self, StateError> {
        let base = match recover(&folder, &|| lock.check()) {
            Ok(base) => base,
            Err(error) => {
                // A failure to restore the note is ignored: nothing was done, and the first error
                // is the one to report.
                drop(lock.restore());
                return Err(error);
            }
        };
        let Earlier { last_calls, ended } = lock.earlier.clone();
        let Base { recorded, fingerprint, stat: _, version: _, folded } = &base;
        let snapshot = Snapshot {
            recorded: recorded.clone(),
            found: found(*fingerprint),
            last_calls,
            ended_uncleanly: ended == Ended::Uncleanly,
            in_progress: None,
            folded: *folded,
            earlier: None,
        };
        let state = folder.state.clone();
        let writer = Writer::new(folder, base, lock.holder().clone());
        let session = Mutex::new(Some(Session::new(writer, lock)));
        let shared = Arc::new(Shared { state, queue: Queue::default(), session });
        Ok(Self { shared, snapshot })
    }
}

impl WriteStore for Locked {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn lineage(&self) -> Result<Lineage, StateError> {
        self.shared.with_session(Session::lineage)
    }

    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError> {
        self.shared.with_session(|session| {
            session.continue_lineage(lineage);
            Ok(())
        })
    }

    fn reserve(&self, entries: usize) -> Access<'_, ()> {
        let shared = self.shared.clone();
        let work = move || shared.with_session(|session| session.reserve(entries));
        Box::pin(async move { blocking(&self.shared.state, work).await })
    }

    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable> {
        let appended = append(self.shared.clone(), entries);
        Box::pin(async { appended.await.map(|()| Durable::unlimited()) })
    }

    fn send_window(&self) -> Option<Duration> {
        None
    }

    fn check(&self) -> Access<'_, ()> {
        let shared = self.shared.clone();
        let work = move || shared.with_session(Session::check);
        Box::pin(async move { blocking(&self.shared.state, work).await })
    }

    fn replace(&self, recorded: Recorded) -> Access<'_, ()> {
        let shared = self.shared.clone();
        Box::pin(async move {
            // Waits for the writes of cancelled callers.
            append(shared.clone(), Vec::new()).await?;
            let state = shared.state.clone();
            blocking(&state, move || shared.with_session(|session| session.replace(recorded))).await
        })
    }

    fn lost(&self) -> Lost<'_> {
        Box::pin(std::future::pending())
    }

    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded> {
        let shared = self.shared.clone();
        Box::pin(async move {
            // Waits for the writes of cancelled callers.
            let appended = append(shared.clone(), Vec::new()).await;
            let state = shared.state.clone();
            blocking(&state, move || shared.fold(appended, last_calls)).await
        })
    }
}

impl Shared {
    fn fold(
        &self,
        appended: Result<(), StateError>,
        last_calls: LastCalls,
    ) -> Result<Folded, StateError> {
        let session = self.session().take().ok_or_else(|| self.stopped())?;
        session.fold(appended, last_calls).map(|serial| Folded { serial })
    }

    fn with_session<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut session = self.session();
        work(session.as_mut().ok_or_else(|| self.stopped())?)
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        // If a write panicked, the queue takes no more entries.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> StateError {
        StateError::Stopped { location: text(&self.state) }
    }
}

/// Writes batches until the queue is empty. If it is dropped earlier, it fails all waiting callers,
/// since no other caller would write for them.
struct QueueWriter {
    shared: Arc<Shared>,
    done: bool,
}

impl QueueWriter {
    fn write(mut self) {
        while let Some(mut batch) = self.shared.queue.take() {
            let entries = batch.entries();
            let written = self.shared.with_session(|session| session.append(entries));
            if let Err(error) = &written
                && !error.keeps_results()
            {
                self.shared.queue.fail(error);
            }
            batch.answer(&written);
        }
        self.done = true;
    }
}

impl Drop for QueueWriter {
    fn drop(&mut self) {
        if !self.done {
            self.shared.queue.fail(&self.shared.stopped());
        }
    }
}

async fn append(shared: Arc<Shared>, entries: Vec<Entry>) -> Result<(), StateError> {
    let written: Result<Vec<_>, _> = entries.into_iter().map(Written::of).collect();
    let written = written.map_err(|e| StateError::io("write", &shared.state)(e.into()))?;
    let (answer, turn) = shared.queue.add(written)?;
    if turn == Turn::Free {
        let writer = QueueWriter { shared: shared.clone(), done: false };
        tokio::task::spawn_blocking(move || writer.write());
    }
    answer.await.unwrap_or_else(|_| Err(shared.stopped()))
}
