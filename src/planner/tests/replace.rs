//! Tests of replaces: what they carry over, what is changed meanwhile, and how an interrupted one is
//! finished.

use super::*;
use crate::model::{
    Action, Approval, ApprovedPlan, Carried, Consent, Destroys, GateLimit, HeldReason, NextLife,
    NotTried, Patch, Reason, Step, over_limits,
};

/// Returns a room whose declared name and attribute changed.
fn renamed() -> World {
    World::new()
        .declare("chat/a", room("B", &[("topic", "new")]))
        .record("chat/a", record(room("A", &[("topic", "old")])))
}

fn known(pairs: &[(&str, &str)]) -> Carried {
    Carried::Known(attributes(pairs))
}

fn unfinished(destroyed: Option<Timestamp>) -> RecordedRoom {
    let next = NextLife {
        room: Some(room("B", &[("topic", "new")])),
        carried: attributes(&[("score", "7"), ("topic", "theirs")]),
        destroyed,
    };
    RecordedRoom { next: Some(Box::new(next)), ..record(room("A", &[("topic", "old")])) }
}

#[test]
fn a_replace_carries_over_the_attributes_of_others() {
    let step = |world: World| world.plan().steps[0].clone();
    assert_eq!(step(renamed()).carried, Carried::Unread);
    let read = [("topic", "old"), ("score", "7"), ("mood", "fine")];
    let seen = renamed().observe("chat/a", there(People::Nobody, &read));
    assert_eq!(step(seen).carried, known(&[("mood", "fine"), ("score", "7")]));
    let seen = renamed().observe("chat/a", there(People::Nobody, &[("topic", "old")]));
    assert_eq!(step(seen).carried, Carried::Nothing);
    // An `auto_delete` attribute does not return without its user, and a declared key is ours.
    let mut auto_deleted = renamed().observe("chat/a", there(People::Nobody, &[]));
    let Some(Observation::There(seen)) = auto_deleted.observed.rooms.values_mut().next() else {
        panic!("it is there")
    };
    let gone = Attribute { value: "x".into(), auto_delete: true };
    seen.attributes = [("hello", gone), ("topic", attribute("theirs"))].into_iter().collect();
    assert_eq!(step(auto_deleted).carried, Carried::Nothing);
}

#[test]
fn the_digest_excludes_carried_attributes() {
    let unread = renamed().plan();
    let read = renamed().observe("chat/a", there(People::Nobody, &[("topic", "old"), ("x", "1")]));
    let read = read.plan();
    assert_ne!(unread.steps[0].carried, read.steps[0].carried);
    assert_eq!(unread.digest, read.digest);
}

/// Asserts that the step changes the attribute and leaves the name.
fn assert_update(step: &Step) {
    assert_eq!((step.action, step.reason), (Action::Update, Reason::AttributesChanged));
    assert_eq!(step.after, Some(room("A", &[("topic", "new")])));
    assert!(matches!(&step.changes[..], [Patch::Attributes(_)]));
}

#[test]
fn changes_in_place_are_made_while_people_are_inside() {
    let plan = renamed().observe("chat/a", there(People::Count(3), &[("topic", "old")])).plan();
    assert_eq!(plan.waiting[0].reason, HeldReason::Occupied(People::Count(3)));
    assert_eq!(
        (plan.waiting[0].step.action, &plan.waiting[0].step.instead),
        (Action::Replace, &None)
    );
    let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
    assert_update(step);
}

#[test]
fn changes_in_place_are_made_in_a_protected_room() {
    let mut world = renamed();
    world.desired.rooms[0].lifecycle.prevent_destroy = true;
    let plan = world.plan();
    assert_eq!(plan.blocked[0].reason, HeldReason::PreventDestroy);
    let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
    assert_update(step);
    assert!(step.lifecycle.prevent_destroy);
}

#[test]
fn changes_in_place_are_made_while_the_gate_or_a_flag_holds_the_replace() {
    let gated = renamed().policy(|policy| policy.max_destroy = GateLimit::Count(0));
    let consent = |approval, destroys| Consent {
        approval,
        allow_destroy: None,
        allow_recreate: None,
        destroys,
    };
    for (world, destroys, why) in [
        (gated.clone(), Destroys::Wanted, NotTried::Gate),
        (renamed(), Destroys::LeftOut, NotTried::LeftOut),
    ] {
        let asked = consent(Approval::Typed, destroys);
        assert!(asked.lets_through(&world.plan()) && !asked.leaves_all(&world.plan()));
        let approved = ApprovedPlan::new(world.plan(), consent(Approval::Automatic, destroys));
        let [step] = approved.steps() else { panic!("{:?}", approved.steps()) };
        assert_update(step);
        let [(held, reason)] = approved.held() else { panic!("{:?}", approved.held()) };
        assert_eq!((held.action, *reason), (Action::Replace, why));
    }
    let nobody = consent(Approval::NothingToDo, Destroys::Wanted);
    assert_eq!(ApprovedPlan::new(gated.plan(), nobody).steps(), []);
    let approved =
        ApprovedPlan::new(renamed().plan(), consent(Approval::Automatic, Destroys::Wanted));
    assert_eq!(approved.steps()[0].action, Action::Replace);
}

#[test]
fn an_update_instead_of_a_replace_starts_after_the_destroys() {
    let world = renamed()
        .record("chat/b", record(room("A", &[])))
        .declare("chat/c", room("C", &[]))
        .declare("chat/d", room("D", &[("k", "w")]))
        .record("chat/d", record(room("D", &[("k", "v")])));
    let mut plan = world.plan();
    plan.gate.refusals.clear();
    for step in &mut plan.steps {
        let counts = step.action == Action::Replace;
        step.weight =
            if counts { crate::model::Weight::Counted } else { crate::model::Weight::Free };
    }
    let allow_destroy = Some(0);
    let approval = Approval::Automatic;
    let destroys = Destroys::Wanted;
    let approved = ApprovedPlan::new(
        plan,
        Consent { approval, allow_destroy, allow_recreate: None, destroys },
    );
    let order: Vec<_> = approved.steps().iter().map(|step| step.address.to_string()).collect();
    assert_eq!(order, ["chat/b", "chat/a", "chat/d", "chat/c"]);
}

#[test]
fn an_interrupted_replace_is_finished() {
    for seen in [None, Some(Observation::Gone(at(0)))] {
        let world = World::new()
            .declare("chat/a", room("B", &[("topic", "new")]))
            .record("chat/a", unfinished(Some(at(-5))));
        let world = match seen {
            Some(seen) => world.observe("chat/a", seen),
            None => world,
        };
        let plan = world.plan();
        let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
        assert_eq!((step.action, step.reason), (Action::Recreate, Reason::ReplaceUnfinished));
        assert_eq!(step.weight, crate::model::Weight::Free, "it was approved");
        assert_eq!(step.carried, known(&[("score", "7")]));
    }
}

#[test]
fn a_room_found_after_our_replace_destroyed_it_belongs_to_others() {
    let world = World::new()
        .declare("chat/a", room("B", &[("topic", "new")]))
        .record("chat/a", unfinished(Some(at(-5))))
        .observe("chat/a", there(People::Count(300), &[("topic", "new")]));
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.blocked[0].reason), (0, HeldReason::Conflict));
    let undeclared = World { desired: World::new().desired, ..world };
    assert_eq!(undeclared.plan().steps[0].action, Action::Forget);
}

#[test]
fn carried_attributes_are_set_if_known_to_be_missing() {
    let world = World::new().declare("chat/a", room("B", &[("topic", "new")])).record(
        "chat/a",
        RecordedRoom { room: room("B", &[("topic", "new")]), ..unfinished(None) },
    );
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["chat/a"]);
    assert_eq!(world.plan().steps, [], "others may have set it again");
    let lacking = world.clone().observe("chat/a", there(People::Nobody, &[("topic", "new")]));
    let plan = lacking.plan();
    let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
    assert_eq!((step.action, &step.carried), (Action::Update, &known(&[("score", "7")])));
    assert_eq!(step.after, Some(room("B", &[("topic", "new")])), "they are not managed");
    let set_again = [("topic", "new"), ("score", "8")];
    assert_eq!(world.observe("chat/a", there(People::Nobody, &set_again)).plan().steps, []);
}

#[test]
fn attributes_of_others_over_the_limits_are_reported() {
    let limits = crate::model::AttributeLimits {
        attributes: 2,
        key_bytes: 5,
        value_bytes: 4,
        total_bytes: 16,
    };
    let refused = |wanted: &[(&str, &str)], carried: &[(&str, &str)]| {
        over_limits(limits, &attributes(wanted), &attributes(carried))
    };
    assert_eq!(refused(&[("a", "1")], &[("score", "7")]), None);
    assert_eq!(
        refused(&[("a", "1"), ("b", "2"), ("c", "3")], &[]),
        None,
        "only attributes of others are checked"
    );
    for (wanted, carried, words) in [
        (&[("a", "1"), ("b", "2")][..], &[("score", "7")][..], "would have 3 of 2"),
        (&[], &[("scores", "7")], "a key has at most 5 bytes"),
        (&[], &[("score", "77777")], "a value has at most 4 bytes"),
        (&[("topic", "1234")], &[("score", "1234")], "would have 18 of 16 bytes"),
    ] {
        let why = refused(wanted, carried).expect("it does not fit");
        let key = carried[0].0;
        assert!(why.contains(words) && why.contains(&format!("`{key}`")), "{why}");
    }
}
