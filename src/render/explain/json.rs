//! One room as declared, recorded and observed, with the decision on it, as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Address, Attributes, DesiredRoom, Explanation, Finding, Held, Lifecycle, Observation,
    ObservedRoom, OnRemove, ProviderName, Room, RoomDecision, Step, Timestamp, Value,
};

use super::{rule, verdict};
use crate::render::document::{Each, GateJson, ToJson, gate, people};
use crate::render::json::{FORMAT_VERSION, write_line};
use crate::render::state::{NextJson, RecordJson, next_json, record_json};

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

/// Writes one room, as declared, recorded and observed, as one JSON document.
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
