//! Gentle changes: what is left as it is, by a policy or by a room's `lifecycle`.

use super::*;
use crate::model::{Action, OnVanish, Reason};

/// A declared and recorded room that the service no longer has.
fn vanished() -> World {
    World::new()
        .declare("chat/a", room("A", &[("topic", "old")]))
        .record("chat/a", record(room("A", &[("topic", "old")])))
        .observe("chat/a", Observation::Gone(at(0)))
}

#[test]
fn a_vanished_room_is_left_where_the_policy_ignores_it() {
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
fn a_vanished_room_that_is_left_takes_no_place() {
    let mut world = vanished()
        .policy(|policy| policy.on_vanish = OnVanish::Ignore)
        .declare("chat/b", room("B", &[]));
    world.chat().max_rooms = Some(1);
    assert_eq!(world.plan().steps[0].action, Action::Create);
}
