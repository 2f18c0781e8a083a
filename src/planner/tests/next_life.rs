//! Tests of `replace: on_next_vanish`: a new name or delay waits until the service destroys the room.

use super::*;
use crate::model::{
    Action, Finding, GateLimit, Held, HeldReason, NextChange, NextLife, OnVanish, Reason, Replace,
    Step, Weight,
};

/// Returns a room whose new name waits for its next life.
fn renamed(attributes: &[(&str, &str)]) -> World {
    World::new()
        .policy(|policy| policy.replace = Replace::OnNextVanish)
        .declare("chat/a", room("B", attributes))
        .record("chat/a", record(room("A", &[("topic", "old")])))
}

/// Returns a record with an approved next life.
fn approved(next: Arc<Room>) -> RecordedRoom {
    record(room("A", &[("topic", "old")])).with_next(Some(next))
}

fn next_of(step: &Step) -> (Option<Arc<Room>>, Option<Arc<Room>>) {
    let NextChange { before, after } = step.next.as_deref().expect("it changes the next life");
    (before.clone(), after.clone())
}

#[track_caller]
fn assert_waits(plan: &Plan) {
    let [Held { step, reason }] = &plan.waiting[..] else { panic!("{:?}", plan.waiting) };
    assert_eq!((step.action, step.reason), (Action::Replace, Reason::NameChanged));
    assert_eq!((*reason, plan.blocked.len()), (HeldReason::NextLife, 0));
    assert!(plan.gate.open() && plan.gate.counted == 0, "no room is destroyed");
}

#[test]
fn a_new_name_waits_and_is_recorded_once() {
    let world = renamed(&[("topic", "old")]);
    let plan = world.plan();
    assert_waits(&plan);
    let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
    assert_eq!((step.action, step.reason, step.weight), {
        (Action::Record, Reason::NextChanged, Weight::Free)
    });
    assert_eq!(next_of(step), (None, Some(room("B", &[("topic", "old")]))));
    let done = world.record("chat/a", approved(room("B", &[("topic", "old")])));
    assert_waits(&done.plan());
    assert_eq!(done.plan().steps, []);
    let summary = done.plan().summary;
    assert_eq!((summary.unchanged, summary.waiting), (0, 1));
}

#[test]
fn changes_in_place_do_not_wait() {
    let plan = renamed(&[("topic", "new")]).plan();
    assert_waits(&plan);
    let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
    assert_eq!((step.action, step.reason), (Action::Update, Reason::AttributesChanged));
    assert_eq!(step.after, Some(room("A", &[("topic", "new")])));
    assert_eq!(next_of(step), (None, Some(room("B", &[("topic", "new")]))));
}

#[test]
fn a_waiting_replace_is_not_held_by_protection_people_or_the_gate() {
    let mut world = renamed(&[("topic", "old")])
        .policy(|policy| policy.max_destroy = GateLimit::Count(0))
        .observe("chat/a", there(People::Count(3), &[("topic", "old")]));
    world.desired.rooms[0].lifecycle.prevent_destroy = true;
    assert_waits(&world.plan());
}

#[test]
fn the_files_overwrite_and_clear_a_recorded_next_life() {
    let before = || Some(room("B", &[("topic", "old")]));
    let waiting = || renamed(&[]).record("chat/a", approved(room("B", &[("topic", "old")])));
    let step = |declared: Arc<Room>| {
        let mut world = waiting();
        world.desired.rooms[0].room = declared;
        let [step] = &world.plan().steps[..] else { panic!("one step") };
        assert_eq!((step.action, step.reason), (Action::Record, Reason::NextChanged));
        next_of(step)
    };
    let other = room("C", &[("topic", "old")]);
    assert_eq!(step(other.clone()), (before(), Some(other)));
    assert_eq!(step(room("A", &[("topic", "old")])), (before(), None));
    let mut removed = waiting();
    removed.desired.rooms.clear();
    assert_eq!(removed.plan().steps[0].action, Action::Destroy);
}

#[test]
fn a_vanished_room_is_recreated_as_declared() {
    let gone = renamed(&[("topic", "new")]).observe("chat/a", Observation::Gone(at(0)));
    let [step] = &gone.plan().steps[..] else { panic!("one step") };
    assert_eq!(
        (step.action, &step.after),
        (Action::Recreate, &Some(room("B", &[("topic", "new")])))
    );
    assert_eq!(gone.plan().digest, renamed(&[("topic", "new")]).plan().digest);
}

#[test]
fn a_held_replace_keeps_only_the_next_life_that_it_makes() {
    let world = renamed(&[("topic", "old")]).policy(|policy| policy.replace = Replace::Now);
    let instead = |next: &str| {
        let world = world.clone().record("chat/a", approved(room(next, &[("topic", "old")])));
        let plan = world.plan();
        assert_eq!((plan.steps.len(), plan.steps[0].action), (1, Action::Replace));
        plan.steps[0].instead.as_deref().map(next_of)
    };
    assert_eq!(instead("B"), None);
    assert_eq!(instead("C"), Some((Some(room("C", &[("topic", "old")])), None)));
    assert_eq!(world.plan().steps[0].instead, None, "a replace held by the gate sets no next life");
}

#[test]
fn the_next_life_follows_the_files_under_on_vanish_ignore() {
    let gone = |declared: &str| {
        renamed(&[])
            .declare("chat/b", room(declared, &[("topic", "old")]))
            .record("chat/b", approved(room("B", &[("topic", "old")])))
            .observe("chat/b", Observation::Gone(at(0)))
            .policy(|policy| policy.on_vanish = OnVanish::Ignore)
    };
    let step = |world: &World| {
        let plan = world.plan();
        plan.steps.into_iter().find(|step| step.address == address("chat/b"))
    };
    assert_eq!(step(&gone("B")), None);
    let named = |name| Some(room(name, &[("topic", "old")]));
    assert_eq!(step(&gone("C")).as_ref().map(next_of), Some((named("B"), named("C"))));
    assert_eq!(step(&gone("A")).as_ref().map(next_of), Some((named("B"), None)));
}

#[test]
fn reconcile_leaves_the_next_life_unchanged() {
    let next = room("B", &[("topic", "new")]);
    let drifted = renamed(&[("topic", "new")])
        .record("chat/a", approved(next))
        .observe("chat/a", there(People::Count(1), &[("topic", "theirs")]));
    for files in [drifted.clone(), World { desired: World::new().desired, ..drifted }] {
        let (plan, _) = super::reconcile::reconciled(&files);
        let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
        assert_eq!((step.action, step.reason), (Action::Update, Reason::AttributesDrifted));
        assert_eq!(step.next, None);
    }
}

#[test]
fn an_update_after_a_replace_survives_a_vanished_room() {
    let carried = attributes(&[("score", "7")]);
    let next = NextLife { room: Some(room("A", &[("topic", "old")])), carried, destroyed: None };
    let made =
        RecordedRoom { next: Some(Box::new(next)), ..record(room("A", &[("topic", "new")])) };
    let world = World::new().record("chat/a", made).observe("chat/a", Observation::Gone(at(0)));
    let (plan, _) = super::reconcile::reconciled(&world);
    assert_eq!(plan.steps[0].after, Some(room("A", &[("topic", "new")])));
}

#[test]
fn a_next_life_is_unapplied_until_it_is_recorded() {
    let message = |world: &World| {
        let finding: Option<Finding> = unapplied(&world.desired, &world.recorded);
        finding.map(|finding| finding.message)
    };
    let world = renamed(&[("topic", "old")]);
    let one = Some("1 unapplied change in the files: left for apply".to_owned());
    assert_eq!(message(&world), one);
    let done = world.record("chat/a", approved(room("B", &[("topic", "old")])));
    assert_eq!(message(&done), None);
    let mut back = done;
    back.desired.rooms[0].room = room("A", &[("topic", "old")]);
    assert_eq!(message(&back), one);
}

#[test]
fn a_room_that_is_not_destroyed_is_not_queried_for_people() {
    let mut world = renamed(&[("topic", "old")]);
    for record in world.recorded.rooms.values_mut() {
        (record.last_seen, record.last_seen_with_people) = (Some(at(-30)), Some(at(-30)));
    }
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), Vec::<String>::new());
    let now = world.policy(|policy| policy.replace = Replace::Now);
    assert_eq!(now.due(Refresh::Due, Purpose::Apply), ["chat/a"]);
}

#[test]
fn the_digest_covers_the_next_life() {
    let digest = |next: &str| {
        let mut world = renamed(&[]).record("chat/a", approved(room(next, &[])));
        world.desired.rooms[0].room = room("A", &[("topic", "old")]);
        world.plan().digest
    };
    assert_ne!(digest("B"), digest("C"));
}
