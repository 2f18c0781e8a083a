//! Tests of the steps of a plan, one rule each.

use super::*;
use crate::model::{
    Action, AttributeChange, Call, HeldReason, OnConflict, OnOccupied, OnRemove, Patch, Pending,
    PendingKind, Reason, Summary, Weight,
};

fn set(key: &str, value: &str) -> AttributeChange {
    AttributeChange::Set(key.into(), attribute(value))
}

fn delete(key: &str) -> AttributeChange {
    AttributeChange::Delete(key.into())
}

fn patch(changes: &[AttributeChange]) -> Patch {
    Patch::Attributes(changes.to_vec())
}

const PROTECTED: Lifecycle = Lifecycle { prevent_destroy: true, on_remove: OnRemove::Destroy };

fn numbered(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("k{n:02}"), "v".to_owned())).collect()
}

fn as_pairs(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[test]
fn steps_start_with_those_that_make_room() {
    use Action::{Create, Destroy, Forget, Recreate, Replace, Update};
    let world = World::new()
        .declare("chat/z-update", room("A", &[("k", "new")]))
        .record("chat/z-update", record(room("A", &[("k", "old")])))
        .declare("chat/a-create", room("A", &[]))
        .declare("chat/b-back", room("A", &[]))
        .record("chat/b-back", record(room("A", &[])))
        .observe("chat/b-back", Observation::Gone(at(0)))
        .declare("chat/y-replace", room("B", &[]))
        .record("chat/y-replace", record(room("A", &[])))
        .record("chat/z-destroy", record(room("A", &[])))
        .record("chat/a-forget", record(room("A", &[])))
        .observe("chat/a-forget", Observation::Gone(at(0)));
    let order: Vec<Action> = world.plan().steps.iter().map(|step| step.action).collect();
    assert_eq!(order, [Destroy, Replace, Update, Create, Recreate, Forget]);
}

#[test]
fn only_calls_that_change_something_are_listed() {
    use Call::{CreateRoom, DestroyRoom};
    let world = World::new()
        .declare("chat/c", room("A", &[("k", "v")]))
        .declare("chat/r", room("B", &[]))
        .record("chat/r", record(room("A", &[])))
        .record("chat/d", record(room("A", &[])))
        .record("chat/f", record(room("A", &[])))
        .observe("chat/f", Observation::Gone(at(0)));
    let calls: Vec<Vec<Call>> = world.plan().steps.into_iter().map(|step| step.calls).collect();
    assert_eq!(calls, [vec![DestroyRoom], vec![DestroyRoom, CreateRoom], vec![CreateRoom], vec![]]);
}

#[test]
fn our_keys_are_set_and_keys_of_others_are_left() {
    let world = World::new()
        .declare("chat/a", room("A", &[("kept", "1"), ("new", "2"), ("other", "3")]))
        .record("chat/a", record(room("A", &[("kept", "1"), ("old", "0"), ("other", "2")])))
        .observe(
            "chat/a",
            there(People::Nobody, &[("kept", "1"), ("old", "x"), ("other", "9"), ("theirs", "t")]),
        );
    let plan = world.plan();
    let [step] = &plan.steps[..] else { panic!("one step") };
    assert_eq!(step.reason, Reason::AttributesChanged);
    assert_eq!(step.changes, [patch(&[delete("old"), set("new", "2"), set("other", "3")])]);
    let before = step.before.as_ref().expect("before").attributes.clone();
    assert_eq!(before, attributes(&[("kept", "1"), ("old", "x"), ("other", "9")]));
}

#[test]
fn a_change_by_others_is_drift() {
    let world = World::new()
        .declare("chat/a", room("A", &[("k", "ours"), ("l", "ours")]))
        .record("chat/a", record(room("A", &[("k", "ours"), ("l", "ours")])))
        .observe("chat/a", there(People::Nobody, &[("k", "theirs")]));
    let plan = world.plan();
    assert_eq!(plan.steps[0].reason, Reason::AttributesDrifted);
    assert_eq!(plan.steps[0].changes, [patch(&[set("k", "ours"), set("l", "ours")])]);
}

#[test]
fn a_missing_auto_delete_attribute_is_not_drift() {
    let auto_delete = Attribute { value: "hi".into(), auto_delete: true };
    let with = |value: Attribute| {
        let mut room = (*room("A", &[("k", "v")])).clone();
        room.attributes.insert("banner", value);
        Arc::new(room)
    };
    let world = World::new()
        .declare("chat/a", with(auto_delete.clone()))
        .record("chat/a", record(with(auto_delete.clone())))
        .observe("chat/a", there(People::Nobody, &[("k", "v")]));
    assert_eq!(world.plan().steps, []);
    let changed = Attribute { value: "ho".into(), auto_delete: true };
    let mut world = world;
    world.desired.rooms[0].room = with(changed.clone());
    let batch = [AttributeChange::Set("banner".into(), changed)];
    assert_eq!(world.plan().steps[0].changes, [patch(&batch)]);
}

#[test]
fn attributes_dropped_from_an_empty_room_are_reported_and_left() {
    let dropped = |people| {
        World::new()
            .declare("chat/a", room("A", &[("k", "v")]))
            .record("chat/a", record(room("A", &[("k", "v")])))
            .observe("chat/a", there(people, &[("theirs", "t")]))
    };
    let plan = dropped(People::Nobody).plan();
    assert_eq!((plan.steps.len(), plan.summary.unchanged), (0, 1));
    assert_eq!(plan.findings[0].code, "attributes_dropped");
    assert_eq!(dropped(People::Count(1)).plan().steps[0].reason, Reason::AttributesDrifted);
    let changed = World {
        desired: World::new().declare("chat/a", room("A", &[("k", "v"), ("l", "w")])).desired,
        ..dropped(People::Nobody)
    };
    let plan = changed.plan();
    assert_eq!(plan.steps[0].changes, [patch(&[set("k", "v"), set("l", "w")])]);
    assert_eq!(plan.findings, []);
}

#[test]
fn a_change_that_the_service_already_has_is_only_recorded() {
    let world = World::new()
        .declare("chat/a", room("A", &[("k", "new")]))
        .record("chat/a", record(room("A", &[("k", "old"), ("gone", "x")])))
        .observe("chat/a", there(People::Nobody, &[("k", "new")]));
    let plan = world.plan();
    assert_eq!(plan.steps[0].action, Action::Record);
    assert_eq!(plan.steps[0].reason, Reason::AttributesChanged);
    assert_eq!((&plan.steps[0].calls[..], &plan.steps[0].changes[..]), (&[][..], &[][..]));
    assert_eq!(plan.steps[0].after, Some(room("A", &[("k", "new")])));
}

#[test]
fn attributes_of_a_full_room_are_deleted_before_others_are_set() {
    let old = numbered(20);
    let with_new = |drop: usize, extra: &'static str| {
        let mut pairs = as_pairs(&old)[drop..].to_vec();
        pairs.push((extra, "v"));
        room("A", &pairs)
    };
    let full = World::new()
        .declare("chat/a", with_new(1, "new"))
        .record("chat/a", record(room("A", &as_pairs(&old))));
    let plan = full.plan();
    assert_eq!(plan.steps[0].changes, [patch(&[delete("k00")]), patch(&[set("new", "v")])]);
    assert_eq!(plan.steps[0].calls, [Call::ModifyRoomAttribute; 2]);
    let foreign: Vec<_> = old[..19].iter().cloned().chain([("x".into(), "v".into())]).collect();
    let crowded = World::new()
        .declare("chat/a", with_new(19, "new"))
        .record("chat/a", record(room("A", &[("k00", "v"), ("k19", "v")])))
        .observe("chat/a", there(People::Nobody, &as_pairs(&foreign)));
    assert_eq!(
        crowded.plan().steps[0].changes,
        [patch(&[delete("k00")]), patch(&[set("k19", "v"), set("new", "v")])]
    );
    assert_eq!(crowded.plan().findings[0].code, "attributes_over_limit");
}

#[test]
fn a_delay_cannot_be_changed_in_place() {
    let mut longer = (*room("A", &[("k", "w")])).clone();
    longer.destroy_delay_time = Some(Delay::from_seconds(7200));
    let world = World::new()
        .declare("chat/a", Arc::new(longer))
        .record("chat/a", record(room("A", &[("k", "v")])));
    let step = &world.plan().steps[0];
    assert_eq!((step.action, step.reason), (Action::Replace, Reason::DelayChanged));
    let mut both = world;
    both.recorded.rooms.values_mut().for_each(|record| record.room = room("B", &[]));
    assert_eq!(both.plan().steps[0].reason, Reason::NameChanged);
}

#[test]
fn protection_is_recorded_while_a_replace_is_held_back() {
    let mut world =
        World::new().declare("chat/a", room("B", &[])).record("chat/a", record(room("A", &[])));
    world.desired.rooms[0].lifecycle.prevent_destroy = true;
    let plan = world.plan();
    assert_eq!(plan.blocked[0].reason, HeldReason::PreventDestroy);
    let [step] = &plan.steps[..] else { panic!("one step") };
    assert_eq!((step.action, step.lifecycle.prevent_destroy), (Action::Record, true));
    assert_eq!(step.after, Some(room("A", &[])));
}

#[test]
fn protection_is_removed_by_the_file() {
    let protected = RecordedRoom { lifecycle: PROTECTED, ..record(room("A", &[])) };
    let lifted = World::new().declare("chat/a", room("A", &[])).record("chat/a", protected.clone());
    assert_eq!(lifted.plan().steps[0].action, Action::Record);
    assert!(!lifted.plan().steps[0].lifecycle.prevent_destroy);
    let replaced = World::new().declare("chat/a", room("B", &[])).record("chat/a", protected);
    assert_eq!(replaced.plan().steps[0].action, Action::Replace);
}

#[test]
fn a_destroy_waits_only_if_people_are_known_to_be_inside() {
    for people in [People::Unknown, People::Nobody] {
        let world = World::new()
            .record("chat/a", record(room("A", &[])))
            .observe("chat/a", there(people, &[]));
        assert_eq!(world.plan().steps[0].action, Action::Destroy);
    }
    let some = World::new()
        .record("chat/a", record(room("A", &[])))
        .observe("chat/a", there(People::AtLeast(500), &[]));
    assert_eq!(some.plan().waiting[0].reason, HeldReason::Occupied(People::AtLeast(500)));
    assert_eq!(some.plan().summary, Summary { waiting: 1, asked: 1, ..Summary::default() });
    let evicted = World { evict: [address("chat/a")].into(), ..some.clone() };
    assert_eq!(evicted.plan().steps[0].people, People::AtLeast(500));
    let insisted = some.policy(|policy| policy.on_occupied = Some(OnOccupied::Destroy));
    assert_eq!(insisted.plan().steps[0].people, People::AtLeast(500));
}

pub(super) fn pending(kind: PendingKind, seconds_ago: i64) -> RecordedRoom {
    let pending = Pending::new(kind, at(-seconds_ago), None);
    RecordedRoom { pending: Some(Box::new(pending)), ..record(room("A", &[("k", "v")])) }
}

#[test]
fn an_open_create_is_looked_up_before_anything_else() {
    let open = |seconds_ago| {
        World::new()
            .declare("chat/a", room("A", &[("k", "v")]))
            .record("chat/a", pending(PendingKind::Create, seconds_ago))
    };
    assert_eq!(open(60).plan().unread.len(), 1, "the outcome is unknown without a lookup");
    let landed = open(60).observe("chat/a", there(People::Nobody, &[("k", "v")]));
    assert_eq!(landed.plan().summary.unchanged, 1);
    let missing = open(60).observe("chat/a", Observation::Gone(at(0))).plan();
    assert_eq!((missing.steps[0].action, missing.steps[0].weight), (Action::Create, Weight::Free));
    let may_land = open(5).observe("chat/a", Observation::Gone(at(0))).plan();
    assert_eq!((may_land.steps.len(), may_land.unread.len()), (0, 1));
}

#[test]
fn an_adopted_room_is_changed_in_place() {
    let world = World::new()
        .policy(|policy| policy.on_conflict = OnConflict::Adopt)
        .declare("chat/a", room("A", &[("k", "v"), ("same", "s")]))
        .observe("chat/a", there(People::Nobody, &[("same", "s"), ("k", "x"), ("theirs", "t")]));
    let plan = world.plan();
    assert_eq!(plan.steps[0].changes, [patch(&[set("k", "v")])]);
    assert_eq!(plan.steps[0].calls, [Call::ModifyRoomAttribute]);
    let before = plan.steps[0].before.as_ref().expect("before");
    assert_eq!(before.attributes, attributes(&[("k", "x"), ("same", "s")]));
    assert_eq!(before.name, None);
}

#[test]
fn rooms_of_an_undeclared_provider_are_reported_and_left() {
    let world = World::new()
        .record("old/a", record(room("A", &[])))
        .record("old/b", record(room("A", &[])));
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.blocked.len(), plan.unread.len()), (0, 0, 0));
    insta::assert_snapshot!(plan.findings[0].message, @"the provider `old` is no longer declared: 2 recorded rooms are left as they are");
    assert!(world.due(Refresh::All, Purpose::Plan).is_empty());
}
