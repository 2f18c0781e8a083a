//! `drift`: how the service differs from the record. It changes neither, and takes no lock.

use std::collections::BTreeSet;

use super::plan::{Credentials, not_asked, read_only, require};
use super::refresh::{Clocks, Known};
use super::session::{Access, Connected, Connector, Session, SessionError};
use crate::model::{Drift, Finding, Observed, Refresh};
use crate::planner::{self, Purpose};

/// How the comparison is made.
#[derive(Clone, Copy, Debug)]
pub struct DriftRequest<'a> {
    /// Which rooms are asked after.
    pub refresh: Refresh,
    /// Whether missing credentials are an error.
    pub credentials: Credentials,
    /// Warnings about the files.
    pub warnings: &'a [Finding],
}

/// A comparison that came to its end.
pub struct Compared<E> {
    /// What was found.
    pub drift: Drift,
    /// Whether the connections were closed.
    pub closed: Result<(), E>,
}

/// Reads the state, asks the services with clients that cannot change anything, and compares.
///
/// # Errors
/// Returns an error if the state cannot be read or belongs to another application, or if credentials
/// are required and missing.
pub async fn drift<C: Connector>(
    session: &Session<'_, C>,
    request: DriftRequest<'_>,
) -> Result<Compared<C::Error>, C::Error> {
    let Session { desired, store, connector, clock, stop, events, host_change: _ } = session;
    let snapshot = store.read().await.map_err(SessionError::State)?;
    let hosts = session.belongs(&snapshot)?;
    let connected = match request.refresh {
        Refresh::Never => Connected::default(),
        Refresh::Due | Refresh::All => connector.connect(Access::Reads).await?,
    };
    session.resume(&connected, &snapshot);
    require(request.credentials, &connected)?;
    let declared = planner::as_declared(desired, &snapshot.recorded);
    let evict = BTreeSet::new();
    let mut known = Known {
        desired,
        recorded: &declared.recorded,
        observed: Observed::default(),
        evict: &evict,
        in_progress: snapshot.in_progress.as_ref(),
    };
    let clocks = Clocks { wall: *clock, connections: &connected.connections };
    let observers = read_only(&connected);
    known.refresh(request.refresh, Purpose::Record, &observers, &clocks, (events, stop)).await;
    let in_progress = snapshot.in_progress.as_ref();
    let mut drift = planner::drift(desired, &declared.recorded, &known.observed, in_progress);
    drift.findings.extend(request.warnings.iter().cloned().chain(hosts));
    drift.findings.extend(not_asked(&connected));
    let closed = connector.close().await;
    Ok(Compared { drift, closed })
}
