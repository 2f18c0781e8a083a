//! The parts of the JSON documents.

use serde::Serialize;
use serde::ser::Serializer;

use crate::model::{
    Action, Address, Call, Carried, Finding, Gate, Held, People, Place, Reason, Refusal,
    RefusalKind, Room, Severity, Step, Unread,
};

use super::words;

/// A list that is written item by item.
pub(super) struct Each<'a, T>(pub(super) &'a [T]);

/// What a list's items look like.
pub(super) trait Shown {
    /// The item as it is written.
    type As<'a>: Serialize
    where
        Self: 'a;

    /// Borrows the item as it is written.
    fn shown(&self) -> Self::As<'_>;
}

#[derive(Serialize)]
pub(super) struct StepShown<'a> {
    address: &'a Address,
    action: Action,
    reason: Reason,
    before: Option<&'a Room>,
    after: Option<&'a Room>,
    calls: &'a [Call],
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    /// The keys of others that are set again, as far as they are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    carried_attributes: Vec<&'a str>,
}

#[derive(Serialize)]
pub(super) struct HeldShown<'a> {
    #[serde(flatten)]
    step: StepShown<'a>,
    held_reason: &'static str,
    people: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct UnreadShown<'a> {
    address: &'a Address,
    message: &'a str,
}

#[derive(Serialize)]
pub(super) struct FindingShown<'a> {
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
pub(super) struct GateShown<'a> {
    open: bool,
    refusals: Vec<RefusalShown<'a>>,
}

#[derive(Serialize)]
struct RefusalShown<'a> {
    reason: RefusalKind,
    message: &'a str,
    flag: String,
}

/// How many are inside; none where it is not known.
pub(super) fn people(people: People) -> Option<u64> {
    match people {
        People::Unknown => None,
        People::Nobody => Some(0),
        People::Count(number) | People::AtLeast(number) => Some(number),
    }
}

/// The gate as it is written.
pub(super) fn gate(gate: &Gate) -> GateShown<'_> {
    let refusals = gate.refusals.iter().map(|it| refusal(it, gate.flag(it.kind))).collect();
    GateShown { open: gate.open(), refusals }
}

fn refusal(refusal: &Refusal, flag: String) -> RefusalShown<'_> {
    let Refusal { kind, message } = refusal;
    RefusalShown { reason: *kind, message, flag }
}

impl<T: Shown> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Shown::shown))
    }
}

impl Shown for Step {
    type As<'a> = StepShown<'a>;

    fn shown(&self) -> StepShown<'_> {
        let Self {
            address,
            action,
            reason,
            before,
            after,
            changes: _,
            calls,
            lifecycle: _,
            sides: _,
            source: _,
            people: _,
            on_occupied: _,
            weight: _,
            carried,
            instead: _,
            bookkeeping: _,
        } = self;
        let (before, after) = (before.as_deref(), after.as_deref());
        let note = words::note(self);
        let carried_attributes = match carried {
            Carried::Nothing | Carried::Unread => Vec::new(),
            Carried::Known(carried) => carried.iter().map(|(key, _)| key).collect(),
        };
        let (action, reason) = (*action, *reason);
        StepShown { address, action, reason, before, after, calls, note, carried_attributes }
    }
}

impl Shown for Held {
    type As<'a> = HeldShown<'a>;

    fn shown(&self) -> HeldShown<'_> {
        let Self { step, reason } = self;
        let people = people(step.people);
        HeldShown { step: step.shown(), held_reason: reason.as_str(), people }
    }
}

impl Shown for Unread {
    type As<'a> = UnreadShown<'a>;

    fn shown(&self) -> UnreadShown<'_> {
        let Self { address, why } = self;
        UnreadShown { address, message: why }
    }
}

impl Shown for Finding {
    type As<'a> = FindingShown<'a>;

    fn shown(&self) -> FindingShown<'_> {
        let Self { severity, code, message, help, place, address } = self;
        let place = place.as_ref();
        FindingShown {
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
