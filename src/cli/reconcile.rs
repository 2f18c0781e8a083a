//! `reconcile`: restores the recorded rooms, without asking.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::args::{Format, Global, ReconcileArgs};
use super::connect::{self, Providers};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::{apply, planning, session, signals};
use crate::config::Loaded;
use crate::engine::{self, Applied, ApplyRequest, Approver, Reviewed, Session};
use crate::model::{
    Approval, ApprovedPlan, Consent, Desired, Destroys, Outcome, Plan, StateLocation,
};
use crate::provider::http::SystemClock;
use crate::render::{self, Layout, View};

/// Shows the plan, and approves it: all of it was approved when it was applied.
struct Reconciling<'a> {
    args: &'a ReconcileArgs,
    desired: &'a Desired,
    state: &'a StateLocation,
    console: &'a Console,
}

/// Recreates what vanished and restores what drifted, as it was last applied.
pub(super) async fn run(
    args: &ReconcileArgs,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    if let Some(never) = args.every {
        match never {}
    }
    // `plan` reports findings of the declared rooms: their edits are ignored here.
    let Loaded { desired, warnings: _ } = session::files(global, console)?;
    let desired = Arc::new(desired);
    let stop = signals::listen_within(args.run.timeout, console)?;
    let location = session::state_path(global, &desired, console)?;
    apply::warn_of_local_state(&location, context, console);
    connect::require_secrets(&desired)?;
    let providers = Providers::new(&desired, &location, global);
    let session = Session {
        desired: &desired,
        store: &*session::sharing_store(&location, &desired)?,
        connector: &providers,
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, args.format),
        host_change: session::host_change(false),
    };
    let scope = session::scope(&args.scope)?;
    let request = ApplyRequest {
        refresh: args.refresh.unwrap_or(desired.policy.refresh),
        evict: &BTreeSet::new(),
        concurrency: None,
        lock: session::lock("reconcile", args.lock_timeout, context),
        warnings: &[],
        scope: &scope,
        reviewed: Reviewed::default(),
    };
    let approver = Reconciling { args, desired: &desired, state: &location, console };
    let applied = engine::reconcile(&session, request, &approver).await;
    console.measure(|run| run.calls = providers.calls());
    end(applied?, args.format, console)
}

/// Shows the outcome. A failure from here on is a failure after changes.
fn end(applied: Applied<Stopped>, format: Format, console: &Console) -> Result<Exit, Stopped> {
    let Applied { plan, recorded, outcome, closed } = applied;
    console.measure(|run| {
        run.recorded = Some(recorded);
        run.count_results(&outcome);
    });
    let exit = Exit::of(&outcome, false);
    let before = planning::unread(&plan).or(planning::blocked(&plan));
    let changed = outcome.has_changed_something();
    let shown = if plan.steps() == 0 { Ok(()) } else { show(&outcome, format, console) };
    console.end_with(outcome);
    let ended = shown.and(closed).map(|()| exit.or(before));
    ended.map_err(|stopped| if changed { stopped.after_changes() } else { stopped })
}

/// Shows the outcome as text; as JSON it is printed with the exit code, at the end.
fn show(outcome: &Outcome, format: Format, console: &Console) -> Result<(), Stopped> {
    match format {
        Format::Text => console.print(|out| render::outcome_text(out, outcome, Layout::Grouped)),
        Format::Json => Ok(()),
    }
}

impl Reconciling<'_> {
    fn show(&self, plan: &Plan) -> Result<(), Stopped> {
        let state = self.state.to_string();
        let view = View { state: &state, layout: Layout::Grouped };
        match self.args.format {
            Format::Json => {
                self.console.event(|out, time| render::plan_event_json(out, plan, time))
            }
            Format::Text if self.console.is_quiet() && plan.has_nothing_to_do() => Ok(()),
            Format::Text => self.console.print(|out| render::plan_text(out, plan, &view)),
        }
    }
}

impl Approver<Stopped> for Reconciling<'_> {
    async fn approve(&self, mut plan: Plan) -> Result<ApprovedPlan, Stopped> {
        let consent = Consent {
            approval: Approval::Automatic,
            // The only such step forgets a room that is gone, and whose destroy was approved.
            allow_destroy: Some(plan.gate.counted),
            allow_recreate: self.args.allow_recreate,
            destroys: Destroys::Wanted,
        };
        plan.gate = consent.evaluate(plan.gate);
        self.console.measure(|run| run.count_steps(plan.summary, &plan.steps));
        self.show(&plan)?;
        apply::keep_secrets_out(self.desired, &plan, self.console)?;
        Ok(ApprovedPlan::new(plan, consent))
    }
}
