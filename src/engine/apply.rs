//! `apply`: plans, has the plan approved, executes it, and saves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::identity::{identities, moves, with_old_names};
use super::reconcile::Goal;
use super::refresh::{Clocks, PlanContext, as_declared, resolve_scope};
use super::session::{Closed, Connector, Lock, Opened, Session, SessionError, while_locked};
use crate::applier::{self, Run, Settings, UpdatedRecord};
use crate::model::{
    Address, ApprovedPlan, Desired, Digest, Finding, HeldReason, NotTried, Observed, Outcome,
    Partial, Plan, ProviderName, Recorded, Refresh, Refreshed, SavedPlan, Scope, Step, Summary,
    WaitReason,
};
use crate::planner::{self, Purpose, SavedPlanRefusal};
use crate::state::{Entry, WriteStore};

/// How a plan is made and executed.
#[derive(Clone, Debug)]
pub struct ApplyRequest<'a> {
    /// Which rooms are queried.
    pub refresh: Refresh,
    /// The rooms that are planned for.
    pub scope: &'a Scope,
    /// The reviewed plan that the new plan is checked against.
    pub reviewed: Reviewed<'a>,
    /// Rooms whose people may be disconnected (`--evict`).
    pub evict: &'a BTreeSet<Address>,
    /// Steps of one provider in flight at once; enough to hide the latency if `None`.
    pub concurrency: Option<usize>,
    /// How the lock is taken.
    pub lock: Lock,
    /// Warnings about the files.
    pub warnings: &'a [Finding],
}

/// A plan that was reviewed earlier; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reviewed<'a> {
    /// The saved plan: only steps that it contains too are executed.
    pub saved: Option<&'a SavedPlan>,
    /// How old the saved plan may be.
    pub max_age: Option<Duration>,
    /// The digest that the new plan must have if it has steps, before it is restricted to the saved one.
    pub digest: Option<Digest>,
}

/// Shows a plan and takes it through the gate.
pub trait Approver<E> {
    /// Returns the plan with the user's consent, or why it is not approved. The gate of `plan` does not
    /// count this consent yet.
    fn approve(&self, plan: Plan) -> impl Future<Output = Result<ApprovedPlan, E>>;
}

/// The result of an apply.
pub struct Applied<E> {
    /// The summary of the plan.
    pub plan: Summary,
    /// How many rooms were recorded when the plan was made.
    pub recorded: u64,
    /// The outcome of its steps.
    pub outcome: Outcome,
    /// Whether the connections were closed and the journal folded into the state.
    pub closed: Result<(), E>,
}

/// Plans under the lock, has the plan approved, executes it, and folds the journal.
///
/// # Errors
/// Returns an error if nothing was done: the state is locked, damaged or of another application, or the
/// plan was not approved. Failures after the first call are in [`Applied`].
pub async fn apply<C, A>(
    session: &Session<'_, C>,
    request: ApplyRequest<'_>,
    consent: &A,
) -> Result<Applied<C::Error>, C::Error>
where
    C: Connector,
    A: Approver<C::Error>,
{
    apply_towards(Goal::Declared, session, request, consent).await
}

/// Applies as [`apply`] does, towards a goal.
pub(super) async fn apply_towards<C, A>(
    goal: Goal,
    session: &Session<'_, C>,
    request: ApplyRequest<'_>,
    consent: &A,
) -> Result<Applied<C::Error>, C::Error>
where
    C: Connector,
    A: Approver<C::Error>,
{
    let lock = request.lock.clone();
    let work = async |opened: &Opened| work(goal, session, &request, opened, consent).await;
    let Closed { done: (plan, recorded, outcome), closed } = session.run(lock, work).await?;
    Ok(Applied { plan, recorded, outcome, closed })
}

/// An approved plan, and the inputs of its execution.
struct Ready<'a> {
    summary: Summary,
    /// How many rooms are recorded.
    rooms: u64,
    scope: Option<Partial>,
    completion: PlanCompletion<'a>,
    approved: ApprovedPlan,
    run: Run,
}

async fn work<C, A>(
    goal: Goal,
    session: &Session<'_, C>,
    request: &ApplyRequest<'_>,
    opened: &Opened,
    consent: &A,
) -> Result<(Summary, u64, Outcome), C::Error>
where
    C: Connector,
    A: Approver<C::Error>,
{
    let store = &opened.store;
    let ready = while_locked(store, ready(goal, session, request, opened, consent)).await?;
    let Ready { summary, rooms, scope, completion, approved, run } = ready;
    let outcome = applier::run(approved, run).await;
    if let Some(id) = completion.completed(&outcome) {
        // If this fails, the fold fails too and reports it.
        drop(store.append(vec![Entry::PlanCarriedOut(id)]).await);
    }
    Ok((summary, rooms, Outcome { scope, ..outcome }))
}

/// Does everything that precedes the execution of the plan.
async fn ready<'a, C, A>(
    goal: Goal,
    session: &Session<'_, C>,
    request: &ApplyRequest<'a>,
    opened: &Opened,
    consent: &A,
) -> Result<Ready<'a>, C::Error>
where
    C: Connector,
    A: Approver<C::Error>,
{
    let Session { desired, store: _, connector: _, clock, stop, events, host_change: _ } = session;
    let Opened { store, connected, hosts } = opened;
    let lineage = store.lineage().map_err(SessionError::State)?;
    let desired = &*planner::owned(desired, Some(&lineage));
    let Reviewed { saved, max_age, digest: _ } = request.reviewed;
    if let Some(saved) = saved {
        let recorded = &store.snapshot().recorded;
        planner::check_saved(saved, recorded, max_age, clock.now()).map_err(SessionError::from)?;
    }
    let connections = &connected.connections;
    let recorded = store.snapshot().recorded.clone();
    let declared = planner::as_declared(desired, &recorded);
    let scope = resolve_scope(request.scope, desired, &declared.recorded)?;
    let all = with_old_names(desired, connections);
    let recovered = applier::recover(recorded, &all, store.clone(), events, stop)
        .await
        .map_err(SessionError::State)?;
    let observed = as_declared(desired, recovered.observed);
    let before = goal.desired(desired, &recovered.recorded, &observed);
    let mut context = PlanContext {
        observed,
        evict: request.evict,
        ..PlanContext::new(&before, &recovered.recorded, &scope)
    };
    let clocks = Clocks { wall: *clock, connections };
    let observers = applier::observers(connections);
    context.refresh(request.refresh, Purpose::Apply, &observers, &clocks, (events, stop)).await;
    if let (Some(saved), Refresh::Due | Refresh::All) = (saved, request.refresh) {
        let as_read = planner::saved_as_read(saved, desired, &recovered.recorded);
        context.observe(as_read, &observers, (events, stop)).await;
    }
    if stop.is_wanted() {
        return Err(SessionError::Interrupted { before: "the plan was made" }.into());
    }
    let after = goal.desired(desired, &recovered.recorded, &context.observed);
    context.desired = &after;
    let plan = context.plan(Refreshed::As(request.refresh));
    let mut plan = request.reviewed.check(plan, desired, &recovered.recorded)?;
    let completion = PlanCompletion::of(saved, &plan);
    plan.findings.splice(0..0, request.warnings.iter().chain(hosts).cloned());
    plan.findings.extend(goal.findings(desired, &recovered.recorded));
    plan.findings.extend(idle_evictions(request.evict, &plan));
    let (summary, scope_of_plan) = (plan.summary, plan.scope.clone());
    let rooms = recovered.recorded.rooms.len() as u64;
    let approved = consent.approve(plan).await?;
    let observed = context.observed;
    let run =
        begin(session, request, opened, desired, &recovered.recorded, observed, &approved).await?;
    Ok(Ready { summary, rooms, scope: scope_of_plan, completion, approved, run })
}

/// Writes the entries that precede the first call of an approved plan. Returns the inputs of its
/// execution.
async fn begin<C>(
    session: &Session<'_, C>,
    request: &ApplyRequest<'_>,
    opened: &Opened,
    desired: &Desired,
    recorded: &Recorded,
    observed: Observed,
    approved: &ApprovedPlan,
) -> Result<Run, SessionError> {
    let Opened { store, connected, hosts: _ } = opened;
    let connections = &connected.connections;
    store.check().await?;
    let declared = planner::as_declared(desired, recorded);
    let moves = moves(desired, &declared);
    let recorded = Arc::new(declared.recorded.into_owned());
    let UpdatedRecord { recorded, entries: updates } =
        applier::record_observations(&recorded, &observed, connections);
    let used = |name: &ProviderName| uses(approved, name);
    let entries = [moves, identities(desired, &recorded, used), updates].concat();
    prepare(&**store, approved, entries).await?;
    Ok(Run {
        recorded,
        observed,
        connections: connections.clone(),
        settings: Settings { concurrency: request.concurrency },
        store: store.clone(),
        report: session.events.clone(),
        stop: session.stop.clone(),
    })
}

/// Decides whether a saved plan was executed completely.
struct PlanCompletion<'a> {
    saved: Option<&'a SavedPlan>,
    /// Whether rooms of the saved plan are held back or could not be read while planning.
    is_held: bool,
}

impl<'a> PlanCompletion<'a> {
    fn of(saved: Option<&'a SavedPlan>, plan: &Plan) -> Self {
        // A step that waits for the next life is complete when that is recorded.
        let held = plan.waiting.iter().filter(|held| held.reason != HeldReason::NextLife);
        let held = held.chain(&plan.blocked).map(|held| &held.step.address);
        let mut held = held.chain(plan.unread.iter().map(|unread| &unread.address));
        let is_held =
            saved.is_some_and(|saved| held.any(|address| saved.steps.contains_key(address)));
        Self { saved, is_held }
    }

    /// Returns the id of the saved plan if all its steps are done, at least one of them in this run.
    fn completed(&self, outcome: &Outcome) -> Option<String> {
        let Self { saved, is_held } = self;
        let saved = (*saved)?;
        let is_left = outcome.not_tried.iter().any(|(_, _, why)| *why != NotTried::NotInPlan);
        let waiting = outcome.waiting.iter().filter(|wait| wait.reason != WaitReason::NextLife);
        let waits = waiting.map(|wait| &wait.address).any(|it| saved.steps.contains_key(it));
        let is_complete = !is_held && !is_left && !waits && outcome.failed.is_empty();
        (is_complete && !outcome.done.is_empty()).then(|| saved.id.clone())
    }
}

impl Reviewed<'_> {
    /// Checks a plan against the reviewed one, and restricts it to the saved plan.
    fn check(
        &self,
        mut plan: Plan,
        desired: &Desired,
        recorded: &Recorded,
    ) -> Result<Plan, SessionError> {
        let Self { saved, max_age: _, digest } = self;
        if let Some(expected) = digest.filter(|expected| *expected != plan.digest) {
            if !plan.steps.is_empty() {
                return Err(SavedPlanRefusal::Digest { expected, actual: plan.digest }.into());
            }
            plan.findings.push(nothing_of_expected(expected, plan.digest));
        }
        match saved {
            Some(saved) => Ok(planner::restrict(plan, saved, desired, recorded)?),
            None => Ok(plan),
        }
    }
}

/// Returns a warning that an expected plan has no steps left, or was made of other inputs.
fn nothing_of_expected(expected: Digest, actual: Digest) -> Finding {
    let message = format!(
        "`--expect {expected}` was given, but the plan has no steps: its digest is {actual}"
    );
    Finding::warning("not_the_expected_plan", message).help(
        "the reviewed plan was applied already, or the files, the state or the scope have changed \
               since the review",
    )
}

/// Writes the entries that precede the first call, after a check that the others can be written too: a
/// full disk or a read-only folder is detected here.
async fn prepare(
    store: &dyn WriteStore,
    approved: &ApprovedPlan,
    entries: Vec<Entry>,
) -> Result<(), SessionError> {
    /// An intent and a result for each of two calls.
    const ENTRIES_PER_STEP: usize = 4;
    let expected = approved.steps().len().saturating_mul(ENTRIES_PER_STEP) + entries.len();
    if expected > 0 {
        store.reserve(expected).await?;
        store.append(entries).await?;
    }
    Ok(())
}

fn uses(approved: &ApprovedPlan, name: &ProviderName) -> bool {
    approved.steps().iter().any(|step| step.address.provider == *name)
}

/// Returns a warning for each `--evict` that concerns no step.
fn idle_evictions(evict: &BTreeSet<Address>, plan: &Plan) -> Vec<Finding> {
    let concerns = |step: &Step, address: &Address| {
        step.address == *address || step.sides.others(&step.address).any(|it| it == *address)
    };
    let idle = |address: &&Address| !plan.steps.iter().any(|step| concerns(step, address));
    let warning = |address: &Address| {
        let message = format!("`--evict {address}` has no effect: no step destroys or replaces it");
        Finding::warning("idle_evict", message).about(address)
    };
    evict.iter().filter(idle).map(warning).collect()
}
