//! The real binary killed again and again: no room is lost or made twice, and the state stays readable.

use std::sync::Arc;

use roomctl::provider::http::SystemClock;

use crate::support::fleet::{CHAT, Fleet, LIVE, no_orphans, settled};
use crate::support::process::{End, Fate, Order, Served};
use crate::support::{World, service};

/// Worlds side by side, each with three kills: a run that has to wait until what was lost can no
/// longer land does so while the others go on.
const WORLDS: u64 = 38;

/// The same for live rooms.
const FEWER_WORLDS: u64 = 10;

/// The kills that there are at least.
const KILLS: u64 = 100;

/// Requests that pass before the first, the second and the third kill of a world, at most.
const PASSING: [u64; 3] = [20, 3, 14];

/// Runs until one is done after the last kill.
const RUNS: usize = 4;

/// Draws a number below `below`.
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

/// Starts a run and kills it; tells whether it was still there to be killed.
async fn kill(served: &Served, seed: &mut u64, passing: u64) -> u64 {
    let (passing, fate) = (draw(seed, passing), fate(seed));
    let end = served.apply_until(passing, fate).await;
    if let Err(why) = no_orphans(&served.world).await {
        panic!("after {passing} requests, {fate:?}: {why}");
    }
    u64::from(end == End::Killed)
}

/// Runs until one is done.
async fn finish(served: &Served) {
    let mut said = String::new();
    for _ in 0..RUNS {
        match served.apply().await {
            End::Exited { code: Some(0), words: _ } => return,
            End::Exited { code, words } => said = format!("{said}exit {code:?}: {words}"),
            End::Killed => panic!("nobody kills this run"),
        }
        no_orphans(&served.world).await.expect("no orphans");
    }
    panic!("{RUNS} runs were not done: {said}");
}

/// Lives through both editions of the fleet with three kills, and returns how many there were.
async fn live(fleet: Fleet, mut seed: u64) -> u64 {
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

/// Lives through as many worlds side by side, and returns how many kills there were.
async fn side_by_side(fleet: Fleet, worlds: u64) -> u64 {
    let worlds: Vec<_> = (0..worlds).map(|seed| tokio::spawn(live(fleet, seed))).collect();
    let mut kills = 0;
    for world in worlds {
        kills += world.await.expect("lived through");
    }
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_lose_nothing() {
    let kills = side_by_side(CHAT, WORLDS).await;
    assert!(kills >= KILLS, "{kills} kills only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_no_live_room() {
    let kills = side_by_side(LIVE, FEWER_WORLDS).await;
    assert!(kills >= 2 * FEWER_WORLDS, "{kills} kills only");
}
