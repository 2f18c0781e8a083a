//! `drift`: compares the service with the record. It changes neither, and takes no lock.

use std::borrow::Cow;

use super::plan::{Credentials, connect_reads, read_only};
use super::reconcile::new_state;
use super::refresh::{Clocks, PlanContext, resolve_scope};
use super::session::{Connector, Session, read};
use crate::model::{Drift, Finding, Recorded, Refresh, Scope};
use crate::planner::{self, Purpose};

/// How the comparison is made.
#[derive(Clone, Copy, Debug)]
pub struct DriftRequest<'a> {
    /// Which rooms are queried.
    pub refresh: Refresh,
    /// The rooms that are compared.
    pub scope: &'a Scope,
    /// Warnings about the files.
    pub warnings: &'a [Finding],
}

/// The result of a comparison.
pub struct Compared<E> {
    /// The differences.
    pub drift: Drift,
    /// Whether the connections were closed.
    pub closed: Result<(), E>,
}

/// Reads the state, queries the services with clients that cannot change anything, and compares.
///
/// # Errors
/// Returns an error if the state cannot be read or belongs to another application, or if credentials
/// are missing and rooms are to be queried: "no drift" would be meaningless.
pub async fn drift<C: Connector>(
    session: &Session<'_, C>,
    request: DriftRequest<'_>,
) -> Result<Compared<C::Error>, C::Error> {
    let Session { desired, store, connector, clock, stop, events, host_change: _ } = session;
    let snapshot = read(*store).await?;
    let hosts = session.check_identity(&snapshot)?;
    let desired = &*planner::owned(desired, snapshot.recorded.lineage.as_ref());
    let declared = planner::as_declared(desired, &snapshot.recorded);
    let scope = resolve_scope(request.scope, desired, &declared.recorded)?;
    let connected =
        connect_reads(session, request.refresh, Credentials::Required, &snapshot).await?;
    let in_progress = snapshot.in_progress.as_ref();
    let mut context =
        PlanContext { in_progress, ..PlanContext::new(desired, &declared.recorded, &scope) };
    let clocks = Clocks { wall: *clock, connections: &connected.connections };
    let observers = read_only(&connected);
    context.refresh(request.refresh, Purpose::Record, &observers, &clocks, (events, stop)).await;
    let recorded = in_scope(&declared.recorded, &scope);
    let mut drift = planner::drift(desired, &recorded, &context.observed, in_progress);
    drift.scope = scope.partial_of(declared.recorded.rooms.keys());
    drift.findings.extend(request.warnings.iter().cloned().chain(hosts));
    drift.findings.extend(new_state(&snapshot.recorded));
    let closed = connector.close().await;
    Ok(Compared { drift, closed })
}

/// Returns the record restricted to the rooms in the scope.
fn in_scope<'a>(recorded: &'a Recorded, scope: &Scope) -> Cow<'a, Recorded> {
    if scope.is_everything() {
        return Cow::Borrowed(recorded);
    }
    let Recorded { lineage, serial, providers, rooms, plans, moved_to } = recorded;
    let rooms = rooms.iter().filter(|(address, _)| scope.selects(address));
    Cow::Owned(Recorded {
        lineage: lineage.clone(),
        serial: *serial,
        providers: providers.clone(),
        rooms: rooms.map(|(address, record)| (address.clone(), record.clone())).collect(),
        plans: plans.clone(),
        moved_to: moved_to.clone(),
    })
}
