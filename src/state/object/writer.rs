//! The task that writes under the lease: one head at a time, at most one a second, each with everything
//! that was appended since.

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

/// How large the journal may grow before it is folded in mid-run.
const LARGEST_JOURNAL: usize = 1 << 20;
/// How long after a fold that failed the next one is tried.
const FOLD_PAUSE: Duration = Duration::from_secs(10);

/// Everything that the task knows.
pub(super) struct Writer {
    bucket: Bucket,
    head: Head,
    version: Version,
    /// When the last write that is done was sent: the lease counts from then.
    renewed: Instant,
    /// When the last write was sent.
    sent: Instant,
    /// The state as this run met it, and what it has changed since.
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

/// A fold in mid-run.
enum Fold {
    /// None is in progress, and none is begun before a time.
    NotBefore(Instant),
    /// One is in progress.
    InProgress(JoinHandle<Result<Written, FoldError>>),
}

/// A state that was written.
struct Written {
    version: Version,
    serial: u64,
    reference: StateRef,
    up_to: u64,
}

/// Why a state was not written.
enum FoldError {
    /// Another run wrote it.
    Superseded,
    /// It may be tried again.
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
                // In this order: many requests must not hold up a write.
                biased;
                written = done(&mut self.fold) => self.take_fold(written)?,
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
    /// Goes on from a lease that was taken; nothing is written yet.
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

    /// Returns when the next head is written: soon if something waits for it, and otherwise to
    /// renew the lease.
    fn next_write(&self) -> Instant {
        if self.queue.appends.is_empty() {
            self.renewed + self.head.lease / 3
        } else {
            self.sent + self.bucket.objects.write_interval()
        }
    }

    /// Writes the head, with everything that waits.
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

    /// Returns why a head is not the one that this run wrote.
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

    /// Begins to fold the journal if it has grown large, or if it is to be closed.
    fn begin_fold(&mut self) {
        let Fold::NotBefore(time) = &self.fold else { return };
        let is_large = self.head.journal.bytes() > LARGEST_JOURNAL
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

    /// Returns whether the journal has entries that the state does not hold.
    fn holds_entries(&self) -> bool {
        self.head.journal.last() > self.head.journal.base()
    }

    /// Drops what was folded from the head; the next write of it says so.
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

    /// Returns whether nothing waits for the head or the state.
    fn is_idle(&self) -> bool {
        self.queue.appends.is_empty() && matches!(self.fold, Fold::NotBefore(_))
    }

    fn may_replace(&self) -> bool {
        self.queue.replacing.is_some() && self.is_idle()
    }

    /// Writes a whole record as the state. The head names the write before, so that after a crash either
    /// state belongs to it.
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

    /// Releases the lease, after the last write of the state.
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

/// Writes a state, if no other run has.
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

/// Waits for the end of a fold; for ever if none is in progress.
async fn done(fold: &mut Fold) -> Result<Written, FoldError> {
    match fold {
        Fold::NotBefore(_) => std::future::pending().await,
        Fold::InProgress(task) => task.await.unwrap_or_else(|error| {
            let error = Arc::new(std::io::Error::other(error.to_string()));
            let location = Path::new("the state").display().to_string();
            Err(FoldError::Failed(StateError::Io { operation: "fold", location, error }))
        }),
    }
}
