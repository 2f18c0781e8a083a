//! The writer task: it writes one head at a time, at most one per second, each with all entries
//! that were appended since.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::model::Recorded;
use crate::state::lease::{
    Append, LeaseWriter, Queue, RENEWAL_PATIENCE, Released, Request, Sent, WriteWindow, WriterEnd,
    lost,
};
use crate::state::overlay::Overlay;
use crate::state::{Durable, Folded, StateError, merge_last_calls};

use super::bucket::{Acknowledged, Bucket, Write, WriteError};
use super::document::NextState;
use super::head::{Head, Replacement, StateRef};
use super::lease;
use super::objects::{Condition, Name, Version};

/// The size in bytes from which the journal is folded during the run.
const MAX_JOURNAL: usize = 1 << 20;
/// The wait before a failed fold is tried again.
const FOLD_PAUSE: Duration = Duration::from_secs(10);

/// The state of the writer task.
pub(super) struct Writer {
    bucket: Bucket,
    head: Head,
    version: Version,
    /// When the last acknowledged write was sent. The lease counts from then.
    renewed: Instant,
    /// When the last write was sent.
    sent: Instant,
    /// The record as of taking the lease or the last replacement. `changes` holds what this run has
    /// changed since.
    base: Arc<Recorded>,
    changes: Overlay,
    state: StateObject,
    queue: Queue,
    fold: Fold,
    lost: watch::Receiver<Option<StateError>>,
}

/// The object of the state.
pub(super) struct StateObject {
    /// Its version; `None` if there is none yet.
    pub(super) version: Option<Version>,
    /// Its serial.
    pub(super) serial: u64,
}

/// A fold during the run.
enum Fold {
    /// No fold is in progress, and none starts before this time.
    NotBefore(Instant),
    /// A fold is in progress.
    InProgress(JoinHandle<Result<Written, FoldError>>),
}

/// A state that was written.
struct Written {
    version: Version,
    serial: u64,
    reference: StateRef,
    up_to: u64,
}

/// Why a fold failed.
enum FoldError {
    /// Another run wrote the state.
    Superseded,
    /// The write failed and may be retried.
    Failed(StateError),
}

impl LeaseWriter for Writer {
    async fn serve(
        &mut self,
        requests: &mut mpsc::UnboundedReceiver<Request>,
    ) -> Result<WriterEnd, StateError> {
        loop {
            if self.may_replace() {
                self.replace().await?;
            }
            self.begin_fold();
            if self.may_release() {
                return self.release().await;
            }
            let next = self.next_write();
            tokio::select! {
                // Polled in this order, so that many requests do not delay a write.
                biased;
                written = fold_result(&mut self.fold) => self.take_fold(written)?,
                () = sleep_until(next) => {
                    while let Ok(request) = requests.try_recv() {
                        self.take(request);
                    }
                    self.write().await?;
                }
                request = requests.recv() => match request {
                    Some(request) => self.take(request),
                    None => return Ok(WriterEnd::Dropped),
                },
            }
        }
    }

    fn into_queue(self) -> Queue {
        self.queue
    }
}

impl Writer {
    /// Creates the writer of a lease that was taken. Writes nothing yet.
    pub(super) fn new(
        bucket: Bucket,
        head: Head,
        version: Version,
        sent: Sent,
        base: Arc<Recorded>,
        state: StateObject,
        lost: watch::Receiver<Option<StateError>>,
    ) -> Self {
        Self {
            bucket,
            head,
            version,
            renewed: sent.at,
            sent: sent.at,
            base,
            changes: Overlay::default(),
            state,
            queue: Queue::default(),
            fold: Fold::NotBefore(sent.at),
            lost,
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Append(append) => self.queue.appends.push(append),
            Request::ContinueLineage(lineage) if self.is_new() => self.head.lineage = lineage,
            Request::ContinueLineage(_) => {}
            Request::Replace(recorded, reply) => self.queue.replacing = Some((recorded, reply)),
            Request::Close(last_calls, reply) => self.queue.closing = Some((last_calls, reply)),
        }
    }

    /// Returns the time of the next write of the head: as soon as allowed if appends wait, and
    /// otherwise when the lease is due for renewal.
    fn next_write(&self) -> Instant {
        if self.queue.appends.is_empty() {
            self.renewed + self.head.lease / 3
        } else {
            self.sent + self.bucket.objects.write_interval()
        }
    }

    /// Writes the head with all waiting entries.
    async fn write(&mut self) -> Result<(), StateError> {
        let appends = std::mem::take(&mut self.queue.appends);
        for body in appends.iter().flat_map(|append| &append.bodies) {
            self.head.journal.push(body);
        }
        match self.write_head().await {
            Ok(sent) => {
                for Append { entries, bodies: _, reply } in appends {
                    for entry in entries {
                        self.changes.add(entry);
                    }
                    drop(reply.send(Ok(self.durable(sent))));
                }
                Ok(())
            }
            Err(error) => {
                self.queue.appends = appends;
                Err(error)
            }
        }
    }

    async fn write_head(&mut self) -> Result<Sent, StateError> {
        self.sent = Instant::now();
        let until = self.renewed + self.head.lease + RENEWAL_PATIENCE;
        let condition = Condition::Version(self.version.clone());
        match lease::write(&self.bucket, &self.head, condition, until).await {
            Ok(Acknowledged { version, sent }) => {
                (self.version, self.renewed) = (version, sent.at);
                Ok(sent)
            }
            Err(WriteError::Superseded(there)) => {
                let there = there.and_then(|object| lease::parse(&self.bucket, &object).ok());
                Err(self.superseded(there.map(|(read, _)| read.head)))
            }
            Err(WriteError::Failed(error)) => Err(self.bucket.failed("write", &Name::Head, &error)),
        }
    }

    /// Returns the error of a head that another write replaced.
    fn superseded(&self, there: Option<Head>) -> StateError {
        let location = self.bucket.location.clone();
        match there {
            Some(there) if there.epoch == self.head.epoch && there.released.is_some() => {
                StateError::Unlocked { location }
            }
            Some(there) if there.epoch <= self.head.epoch => {
                self.bucket.outdated("its journal is older than what the store confirmed")
            }
            there => lost(&location, there.map(|there| there.holder)),
        }
    }

    fn durable(&self, sent: Sent) -> Durable {
        let (clock, lost) = (Arc::clone(&self.bucket.clock), self.lost.clone());
        Durable::within(Arc::new(WriteWindow { sent: sent.moment, clock, lost }))
    }

    /// Starts a fold if the journal is large, or if the run is closing.
    fn begin_fold(&mut self) {
        let Fold::NotBefore(time) = &self.fold else { return };
        let is_large = self.head.journal.bytes() > MAX_JOURNAL
            && self.queue.closing.is_none()
            && Instant::now() >= *time;
        let is_last =
            self.queue.closing.is_some() && self.queue.appends.is_empty() && self.holds_entries();
        if is_large || is_last {
            let next = (self.base.clone(), self.changes.clone());
            let (lineage, up_to) = (self.head.lineage.clone(), self.head.journal.last());
            let differs = self.changes.changes(&self.base);
            let serial = self.state.serial + u64::from(differs);
            let condition =
                self.state.version.clone().map_or(Condition::Absent, Condition::Version);
            let (bucket, lease, epoch) = (self.bucket.clone(), self.head.lease, self.head.epoch);
            self.fold = Fold::InProgress(tokio::spawn(async move {
                let (base, changes) = next;
                let next = NextState::of(&bucket, lineage, base, changes, (serial, epoch, up_to));
                let next = next.await.map_err(FoldError::Failed)?;
                put(&bucket, next, condition, Instant::now() + lease).await
            }));
        }
    }

    /// Returns whether the journal has entries that the state does not contain.
    fn holds_entries(&self) -> bool {
        self.head.journal.last() > self.head.journal.base()
    }

    /// Handles the result of a fold. Drops the folded entries from the head in memory; the next write of
    /// the head drops them from the store.
    fn take_fold(&mut self, written: Result<Written, FoldError>) -> Result<(), StateError> {
        self.fold = Fold::NotBefore(Instant::now());
        match written {
            Ok(written) => {
                self.take_written(written);
                Ok(())
            }
            Err(FoldError::Superseded) => Err(lost(&self.bucket.location, None)),
            Err(FoldError::Failed(error)) if self.queue.closing.is_some() => Err(error),
            Err(FoldError::Failed(error)) => {
                tracing::warn!("{error}; the journal keeps everything");
                self.fold = Fold::NotBefore(Instant::now() + FOLD_PAUSE);
                Ok(())
            }
        }
    }

    fn take_written(&mut self, written: Written) {
        let Written { version, serial, reference, up_to } = written;
        self.state = StateObject { version: Some(version), serial };
        self.head.state = Some(reference);
        self.head.journal.drop_up_to(up_to);
    }

    /// Returns whether no append waits and no fold is in progress.
    fn is_idle(&self) -> bool {
        self.queue.appends.is_empty() && matches!(self.fold, Fold::NotBefore(_))
    }

    fn may_replace(&self) -> bool {
        self.queue.replacing.is_some() && self.is_idle()
    }

    /// Replaces the state by a whole record. The head references the write first, so that after a
    /// crash both the old and the new state match the head.
    async fn replace(&mut self) -> Result<(), StateError> {
        let Some((recorded, reply)) = self.queue.replacing.take() else { return Ok(()) };
        let Some(lineage) = recorded.lineage.clone() else {
            let why = "the record has no lineage".to_owned();
            let location = self.bucket.location.clone();
            drop(reply.send(Err(StateError::Unusable { location, why })));
            return Ok(());
        };
        let recorded = Arc::new(recorded);
        let numbers = (recorded.serial, self.head.epoch, self.head.journal.last());
        let (base, none) = (Arc::clone(&recorded), Overlay::default());
        let next = NextState::of(&self.bucket, lineage.clone(), base, none, numbers).await?;
        let write_id = next.write.write_id.clone();
        self.head.replacement = Some(Replacement { write_id, lineage: lineage.clone() });
        sleep_until(self.sent + self.bucket.objects.write_interval()).await;
        self.write_head().await?;
        let condition = self.state.version.clone().map_or(Condition::Absent, Condition::Version);
        let written = put(&self.bucket, next, condition, Instant::now() + self.head.lease).await;
        match written {
            Ok(written) => {
                self.take_written(written);
                (self.head.lineage, self.head.replacement) = (lineage, None);
                (self.base, self.changes) = (recorded, Overlay::default());
                drop(reply.send(Ok(())));
                Ok(())
            }
            Err(FoldError::Superseded) => Err(lost(&self.bucket.location, None)),
            Err(FoldError::Failed(error)) => {
                drop(reply.send(Err(error)));
                Ok(())
            }
        }
    }

    /// Returns whether nothing was ever recorded.
    fn is_new(&self) -> bool {
        self.state.version.is_none() && !self.holds_entries()
    }

    fn may_release(&self) -> bool {
        self.queue.closing.is_some() && self.is_idle() && !self.holds_entries()
    }

    /// Releases the lease after the last write of the state.
    async fn release(&mut self) -> Result<WriterEnd, StateError> {
        sleep_until(self.sent + self.bucket.objects.write_interval()).await;
        if let Some((last_calls, _)) = &self.queue.closing {
            self.head.unknown_calls &= last_calls.is_empty();
            merge_last_calls(&mut self.head.last_calls, last_calls.clone());
        }
        self.head.released = Some(Released::Cleanly);
        self.write_head().await?;
        if let Some((_, reply)) = self.queue.closing.take() {
            drop(reply.send(Ok(Folded { serial: self.state.serial })));
        }
        Ok(WriterEnd::Released)
    }
}

/// Writes a state, unless another run did.
async fn put(
    bucket: &Bucket,
    next: NextState,
    condition: Condition,
    until: Instant,
) -> Result<Written, FoldError> {
    let (reference, up_to) = (next.reference(), next.write.up_to);
    let NextState { write, serial, bytes } = next;
    let write = Write { name: &Name::State, bytes, id: &write.write_id, condition };
    match bucket.put(&write, until).await {
        Ok(Acknowledged { version, sent: _ }) => Ok(Written { version, serial, reference, up_to }),
        Err(WriteError::Superseded(_)) => Err(FoldError::Superseded),
        Err(WriteError::Failed(error)) => {
            Err(FoldError::Failed(bucket.failed("write", &Name::State, &error)))
        }
    }
}

/// Waits for the result of a fold. Never resolves if none is in progress.
async fn fold_result(fold: &mut Fold) -> Result<Written, FoldError> {
    match fold {
        Fold::NotBefore(_) => std::future::pending().await,
        Fold::InProgress(task) => task.await.unwrap_or_else(|error| {
            let error = Arc::new(std::io::Error::other(error.to_string()));
            let location = Path::new("the state").display().to_string();
            Err(FoldError::Failed(StateError::Io { operation: "fold", location, error }))
        }),
    }
}
