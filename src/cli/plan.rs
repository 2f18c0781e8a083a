//! `plan`: what would change.

use std::collections::BTreeSet;

use super::args::{Global, PlanArgs};
use super::connect::{self, Connected, Use};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::planning::{self, Ground};
use super::session;
use crate::apply::StopSwitch;
use crate::model::{Observed, Refresh};
use crate::plan::Scope;
use crate::state::{FileStore, ReadStore};

/// Shows what would change; changes nothing.
pub(super) async fn run(
    args: &PlanArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let files = session::files(global, console)?;
    let desired = &files.desired;
    let path = session::state_path(global, desired, console)?;
    let store: &dyn ReadStore = &FileStore::new(&path);
    let snapshot = store.read().await.map_err(session::state_error)?;
    session::belongs(desired, &snapshot.recorded)?;
    let mode = planning::refresh(&args.planning, desired);
    let connected = match mode {
        Refresh::Never => Connected::none(),
        Refresh::Due | Refresh::All => connect::connect(desired, &path, Use::Looks, global).await?,
    };
    connected.resume(&snapshot);
    let asked = planning::asked(&args.planning, desired, &connected)?;
    let mut ground = Ground {
        desired,
        recorded: &snapshot.recorded,
        observed: Observed::default(),
        evict: &BTreeSet::new(),
    };
    let (_switch, stop) = StopSwitch::new();
    let eyes = connected.read_only();
    ground.look(mode, Scope::Plan, &eyes, &connected.connections, &stop).await;
    let mut plan = ground.plan(asked, &connected.connections);
    plan.findings.splice(0..0, files.warnings);
    plan.findings.extend(connected.not_asked());
    planning::show(&plan, &args.planning, &path, console)?;
    let changes = if args.planning.detailed_exitcode && !plan.steps.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    };
    let (ended, _) = connected.close(Ok(changes.or(planning::unread(&plan)))).await;
    ended
}
