//! Bad days: whatever goes wrong, runs that are repeated converge, and no room is lost or made twice.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomctl::emulator::{EmulatorConfig, FaultShare};
use roomctl::model::Call;
use tracing::subscriber::NoSubscriber;

use crate::support::fleet::{
    CHAT, FLEETS, Fleet, LIVE, MIXED, VIDEO, come_through, converge, settled,
};
use crate::support::{How, Mishap, World, in_moved_time, service};

/// The seeds that each mix is tried with.
const SEEDS: u64 = 12;

/// The same for the fleets that are not chat alone.
const FEWER_SEEDS: u64 = 4;

/// Bad days: each fault alone, and mixes.
const MIXES: &[&[&str]] = &[
    &["500=25%"],
    &["busy=30%"],
    &["reset-before=25%"],
    &["reset-after=25%"],
    &["hang=15%"],
    &["garbage=25%"],
    &["reset-before=10%", "reset-after=10%"],
    &["500=8%", "busy=8%", "reset-before=8%", "reset-after=8%", "hang=8%", "garbage=8%"],
];

/// Lives through both editions of the fleet on one bad day.
async fn live(fleet: Fleet, mix: &[&str], seed: u64) -> Result<(), String> {
    let faults: Vec<FaultShare> = mix.iter().map(|text| text.parse().expect("a fault")).collect();
    let latency = Duration::from_millis(50);
    let world = World::new(EmulatorConfig { faults, seed, latency, jitter: latency, ..service() });
    for edition in fleet.editions() {
        let desired = world.declare(&edition.text);
        come_through(&world, &desired, &edition).await?;
        fleet.people_come(&world);
    }
    Ok(())
}

/// Lives through every mix and seed, and tells what failed.
fn every_bad_day_ends_well(fleet: Fleet, seeds: u64) {
    let mut failed = Vec::new();
    for mix in MIXES {
        for seed in 0..seeds {
            if let Err(why) = in_moved_time(live(fleet, mix, seed)) {
                failed.push(format!("{mix:?}, seed {seed}: {why}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_bad_day_of_chat_rooms_ends_well() {
    every_bad_day_ends_well(CHAT, SEEDS);
}

#[test]
fn every_bad_day_of_live_rooms_ends_well() {
    every_bad_day_ends_well(LIVE, FEWER_SEEDS);
}

#[test]
fn every_bad_day_of_video_rooms_ends_well() {
    every_bad_day_ends_well(VIDEO, FEWER_SEEDS);
}

#[test]
fn every_bad_day_of_several_services_ends_well() {
    every_bad_day_ends_well(MIXED, FEWER_SEEDS);
}

/// What is written to the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Creates rooms and asks after them; a call of each is made again.
async fn with_retries() {
    let world = World::new(service());
    let [edition, _] = CHAT.editions();
    let desired = world.declare(&edition.text);
    world.script.strike(Call::CreateRoom, 3, Mishap::Answered(660_300_005));
    converge(&world, &desired).await.expect("converged");
    world.script.strike(Call::QueryRoomUserList, 2, Mishap::LostBefore);
    converge(&world, &desired).await.expect("converged");
    assert!(world.script.is_over(), "the script was not played");
}

#[test]
fn every_call_that_is_made_again_is_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber, the thread that comes first to a line of the log decides for all whether
    // it is ever written, and that thread may be another test's. With two, both are asked.
    let _second = tracing::Dispatch::new(NoSubscriber::default());
    let logging = tracing::subscriber::set_default(subscriber);
    in_moved_time(with_retries());
    drop(logging);
    let log = String::from_utf8(log.0.lock().expect("the log").clone()).expect("UTF-8");
    let again: Vec<&str> = log.lines().filter(|line| line.contains("retrying")).collect();
    let [create, query] = again.as_slice() else { panic!("{log}") };
    for (line, call) in [(create, "CreateRoom"), (query, "QueryRoomUserList")] {
        assert!(line.contains(" INFO ") && line.contains(&format!("call={call}")), "{line}");
        assert!(line.contains("room=\"r") && line.contains("failed=1 wait="), "{line}");
    }
}

#[test]
fn a_good_day_takes_one_run() {
    for fleet in FLEETS {
        in_moved_time(async {
            let world = World::new(service());
            for edition in fleet.editions() {
                let desired = world.declare(&edition.text);
                assert_eq!(converge(&world, &desired).await, Ok(1), "{}", fleet.name);
                assert_eq!(settled(&world, &desired, &edition).await, Ok(()), "{}", fleet.name);
                fleet.people_come(&world);
            }
        });
    }
}

#[test]
fn a_step_that_failed_halfway_counts_as_a_change() {
    const LIVE_ROOM: &str = "version: 1
providers: {live: {kind: tencent-live, app_id: 1, operator: admin, endpoint: emulator}}
rooms: [{id: channel, name: Channel, seat_template: Karaoke, attributes: {topic: music}}]
";
    let failed = |call| {
        in_moved_time(async move {
            let world = World::new(service());
            (1..=6).for_each(|nth| world.script.strike(call, nth, Mishap::Refused));
            let ran = world.apply(&world.declare(LIVE_ROOM), &How::plain()).await;
            let outcome = ran.expect("a state").ran().outcome;
            assert!(!outcome.failed[0].pending, "{outcome:?}");
            (outcome.failed[0].partial, outcome.has_changed_something())
        })
    };
    assert_eq!(failed(Call::LiveSetRoomMetadata), (true, true), "made, and not finished");
    assert_eq!(failed(Call::LiveCreateRoom), (false, false), "not made");
}
