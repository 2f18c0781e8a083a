//! `plan`: what would change.

use std::sync::Arc;

use super::args::{Global, PlanArgs};
use super::connect::Providers;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::{planning, session};
use crate::applier::StopSwitch;
use crate::config::Loaded;
use crate::engine::{self, Credentials, PlanRequest, Planned, Session};
use crate::model::{Plan, Refresh};
use crate::provider::http::SystemClock;
use crate::state;

/// Shows what would change; changes nothing.
pub(super) async fn run(
    args: &PlanArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let Loaded { desired, warnings } = session::files(global, console)?;
    let desired = Arc::new(desired);
    let path = session::state_path(global, &desired, console)?;
    let (_switch, stop) = StopSwitch::new();
    let session = Session {
        desired: &desired,
        store: &*state::open_sharing(&path, Arc::clone(&desired)),
        connector: &Providers::new(&desired, &path, global),
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, args.planning.format),
        host_change: session::host_change(args.planning.allow_endpoint_change),
    };
    let credentials = match args.planning.refresh {
        Some(Refresh::Due | Refresh::All) => Credentials::Required,
        Some(Refresh::Never) | None => Credentials::Optional,
    };
    let refresh = planning::refresh(&args.planning, &desired);
    let request = PlanRequest { refresh, credentials, warnings: &warnings };
    let Planned { plan, snapshot, closed } = engine::plan(&session, request).await?;
    planning::show(&plan, &args.planning, &path, console)?;
    let exit = wanted(&plan, args.planning.detailed_exitcode).or(planning::unread(&plan.summary));
    session::leave_to_exit((plan, snapshot, Arc::clone(&desired)));
    closed.map(|()| exit)
}

/// How what is wanted ends a plan: steps, and rooms that wait or are blocked, under
/// `--detailed-exitcode`.
fn wanted(plan: &Plan, detailed: bool) -> Exit {
    let wanted = !(plan.steps.is_empty() && plan.waiting.is_empty() && plan.blocked.is_empty());
    if detailed && wanted { Exit::Changes } else { Exit::Done }
}
