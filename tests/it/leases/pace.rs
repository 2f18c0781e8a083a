//! The pace of applies: at the rate limit in spite of the store's latency.

use std::time::Duration;

use roomctl::emulator::{Action, EmulatorConfig};
use roomctl::model::{Kind, RoomId};

use super::{apply, chat_rooms, live_rooms, service};
use crate::stores::lease::LeaseStore;
use crate::support::fleet::HEAD;
use crate::support::{APP, World, with_paused_clock};

/// The latencies of a store in milliseconds, each with the share of the rate limit that calls must
/// reach.
const LATENCIES: [(u64, f64); 2] = [(50, 0.99), (300, 0.95)];

/// Asserts that an action was called at least at the share `part` of its limit, and at most at the
/// limit in any second.
fn assert_pace(world: &World, kind: Kind, action: Action, limit: usize, part: f64) {
    let stats = world.stats_of(kind);
    let busiest = stats.busiest_second(action);
    assert!(busiest <= limit, "{busiest} calls of {} in a second", action.as_str());
    let arrivals = &stats.calls[&action].arrivals;
    let took = arrivals[arrivals.len() - 1] - arrivals[0];
    let pace = count(arrivals.len() - 1) / took.as_secs_f64();
    assert!(pace >= part * count(limit), "{}: {pace} a second", action.as_str());
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("few"))
}

#[test]
fn chat_rooms_are_created_at_the_rate_limit() {
    const ROOMS: usize = 3_000;
    for (latency, part) in LATENCIES {
        with_paused_clock(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            assert_eq!(apply(&world, &chat_rooms(ROOMS)).await, ROOMS);
            store.assert_covered();
            store.assert_few_repeated_intents();
            assert_pace(&world, Kind::Zim, Action::CreateRoom, 20, part);
        });
    }
}

#[test]
fn live_rooms_with_metadata_are_created_at_the_rate_limit() {
    const ROOMS: usize = 2_500;
    for (latency, part) in LATENCIES {
        with_paused_clock(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            assert_eq!(apply(&world, &live_rooms(ROOMS)).await, ROOMS);
            store.assert_covered();
            store.assert_few_repeated_intents();
            for action in [Action::LiveCreateRoom, Action::LiveSetRoomMetadata] {
                assert_pace(&world, Kind::TencentLive, action, 200, part);
            }
        });
    }
}

#[test]
fn destroys_with_a_lookup_run_at_the_rate_limit() {
    const ROOMS: usize = 1_000;
    for ((latency, part), far) in LATENCIES.into_iter().zip([50, 300]) {
        with_paused_clock(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let far = Duration::from_millis(far);
            let world = World::leased(EmulatorConfig { latency: far, ..service() }, &store);
            apply(&world, &chat_rooms(ROOMS)).await;
            let none = format!("{HEAD}policy: {{on_occupied: defer}}\nrooms: []\n");
            assert_eq!(apply(&world, &none).await, ROOMS);
            store.assert_covered();
            assert_pace(&world, Kind::Zim, Action::DestroyRoom, 20, part);
        });
    }
}

/// The first closes are each 50 ms late on any store, until the latency is learned.
#[test]
fn video_rooms_are_closed_at_the_rate_limit() {
    const ROOMS: usize = 120;
    for (latency, part) in LATENCIES.map(|(latency, part)| (latency, part - 0.01)) {
        with_paused_clock(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            let room = |n| format!("  - {{id: r{n:03}}}\n");
            let rooms: String = (0..ROOMS).map(room).collect();
            let head = "version: 1\nproviders: {video: {kind: rtc, app_id: 1, endpoint: emulator}}\n\
                        state: rooms.state.json\n";
            apply(&world, &format!("{head}rooms:\n{rooms}")).await;
            for n in 0..ROOMS {
                let room = RoomId::new(&format!("r{n:03}"));
                world.emulator.enter(Kind::Rtc, APP, &room, 2).expect("entered");
            }
            assert_eq!(apply(&world, &format!("{head}rooms: []\n")).await, ROOMS);
            store.assert_covered();
            assert_pace(&world, Kind::Rtc, Action::CloseRoom, 1, part);
        });
    }
}
