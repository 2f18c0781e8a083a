//! The store as the lease holder uses it: it sends requests to the one task that writes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::model::{Lineage, Recorded};
use crate::state::{
    Access, Durable, Entry, Folded, Found, LastCalls, Lost, Snapshot, StateError, WriteStore,
    journal,
};

use super::SEND_WINDOW;

/// A request of the lease holder to the writer task.
pub(in crate::state) enum Request {
    /// Makes entries durable.
    Append(Append),
    /// Lets a new state continue an earlier lineage.
    ContinueLineage(Lineage),
    /// Replaces the state and the journal by a whole record.
    Replace(Recorded, Reply<()>),
    /// Folds everything into the state, and releases the lease.
    Close(LastCalls, Reply<Folded>),
}

/// Entries with their serialized texts, and the channel for the reply.
pub(in crate::state) struct Append {
    pub(in crate::state) entries: Vec<Entry>,
    pub(in crate::state) bodies: Vec<Vec<u8>>,
    pub(in crate::state) reply: Reply<Durable>,
}

/// The channel for the result of a request.
pub(in crate::state) type Reply<T> = oneshot::Sender<Result<T, StateError>>;

/// The requests that the writer task has not served yet.
#[derive(Default)]
pub(in crate::state) struct Queue {
    pub(in crate::state) appends: Vec<Append>,
    pub(in crate::state) replacing: Option<(Recorded, Reply<()>)>,
    pub(in crate::state) closing: Option<(LastCalls, Reply<Folded>)>,
}

/// The writer task: the only one that writes under the lease.
pub(in crate::state) trait LeaseWriter: Send + 'static {
    /// Serves requests until the lease is released or lost, or the holder is dropped.
    fn serve(
        &mut self,
        requests: &mut mpsc::UnboundedReceiver<Request>,
    ) -> impl Future<Output = Result<WriterEnd, StateError>> + Send;

    /// Returns the requests that are not served yet.
    fn into_queue(self) -> Queue;
}

/// How the writer task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) enum WriterEnd {
    /// The holder was dropped: the lease expires.
    Dropped,
    /// The lease was released.
    Released,
}

/// A state that this run may write, because it holds the lease.
pub(in crate::state) struct LeasedStore {
    location: String,
    snapshot: Snapshot,
    lineage: Mutex<Lineage>,
    requests: mpsc::UnboundedSender<Request>,
    lost: watch::Receiver<Option<StateError>>,
}

impl Append {
    /// Serializes entries.
    pub(in crate::state) fn of(
        entries: Vec<Entry>,
        reply: Reply<Durable>,
    ) -> Result<Self, serde_json::Error> {
        let bodies: Result<_, _> = entries.iter().map(journal::body).collect();
        Ok(Self { bodies: bodies?, entries, reply })
    }
}

impl Queue {
    /// Answers every request, also the later ones, with the error that ended the task.
    pub(in crate::state) async fn refuse(
        self,
        requests: &mut mpsc::UnboundedReceiver<Request>,
        error: &StateError,
    ) {
        let Self { appends, replacing, closing } = self;
        // The receiver of a cancelled caller is gone.
        let refuse = |request| match request {
            Request::Append(append) => drop(append.reply.send(Err(error.clone()))),
            Request::ContinueLineage(_) => {}
            Request::Replace(_, reply) => drop(reply.send(Err(error.clone()))),
            Request::Close(_, reply) => drop(reply.send(Err(error.clone()))),
        };
        appends.into_iter().map(Request::Append).for_each(refuse);
        if let Some((recorded, reply)) = replacing {
            refuse(Request::Replace(recorded, reply));
        }
        if let Some((last_calls, reply)) = closing {
            refuse(Request::Close(last_calls, reply));
        }
        while let Some(request) = requests.recv().await {
            refuse(request);
        }
    }
}

impl LeasedStore {
    /// Starts the writer task. `writer` gets the channel through which a send window sees that the
    /// lease is lost.
    pub(in crate::state) fn start<W: LeaseWriter>(
        location: String,
        snapshot: Snapshot,
        lineage: Lineage,
        writer: impl FnOnce(watch::Receiver<Option<StateError>>) -> W,
    ) -> Self {
        let (ended, lost) = watch::channel(None);
        let (sender, mut requests) = mpsc::unbounded_channel();
        let mut writer = writer(lost.clone());
        tokio::spawn(async move {
            let error = match writer.serve(&mut requests).await {
                Ok(WriterEnd::Dropped | WriterEnd::Released) => return,
                Err(error) => error,
            };
            ended.send_replace(Some(error.clone()));
            writer.into_queue().refuse(&mut requests, &error).await;
        });
        Self { location, snapshot, lineage: Mutex::new(lineage), requests: sender, lost }
    }

    fn known_lineage(&self) -> MutexGuard<'_, Lineage> {
        // Nothing that can panic runs under this lock.
        self.lineage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the writer at once, and returns a future of the reply.
    fn request<T: Send + 'static>(
        &self,
        make: impl FnOnce(Reply<T>) -> Result<Request, StateError>,
    ) -> Access<'_, T> {
        let (reply, answer) = oneshot::channel();
        let requested = make(reply)
            .and_then(|request| self.requests.send(request).map_err(|_| self.stopped_error()));
        Box::pin(async move {
            requested?;
            answer.await.unwrap_or_else(|_| Err(self.stopped_error()))
        })
    }

    /// Returns the error of a request that cannot be served.
    fn stopped_error(&self) -> StateError {
        let stopped = || StateError::Stopped { location: self.location.clone() };
        self.lost.borrow().clone().unwrap_or_else(stopped)
    }
}

impl WriteStore for LeasedStore {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn lineage(&self) -> Result<Lineage, StateError> {
        Ok(self.known_lineage().clone())
    }

    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError> {
        if self.snapshot.found == Found::New {
            let request = Request::ContinueLineage(lineage.clone());
            self.requests.send(request).map_err(|_| self.stopped_error())?;
            *self.known_lineage() = lineage;
        }
        Ok(())
    }

    fn reserve(&self, _: usize) -> Access<'_, ()> {
        // Taking the lease was a write: the store is writable.
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
                // The lease was released: it can no longer be lost.
                None => std::future::pending().await,
            }
        })
    }

    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded> {
        self.request(|reply| Ok(Request::Close(last_calls, reply)))
    }
}
