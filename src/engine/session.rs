//! What all sessions have in common: lock, identity of the state, connections, close, fold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::applier::{Connection, Connections, Report, Stop};
use crate::model::{
    Address, Clock, Desired, Finding, Lineage, ProviderName, ScopeError, Timestamp,
};
use crate::planner::{self, HostChange, IdentityError, SavedPlanRefusal};
use crate::provider::{PreviousRun, SignatureLife};
use crate::state::{Holder, LastCalls, Snapshot, StateError, Store, WriteStore};

/// How long the work of a session on a shared store may continue after a stop: the grace period of its
/// steps, and the write of their results.
const WORK_AFTER_STOP: Duration = Duration::from_secs(7);

/// How long a fold into a shared store may take after a stop.
const FOLD_AFTER_STOP: Duration = Duration::from_secs(4);

/// How long a fold may take if the work was aborted: then the store has not answered for some time already.
const FOLD_AFTER_GIVEN_UP: Duration = Duration::from_secs(1);

/// The inputs of a session.
pub struct Session<'a, C> {
    /// What the files declare.
    pub desired: &'a Desired,
    /// The store of the record.
    pub store: &'a dyn Store,
    /// Connects the providers.
    pub connector: &'a C,
    /// The wall clock. The times of the last run's calls are compared with it, for the rate limits.
    pub clock: &'a dyn Clock,
    /// The request to stop.
    pub stop: &'a Stop,
    /// Receives the events of the session.
    pub events: Arc<dyn Report>,
    /// Whether a provider may have another host than the recorded one.
    pub host_change: HostChange,
}

/// How the write lock is taken.
#[derive(Clone, Debug)]
pub struct Lock {
    /// The holder that other runs see.
    pub holder: Holder,
    /// How long to wait for the lock.
    pub timeout: Duration,
}

/// What a session does with the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Reads,
    /// It changes rooms.
    Changes,
}

/// The connected providers.
#[derive(Default)]
pub struct Connected {
    /// The connections.
    pub connections: Connections,
    /// The providers without credentials, each with what is missing.
    pub missing: BTreeMap<ProviderName, String>,
}

/// Connects the declared providers, for one session.
pub trait Connector {
    /// The caller's error, which includes the errors of the session.
    type Error: From<SessionError>;

    /// Connects every provider that has credentials. Called once, after the check that the state belongs to
    /// the declared applications.
    fn connect(&self, access: Access) -> impl Future<Output = Result<Connected, Self::Error>>;

    /// Ends what `connect` started.
    fn close(&self) -> impl Future<Output = Result<(), Self::Error>>;
}

/// Why a session ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state belongs to another application.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The plan is not the one that was saved or expected, or may not be applied.
    #[error(transparent)]
    SavedPlan(#[from] SavedPlanRefusal),
    /// The scope names no room.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A stop was requested before anything was done.
    #[error("interrupted before {before}: nothing was done")]
    Interrupted {
        /// What had not been done yet.
        before: &'static str,
    },
    /// A stop was requested, and the store of the state did not answer in time.
    #[error(
        "interrupted while the state's store did not answer: the last changes of this run may not be \
         recorded yet. The next run looks up their outcome once the lease has ended"
    )]
    GivenUp,
    /// A refresh was requested, and there are no credentials.
    #[error("provider `{provider}`: {missing}")]
    NoCredentials {
        /// The provider.
        provider: ProviderName,
        /// What is missing.
        missing: String,
    },
    /// A room to import is not declared.
    #[error("{0} is not declared: add it to the file, then import it")]
    NotDeclared(Address),
    /// A room to import is recorded.
    #[error("{0} is recorded already")]
    AlreadyRecorded(Address),
    /// The rooms to import belong to several other states.
    #[error("the declared rooms belong to several other states: {}; `--lineage UUID` selects the one to \
             take over", several(.0))]
    SeveralLineages(BTreeMap<Lineage, u64>),
    /// No room to import belongs to the state that was named.
    #[error("--lineage {0}: no declared, unrecorded room has this lineage")]
    LineageNotFound(Lineage),
}

/// Lists lineages, each with its number of rooms.
fn several(lineages: &BTreeMap<Lineage, u64>) -> String {
    let each = |(lineage, rooms): (&Lineage, &u64)| match rooms {
        1 => format!("{lineage} (1 room)"),
        rooms => format!("{lineage} ({rooms} rooms)"),
    };
    lineages.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// What a session's work under the lock is given.
pub(super) struct Opened {
    /// The record, locked.
    pub(super) store: Arc<dyn WriteStore>,
    /// The providers.
    pub(super) connected: Connected,
    /// Warnings about the providers' hosts.
    pub(super) hosts: Vec<Finding>,
}

/// The result of a session's work, and of closing the session.
pub(super) struct Closed<T, E> {
    /// The result of the work.
    pub(super) done: T,
    /// The error if the connections could not be closed or the journal not be folded.
    pub(super) closed: Result<(), E>,
}

/// Reads the record without taking the lock. Refuses a record that was moved to another store.
pub(super) async fn read(store: &dyn Store) -> Result<Snapshot, SessionError> {
    let snapshot = store.read().await?;
    match &snapshot.recorded.moved_to {
        Some(to) => Err(StateError::Moved { to: to.clone() }.into()),
        None => Ok(snapshot),
    }
}

/// Runs work under the write lock, then folds the journal, also if the work failed.
///
/// # Errors
/// Returns the error of the lock, of the work, or else of the fold.
pub async fn under_lock<T, E: From<SessionError>>(
    store: &dyn Store,
    lock: Lock,
    stop: &Stop,
    work: impl AsyncFnOnce(&Arc<dyn WriteStore>) -> Result<T, E>,
) -> Result<T, E> {
    let work = async |store: &Arc<dyn WriteStore>| Ok((work(store).await?, LastCalls::new()));
    under_lock_with_calls(store, lock, stop, work).await
}

/// Like [`under_lock`], for work that also returns the times of the last calls, which the fold keeps.
///
/// # Errors
/// Returns the error of the lock, of the work, or else of the fold.
pub async fn under_lock_with_calls<T, E: From<SessionError>>(
    store: &dyn Store,
    lock: Lock,
    stop: &Stop,
    work: impl AsyncFnOnce(&Arc<dyn WriteStore>) -> Result<(T, LastCalls), E>,
) -> Result<T, E> {
    let store = locked(store, lock, stop).await?;
    let (done, last_calls) = match while_locked(&store, work(&store)).await {
        Ok((done, last_calls)) => (Ok(done), last_calls),
        Err(error) => (Err(error), LastCalls::new()),
    };
    let folded = store.fold(last_calls).await.map_err(SessionError::State);
    let done = done?;
    folded?;
    Ok(done)
}

impl<C: Connector> Session<'_, C> {
    /// Locks the state, checks its identity, connects, runs the work, closes, and folds. The journal and the
    /// times of the last calls are saved also if the work failed.
    pub(super) async fn run<T>(
        &self,
        lock: Lock,
        work: impl AsyncFnOnce(&Opened) -> Result<T, C::Error>,
    ) -> Result<Closed<T, C::Error>, C::Error> {
        let store = locked(self.store, lock, self.stop).await?;
        let mut fold_time = FOLD_AFTER_STOP;
        let (done, closed, last_calls) = match self.open(&store).await {
            Ok(opened) => {
                let done = self.in_time(&store, WORK_AFTER_STOP, Box::pin(work(&opened))).await;
                if done.is_err() {
                    fold_time = FOLD_AFTER_GIVEN_UP;
                }
                let done = done.unwrap_or_else(|error| Err(error.into()));
                let last_calls = last_calls(&opened.connected.connections, self.clock.now());
                (done, self.connector.close().await, last_calls)
            }
            Err(error) => (Err(error), Ok(()), LastCalls::new()),
        };
        let folded = self.in_time(&store, fold_time, store.fold(last_calls)).await;
        let folded = folded.and_then(|folded| folded.map_err(SessionError::State));
        let done = done?;
        Ok(Closed { done, closed: closed.and(folded.map(drop).map_err(C::Error::from)) })
    }

    /// Waits for `work`. With a shared store, which may not answer, it aborts the work `time` after a
    /// requested stop. An abort is like a crash: the journal has what the next run needs.
    async fn in_time<T>(
        &self,
        store: &Arc<dyn WriteStore>,
        time: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, SessionError> {
        let over = async {
            match store.send_window() {
                Some(_) => {
                    self.stop.wanted().await;
                    tokio::time::sleep(time).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = over => Err(SessionError::GivenUp),
        }
    }

    async fn open(&self, store: &Arc<dyn WriteStore>) -> Result<Opened, C::Error> {
        let snapshot = store.snapshot();
        let hosts = self.check_identity(snapshot)?;
        let mut connected = self.connector.connect(Access::Changes).await?;
        let signatures = match store.send_window() {
            Some(_) => SignatureLife::Short,
            None => SignatureLife::Usual,
        };
        self.resume(&connected, snapshot, signatures);
        let lineage = store.lineage().map_err(SessionError::State)?;
        for Connection { provider, client: _, clock: _ } in connected.connections.values_mut() {
            provider.application = provider.application.clone().of_lineage(&lineage);
        }
        Ok(Opened { store: Arc::clone(store), connected, hosts })
    }

    /// Refuses a state that belongs to another application. Returns a warning for each provider whose host
    /// has changed or is not recorded yet.
    pub(super) fn check_identity(&self, snapshot: &Snapshot) -> Result<Vec<Finding>, SessionError> {
        Ok(planner::identity(self.desired, &snapshot.recorded, self.host_change)?)
    }

    /// Starts the clients with the times of the previous run's last calls, so that both runs together stay
    /// within the rate limits.
    pub(super) fn resume(
        &self,
        connected: &Connected,
        snapshot: &Snapshot,
        signatures: SignatureLife,
    ) {
        let unclean = snapshot.ended_uncleanly;
        let previous = if unclean { PreviousRun::Unclean } else { PreviousRun::Clean };
        let (now, none) = (self.clock.now(), BTreeMap::new());
        for (name, connection) in &connected.connections {
            let moved = self.desired.moved.iter().find(|moved| moved.to == *name);
            let last = snapshot.last_calls.get(name);
            let last = last.or_else(|| snapshot.last_calls.get(&moved?.from)).unwrap_or(&none);
            connection.client.begin_run(last, now, previous, signatures);
        }
    }
}

/// Runs work until the lock is lost, which aborts it. The work must make no call that changes something.
pub(super) async fn while_locked<T, E: From<SessionError>>(
    store: &Arc<dyn WriteStore>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::select! {
        biased;
        error = store.lost() => Err(SessionError::State(error).into()),
        done = work => done,
    }
}

async fn locked(
    store: &dyn Store,
    Lock { holder, timeout }: Lock,
    stop: &Stop,
) -> Result<Arc<dyn WriteStore>, SessionError> {
    match stop.or(store.lock(holder, timeout)).await {
        Some(locked) => Ok(locked?),
        None => Err(SessionError::Interrupted { before: "the lock was free" }),
    }
}

fn last_calls(connections: &Connections, now: Timestamp) -> LastCalls {
    let last = connections.iter();
    last.map(|(name, one)| (name.clone(), one.client.last_calls(now))).collect()
}
