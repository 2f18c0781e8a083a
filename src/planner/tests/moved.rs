//! Tests of renamed providers and changed hosts.

use super::steps::pending;
use super::*;
use crate::model::{
    Action, Finding, GateLimit, HeldReason, Moved, PendingKind, Reason, RefusalKind, Step,
};

pub(super) fn name(text: &str) -> ProviderName {
    ProviderName::new(text).expect("a name")
}

/// Returns the same world, recorded when the provider was named `talk`.
pub(super) fn recorded_as_talk(world: &World) -> World {
    let mut world = world.clone();
    let rooms = std::mem::take(&mut world.recorded.rooms);
    world.recorded.rooms = rooms
        .into_iter()
        .map(|(address, record)| (Address::new(name("talk"), address.room), record))
        .collect();
    let made = world.recorded.providers.remove(&name("chat")).expect("the provider");
    world.recorded.providers.insert(name("talk"), made);
    world.desired.moved = vec![Moved { from: name("talk"), to: name("chat") }];
    world
}

fn two_rooms() -> World {
    World::new()
        .declare("chat/a", room("A", &[]))
        .declare("chat/b", room("B", &[("k", "new")]))
        .record("chat/a", record(room("A", &[])))
        .record("chat/b", record(room("B", &[("k", "old")])))
}

fn check_identity(world: &World) -> Result<Vec<Finding>, IdentityError> {
    identity(&world.desired, &world.recorded, HostChange::Refused)
}

fn summary(plan: &Plan) -> Vec<(String, Action, Reason)> {
    let of = |step: &Step| (step.address.to_string(), step.action, step.reason);
    plan.steps.iter().map(of).collect()
}

#[test]
fn a_renamed_provider_is_refused_until_it_is_moved() {
    let mut world = recorded_as_talk(&two_rooms());
    let moved = std::mem::take(&mut world.desired.moved);
    let refused = check_identity(&world).expect_err("refused");
    insta::assert_snapshot!(refused, @"the application of `chat` is recorded as `talk`, which is no longer declared: declare `moved: [{from: talk, to: chat}]` to move its records");
    let made = world.recorded.providers.get_mut(&name("talk")).expect("recorded");
    made.host = None;
    assert!(
        matches!(check_identity(&world), Err(IdentityError::Renamed { .. })),
        "an unknown host matches any"
    );
    world.desired.moved = moved;
    assert!(check_identity(&world).is_ok());
}

#[test]
fn an_undeclared_provider_of_another_application_is_left() {
    for change in [
        |made: &mut ProviderIdentity| made.app_id = 2,
        |made: &mut ProviderIdentity| made.kind = Kind::Rtc,
        |made: &mut ProviderIdentity| made.host = Some("emulator".into()),
    ] {
        let mut world = recorded_as_talk(&two_rooms());
        world.desired.moved.clear();
        change(world.recorded.providers.get_mut(&name("talk")).expect("recorded"));
        assert_eq!(check_identity(&world), Ok(Vec::new()));
        let plan = world.plan();
        assert_eq!(plan.findings[0].code, "provider_not_declared");
        assert!(plan.steps.iter().all(|step| step.action == Action::Create));
    }
}

#[test]
fn a_moved_provider_has_the_same_application_and_host() {
    for change in [
        |made: &mut ProviderIdentity| made.app_id = 2,
        |made: &mut ProviderIdentity| made.kind = Kind::Rtc,
        |made: &mut ProviderIdentity| made.host = Some("zim-api-sgp.zego.im".into()),
        |made: &mut ProviderIdentity| made.host = Some("emulator".into()),
    ] {
        let mut world = recorded_as_talk(&two_rooms());
        change(world.recorded.providers.get_mut(&name("talk")).expect("recorded"));
        assert!(check_identity(&world).is_err(), "{:?}", world.recorded.providers);
    }
}

#[test]
fn another_host_is_refused_and_can_be_accepted() {
    let mut world = two_rooms();
    world.chat().host = "zim-api-sgp.zego.im".into();
    let refused = check_identity(&world).expect_err("refused");
    insta::assert_snapshot!(refused, @"the state's rooms of `chat` are at zim-api.zego.im, but the file names zim-api-sgp.zego.im: another region does not have them. If this host serves the same rooms, pass `--allow-endpoint-change`; otherwise use a separate state (`state: other.state.json`, or `--state`), or revert the file and run `roomctl destroy` first");
    let accepted = identity(&world.desired, &world.recorded, HostChange::Allowed);
    assert_eq!(accepted.expect("accepted")[0].code, "host_changed");
    world.recorded.rooms.clear();
    assert_eq!(check_identity(&world), Ok(Vec::new()), "without rooms the host may change");
}

#[test]
fn a_host_that_was_not_recorded_is_recorded() {
    let mut world = two_rooms();
    world.recorded.providers.values_mut().for_each(|made| made.host = None);
    assert_eq!(check_identity(&world).expect("the same application")[0].code, "host_learned");
}

#[test]
fn moved_records_get_steps_beside_the_other_changes() {
    let plan = recorded_as_talk(&two_rooms()).plan();
    let expected = [
        ("chat/b", Action::Update, Reason::AttributesChanged),
        ("chat/a", Action::Record, Reason::Moved),
        ("chat/b", Action::Record, Reason::Moved),
    ];
    let expected = expected.map(|(address, action, reason)| (address.to_owned(), action, reason));
    assert_eq!(summary(&plan), expected);
    assert_eq!((plan.summary.record, plan.summary.update, plan.summary.unchanged), (2, 1, 0));
    assert_eq!(plan.findings, []);
}

#[test]
fn an_existing_record_step_gets_the_reason_moved() {
    let mut world = recorded_as_talk(&two_rooms());
    world.desired.rooms[0].lifecycle.prevent_destroy = true;
    let plan = world.plan();
    let of_a: Vec<&Step> =
        plan.steps.iter().filter(|step| step.address == address("chat/a")).collect();
    assert_eq!((of_a.len(), of_a[0].reason), (1, Reason::Moved));
    assert!(of_a[0].lifecycle.prevent_destroy);
}

#[test]
fn the_gate_counts_moved_rooms_once() {
    let ten = (0..10)
        .fold(World::new(), |world, n| world.record(&format!("chat/{n}"), record(room("A", &[]))));
    let four_go = (0..6).fold(ten, |world, n| world.declare(&format!("chat/{n}"), room("A", &[])));
    let world = recorded_as_talk(&four_go).policy(|it| it.max_destroy = GateLimit::Percent(30));
    let gate = world.plan().gate;
    assert_eq!((gate.counted, gate.refusals[0].kind), (4, RefusalKind::MaxDestroy));
    assert!(gate.refusals[0].message.contains("of 10 recorded"), "{gate:?}");
    let world = world.policy(|it| it.max_destroy = GateLimit::Percent(40));
    assert_eq!(world.plan().gate.refusals, []);
}

#[test]
fn protection_moves_with_the_record() {
    let mut protected = record(room("A", &[]));
    protected.lifecycle.prevent_destroy = true;
    let plan = recorded_as_talk(&World::new().record("chat/a", protected)).plan();
    assert_eq!(plan.blocked[0].reason, HeldReason::PreventDestroy);
    assert_eq!(summary(&plan), [("chat/a".to_owned(), Action::Record, Reason::Moved)]);
}

#[test]
fn open_calls_move_and_are_queried_under_the_new_name() {
    let open = World::new()
        .declare("chat/a", room("A", &[("k", "v")]))
        .record("chat/a", pending(PendingKind::Create, 60));
    let world = recorded_as_talk(&open);
    assert_eq!(world.due(Refresh::Due, Purpose::Plan), ["chat/a"]);
    let plan = world.clone().plan();
    assert_eq!((plan.unread.len(), plan.steps[0].reason), (1, Reason::Moved));
    let landed = world.observe("chat/a", there(People::Nobody, &[("k", "v")])).plan();
    assert_eq!((landed.unread.len(), landed.steps.len()), (0, 1));
    let undeclared =
        World { desired: Desired { rooms: Vec::new(), ..open.desired.clone() }, ..open };
    let gone = recorded_as_talk(&undeclared).observe("chat/a", Observation::Gone(at(0))).plan();
    assert_eq!((gone.summary.unchanged, gone.summary.record), (0, 1));
}

#[test]
fn other_sides_get_the_new_name() {
    let sides = |names: &[&str]| Sides::new(names.iter().map(|it| name(it)).collect());
    let video = Provider {
        application: crate::model::Application::new(Kind::Rtc, None),
        ..provider("video")
    };
    let both = RecordedRoom { sides: sides(&["talk", "video"]), ..record(room("A", &[])) };
    let mut world = recorded_as_talk(&World::new().record("chat/a", both.clone()));
    world.recorded.providers.insert(name("video"), ProviderIdentity::of(&video));
    world.desired.providers.insert(name("video"), video);
    world.recorded.rooms.insert(address("video/a"), both);
    let declared = as_declared(&world.desired, &world.recorded);
    for room in ["chat/a", "video/a"] {
        assert_eq!(declared.recorded.rooms[&address(room)].sides, sides(&["chat", "video"]));
    }
    assert_eq!(declared.moved[&address("video/a")], address("video/a"));
    assert_eq!(declared.moved[&address("chat/a")], address("talk/a"));
}

#[test]
fn different_records_under_both_names_are_a_finding() {
    let mut world = recorded_as_talk(&two_rooms());
    let same = world.recorded.rooms[&address("talk/a")].clone();
    world.recorded.rooms.insert(address("chat/a"), same.clone());
    world.recorded.providers.insert(name("chat"), ProviderIdentity::of(&provider("chat")));
    assert_eq!(check_identity(&world), Ok(Vec::new()), "an interrupted move");
    assert_eq!(world.plan().summary.record, 2);
    world.recorded.rooms.insert(address("chat/a"), RecordedRoom { created: at(-5), ..same });
    let Err(IdentityError::RecordedTwice(findings)) = check_identity(&world) else {
        panic!("accepted")
    };
    assert_eq!(findings[0].message, "talk/a is moved to chat/a, and both are recorded");
    assert_eq!(findings.len(), 1);
}

#[test]
fn moved_without_records_changes_nothing() {
    let mut world = two_rooms();
    let same = world.plan();
    world.desired.moved = vec![Moved { from: name("talk"), to: name("chat") }];
    assert_eq!(summary(&world.plan()), summary(&same));
    assert_eq!(check_identity(&world), Ok(Vec::new()));
    assert!(as_declared(&world.desired, &world.recorded).moved.is_empty());
}
