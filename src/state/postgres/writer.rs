//! The writer task: it executes one statement at a time, each with all entries that were appended
//! since.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::types::Type;

use crate::model::{Lineage, Recorded};
use crate::state::lease::{
    Append, LeaseWriter, Queue, RENEWAL_PATIENCE, Released, RemoteError, Request, Sent,
    WriteWindow, WriterEnd,
};
use crate::state::overlay::Overlay;
use crate::state::{Durable, Folded, LastCalls, StateError, merge_last_calls};

use super::database::{Connection, Database};
use super::fold::{Fold, Release};
use super::head::Head;
use super::lease;
use super::write::{Guard, Write, WriteError};

/// The state of the writer task.
pub(super) struct Writer {
    connection: Connection,
    database: Database,
    guard: Guard,
    lease: Duration,
    lineage: Lineage,
    /// When the last acknowledged write was sent. The lease counts from then.
    renewed: Instant,
    base: Base,
    /// What this run has changed since then.
    changes: Overlay,
    /// Whether the journal has entries.
    holds_entries: bool,
    last_calls: LastCalls,
    unknown_calls: bool,
    /// Whether the server refused a write for a permanent reason.
    is_refused: bool,
    queue: Queue,
    lost: watch::Receiver<Option<StateError>>,
}

/// The state that the journal builds on.
pub(super) struct Base {
    pub(super) recorded: Arc<Recorded>,
    /// Whether a state was ever written.
    pub(super) has_state: bool,
}

const APPEND: &str = "
WITH head AS (
    UPDATE {s}.head SET write_id = $1, renewed = clock_timestamp(), lineage = $5,
        last_entry = last_entry + cardinality($6::text[])
    WHERE {guard} RETURNING last_entry - cardinality($6::text[]) AS before, {durable} AS durable
), written AS (
    INSERT INTO {s}.journal (number, entry)
    SELECT head.before + added.n, added.entry::json
    FROM head, unnest($6::text[]) WITH ORDINALITY AS added(entry, n)
)
SELECT durable FROM head";

impl LeaseWriter for Writer {
    async fn serve(
        &mut self,
        requests: &mut mpsc::UnboundedReceiver<Request>,
    ) -> Result<WriterEnd, StateError> {
        let end = self.serve_requests(requests).await;
        if self.is_refused {
            // The next run then need not wait until the lease expires. A failure is ignored: the
            // lease expires anyway.
            drop(lease::release_uncleanly(&mut self.connection, &mut self.guard).await);
        }
        end
    }

    fn into_queue(self) -> Queue {
        self.queue
    }
}

impl Writer {
    async fn serve_requests(
        &mut self,
        requests: &mut mpsc::UnboundedReceiver<Request>,
    ) -> Result<WriterEnd, StateError> {
        loop {
            while let Ok(request) = requests.try_recv() {
                self.take(request);
            }
            if !self.queue.appends.is_empty() {
                self.append().await?;
            } else if self.queue.replacing.is_some() {
                self.replace().await?;
            } else if self.queue.closing.is_some() {
                return self.close().await;
            } else {
                tokio::select! {
                    () = sleep_until(self.renewed + self.lease / 3) => self.append().await?,
                    request = requests.recv() => match request {
                        Some(request) => self.take(request),
                        None => return Ok(WriterEnd::Dropped),
                    },
                }
            }
        }
    }

    /// Creates the writer of a lease that was taken.
    pub(super) fn new(
        connection: Connection,
        guard: Guard,
        head: &Head,
        sent: Sent,
        base: Base,
        lost: watch::Receiver<Option<StateError>>,
    ) -> Self {
        let database = connection.database().clone();
        Self {
            connection,
            guard,
            lease: database.lease,
            database,
            lineage: head.core.lineage.clone(),
            renewed: sent.at,
            base,
            changes: Overlay::default(),
            holds_entries: false,
            last_calls: head.last_calls.clone(),
            unknown_calls: head.unknown_calls,
            is_refused: false,
            queue: Queue::default(),
            lost,
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Append(append) => self.queue.appends.push(append),
            Request::ContinueLineage(lineage) if self.is_new() => self.lineage = lineage,
            Request::ContinueLineage(_) => {}
            Request::Replace(recorded, reply) => self.queue.replacing = Some((recorded, reply)),
            Request::Close(last_calls, reply) => self.queue.closing = Some((last_calls, reply)),
        }
    }

    /// Returns whether nothing was ever recorded.
    fn is_new(&self) -> bool {
        !self.base.has_state && !self.holds_entries
    }

    /// Returns until when a write is retried. Its condition fails if another run took the lease.
    fn until(&self) -> Instant {
        self.renewed + self.lease + RENEWAL_PATIENCE
    }

    /// Writes the waiting entries, and renews the lease.
    async fn append(&mut self) -> Result<(), StateError> {
        let texts: Vec<&str> = self
            .queue
            .appends
            .iter()
            .flat_map(|append| &append.bodies)
            .map(|body| str::from_utf8(body))
            .collect::<Result<_, _>>()
            .map_err(|error| self.unwritable(error))?;
        let bytes = texts.iter().map(|text| text.len()).sum();
        let (sql, until) = (APPEND, self.until());
        let parameters = &[(&self.lineage.0 as _, Type::TEXT), (&texts as _, Type::TEXT_ARRAY)];
        let write = Write { sql, parameters, bytes, until };
        let sent = self.guard.write(&mut self.connection, write).await;
        let sent = self.record_write(sent)?;
        for Append { entries, bodies: _, reply } in std::mem::take(&mut self.queue.appends) {
            self.holds_entries |= !entries.is_empty();
            for entry in entries {
                self.changes.add(entry);
            }
            // The receiver of a cancelled caller is gone.
            drop(reply.send(Ok(self.durable(sent))));
        }
        Ok(())
    }

    fn unwritable(&self, error: std::str::Utf8Error) -> StateError {
        StateError::io("write", self.database.location.as_ref())(std::io::Error::other(error))
    }

    /// Records the result of a write: the lease counts from a successful one.
    fn record_write(&mut self, sent: Result<Sent, WriteError>) -> Result<Sent, StateError> {
        self.is_refused = matches!(sent, Err(WriteError::Failed(RemoteError::Denied(_))));
        let sent = sent.map_err(|error| error.of_holder(&self.database, &self.guard, "write"))?;
        self.renewed = sent.at;
        Ok(sent)
    }

    fn durable(&self, sent: Sent) -> Durable {
        let (clock, lost) = (Arc::clone(&self.database.clock), self.lost.clone());
        Durable::within(Arc::new(WriteWindow { sent: sent.moment, clock, lost }))
    }

    /// Replaces the state and the journal by a whole record.
    async fn replace(&mut self) -> Result<(), StateError> {
        let Some((recorded, reply)) = self.queue.replacing.take() else { return Ok(()) };
        let Some(lineage) = recorded.lineage.clone() else {
            let why = "the record has no lineage".to_owned();
            let location = self.database.location.clone();
            drop(reply.send(Err(StateError::Unusable { location, why })));
            return Ok(());
        };
        let recorded = Arc::new(recorded);
        let replaced = self.write_record(lineage, Arc::clone(&recorded)).await;
        match replaced {
            Ok(()) => {
                self.base = Base { recorded, has_state: true };
                (self.changes, self.holds_entries) = (Overlay::default(), false);
                drop(reply.send(Ok(())));
                Ok(())
            }
            Err(error) => {
                drop(reply.send(Err(error.clone())));
                Err(error)
            }
        }
    }

    async fn write_record(
        &mut self,
        lineage: Lineage,
        recorded: Arc<Recorded>,
    ) -> Result<(), StateError> {
        let fold = Fold::of_record(&self.database.location, lineage.clone(), recorded).await?;
        let until = self.until();
        let sent = fold.write(&mut self.connection, &mut self.guard, None, until).await;
        self.record_write(sent)?;
        self.lineage = lineage;
        Ok(())
    }

    /// Folds the journal into the state, and releases the lease in the same statement.
    async fn close(&mut self) -> Result<WriterEnd, StateError> {
        let fold = self.fold().await?;
        let mut last_calls = std::mem::take(&mut self.last_calls);
        let mut unknown_calls = self.unknown_calls;
        if let Some((calls, _)) = &self.queue.closing {
            unknown_calls &= calls.is_empty();
            merge_last_calls(&mut last_calls, calls.clone());
        }
        let release = Release { how: Released::Cleanly, last_calls, unknown_calls };
        let until = self.until();
        let sent = fold.write(&mut self.connection, &mut self.guard, Some(&release), until).await;
        self.record_write(sent)?;
        if let Some((_, reply)) = self.queue.closing.take() {
            drop(reply.send(Ok(Folded { serial: fold.serial })));
        }
        Ok(WriterEnd::Released)
    }

    async fn fold(&mut self) -> Result<Fold, StateError> {
        let base = &self.base.recorded;
        if !self.holds_entries {
            return Ok(Fold::nothing(self.lineage.clone(), base));
        }
        let serial = base.serial + u64::from(self.changes.changes(base));
        let changes = std::mem::take(&mut self.changes);
        let next = (Arc::clone(base), changes);
        Fold::of_changes(&self.database.location, self.lineage.clone(), next, serial).await
    }
}
