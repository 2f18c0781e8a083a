//! Kills the real binary repeatedly: no room is lost or created twice, and the state stays
//! readable.

use std::sync::Arc;

use roomctl::provider::http::SystemClock;

use crate::support::fleet::{CHAT, Fleet, LIVE, no_orphans, settled};
use crate::support::process::{End, Fate, Order, Served};
use crate::support::{World, service};

/// The number of concurrent worlds, each with three kills. A run that waits until a lost call can
/// no longer take effect does not delay the others.
const WORLDS: u64 = 38;

/// The number of concurrent worlds with live rooms.
const FEWER_WORLDS: u64 = 10;

/// The least number of kills.
const KILLS: u64 = 100;

/// The most requests that pass before the first, the second and the third kill of a world.
const PASSING: [u64; 3] = [20, 3, 14];

/// The most runs after the last kill until one completes.
const RUNS: usize = 4;

/// Returns a pseudo-random number below `below`.
fn draw(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

fn fate(seed: &mut u64) -> Fate {
    match draw(seed, 4) {
        0 => Fate::Lost,
        1 => Fate::Done,
        2 => Fate::Late(Order::Before),
        _ => Fate::Late(Order::After),
    }
}

/// Starts a run and kills it. Returns the number of kills: 0 if the run ended before.
async fn kill(served: &Served, seed: &mut u64, passing: u64) -> u64 {
    let (passing, fate) = (draw(seed, passing), fate(seed));
    let end = served.apply_until(passing, fate).await;
    if let Err(why) = no_orphans(&served.world).await {
        panic!("after {passing} requests, {fate:?}: {why}");
    }
    u64::from(end == End::Killed)
}

/// Runs until one completes.
async fn finish(served: &Served) {
    let mut failures = String::new();
    for _ in 0..RUNS {
        match served.apply().await {
            End::Exited { code: Some(0), words: _ } => return,
            End::Exited { code, words } => failures = format!("{failures}exit {code:?}: {words}"),
            End::Killed => panic!("this run must not be killed"),
        }
        no_orphans(&served.world).await.expect("no orphans");
    }
    panic!("{RUNS} runs did not complete: {failures}");
}

/// Applies both editions of the fleet with three kills, and returns the number of kills.
async fn run_world(fleet: Fleet, mut seed: u64) -> u64 {
    let served = Served::new(World::by(Arc::new(SystemClock), service())).await;
    let mut kills = 0;
    let [first, second] = fleet.editions();
    for (edition, passing) in [(first, &PASSING[..2]), (second, &PASSING[2..])] {
        served.declare(&edition.text, "rate_limit: 1000");
        for passing in passing {
            kills += kill(&served, &mut seed, *passing).await;
        }
        finish(&served).await;
        let desired = served.world.load(&["rooms.yaml".to_owned()]);
        settled(&served.world, &desired, &edition).await.expect("settled");
    }
    kills
}

/// Runs worlds concurrently, and returns the number of kills.
async fn run_worlds(fleet: Fleet, worlds: u64) -> u64 {
    let worlds: Vec<_> = (0..worlds).map(|seed| tokio::spawn(run_world(fleet, seed))).collect();
    let mut kills = 0;
    for world in worlds {
        kills += world.await.expect("no panic");
    }
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_lose_nothing() {
    let kills = run_worlds(CHAT, WORLDS).await;
    assert!(kills >= KILLS, "{kills} kills only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_no_live_room() {
    let kills = run_worlds(LIVE, FEWER_WORLDS).await;
    assert!(kills >= 2 * FEWER_WORLDS, "{kills} kills only");
}
