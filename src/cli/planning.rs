//! What `plan`, `apply` and `destroy` share: which rooms are asked after, how a plan is shown.

use super::args::{Format, PlanningArgs};
use super::console::Console;
use super::exit::{Exit, Stopped};
use crate::model::{Desired, Plan, Refresh, StateLocation, Summary};
use crate::render::{self, Detail, View};

/// Which rooms are asked after: as the command line says, or else the policy.
pub(super) fn refresh(args: &PlanningArgs, desired: &Desired) -> Refresh {
    args.refresh.unwrap_or(desired.policy.refresh)
}

/// Shows a plan on stdout; under `--quiet`, nothing where nothing is to be done.
pub(super) fn show(
    plan: &Plan,
    args: &PlanningArgs,
    state: &StateLocation,
    console: &Console,
) -> Result<(), Stopped> {
    let state = state.to_string();
    let detail = if args.diff { Detail::Unified } else { Detail::Fields };
    let view = View { state: &state, detail };
    match args.format {
        Format::Json => console.document(|out| render::plan_json(out, plan)),
        Format::Text if console.is_quiet() && plan.has_nothing_to_do() => Ok(()),
        Format::Text => console.print(|out| render::plan_text(out, plan, &view)),
    }
}

/// How rooms that could not be read end a command: partly done.
pub(super) fn unread(summary: &Summary) -> Exit {
    if summary.unread == 0 { Exit::Done } else { Exit::Partly }
}

/// How blocked rooms end an apply.
pub(super) fn blocked(summary: &Summary) -> Exit {
    if summary.blocked == 0 { Exit::Done } else { Exit::Refused }
}
