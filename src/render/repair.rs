//! The effect of a repair or a push on a state, as text.

use std::io::{self, Write};

use crate::model::{Address, RepairPlan};

use super::counts;
use super::escape::Plain;
use super::style::{QUIET, REMOVED, STRONG};

/// Writes the damage, the rooms that would be added, changed and lost, and the resulting state.
///
/// # Errors
/// Returns the error of `out`.
pub fn repair_text(out: &mut dyn Write, plan: &RepairPlan) -> io::Result<()> {
    comparison(out, plan, "Repair")
}

/// Writes the same for a document that replaces a state.
///
/// # Errors
/// Returns the error of `out`.
pub fn push_text(out: &mut dyn Write, plan: &RepairPlan) -> io::Result<()> {
    comparison(out, plan, "Push")
}

fn comparison(out: &mut dyn Write, plan: &RepairPlan, what: &str) -> io::Result<()> {
    let RepairPlan { found, compared_with, added, changed, lost, serial, rooms } = plan;
    for sentence in found {
        writeln!(out, "{}", Plain(sentence))?;
    }
    if !found.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{STRONG}Compared with {}:{STRONG:#}", Plain(compared_with))?;
    if added.is_empty() && changed.is_empty() && lost.is_empty() {
        writeln!(out, "    no room differs")?;
    }
    list(out, "+", added, "added")?;
    list(out, "~", changed, "changed")?;
    for address in lost {
        writeln!(out, "{REMOVED}-{REMOVED:#} {}  {QUIET}lost{QUIET:#}", Plain(address))?;
    }
    if !lost.is_empty() {
        writeln!(out, "Rooms that are lost and still live become unmanaged.")?;
    }
    let count = |number: &[Address], label: &str| format!("{} {label}", number.len());
    let counts = [count(added, "added"), count(changed, "changed"), count(lost, "lost")];
    let rooms = counts::count(*rooms as u64, "room");
    writeln!(
        out,
        "\n{STRONG}{what}: {}; the state would have {rooms} at serial {serial}.{STRONG:#}",
        counts.join(", ")
    )
}

fn list(out: &mut dyn Write, symbol: &str, rooms: &[Address], label: &str) -> io::Result<()> {
    rooms.iter().try_for_each(|address| {
        writeln!(out, "{symbol} {}  {QUIET}{label}{QUIET:#}", Plain(address))
    })
}
