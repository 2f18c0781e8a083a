//! The plan as text.

use std::io::{self, Write};
use std::ops::Range;

use rayon::prelude::*;

use crate::model::{Action, Plan, Refresh, Refreshed, StateRef, Step, Summary};

use super::escape::Plain;
use super::groups::StepGroups;
use super::notes::Notes;
use super::style::{CHANGED, QUIET, STRONG};
use super::{counts, fields, findings, sections, style, unified};

/// The maximum width of the column of addresses.
const ADDRESS_COLUMN: usize = 48;

/// The number of steps that one parallel task formats.
const PART: usize = 256;
/// The number of steps whose text is in memory at the same time.
const BATCH: usize = 64 * PART;

/// The suffix of a line about rooms on the built-in emulator.
pub(super) const ON_EMULATOR: &str = ", on the built-in emulator";

/// The options for showing a plan.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The location of the state, as the user specified it.
    pub state: &'a str,
    /// The layout of steps and causes.
    pub layout: Layout,
}

/// The layout of the steps of a plan, and of their results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The changed fields, with equal changes of adjacent rooms, and equal causes, grouped.
    Grouped,
    /// The changed fields of each room (`--full`).
    Full,
    /// The whole room as a unified diff (`--diff`).
    Diff,
}

/// Writes a plan as text. Steps are formatted in parallel and in batches, which bounds the memory.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_text(out: &mut dyn Write, plan: &Plan, view: &View<'_>) -> io::Result<()> {
    let layout = view.layout;
    if plan.has_nothing_to_do() {
        findings::grouped(out, &plan.findings, layout)?;
        sections::scope(out, plan.scope.as_ref())?;
        return nothing(out, plan);
    }
    head(out, plan, view)?;
    steps(out, &plan.steps, layout)?;
    sections::left_out(out, &plan.left_out, layout)?;
    sections::waiting(out, &plan.waiting, layout)?;
    sections::blocked(out, &plan.blocked, layout)?;
    sections::unread(out, &plan.unread, layout)?;
    sections::in_progress(out, plan.in_progress.as_ref())?;
    if !plan.findings.is_empty() {
        writeln!(out)?;
        findings::grouped(out, &plan.findings, layout)?;
    }
    sections::gate(out, &plan.gate)?;
    writeln!(out)?;
    if plan.steps.is_empty() { nothing(out, plan) } else { closing(out, plan) }
}

/// Returns the width of the column of addresses.
pub(super) fn address_column<'a>(steps: impl Iterator<Item = &'a Step>) -> usize {
    let length = |step: &Step| {
        let (provider, room) = (step.address.provider.as_str(), step.address.room.as_str());
        provider.len() + 1 + room.chars().count()
    };
    steps.map(length).max().unwrap_or(0).min(ADDRESS_COLUMN)
}

/// Writes the start of a step's first line: its symbol, action and address, padded to `width`.
pub(super) fn headline(out: &mut dyn Write, step: &Step, width: usize) -> io::Result<()> {
    let (colour, symbol) = (style::of(step.action), style::symbol(step.action));
    let address = Plain(&step.address).to_string();
    write!(out, "{colour}{symbol} {:<8}{colour:#} {address:<width$}", step.action.as_str())
}

/// Writes the start of the first line of a group: its symbol, action and number of rooms.
pub(super) fn group_headline(out: &mut dyn Write, action: Action, rooms: usize) -> io::Result<()> {
    let (colour, symbol) = (style::of(action), style::symbol(action));
    let rooms = counts::count(rooms as u64, "room");
    write!(out, "{colour}{symbol} {}{colour:#} {rooms}", action.as_str())
}

fn head(out: &mut dyn Write, plan: &Plan, view: &View<'_>) -> io::Result<()> {
    let StateRef { lineage, serial } = &plan.state;
    write!(out, "{STRONG}State {}{STRONG:#}", Plain(view.state))?;
    match lineage {
        Some(_) => write!(out, ", serial {serial}")?,
        None => write!(out, ": a new state")?,
    }
    if plan.emulated {
        write!(out, ", {CHANGED}on the built-in emulator{CHANGED:#}")?;
    }
    writeln!(out, "\n{QUIET}{}{QUIET:#}", refreshed(plan))?;
    sections::scope(out, plan.scope.as_ref())
}

pub(super) fn refreshed(plan: &Plan) -> String {
    let rooms = counts::count(plan.summary.asked, "room");
    match plan.refreshed {
        Refreshed::As(Refresh::Never) => "Not refreshed: `refresh: never`".to_owned(),
        Refreshed::As(Refresh::Due) => format!("Refreshed: {rooms} asked (`refresh: due`)"),
        Refreshed::As(Refresh::All) => format!("Refreshed: {rooms} asked (`refresh: all`)"),
        Refreshed::NoCredentials => "Not refreshed: no credentials".to_owned(),
    }
}

fn steps(out: &mut dyn Write, steps: &[Step], layout: Layout) -> io::Result<()> {
    if !steps.is_empty() {
        writeln!(out)?;
    }
    let (width, groups) = (address_column(steps.iter()), StepGroups::of(steps, layout));
    let part = |starts: Range<usize>| -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        for group in starts.filter_map(|start| groups.starting_at(start)) {
            step_group(&mut text, &steps[group], width, layout)?;
        }
        Ok(text)
    };
    for batch in (0..steps.len()).step_by(BATCH) {
        let end = steps.len().min(batch + BATCH);
        let parts: Vec<usize> = (batch..end).step_by(PART).collect();
        let texts = parts.into_par_iter().map(|start| part(start..end.min(start + PART)));
        for text in texts.collect::<Vec<_>>() {
            out.write_all(&text?)?;
        }
    }
    Ok(())
}

/// Writes a step, or a group of steps with the same change.
fn step_group(out: &mut dyn Write, steps: &[Step], width: usize, layout: Layout) -> io::Result<()> {
    let (Some(step), Some(last)) = (steps.first(), steps.last()) else { return Ok(()) };
    let reason = step.reason.as_str();
    if steps.len() == 1 {
        headline(out, step, width)?;
        writeln!(out, "  {QUIET}{reason}{QUIET:#}")?;
    } else {
        group_headline(out, step.action, steps.len())?;
        let (first, last) = (Plain(&step.address), Plain(&last.address));
        writeln!(out, "  {QUIET}{reason}{QUIET:#}  {first} … {last}")?;
    }
    match layout {
        Layout::Diff if step.before != step.after => {
            unified::write(out, step)?;
            fields::write_next(out, step)?;
        }
        Layout::Grouped | Layout::Full | Layout::Diff => fields::write(out, step)?,
    }
    Notes::of(step).write(out)
}

/// Writes the only line of a plan without steps.
fn nothing(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    let place = if plan.emulated { ON_EMULATOR } else { "" };
    writeln!(out, "{STRONG}{}{STRONG:#}{CHANGED}{place}{CHANGED:#}.", without_steps(plan))
}

/// Returns the sentence of a plan without steps. It is "no changes" only if nothing is held back or
/// unread.
pub(super) fn without_steps(plan: &Plan) -> String {
    let counts = plan.summary;
    let changing = plan.in_progress.as_ref().map_or(0, |run| run.rooms.len() as u64);
    let held = [
        (counts.blocked, "blocked"),
        (counts.waiting, "waiting"),
        (counts.unread, "unread"),
        (plan.left_out.len() as u64, "not in the saved plan"),
        (changing, "being changed"),
    ];
    let held = counts::counts(&held);
    let unasked = counts::not_asked(counts.not_asked);
    let rooms = counts::count(counts.unchanged, "room");
    match (held.is_empty(), unasked) {
        (true, None) => format!("No changes: {rooms}, {} asked", counts.asked),
        (true, Some(unasked)) => format!("No changes to what is recorded; {unasked}"),
        (false, None) => format!("Nothing can be done now: {held}"),
        (false, Some(unasked)) => format!("Nothing can be done now: {held}; {unasked}"),
    }
}

fn closing(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    writeln!(out, "{STRONG}{}{STRONG:#}", summary(plan.summary))?;
    if let Some(unasked) = counts::not_asked(plan.summary.not_asked) {
        writeln!(out, "{unasked}; planned as recorded.")?;
    }
    if !plan.estimate.is_zero() {
        let span = counts::duration(plan.estimate);
        writeln!(out, "The calls take about {span} at the rate limit.")?;
    }
    writeln!(out, "Digest {}", plan.digest)
}

/// Returns `Plan: 3 to create, 1 to update, 0 to replace, 0 to destroy; 38 unchanged, 1 waiting, 2
/// blocked.`
pub(super) fn summary(summary: Summary) -> String {
    let Summary {
        create,
        recreate,
        update,
        replace,
        destroy,
        adopt,
        forget,
        record,
        unchanged,
        waiting,
        blocked,
        unread,
        asked: _,
        not_asked: _,
    } = summary;
    let always = |number: u64, label: &str| Some(format!("{number} {label}"));
    let if_any = |number: u64, label: &str| (number > 0).then(|| format!("{number} {label}"));
    let changes = [
        always(create, "to create"),
        if_any(recreate, "to recreate"),
        always(update, "to update"),
        always(replace, "to replace"),
        always(destroy, "to destroy"),
        if_any(adopt, "to adopt"),
        if_any(forget, "to forget"),
        if_any(record, "to record"),
    ];
    let changes: Vec<String> = changes.into_iter().flatten().collect();
    let changes = changes.join(", ");
    let others = counts::counts(&[
        (unchanged, "unchanged"),
        (waiting, "waiting"),
        (blocked, "blocked"),
        (unread, "unread"),
    ]);
    let gap = if others.is_empty() { "" } else { "; " };
    format!("Plan: {changes}{gap}{others}.")
}
