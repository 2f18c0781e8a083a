//! What `plan`, `apply` and `destroy` share: which rooms are looked up, how a plan is shown.

use super::args::{LayoutArgs, PageArgs, PlanFormat, PlanningArgs};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::github;
use crate::model::{Desired, Plan, Refresh, StateLocation, Summary};
use crate::render::{self, Layout, PageView, View};

/// Which rooms are looked up: `--refresh`, or else the policy.
pub(super) fn refresh(args: &PlanningArgs, desired: &Desired) -> Refresh {
    args.refresh.unwrap_or(desired.policy.refresh)
}

/// How many pages of Markdown a command writes: they share `--max-bytes`.
#[derive(Clone, Copy)]
pub(super) enum Pages {
    /// The plan.
    One,
    /// The plan, and the outcome.
    Two,
}

/// Rejects arguments that are mutually exclusive.
pub(super) fn check(args: &PlanningArgs) -> Result<(), Stopped> {
    match (args.format, args.layout.diff) {
        (PlanFormat::Markdown | PlanFormat::Github, true) => {
            Err(Stopped::usage("`--diff` works with `--format text` only"))
        }
        (PlanFormat::Text | PlanFormat::Json, _) | (_, false) => Ok(()),
    }
}

/// Returns how a page of Markdown is laid out.
pub(super) fn page<'a>(args: &PlanningArgs, pages: Pages, state: &'a str) -> PageView<'a> {
    let PageArgs { max_bytes } = args.page;
    let max_bytes = max_bytes as usize;
    let max_bytes = match pages {
        Pages::One => max_bytes,
        Pages::Two => max_bytes / 2,
    };
    PageView { state, layout: layout(args), max_bytes }
}

/// Shows a plan on stdout; under `--quiet` nothing if there is nothing to do.
pub(super) fn show(
    plan: &Plan,
    args: &PlanningArgs,
    pages: Pages,
    state: &StateLocation,
    console: &Console,
) -> Result<(), Stopped> {
    let state = state.to_string();
    let view = View { state: &state, layout: layout(args) };
    let page = page(args, pages, &state);
    let is_silent = console.is_quiet() && plan.has_nothing_to_do();
    match args.format {
        PlanFormat::Json => console.document(|out| render::plan_json(out, plan)),
        PlanFormat::Text | PlanFormat::Markdown if is_silent => Ok(()),
        PlanFormat::Text => console.print(|out| render::plan_text(out, plan, &view)),
        PlanFormat::Markdown => console.print(|out| render::plan_markdown(out, plan, &page)),
        PlanFormat::Github => {
            if !is_silent {
                console.print(|out| render::plan_github(out, plan))?;
            }
            github::summary(console, |out| render::plan_markdown(out, plan, &page))?;
            github::outputs(console, |out| render::plan_outputs(out, plan))
        }
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

/// Returns the exit code for rooms that could not be read: partly done.
pub(super) fn unread(summary: &Summary) -> Exit {
    if summary.unread == 0 { Exit::Done } else { Exit::Partly }
}

/// Returns the exit code of an apply with blocked rooms.
pub(super) fn blocked(summary: &Summary) -> Exit {
    if summary.blocked == 0 { Exit::Done } else { Exit::Refused }
}
