//! A plan as a page of Markdown.

use std::io::{self, Write};

use crate::model::{Action, Gate, Held, Plan, Refusal, Step, Summary};
use crate::render::groups::StepGroups;
use crate::render::notes::Notes;
use crate::render::text::{ON_EMULATOR, refreshed, summary, without_steps};
use crate::render::{counts, fields, sections};

use super::escape::{Code, Sentence};
use super::page::{Folded, Page, TableRow, heading};
use super::{PageView, findings, marker, scope, unread};

/// The actions in the order of their sections; those that end a room come first.
const SECTIONS: [Action; 8] = [
    Action::Destroy,
    Action::Replace,
    Action::Forget,
    Action::Update,
    Action::Recreate,
    Action::Create,
    Action::Adopt,
    Action::Record,
];

/// Writes a plan as a page of Markdown of at most `view.max_bytes` bytes: the refusals of the gate, the
/// counts, what is held back, and folded tables of as many steps as fit.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_markdown(out: &mut dyn Write, plan: &Plan, view: &PageView<'_>) -> io::Result<()> {
    let closing = closing(plan);
    let mut page = Page::new(view.max_bytes);
    page.reserve(closing.len());
    page.add(&marker("plan", view.state));
    refusals(&mut page, &plan.gate);
    page.add(&headline(plan));
    scope(&mut page, plan.scope.as_ref());
    page.add(&by_action(plan.summary));
    held(&mut page, "Blocked", &plan.blocked);
    held(&mut page, "Waiting", &plan.waiting);
    unread(&mut page, &plan.unread);
    in_progress(&mut page, plan);
    steps(&mut page, plan, view);
    findings(&mut page, &plan.findings);
    out.write_all(page.end(&closing).as_bytes())
}

/// Adds the refusals of the gate, with the flags that consent.
fn refusals(page: &mut Page, gate: &Gate) {
    if gate.open() {
        return;
    }
    let steps = counts::count(gate.held(), "step");
    page.add(&format!("> [!CAUTION]\n> **The gate is closed: {steps} will be held back.**\n"));
    for Refusal { kind, message } in &gate.refusals {
        let flag = gate.flag(*kind);
        let whole = format!("> - {}; `{flag}` consents\n", Sentence(message));
        if !page.add(&whole) {
            page.add(&format!("> - `{flag}` consents\n"));
        }
    }
    page.add("\n");
}

fn headline(plan: &Plan) -> String {
    let place = if plan.emulated { ON_EMULATOR } else { "" };
    let line = if plan.steps.is_empty() { without_steps(plan) } else { summary(plan.summary) };
    let line = line.trim_end_matches('.');
    let unasked = counts::not_asked(plan.summary.not_asked).filter(|_| !plan.steps.is_empty());
    let unasked =
        unasked.map_or_else(String::new, |unasked| format!(" {unasked}; planned as recorded."));
    format!("**{line}**{place}.{unasked}\n\n")
}

/// Returns the table of the counts that are not zero.
fn by_action(summary: Summary) -> String {
    let rows: Vec<String> = SECTIONS
        .iter()
        .map(|action| (action.as_str(), summary.of(*action)))
        .filter(|(_, rooms)| *rooms > 0)
        .map(|(action, rooms)| format!("| {action} | {rooms} |\n"))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("{}{}\n", heading(&["Action", "Rooms"]), rows.concat())
}

fn held(page: &mut Page, title: &str, held: &[Held]) {
    let row = |held: &Held| {
        let Held { step, reason: _ } = held;
        let changes = sections::shown_changes(held).into_iter();
        let changes = changes.map(|(path, change)| format!("{} {}", Code(path), Code(change)));
        let why = [Sentence(sections::why(held)).to_string()].into_iter().chain(changes);
        let why = why.collect::<Vec<_>>().join("<br>");
        let action = step.action.as_str().to_owned();
        TableRow { items: 1, cells: vec![Code(&step.address).to_string(), action, why] }
    };
    let total = held.len() as u64;
    let title = format!("{title}: {}", counts::count(total, "room"));
    let folded = Folded { title: &title, columns: &["Room", "Action", "Why"], total };
    page.add_folded(&folded, held.iter().map(row));
}

fn in_progress(page: &mut Page, plan: &Plan) {
    if let Some(run) = &plan.in_progress {
        let rooms = counts::count(run.rooms.len() as u64, "room");
        page.add(&format!("{rooms} being changed by {}\n\n", Sentence(&run.by)));
    }
}

/// Adds a folded table for each action.
fn steps(page: &mut Page, plan: &Plan, view: &PageView<'_>) {
    let groups = StepGroups::of(&plan.steps, view.layout);
    for action in SECTIONS {
        let total = plan.summary.of(action);
        let of_action = |at: &usize| plan.steps[*at].action == action;
        let starts = (0..plan.steps.len()).filter(of_action);
        let groups = starts.filter_map(|start| groups.starting_at(start));
        let title = format!("{}: {}", action.as_str(), counts::count(total, "room"));
        let folded = Folded { title: &title, columns: &["Room", "Reason", "Change"], total };
        page.add_folded(&folded, groups.filter_map(|group| row(&plan.steps[group])));
    }
}

/// Returns the row of a step, or of several with the same change.
fn row(steps: &[Step]) -> Option<TableRow> {
    let (step, last) = (steps.first()?, steps.last()?);
    let rooms = match steps.len() {
        1 => Code(&step.address).to_string(),
        more => format!("{more} rooms: {} … {}", Code(&step.address), Code(&last.address)),
    };
    let changes = fields::changes(step);
    let changes = changes.map(|(path, change)| format!("{} {}", Code(path), Code(change)));
    let notes = Notes::of(step);
    let notes = notes.sentences().map(|note| Sentence(note).to_string());
    let changes: Vec<String> = changes.chain(notes).collect();
    let cells = vec![rooms, step.reason.as_str().to_owned(), changes.join("<br>")];
    Some(TableRow { items: steps.len() as u64, cells })
}

fn closing(plan: &Plan) -> String {
    let refreshed = refreshed(plan);
    if plan.steps.is_empty() {
        return format!("{refreshed}.\n");
    }
    let calls = if plan.estimate.is_zero() {
        String::new()
    } else {
        let span = counts::duration(plan.estimate);
        format!(" The calls take about {span} at the rate limit.")
    };
    format!("{refreshed}.{calls}\n\nDigest `{}`\n", plan.digest)
}
