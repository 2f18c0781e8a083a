//! Tests of the output for users and scripts, as snapshots.

mod findings;
mod groups;
mod json;
mod markdown;
mod outcome;
mod plans;
mod progress;
mod state;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{
    Action, Address, Attribute, AttributeChange, Attributes, Bookkeeping, Call, Carried, Delay,
    Digest, Finding, Gate, Held, HeldReason, Lifecycle, Lineage, OnOccupied, Overwritten, Patch,
    People, Plan, Reason, Refresh, Refreshed, Refusal, RefusalKind, Room, Sides, StateRef, Step,
    StepEvent, StepProgress, StepWait, Summary, Unread, Value, WaitReason, Weight,
};

pub(super) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

pub(super) fn wait(address: Address, action: Action, people: People) -> StepWait {
    StepWait { address, action, reason: WaitReason::People(people) }
}

pub(super) fn overwritten(path: &str, before: &str, after: &str) -> Overwritten {
    let text = |text: &str| Value::Text(text.into());
    Overwritten { path: path.to_owned(), before: text(before), after: text(after) }
}

pub(super) fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    let attribute = |value: &str| Attribute { value: value.into(), auto_delete: false };
    pairs.iter().map(|(key, value)| (*key, attribute(value))).collect()
}

pub(super) fn room(name: &str, pairs: &[(&str, &str)]) -> Arc<Room> {
    Arc::new(Room {
        name: Some(name.into()),
        destroy_delay_time: Some(Delay::from_seconds(10_800)),
        attributes: attributes(pairs),
        ..Room::default()
    })
}

pub(super) fn step(text: &str, action: Action, reason: Reason) -> Step {
    Step {
        address: address(text),
        action,
        reason,
        before: None,
        after: None,
        changes: Vec::new(),
        calls: Vec::new(),
        lifecycle: Lifecycle::default(),
        sides: Sides::default(),
        source: Some("rooms.yaml".into()),
        line: None,
        people: People::Unknown,
        on_occupied: OnOccupied::Defer,
        weight: Weight::Free,
        carried: Carried::Nothing,
        instead: None,
        bookkeeping: None,
        ownership_key: None,
        next: None,
        ignore_changes: Box::default(),
        on_conflict: crate::model::OnConflict::Fail,
    }
}

pub(super) fn set(key: &str, value: &str) -> AttributeChange {
    AttributeChange::Set(key.into(), Attribute { value: value.into(), auto_delete: false })
}

/// Returns the event of a step that took 1.5 s, or has just started.
pub(super) fn event(text: &str, action: Action, progress: StepProgress) -> StepEvent {
    let ran = matches!(
        progress,
        StepProgress::Done { .. } | StepProgress::Failed(_) | StepProgress::Waiting(_)
    );
    let duration = ran.then_some(Duration::from_millis(1500));
    let reason = Reason::NotRecorded;
    StepEvent { address: address(text), action, reason, duration, progress }
}

/// Returns a plan without steps.
pub(super) fn empty() -> Plan {
    Plan {
        emulated: false,
        state: StateRef { lineage: Some(Lineage("5f3b".to_owned())), serial: 7 },
        config_digest: Digest([0xcc; 32]),
        digest: Digest([0xdd; 32]),
        scope: None,
        steps: Vec::new(),
        left_out: Vec::new(),
        waiting: Vec::new(),
        blocked: Vec::new(),
        unread: Vec::new(),
        in_progress: None,
        gate: Gate::default(),
        summary: Summary { unchanged: 38, ..Summary::default() },
        estimate: Duration::ZERO,
        findings: Vec::new(),
        refreshed: Refreshed::As(Refresh::Due),
    }
}

/// Returns a plan with one step of each action, and every kind of held step.
pub(super) fn full() -> Plan {
    let steps = steps();
    let held = |step, reason| Held { step, reason };
    let occupied = Step {
        people: People::Count(300),
        ..step("chat/party", Action::Destroy, Reason::NotDeclared)
    };
    let create = |text| step(text, Action::Create, Reason::NotRecorded);
    let summary = Summary {
        create: 1,
        recreate: 1,
        update: 1,
        replace: 1,
        destroy: 1,
        adopt: 1,
        forget: 1,
        record: 1,
        unchanged: 38,
        waiting: 1,
        blocked: 3,
        unread: 1,
        asked: 1,
        not_asked: 7,
    };
    let refusal = |kind, message: &str| Refusal { kind, message: message.to_owned() };
    Plan {
        emulated: true,
        state: StateRef::default(),
        steps,
        waiting: vec![held(occupied, HeldReason::Occupied(People::Count(300)))],
        blocked: vec![
            held(
                step("chat/hall", Action::Destroy, Reason::NotDeclared),
                HeldReason::PreventDestroy,
            ),
            held(create("chat/more"), HeldReason::MaxRooms(500)),
            held(step("chat/theirs", Action::Create, Reason::AlreadyExists), HeldReason::Conflict),
        ],
        unread: vec![Unread { address: address("chat/z"), why: "no answer in 10 s".to_owned() }],
        in_progress: None,
        gate: Gate {
            refusals: vec![refusal(RefusalKind::MaxDestroy, "3 rooms go, and 1 may")],
            counted: 3,
            recreated: 0,
        },
        summary,
        estimate: Duration::from_millis(200),
        findings: vec![
            Finding::warning("attributes_dropped", "chat/z is empty").help("wait a little"),
        ],
        refreshed: Refreshed::NoCredentials,
        ..empty()
    }
}

fn steps() -> Vec<Step> {
    let story = "once upon a time\nthere was a room\nand it was full";
    let changed_story = "once upon a time\nthere was a hall\nand it was full";
    let unnamed = Room { attributes: attributes(&[("topic", "x")]), ..Room::default() };
    vec![
        Step {
            before: Some(room("Old", &[])),
            ..step("chat/old", Action::Destroy, Reason::NotDeclared)
        },
        Step {
            before: Some(room("Lobby", &[("topic", "a"), ("story", story)])),
            after: Some(room("The \"Lounge\"", &[("topic", "a"), ("story", changed_story)])),
            people: People::Nobody,
            calls: vec![Call::DestroyRoom, Call::CreateRoom],
            ..step("chat/lounge", Action::Replace, Reason::NameChanged)
        },
        Step {
            before: Some(room("Table", &[("gone", "g"), ("topic", "a")])),
            after: Some(room("Table", &[("by_itself", "b"), ("new", "n"), ("topic", "b")])),
            changes: vec![
                Patch::Attributes(vec![AttributeChange::Delete("gone".into())]),
                Patch::Attributes(vec![set("new", "n"), set("topic", "b")]),
            ],
            calls: vec![Call::ModifyRoomAttribute; 2],
            ..step("chat/table-1", Action::Update, Reason::AttributesChanged)
        },
        Step {
            after: Some(room("Lobby", &[("topic", "welcome")])),
            calls: vec![Call::CreateRoom],
            ..step("chat/lobby", Action::Create, Reason::NotRecorded)
        },
        Step {
            after: Some(room("Back", &[])),
            calls: vec![Call::CreateRoom],
            ..step("chat/back", Action::Recreate, Reason::Vanished)
        },
        Step {
            before: Some(Arc::new(unnamed)),
            after: Some(room("Mine", &[("topic", "y")])),
            changes: vec![Patch::Attributes(vec![set("topic", "y")])],
            ..step("chat/mine", Action::Adopt, Reason::AlreadyExists)
        },
        Step {
            before: Some(room("Same", &[])),
            after: Some(room("Same", &[])),
            lifecycle: Lifecycle { prevent_destroy: true, ..Lifecycle::default() },
            bookkeeping: Some(Box::new(Bookkeeping {
                lifecycle: Lifecycle::default(),
                ignore_changes: Box::default(),
                sides: Sides::default(),
                source: "rooms.yaml".into(),
            })),
            ..step("chat/same", Action::Record, Reason::BookkeepingChanged)
        },
        Step {
            before: Some(room("Lost", &[])),
            ..step("chat/lost", Action::Forget, Reason::NotDeclared)
        },
    ]
}

pub(super) const VIEW: View<'static> = View { state: "rooms.state.json", layout: Layout::Grouped };

/// Returns the output of `write`, without colours.
pub(super) fn written(
    write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes everything");
    let text = String::from_utf8(bytes).expect("text");
    anstream::adapter::strip_str(&text).to_string()
}
