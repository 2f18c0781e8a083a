//! `plan`: what would change. It has no means to change the service or the record.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::refresh::{Clocks, Known};
use super::session::{Access, Connected, Connector, Session, SessionError};
use crate::applier::{Connection, Observers};
use crate::model::{Finding, Observed, Plan, ProviderName, Refresh, Refreshed};
use crate::planner::Purpose;
use crate::provider::{Observer, ReadOnly};
use crate::state::Snapshot;

/// How a plan is made.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// Which rooms are asked after.
    pub refresh: Refresh,
    /// Whether missing credentials are an error.
    pub credentials: Credentials,
    /// Warnings about the files.
    pub warnings: &'a [Finding],
}

/// Whether a plan needs credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Without them the service is not asked, and the plan says so.
    Optional,
    /// The user requested a refresh: it is an error to leave it out.
    Required,
}

/// A plan, and what it was made from.
pub struct Planned<E> {
    /// The plan.
    pub plan: Plan,
    /// The record as it was read.
    pub snapshot: Snapshot,
    /// Whether the connections were closed.
    pub closed: Result<(), E>,
}

/// Reads the state, asks the services with clients that cannot change anything, and plans.
///
/// # Errors
/// Returns an error if the state cannot be read or belongs to another application, or if credentials
/// are required and missing.
pub async fn plan<C: Connector>(
    session: &Session<'_, C>,
    request: PlanRequest<'_>,
) -> Result<Planned<C::Error>, C::Error> {
    let Session { desired, store, connector, clock, stop, events, host_change: _ } = session;
    let snapshot = store.read().await.map_err(SessionError::State)?;
    let hosts = session.belongs(&snapshot)?;
    let connected = match request.refresh {
        Refresh::Never => Connected::default(),
        Refresh::Due | Refresh::All => connector.connect(Access::Reads).await?,
    };
    session.resume(&connected, &snapshot);
    let asked = asked(request, &connected)?;
    let evict = BTreeSet::new();
    let mut known = Known {
        desired,
        recorded: &snapshot.recorded,
        observed: Observed::default(),
        evict: &evict,
        in_progress: snapshot.in_progress.as_ref(),
    };
    let clocks = Clocks { wall: *clock, connections: &connected.connections };
    let observers = read_only(&connected);
    known.refresh(request.refresh, Purpose::Plan, &observers, &clocks, (events, stop)).await;
    let mut plan = known.plan(asked);
    plan.findings.splice(0..0, request.warnings.iter().cloned().chain(hosts));
    plan.findings.extend(not_asked(&connected));
    let closed = connector.close().await;
    Ok(Planned { plan, snapshot, closed })
}

fn asked(request: PlanRequest<'_>, connected: &Connected) -> Result<Refreshed, SessionError> {
    require(request.credentials, connected)?;
    let none = connected.connections.is_empty() && !connected.missing.is_empty();
    Ok(if none { Refreshed::NoCredentials } else { Refreshed::As(request.refresh) })
}

/// Refuses missing credentials that are required.
pub(super) fn require(credentials: Credentials, connected: &Connected) -> Result<(), SessionError> {
    match (credentials, connected.missing.iter().next()) {
        (Credentials::Required, Some((provider, missing))) => {
            let (provider, missing) = (provider.clone(), missing.clone());
            Err(SessionError::NoCredentials { provider, missing })
        }
        (Credentials::Required | Credentials::Optional, _) => Ok(()),
    }
}

/// A warning for each provider that was not asked because it has no credentials.
pub(super) fn not_asked(connected: &Connected) -> impl Iterator<Item = Finding> {
    connected.missing.iter().map(|(name, missing)| {
        let message = format!("provider `{name}` was not asked");
        Finding::warning("not_asked", message).help(missing.clone())
    })
}

/// Observers that never register an operator.
pub(super) fn read_only(connected: &Connected) -> Observers {
    let observer = |(name, connection): (&ProviderName, &Connection)| {
        let observer: Arc<dyn Observer> = Arc::new(ReadOnly::new(connection.client.clone()));
        (name.clone(), observer)
    };
    connected.connections.iter().map(observer).collect()
}
