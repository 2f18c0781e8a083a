//! What the plan leaves for later, and how to get it: waiting, blocked, unread, and the gate.

use std::io::{self, Write};

use crate::model::{Action, Gate, Held, HeldReason, RunInProgress, Unread, Weight};

use super::escape::{Plain, Word};
use super::style::{CHANGED, REMOVED, STRONG};
use super::{text, words};

/// Writes the rooms that wait until the people inside have left.
pub(super) fn waiting(out: &mut dyn Write, held: &[Held]) -> io::Result<()> {
    section(out, "Waiting", held)
}

/// Writes the rooms that are protected or refused.
pub(super) fn blocked(out: &mut dyn Write, held: &[Held]) -> io::Result<()> {
    section(out, "Blocked", held)
}

/// Writes the rooms that were asked after and could not be read.
pub(super) fn unread(out: &mut dyn Write, unread: &[Unread]) -> io::Result<()> {
    if unread.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{STRONG}Unread, so nothing is planned for them:{STRONG:#}")?;
    for Unread { address, why } in unread {
        writeln!(out, "    {}: {}", Plain(address), Plain(why))?;
    }
    Ok(())
}

/// Writes which rooms another run is changing, in one line.
pub(super) fn in_progress(out: &mut dyn Write, run: Option<&RunInProgress>) -> io::Result<()> {
    let Some(RunInProgress { by, rooms }) = run else { return Ok(()) };
    let by = by.to_string();
    match rooms.as_slice() {
        [] => writeln!(out, "\n{STRONG}Running meanwhile:{STRONG:#} {}", Plain(by)),
        [room] => {
            writeln!(out, "\n{STRONG}Being changed by {}:{STRONG:#} {}", Plain(by), Plain(room))
        }
        [first, .., last] => {
            let (first, last) = (Plain(first), Plain(last));
            let rooms = words::count(rooms.len() as u64, "room");
            writeln!(
                out,
                "\n{STRONG}Being changed by {}:{STRONG:#} {rooms}, {first} … {last}",
                Plain(by)
            )
        }
    }
}

/// Writes the gate's verdict, with the flags that would consent.
pub(super) fn gate(out: &mut dyn Write, gate: &Gate) -> io::Result<()> {
    if gate.open() {
        return Ok(());
    }
    let steps = words::count(gate.held(), "step");
    writeln!(out, "\n{REMOVED}The gate is closed: {steps} will be held back.{REMOVED:#}")?;
    for weight in [Weight::Counted, Weight::Recreated] {
        let of_weight = || gate.refusals.iter().filter(|it| it.kind.holds() == weight);
        for refusal in of_weight() {
            writeln!(out, "    {}", Plain(&refusal.message))?;
        }
        if let Some(refusal) = of_weight().next() {
            writeln!(out, "    `{}` consents", gate.flag(refusal.kind))?;
        }
    }
    Ok(())
}

/// Why a step is held back and what to do, in a sentence.
pub(super) fn way_out(held: &Held) -> String {
    let Held { step, reason } = held;
    let address = Word(&step.address);
    match reason {
        HeldReason::Occupied(people) => {
            let inside = words::people(*people).unwrap_or_else(|| "people".to_owned());
            format!(
                "{inside} inside; `on_occupied: destroy`, or `--evict {address}` for one run, \
                 disconnects them"
            )
        }
        HeldReason::PreventDestroy => protected(step.action),
        HeldReason::MaxRooms(most) => {
            format!("`max_rooms: {most}` is reached; raise it, or take other rooms out")
        }
        HeldReason::Conflict => format!(
            "a room of this id exists and is not in this state (a lost state, another state, a \
             colleague?); `roomctl import {address}` or `on_conflict: adopt` takes it over"
        ),
        HeldReason::Contested => {
            let declare = if step.action == Action::Destroy { "declared again, " } else { "" };
            format!(
                "its origin is uncertain; {declare}`roomctl import {address}` takes it, \
                 `roomctl state rm {address}` leaves it to its owner"
            )
        }
    }
}

fn protected(action: Action) -> String {
    let way_out = match action {
        Action::Destroy | Action::Forget => {
            "declare it again with `prevent_destroy: false`, apply, then take it out"
        }
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Replace
        | Action::Adopt
        | Action::Record => "say `prevent_destroy: false`, or take the change back",
    };
    format!("protected by `prevent_destroy`; {way_out}")
}

fn section(out: &mut dyn Write, title: &str, held: &[Held]) -> io::Result<()> {
    if held.is_empty() {
        return Ok(());
    }
    let width = text::address_column(held.iter().map(|held| &held.step));
    writeln!(out, "\n{STRONG}{title}:{STRONG:#}")?;
    for held in held {
        text::headline(out, &held.step, width)?;
        writeln!(out, "  {CHANGED}{}{CHANGED:#}", Plain(way_out(held)))?;
    }
    Ok(())
}
