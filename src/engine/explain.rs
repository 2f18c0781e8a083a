//! `explain`: what is desired, recorded and observed of one room, and what a plan does with it. It changes
//! nothing, and takes no lock.

use std::collections::BTreeSet;

use super::plan::{Credentials, connect_reads, not_asked, read_only};
use super::refresh::{Clocks, PlanContext};
use super::session::{Connector, Session, read};
use crate::model::{
    Address, DesiredRoom, Explanation, Finding, Plan, Recorded, Refresh, Refreshed, RoomDecision,
    Scope,
};
use crate::planner::{self, Purpose};

/// Which room is explained, and how.
#[derive(Clone, Copy, Debug)]
pub struct ExplainRequest<'a> {
    /// The room.
    pub address: &'a Address,
    /// Whether the service is queried for it.
    pub refresh: Refresh,
    /// Whether missing credentials are an error.
    pub credentials: Credentials,
}

/// The result of an explain.
pub struct Explained<E> {
    /// What is known and planned of the room.
    pub explanation: Explanation,
    /// Whether the connections were closed.
    pub closed: Result<(), E>,
}

/// Reads the state, queries one room with a client that cannot change anything, and plans; the other rooms
/// are planned for as recorded.
///
/// # Errors
/// Returns an error if the state cannot be read or belongs to another application, or if credentials
/// are required and missing.
pub async fn explain<C: Connector>(
    session: &Session<'_, C>,
    request: ExplainRequest<'_>,
) -> Result<Explained<C::Error>, C::Error> {
    let Session { desired, store, connector, clock, stop, events, host_change: _ } = session;
    let snapshot = read(*store).await?;
    let hosts = session.check_identity(&snapshot)?;
    let desired = &*planner::owned(desired, snapshot.recorded.lineage.as_ref());
    let connected = connect_reads(session, request.refresh, request.credentials, &snapshot).await?;
    let address = planner::address_as_declared(desired, request.address);
    let scope = Scope::default();
    let mut context = PlanContext {
        in_progress: snapshot.in_progress.as_ref(),
        ..PlanContext::new(desired, &snapshot.recorded, &scope)
    };
    let clocks = Clocks { wall: *clock, connections: &connected.connections };
    let due = context.due(Refresh::Due, Purpose::Plan, &clocks).contains(&address);
    let rooms = with_sides(&context, &address);
    let observers = read_only(&connected);
    let mut asked = context.due(request.refresh, Purpose::Plan, &clocks);
    asked.retain(|it| rooms.contains(it));
    context.observe(asked, &observers, (events, stop)).await;
    let mut plan = context.plan(Refreshed::As(request.refresh));
    plan.findings.extend(hosts);
    plan.findings.extend(not_asked(&connected));
    let explanation = Explanation { due, ..explanation(&context, &plan, address) };
    let closed = connector.close().await;
    Ok(Explained { explanation, closed })
}

fn explanation(context: &PlanContext<'_>, plan: &Plan, address: Address) -> Explanation {
    let declared = planner::as_declared(context.desired, context.recorded);
    let provider = context.desired.providers.get(&address.provider);
    let desired = declared_room(context, &address).cloned();
    let recorded = declared.recorded.rooms.get(&address).cloned();
    let decision = match (provider, &desired, &recorded) {
        (None, _, _) => RoomDecision::ProviderNotDeclared,
        (Some(_), None, None) => RoomDecision::Unmanaged,
        (Some(_), _, _) => RoomDecision::of(plan, &address).unwrap_or(RoomDecision::Unchanged),
    };
    let about = |finding: &&Finding| finding.address.as_ref().is_none_or(|it| *it == address);
    Explanation {
        emulated: provider.is_some_and(crate::model::Provider::emulated),
        earliest_end: provider
            .zip(recorded.as_ref())
            .and_then(|(provider, record)| record.earliest_end(&provider.application)),
        observed: context.observed.of(&address).cloned(),
        gate: plan.gate.clone(),
        due: false,
        findings: plan.findings.iter().filter(about).cloned().collect(),
        address,
        desired,
        recorded,
        decision,
    }
}

/// Returns the addresses of all sides of a room: people at its other sides count too.
fn with_sides(context: &PlanContext<'_>, address: &Address) -> BTreeSet<Address> {
    let recorded: &Recorded = &planner::as_declared(context.desired, context.recorded).recorded;
    let declared = declared_room(context, address).map(|room| &room.sides);
    let recorded = recorded.rooms.get(address).map(|record| &record.sides);
    let others = declared.into_iter().chain(recorded).flat_map(|sides| sides.others(address));
    others.chain([address.clone()]).collect()
}

fn declared_room<'a>(context: &PlanContext<'a>, address: &Address) -> Option<&'a DesiredRoom> {
    let rooms = &context.desired.rooms;
    let at = rooms.binary_search_by(|room| room.address.cmp(address)).ok()?;
    rooms.get(at)
}
