//! `plan`: what would change.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::args::{Global, PlanArgs};
use super::connect::{self, Connected, Use};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::planning::{self, Ground};
use super::progress::ProgressReport;
use super::session;
use crate::applier::StopSwitch;
use crate::config::Loaded;
use crate::model::{Observed, Plan, Refresh};
use crate::planner::Scope;
use crate::state::{FileStore, ReadStore};

/// Shows what would change; changes nothing.
pub(super) async fn run(
    args: &PlanArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let Loaded { desired, warnings } = session::files(global, console)?;
    let desired = &Arc::new(desired);
    let path = session::state_path(global, desired, console)?;
    let store: &dyn ReadStore = &FileStore::new(&path).sharing(Arc::clone(desired));
    let snapshot = store.read().await.map_err(session::state_error)?;
    let allow = args.planning.allow_endpoint_change;
    let hosts = session::belongs(desired, &snapshot.recorded, allow)?;
    let mode = planning::refresh(&args.planning, desired);
    let connected = match mode {
        Refresh::Never => Connected::none(),
        Refresh::Due | Refresh::All => connect::connect(desired, &path, Use::Looks, global).await?,
    };
    connected.resume(&snapshot, desired);
    let asked = planning::asked(&args.planning, desired, &connected)?;
    let mut ground = Ground {
        desired,
        recorded: &snapshot.recorded,
        observed: Observed::default(),
        evict: &BTreeSet::new(),
        in_progress: snapshot.in_progress.as_ref(),
    };
    let (_switch, stop) = StopSwitch::new();
    let observers = connected.read_only();
    let report = ProgressReport::start(console, args.planning.format);
    ground.look(mode, Scope::Plan, &observers, &connected.connections, &report, &stop).await;
    let mut plan = ground.plan(asked);
    plan.findings.splice(0..0, warnings.into_iter().chain(hosts));
    plan.findings.extend(connected.not_asked());
    planning::show(&plan, &args.planning, &path, console)?;
    let exit = wanted(&plan, args.planning.detailed_exitcode).or(planning::unread(&plan));
    let (ended, _) = connected.close(Ok(exit)).await;
    session::leave_to_exit((plan, snapshot, Arc::clone(desired)));
    ended
}

/// How what is wanted ends a plan: steps, and rooms that wait or are blocked, under
/// `--detailed-exitcode`.
fn wanted(plan: &Plan, detailed: bool) -> Exit {
    let wanted = !(plan.steps.is_empty() && plan.waiting.is_empty() && plan.blocked.is_empty());
    if detailed && wanted { Exit::Changes } else { Exit::Done }
}
