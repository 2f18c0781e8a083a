//! `plan`: plans what an apply would change. It is not given the means to change the service or the record.

use std::sync::Arc;

use super::refresh::{Clocks, PlanContext, resolve_scope};
use super::session::{Access, Connected, Connector, Session, SessionError, read};
use crate::applier::{Connection, Observers};
use crate::model::{Finding, Plan, ProviderName, Refresh, Refreshed, Scope};
use crate::planner::{self, Purpose};
use crate::provider::{Observer, ReadOnly, SignatureLife};
use crate::state::Snapshot;

/// How a plan is made.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// Which rooms are queried.
    pub refresh: Refresh,
    /// The rooms that are planned for.
    pub scope: &'a Scope,
    /// Whether missing credentials are an error.
    pub credentials: Credentials,
    /// Warnings about the files.
    pub warnings: &'a [Finding],
}

/// Whether a plan needs credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Without them the service is not queried, and the plan has a warning.
    Optional,
    /// Without them the session fails: the user requested a refresh.
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

/// Reads the state, queries the services with clients that cannot change anything, and plans.
///
/// # Errors
/// Returns an error if the state cannot be read or belongs to another application, or if credentials
/// are required and missing.
pub async fn plan<C: Connector>(
    session: &Session<'_, C>,
    request: PlanRequest<'_>,
) -> Result<Planned<C::Error>, C::Error> {
    let Session { desired, store, connector, clock, stop, events, host_change: _ } = session;
    let snapshot = read(*store).await?;
    let hosts = session.check_identity(&snapshot)?;
    let desired = &*planner::owned(desired, snapshot.recorded.lineage.as_ref());
    let declared = planner::as_declared(desired, &snapshot.recorded);
    let scope = resolve_scope(request.scope, desired, &declared.recorded)?;
    let connected = connect_reads(session, request.refresh, request.credentials, &snapshot).await?;
    let none = connected.connections.is_empty() && !connected.missing.is_empty();
    let asked = if none { Refreshed::NoCredentials } else { Refreshed::As(request.refresh) };
    let mut context = PlanContext {
        in_progress: snapshot.in_progress.as_ref(),
        ..PlanContext::new(desired, &snapshot.recorded, &scope)
    };
    let clocks = Clocks { wall: *clock, connections: &connected.connections };
    let observers = read_only(&connected);
    context.refresh(request.refresh, Purpose::Plan, &observers, &clocks, (events, stop)).await;
    let mut plan = context.plan(asked);
    plan.findings.splice(0..0, request.warnings.iter().cloned().chain(hosts));
    plan.findings.extend(not_asked(&connected));
    let closed = connector.close().await;
    Ok(Planned { plan, snapshot, closed })
}

/// Connects the providers of a session that only reads; none if nothing is queried.
///
/// # Errors
/// Returns an error if a connection fails, or if credentials are required and missing.
pub(super) async fn connect_reads<C: Connector>(
    session: &Session<'_, C>,
    refresh: Refresh,
    credentials: Credentials,
    snapshot: &Snapshot,
) -> Result<Connected, C::Error> {
    let connected = match refresh {
        Refresh::Never => Connected::default(),
        Refresh::Due | Refresh::All => session.connector.connect(Access::Reads).await?,
    };
    session.resume(&connected, snapshot, SignatureLife::Usual);
    require(credentials, &connected)?;
    Ok(connected)
}

/// Refuses missing credentials that are required.
fn require(credentials: Credentials, connected: &Connected) -> Result<(), SessionError> {
    match (credentials, connected.missing.iter().next()) {
        (Credentials::Required, Some((provider, missing))) => {
            let (provider, missing) = (provider.clone(), missing.clone());
            Err(SessionError::NoCredentials { provider, missing })
        }
        (Credentials::Required | Credentials::Optional, _) => Ok(()),
    }
}

/// Returns a warning for each provider that was not queried because it has no credentials.
pub(super) fn not_asked(connected: &Connected) -> impl Iterator<Item = Finding> {
    connected.missing.iter().map(|(name, missing)| {
        let message = format!("provider `{name}` was not asked");
        Finding::warning("not_asked", message).help(missing.clone())
    })
}

/// Returns observers that never register an operator.
pub(super) fn read_only(connected: &Connected) -> Observers {
    let observer = |(name, connection): (&ProviderName, &Connection)| {
        let observer: Arc<dyn Observer> = Arc::new(ReadOnly::new(connection.client.clone()));
        (name.clone(), observer)
    };
    connected.connections.iter().map(observer).collect()
}
