//! Tests of the quota, the estimate, the digest, and the identity of the state.

use super::steps::pending;
use super::*;
use crate::model::{Call, HeldReason, Holder, OnOccupied, PendingKind, RunInProgress, Severity};
use std::time::Duration;

#[test]
fn max_rooms_below_the_recorded_rooms_is_a_warning() {
    let mut world = World::new();
    for n in 0..3 {
        let address = format!("chat/{n}");
        world = world.declare(&address, room("A", &[])).record(&address, record(room("A", &[])));
    }
    for (most, expected) in [(None, false), (Some(3), false), (Some(2), true)] {
        world.chat().max_rooms = most;
        let findings = world.plan().findings;
        assert_eq!(!findings.is_empty(), expected, "{most:?}: {findings:?}");
        if let [finding] = findings.as_slice() {
            assert_eq!(finding.code, "max_rooms_below_recorded");
            let message = "provider `chat` has 3 recorded rooms, and `max_rooms` is 2";
            assert_eq!((finding.severity, &*finding.message), (Severity::Warning, message));
        }
    }
}

#[test]
fn max_rooms_holds_the_last_creates_back() {
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
fn findings_beyond_the_limit_are_counted() {
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
    assert_eq!(findings[100].message, "the same for 3 more rooms");
}

#[test]
fn rooms_of_several_parallel_groups_keep_their_order() {
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
    assert_eq!(plan.findings[100].message, "the same for 19900 more rooms");
}

#[test]
fn the_estimate_is_the_slowest_call_of_each_phase() {
    let mut world = World::new().declare("chat/a", room("A", &[]));
    assert_eq!(world.plan().estimate, Duration::from_millis(100));
    for n in 0..30 {
        world = world.record(&format!("chat/d{n}"), record(room("A", &[])));
    }
    assert_eq!(world.plan().estimate, Duration::from_millis(1600));
    world.chat().rate_limits.insert(Call::QueryRoomUserList, 10);
    assert_eq!(world.plan().estimate, Duration::from_millis(3100), "people are queried first");
    world.chat().rate_share = RateShare(50);
    assert_eq!(world.plan().estimate, Duration::from_millis(6100));
    let on_occupied_destroy = world.policy(|policy| policy.on_occupied = Some(OnOccupied::Destroy));
    assert_eq!(on_occupied_destroy.plan().estimate, Duration::from_millis(3100));
    assert_eq!(World::new().plan().estimate, Duration::ZERO);
}

#[test]
fn the_digest_covers_what_the_files_change_against_the_record() {
    let base = World::new()
        .declare("chat/a", room("A", &[("k", "new")]))
        .record("chat/a", record(room("A", &[("k", "old")])))
        .declare("chat/b", room("A", &[]))
        .record("chat/b", record(room("A", &[])));
    let digest = |world: &World| world.plan().digest;
    let reviewed = digest(&base);
    let vanished = base.clone().observe("chat/b", Observation::Gone(at(0)));
    assert_eq!(vanished.plan().steps.len(), 2);
    assert_eq!(digest(&vanished), reviewed, "the digest excludes vanished rooms");
    let mut later = base.clone();
    later.recorded.serial = 99;
    assert_eq!(digest(&later), reviewed, "the digest excludes the serial");
    let drifted = base.clone().observe("chat/a", there(People::Nobody, &[("k", "drifted")]));
    assert_eq!(digest(&drifted), reviewed, "the digest excludes observations");
    let scope = Scope::parse(&["chat/*".to_owned()], &[]).expect("a scope");
    assert_ne!(digest(&World { scope, ..base.clone() }), reviewed, "the digest covers the scope");
    let more = base.clone().declare("chat/c", room("A", &[]));
    assert_ne!(digest(&more), reviewed);
    insta::assert_snapshot!(reviewed, @"sha256:5dd8f59428f00045977dfdc0f8e5c83b95bb259121082068de8b9859c82ae471");
}

#[test]
fn a_state_is_never_applied_to_another_application() {
    let made = World::new().record("chat/a", record(room("A", &[])));
    assert_eq!(identity(&made.desired, &made.recorded, HostChange::Refused), Ok(Vec::new()));
    let of_other = |change: &dyn Fn(&mut Provider)| {
        let mut world = made.clone();
        change(world.chat());
        identity(&world.desired, &world.recorded, HostChange::Allowed).expect_err("refused")
    };
    assert!(matches!(of_other(&|p| p.app_id = 2), IdentityError::App { recorded: 1, .. }));
    let to_emulator = of_other(&|p| p.endpoint = Endpoint::Emulator);
    assert!(matches!(to_emulator, IdentityError::MadeForReal { .. }));
    let mut emulated = made.clone();
    emulated.recorded.providers.values_mut().for_each(|made| made.host = Some("emulator".into()));
    let refused =
        identity(&emulated.desired, &emulated.recorded, HostChange::Allowed).expect_err("refused");
    insta::assert_snapshot!(refused, @"the state's rooms of `chat` are on the built-in emulator, but the file names a real service: use a separate state (`state: other.state.json`, or `--state`), or revert the file and run `roomctl destroy` first");
    emulated.recorded.rooms.clear();
    assert_eq!(
        identity(&emulated.desired, &emulated.recorded, HostChange::Refused),
        Ok(Vec::new())
    );
}

#[test]
fn a_room_with_a_call_in_flight_gets_no_step_and_is_not_unread() {
    let by = Holder {
        pid: 12,
        host: "desk".to_owned(),
        user: "ada".to_owned(),
        command: "roomctl apply".to_owned(),
        time: at(-9),
    };
    let world = World::new()
        .declare("chat/open", room("Open", &[]))
        .declare("chat/other", room("Other", &[]))
        .record("chat/open", pending(PendingKind::Create, 1));
    assert_eq!(world.plan().unread.len(), 1);
    let world = World { in_progress: Some(by.clone()), ..world };
    let plan = world.plan();
    assert!(plan.unread.is_empty());
    assert_eq!(plan.in_progress, Some(RunInProgress { by, rooms: vec![address("chat/open")] }));
    let steps: Vec<_> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    assert_eq!(steps, ["chat/other"]);
}
