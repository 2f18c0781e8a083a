//! `plan`: what would change.

use std::sync::Arc;

use super::args::{Global, PlanArgs};
use super::connect::Providers;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::planning::{self, Pages};
use super::progress::ProgressReport;
use super::{saved, session, signals};
use crate::config::Loaded;
use crate::engine::{self, Credentials, PlanRequest, Planned, Session};
use crate::model::{Plan, Refresh};
use crate::provider::http::SystemClock;

/// Shows what would change; changes nothing.
pub(super) async fn run(
    args: &PlanArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    planning::check(&args.planning)?;
    let Loaded { desired, warnings } = session::files(global, console)?;
    let desired = Arc::new(desired);
    let path = session::state_path(global, &desired, console)?;
    if let Some(out) = &args.out {
        saved::check_target(out, console)?;
    }
    let stop = signals::stop_after(args.run.timeout, console);
    let providers = Providers::new(&desired, &path, global);
    let session = Session {
        desired: &desired,
        store: &*session::sharing_store(&path, &desired)?,
        connector: &providers,
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, args.planning.format.progress()),
        host_change: session::host_change(args.planning.allow_endpoint_change),
    };
    let credentials = match args.planning.refresh {
        Some(Refresh::Due | Refresh::All) => Credentials::Required,
        Some(Refresh::Never) | None => Credentials::Optional,
    };
    let refresh = planning::refresh(&args.planning, &desired);
    let scope = session::scope(&args.planning.scope)?;
    let request = PlanRequest { refresh, scope: &scope, credentials, warnings: &warnings };
    let planned = engine::plan(&session, request).await;
    console.measure(|run| run.calls = providers.calls());
    let Planned { plan, snapshot, closed } = planned?;
    console.measure(|run| {
        run.recorded = Some(snapshot.recorded.rooms.len() as u64);
        run.count_steps(plan.summary, &plan.steps);
    });
    planning::show(&plan, &args.planning, Pages::One, &path, console)?;
    if let Some(out) = &args.out {
        saved::save(&plan, out, console)?;
    }
    let exit = wanted(&plan, args.planning.detailed_exitcode).or(planning::unread(&plan.summary));
    session::leave_to_exit((plan, snapshot, Arc::clone(&desired)));
    closed.map(|()| exit)
}

/// Returns the exit code of a plan with steps, or with waiting or blocked rooms, under
/// `--detailed-exitcode`.
fn wanted(plan: &Plan, detailed: bool) -> Exit {
    if detailed && plan.wants_changes() { Exit::Changes } else { Exit::Done }
}
