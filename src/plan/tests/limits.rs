//! The gate, the quota, whom to ask, the estimate, the digest, and whose state it is.

use super::stories::pending;
use super::*;
use crate::model::{
    Action, Call, GateLimit, HeldReason, OnOccupied, PendingKind, Reason, RefusalKind, Severity,
    Weight,
};
use std::time::Duration;

#[test]
fn what_counts_for_the_gate() {
    use Weight::{Counted, Free};
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
    let wanted = [("early", Counted), ("forget", Counted), ("late", Free), ("new", Free)];
    assert_eq!(weights, wanted.map(|(room, weight)| (format!("chat/{room}"), weight)).into());
}

#[test]
fn the_gate_counts_and_says_the_flag() {
    let mut world = World::new().policy(|policy| policy.max_destroy = GateLimit::Percent(30));
    for n in 0..10 {
        world = world.record(&format!("chat/{n}"), record(room("A", &[])));
    }
    for n in 4..10 {
        world = world.declare(&format!("chat/{n}"), room("A", &[]));
    }
    let gate = world.plan().gate;
    assert_eq!((gate.counted, gate.flag()), (4, "--allow-destroy 4".to_owned()));
    assert_eq!(gate.refusals[0].kind, RefusalKind::MaxDestroy);
    insta::assert_snapshot!(gate.refusals[0].message, @"4 rooms would be destroyed, replaced, forgotten or brought back before their time, and `max_destroy: 30%` of 10 recorded allows 3");
    assert!(world.declare("chat/3", room("A", &[])).plan().gate.open());
}

#[test]
fn the_gate_asks_where_nothing_is_desired() {
    let world = World::new().record("chat/a", record(room("A", &[])));
    let gate = world.plan().gate;
    assert_eq!(gate.refusals[0].kind, RefusalKind::NothingDesired);
    insta::assert_snapshot!(gate.refusals[0].message, @"no room at all is declared, and 1 room would go");
    let declared = World::new().declare("chat/a", room("A", &[]));
    let emptied = World { desired: nothing_desired(declared.desired), ..world };
    assert!(!emptied.plan().gate.open());
}

#[test]
fn fewer_rooms_than_are_recorded_already_are_a_warning() {
    let mut world = World::new();
    for n in 0..3 {
        let address = format!("chat/{n}");
        world = world.declare(&address, room("A", &[])).record(&address, record(room("A", &[])));
    }
    for (most, told) in [(None, false), (Some(3), false), (Some(2), true)] {
        world.chat().max_rooms = most;
        let findings = world.plan().findings;
        assert_eq!(!findings.is_empty(), told, "{most:?}: {findings:?}");
        if let [finding] = findings.as_slice() {
            assert_eq!(finding.code, "max_rooms_below_recorded");
            let message = "provider `chat` has 3 recorded rooms, and `max_rooms` is 2";
            assert_eq!((finding.severity, &*finding.message), (Severity::Warning, message));
        }
    }
}

#[test]
fn the_gate_misses_a_forgotten_file() {
    let mut lost = record(room("A", &[]));
    lost.source = "more.yaml".into();
    let world = World::new().declare("chat/a", room("A", &[])).record("chat/b", lost.clone());
    let gate = world.plan().gate;
    assert_eq!(gate.refusals[0].kind, RefusalKind::FileNotRead);
    insta::assert_snapshot!(gate.refusals[0].message, @"1 room would go whose file was not read in this run: `more.yaml`; a forgotten `-f`?");
    let moved = World::new().declare("chat/b", room("A", &[])).record("chat/b", lost);
    assert!(moved.plan().gate.open());
    assert_eq!(moved.plan().steps[0].action, Action::Record);
}

#[test]
fn too_many_rooms_hold_the_last_creates_back() {
    let mut world = World::new()
        .declare("chat/kept", room("A", &[]))
        .record("chat/kept", record(room("A", &[])))
        .declare("chat/back", room("A", &[]))
        .record("chat/back", record(room("A", &[])))
        .observe("chat/back", Observation::Gone(at(0)));
    for n in 0..3 {
        world = world.declare(&format!("chat/new{n}"), room("A", &[]));
    }
    let names = |world: &World| -> Vec<String> {
        world.plan().blocked.iter().map(|held| held.step.address.to_string()).collect()
    };
    world.chat().max_rooms = Some(3);
    assert_eq!(names(&world), ["chat/new1", "chat/new2"]);
    assert_eq!(world.plan().blocked[0].reason, HeldReason::MaxRooms(3));
    assert_eq!((world.plan().summary.create, world.plan().summary.recreate), (1, 1));
    world.chat().max_rooms = Some(1);
    assert_eq!(names(&world), ["chat/back", "chat/new0", "chat/new1", "chat/new2"]);
    let freed = world.record("chat/old", record(room("A", &[])));
    assert_eq!(names(&freed).len(), 4);
}

#[test]
fn findings_without_end_are_counted() {
    let mut world = World::new();
    for n in 0..103 {
        let address = format!("chat/{n:03}");
        world = world
            .declare(&address, room("A", &[("k", "v")]))
            .record(&address, record(room("A", &[("k", "v")])))
            .observe(&address, there(People::Nobody, &[]));
    }
    let findings = world.plan().findings;
    assert_eq!(findings.len(), 101);
    assert_eq!(findings[100].message, "the same of 3 more rooms");
}

#[test]
fn rooms_beyond_number_keep_their_order() {
    let mut world = World::new();
    let empty = room("A", &[("k", "v")]);
    for n in 0..40_000 {
        let address = address(&format!("chat/{n:05}"));
        let declared = declared("chat/x", empty.clone());
        if n % 2 == 0 {
            world.recorded.rooms.insert(address.clone(), record(empty.clone()));
            world.observed.rooms.insert(address.clone(), there(People::Nobody, &[]));
        }
        world.desired.rooms.push(DesiredRoom { address, ..declared });
    }
    let plan = world.plan();
    assert_eq!((plan.summary.create, plan.summary.unchanged), (20_000, 20_000));
    assert!(plan.steps.is_sorted_by(|a, b| a.address < b.address));
    assert_eq!(plan.findings[100].message, "the same of 19900 more rooms");
}

#[test]
fn whom_to_ask() {
    let mut assumed = record(room("A", &[]));
    assumed.assumed.name = true;
    let occupied = RecordedRoom {
        last_seen: Some(at(-5)),
        last_seen_with_people: Some(at(-5)),
        ..record(room("A", &[]))
    };
    let left = RecordedRoom { last_seen: Some(at(-4)), ..occupied.clone() };
    let world = World::new()
        .declare("chat/unrecorded", room("A", &[]))
        .declare("chat/young", room("A", &[]))
        .declare("chat/kept", room("A", &[]))
        .declare("chat/replaced", room("B", &[]))
        .record("chat/young", record(room("A", &[])))
        .record("chat/old", RecordedRoom { created: at(-3600), ..record(room("A", &[])) })
        .record("chat/open", pending(PendingKind::Create, 1))
        .record("chat/assumed", assumed)
        .record("chat/kept", occupied.clone())
        .record("chat/replaced", occupied.clone())
        .record("chat/destroyed", occupied)
        .record("chat/left", left);
    let due = ["chat/assumed", "chat/destroyed", "chat/old", "chat/open", "chat/replaced"];
    assert_eq!(world.due(Refresh::Due, Scope::Plan), due);
    assert_eq!(world.due(Refresh::Due, Scope::Apply), due);
    assert_eq!(world.due(Refresh::Never, Scope::Plan), [""; 0]);
    assert_eq!(world.due(Refresh::All, Scope::Plan).len(), 9);
    assert_eq!(world.due(Refresh::All, Scope::Apply).len(), 8);
    let insisting = world.policy(|policy| policy.on_occupied = Some(OnOccupied::Destroy));
    assert_eq!(insisting.due(Refresh::Due, Scope::Plan), ["chat/assumed", "chat/old", "chat/open"]);
}

#[test]
fn people_inside_move_a_rooms_earliest_end() {
    let seen = RecordedRoom {
        created: at(-9000),
        last_seen: Some(at(-1)),
        last_seen_with_people: Some(at(-3599)),
        ..record(room("A", &[]))
    };
    let world = World::new().declare("chat/a", room("A", &[])).record("chat/a", seen);
    assert_eq!(world.due(Refresh::Due, Scope::Plan), [""; 0]);
    let gone = world.observe("chat/a", Observation::Gone(at(0)));
    assert_eq!(gone.plan().steps[0].reason, Reason::VanishedEarly);
}

#[test]
fn the_estimate_is_that_of_the_slowest_call_of_each_phase() {
    let mut world = World::new().declare("chat/a", room("A", &[]));
    assert_eq!(world.plan().estimate, Duration::from_millis(100));
    for n in 0..30 {
        world = world.record(&format!("chat/d{n}"), record(room("A", &[])));
    }
    assert_eq!(world.plan().estimate, Duration::from_millis(1600));
    world.chat().rate_limits.insert(Call::QueryRoomUserList, 10);
    assert_eq!(world.plan().estimate, Duration::from_millis(3100), "people are asked after first");
    world.chat().rate_share = RateShare(50);
    assert_eq!(world.plan().estimate, Duration::from_millis(6100));
    let insisting = world.policy(|policy| policy.on_occupied = Some(OnOccupied::Destroy));
    assert_eq!(insisting.plan().estimate, Duration::from_millis(3100));
    assert_eq!(World::new().plan().estimate, Duration::ZERO);
}

#[test]
fn the_digest_is_of_the_steps_and_what_they_assume() {
    let base = World::new()
        .declare("chat/a", room("A", &[("k", "new")]))
        .record("chat/a", record(room("A", &[("k", "old")])))
        .declare("chat/b", room("A", &[]))
        .record("chat/b", record(room("A", &[])));
    let digest = |world: &World| world.plan().digest;
    let reviewed = digest(&base);
    let vanished = base.clone().observe("chat/b", Observation::Gone(at(0)));
    assert_eq!(vanished.plan().steps.len(), 2);
    assert_eq!(digest(&vanished), reviewed, "what vanished is outside");
    let mut later = base.clone();
    later.recorded.serial = 99;
    assert_eq!(digest(&later), reviewed, "the serial is outside");
    let assumed = base.clone().observe("chat/a", there(People::Nobody, &[("k", "drifted")]));
    assert_ne!(digest(&assumed), reviewed, "what is assumed is inside");
    let more = base.clone().declare("chat/c", room("A", &[]));
    assert_ne!(digest(&more), reviewed);
    insta::assert_snapshot!(reviewed, @"sha256:cc146b8f8793ce525d48042dc170602c7105d2724004d0c8e027ec51948bf44c");
}

#[test]
fn a_state_is_never_applied_elsewhere() {
    let made = World::new().record("chat/a", record(room("A", &[])));
    assert_eq!(identity(&made.desired, &made.recorded), Ok(()));
    let elsewhere = |change: &dyn Fn(&mut Provider)| {
        let mut world = made.clone();
        change(world.chat());
        identity(&world.desired, &world.recorded).expect_err("refused")
    };
    assert!(matches!(elsewhere(&|p| p.app_id = 2), IdentityError::App { recorded: 1, .. }));
    let to_emulator = elsewhere(&|p| p.endpoint = Endpoint::Emulator);
    assert!(matches!(to_emulator, IdentityError::MadeForReal { .. }));
    let mut emulated = made.clone();
    emulated.recorded.providers.values_mut().for_each(|made| made.host = Some("emulator".into()));
    let refused = identity(&emulated.desired, &emulated.recorded).expect_err("refused");
    insta::assert_snapshot!(refused, @"the state's rooms of `chat` are on the built-in emulator, and the file names a real service: give this one a state of its own (`state: other.state.json`, or `--state`), or change the file back and run `roomctl destroy` first");
    emulated.recorded.rooms.clear();
    assert_eq!(identity(&emulated.desired, &emulated.recorded), Ok(()));
}
