//! Drift as a page of Markdown.

use std::io::{self, Write};

use crate::model::{Drift, DriftKind, DriftSummary, DriftedRoom, Unmanaged, ValueChange};
use crate::render::counts;
use crate::render::drift::{counts_text, kind_text, shown};
use crate::render::text::ON_EMULATOR;

use super::escape::Code;
use super::page::{Folded, Page, TableRow, heading};
use super::{PageView, findings, marker, scope, unread};

/// Writes the drift as a page of Markdown of at most `view.max_bytes` bytes: the counts, and folded
/// tables with as many rows as fit.
///
/// # Errors
/// Returns the error of `out`.
pub fn drift_markdown(out: &mut dyn Write, drift: &Drift, view: &PageView<'_>) -> io::Result<()> {
    let Drift { emulated, state: _, rooms, unmanaged, unread: unreadable, .. } = drift;
    let mut page = Page::new(view.max_bytes);
    page.add(&marker("drift", view.state));
    let place = if *emulated { ON_EMULATOR } else { "" };
    page.add(&format!("**{}**{place}.\n\n", counts_text(drift.summary)));
    scope(&mut page, drift.scope.as_ref());
    page.add(&by_kind(drift.summary));
    let total = rooms.len() as u64;
    let title = format!("Drift: {}", counts::count(total, "room"));
    let folded = Folded { title: &title, columns: &["Room", "How", "Recorded → read"], total };
    page.add_folded(&folded, rooms.iter().map(drifted));
    let total = unmanaged.len() as u64;
    let title = format!("Attributes of others (not drift): {}", counts::count(total, "room"));
    let folded = Folded { title: &title, columns: &["Room", "Attributes"], total };
    page.add_folded(&folded, unmanaged.iter().map(of_others));
    unread(&mut page, unreadable);
    if let Some(run) = &drift.in_progress {
        let rooms = counts::count(run.rooms.len() as u64, "room");
        page.add(&format!("{rooms} being changed by {}\n\n", Code(&run.by)));
    }
    findings(&mut page, &drift.findings);
    out.write_all(page.end("").as_bytes())
}

fn by_kind(summary: DriftSummary) -> String {
    let rows: Vec<String> = DriftKind::ALL
        .iter()
        .map(|kind| (kind_text(*kind), summary.of(*kind)))
        .filter(|(_, rooms)| *rooms > 0)
        .map(|(kind, rooms)| format!("| {kind} | {rooms} |\n"))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("{}{}\n", heading(&["Drift", "Rooms"]), rows.concat())
}

fn drifted(room: &DriftedRoom) -> TableRow {
    let DriftedRoom { address, kind, changes, next } = room;
    let change = |(prefix, change): (&str, &ValueChange)| {
        let ValueChange { path, before, after } = change;
        let (before, after) = (shown(before.as_ref()), shown(after.as_ref()));
        let path = format_args!("{prefix}{path}");
        format!("{} {}", Code(path), Code(format_args!("{before} → {after}")))
    };
    let changes = changes.iter().map(|change| ("", change));
    let changes = changes.chain(next.iter().map(|change| ("next.", change)));
    let changes: Vec<String> = changes.map(change).collect();
    let cells = vec![Code(address).to_string(), kind_text(*kind).to_owned(), changes.join("<br>")];
    TableRow { items: 1, cells }
}

fn of_others(unmanaged: &Unmanaged) -> TableRow {
    let Unmanaged { address, attributes } = unmanaged;
    let keys: Vec<String> = attributes.iter().map(|(key, _)| Code(key).to_string()).collect();
    TableRow { items: 1, cells: vec![Code(address).to_string(), keys.join(" ")] }
}
