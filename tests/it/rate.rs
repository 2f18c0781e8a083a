//! The rate limit as the service counts it: no second contains more calls than the limit.

use std::sync::Arc;
use std::time::Duration;

use roomctl::emulator::{Action, EmulatorConfig};
use roomctl::model::{Desired, Event, Kind, RoomId, StepProgress};
use roomctl::provider::http::SystemClock;

use crate::support::fleet::HEAD;
use crate::support::process::{End, Served};
use crate::support::{APP, Ended, Fuse, RunOptions, World, plain_service, with_paused_clock};

/// The vendor's limit of calls of each action in any second.
const LIMIT: usize = 20;

/// The vendor's code for a call above the rate limit.
const TOO_OFTEN: i64 = 660_300_005;

/// A service with the vendor's limit and a latency of 50 ± 30 ms.
fn remote_service(seed: u64) -> EmulatorConfig {
    let (latency, jitter) = (Duration::from_millis(20), Duration::from_millis(60));
    EmulatorConfig { latency, jitter, seed, ..plain_service() }
}

fn rooms(count: usize) -> String {
    let room = |n| format!("  - {{id: r{n:04}, destroy_delay_time: 3h}}\n");
    format!("{HEAD}rooms:\n{}", (0..count).map(room).collect::<String>())
}

/// Asserts that no action was called more than `most` times in any second, and that the service
/// refused at most `most - LIMIT` calls.
fn assert_within_limit(world: &World, most: usize) {
    let stats = world.stats();
    let mut refused = 0_usize;
    for action in Action::ALL {
        let busiest = stats.busiest_second(action);
        assert!(busiest <= most, "{busiest} calls of {} in a second", action.as_str());
        refused += usize::try_from(stats.answered(action, TOO_OFTEN)).expect("a number");
    }
    assert!(refused <= most - LIMIT, "{refused} calls were refused");
}

#[test]
fn a_thousand_creates_stay_within_the_limit() {
    for seed in 0..3 {
        with_paused_clock(async {
            let world = World::new(remote_service(seed));
            let desired = world.declare(&rooms(1_000));
            let ran = world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            assert_eq!(ran.outcome.done.len(), 1_000);
            assert_eq!(world.stats().rooms.len(), 1_000);
            assert_within_limit(&world, LIMIT);
        });
    }
}

#[test]
fn consecutive_runs_stay_within_the_limit() {
    with_paused_clock(async {
        let world = World::new(remote_service(7));
        for count in [50, 100, 150] {
            let desired = world.declare(&rooms(count));
            world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
        }
        assert_eq!(world.stats().rooms.len(), 150);
        assert_within_limit(&world, LIMIT);
    });
}

#[test]
fn a_run_after_a_crash_stays_within_the_limit() {
    for moment in 100..112 {
        with_paused_clock(async {
            // Without latency every call may have taken effect at the crash, so that the next run has no
            // lookup to wait for.
            let world = World::new(plain_service());
            let desired = world.declare(&rooms(90));
            for _ in 0..3 {
                let how = RunOptions { fuse: Fuse::after(moment), ..RunOptions::plain() };
                let ended = world.apply(&desired, &how).await.expect("a state");
                assert!(matches!(ended, Ended::Crashed));
            }
            world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            assert_eq!(world.stats().rooms.len(), 90);
            assert_within_limit(&world, LIMIT);
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_binary_stays_within_the_limit_in_real_time() {
    let served = Served::new(World::by(Arc::new(SystemClock), remote_service(3))).await;
    // Half of the limit, as `init` writes it: when the machine stalls for half a second, the requests
    // of that time arrive all at once.
    served.declare(&rooms(60), "rate_share: 50%");
    let end = served.apply().await;
    assert!(matches!(&end, End::Exited { code: Some(0), .. }), "{end:?}");
    let stats = served.world.stats();
    assert_eq!((stats.rooms.len(), stats.served(Action::CreateRoom)), (60, 60));
    assert_within_limit(&served.world, LIMIT);
}

/// Tencent's limit of creates in any second, and its code for a create above it.
const LIVE_LIMIT: f64 = 200.0;
const LIVE_TOO_OFTEN: i64 = 60_019;

/// The number of live rooms: their creates take twenty seconds at the limit.
const LIVE_ROOMS: usize = 4_000;

/// A service with the vendors' limits and a latency of 80 ± 40 ms.
fn distant_service(seed: u64) -> EmulatorConfig {
    let (latency, jitter) = (Duration::from_millis(40), Duration::from_millis(80));
    EmulatorConfig { latency, jitter, seed, ..plain_service() }
}

fn live_rooms() -> String {
    let room = |n| format!("  - {{id: r{n:04}, seat_template: Karaoke}}\n");
    let rooms: String = (0..LIVE_ROOMS).map(room).collect();
    format!(
        "version: 1\nproviders: {{live: {{kind: tencent-live, app_id: 1, operator: admin, \
         endpoint: emulator}}}}\nstate: rooms.state.json\nrooms:\n{rooms}"
    )
}

/// The creates arrive at 93 % of the limit or more, and at most 1 % of them are refused.
#[test]
fn live_rooms_are_created_close_to_the_limit() {
    for seed in 0..3 {
        with_paused_clock(async {
            let world = World::new(distant_service(seed));
            let desired = world.declare(&live_rooms());
            let ran = world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            assert_eq!(ran.outcome.done.len(), LIVE_ROOMS);
            let stats = world.stats_of(Kind::TencentLive);
            let arrivals = &stats.calls[&Action::LiveCreateRoom].arrivals;
            let took = arrivals[arrivals.len() - 1] - arrivals[0];
            let pace = f64::from(u32::try_from(LIVE_ROOMS).expect("few")) / took.as_secs_f64();
            assert!(pace >= 0.93 * LIVE_LIMIT, "seed {seed}: {pace} a second");
            let refused = stats.answered(Action::LiveCreateRoom, LIVE_TOO_OFTEN);
            assert!(refused * 100 <= LIVE_ROOMS as u64, "seed {seed}: {refused} refused");
        });
    }
}

/// Tencent's code for a room that is created again within a second.
const TOO_SOON: i64 = 100_012;

#[test]
fn a_replaced_live_room_waits_a_second_without_delaying_other_rooms() {
    with_paused_clock(async {
        let world = World::new(plain_service());
        let rooms = |owner: &str, others: usize| {
            let room = |n| format!("  - {{id: r{n}, seat_template: Karaoke}}\n");
            let others: String = (0..others).map(room).collect();
            world.declare(&format!(
                "version: 1\nproviders: {{live: {{kind: tencent-live, app_id: 1, operator: admin, \
                 endpoint: emulator}}}}\nstate: rooms.state.json\nrooms:\n\
                 \x20 - {{id: again, owner: {owner}, seat_template: Karaoke}}\n{others}"
            ))
        };
        world.apply(&rooms("alice", 0), &RunOptions::plain()).await.expect("a state").ran();
        let start = tokio::time::Instant::now();
        let ran = world
            .apply(&rooms("bob", 5), &RunOptions::with_consent())
            .await
            .expect("a state")
            .ran();
        assert_eq!((ran.outcome.done.len(), ran.outcome.failed.len()), (6, 0));
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        let stats = world.stats_of(Kind::TencentLive);
        assert_eq!(stats.answered(Action::LiveCreateRoom, TOO_SOON), 1);
        let last = ran.outcome.done.last().map(|(address, _)| address.to_string());
        assert_eq!(last.as_deref(), Some("live/again"), "other rooms waited for the replaced one");
    });
}

/// Declares the video rooms `first..count`.
fn video_rooms(world: &World, share: &str, first: usize, count: usize) -> Desired {
    let room = |n| format!("  - {{id: r{n:02}}}\n");
    let rooms: String = (first..count).map(room).collect();
    let rooms =
        if rooms.is_empty() { "rooms: []\n".to_owned() } else { format!("rooms:\n{rooms}") };
    world.declare(&format!(
        "version: 1\nproviders: {{video: {{kind: rtc, app_id: 1, endpoint: emulator, \
         rate_share: {share}}}}}\nstate: rooms.state.json\n{rooms}"
    ))
}

/// The vendor allows one close per second over all rooms; half of that is one in two seconds.
#[test]
fn closes_are_a_second_apart_also_across_runs() {
    for (share, apart) in [("100%", 1), ("50%", 2)] {
        for seed in 0..6 {
            with_paused_clock(async {
                let world = World::new(distant_service(seed));
                let all = video_rooms(&world, share, 0, 24);
                world.apply(&all, &RunOptions::plain()).await.expect("a state").ran();
                for declared in &all.rooms {
                    let room: &RoomId = &declared.address.room;
                    world.emulator.enter(Kind::Rtc, APP, room, 2).expect("entered");
                }
                for first in [9, 10, 17, 24] {
                    let left = video_rooms(&world, share, first, 24);
                    let how = RunOptions::with_consent();
                    let ran = world.apply(&left, &how).await.expect("a state").ran();
                    assert_eq!(ran.outcome.failed, []);
                }
                let stats = world.stats_of(Kind::Rtc);
                assert_eq!((stats.rooms.len(), stats.served(Action::CloseRoom)), (0, 24));
                let arrivals = &stats.calls[&Action::CloseRoom].arrivals;
                let nearest = arrivals.windows(2).map(|pair| pair[1] - pair[0]).min();
                let nearest = nearest.expect("more than one close");
                assert!(nearest >= Duration::from_secs(apart), "{share}, seed {seed}: {nearest:?}");
            });
        }
    }
}

/// Declares no room, under `on_occupied: defer`: every room is queried, then destroyed.
fn no_rooms(world: &World) -> Desired {
    world.declare(&format!("{HEAD}policy: {{on_occupied: defer}}\nrooms: []\n"))
}

/// With a round trip of 300 ms, the occupancy queries do not slow the destroys down.
#[test]
fn destroys_with_an_occupancy_query_run_close_to_the_limit() {
    const ROOMS: usize = 300;
    for jitter in [0, 40] {
        with_paused_clock(async {
            let (latency, jitter) = (Duration::from_millis(300), Duration::from_millis(jitter));
            let world = World::new(EmulatorConfig { latency, jitter, ..plain_service() });
            let desired = world.declare(&rooms(ROOMS));
            world.apply(&desired, &RunOptions::plain()).await.expect("a state").ran();
            let how = RunOptions::with_consent();
            let ran = world.apply(&no_rooms(&world), &how).await.expect("a state").ran();
            assert_eq!(ran.outcome.done.len(), ROOMS);
            let order: Vec<_> = ran.plan.steps.iter().map(|step| &step.address).collect();
            let started = ran.events.iter().filter_map(|event| match event {
                Event::Step(step) => {
                    (step.progress == StepProgress::Started).then_some(&step.address)
                }
                Event::CallsAwaited(..)
                | Event::ReadsStarted(_)
                | Event::RoomsRead(_)
                | Event::ReadsEnded
                | Event::StepsStarted(_)
                | Event::StepsEnded => None,
            });
            assert_eq!(
                started.collect::<Vec<_>>(),
                order,
                "steps did not start in the plan's order"
            );
            let stats = world.stats();
            let arrivals = &stats.calls[&Action::DestroyRoom].arrivals;
            let took = arrivals[arrivals.len() - 1] - arrivals[0];
            let pace = f64::from(u32::try_from(ROOMS).expect("few")) / took.as_secs_f64();
            assert!(pace >= 19.0, "{pace} a second");
            assert_within_limit(&world, LIMIT);
        });
    }
}

/// At one destroy a second, an occupancy answer is stale by the time its destroy gets a permit: the query
/// is repeated and finds the people who entered meanwhile.
#[test]
fn a_stale_occupancy_answer_is_queried_again() {
    const ROOMS: usize = 10;
    with_paused_clock(async {
        let world = World::new(plain_service());
        let head = HEAD.replace("endpoint", "rate_limit: {DestroyRoom: 1}, endpoint");
        let text = rooms(ROOMS).replace(HEAD, &head);
        world.apply(&world.declare(&text), &RunOptions::plain()).await.expect("a state").ran();
        let nothing = world.declare(&format!("{head}rooms: []\n"));
        let how = RunOptions::with_consent();
        let (ran, ()) = tokio::join!(world.apply(&nothing, &how), async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let room = RoomId::new("r0009");
            world.emulator.enter(Kind::Zim, APP, &room, 300).expect("entered");
        });
        let ran = ran.expect("a state").ran();
        assert_eq!((ran.outcome.done.len(), ran.outcome.waiting.len()), (ROOMS - 1, 1));
        assert_eq!(world.stats().rooms[&RoomId::new("r0009")].people, 300);
    });
}
