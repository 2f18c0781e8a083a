//! The ownership attribute decides whether a room is ours after a call with an unknown outcome.

use std::time::Duration;

use roomctl::model::{
    AttributeChange, Attributes, Call, Delay, Desired, HeldReason, Refresh, Room, RoomId,
};
use roomctl::planner::nothing_desired;

use crate::support::fleet::HEAD;
use crate::support::{
    Fuse, InjectedFault, RoomStats, RunOptions, World, at, service, with_paused_clock,
};

/// The lineage of another state.
const OTHER: &str = "00000000-0000-4000-8000-000000000000";

/// The attempts at one lookup.
const LOOKUP_ATTEMPTS: u64 = 6;

/// A time within which a lost call may still take effect.
const BEFORE_TIMEOUT: Duration = Duration::from_secs(3);

/// Returns a world in which the operator is registered: a plan does not register it.
async fn world() -> World {
    let world = World::new(service());
    let desired = declare(&world, "Lobby", "ours");
    for connection in world.connect(&desired, &Fuse::never()).values() {
        connection.client.register_user(None).await.expect("registered");
    }
    world
}

fn declare(world: &World, name: &str, topic: &str) -> Desired {
    let head = HEAD.replace("operator: admin,", "operator: admin, ownership_attribute: by,");
    world.declare(&format!(
        "{head}policy: {{on_occupied: destroy}}\nrooms:\n  - {{id: lobby, name: {name}, \
         destroy_delay_time: 3h, attributes: {{topic: {topic}}}}}\n"
    ))
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    let attribute =
        |value: &str| roomctl::model::Attribute { value: value.into(), auto_delete: false };
    pairs.iter().map(|(key, value)| (*key, attribute(value))).collect()
}

/// Creates the room as another state would: equal to ours except for the ownership attribute.
async fn create_foreign(world: &World, desired: &Desired) {
    let room = Room {
        name: Some("Lobby".into()),
        destroy_delay_time: Some(Delay::from_seconds(10_800)),
        attributes: attributes(&[("by", OTHER), ("topic", "ours")]),
        ..Room::default()
    };
    world.other_client(desired).await.create("lobby", room).await;
}

/// Lets another client set an attribute.
async fn set_attribute(world: &World, desired: &Desired, key: &str, value: &str) {
    let attribute = roomctl::model::Attribute { value: value.into(), auto_delete: false };
    let change = AttributeChange::Set(key.into(), attribute);
    world.other_client(desired).await.modify("lobby", vec![change]).await;
}

fn stats(world: &World) -> Option<RoomStats> {
    world.stats().rooms.get(&RoomId::new("lobby")).cloned()
}

/// Asserts that the room is not recorded, and that a plan with a full refresh reports it as blocked.
async fn assert_conflict(world: &World, desired: &Desired) {
    let recorded = world.recorded().await.expect("a state");
    assert!(recorded.rooms.is_empty(), "{recorded:?}");
    let plan = world.plan(desired, Refresh::All).await.expect("a plan");
    assert_eq!((plan.steps.len(), plan.blocked[0].reason), (0, HeldReason::OtherState));
    assert_eq!(
        stats(world).expect("theirs").attributes.get("by"),
        attributes(&[("by", OTHER)]).get("by")
    );
}

#[test]
fn a_room_of_another_state_created_during_our_create_is_not_ours() {
    with_paused_clock(async {
        let world = world().await;
        let desired = declare(&world, "Lobby", "ours");
        world.script.inject(Call::CreateRoom, 1, InjectedFault::LostBefore);
        let how = RunOptions::with_consent();
        let (ran, ()) = tokio::join!(world.apply(&desired, &how), async {
            tokio::time::sleep(BEFORE_TIMEOUT).await;
            create_foreign(&world, &desired).await;
        });
        let ran = ran.expect("a state").ran();
        let [failure] = &ran.outcome.failed[..] else { panic!("{:?}", ran.outcome) };
        assert!(!failure.pending && failure.message.contains(OTHER), "{failure:?}");
        assert_conflict(&world, &desired).await;
    });
}

#[test]
fn a_room_of_another_state_created_after_a_crash_is_not_ours() {
    with_paused_clock(async {
        let world = world().await;
        let desired = declare(&world, "Lobby", "ours");
        world.script.inject(Call::CreateRoom, 1, InjectedFault::LostBefore);
        let run = tokio::time::timeout(BEFORE_TIMEOUT, async {
            world.apply(&desired, &RunOptions::plain()).await.expect("a state");
        });
        assert!(run.await.is_err(), "the run was not cut off while it waited");
        create_foreign(&world, &desired).await;
        tokio::time::sleep(Duration::from_secs(40)).await;
        let plan = world.plan(&desired, Refresh::Due).await.expect("a plan");
        assert_eq!((plan.steps.len(), plan.blocked[0].reason), (0, HeldReason::OtherState));
        let ran = world.apply(&desired, &RunOptions::with_consent()).await.expect("a state").ran();
        assert_eq!(ran.plan.blocked[0].reason, HeldReason::OtherState);
        assert_conflict(&world, &desired).await;
    });
}

#[test]
fn attributes_written_by_the_application_do_not_contest_our_room() {
    with_paused_clock(async {
        let world = world().await;
        let desired = declare(&world, "Lobby", "ours");
        world.script.inject(Call::CreateRoom, 1, InjectedFault::LostAfter);
        // Every lookup fails too: the create stays open.
        for nth in 1..=LOOKUP_ATTEMPTS {
            world.script.inject(Call::QueryRoomUserList, nth, InjectedFault::LostBefore);
        }
        let ran = world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        assert!(matches!(&ran.outcome.failed[..], [failure] if failure.pending));
        set_attribute(&world, &desired, "theirs", "x").await;
        world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        let recorded = world.recorded().await.expect("a state");
        assert_eq!(recorded.rooms[&at("chat", "lobby")].contested, None);
        assert!(stats(&world).expect("ours").attributes.get("theirs").is_some());
        let plan = world.plan(&desired, Refresh::All).await.expect("a plan");
        assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 0));
    });
}

#[test]
fn a_room_found_after_a_lookup_reported_it_missing_is_ours() {
    with_paused_clock(async {
        let world = world().await;
        let desired = declare(&world, "Lobby", "ours");
        world.script.inject(Call::CreateRoom, 1, InjectedFault::LostAfter);
        for nth in 1..=2 {
            world.script.inject(Call::QueryRoomUserList, nth, InjectedFault::Answered(660_300_001));
        }
        let ran = world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        assert!(world.script.is_over());
        assert_eq!(
            (ran.outcome.done.len(), ran.outcome.adopted.len()),
            (1, 0),
            "{:?}",
            ran.outcome
        );
        let plan = world.plan(&desired, Refresh::All).await.expect("a plan");
        assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 0));
    });
}

#[test]
fn a_lost_destroy_is_repeated_only_if_the_room_is_ours() {
    for (key, value, is_ours) in [("topic", "theirs", true), ("by", OTHER, false)] {
        with_paused_clock(async {
            let world = world().await;
            let desired = declare(&world, "Lobby", "ours");
            world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            let nothing = nothing_desired(desired.clone());
            world.script.inject(Call::DestroyRoom, 1, InjectedFault::LostBefore);
            let how = RunOptions::with_consent();
            let (ran, ()) = tokio::join!(world.apply(&nothing, &how), async {
                tokio::time::sleep(BEFORE_TIMEOUT).await;
                set_attribute(&world, &desired, key, value).await;
            });
            let ran = ran.expect("a state").ran();
            assert_eq!(
                (ran.outcome.done.len(), stats(&world).is_none()),
                (usize::from(is_ours), is_ours)
            );
            if !is_ours {
                let recorded = world.recorded().await.expect("a state");
                let why =
                    recorded.rooms[&at("chat", "lobby")].contested.clone().expect("contested");
                assert!(why.contains(OTHER), "{why}");
            }
        });
    }
}

#[test]
fn an_unrefreshed_replace_reads_the_owner_before_its_destroy() {
    with_paused_clock(async {
        let world = world().await;
        let desired = declare(&world, "Lobby", "ours");
        world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        set_attribute(&world, &desired, "by", OTHER).await;
        let renamed = declare(&world, "Other", "ours");
        let how = RunOptions::with_consent().refresh(Refresh::Never);
        let ran = world.apply(&renamed, &how).await.expect("a state").ran();
        let [failure] = &ran.outcome.failed[..] else { panic!("{:?}", ran.outcome) };
        assert!(!failure.pending && failure.message.contains(OTHER), "{failure:?}");
        assert_eq!(stats(&world).expect("the room").name.as_deref(), Some("Lobby"));
        // A plan queries a room before it destroys or replaces it.
        let plan = world.plan(&renamed, Refresh::Due).await.expect("a plan");
        assert_eq!((plan.steps.len(), plan.blocked[0].reason), (0, HeldReason::Contested));
    });
}

#[test]
fn an_import_after_a_lost_state_keeps_its_lineage() {
    with_paused_clock(async {
        let world = world().await;
        let desired = declare(&world, "Lobby", "ours");
        world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        let lost = world.recorded().await.expect("a state").lineage.clone();
        world.lose_state();
        world.import(&desired).await.expect("an import");
        let recorded = world.recorded().await.expect("a state");
        assert_eq!((&recorded.lineage, recorded.rooms.len()), (&lost, 1));
        let plan = world.plan(&desired, Refresh::All).await.expect("a plan");
        assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 0));
    });
}
