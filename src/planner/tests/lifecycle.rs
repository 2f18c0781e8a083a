//! Tests of what a policy or a room's `lifecycle` leaves as it is.

use super::*;
use crate::model::{Action, Carried, HeldReason, OnConflict, OnVanish, Reason};

/// Returns a declared and recorded room that the service no longer has.
fn vanished() -> World {
    World::new()
        .declare("chat/a", room("A", &[("topic", "old")]))
        .record("chat/a", record(room("A", &[("topic", "old")])))
        .observe("chat/a", Observation::Gone(at(0)))
}

#[test]
fn on_vanish_ignore_leaves_a_vanished_room() {
    let ignored = vanished().policy(|policy| policy.on_vanish = OnVanish::Ignore);
    let plan = ignored.plan();
    assert_eq!((plan.steps.len(), plan.summary.unchanged), (0, 1));
    assert_eq!(plan.findings[0].code, "vanished_ignored");
    assert_eq!(vanished().plan().steps[0].action, Action::Recreate);
    // What the file changes waits for the room to be created again.
    let mut renamed = ignored;
    renamed.desired.rooms[0].room = room("B", &[("topic", "new")]);
    assert_eq!(renamed.plan().steps, []);
    renamed.desired.rooms[0].source = "other.yaml".into();
    assert_eq!(renamed.plan().steps[0].reason, Reason::BookkeepingChanged);
    renamed.desired.rooms.clear();
    assert_eq!(renamed.plan().steps[0].action, Action::Forget);
}

#[test]
fn an_ignored_vanished_room_does_not_count_for_max_rooms() {
    let mut world = vanished()
        .policy(|policy| policy.on_vanish = OnVanish::Ignore)
        .declare("chat/b", room("B", &[]));
    world.chat().max_rooms = Some(1);
    assert_eq!(world.plan().steps[0].action, Action::Create);
}

/// Returns a room that differs from its record, and whose paths are ignored.
fn ignoring(paths: &[&str]) -> World {
    let mut world = World::new()
        .declare("chat/a", room("B", &[("topic", "new")]))
        .record("chat/a", record(room("A", &[("topic", "old")])));
    let paths: Box<[Box<str>]> = paths.iter().map(|path| (*path).into()).collect();
    world.desired.rooms[0].ignore_changes = paths.clone();
    world.recorded.rooms.values_mut().for_each(|it| it.ignore_changes = paths.clone());
    world
}

#[test]
fn ignored_paths_are_not_compared_with_the_record() {
    let world = ignoring(&["attributes.topic", "name"]);
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.summary.unchanged), (0, 1));
    assert_eq!(ignoring(&["attributes", "name"]).plan().steps, []);
    let step = &ignoring(&["name"]).plan().steps[0];
    assert_eq!((step.action, step.reason), (Action::Update, Reason::AttributesChanged));
    assert_eq!(step.after, Some(room("A", &[("topic", "new")])));
    let mut unrecorded = world;
    unrecorded.recorded.rooms.values_mut().for_each(|it| it.ignore_changes = Box::default());
    let step = &unrecorded.plan().steps[0];
    assert_eq!((step.action, step.reason), (Action::Record, Reason::BookkeepingChanged));
    assert_eq!(step.after, Some(room("A", &[("topic", "old")])));
}

#[test]
fn ignored_paths_are_not_compared_with_the_observation() {
    let theirs = there(People::Count(1), &[("topic", "theirs"), ("score", "7")]);
    let world = ignoring(&["attributes.topic", "name"]).observe("chat/a", theirs);
    assert_eq!(world.plan().steps, []);
    let drift = drift(&world.desired, &world.recorded, &world.observed, None);
    assert_eq!((drift.rooms.len(), drift.summary.in_sync), (0, 1));
    let removed = there(People::Count(1), &[("score", "7")]);
    let world = world.observe("chat/a", removed);
    assert_eq!(world.plan().steps, []);
    let compared = ignoring(&["name"]).observe("chat/a", there(People::Count(1), &[]));
    assert_eq!(compared.plan().steps[0].action, Action::Update);
}

#[test]
fn a_replace_keeps_ignored_paths_and_a_recreate_uses_the_record() {
    let theirs = there(People::Nobody, &[("topic", "theirs")]);
    let world = ignoring(&["attributes.topic"]).observe("chat/a", theirs);
    let step = &world.plan().steps[0];
    assert_eq!(step.action, Action::Replace);
    assert!(matches!(&step.carried, Carried::Known(carried) if carried.get("topic").is_some()));
    assert_eq!(step.after, Some(room("B", &[("topic", "old")])));
    let gone = world.observe("chat/a", Observation::Gone(at(0)));
    let step = &gone.plan().steps[0];
    assert_eq!(
        (step.action, &step.after),
        (Action::Recreate, &Some(room("B", &[("topic", "old")])))
    );
}

#[test]
fn an_adopted_room_keeps_ignored_paths() {
    let theirs = there(People::Count(1), &[("topic", "theirs"), ("mood", "fine")]);
    let mut world = ignoring(&["attributes.topic"])
        .observe("chat/a", theirs)
        .policy(|policy| policy.on_conflict = OnConflict::Adopt);
    world.recorded.rooms.clear();
    let step = &world.plan().steps[0];
    assert_eq!((step.action, step.changes.len()), (Action::Adopt, 0));
    assert_eq!(step.after, Some(room("B", &[("topic", "theirs")])));
    // A new room is created as it is declared.
    world.observed.rooms.clear();
    assert_eq!(world.plan().steps[0].after, Some(room("B", &[("topic", "new")])));
}

#[test]
fn on_conflict_of_a_room_overrides_the_policy() {
    let mut world = World::new()
        .declare("chat/a", room("A", &[]))
        .declare("chat/b", room("B", &[]))
        .observe("chat/a", there(People::Nobody, &[]))
        .observe("chat/b", there(People::Nobody, &[]));
    world.desired.rooms[0].on_conflict = Some(OnConflict::Adopt);
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.steps[0].action), (1, Action::Adopt));
    assert_eq!(plan.blocked[0].reason, HeldReason::Conflict);
    assert_eq!(world.due(Refresh::Due, Purpose::Plan), ["chat/a"]);
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["chat/a"]);
    let mut other = world.policy(|policy| policy.on_conflict = OnConflict::Adopt);
    other.desired.rooms[0].on_conflict = Some(OnConflict::Fail);
    assert_eq!(other.due(Refresh::Due, Purpose::Plan), ["chat/b"]);
}

#[test]
fn a_difference_in_ignored_paths_causes_no_query() {
    let mut world = ignoring(&["name"]);
    for record in world.recorded.rooms.values_mut() {
        (record.last_seen, record.last_seen_with_people) = (Some(at(-30)), Some(at(-30)));
    }
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), Vec::<String>::new());
    world.desired.rooms[0].ignore_changes = Box::default();
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["chat/a"]);
}
