//! Tests of what `reconcile` desires of recorded rooms, which ignores the files' edits.

use super::*;
use crate::model::{Action, NextLife, OnConflict, Pending, PendingKind, Reason};

/// Returns the plan of a reconcile with the files, and with no room in the files.
pub(super) fn reconciled(world: &World) -> (Plan, Plan) {
    let plan = |desired: &Desired| {
        let desired = last_applied(desired, &world.recorded, &world.observed);
        World { desired, ..world.clone() }.plan()
    };
    (plan(&world.desired), plan(&nothing_desired(world.desired.clone())))
}

/// Returns the steps of a reconcile: address, action, reason, and the room's name after it.
fn steps(world: &World) -> Vec<(String, Action, Reason, Option<String>)> {
    let (plan, _) = reconciled(world);
    let name = |room: &Arc<Room>| room.name.as_deref().map(str::to_owned);
    let step = |step: &crate::model::Step| {
        let after = step.after.as_ref().and_then(name);
        (step.address.to_string(), step.action, step.reason, after)
    };
    plan.steps.iter().map(step).collect()
}

fn with_next(room: Option<Arc<Room>>, destroyed: Option<Timestamp>) -> RecordedRoom {
    let next = NextLife { room, carried: Attributes::EMPTY, destroyed };
    RecordedRoom { next: Some(Box::new(next)), ..record(super::room("A", &[])) }
}

fn message(world: &World) -> Option<String> {
    unapplied(&world.desired, &world.recorded).map(|finding| finding.message)
}

#[test]
fn a_room_that_vanished_is_recreated_as_recorded_and_not_as_declared() {
    let world = World::new()
        .declare("chat/a", room("B", &[]))
        .record("chat/a", record(room("A", &[])))
        .observe("chat/a", Observation::Gone(at(0)));
    let recreated =
        ("chat/a".to_owned(), Action::Recreate, Reason::VanishedEarly, Some("A".into()));
    assert_eq!(steps(&world), [recreated]);
}

#[test]
fn an_attribute_that_drifted_is_restored_as_recorded() {
    let world = World::new()
        .declare("chat/a", room("A", &[("topic", "new")]))
        .record("chat/a", record(room("A", &[("topic", "old")])))
        .observe("chat/a", there(People::Count(1), &[("topic", "theirs"), ("score", "7")]));
    let (plan, _) = reconciled(&world);
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].reason, Reason::AttributesDrifted);
    assert_eq!(plan.steps[0].after, Some(room("A", &[("topic", "old")])));
}

#[test]
fn rooms_only_declared_or_only_recorded_are_left() {
    let world = World::new()
        .declare("chat/new", room("New", &[]))
        .record("chat/old", record(room("Old", &[])))
        .observe("chat/old", there(People::Nobody, &[]))
        .record("talk/x", record(room("X", &[])));
    assert_eq!(steps(&world), []);
    let (plan, _) = reconciled(&world);
    assert_eq!((plan.summary.unchanged, plan.findings[0].code), (1, "provider_not_declared"));
}

#[test]
fn an_approved_next_life_begins_after_the_present_life() {
    let next = || with_next(Some(room("B", &[])), None);
    let world = World::new().record("chat/a", next());
    assert_eq!(steps(&world), []);
    let alive = world.clone().observe("chat/a", there(People::Nobody, &[]));
    assert_eq!(steps(&alive), []);
    let gone = world.observe("chat/a", Observation::Gone(at(9000)));
    let recreated = ("chat/a".to_owned(), Action::Recreate, Reason::Vanished, Some("B".into()));
    assert_eq!(steps(&gone), [recreated]);
    let cut_short = with_next(Some(room("B", &[])), Some(at(-5)));
    let cut_short = World::new().record("chat/a", cut_short);
    let made = ("chat/a".to_owned(), Action::Recreate, Reason::ReplaceUnfinished, Some("B".into()));
    assert_eq!(steps(&cut_short), [made]);
}

#[test]
fn an_approved_destroy_is_forgotten_once_the_room_is_gone() {
    let world = World::new().record("chat/a", with_next(None, None));
    assert_eq!(steps(&world), []);
    let gone = world.observe("chat/a", Observation::Gone(at(0)));
    assert_eq!(steps(&gone), [("chat/a".to_owned(), Action::Forget, Reason::NotDeclared, None)]);
    let sent = Pending::new(PendingKind::Destroy, at(-60), None);
    let sent = RecordedRoom { pending: Some(Box::new(sent)), ..record(room("A", &[])) };
    let sent = World::new().record("chat/a", sent).observe("chat/a", Observation::Gone(at(0)));
    assert_eq!(steps(&sent), [], "the record is already clear");
}

#[test]
fn a_room_of_others_after_an_unfinished_replace_follows_on_conflict() {
    let world = World::new()
        .record("chat/a", with_next(Some(room("B", &[])), Some(at(-5))))
        .observe("chat/a", there(People::Nobody, &[]));
    let (plan, _) = reconciled(&world);
    assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 1));
    let world = world.policy(|policy| policy.on_conflict = OnConflict::Adopt);
    assert_eq!(reconciled(&world).0.steps[0].action, Action::Adopt);
}

#[test]
fn unapplied_edits_count_by_room_and_exclude_approved_ones() {
    let world =
        World::new().declare("chat/a", room("A", &[])).record("chat/a", record(room("A", &[])));
    assert_eq!(message(&world), None);
    let world = world.declare("chat/new", room("New", &[]));
    let words = |count: &str| Some(format!("{count} in the files: left for apply"));
    assert_eq!(message(&world), words("1 unapplied change"));
    let protected = RecordedRoom {
        lifecycle: Lifecycle { prevent_destroy: true, ..Lifecycle::default() },
        ..record(room("P", &[]))
    };
    let world = world.declare("chat/p", room("Q", &[])).record("chat/p", protected);
    assert_eq!(message(&world), words("2 unapplied changes"), "a blocked one counts once");
    let approved = World::new()
        .declare("chat/a", room("B", &[]))
        .record("chat/a", with_next(Some(room("B", &[])), None))
        .record("chat/gone", with_next(None, None));
    assert_eq!(message(&approved), None);
}

#[test]
fn a_renamed_provider_is_not_an_unapplied_edit() {
    let world =
        World::new().declare("chat/a", room("A", &[])).record("chat/a", record(room("A", &[])));
    let renamed = super::moved::recorded_as_talk(&world);
    assert_eq!(message(&renamed), None);
    let gone = renamed.observe("chat/a", Observation::Gone(at(0)));
    let (plan, _) = reconciled(&gone);
    let actions: Vec<Action> = plan.steps.iter().map(|step| step.action).collect();
    assert!(
        actions.contains(&Action::Recreate) && !actions.contains(&Action::Destroy),
        "{actions:?}"
    );
}

#[test]
fn an_open_create_is_not_replaced_by_the_earlier_next_life() {
    let mut world = World::new();
    let delay = |seconds| {
        Arc::new(Room {
            destroy_delay_time: Some(crate::model::Delay::from_seconds(seconds)),
            ..Room::default()
        })
    };
    let mut recorded = with_next(Some(delay(60)), Some(at(-5)));
    recorded.room = delay(90);
    let (kind, room) = (crate::model::PendingKind::Create, Some(delay(90)));
    recorded.pending = Some(Box::new(crate::model::Pending::new(kind, at(0), room)));
    world.recorded.rooms.insert(address("chat/a"), recorded);
    world.observed.rooms.insert(address("chat/a"), there(crate::model::People::Nobody, &[]));
    assert!(!steps(&world).iter().any(|(_, action, ..)| *action == Action::Replace));
}

#[test]
fn a_room_absent_after_an_open_create_counts_as_not_recorded() {
    let absent = |next| {
        let mut record = with_next(None, None);
        record.next = next;
        let sent = Pending::new(PendingKind::Create, at(-60), None);
        record.pending = Some(Box::new(Pending { absent_until: Some(at(840)), ..sent }));
        World::new().record("chat/a", record)
    };
    let here = there(crate::model::People::Nobody, &[]);
    for observation in [None, Some(Observation::Gone(at(0)))] {
        let mut world = absent(None);
        world.observed.rooms.extend(observation.clone().map(|it| (address("chat/a"), it)));
        assert_eq!(steps(&world), [], "{observation:?}");
        assert!(world.plan().has_nothing_to_do(), "{observation:?}");
        let drift = crate::planner::drift(&world.desired, &world.recorded, &world.observed, None);
        assert_eq!((drift.summary.in_sync, drift.unread.len()), (1, 0), "{observation:?}");
        let declared = world.declare("chat/a", room("A", &[]));
        let [step] = &declared.plan().steps[..] else { panic!("one step") };
        assert_eq!((step.action, step.reason), (Action::Create, Reason::NotRecorded));
    }
    let appeared = absent(None).observe("chat/a", here);
    let found: Vec<_> = appeared.plan().steps.iter().map(|step| step.action).collect();
    assert_eq!(found, [Action::Destroy], "an undeclared room of ours is destroyed");
    let unread = Observation::Unread { why: "no answer".to_owned() };
    assert_eq!(absent(None).observe("chat/a", unread).plan().unread.len(), 1);
    let replaced = NextLife {
        room: Some(room("New", &[])),
        carried: crate::model::Attributes::EMPTY,
        destroyed: Some(at(-61)),
    };
    let replaced = absent(Some(Box::new(replaced))).observe("chat/a", Observation::Gone(at(0)));
    assert!(replaced.plan().has_nothing_to_do(), "a room that is only absent is not forgotten");
    let [(_, action, ..)] = &steps(&replaced)[..] else { panic!("one step") };
    assert_eq!(*action, Action::Recreate, "an approved replace is completed");
}
