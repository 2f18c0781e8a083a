//! The store under its lease: brought up to date first, then served by the writer task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::model::{Lineage, Recorded};
use crate::state::format::SharedRooms;
use crate::state::{
    Access, Durable, Entry, Folded, Found, LastCalls, LeaseEnd, Lost, Snapshot, StateError,
    WriteStore,
};

use super::bucket::{Acknowledged, Bucket, Write, WriteError};
use super::document::{self, NextState, ReadState};
use super::head::{Head, ReadHead};
use super::lease::{self, Lease};
use super::objects::{Condition, Name, Version};
use super::window::SEND_WINDOW;
use super::writer::{Append, Reply, Request, StateObject, Writer};

/// A state that this run may write: it holds the lease.
pub(super) struct Locked {
    location: String,
    snapshot: Snapshot,
    lineage: Mutex<Lineage>,
    requests: mpsc::UnboundedSender<Request>,
    lost: watch::Receiver<Option<StateError>>,
}

/// The record under a lease, and what is written next to it.
struct UpToDate {
    recorded: Arc<Recorded>,
    found: Found,
    state: StateObject,
    /// How many rooms the journal of an earlier run changed.
    folded: Option<usize>,
}

impl Locked {
    /// Brings the state up to date, and starts to serve. Where that fails, the lease is released, so that
    /// the next run need not wait for its end.
    pub(super) async fn open(
        bucket: Bucket,
        shared: &SharedRooms,
        mut lease: Lease,
    ) -> Result<Self, StateError> {
        let UpToDate { recorded, found, state, folded } =
            match bring_up_to_date(&bucket, shared, &mut lease).await {
                Ok(up_to_date) => up_to_date,
                Err(error) => {
                    let Lease { read, version, sent: _, earlier: _ } = &lease;
                    // The first error counts; without the release the lease ends by itself.
                    drop(lease::release_uncleanly(&bucket, &read.head, version).await);
                    return Err(error);
                }
            };
        let Lease { read: ReadHead { head, entries: _ }, version, sent, earlier } = lease;
        let snapshot = Snapshot {
            recorded: Arc::clone(&recorded),
            found,
            last_calls: head.last_calls.clone(),
            ended_uncleanly: head.unknown_calls,
            in_progress: None,
            folded,
            earlier,
        };
        let (location, lineage) = (bucket.location.clone(), Mutex::new(head.lineage.clone()));
        let (writer, lost) = Writer::new(bucket, head, version, sent, recorded, state);
        let (requests, receiver) = mpsc::unbounded_channel();
        tokio::spawn(writer.run(receiver));
        Ok(Self { location, snapshot, lineage, requests, lost })
    }

    fn known_lineage(&self) -> MutexGuard<'_, Lineage> {
        // Nothing that can panic runs under this lock.
        self.lineage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the writer at once, and returns the wait for its answer.
    fn request<T: Send + 'static>(
        &self,
        make: impl FnOnce(Reply<T>) -> Result<Request, StateError>,
    ) -> Access<'_, T> {
        let (reply, answer) = oneshot::channel();
        let requested =
            make(reply).and_then(|request| self.requests.send(request).map_err(|_| self.gone()));
        Box::pin(async move {
            requested?;
            answer.await.unwrap_or_else(|_| Err(self.gone()))
        })
    }

    /// Why a request is not served.
    fn gone(&self) -> StateError {
        let stopped = || StateError::Stopped { location: self.location.clone() };
        self.lost.borrow().clone().unwrap_or_else(stopped)
    }
}

impl WriteStore for Locked {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn lineage(&self) -> Result<Lineage, StateError> {
        Ok(self.known_lineage().clone())
    }

    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError> {
        if self.snapshot.found == Found::New {
            let request = Request::ContinueLineage(lineage.clone());
            self.requests.send(request).map_err(|_| self.gone())?;
            *self.known_lineage() = lineage;
        }
        Ok(())
    }

    fn reserve(&self, _: usize) -> Access<'_, ()> {
        // The write that took the lease has shown that the store takes writes.
        Box::pin(async { Ok(()) })
    }

    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable> {
        self.request(|reply| {
            let append = Append::of(entries, reply).map_err(|error| {
                StateError::io("write", self.location.as_ref())(std::io::Error::other(error))
            });
            append.map(Request::Append)
        })
    }

    fn send_window(&self) -> Option<Duration> {
        Some(SEND_WINDOW)
    }

    fn check(&self) -> Access<'_, ()> {
        Box::pin(async { self.append(Vec::new()).await.map(drop) })
    }

    fn replace(&self, recorded: Recorded) -> Access<'_, ()> {
        self.request(|reply| Ok(Request::Replace(recorded, reply)))
    }

    fn lost(&self) -> Lost<'_> {
        let mut lost = self.lost.clone();
        Box::pin(async move {
            let error = lost.wait_for(Option::is_some).await.ok().and_then(|error| error.clone());
            match error {
                Some(error) => error,
                // Released: nothing is lost any more.
                None => std::future::pending().await,
            }
        })
    }

    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded> {
        self.request(|reply| Ok(Request::Close(last_calls, reply)))
    }
}

/// Reads the state under the lease. Unless the last holder released it cleanly, writes the state with the
/// new epoch, even if nothing is to be folded: from then on no write of an earlier holder succeeds.
async fn bring_up_to_date(
    bucket: &Bucket,
    shared: &SharedRooms,
    lease: &mut Lease,
) -> Result<UpToDate, StateError> {
    loop {
        let state = document::read(bucket, shared).await?;
        let head = &lease.read.head;
        if state.as_ref().is_some_and(|state| state.write.epoch > head.epoch) {
            return Err(bucket.lost(None));
        }
        document::check(bucket, head, state.as_ref())?;
        let written = state.as_ref().map(|state| state.write.write_id.as_str());
        lease.read.head.settle_replacement(written);
        if let Some(to) = state.as_ref().and_then(|state| state.recorded.moved_to.clone()) {
            return Err(StateError::Moved { to });
        }
        let must_write = lease.earlier.is_some_and(|earlier| earlier.lease == LeaseEnd::TakenOver);
        if !must_write {
            return Ok(as_read(state));
        }
        if let Some(up_to_date) = write_first(bucket, lease, state).await? {
            return Ok(up_to_date);
        }
    }
}

/// The record of a state whose journal is empty.
fn as_read(state: Option<ReadState>) -> UpToDate {
    match state {
        Some(ReadState { recorded, write: _, version }) => UpToDate {
            state: StateObject { version: Some(version), serial: recorded.serial },
            recorded: Arc::new(recorded),
            found: Found::Existing,
            folded: None,
        },
        None => UpToDate {
            recorded: Arc::default(),
            found: Found::New,
            state: StateObject { version: None, serial: 0 },
            folded: None,
        },
    }
}

/// Writes the state with the journal of the last run folded into it; `None` if the state has changed since
/// it was read.
async fn write_first(
    bucket: &Bucket,
    lease: &mut Lease,
    state: Option<ReadState>,
) -> Result<Option<UpToDate>, StateError> {
    let (recorded, held, condition) = match state {
        Some(ReadState { recorded, write, version }) => {
            (recorded, write.up_to, Condition::Version(version))
        }
        None => (Recorded::default(), 0, Condition::Absent),
    };
    let changes = lease.read.changes(held);
    let Head { lineage, epoch, lease: length, journal, .. } = &lease.read.head;
    let folded = changes.changes(&recorded).then(|| changes.changed_rooms(&recorded));
    let serial = recorded.serial + u64::from(folded.is_some());
    let mut recorded = Arc::new(recorded);
    let numbers = (serial, *epoch, journal.last());
    let next =
        NextState::of(bucket, lineage.clone(), Arc::clone(&recorded), changes.clone(), numbers)
            .await?;
    let (reference, up_to) = (next.reference(), next.write.up_to);
    let NextState { write, serial, bytes } = next;
    let write = Write { name: &Name::State, bytes, id: &write.write_id, condition };
    let until = Instant::now() + *length;
    let version: Version = match bucket.put(&write, until).await {
        Ok(Acknowledged { version, sent: _ }) => version,
        Err(WriteError::Superseded(_)) => return Ok(None),
        Err(WriteError::Failed(error)) => {
            return Err(bucket.failed("write", &Name::State, &error));
        }
    };
    let lineage = lineage.clone();
    lease.read.head.state = Some(reference);
    lease.read.head.journal.drop_up_to(up_to);
    // Nobody else holds it any more: nothing is copied.
    let now = Arc::make_mut(&mut recorded);
    changes.apply(now);
    (now.lineage, now.serial) = (Some(lineage), serial);
    let state = StateObject { version: Some(version), serial };
    Ok(Some(UpToDate { recorded, found: Found::Existing, state, folded }))
}
