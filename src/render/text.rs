//! The plan as people read it.

use std::io::{self, Write};

use rayon::prelude::*;

use crate::model::{Plan, Refresh, Refreshed, StateRef, Step, Summary};

use super::escape::Plain;
use super::style::{CHANGED, QUIET, STRONG};
use super::{fields, findings, held, style, unified, words};

/// How wide the column of addresses gets at most.
const ADDRESS_COLUMN: usize = 48;

/// How many steps one core takes at a time.
const PART: usize = 256;
/// How many steps are in memory as text at once.
const BATCH: usize = 64 * PART;

/// How a plan is shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Where the state is, as the user knows it.
    pub state: &'a str,
    /// What is shown of each step.
    pub detail: Detail,
}

/// What is shown of each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The fields that differ.
    Fields,
    /// The whole room as a unified diff (`--diff`).
    Unified,
}

/// Writes a plan as text: a batch of steps at a time, whatever their number, and on every core.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_text(out: &mut dyn Write, plan: &Plan, view: &View<'_>) -> io::Result<()> {
    if plan.has_nothing_to_do() {
        findings::findings_text(out, &plan.findings)?;
        return nothing(out, plan);
    }
    head(out, plan, view)?;
    steps(out, &plan.steps, view)?;
    held::waiting(out, &plan.waiting)?;
    held::blocked(out, &plan.blocked)?;
    held::unread(out, &plan.unread)?;
    held::in_progress(out, plan.in_progress.as_ref())?;
    if !plan.findings.is_empty() {
        writeln!(out)?;
        findings::findings_text(out, &plan.findings)?;
    }
    held::gate(out, &plan.gate)?;
    writeln!(out)?;
    if plan.steps.is_empty() { nothing(out, plan) } else { closing(out, plan) }
}

/// The width of the column of addresses.
pub(super) fn address_column<'a>(steps: impl Iterator<Item = &'a Step>) -> usize {
    let length = |step: &Step| {
        let (provider, room) = (step.address.provider.as_str(), step.address.room.as_str());
        provider.len() + 1 + room.chars().count()
    };
    steps.map(length).max().unwrap_or(0).min(ADDRESS_COLUMN)
}

/// The first line of a step: its symbol, action and address, up to `width`.
pub(super) fn headline(out: &mut dyn Write, step: &Step, width: usize) -> io::Result<()> {
    let (colour, symbol) = (style::of(step.action), style::symbol(step.action));
    let address = Plain(&step.address).to_string();
    write!(out, "{colour}{symbol} {:<8}{colour:#} {address:<width$}", step.action.as_str())
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
    writeln!(out, "\n{QUIET}{}{QUIET:#}", refreshed(plan))
}

fn refreshed(plan: &Plan) -> String {
    let rooms = words::count(plan.summary.asked, "room");
    match plan.refreshed {
        Refreshed::As(Refresh::Never) => "Not refreshed: `refresh: never`".to_owned(),
        Refreshed::As(Refresh::Due) => format!("Refreshed: {rooms} asked (`refresh: due`)"),
        Refreshed::As(Refresh::All) => format!("Refreshed: {rooms} asked (`refresh: all`)"),
        Refreshed::NoCredentials => "Not refreshed: no credentials".to_owned(),
    }
}

fn steps(out: &mut dyn Write, steps: &[Step], view: &View<'_>) -> io::Result<()> {
    if !steps.is_empty() {
        writeln!(out)?;
    }
    let width = address_column(steps.iter());
    for batch in steps.chunks(BATCH) {
        let parts = batch.par_chunks(PART).map(|steps| part(steps, width, view));
        for text in parts.collect::<Vec<_>>() {
            out.write_all(&text?)?;
        }
    }
    Ok(())
}

fn part(steps: &[Step], width: usize, view: &View<'_>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for one in steps {
        step(&mut text, one, width, view)?;
    }
    Ok(text)
}

fn step(out: &mut dyn Write, step: &Step, width: usize, view: &View<'_>) -> io::Result<()> {
    headline(out, step, width)?;
    writeln!(out, "  {QUIET}{}{QUIET:#}", step.reason.as_str())?;
    match view.detail {
        Detail::Unified if step.before != step.after => unified::write(out, step)?,
        Detail::Fields | Detail::Unified => fields::write(out, step)?,
    }
    if let Some(note) = words::note(step) {
        writeln!(out, "      {QUIET}{note}{QUIET:#}")?;
    }
    for line in [words::carried(&step.carried), words::instead(step)].into_iter().flatten() {
        writeln!(out, "      {QUIET}{line}{QUIET:#}")?;
    }
    if let Some(fate) = words::fate(step.action, step.people, step.on_occupied) {
        writeln!(out, "      {CHANGED}{fate}{CHANGED:#}")?;
    }
    Ok(())
}

/// Writes the one line of a plan without steps: "no changes" only where nothing is held or unread.
fn nothing(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    let counts = plan.summary;
    let changing = plan.in_progress.as_ref().map_or(0, |run| run.rooms.len() as u64);
    let held = [
        (counts.blocked, "blocked"),
        (counts.waiting, "waiting"),
        (counts.unread, "unread"),
        (changing, "being changed"),
    ];
    let held = words::counts(&held);
    let unasked = words::not_asked(counts.not_asked);
    let rooms = words::count(counts.unchanged, "room");
    let line = match (held.is_empty(), unasked) {
        (true, None) => format!("No changes: {rooms}, {} asked", counts.asked),
        (true, Some(unasked)) => format!("No changes to what is recorded; {unasked}"),
        (false, None) => format!("Nothing can be done now: {held}"),
        (false, Some(unasked)) => format!("Nothing can be done now: {held}; {unasked}"),
    };
    let place = if plan.emulated { ", on the built-in emulator" } else { "" };
    writeln!(out, "{STRONG}{line}{STRONG:#}{CHANGED}{place}{CHANGED:#}.")
}

fn closing(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    writeln!(out, "{STRONG}{}{STRONG:#}", summary(plan.summary))?;
    if let Some(unasked) = words::not_asked(plan.summary.not_asked) {
        writeln!(out, "{unasked}; planned as recorded.")?;
    }
    if !plan.estimate.is_zero() {
        let span = words::span(plan.estimate);
        writeln!(out, "The calls take about {span} at the rate limit.")?;
    }
    writeln!(out, "Digest {}", plan.digest)
}

/// `Plan: 3 to create, 1 to update, 0 to replace, 0 to destroy; 38 unchanged, 1 waiting, 2 blocked.`
fn summary(summary: Summary) -> String {
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
    let always = |number: u64, word: &str| Some(format!("{number} {word}"));
    let if_any = |number: u64, word: &str| (number > 0).then(|| format!("{number} {word}"));
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
    let others = words::counts(&[
        (unchanged, "unchanged"),
        (waiting, "waiting"),
        (blocked, "blocked"),
        (unread, "unread"),
    ]);
    let gap = if others.is_empty() { "" } else { "; " };
    format!("Plan: {changes}{gap}{others}.")
}
