//! Rooms of others that appear while the outcome of a call of ours is unknown: never taken, never
//! destroyed.

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
use crate::support::{APP, Fuse, How, Mishap, RoomStats, World, at, in_moved_time, service};

/// Attributes by key and value.
type Pairs = &'static [(&'static str, &'static str)];

const NONE: Pairs = &[];
const OURS: Pairs = &[("a", "1"), ("b", "2")];

/// What we send, what the other room holds, and the people inside it.
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

/// Those that cannot be our room after a destroy: our application may add an attribute to ours.
fn other_than_ours() -> impl Iterator<Item = &'static (Pairs, Pairs, u64)> {
    let same =
        |ours: &Pairs, held: &Pairs| !ours.is_empty() && ours.iter().all(|it| held.contains(it));
    FOREIGN.iter().filter(move |(ours, held, _)| !same(ours, held))
}

/// The attempts at one look.
const LOOKS: u64 = 6;

/// While a lost call may still land.
const MEANWHILE: Duration = Duration::from_secs(3);

fn attributes(pairs: Pairs) -> Attributes {
    let attribute = |value: &str| Attribute { value: value.into(), auto_delete: false };
    pairs.iter().map(|(key, value)| (*key, attribute(value))).collect()
}

/// A world whose service knows who calls it: a plan is never the first to.
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

/// A stranger's room, with people inside.
async fn theirs(world: &World, desired: &Desired, held: Pairs, people: u64) {
    let room = Room {
        name: Some("Theirs".into()),
        destroy_delay_time: Some(Delay::from_seconds(10_800)),
        attributes: attributes(held),
        ..Room::default()
    };
    world.stranger(desired).await.create("lobby", room).await;
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

/// The room stays as it is under all that could take it down, until somebody decides.
async fn is_protected(world: &World, desired: &Desired, before: &RoomStats) {
    let recorded = world.recorded().await.expect("a state");
    let record = &recorded.rooms[&at("chat", "lobby")];
    assert!(record.contested.is_some() && record.pending.is_none(), "{record:?}");
    let eager = |desired: &Desired| {
        let mut desired = desired.clone();
        desired.policy.on_conflict = OnConflict::Adopt;
        desired.policy.on_occupied = Some(OnOccupied::Destroy);
        desired
    };
    let changed = declare(world, "", &[("a", "changed")]);
    for desired in
        [desired, &eager(desired), &eager(&changed), &eager(&nothing_desired(changed.clone()))]
    {
        let evict = BTreeSet::from([at("chat", "lobby")]);
        let how = How { evict, ..How::with_consent().refresh(Refresh::All) };
        let ran = world.apply(desired, &how).await.expect("a state").ran();
        assert_eq!(ran.outcome, Outcome { blocked: 1, ..Outcome::default() });
        let [held] = &ran.plan.blocked[..] else { panic!("{:?}", ran.plan) };
        assert_eq!(held.reason, HeldReason::Contested);
        assert_eq!(stats(world).as_ref(), Some(before));
    }
}

#[test]
fn a_room_that_appears_while_our_create_is_open_is_not_taken() {
    for (ours, held, people) in FOREIGN {
        in_moved_time(async {
            let world = World::new(service());
            let desired = declare(&world, "on_conflict: adopt", ours);
            world.script.strike(Call::CreateRoom, 1, Mishap::LostBefore);
            let how = How::with_consent();
            let (ran, ()) = tokio::join!(world.apply(&desired, &how), async {
                tokio::time::sleep(MEANWHILE).await;
                theirs(&world, &desired, held, *people).await;
            });
            let ran = ran.expect("a state").ran();
            let [failure] = &ran.outcome.failed[..] else { panic!("{:?}", ran.outcome) };
            assert!(failure.pending && failure.message.contains("roomctl import chat/lobby"));
            let before = stats(&world).expect("theirs");
            assert_eq!((before.attributes.len(), before.people), (held.len(), *people));
            is_protected(&world, &desired, &before).await;
        });
    }
}

#[test]
fn a_room_that_appears_after_a_crash_in_our_create_is_not_taken() {
    for (ours, held, people) in FOREIGN {
        for later in [0, 40] {
            in_moved_time(async {
                let world = world().await;
                let desired = declare(&world, "", ours);
                world.script.strike(Call::CreateRoom, 1, Mishap::LostBefore);
                let run = tokio::time::timeout(MEANWHILE, async {
                    world.apply(&desired, &How::plain()).await.expect("a state");
                });
                assert!(run.await.is_err(), "cut short while it waits");
                theirs(&world, &desired, held, *people).await;
                tokio::time::sleep(Duration::from_secs(later)).await;
                let before = stats(&world).expect("theirs");
                // A plan without the means to write says the same once nothing can land any more.
                let plan = world.plan(&desired, Refresh::Due).await.expect("a plan");
                assert_eq!((plan.steps.len(), plan.blocked.len()), (0, usize::from(later > 0)));
                let ran = world.apply(&desired, &How::with_consent()).await.expect("a state").ran();
                assert_eq!(ran.plan.blocked[0].reason, HeldReason::Contested);
                is_protected(&world, &desired, &before).await;
            });
        }
    }
}

#[test]
fn a_room_that_appears_once_our_destroy_may_have_landed_is_not_destroyed() {
    for (ours, held, people) in other_than_ours() {
        in_moved_time(async {
            let world = World::new(service());
            let desired = declare(&world, "on_occupied: destroy", ours);
            world.apply(&desired, &How::plain()).await.expect("a state").ran();
            let nothing = nothing_desired(desired.clone());
            world.script.strike(Call::DestroyRoom, 1, Mishap::Late);
            let how = How::with_consent();
            let (ran, ()) = tokio::join!(world.apply(&nothing, &how), async {
                // It lands after nine seconds, and whoever waited for the name takes it.
                tokio::time::sleep(Duration::from_secs(10)).await;
                theirs(&world, &desired, held, *people).await;
            });
            let ran = ran.expect("a state").ran();
            assert!(matches!(&ran.outcome.failed[..], [failure] if failure.pending));
            let before = stats(&world).expect("theirs");
            assert_eq!((before.name.as_deref(), before.people), (Some("Theirs"), *people));
            is_protected(&world, &nothing, &before).await;
        });
    }
}

#[test]
fn a_room_that_appears_after_a_crash_in_our_destroy_is_not_destroyed() {
    for (ours, held, people) in other_than_ours() {
        in_moved_time(async {
            let world = World::new(service());
            let desired = declare(&world, "on_occupied: destroy", ours);
            world.apply(&desired, &How::plain()).await.expect("a state").ran();
            let nothing = nothing_desired(desired.clone());
            world.script.strike(Call::DestroyRoom, 1, Mishap::Late);
            let run = tokio::time::timeout(MEANWHILE, async {
                world.apply(&nothing, &How::with_consent()).await.expect("a state");
            });
            assert!(run.await.is_err(), "cut short while it waits");
            tokio::time::sleep(Duration::from_secs(10)).await;
            theirs(&world, &desired, held, *people).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
            let before = stats(&world).expect("theirs");
            let ran = world.apply(&nothing, &How::with_consent()).await.expect("a state").ran();
            assert_eq!(ran.plan.blocked[0].reason, HeldReason::Contested);
            is_protected(&world, &nothing, &before).await;
        });
    }
}

#[test]
fn where_nothing_can_be_compared_a_destroy_is_not_repeated_by_itself() {
    in_moved_time(async {
        let world = World::new(service());
        let desired = declare(&world, "on_occupied: destroy", NONE);
        world.apply(&desired, &How::plain()).await.expect("a state").ran();
        let nothing = nothing_desired(desired.clone());
        world.script.strike(Call::DestroyRoom, 1, Mishap::LostBefore);
        let ran = world.apply(&nothing, &How::with_consent()).await.expect("a state").ran();
        assert!(matches!(&ran.outcome.failed[..], [failure] if failure.pending));
        let recorded = world.recorded().await.expect("a state");
        assert!(recorded.rooms[&at("chat", "lobby")].assumed.any());
        // The next plan shows the destroy, and whoever approves it is heard.
        let ran = world.apply(&nothing, &How::with_consent()).await.expect("a state").ran();
        assert_eq!((ran.outcome.done.len(), stats(&world)), (1, None));
    });
}

#[test]
fn a_room_that_appears_after_ours_was_found_missing_is_not_taken_even_where_it_looks_like_ours() {
    in_moved_time(async {
        let world = World::new(service());
        let desired = declare(&world, "", OURS);
        world.script.strike(Call::CreateRoom, 1, Mishap::LostBefore);
        // The second look, which is final, is answered as if nothing were there yet.
        world.script.strike(Call::QueryRoomUserList, 2, Mishap::Answered(660_300_001));
        let how = How::with_consent();
        let (ran, ()) = tokio::join!(world.apply(&desired, &how), async {
            tokio::time::sleep(MEANWHILE).await;
            theirs(&world, &desired, OURS, 300).await;
        });
        let ran = ran.expect("a state").ran();
        assert!(
            matches!(&ran.outcome.failed[..], [failure] if failure.pending),
            "{:?}",
            ran.outcome
        );
        assert!(world.script.is_over());
        let before = stats(&world).expect("theirs");
        is_protected(&world, &desired, &before).await;
    });
}

#[test]
fn a_create_that_was_known_not_to_be_done_makes_no_room_ours() {
    in_moved_time(async {
        let world = World::new(service());
        let desired = declare(&world, "", OURS);
        world.script.strike(Call::CreateRoom, 1, Mishap::Refused);
        theirs(&world, &desired, OURS, 300).await;
        let ran = world.apply(&desired, &How::with_consent()).await.expect("a state").ran();
        assert!(matches!(&ran.outcome.failed[..], [failure] if !failure.pending));
        assert!(world.recorded().await.expect("a state").rooms.is_empty(), "a plain conflict");
    });
}

#[test]
fn ours_is_ours_also_where_its_attributes_were_dropped_since() {
    for (emptied, later, contested) in [(false, 0, false), (true, 120, false), (true, 0, true)] {
        in_moved_time(async {
            let world = world().await;
            let desired = declare(&world, "", OURS);
            world.script.strike(Call::CreateRoom, 1, Mishap::LostAfter);
            // No look is answered either: the create stays open.
            for nth in 1..=LOOKS {
                world.script.strike(Call::QueryRoomUserList, nth, Mishap::LostBefore);
            }
            let ran = world.apply(&desired, &How::plain()).await.expect("a state").ran();
            assert!(matches!(&ran.outcome.failed[..], [failure] if failure.pending));
            if emptied {
                let kind = roomctl::model::Kind::Zim;
                world.emulator.enter(kind, APP, &lobby(), 1).expect("entered");
                world.emulator.leave(kind, APP, &lobby(), None).expect("left");
            }
            tokio::time::sleep(Duration::from_secs(later)).await;
            world.apply(&desired, &How::plain()).await.expect("a state").ran();
            let recorded = world.recorded().await.expect("a state");
            let record = &recorded.rooms[&at("chat", "lobby")];
            assert_eq!((record.contested.is_some(), &record.pending), (contested, &None));
        });
    }
}

#[test]
fn a_contested_room_that_is_gone_makes_place_for_ours() {
    in_moved_time(async {
        let world = World::new(service());
        let desired = declare(&world, "", OURS);
        world.script.strike(Call::CreateRoom, 1, Mishap::LostBefore);
        let how = How::with_consent();
        let (_, ()) = tokio::join!(world.apply(&desired, &how), async {
            tokio::time::sleep(MEANWHILE).await;
            theirs(&world, &desired, NONE, 0).await;
        });
        world.stranger(&desired).await.destroy("lobby").await;
        let ran = world.apply(&desired, &How::plain()).await.expect("a state").ran();
        assert_eq!((ran.outcome.done.len(), ran.outcome.failed.len()), (1, 0));
        assert_eq!(stats(&world).expect("ours").attributes, attributes(OURS));
        let plan = world.plan(&desired, Refresh::All).await.expect("a plan");
        assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 0));
    });
}

/// The end of a command of the binary: its code and all it said.
async fn says(served: &Served, arguments: &[&str], expected: i32, words: &str) {
    let end = served.run(arguments).await;
    let End::Exited { code, words: said } = end else { panic!("{arguments:?} was killed") };
    assert_eq!(code, Some(expected), "{arguments:?}: {said}");
    assert!(said.contains(words), "{arguments:?} lacks `{words}`: {said}");
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
    theirs(&served.world, &desired, &[("x", "1")], 300).await;
    let before = stats(&served.world).expect("theirs");
    let apply = ["apply", "--auto-approve", "--allow-destroy", "9", "--evict", "chat/lobby"];
    says(&served, &apply, 3, "its origin is uncertain").await;
    says(&served, &["state", "show", "chat/lobby"], 0, "contested").await;
    says(&served, &["import", "--all-declared"], 0, "`roomctl import chat/lobby` takes it").await;
    let destroy = ["destroy", "--auto-approve", "--allow-destroy", "9"];
    says(&served, &destroy, 3, "roomctl state rm chat/lobby").await;
    assert_eq!(stats(&served.world).as_ref(), Some(&before));
    says(&served, &["import", "chat/lobby"], 0, "Import: 1 recorded").await;
    says(&served, &["apply", "--auto-approve"], 0, "1 updated").await;
    let after = stats(&served.world).expect("ours now");
    assert_eq!((after.people, after.attributes.len()), (300, 2));
}
