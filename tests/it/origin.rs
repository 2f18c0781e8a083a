//! Foreign rooms, which another client creates while the outcome of our call is unknown: they are never
//! recorded as ours and never destroyed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use roomctl::model::{
    Attribute, Attributes, Call, Delay, Desired, HeldReason, OnConflict, OnOccupied, Outcome,
    Refresh, Room, RoomId,
};
use roomctl::planner::nothing_desired;
use roomctl::provider::http::SystemClock;

use crate::support::fleet::HEAD;
use crate::support::process::{End, Fate, Served};
use crate::support::{
    APP, Fuse, InjectedFault, RoomStats, RunOptions, World, at, service, with_paused_clock,
};

/// Attributes by key and value.
type Pairs = &'static [(&'static str, &'static str)];

const NONE: Pairs = &[];
const OURS: Pairs = &[("a", "1"), ("b", "2")];

/// Attributes that we send, attributes of the foreign room, and the people inside it.
const FOREIGN: &[(Pairs, Pairs, u64)] = &[
    (NONE, &[("x", "1")], 0),
    (NONE, &[("x", "1")], 300),
    (OURS, NONE, 0),
    (OURS, NONE, 300),
    (OURS, &[("a", "1"), ("b", "2"), ("x", "1")], 0),
    (OURS, &[("a", "1")], 300),
    (OURS, &[("a", "1"), ("b", "theirs")], 0),
    (OURS, &[("x", "1")], 300),
];

/// Returns the foreign rooms that cannot be taken for ours by an open destroy. A room with all our
/// attributes can: our application may have added others.
fn distinguishable() -> impl Iterator<Item = &'static (Pairs, Pairs, u64)> {
    let same = |ours: &Pairs, theirs: &Pairs| {
        !ours.is_empty() && ours.iter().all(|it| theirs.contains(it))
    };
    FOREIGN.iter().filter(move |(ours, theirs, _)| !same(ours, theirs))
}

/// The attempts at one lookup.
const LOOKUP_ATTEMPTS: u64 = 6;

/// A time within which a lost call may still take effect.
const BEFORE_TIMEOUT: Duration = Duration::from_secs(3);

fn attributes(pairs: Pairs) -> Attributes {
    let attribute = |value: &str| Attribute { value: value.into(), auto_delete: false };
    pairs.iter().map(|(key, value)| (*key, attribute(value))).collect()
}

/// Returns a world in which the operator is registered: a plan does not register it.
async fn world() -> World {
    let world = World::new(service());
    let desired = declare(&world, "", NONE);
    for connection in world.connect(&desired, &Fuse::never()).values() {
        connection.client.register_user(None).await.expect("registered");
    }
    world
}

fn declare(world: &World, policy: &str, ours: Pairs) -> Desired {
    let held: Vec<_> = ours.iter().map(|(key, value)| format!("{key}: \"{value}\"")).collect();
    world.declare(&format!(
        "{HEAD}policy: {{{policy}}}\nrooms:\n  - {{id: lobby, destroy_delay_time: 3h, \
         attributes: {{{}}}}}\n",
        held.join(", ")
    ))
}

/// Lets another client create the room, with people inside.
async fn create_foreign(world: &World, desired: &Desired, held: Pairs, people: u64) {
    let room = Room {
        name: Some("Theirs".into()),
        destroy_delay_time: Some(Delay::from_seconds(10_800)),
        attributes: attributes(held),
        ..Room::default()
    };
    world.other_client(desired).await.create("lobby", room).await;
    if people > 0 {
        world.emulator.enter(roomctl::model::Kind::Zim, APP, &lobby(), people).expect("entered");
    }
}

fn lobby() -> RoomId {
    RoomId::new("lobby")
}

fn stats(world: &World) -> Option<RoomStats> {
    world.stats().rooms.get(&lobby()).cloned()
}

/// Asserts that the room is contested, and that no apply changes or destroys it, whatever its policy and
/// flags.
async fn assert_contested(world: &World, desired: &Desired, before: &RoomStats) {
    let recorded = world.recorded().await.expect("a state");
    let record = &recorded.rooms[&at("chat", "lobby")];
    assert!(record.contested.is_some() && record.pending.is_none(), "{record:?}");
    let forced = |desired: &Desired| {
        let mut desired = desired.clone();
        desired.policy.on_conflict = OnConflict::Adopt;
        desired.policy.on_occupied = Some(OnOccupied::Destroy);
        desired
    };
    let changed = declare(world, "", &[("a", "changed")]);
    for desired in
        [desired, &forced(desired), &forced(&changed), &forced(&nothing_desired(changed.clone()))]
    {
        let evict = BTreeSet::from([at("chat", "lobby")]);
        let how = RunOptions { evict, ..RunOptions::with_consent().refresh(Refresh::All) };
        let ran = world.apply(desired, &how).await.expect("a state").ran();
        assert_eq!(ran.outcome, Outcome { blocked: 1, ..Outcome::default() });
        let [held] = &ran.plan.blocked[..] else { panic!("{:?}", ran.plan) };
        assert_eq!(held.reason, HeldReason::Contested);
        assert_eq!(stats(world).as_ref(), Some(before));
    }
}

#[test]
fn a_foreign_room_created_during_our_create_is_contested() {
    for (ours, held, people) in FOREIGN {
        with_paused_clock(async {
            let world = World::new(service());
            let desired = declare(&world, "on_conflict: adopt", ours);
            world.script.inject(Call::CreateRoom, 1, InjectedFault::LostBefore);
            let how = RunOptions::with_consent();
            let (ran, ()) = tokio::join!(world.apply(&desired, &how), async {
                tokio::time::sleep(BEFORE_TIMEOUT).await;
                create_foreign(&world, &desired, held, *people).await;
            });
            let ran = ran.expect("a state").ran();
            let [failure] = &ran.outcome.failed[..] else { panic!("{:?}", ran.outcome) };
            assert!(failure.pending && failure.message.contains("roomctl import chat/lobby"));
            let before = stats(&world).expect("theirs");
            assert_eq!((before.attributes.len(), before.people), (held.len(), *people));
            assert_contested(&world, &desired, &before).await;
        });
    }
}

#[test]
fn a_foreign_room_created_after_a_crash_in_our_create_is_contested() {
    for (ours, held, people) in FOREIGN {
        for later in [0, 40] {
            with_paused_clock(async {
                let world = world().await;
                let desired = declare(&world, "", ours);
                world.script.inject(Call::CreateRoom, 1, InjectedFault::LostBefore);
                let run = tokio::time::timeout(BEFORE_TIMEOUT, async {
                    world.apply(&desired, &RunOptions::plain()).await.expect("a state");
                });
                assert!(run.await.is_err(), "the run was not cut off while it waited");
                create_foreign(&world, &desired, held, *people).await;
                tokio::time::sleep(Duration::from_secs(later)).await;
                let before = stats(&world).expect("theirs");
                // A plan reports the same once no lost call can take effect any more.
                let plan = world.plan(&desired, Refresh::Due).await.expect("a plan");
                assert_eq!((plan.steps.len(), plan.blocked.len()), (0, usize::from(later > 0)));
                let ran = world
                    .apply(&desired, &RunOptions::with_consent())
                    .await
                    .expect("a state")
                    .ran();
                assert_eq!(ran.plan.blocked[0].reason, HeldReason::Contested);
                assert_contested(&world, &desired, &before).await;
            });
        }
    }
}

#[test]
fn a_foreign_room_created_after_our_late_destroy_is_not_destroyed() {
    for (ours, held, people) in distinguishable() {
        with_paused_clock(async {
            let world = World::new(service());
            let desired = declare(&world, "on_occupied: destroy", ours);
            world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            let nothing = nothing_desired(desired.clone());
            world.script.inject(Call::DestroyRoom, 1, InjectedFault::Late);
            let how = RunOptions::with_consent();
            let (ran, ()) = tokio::join!(world.apply(&nothing, &how), async {
                // The destroy takes effect after nine seconds; then another client creates the room.
                tokio::time::sleep(Duration::from_secs(10)).await;
                create_foreign(&world, &desired, held, *people).await;
            });
            let ran = ran.expect("a state").ran();
            assert!(matches!(&ran.outcome.failed[..], [failure] if failure.pending));
            let before = stats(&world).expect("theirs");
            assert_eq!((before.name.as_deref(), before.people), (Some("Theirs"), *people));
            assert_contested(&world, &nothing, &before).await;
        });
    }
}

#[test]
fn a_foreign_room_created_after_a_crash_in_our_destroy_is_not_destroyed() {
    for (ours, held, people) in distinguishable() {
        with_paused_clock(async {
            let world = World::new(service());
            let desired = declare(&world, "on_occupied: destroy", ours);
            world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            let nothing = nothing_desired(desired.clone());
            world.script.inject(Call::DestroyRoom, 1, InjectedFault::Late);
            let run = tokio::time::timeout(BEFORE_TIMEOUT, async {
                world.apply(&nothing, &RunOptions::with_consent()).await.expect("a state");
            });
            assert!(run.await.is_err(), "the run was not cut off while it waited");
            tokio::time::sleep(Duration::from_secs(10)).await;
            create_foreign(&world, &desired, held, *people).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
            let before = stats(&world).expect("theirs");
            let ran =
                world.apply(&nothing, &RunOptions::with_consent()).await.expect("a state").ran();
            assert_eq!(ran.plan.blocked[0].reason, HeldReason::Contested);
            assert_contested(&world, &nothing, &before).await;
        });
    }
}

#[test]
fn a_lost_destroy_without_attributes_to_compare_is_not_repeated() {
    with_paused_clock(async {
        let world = World::new(service());
        let desired = declare(&world, "on_occupied: destroy", NONE);
        world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        let nothing = nothing_desired(desired.clone());
        world.script.inject(Call::DestroyRoom, 1, InjectedFault::LostBefore);
        let ran = world.apply(&nothing, &RunOptions::with_consent()).await.expect("a state").ran();
        assert!(matches!(&ran.outcome.failed[..], [failure] if failure.pending));
        let recorded = world.recorded().await.expect("a state");
        assert!(recorded.rooms[&at("chat", "lobby")].assumed.any());
        // The next plan contains the destroy again, and approving it destroys the room.
        let ran = world.apply(&nothing, &RunOptions::with_consent()).await.expect("a state").ran();
        assert_eq!((ran.outcome.done.len(), stats(&world)), (1, None));
    });
}

#[test]
fn a_foreign_room_created_after_a_final_lookup_is_contested() {
    with_paused_clock(async {
        let world = World::new(service());
        let desired = declare(&world, "", OURS);
        world.script.inject(Call::CreateRoom, 1, InjectedFault::LostBefore);
        // The second lookup, which is final, reports the room as missing.
        world.script.inject(Call::QueryRoomUserList, 2, InjectedFault::Answered(660_300_001));
        let how = RunOptions::with_consent();
        let (ran, ()) = tokio::join!(world.apply(&desired, &how), async {
            tokio::time::sleep(BEFORE_TIMEOUT).await;
            create_foreign(&world, &desired, OURS, 300).await;
        });
        let ran = ran.expect("a state").ran();
        assert!(
            matches!(&ran.outcome.failed[..], [failure] if failure.pending),
            "{:?}",
            ran.outcome
        );
        assert!(world.script.is_over());
        let before = stats(&world).expect("theirs");
        assert_contested(&world, &desired, &before).await;
    });
}

#[test]
fn a_refused_create_does_not_make_an_existing_room_ours() {
    with_paused_clock(async {
        let world = World::new(service());
        let desired = declare(&world, "", OURS);
        world.script.inject(Call::CreateRoom, 1, InjectedFault::Refused);
        create_foreign(&world, &desired, OURS, 300).await;
        let ran = world.apply(&desired, &RunOptions::with_consent()).await.expect("a state").ran();
        assert!(matches!(&ran.outcome.failed[..], [failure] if !failure.pending));
        assert!(
            world.recorded().await.expect("a state").rooms.is_empty(),
            "the foreign room was recorded"
        );
    });
}

#[test]
fn missing_attributes_contest_our_room_only_until_it_may_have_emptied() {
    for (emptied, later, contested) in [(false, 0, false), (true, 120, false), (true, 0, true)] {
        with_paused_clock(async {
            let world = world().await;
            let desired = declare(&world, "", OURS);
            world.script.inject(Call::CreateRoom, 1, InjectedFault::LostAfter);
            // Every lookup fails too: the create stays open.
            for nth in 1..=LOOKUP_ATTEMPTS {
                world.script.inject(Call::QueryRoomUserList, nth, InjectedFault::LostBefore);
            }
            let ran = world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            assert!(matches!(&ran.outcome.failed[..], [failure] if failure.pending));
            if emptied {
                let kind = roomctl::model::Kind::Zim;
                world.emulator.enter(kind, APP, &lobby(), 1).expect("entered");
                world.emulator.leave(kind, APP, &lobby(), None).expect("left");
            }
            tokio::time::sleep(Duration::from_secs(later)).await;
            world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            let recorded = world.recorded().await.expect("a state");
            let record = &recorded.rooms[&at("chat", "lobby")];
            assert_eq!((record.contested.is_some(), &record.pending), (contested, &None));
        });
    }
}

#[test]
fn a_contested_room_that_vanished_is_created_as_ours() {
    with_paused_clock(async {
        let world = World::new(service());
        let desired = declare(&world, "", OURS);
        world.script.inject(Call::CreateRoom, 1, InjectedFault::LostBefore);
        let how = RunOptions::with_consent();
        let (_, ()) = tokio::join!(world.apply(&desired, &how), async {
            tokio::time::sleep(BEFORE_TIMEOUT).await;
            create_foreign(&world, &desired, NONE, 0).await;
        });
        world.other_client(&desired).await.destroy("lobby").await;
        let ran = world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        assert_eq!((ran.outcome.done.len(), ran.outcome.failed.len()), (1, 0));
        assert_eq!(stats(&world).expect("ours").attributes, attributes(OURS));
        let plan = world.plan(&desired, Refresh::All).await.expect("a plan");
        assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 0));
    });
}

/// Runs a command of the binary, and asserts its exit code and a part of its output.
async fn assert_output(served: &Served, arguments: &[&str], expected: i32, text: &str) {
    let end = served.run(arguments).await;
    let End::Exited { code, words: output } = end else { panic!("{arguments:?} was killed") };
    assert_eq!(code, Some(expected), "{arguments:?}: {output}");
    assert!(output.contains(text), "{arguments:?}: no `{text}` in the output: {output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_binary_leaves_a_contested_room_until_it_is_imported() {
    let served = Served::new(World::by(Arc::new(SystemClock), service())).await;
    let text = format!(
        "{HEAD}rooms:\n  - {{id: lobby, destroy_delay_time: 3h, attributes: {{topic: ours}}}}\n"
    );
    served.declare(&text, "rate_limit: 1000");
    assert_eq!(served.apply_until(0, Fate::Lost).await, End::Killed);
    let desired = served.world.load(&["rooms.yaml".to_owned()]);
    create_foreign(&served.world, &desired, &[("x", "1")], 300).await;
    let before = stats(&served.world).expect("theirs");
    let apply = ["apply", "--auto-approve", "--allow-destroy", "9", "--evict", "chat/lobby"];
    assert_output(&served, &apply, 3, "its origin is uncertain").await;
    assert_output(&served, &["state", "show", "chat/lobby"], 0, "contested").await;
    assert_output(
        &served,
        &["import", "--all-declared"],
        0,
        "`roomctl import chat/lobby` takes it over",
    )
    .await;
    let destroy = ["destroy", "--auto-approve", "--allow-destroy", "9"];
    assert_output(&served, &destroy, 3, "roomctl state rm chat/lobby").await;
    assert_eq!(stats(&served.world).as_ref(), Some(&before));
    assert_output(&served, &["import", "chat/lobby"], 0, "Import: 1 recorded").await;
    assert_output(&served, &["apply", "--auto-approve"], 0, "1 updated").await;
    let after = stats(&served.world).expect("ours now");
    assert_eq!((after.people, after.attributes.len()), (300, 2));
}
