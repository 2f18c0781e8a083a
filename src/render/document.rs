//! The parts of the JSON documents.

use std::borrow::Cow;
use std::num::NonZeroU32;

use serde::Serialize;
use serde::ser::Serializer;

use crate::model::{
    Action, Address, Call, Carried, Finding, Gate, Held, NextChange, People, Place, ProviderName,
    Reason, Refusal, RefusalKind, Room, Severity, Step, Unread, ValueChange,
};

use super::notes;

/// A list that is serialized item by item.
pub(super) struct Each<'a, T>(pub(super) &'a [T]);

/// A value that has a JSON representation.
pub(super) trait ToJson {
    /// The representation.
    type Json<'a>: Serialize
    where
        Self: 'a;

    /// Returns the representation, which borrows the value.
    fn json(&self) -> Self::Json<'_>;
}

#[derive(Serialize)]
pub(super) struct StepJson<'a> {
    address: &'a Address,
    provider: &'a ProviderName,
    action: Action,
    reason: Reason,
    /// The file that declares the room, with the line if it is known.
    source: Option<Cow<'a, str>>,
    before: Option<Cow<'a, Room>>,
    after: Option<Cow<'a, Room>>,
    changes: Vec<ValueChange>,
    calls: &'a [Call],
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextJson<'a>>,
    /// The keys of attributes of others that are set again, if they are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    carried_attributes: Vec<&'a str>,
}

/// The next life before and after the step.
#[derive(Serialize)]
struct NextJson<'a> {
    before: Option<&'a Room>,
    after: Option<&'a Room>,
}

#[derive(Serialize)]
pub(super) struct HeldJson<'a> {
    #[serde(flatten)]
    step: StepJson<'a>,
    held_reason: &'static str,
    people: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct UnreadJson<'a> {
    address: &'a Address,
    message: &'a str,
}

#[derive(Serialize)]
pub(super) struct FindingJson<'a> {
    severity: Severity,
    code: &'static str,
    message: &'a str,
    help: Option<&'a str>,
    address: Option<&'a Address>,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct GateJson<'a> {
    open: bool,
    refusals: Vec<RefusalJson<'a>>,
}

#[derive(Serialize)]
struct RefusalJson<'a> {
    reason: RefusalKind,
    message: &'a str,
    flag: String,
}

/// Returns the number of people inside, or `None` if it is not known.
pub(super) fn people(people: People) -> Option<u64> {
    match people {
        People::Unknown => None,
        People::Nobody => Some(0),
        People::Count(number) | People::AtLeast(number) => Some(number),
    }
}

/// Returns the JSON representation of the gate.
pub(super) fn gate(gate: &Gate) -> GateJson<'_> {
    let refusals = gate.refusals.iter().map(|it| refusal(it, gate.flag(it.kind))).collect();
    GateJson { open: gate.open(), refusals }
}

fn refusal(refusal: &Refusal, flag: String) -> RefusalJson<'_> {
    let Refusal { kind, message } = refusal;
    RefusalJson { reason: *kind, message, flag }
}

impl<T> Each<'_, T> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: ToJson> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToJson::json))
    }
}

/// Returns `rooms.yaml:14`, or only the file if the line is not known.
fn place(source: &str, line: Option<NonZeroU32>) -> Cow<'_, str> {
    line.map_or(Cow::Borrowed(source), |line| Cow::Owned(format!("{source}:{line}")))
}

impl ToJson for Step {
    type Json<'a> = StepJson<'a>;

    fn json(&self) -> StepJson<'_> {
        let Self {
            address,
            action,
            reason,
            before: _,
            after: _,
            changes: _,
            calls,
            lifecycle: _,
            ignore_changes: _,
            on_conflict: _,
            sides: _,
            source,
            line,
            people: _,
            on_occupied: _,
            weight: _,
            carried,
            instead: _,
            bookkeeping: _,
            ownership_key: _,
            next,
        } = self;
        let (before, after) = self.shown();
        let changes = ValueChange::between(before.as_deref(), after.as_deref());
        let note = notes::note(self);
        let carried_attributes = match carried {
            Carried::Nothing | Carried::Unread => Vec::new(),
            Carried::Known(attributes) => attributes.iter().map(|(key, _)| key).collect(),
        };
        let (action, reason) = (*action, *reason);
        StepJson {
            address,
            provider: &address.provider,
            action,
            reason,
            source: source.as_deref().map(|source| place(source, *line)),
            before,
            after,
            changes,
            calls,
            note,
            next: next.as_deref().map(next_json),
            carried_attributes,
        }
    }
}

fn next_json(next: &NextChange) -> NextJson<'_> {
    let NextChange { before, after } = next;
    NextJson { before: before.as_deref(), after: after.as_deref() }
}

impl ToJson for Held {
    type Json<'a> = HeldJson<'a>;

    fn json(&self) -> HeldJson<'_> {
        let Self { step, reason } = self;
        let people = people(step.people);
        HeldJson { step: step.json(), held_reason: reason.as_str(), people }
    }
}

impl ToJson for Unread {
    type Json<'a> = UnreadJson<'a>;

    fn json(&self) -> UnreadJson<'_> {
        let Self { address, why } = self;
        UnreadJson { address, message: why }
    }
}

impl ToJson for Finding {
    type Json<'a> = FindingJson<'a>;

    fn json(&self) -> FindingJson<'_> {
        let Self { severity, code, message, help, place, address } = self;
        let place = place.as_ref();
        FindingJson {
            severity: *severity,
            code,
            message,
            help: help.as_deref(),
            address: address.as_ref(),
            file: place.map(|it: &Place| &*it.file),
            line: place.map(|it| it.line),
            column: place.map(|it| it.column),
        }
    }
}
