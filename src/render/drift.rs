//! The differences between the service and the record, as text and JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Drift, DriftKind, DriftSummary, DriftedRoom, Finding, Partial, RunInProgress, StateRef,
    Unmanaged, Unread, Value, ValueChange,
};

use super::document::Each;
use super::escape::{OneLine, Plain};
use super::json::{FORMAT_VERSION, write_line};
use super::style::{CHANGED, QUIET, STRONG};
use super::text::{Layout, ON_EMULATOR};
use super::{counts, findings, sections};

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    tool_version: &'static str,
    emulated: bool,
    state: &'a StateRef,
    scope: Option<&'a Partial>,
    drift: &'a [DriftedRoom],
    unmanaged: &'a [Unmanaged],
    unread: Each<'a, Unread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_progress: Option<&'a RunInProgress>,
    summary: DriftSummary,
    findings: Each<'a, Finding>,
}

/// Writes the drift as one JSON document on one line.
///
/// # Errors
/// Returns the error of `out`.
pub fn drift_json(out: &mut dyn Write, drift: &Drift) -> io::Result<()> {
    let Drift { emulated, state, scope, rooms, unmanaged, unread, in_progress, summary, findings } =
        drift;
    write_line(
        out,
        &Document {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            emulated: *emulated,
            state,
            scope: scope.as_ref(),
            drift: rooms,
            unmanaged,
            unread: Each(unread),
            in_progress: in_progress.as_ref(),
            summary: *summary,
            findings: Each(findings),
        },
    )
}

/// Writes the drift as text.
///
/// # Errors
/// Returns the error of `out`.
pub fn drift_text(out: &mut dyn Write, drift: &Drift) -> io::Result<()> {
    let Drift {
        emulated,
        state: _,
        scope,
        rooms,
        unmanaged,
        unread,
        in_progress,
        summary,
        findings,
    } = drift;
    let width = rooms.iter().map(|room| Plain(&room.address).to_string().chars().count()).max();
    for room in rooms {
        room_text(out, room, width.unwrap_or(0))?;
    }
    if !unmanaged.is_empty() {
        writeln!(out, "{STRONG}Attributes of others (not drift):{STRONG:#}")?;
        for Unmanaged { address, attributes } in unmanaged {
            let keys: Vec<String> =
                attributes.iter().map(|(key, _)| Plain(key).to_string()).collect();
            writeln!(out, "    {}: {}", Plain(address), keys.join(", "))?;
        }
    }
    sections::unread(out, unread, Layout::Grouped)?;
    sections::in_progress(out, in_progress.as_ref())?;
    findings::findings_text(out, findings)?;
    sections::scope(out, scope.as_ref())?;
    closing(out, *summary, *emulated)
}

fn room_text(out: &mut dyn Write, room: &DriftedRoom, width: usize) -> io::Result<()> {
    let DriftedRoom { address, kind, changes, next } = room;
    let address = Plain(address).to_string();
    writeln!(out, "{CHANGED}  ~ {address:<width$}{CHANGED:#}  {QUIET}{}{QUIET:#}", kind.as_str())?;
    let changes = changes.iter().map(|change| ("", change));
    for (prefix, change) in changes.chain(next.iter().map(|change| ("next.", change))) {
        let ValueChange { path, before, after } = change;
        let (before, after) = (shown(before.as_ref()), shown(after.as_ref()));
        writeln!(out, "      {prefix}{}  {before} → {after}", Plain(path))?;
    }
    Ok(())
}

pub(super) fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| OneLine(value).to_string())
}

fn closing(out: &mut dyn Write, summary: DriftSummary, emulated: bool) -> io::Result<()> {
    let place = if emulated { ON_EMULATOR } else { "" };
    writeln!(out, "{STRONG}{}{STRONG:#}{CHANGED}{place}{CHANGED:#}.", counts_text(summary))
}

/// Returns the number of rooms that differ, by kind of drift.
pub(super) fn counts_text(summary: DriftSummary) -> String {
    let numbers: Vec<(u64, &str)> =
        DriftKind::ALL.iter().map(|kind| (summary.of(*kind), kind_text(*kind))).collect();
    let differing: u64 = numbers.iter().map(|(number, _)| number).sum();
    let rooms = counts::count(summary.recorded, "room");
    let line = match (differing, summary.unread) {
        (0, 0) => format!("No drift: {rooms}, {} asked", summary.asked),
        (0, _) => format!("Drift: none in what could be read of {rooms}, {} asked", summary.asked),
        (_, _) => format!("Drift: {differing} of {rooms} differ ({})", counts::counts(&numbers)),
    };
    let unread = (summary.unread > 0).then(|| format!("{} unread", summary.unread));
    let parts: Vec<String> =
        [Some(line), unread, counts::not_asked(summary.not_asked)].into_iter().flatten().collect();
    parts.join("; ")
}

pub(super) const fn kind_text(kind: DriftKind) -> &'static str {
    match kind {
        DriftKind::Vanished => "vanished",
        DriftKind::VanishedEarly => "vanished early",
        DriftKind::Recreated => "recreated by someone else",
        DriftKind::AttributesLost => "attributes lost while empty",
        DriftKind::AttributesChanged => "attributes changed",
        DriftKind::FieldsChanged => "fields changed",
    }
}
