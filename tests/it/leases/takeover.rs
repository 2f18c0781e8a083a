//! A takeover after a crash: open intents of the earlier holder, and rooms that are watched.

use std::time::Duration;

use roomctl::applier::StopSwitch;
use roomctl::emulator::{Action, EmulatorConfig};
use roomctl::engine::SessionError;
use roomctl::model::{Action as StepAction, Call, Desired, Event, RecordedRoom, Refresh};
use tokio::time::Instant;

use super::{apply_and_take_over, chat_rooms, service};
use crate::stores::lease::LeaseStore;
use crate::support::fleet::{CHAT, FLEETS, Fleet, HEAD, MIXED, converge_and_check, no_orphans};
use crate::support::{
    Ended, Fuse, InjectedFault, RunOptions, World, at, service as fast_service, with_paused_clock,
};

/// Applies until a crash right after the first create was sent.
async fn crash_after_a_create(world: &World, desired: &Desired, fault: InjectedFault) {
    for connection in world.connect(desired, &Fuse::never()).values() {
        connection.client.register_user(None).await.expect("registered");
    }
    world.script.inject(Call::CreateRoom, 1, fault);
    let create_sent = async {
        while !world.script.sent().contains(&Call::CreateRoom) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let fuse = Fuse::never();
    let how = RunOptions { fuse: fuse.clone(), ..RunOptions::with_consent() };
    tokio::select! {
        ended = world.apply(desired, &how) => panic!("{ended:?}"),
        () = create_sent => {}
    }
    // Lets the request arrive.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Returns the times of all lookups.
fn lookups(world: &World) -> Vec<Instant> {
    let calls = world.stats().calls;
    calls.get(&Action::QueryRoomUserList).map(|it| it.arrivals.clone()).unwrap_or_default()
}

/// Returns the record of the room.
async fn record_of_room(world: &World) -> Option<RecordedRoom> {
    world.recorded().await.expect("a state").rooms.get(&at("chat", "r00000")).cloned()
}

/// Returns a state whose create was sent but did not arrive before the lease was taken over, as
/// from a suspended holder.
async fn suspended_create() -> (World, LeaseStore, Desired) {
    let store = LeaseStore::new(Duration::from_millis(50));
    let world = World::leased(service(), &store);
    let desired = world.declare(&chat_rooms(1));
    crash_after_a_create(&world, &desired, InjectedFault::LostBefore).await;
    store.take_over();
    (world, store, desired)
}

fn no_rooms(world: &World) -> Desired {
    world.declare(&format!("{HEAD}rooms: []\n"))
}

#[test]
fn open_intents_of_others_are_looked_up_after_their_calls_ended() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_millis(50));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(1));
        crash_after_a_create(&world, &desired, InjectedFault::Late).await;
        store.take_over();
        let before = lookups(&world).len();
        let start = Instant::now();
        let how = RunOptions::with_consent().refresh(Refresh::All);
        let ran = world.apply(&desired, &how).await.expect("a state").ran();
        let awaited = ran.events.iter().find_map(|event| match event {
            Event::CallsAwaited(rooms, time) => Some((*rooms, *time)),
            Event::ReadsStarted(_)
            | Event::RoomsRead(_)
            | Event::ReadsEnded
            | Event::StepsStarted(_)
            | Event::Step(_)
            | Event::StepsEnded => None,
        });
        assert_eq!(awaited, Some((1, Duration::from_secs(12))));
        let stats = world.stats();
        let first = lookups(&world)[before];
        assert!(first - start >= Duration::from_secs(12), "{:?}", first - start);
        assert_eq!(
            (ran.plan.steps.len(), stats.rooms.len()),
            (0, 1),
            "the room is recorded as created by this state"
        );
        let again = Instant::now();
        let ran = world.apply(&desired, &how).await.expect("a state").ran();
        assert_eq!(ran.plan.steps.len(), 0);
        assert!(
            again.elapsed() < Duration::from_secs(4),
            "no intent is open: {:?}",
            again.elapsed()
        );
    });
}

#[test]
fn a_stop_ends_the_wait_for_the_calls_of_others() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_millis(50));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(1));
        crash_after_a_create(&world, &desired, InjectedFault::LostBefore).await;
        store.take_over();
        let before = lookups(&world).len();
        let ((switch, stop), start) = (StopSwitch::new(), Instant::now());
        let (error, ()) =
            tokio::join!(apply_and_take_over(&world, &store, &desired, &stop), async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                switch.stop();
            });
        assert!(matches!(error, SessionError::Interrupted { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(lookups(&world).len(), before);
        world.apply(&no_rooms(&world), &RunOptions::plain()).await.expect("a state").ran();
        let pending =
            record_of_room(&world).await.and_then(|record| record.pending).expect("watched");
        assert!(pending.absent_until.is_some(), "the lease was taken over before: {pending:?}");
    });
}

#[test]
fn a_missing_room_is_watched_after_a_takeover_and_then_forgotten() {
    with_paused_clock(async {
        let (world, _store, _) = suspended_create().await;
        let none = no_rooms(&world);
        for _ in 0..2 {
            let ran = world.apply(&none, &RunOptions::plain()).await.expect("a state").ran();
            assert!(ran.plan.has_nothing_to_do(), "{:?}", ran.plan);
            let pending =
                record_of_room(&world).await.and_then(|record| record.pending).expect("watched");
            let until = pending.absent_until.expect("until the signature is refused");
            assert_eq!(until.since(pending.at), Duration::from_mins(15));
            let plan = world.plan(&none, Refresh::Due).await.expect("a plan");
            assert!(plan.has_nothing_to_do(), "{plan:?}");
        }
        tokio::time::sleep(Duration::from_mins(15)).await;
        let ran = world.apply(&none, &RunOptions::plain()).await.expect("a state").ran();
        assert!(ran.plan.has_nothing_to_do(), "{:?}", ran.plan);
        assert_eq!(record_of_room(&world).await, None);
    });
}

#[test]
fn a_watched_room_that_appears_is_kept_or_destroyed_as_declared() {
    for keeps in [true, false] {
        with_paused_clock(async {
            let (world, _store, desired) = suspended_create().await;
            let none = no_rooms(&world);
            world.apply(&none, &RunOptions::plain()).await.expect("a state").ran();
            tokio::time::sleep(Duration::from_mins(7)).await;
            let late = desired.rooms[0].room.as_ref().clone();
            world.other_client(&desired).await.create("r00000", late).await;
            let wanted = if keeps { desired } else { none };
            let start = Instant::now();
            let ran =
                world.apply(&wanted, &RunOptions::with_consent()).await.expect("a state").ran();
            assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
            let steps: Vec<_> = ran.plan.steps.iter().map(|step| step.action).collect();
            assert_eq!(steps, if keeps { vec![] } else { vec![StepAction::Destroy] });
            assert_eq!(world.stats().rooms.len(), usize::from(keeps));
            let pending = record_of_room(&world).await.map(|record| record.pending);
            assert_eq!(pending, keeps.then_some(None));
        });
    }
}

#[test]
fn a_watched_room_that_is_declared_is_created() {
    with_paused_clock(async {
        let (world, store, desired) = suspended_create().await;
        world.apply(&no_rooms(&world), &RunOptions::plain()).await.expect("a state").ran();
        for steps in [vec![StepAction::Create], vec![]] {
            let ran = world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            let found: Vec<_> = ran.plan.steps.iter().map(|step| step.action).collect();
            assert_eq!(found, steps);
        }
        assert_eq!(record_of_room(&world).await.expect("recorded").pending, None);
        store.assert_covered();
    });
}

/// Returns a service so slow that many calls are in flight at any moment and take effect after a
/// crash.
fn slow_service(seed: u64) -> EmulatorConfig {
    let (latency, jitter) = (Duration::from_secs(2), Duration::from_secs(6));
    EmulatorConfig { latency, jitter, seed, ..fast_service() }
}

/// Applies both editions. A run of the second one crashes at `moment`, and another run takes over.
async fn crash_and_take_over(fleet: Fleet, moment: u64) -> Result<Ended, String> {
    let store = LeaseStore::new(Duration::from_millis(300));
    let world = World::leased(slow_service(moment), &store);
    let [first, second] = fleet.editions();
    converge_and_check(&world, &world.declare(&first.text), &first).await?;
    fleet.add_people(&world);
    let desired = world.declare(&second.text);
    let how = RunOptions { fuse: Fuse::after(moment), ..RunOptions::with_consent() };
    let ended = world.apply(&desired, &how).await.map_err(|error| error.to_string())?;
    if matches!(ended, Ended::Crashed) {
        store.take_over();
    }
    no_orphans(&world).await?;
    converge_and_check(&world, &desired, &second).await?;
    store.assert_covered();
    Ok(ended)
}

#[test]
fn every_fleet_converges() {
    for fleet in FLEETS {
        let ended = with_paused_clock(crash_and_take_over(fleet, u64::MAX));
        assert!(matches!(ended, Ok(Ended::Completed(_))), "{}: {ended:?}", fleet.name);
    }
}

#[test]
fn a_takeover_after_a_crash_at_any_moment_loses_no_room() {
    for (fleet, stride) in [(CHAT, 2), (MIXED, 13)] {
        let mut reached = 0;
        for moment in (0..).step_by(stride) {
            match with_paused_clock(crash_and_take_over(fleet, moment)) {
                Ok(Ended::Crashed) => reached = moment,
                Ok(Ended::Completed(_)) => break,
                Err(why) => panic!("{} at moment {moment}: {why}", fleet.name),
            }
        }
        assert!(reached > 40, "{}: {reached} moments only", fleet.name);
    }
}
