//! The rate limit as the service counts it: no second with more calls than it allows.

use std::sync::Arc;
use std::time::Duration;

use roomctl::emulator::{Action, EmulatorConfig};
use roomctl::model::{Desired, Event, Kind, RoomId, StepProgress};
use roomctl::provider::http::SystemClock;

use crate::support::fleet::HEAD;
use crate::support::process::{End, Served};
use crate::support::{APP, Ended, Fuse, How, World, in_moved_time, plain_service};

/// What the vendor allows of each action in any second.
const LIMIT: usize = 20;

/// The vendor's code for a call that came too often.
const TOO_OFTEN: i64 = 660_300_005;

/// The vendor's limit, at the end of a line whose latency is 50 ± 30 ms.
fn far_away(seed: u64) -> EmulatorConfig {
    let (latency, jitter) = (Duration::from_millis(20), Duration::from_millis(60));
    EmulatorConfig { latency, jitter, seed, ..plain_service() }
}

fn rooms(count: usize) -> String {
    let room = |n| format!("  - {{id: r{n:04}, destroy_delay_time: 3h}}\n");
    format!("{HEAD}rooms:\n{}", (0..count).map(room).collect::<String>())
}

/// Asserts that no action was called more often than `most` times in any second.
fn assert_inside(world: &World, most: usize) {
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
fn a_thousand_creates_stay_inside() {
    for seed in 0..3 {
        in_moved_time(async {
            let world = World::new(far_away(seed));
            let desired = world.declare(&rooms(1_000));
            let ran = world.apply(&desired, &How::plain()).await.expect("a state").ran();
            assert_eq!(ran.outcome.done.len(), 1_000);
            assert_eq!(world.stats().rooms.len(), 1_000);
            assert_inside(&world, LIMIT);
        });
    }
}

#[test]
fn two_runs_in_a_row_stay_inside() {
    in_moved_time(async {
        let world = World::new(far_away(7));
        for count in [50, 100, 150] {
            let desired = world.declare(&rooms(count));
            world.apply(&desired, &How::plain()).await.expect("a state").ran();
        }
        assert_eq!(world.stats().rooms.len(), 150);
        assert_inside(&world, LIMIT);
    });
}

#[test]
fn a_run_after_a_crash_stays_inside() {
    for moment in 100..112 {
        in_moved_time(async {
            // Without latency all may have landed at a crash: the next run has nothing to wait for.
            let world = World::new(plain_service());
            let desired = world.declare(&rooms(90));
            for _ in 0..3 {
                let how = How { fuse: Fuse::after(moment), ..How::plain() };
                let ended = world.apply(&desired, &how).await.expect("a state");
                assert!(matches!(ended, Ended::Crashed));
            }
            world.apply(&desired, &How::plain()).await.expect("a state").ran();
            assert_eq!(world.stats().rooms.len(), 90);
            assert_inside(&world, LIMIT);
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_binary_stays_inside_in_real_time() {
    let served = Served::new(World::by(Arc::new(SystemClock), far_away(3))).await;
    // Half of the limit, as `init` writes it: a machine that stands still for half a second brings
    // what was sent meanwhile all at once.
    served.declare(&rooms(60), "rate_share: 50%");
    let end = served.apply().await;
    assert!(matches!(&end, End::Exited { code: Some(0), .. }), "{end:?}");
    let stats = served.world.stats();
    assert_eq!((stats.rooms.len(), stats.served(Action::CreateRoom)), (60, 60));
    assert_inside(&served.world, LIMIT);
}

/// Tencent's limit of creates in any second, and its code for one that came too often.
const LIVE_LIMIT: f64 = 200.0;
const LIVE_TOO_OFTEN: i64 = 60_019;

/// Live rooms that take twenty seconds at the limit.
const LIVE_ROOMS: usize = 4_000;

/// The vendors' limits, at the end of a line whose latency is 80 ± 40 ms.
fn farther_away(seed: u64) -> EmulatorConfig {
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

/// 93 % of the limit, as the service counts it, and 1 % refused.
#[test]
fn live_rooms_come_nearly_at_the_limit() {
    for seed in 0..3 {
        in_moved_time(async {
            let world = World::new(farther_away(seed));
            let desired = world.declare(&live_rooms());
            let ran = world.apply(&desired, &How::plain()).await.expect("a state").ran();
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

/// Tencent's code for a room that is created twice within a second.
const TOO_SOON: i64 = 100_012;

#[test]
fn a_live_room_that_is_made_anew_at_once_waits_a_second_and_holds_nobody_up() {
    in_moved_time(async {
        let world = World::new(plain_service());
        let rooms = |owner: &str, others: usize| {
            let room = |n| format!("  - {{id: r{n}, seat_template: Karaoke}}\n");
            let others: String = (0..others).map(room).collect();
            world.declare(&format!(
                "version: 1\nproviders: {{live: {{kind: tencent-live, app_id: 1, operator: admin, \
                 endpoint: emulator}}}}\nstate: rooms.state.json\nrooms:\n\
                 \x20 - {{id: anew, owner: {owner}, seat_template: Karaoke}}\n{others}"
            ))
        };
        world.apply(&rooms("alice", 0), &How::plain()).await.expect("a state").ran();
        let start = tokio::time::Instant::now();
        let ran = world.apply(&rooms("bob", 5), &How::with_consent()).await.expect("a state").ran();
        assert_eq!((ran.outcome.done.len(), ran.outcome.failed.len()), (6, 0));
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        let stats = world.stats_of(Kind::TencentLive);
        assert_eq!(stats.answered(Action::LiveCreateRoom, TOO_SOON), 1);
        let last = ran.outcome.done.last().map(|(address, _)| address.to_string());
        assert_eq!(last.as_deref(), Some("live/anew"), "the others did not wait for it");
    });
}

/// So many video rooms, from `first` on.
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

/// The vendor takes one in any second, over all rooms; half of it is one in two.
#[test]
fn no_two_closes_come_within_a_second_also_over_several_runs() {
    for (share, apart) in [("100%", 1), ("50%", 2)] {
        for seed in 0..6 {
            in_moved_time(async {
                let world = World::new(farther_away(seed));
                let all = video_rooms(&world, share, 0, 24);
                world.apply(&all, &How::plain()).await.expect("a state").ran();
                for declared in &all.rooms {
                    let room: &RoomId = &declared.address.room;
                    world.emulator.enter(Kind::Rtc, APP, room, 2).expect("entered");
                }
                for first in [9, 10, 17, 24] {
                    let left = video_rooms(&world, share, first, 24);
                    let how = How::with_consent();
                    let ran = world.apply(&left, &how).await.expect("a state").ran();
                    assert_eq!(ran.outcome.failed, []);
                }
                let stats = world.stats_of(Kind::Rtc);
                assert_eq!((stats.rooms.len(), stats.served(Action::CloseRoom)), (0, 24));
                let arrivals = &stats.calls[&Action::CloseRoom].arrivals;
                let nearest = arrivals.windows(2).map(|pair| pair[1] - pair[0]).min();
                let nearest = nearest.expect("several");
                assert!(nearest >= Duration::from_secs(apart), "{share}, seed {seed}: {nearest:?}");
            });
        }
    }
}

/// The rooms of a second edition without any: destroyed under `defer`, each asked after before.
fn every_room_goes(world: &World) -> Desired {
    world.declare(&format!("{HEAD}policy: {{on_occupied: defer}}\nrooms: []\n"))
}

/// A round trip of 300 ms, and the vendor's limit: asking who is inside does not hold up the destroys.
#[test]
fn destroys_that_ask_first_come_nearly_at_the_limit() {
    const ROOMS: usize = 300;
    for jitter in [0, 40] {
        in_moved_time(async {
            let (latency, jitter) = (Duration::from_millis(300), Duration::from_millis(jitter));
            let world = World::new(EmulatorConfig { latency, jitter, ..plain_service() });
            let desired = world.declare(&rooms(ROOMS));
            world.apply(&desired, &How::plain()).await.expect("a state").ran();
            let how = How::with_consent();
            let ran = world.apply(&every_room_goes(&world), &how).await.expect("a state").ran();
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
            assert_eq!(started.collect::<Vec<_>>(), order, "in the plan's order");
            let stats = world.stats();
            let arrivals = &stats.calls[&Action::DestroyRoom].arrivals;
            let took = arrivals[arrivals.len() - 1] - arrivals[0];
            let pace = f64::from(u32::try_from(ROOMS).expect("few")) / took.as_secs_f64();
            assert!(pace >= 19.0, "{pace} a second");
            assert_inside(&world, LIMIT);
        });
    }
}

/// At one destroy a second an answer is old when the permit comes: whoever has come since is seen.
#[test]
fn an_answer_that_grew_old_is_asked_again() {
    const ROOMS: usize = 10;
    in_moved_time(async {
        let world = World::new(plain_service());
        let head = HEAD.replace("endpoint", "rate_limit: {DestroyRoom: 1}, endpoint");
        let text = rooms(ROOMS).replace(HEAD, &head);
        world.apply(&world.declare(&text), &How::plain()).await.expect("a state").ran();
        let nothing = world.declare(&format!("{head}rooms: []\n"));
        let how = How::with_consent();
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
