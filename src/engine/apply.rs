//! `apply`: plans, has the plan approved, carries it out, and saves.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::identity::{identities, moves, with_old_names};
use super::refresh::{Clocks, Known, as_declared};
use super::session::{Closed, Connector, Lock, Opened, Session, SessionError};
use crate::applier::{self, Run, Seen, Settings};
use crate::model::{
    Address, ApprovedPlan, Finding, Outcome, Plan, ProviderName, Refresh, Refreshed, Step, Summary,
};
use crate::planner::{self, Purpose};
use crate::state::{Entry, WriteStore};

/// How a plan is made and carried out.
#[derive(Clone, Debug)]
pub struct ApplyRequest<'a> {
    /// Which rooms are asked after.
    pub refresh: Refresh,
    /// Rooms whose people may be disconnected (`--evict`).
    pub evict: &'a BTreeSet<Address>,
    /// Steps of one provider in flight at once; enough to hide the latency if `None`.
    pub concurrency: Option<usize>,
    /// How the lock is taken.
    pub lock: Lock,
    /// Warnings about the files.
    pub warnings: &'a [Finding],
}

/// Shows a plan and takes it through the gate.
pub trait Approver<E> {
    /// Returns the plan with the user's consent, or why nothing is to be done. The plan's gate has not
    /// seen the consent yet.
    fn approve(&self, plan: Plan) -> impl Future<Output = Result<ApprovedPlan, E>>;
}

/// An apply that came to its end.
pub struct Applied<E> {
    /// The plan in numbers.
    pub plan: Summary,
    /// What became of its steps.
    pub outcome: Outcome,
    /// Whether the connections were closed and the journal folded into the state.
    pub closed: Result<(), E>,
}

/// Plans under the lock, has the plan approved, carries it out, and folds the journal.
///
/// # Errors
/// Returns an error if nothing was done: the state is locked, damaged or of another application, or the
/// plan was not approved. What fails after the first call is in [`Applied`].
pub async fn apply<C, A>(
    session: &Session<'_, C>,
    request: ApplyRequest<'_>,
    consent: &A,
) -> Result<Applied<C::Error>, C::Error>
where
    C: Connector,
    A: Approver<C::Error>,
{
    let lock = request.lock.clone();
    let work = async |opened: &Opened| work(session, &request, opened, consent).await;
    let Closed { done: (plan, outcome), closed } = session.run(lock, work).await?;
    Ok(Applied { plan, outcome, closed })
}

async fn work<C, A>(
    session: &Session<'_, C>,
    request: &ApplyRequest<'_>,
    opened: &Opened,
    consent: &A,
) -> Result<(Summary, Outcome), C::Error>
where
    C: Connector,
    A: Approver<C::Error>,
{
    let Session { desired, store: _, connector: _, clock, stop, events, host_change: _ } = session;
    let Opened { store, connected, hosts } = opened;
    let connections = &connected.connections;
    let recorded = store.snapshot().recorded.clone();
    let all = with_old_names(desired, connections);
    let recovered = applier::recover(recorded, &all, store.clone(), events, stop)
        .await
        .map_err(SessionError::State)?;
    let mut known = Known {
        desired,
        recorded: &recovered.recorded,
        observed: as_declared(desired, recovered.observed),
        evict: request.evict,
        in_progress: None,
    };
    let clocks = Clocks { wall: *clock, connections };
    let observers = applier::observers(connections);
    known.refresh(request.refresh, Purpose::Apply, &observers, &clocks, (events, stop)).await;
    if stop.is_wanted() {
        return Err(SessionError::Interrupted { before: "the plan was made" }.into());
    }
    let mut plan = known.plan(Refreshed::As(request.refresh));
    plan.findings.splice(0..0, request.warnings.iter().chain(hosts).cloned());
    plan.findings.extend(idle_evictions(request.evict, &plan));
    let summary = plan.summary;
    let approved = consent.approve(plan).await?;
    let observed = known.observed;
    store.check().await.map_err(SessionError::State)?;
    let declared = planner::as_declared(desired, &recovered.recorded);
    let moves = moves(desired, &declared);
    let recorded = Arc::new(declared.recorded.into_owned());
    let Seen { recorded, entries: seen } = applier::seen(&recorded, &observed, connections);
    let used = |name: &ProviderName| uses(&approved, name);
    let known = [moves, identities(desired, &recorded, used), seen].concat();
    prepare(&**store, &approved, known).await?;
    let run = Run {
        recorded,
        observed,
        connections: connections.clone(),
        settings: Settings {
            concurrency: request.concurrency,
            on_conflict: desired.policy.on_conflict,
        },
        store: store.clone(),
        report: events.clone(),
        stop: (*stop).clone(),
    };
    Ok((summary, applier::run(approved, run).await))
}

/// Writes what is known before the first call, and makes sure that the rest can be written: a full
/// disk or a read-only folder shows here.
async fn prepare(
    store: &dyn WriteStore,
    approved: &ApprovedPlan,
    entries: Vec<Entry>,
) -> Result<(), SessionError> {
    /// An intent and a result for each of two calls.
    const ENTRIES_A_STEP: usize = 4;
    let expected = approved.steps().len().saturating_mul(ENTRIES_A_STEP) + entries.len();
    if expected > 0 {
        store.reserve(expected).await?;
        store.append(entries).await?;
    }
    Ok(())
}

fn uses(approved: &ApprovedPlan, name: &ProviderName) -> bool {
    approved.steps().iter().any(|step| step.address.provider == *name)
}

/// A warning for each `--evict` that no step is about.
fn idle_evictions(evict: &BTreeSet<Address>, plan: &Plan) -> Vec<Finding> {
    let about = |step: &Step, address: &Address| {
        step.address == *address || step.sides.others(&step.address).any(|it| it == *address)
    };
    let idle = |address: &&Address| !plan.steps.iter().any(|step| about(step, address));
    let warning = |address: &Address| {
        let message = format!("`--evict {address}` has nothing to do: no step is about it");
        Finding::warning("idle_evict", message).about(address)
    };
    evict.iter().filter(idle).map(warning).collect()
}
