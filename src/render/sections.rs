//! The sections below a plan's steps: waiting, blocked, unread, and the gate.

use std::io::{self, Write};

use crate::model::{Action, Gate, Held, HeldReason, Partial, RunInProgress, Step, Unread, Weight};

use super::escape::Plain;
use super::groups::{Subject, by_cause, listed, without_room};
use super::style::{CHANGED, REMOVED, STRONG};
use super::{Layout, counts, fields, text};

/// Describes a room that exists and that we did not make.
const NOT_RECORDED: &str = "not in this state (a lost state, another state, or created by hand?)";

/// How to replace a room that waits for its next life.
pub(super) const AT_ONCE: &str = "`replace: now` replaces it at once";

/// Writes the scope, if it is not all rooms.
pub(super) fn scope(out: &mut dyn Write, scope: Option<&Partial>) -> io::Result<()> {
    match scope {
        Some(partial) => writeln!(out, "{CHANGED}{partial}{CHANGED:#}"),
        None => Ok(()),
    }
}

/// Writes the rooms with steps that the saved plan does not contain.
pub(super) fn left_out(out: &mut dyn Write, steps: &[Step], layout: Layout) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let addresses: Vec<_> = steps.iter().map(|step| &step.address).collect();
    let rooms = counts::count(steps.len() as u64, "step");
    writeln!(out, "\n{STRONG}Left out, because they are not in the saved plan:{STRONG:#} {rooms}")?;
    writeln!(out, "    {}", listed(&addresses, layout))
}

/// Writes the rooms that wait.
pub(super) fn waiting(out: &mut dyn Write, held: &[Held], layout: Layout) -> io::Result<()> {
    section(out, "Waiting", held, layout)
}

/// Writes the rooms that are protected or refused.
pub(super) fn blocked(out: &mut dyn Write, held: &[Held], layout: Layout) -> io::Result<()> {
    section(out, "Blocked", held, layout)
}

/// Writes the rooms that could not be read.
pub(super) fn unread(out: &mut dyn Write, unread: &[Unread], layout: Layout) -> io::Result<()> {
    if unread.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{STRONG}Unread, so nothing is planned for them:{STRONG:#}")?;
    let cause = |it: &Unread| without_room(&it.why, &it.address);
    for group in by_cause(unread, layout, |it| &it.address, cause) {
        let Unread { address, why } = group.first;
        match group.subject() {
            Subject::One(_) => writeln!(out, "    {}: {}", Plain(address), Plain(why))?,
            Subject::Each => {
                let rooms = counts::count(group.addresses.len() as u64, "room");
                let (cause, listed) = (cause(group.first), listed(&group.addresses, layout));
                writeln!(out, "    {rooms}: {}\n        {listed}", Plain(cause))?;
            }
        }
    }
    Ok(())
}

/// Writes the rooms that another run is changing, on one line.
pub(super) fn in_progress(out: &mut dyn Write, run: Option<&RunInProgress>) -> io::Result<()> {
    let Some(RunInProgress { by, rooms }) = run else { return Ok(()) };
    let by = by.to_string();
    match rooms.as_slice() {
        [] => writeln!(out, "\n{STRONG}Another run in progress:{STRONG:#} {}", Plain(by)),
        [room] => {
            writeln!(out, "\n{STRONG}Being changed by {}:{STRONG:#} {}", Plain(by), Plain(room))
        }
        [first, .., last] => {
            let (first, last) = (Plain(first), Plain(last));
            let rooms = counts::count(rooms.len() as u64, "room");
            writeln!(
                out,
                "\n{STRONG}Being changed by {}:{STRONG:#} {rooms}, {first} … {last}",
                Plain(by)
            )
        }
    }
}

/// Writes the refusals of the gate, with the flags that consent.
pub(super) fn gate(out: &mut dyn Write, gate: &Gate) -> io::Result<()> {
    if gate.open() {
        return Ok(());
    }
    let steps = counts::count(gate.held(), "step");
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

fn section(out: &mut dyn Write, title: &str, held: &[Held], layout: Layout) -> io::Result<()> {
    if held.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{STRONG}{title}:{STRONG:#}")?;
    // Destroys are never grouped.
    let destroyed = |step: &Step| (step.action == Action::Destroy).then(|| step.address.clone());
    let cause = |held: &Held| {
        let advice = advice(held, Subject::Each);
        (held.step.action, destroyed(&held.step), cause(held.reason), advice, shown_changes(held))
    };
    let groups = by_cause(held, layout, |held| &held.step.address, cause);
    let single = groups.iter().filter(|group| group.addresses.len() == 1);
    let width = text::address_column(single.map(|group| &group.first.step));
    for group in groups {
        let (held, subject) = (group.first, group.subject());
        let advice = Plain(advice(held, subject)).to_string();
        match subject {
            Subject::One(_) => {
                text::headline(out, &held.step, width)?;
                let reason = reason(held.reason);
                writeln!(out, "  {CHANGED}{reason}; {advice}{CHANGED:#}")?;
            }
            Subject::Each => {
                text::group_headline(out, held.step.action, group.addresses.len())?;
                let (cause, listed) = (self::cause(held.reason), listed(&group.addresses, layout));
                writeln!(out, " {CHANGED}{cause}{CHANGED:#}: {listed}")?;
                writeln!(out, "      {CHANGED}{advice}{CHANGED:#}")?;
            }
        }
        for (path, change) in shown_changes(held) {
            writeln!(out, "      {path}  {change}")?;
        }
    }
    Ok(())
}

/// Returns the changes of a held room if they also wait in later plans: the path of each field, and
/// `old → new`.
pub(super) fn shown_changes(held: &Held) -> Vec<(String, String)> {
    match held.reason {
        HeldReason::NextLife => fields::changes(&held.step).collect(),
        HeldReason::Occupied(_)
        | HeldReason::PreventDestroy
        | HeldReason::MaxRooms(_)
        | HeldReason::Conflict
        | HeldReason::OtherState
        | HeldReason::Contested => Vec::new(),
    }
}

/// Returns why one room is held back, and how to change that.
pub(super) fn why(held: &Held) -> String {
    let advice = advice(held, Subject::One(&held.step.address));
    format!("{}; {advice}", reason(held.reason))
}

/// Returns why one room is held back.
fn reason(reason: HeldReason) -> String {
    match reason {
        HeldReason::Occupied(people) => {
            let people = counts::people(people).unwrap_or_else(|| "people".to_owned());
            format!("{people} inside")
        }
        HeldReason::NextLife => "waits for its next life (`replace: on_next_vanish`)".to_owned(),
        HeldReason::PreventDestroy => "protected by `prevent_destroy`".to_owned(),
        HeldReason::MaxRooms(most) => format!("`max_rooms: {most}` is reached"),
        HeldReason::Conflict => format!("a room of this id exists and is {NOT_RECORDED}"),
        HeldReason::OtherState => {
            "a room of this id exists and belongs to another state".to_owned()
        }
        HeldReason::Contested => "its origin is uncertain".to_owned(),
    }
}

/// Returns why several rooms are held back, as a predicate.
fn cause(reason: HeldReason) -> String {
    match reason {
        HeldReason::Occupied(people) => {
            let people = counts::people(people).unwrap_or_else(|| "people".to_owned());
            format!("have {people} inside")
        }
        HeldReason::NextLife => "wait for their next life (`replace: on_next_vanish`)".to_owned(),
        HeldReason::PreventDestroy => "are protected by `prevent_destroy`".to_owned(),
        HeldReason::MaxRooms(most) => format!("are more than `max_rooms: {most}`"),
        HeldReason::Conflict => "exist already and are not in this state".to_owned(),
        HeldReason::OtherState => "exist already and belong to another state".to_owned(),
        HeldReason::Contested => "are of uncertain origin".to_owned(),
    }
}

/// Returns how to change that rooms are held back.
fn advice(held: &Held, subject: Subject<'_>) -> String {
    let Held { step, reason } = held;
    match reason {
        HeldReason::Occupied(_) => {
            format!("`on_occupied: destroy`, or `--evict {subject}` for one run, disconnects them")
        }
        HeldReason::NextLife => AT_ONCE.to_owned(),
        HeldReason::PreventDestroy => unprotect(step.action).to_owned(),
        HeldReason::MaxRooms(_) => "raise it, or remove other rooms".to_owned(),
        HeldReason::Conflict => {
            let (state, them) = match subject {
                Subject::One(_) => ("", "it"),
                Subject::Each => ("a lost state, another state, or created by hand? ", "them"),
            };
            format!("{state}`roomctl import {subject}` or `on_conflict: adopt` takes {them} over")
        }
        HeldReason::OtherState => {
            format!("it is never adopted: `roomctl import {subject}` takes it over")
        }
        HeldReason::Contested => {
            let declare = if step.action == Action::Destroy { "declared again, " } else { "" };
            format!(
                "{declare}`roomctl import {subject}` takes it over, `roomctl state rm {subject}` leaves it \
                 to its owner"
            )
        }
    }
}

fn unprotect(action: Action) -> &'static str {
    match action {
        Action::Destroy | Action::Forget => {
            "declare it with `prevent_destroy: false`, apply, then remove it from the file"
        }
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Replace
        | Action::Adopt
        | Action::Record => "set `prevent_destroy: false`, or revert the change",
    }
}
