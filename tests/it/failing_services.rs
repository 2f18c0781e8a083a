//! Failing services: one that hangs, one that throttles every request, one that throttles some at random.

use std::time::Duration;

use roomctl::emulator::{Action, EmulatorConfig, FaultShare};
use roomctl::model::{Call, NotTried, Outcome, PendingKind, Plan, Refresh, StepFailure};
use tokio::time::Instant;

use crate::support::fleet::{HEAD, converge};
use crate::support::{
    InjectedFault, RunOptions, RunResult, World, plain_service, with_paused_clock,
};

const ROOMS: usize = 200;

/// ZIM's code for a request above the rate limit.
const TOO_OFTEN: i64 = 660_300_005;

fn rooms(count: usize) -> String {
    let room = |n| format!("  - {{id: r{n:04}, destroy_delay_time: 3h}}\n");
    format!("{HEAD}rooms:\n{}", (0..count).map(room).collect::<String>())
}

/// Services with the vendors' limits, a latency of 50 ± 30 ms, and these faults.
fn faulty(faults: &[&str]) -> EmulatorConfig {
    let faults: Vec<FaultShare> = faults.iter().map(|it| it.parse().expect("a fault")).collect();
    let (latency, jitter) = (Duration::from_millis(20), Duration::from_millis(60));
    EmulatorConfig { faults, latency, jitter, ..plain_service() }
}

/// Applies, and returns how long that took.
async fn apply(world: &World, text: &str) -> (RunResult, Duration) {
    let (desired, start) = (world.declare(text), Instant::now());
    let ran = world.apply(&desired, &RunOptions::with_consent()).await.expect("a state").ran();
    (ran, start.elapsed())
}

/// Plans, and returns how long that took.
async fn plan(world: &World, text: &str, refresh: Refresh) -> (Plan, Duration) {
    let (desired, start) = (world.declare(text), Instant::now());
    let plan = world.plan(&desired, refresh).await.expect("a state");
    (plan, start.elapsed())
}

/// Returns the number of rooms with a pending call, and asserts that each is a create.
async fn open_creates(world: &World) -> usize {
    let recorded = world.recorded().await.expect("a state");
    let open = recorded.rooms.values().filter_map(|room| room.pending.as_ref());
    open.inspect(|pending| assert_eq!(pending.kind, PendingKind::Create)).count()
}

/// Returns the number of steps that were not tried, and asserts that each has this reason.
fn not_tried(outcome: &Outcome, why: NotTried) -> usize {
    assert!(outcome.not_tried.iter().all(|(_, _, it)| *it == why), "{:?}", outcome.not_tried);
    outcome.not_tried.len()
}

#[test]
fn a_hanging_service_stops_the_run_in_seconds_and_loses_no_room() {
    with_paused_clock(async {
        let world = World::new(faulty(&["hang=100%"]));
        let (ran, took) = apply(&world, &rooms(ROOMS)).await;
        assert!(took <= Duration::from_secs(25), "{took:?}");
        assert_eq!(ran.outcome.done, []);
        let left = not_tried(&ran.outcome, NotTried::ProviderNoAnswer);
        let sent = ran.outcome.failed.iter().filter(|failure| failure.pending).count();
        assert_eq!(sent + left, ROOMS, "{:?}", ran.outcome.failed);
        assert!(sent >= 10, "{sent}");
        assert_eq!(open_creates(&world).await, sent, "a call that was not sent left an intent");

        let (plan, took) = plan(&world, &rooms(ROOMS), Refresh::Due).await;
        assert!(took <= Duration::from_secs(15), "{took:?}");
        assert_eq!(plan.unread.len(), sent);

        let (again, took) = apply(&world, &rooms(ROOMS)).await;
        assert!(took <= Duration::from_secs(25), "{took:?}");
        assert_eq!(not_tried(&again.outcome, NotTried::ProviderNoAnswer), left);
        assert_eq!(open_creates(&world).await, sent);
    });
}

#[test]
fn a_refresh_of_a_hanging_service_stops_after_ten_timeouts() {
    with_paused_clock(async {
        let world = World::new(faulty(&[]));
        let (ran, _) = apply(&world, &rooms(ROOMS)).await;
        assert_eq!(ran.outcome.done.len(), ROOMS);
        world.script.inject_all(Some(InjectedFault::Hangs));
        let (plan, took) = plan(&world, &rooms(ROOMS), Refresh::All).await;
        assert!(took <= Duration::from_secs(12), "{took:?}");
        assert_eq!(plan.unread.len(), ROOMS);
    });
}

#[test]
fn a_service_that_throttles_every_request_stops_the_run_in_a_minute() {
    with_paused_clock(async {
        let world = World::new(faulty(&[]));
        let (ran, _) = apply(&world, &rooms(1)).await;
        assert_eq!(ran.outcome.done.len(), 1);
        world.script.inject_all(Some(InjectedFault::Answered(TOO_OFTEN)));
        let (ran, took) = apply(&world, &rooms(ROOMS)).await;
        assert!(took <= Duration::from_secs(65), "{took:?}");
        let left = not_tried(&ran.outcome, NotTried::ProviderTooOften);
        assert_eq!(ran.outcome.failed.len() + left, ROOMS - 1);
        assert!(left > 0 && ran.outcome.failed.iter().all(|failure| !failure.pending));
        assert_eq!(open_creates(&world).await, 0);

        let (plan, took) = plan(&world, &rooms(1), Refresh::All).await;
        assert_eq!(plan.unread.len(), 1);
        assert!(took <= Duration::from_secs(65), "{took:?}");
    });
}

#[test]
fn the_next_run_calls_a_stopped_provider_again() {
    with_paused_clock(async {
        let world = World::new(faulty(&[]));
        let text = rooms(ROOMS);
        world.script.inject_all(Some(InjectedFault::Hangs));
        apply(&world, &text).await;
        world.script.inject_all(None);
        let runs = converge(&world, &world.declare(&text)).await;
        assert_eq!(runs, Ok(1));
        assert_eq!(world.stats().rooms.len(), ROOMS);
    });
}

/// A replace whose destroy was done before the provider was stopped counts as failed, not as not tried.
#[test]
fn a_step_that_was_not_tried_left_its_room_unchanged() {
    with_paused_clock(async {
        let world = World::new(faulty(&[]));
        apply(&world, &rooms(ROOMS)).await;
        for nth in 1..=1_000 {
            world.script.inject(Call::CreateRoom, nth, InjectedFault::Hangs);
            // The occupancy queries of the first 64 rooms succeed, so that their replaces start.
            world.script.inject(Call::QueryRoomUserList, 64 + nth, InjectedFault::Hangs);
        }
        let slow = "endpoint: emulator, rate_limit: {CreateRoom: 5}";
        let changed = rooms(ROOMS).replace("3h", "2h").replace("endpoint: emulator", slow);
        let (ran, _) = apply(&world, &changed).await;
        let left = not_tried(&ran.outcome, NotTried::ProviderNoAnswer);
        assert_eq!(ran.outcome.failed.len() + left, ROOMS);
        assert!(left > 0);
        let there = world.stats().rooms;
        for (address, _, _) in &ran.outcome.not_tried {
            assert!(
                there.contains_key(&address.room),
                "{address} was not tried, but its room is gone"
            );
        }
        let destroyed_only =
            |it: &&StepFailure| it.message.contains("it was destroyed") && !it.pending;
        assert!(
            ran.outcome.failed.iter().any(|it| destroyed_only(&it)),
            "{:?}",
            ran.outcome.failed
        );
    });
}

/// The apply takes at most 1.25 times as long as at the rate limit with 5 % of the requests throttled,
/// and at most 1.6 times with 10 %.
#[test]
fn random_throttling_slows_an_apply_down_little() {
    const MANY: usize = 1_000;
    for (fault, most) in [("busy=5%", 1.25), ("busy=10%", 1.6)] {
        for seed in 0..2 {
            with_paused_clock(async {
                let world = World::new(EmulatorConfig { seed, ..faulty(&[fault]) });
                let (ran, took) = apply(&world, &rooms(MANY)).await;
                assert_eq!((ran.outcome.done.len(), ran.outcome.failed.len()), (MANY, 0));
                let least = Duration::from_millis(50) * 999;
                let ratio = took.as_secs_f64() / least.as_secs_f64();
                assert!(ratio <= most, "{fault}, seed {seed}: {ratio}");
                let busiest = world.stats().busiest_second(Action::CreateRoom);
                assert!(busiest <= 20, "{fault}, seed {seed}: {busiest} in a second");
            });
        }
    }
}

/// Five attempts that time out after ten seconds each take a minute with the backoff between them: the
/// sixth would start too late.
#[test]
fn no_attempt_starts_later_than_a_minute_after_the_first() {
    with_paused_clock(async {
        let world = World::new(faulty(&[]));
        for nth in 1..=6 {
            world.script.inject(Call::CreateRoom, nth, InjectedFault::Hangs);
        }
        let (ran, took) = apply(&world, &rooms(1)).await;
        assert_eq!(ran.outcome.failed.len(), 1);
        let creates = world.script.sent().iter().filter(|call| **call == Call::CreateRoom).count();
        assert_eq!(creates, 5);
        assert!(took < Duration::from_secs(70), "{took:?}");
        assert_eq!(world.recorded().await.expect("a state").rooms.len(), 0);
    });
}
