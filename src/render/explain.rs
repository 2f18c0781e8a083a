//! One room as declared, recorded and observed, with the decision on it, as text and JSON.

mod json;
mod table;

use std::io::{self, Write};

use crate::model::{
    Action, Explanation, Gate, HeldReason, Observation, Reason, RecordedRoom, RoomDecision, Step,
};

use super::escape::Plain;
use super::notes::Notes;
use super::state::{next_life, pending};
use super::style::{CHANGED, QUIET, REMOVED, STRONG};
use super::text::ON_EMULATOR;
use super::{fields, findings, sections, style};
pub use json::explanation_json;

/// Writes one room, as declared, recorded and observed, as text.
///
/// # Errors
/// Returns the error of `out`.
pub fn explanation_text(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let place = if explanation.emulated { ON_EMULATOR } else { "" };
    writeln!(
        out,
        "{STRONG}{}{STRONG:#}{CHANGED}{place}{CHANGED:#}\n",
        Plain(&explanation.address)
    )?;
    table::write(out, explanation)?;
    writeln!(out)?;
    decision(out, explanation)?;
    held_by_gate(out, explanation)?;
    writeln!(out)?;
    times(out, explanation)?;
    open(out, explanation.recorded.as_ref())?;
    if !explanation.findings.is_empty() {
        writeln!(out)?;
        findings::findings_text(out, &explanation.findings)?;
    }
    Ok(())
}

/// Writes the decision, and the rule that led to it.
fn decision(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let (decision, rule) = (&explanation.decision, rule(explanation));
    let line = |out: &mut dyn Write, step: &Step| {
        let (action, reason) = (step.action.as_str(), step.reason.as_str());
        let colour = style::of(step.action);
        writeln!(
            out,
            "{STRONG}Decision:{STRONG:#} {colour}{action}{colour:#}  {QUIET}{reason}{QUIET:#}"
        )
    };
    let below = |out: &mut dyn Write, step: &Step| {
        fields::write(out, step)?;
        Notes::of(step).write(out)
    };
    match decision {
        RoomDecision::Step(step) => {
            line(out, step)?;
            writeln!(out, "  {rule}")?;
            below(out, step)
        }
        RoomDecision::Waiting(held, step) | RoomDecision::Blocked(held, step) => {
            line(out, &held.step)?;
            writeln!(out, "  {rule}")?;
            let why = Plain(sections::why(held)).to_string();
            writeln!(out, "  {CHANGED}{}: {why}{CHANGED:#}", verdict(decision))?;
            match held.reason {
                HeldReason::NextLife => fields::write(out, &held.step)?,
                HeldReason::Occupied(_)
                | HeldReason::PreventDestroy
                | HeldReason::MaxRooms(_)
                | HeldReason::Conflict
                | HeldReason::OtherState
                | HeldReason::Contested => below(out, &held.step)?,
            }
            match step {
                Some(step) => {
                    writeln!(out, "  Done meanwhile: {}", step.action.as_str())?;
                    below(out, step)
                }
                None => Ok(()),
            }
        }
        RoomDecision::Unread(_)
        | RoomDecision::InProgress(_)
        | RoomDecision::Unchanged
        | RoomDecision::ProviderNotDeclared
        | RoomDecision::Unmanaged => {
            writeln!(out, "{STRONG}Decision:{STRONG:#} nothing is done")?;
            writeln!(out, "  {}", Plain(rule))
        }
    }
}

/// Writes the refusals of the gate that hold back the step.
fn held_by_gate(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let Explanation { decision: RoomDecision::Step(step), gate, .. } = explanation else {
        return Ok(());
    };
    let Gate { refusals, counted: _, recreated: _ } = gate;
    for refusal in refusals.iter().filter(|refusal| refusal.kind.holds() == step.weight) {
        let (message, flag) = (Plain(&refusal.message), gate.flag(refusal.kind));
        writeln!(
            out,
            "  {REMOVED}The gate holds it back:{REMOVED:#} {message}; `{flag}` consents"
        )?;
    }
    Ok(())
}

fn times(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let Explanation { recorded, earliest_end, due, .. } = explanation;
    let now = if *due { "; a refresh of due rooms looks it up now" } else { "" };
    match (recorded, earliest_end) {
        (None, _) => writeln!(out, "Next due: never, because it is not recorded"),
        (Some(_), None) => writeln!(
            out,
            "Next due: at no time, because rooms of this kind exist only while users are inside{now}"
        ),
        (Some(_), Some(end)) => {
            writeln!(out, "Next due: {end}, when the service may have destroyed it{now}")
        }
    }
}

/// Writes the pending call, the uncertain origin and the next life of a record.
fn open(out: &mut dyn Write, record: Option<&RecordedRoom>) -> io::Result<()> {
    let Some(record) = record else { return Ok(()) };
    if let Some(call) = record.pending.as_deref() {
        writeln!(out, "Pending: {}", pending(call))?;
    }
    if let Some(why) = record.contested.as_deref() {
        writeln!(out, "Contested: {}", Plain(why))?;
    }
    let Some(next) = record.next.as_deref() else { return Ok(()) };
    writeln!(out, "Next life, approved already:")?;
    next_life(next).iter().try_for_each(|(label, value)| writeln!(out, "  {label}  {value}"))
}

/// Returns the stable code of a decision.
const fn verdict(decision: &RoomDecision) -> &'static str {
    match decision {
        RoomDecision::Step(_) => "step",
        RoomDecision::Waiting(..) => "waiting",
        RoomDecision::Blocked(..) => "blocked",
        RoomDecision::Unread(_) => "unread",
        RoomDecision::InProgress(_) => "in_progress",
        RoomDecision::Unchanged => "unchanged",
        RoomDecision::ProviderNotDeclared => "provider_not_declared",
        RoomDecision::Unmanaged => "unmanaged",
    }
}

/// Returns the rule of a decision, as a sentence.
fn rule(explanation: &Explanation) -> String {
    match &explanation.decision {
        RoomDecision::Step(step) => rule_of_step(step).to_owned(),
        RoomDecision::Waiting(held, _) | RoomDecision::Blocked(held, _) => {
            rule_of_step(&held.step).to_owned()
        }
        RoomDecision::Unread(why) => {
            format!("it could not be read: {why}")
        }
        RoomDecision::InProgress(holder) => format!("it is being changed by {holder}"),
        RoomDecision::Unchanged => rule_of_unchanged(explanation).to_owned(),
        RoomDecision::ProviderNotDeclared => {
            "its provider is no longer declared: it is not changed".to_owned()
        }
        RoomDecision::Unmanaged => {
            "it is neither declared nor recorded: it is not changed".to_owned()
        }
    }
}

fn rule_of_unchanged(explanation: &Explanation) -> &'static str {
    let declared = explanation.desired.as_ref().map(|desired| &desired.room);
    let recorded = explanation.recorded.as_ref().map(|recorded| &recorded.room);
    match &explanation.observed {
        Some(Observation::Gone(_)) => "recorded and gone, and not recreated: `on_vanish: ignore`",
        Some(Observation::There(_) | Observation::Unread { .. }) | None if declared != recorded => {
            "every difference between declared and recorded is in `ignore_changes`"
        }
        Some(Observation::There(_) | Observation::Unread { .. }) | None => {
            "declared and recorded are equal, and no drift was observed"
        }
    }
}

fn rule_of_step(step: &Step) -> &'static str {
    match (step.reason, step.action) {
        (Reason::NotRecorded, _) => "declared and not recorded: it is created",
        (Reason::Vanished, _) => {
            "declared and recorded, and the service destroyed it after its time: it is recreated"
        }
        (Reason::VanishedEarly, _) => {
            "declared and recorded, and gone before its time: it is recreated, and the gate counts it"
        }
        (
            Reason::NameChanged
            | Reason::DelayChanged
            | Reason::FieldsChanged
            | Reason::CloseChanged,
            Action::Replace,
        ) => {
            "declared and recorded differ in a field that only a new room can have: it is replaced"
        }
        (
            Reason::NameChanged
            | Reason::DelayChanged
            | Reason::AttributesChanged
            | Reason::FieldsChanged
            | Reason::CloseChanged,
            _,
        ) => "declared and recorded differ, and the change can be made in place",
        (Reason::OwnershipChanged, _) => {
            "declared and recorded differ only in the ownership attribute: it is set or removed"
        }
        (Reason::AttributesDrifted | Reason::FieldsDrifted, _) => {
            "declared and recorded are equal, and the room drifted: it is changed back"
        }
        (Reason::NotDeclared, Action::Forget) => {
            "recorded and no longer declared: it is removed from the record, without a call"
        }
        (Reason::NotDeclared, _) => "recorded and no longer declared: it is destroyed",
        (Reason::AlreadyExists, _) => {
            "declared and not recorded, and it exists already: `on_conflict` decides"
        }
        (Reason::ReplaceUnfinished, _) => {
            "a run ended before it created the room again: it is recreated"
        }
        (Reason::BookkeepingChanged, _) => "only bookkeeping differs: no call is needed",
        (Reason::NextChanged, _) => {
            "only what waits for the room's next life differs: no call is needed"
        }
        (Reason::Moved, _) => "its provider was renamed: its record is moved",
    }
}
