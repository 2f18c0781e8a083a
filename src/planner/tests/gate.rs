//! Tests of the gate: which steps count, what is refused, and which flag consents.

use super::*;
use crate::model::{
    Action, Approval, ApprovedPlan, Consent, Destroys, GateLimit, NotTried, RefusalKind, Weight,
};

#[test]
fn steps_that_end_a_room_or_its_record_count_at_the_gate() {
    use Weight::{Counted, Free, Recreated};
    let world = World::new()
        .declare("chat/early", room("A", &[]))
        .record("chat/early", record(room("A", &[])))
        .observe("chat/early", Observation::Gone(at(0)))
        .declare("chat/late", room("A", &[]))
        .record("chat/late", RecordedRoom { created: at(-9999), ..record(room("A", &[])) })
        .observe("chat/late", Observation::Gone(at(0)))
        .declare("chat/new", room("A", &[]))
        .record("chat/forget", record(room("A", &[])))
        .observe("chat/forget", Observation::Gone(at(0)));
    let weights: BTreeMap<String, Weight> =
        world.plan().steps.iter().map(|s| (s.address.to_string(), s.weight)).collect();
    let wanted = [("early", Recreated), ("forget", Counted), ("late", Free), ("new", Free)];
    assert_eq!(weights, wanted.map(|(room, weight)| (format!("chat/{room}"), weight)).into());
}

#[test]
fn a_refusal_contains_the_count_the_limit_and_the_flag() {
    let mut world = World::new().policy(|policy| policy.max_destroy = GateLimit::Percent(30));
    for n in 0..10 {
        world = world.record(&format!("chat/{n}"), record(room("A", &[])));
    }
    for n in 4..10 {
        world = world.declare(&format!("chat/{n}"), room("A", &[]));
    }
    let gate = world.plan().gate;
    let kind = gate.refusals[0].kind;
    assert_eq!((kind, gate.counted), (RefusalKind::MaxDestroy, 4));
    assert_eq!(gate.flag(kind), "--allow-destroy 4");
    insta::assert_snapshot!(gate.refusals[0].message, @"4 rooms would be destroyed, replaced or forgotten, but `max_destroy: 30%` of 10 recorded rooms allows 3");
    assert!(world.declare("chat/3", room("A", &[])).plan().gate.open());
}

/// Returns a world of 20 recorded rooms, some gone before their time and some removed from the file.
fn gone_and_removed(gone: usize, removed: usize) -> World {
    let mut world = World::new().policy(|policy| policy.max_destroy = GateLimit::Percent(30));
    for n in 0..20 {
        let address = format!("chat/{n:02}");
        world = world.record(&address, record(room("A", &[])));
        if n >= removed {
            world = world.declare(&address, room("A", &[]));
        }
        if n >= 20 - gone {
            world = world.observe(&address, Observation::Gone(at(0)));
        }
    }
    world
}

fn consent(allow_destroy: Option<u64>, allow_recreate: Option<u64>) -> Consent {
    let approval = Approval::Automatic;
    Consent { approval, allow_destroy, allow_recreate, destroys: Destroys::Wanted }
}

/// Returns the distinct actions of the steps that pass the gate.
fn passing(plan: Plan, consent: Consent) -> BTreeSet<Action> {
    ApprovedPlan::new(plan, consent).steps().iter().map(|step| step.action).collect()
}

#[test]
fn early_recreates_have_a_separate_limit() {
    let gate = gone_and_removed(7, 6).plan().gate;
    assert_eq!((gate.counted, gate.recreated, gate.held()), (6, 7, 7));
    let [refusal] = gate.refusals.as_slice() else { panic!("{gate:?}") };
    assert_eq!(refusal.kind, RefusalKind::MaxRecreate);
    assert_eq!(gate.flag(refusal.kind), "--allow-recreate 7");
    insta::assert_snapshot!(refusal.message, @"7 rooms are gone before their time: they would be recreated, but `max_recreate: 30%` of 20 recorded rooms allows 6 (wrong region or application?)");
    assert!(gone_and_removed(6, 6).plan().gate.open());
    let one = gone_and_removed(1, 0).policy(|policy| policy.max_recreate = GateLimit::Count(0));
    insta::assert_snapshot!(one.plan().gate.refusals[0].message, @"1 room is gone before its time: it would be recreated, but `max_recreate: 0` allows 0 (wrong region or application?)");
}

#[test]
fn at_least_three_recreates_are_allowed_in_a_small_state() {
    let gone = |number: usize| {
        (0..number).fold(World::new(), |world, n| {
            let address = format!("chat/{n}");
            let world = world.declare(&address, room("A", &[]));
            let world = world.record(&address, record(room("A", &[])));
            world.observe(&address, Observation::Gone(at(0)))
        })
    };
    assert!(gone(3).plan().gate.open());
    assert!(!gone(4).plan().gate.open());
    let none = gone(1).policy(|policy| policy.max_recreate = GateLimit::Percent(0));
    assert!(!none.plan().gate.open());
}

#[test]
fn each_flag_consents_to_its_own_steps_only() {
    use Action::{Destroy, Recreate};
    let plan = gone_and_removed(8, 7).plan();
    assert_eq!((plan.gate.held(), plan.gate.refusals.len()), (15, 2));
    let passing = |allow_destroy, allow_recreate| {
        passing(plan.clone(), consent(allow_destroy, allow_recreate))
    };
    assert_eq!(passing(None, None), [].into());
    assert_eq!(passing(Some(15), None), [Destroy].into());
    assert_eq!(passing(None, Some(15)), [Recreate].into());
    assert_eq!(passing(Some(7), Some(8)), [Destroy, Recreate].into());
    assert_eq!(passing(Some(6), Some(7)), [].into());
    let gate = consent(Some(6), Some(7)).evaluate(plan.gate.clone());
    let words = gate.refusals.iter().map(|it| format!("{}: {}", gate.flag(it.kind), it.message));
    insta::assert_snapshot!(words.collect::<Vec<_>>().join("\n"), @r"
    --allow-destroy 7: 7 rooms would be destroyed, replaced or forgotten, but `--allow-destroy 6` allows 6
    --allow-recreate 8: 8 rooms that are gone before their time would be recreated, but `--allow-recreate 7` allows 7
    ");
}

#[test]
fn steps_within_their_limit_pass_while_others_are_refused() {
    let destroys = gone_and_removed(7, 6).plan();
    assert_eq!(passing(destroys, consent(None, None)), [Action::Destroy].into());
    let recreates = gone_and_removed(6, 7).plan();
    assert_eq!(passing(recreates, consent(None, None)), [Action::Recreate].into());
}

#[test]
fn steps_left_out_by_no_destroy_do_not_count() {
    let consent = Consent { destroys: Destroys::LeftOut, ..consent(None, None) };
    let plan = gone_and_removed(6, 14).plan();
    let gate = consent.evaluate(plan.gate.clone());
    assert!(gate.open() && !plan.gate.open(), "{gate:?}");
    let approved = ApprovedPlan::new(plan, consent);
    assert!(approved.held().iter().all(|(_, why)| *why == NotTried::LeftOut));
    let emptied = gone_and_removed(0, 20).plan();
    assert!(!emptied.gate.open() && !consent.lets_through(&emptied));
}

#[test]
fn a_percentage_is_of_the_rooms_of_declared_providers() {
    let mut world = gone_and_removed(0, 6);
    assert!(world.plan().gate.open());
    for n in 0..19 {
        let lost: Address = address(&format!("chat/{n:02}"));
        let record = world.recorded.rooms.remove(&lost).expect("it is recorded");
        world.recorded.rooms.insert(address(&format!("talk/{n:02}")), record);
    }
    world = World { desired: World::new().desired, ..world }
        .policy(|policy| policy.max_destroy = GateLimit::Percent(50))
        .declare("chat/new", room("A", &[]))
        .record("chat/old", record(room("A", &[])));
    let gate = world.plan().gate;
    assert_eq!(gate.counted, 2);
    insta::assert_snapshot!(gate.refusals[0].message, @"2 rooms would be destroyed, replaced or forgotten, but `max_destroy: 50%` of 2 recorded rooms allows 1");
}

#[test]
fn the_gate_refuses_to_remove_all_rooms() {
    let world = World::new().record("chat/a", record(room("A", &[])));
    let gate = world.plan().gate;
    assert_eq!(gate.refusals[0].kind, RefusalKind::NothingDesired);
    insta::assert_snapshot!(gate.refusals[0].message, @"no rooms are declared, and 1 room would be destroyed or forgotten");
    let declared = World::new().declare("chat/a", room("A", &[]));
    let emptied = World { desired: nothing_desired(declared.desired), ..world };
    assert!(!emptied.plan().gate.open());
}

#[test]
fn the_gate_refuses_to_remove_rooms_of_a_file_that_was_not_read() {
    let mut lost = record(room("A", &[]));
    lost.source = "more.yaml".into();
    let world = World::new().declare("chat/a", room("A", &[])).record("chat/b", lost.clone());
    let gate = world.plan().gate;
    assert_eq!(gate.refusals[0].kind, RefusalKind::FileNotRead);
    insta::assert_snapshot!(gate.refusals[0].message, @"1 room would be destroyed or forgotten whose file was not read in this run: `more.yaml`; is a `-f` missing?");
    let moved = World::new().declare("chat/b", room("A", &[])).record("chat/b", lost);
    assert!(moved.plan().gate.open());
    assert_eq!(moved.plan().steps[0].action, Action::Record);
}
