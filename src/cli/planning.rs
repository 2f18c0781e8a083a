//! What `plan`, `apply` and `destroy` share: which rooms are asked after, how a plan is shown.

use super::args::{Format, LayoutArgs, PlanningArgs};
use super::console::Console;
use super::exit::{Exit, Stopped};
use crate::model::{Desired, Plan, Refresh, StateLocation, Summary};
use crate::render::{self, Layout, View};

/// Which rooms are asked after: as the command line says, or else the policy.
pub(super) fn refresh(args: &PlanningArgs, desired: &Desired) -> Refresh {
    args.refresh.unwrap_or(desired.policy.refresh)
}

/// Shows a plan on stdout; under `--quiet`, nothing if nothing is to be done.
pub(super) fn show(
    plan: &Plan,
    args: &PlanningArgs,
    state: &StateLocation,
    console: &Console,
) -> Result<(), Stopped> {
    let state = state.to_string();
    let view = View { state: &state, layout: layout(args) };
    match args.format {
        Format::Json => console.document(|out| render::plan_json(out, plan)),
        Format::Text if console.is_quiet() && plan.has_nothing_to_do() => Ok(()),
        Format::Text => console.print(|out| render::plan_text(out, plan, &view)),
    }
}

/// Returns how steps and causes are laid out.
pub(super) fn layout(args: &PlanningArgs) -> Layout {
    let LayoutArgs { diff, full } = args.layout;
    match (diff, full) {
        (true, _) => Layout::Diff,
        (false, true) => Layout::Full,
        (false, false) => Layout::Grouped,
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
