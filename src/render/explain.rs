//! One room from every side, as text and JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Action, Address, Attributes, DesiredRoom, Explanation, Field, Finding, Gate, Held, HeldReason,
    Lifecycle, Observation, ObservedRoom, OnRemove, ProviderName, Reason, RecordedRoom, Room,
    RoomDecision, Step, Timestamp, Value,
};

use super::document::{Each, GateJson, ToJson, gate, people};
use super::escape::{OneLine, Plain, Quoted};
use super::json::{FORMAT_VERSION, write_line};
use super::notes::Notes;
use super::state::{NextJson, RecordJson, next_json, next_life, pending, record_json};
use super::style::{CHANGED, QUIET, REMOVED, STRONG};
use super::text::ON_EMULATOR;
use super::{counts, fields, findings, sections, style};

/// How wide a column of values gets at most.
const VALUE_COLUMN: usize = 36;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    tool_version: &'static str,
    address: &'a Address,
    emulated: bool,
    desired: Option<DesiredJson<'a>>,
    recorded: Option<RecordJson<'a>>,
    observed: Option<ObservedJson<'a>>,
    decision: DecisionJson<'a>,
    gate: GateJson<'a>,
    earliest_end: Option<Timestamp>,
    due: bool,
    next: Option<NextJson<'a>>,
    findings: Each<'a, Finding>,
}

#[derive(Serialize)]
struct DesiredJson<'a> {
    room: &'a Room,
    source: &'a str,
    prevent_destroy: bool,
    on_remove: OnRemove,
    sides: Vec<&'a ProviderName>,
}

#[derive(Serialize)]
struct ObservedJson<'a> {
    status: &'static str,
    at: Option<Timestamp>,
    people: Option<u64>,
    attributes: Option<&'a Attributes>,
    attribute_sequence: Option<u64>,
    fields: Option<BTreeMap<&'static str, &'a Value>>,
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct DecisionJson<'a> {
    verdict: &'static str,
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<<Step as ToJson>::Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<<Held as ToJson>::Json<'a>>,
}

/// Writes one room from every side as one JSON document.
///
/// # Errors
/// Returns the error of `out`.
pub fn explanation_json(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let Explanation {
        address,
        emulated,
        desired,
        recorded,
        observed,
        decision: _,
        gate: verdict,
        earliest_end,
        due,
        findings,
    } = explanation;
    let next = recorded.as_ref().and_then(|record| record.next.as_deref());
    let record = recorded.as_ref().map(|record| {
        let mut json = record_json(address, record, None);
        json.earliest_end = *earliest_end;
        json
    });
    write_line(
        out,
        &Document {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            address,
            emulated: *emulated,
            desired: desired.as_ref().map(desired_json),
            recorded: record,
            observed: observed.as_ref().map(observed_json),
            decision: decision_json(explanation),
            gate: gate(verdict),
            earliest_end: *earliest_end,
            due: *due,
            next: next.map(next_json),
            findings: Each(findings),
        },
    )
}

fn desired_json(desired: &DesiredRoom) -> DesiredJson<'_> {
    let DesiredRoom {
        address: _,
        room,
        lifecycle: Lifecycle { prevent_destroy, on_remove },
        ignore_changes: _,
        on_conflict: _,
        sides,
        source,
        line: _,
    } = desired;
    let (prevent_destroy, on_remove) = (*prevent_destroy, *on_remove);
    DesiredJson { room, source, prevent_destroy, on_remove, sides: sides.iter().collect() }
}

fn observed_json(observed: &Observation) -> ObservedJson<'_> {
    let none = ObservedJson {
        status: "unread",
        at: None,
        people: None,
        attributes: None,
        attribute_sequence: None,
        fields: None,
        message: None,
    };
    match observed {
        Observation::Unread { why } => ObservedJson { message: Some(why), ..none },
        Observation::Gone(at) => ObservedJson { status: "gone", at: Some(*at), ..none },
        Observation::There(room) => {
            let ObservedRoom { at, people: inside, attributes, attribute_sequence, fields } = room;
            let fields = fields.iter().map(|(field, value)| (field.as_str(), value));
            ObservedJson {
                status: "exists",
                at: Some(*at),
                people: people(*inside),
                attributes: Some(attributes),
                attribute_sequence: *attribute_sequence,
                fields: Some(fields.collect()),
                message: None,
            }
        }
    }
}

fn decision_json(explanation: &Explanation) -> DecisionJson<'_> {
    let decision = &explanation.decision;
    let (step, held) = match decision {
        RoomDecision::Step(step) => (Some(step.json()), None),
        RoomDecision::Waiting(held, step) | RoomDecision::Blocked(held, step) => {
            (step.as_ref().map(|step| step.json()), Some(held.json()))
        }
        RoomDecision::Unread(_)
        | RoomDecision::InProgress(_)
        | RoomDecision::Unchanged
        | RoomDecision::ProviderNotDeclared
        | RoomDecision::Unmanaged => (None, None),
    };
    DecisionJson { verdict: verdict(decision), rule: rule(explanation), step, held }
}

/// Writes one room from every side as text.
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
    sides(out, explanation)?;
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

/// The values of one field, from each side.
struct SidesRow {
    label: String,
    values: [String; 3],
}

/// Writes what is declared, recorded and observed in columns.
fn sides(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let rows = rows(explanation);
    let length = |text: &str| text.chars().count();
    let labels = rows.iter().map(|row| length(&row.label)).max().unwrap_or(0);
    let width = |column: usize| {
        let widths = rows.iter().map(|row| length(&row.values[column]));
        widths.max().unwrap_or(0).min(VALUE_COLUMN)
    };
    let (first, second) = (width(0), width(1));
    for (n, SidesRow { label, values: [desired, recorded, observed] }) in rows.iter().enumerate() {
        let colour = if n == 0 { STRONG } else { style::PLAIN };
        let line = format!("{label:<labels$}  {desired:<first$}  {recorded:<second$}  {observed}");
        writeln!(out, "  {colour}{}{colour:#}", line.trim_end())?;
    }
    Ok(())
}

fn rows(explanation: &Explanation) -> Vec<SidesRow> {
    let row = |label: &str, values: [Option<String>; 3]| SidesRow {
        label: label.to_owned(),
        values: values.map(|value| value.unwrap_or_else(|| "-".to_owned())),
    };
    let title = |text: &str| Some(text.to_owned());
    let declared = explanation.desired.as_ref();
    let recorded = explanation.recorded.as_ref();
    let seen = match &explanation.observed {
        Some(Observation::There(room)) => Some(room),
        Some(Observation::Gone(_) | Observation::Unread { .. }) | None => None,
    };
    let rooms = [declared.map(|it| &*it.room), recorded.map(|it| &*it.room)];
    let mut rows = vec![
        row("", [title("desired"), title("recorded"), title("observed")]),
        row("room", [is(declared), is(recorded), Some(observed(explanation.observed.as_ref()))]),
    ];
    for field in Field::ALL.iter().filter(|field| **field != Field::Attributes) {
        let of = |room: Option<&Room>| Some(OneLine(&room?.value(*field)?.to_value()).to_string());
        let read = seen.and_then(|seen| seen.fields.of(*field));
        let values = [of(rooms[0]), of(rooms[1]), read.map(|value| OneLine(value).to_string())];
        if values.iter().any(Option::is_some) {
            rows.push(row(field.as_str(), values));
        }
    }
    let attributes = rooms.map(|room| room.map(|room| &room.attributes));
    let attributes = [attributes[0], attributes[1], seen.map(|seen| &seen.attributes)];
    let keys = attributes.iter().flatten().flat_map(|side| side.iter()).map(|(key, _)| key);
    for key in keys.collect::<BTreeSet<&str>>() {
        let of = |side: Option<&Attributes>| Some(Quoted(&side?.get(key)?.value).to_string());
        rows.push(row(&format!("attributes.{}", Plain(key)), attributes.map(of)));
    }
    let sources = [declared.map(|it| &it.source), recorded.map(|it| &it.source)];
    let [desired, record] = sources.map(|source| source.map(|it| Plain(it).to_string()));
    rows.push(row("source", [desired, record, None]));
    let protected = |lifecycle: &Lifecycle| lifecycle.prevent_destroy.to_string();
    let values =
        [declared.map(|it| protected(&it.lifecycle)), recorded.map(|it| protected(&it.lifecycle))];
    let [desired, record] = values;
    rows.push(row("prevent_destroy", [desired, record, None]));
    rows
}

fn is(side: Option<impl Sized>) -> Option<String> {
    side.map(|_| "yes".to_owned())
}

fn observed(observed: Option<&Observation>) -> String {
    match observed {
        None => "not asked".to_owned(),
        Some(Observation::Gone(_)) => "does not exist".to_owned(),
        Some(Observation::Unread { .. }) => "could not be read".to_owned(),
        Some(Observation::There(room)) => {
            let nobody = || match people(room.people) {
                Some(_) => "nobody".to_owned(),
                None => "people unknown".to_owned(),
            };
            format!("exists, {} inside", counts::people(room.people).unwrap_or_else(nobody))
        }
    }
}

/// Writes what is decided, and by which rule.
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

/// Writes that the gate holds the step back.
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
            "Next due: never, because rooms of this kind exist only while \
                                          users are inside{now}"
        ),
        (Some(_), Some(end)) => {
            writeln!(out, "Next due: {end}, when the service may have destroyed it{now}")
        }
    }
}

/// Writes what is open of a record.
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

/// Returns the stable code of what is decided.
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

/// Returns the rule by which it is decided, in a sentence.
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
            "it is neither declared nor recorded: roomctl changes only rooms that it created"
                .to_owned()
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
            "declared and recorded are equal, and something else changed it at the service: it is changed \
             back"
        }
        (Reason::NotDeclared, Action::Forget) => {
            "recorded and no longer declared: it is removed from the record, without a call"
        }
        (Reason::NotDeclared, _) => "recorded and no longer declared: it is destroyed",
        (Reason::AlreadyExists, _) => {
            "declared and not recorded, and it exists already: `on_conflict` decides"
        }
        (Reason::ReplaceUnfinished, _) => "its creation was interrupted: it is created",
        (Reason::BookkeepingChanged, _) => "only bookkeeping differs: no call is needed",
        (Reason::NextChanged, _) => {
            "only what waits for the room's next life differs: no call is needed"
        }
        (Reason::Moved, _) => "its provider was renamed: its record is moved",
    }
}
