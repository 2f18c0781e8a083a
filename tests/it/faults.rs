//! Fault injection: repeated runs converge, and no room is lost or created twice.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomctl::emulator::{EmulatorConfig, FaultShare};
use roomctl::model::Call;
use tracing::subscriber::NoSubscriber;

use crate::support::fleet::{
    CHAT, FLEETS, Fleet, LIVE, MIXED, VIDEO, converge, converge_and_check, settled,
};
use crate::support::{InjectedFault, RunOptions, World, service, with_paused_clock};

/// The number of seeds for each mix of faults.
const SEEDS: u64 = 12;

/// The number of seeds for the fleets that hold more than chat rooms.
const FEWER_SEEDS: u64 = 4;

/// Each fault alone, and combinations.
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

/// Applies both editions of a fleet, until each has converged, to a service with these faults.
async fn apply_with_faults(fleet: Fleet, mix: &[&str], seed: u64) -> Result<(), String> {
    let faults: Vec<FaultShare> = mix.iter().map(|text| text.parse().expect("a fault")).collect();
    let latency = Duration::from_millis(50);
    let world = World::new(EmulatorConfig { faults, seed, latency, jitter: latency, ..service() });
    for edition in fleet.editions() {
        let desired = world.declare(&edition.text);
        converge_and_check(&world, &desired, &edition).await?;
        fleet.add_people(&world);
    }
    Ok(())
}

/// Asserts that a fleet converges with every mix of faults and every seed; lists those that failed.
fn assert_converges_under_all_faults(fleet: Fleet, seeds: u64) {
    let mut failed = Vec::new();
    for mix in MIXES {
        for seed in 0..seeds {
            if let Err(why) = with_paused_clock(apply_with_faults(fleet, mix, seed)) {
                failed.push(format!("{mix:?}, seed {seed}: {why}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn chat_rooms_converge_under_every_fault() {
    assert_converges_under_all_faults(CHAT, SEEDS);
}

#[test]
fn live_rooms_converge_under_every_fault() {
    assert_converges_under_all_faults(LIVE, FEWER_SEEDS);
}

#[test]
fn video_rooms_converge_under_every_fault() {
    assert_converges_under_all_faults(VIDEO, FEWER_SEEDS);
}

#[test]
fn rooms_of_several_services_converge_under_every_fault() {
    assert_converges_under_all_faults(MIXED, FEWER_SEEDS);
}

/// The bytes written to the log.
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

/// Creates rooms, then queries them; one call of each fails once and is retried.
async fn run_with_retries() {
    let world = World::new(service());
    let [edition, _] = CHAT.editions();
    let desired = world.declare(&edition.text);
    world.script.inject(Call::CreateRoom, 3, InjectedFault::Answered(660_300_005));
    converge(&world, &desired).await.expect("converged");
    world.script.inject(Call::QueryRoomUserList, 2, InjectedFault::LostBefore);
    converge(&world, &desired).await.expect("converged");
    assert!(world.script.is_over(), "not every planned fault was injected");
}

#[test]
fn every_retried_call_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber, the first thread that reaches a log statement decides for all threads
    // whether it is enabled, and that thread may belong to another test. With two subscribers,
    // `tracing` asks both of them each time.
    let _second = tracing::Dispatch::new(NoSubscriber::default());
    let logging = tracing::subscriber::set_default(subscriber);
    with_paused_clock(run_with_retries());
    drop(logging);
    let log = String::from_utf8(log.0.lock().expect("the log").clone()).expect("UTF-8");
    let retries: Vec<&str> = log.lines().filter(|line| line.contains("retrying")).collect();
    let [create, query] = retries.as_slice() else { panic!("{log}") };
    for (line, call) in [(create, "CreateRoom"), (query, "QueryRoomUserList")] {
        assert!(line.contains(" INFO ") && line.contains(&format!("call={call}")), "{line}");
        assert!(line.contains("room=\"r") && line.contains("failed=1 wait="), "{line}");
    }
}

#[test]
fn without_faults_one_run_converges() {
    for fleet in FLEETS {
        with_paused_clock(async {
            let world = World::new(service());
            for edition in fleet.editions() {
                let desired = world.declare(&edition.text);
                assert_eq!(converge(&world, &desired).await, Ok(1), "{}", fleet.name);
                assert_eq!(settled(&world, &desired, &edition).await, Ok(()), "{}", fleet.name);
                fleet.add_people(&world);
            }
        });
    }
}

#[test]
fn a_partly_failed_step_counts_as_a_change() {
    const LIVE_ROOM: &str = "version: 1
providers: {live: {kind: tencent-live, app_id: 1, operator: admin, endpoint: emulator}}
rooms: [{id: channel, name: Channel, seat_template: Karaoke, attributes: {topic: music}}]
";
    let failed = |call| {
        with_paused_clock(async move {
            let world = World::new(service());
            (1..=6).for_each(|nth| world.script.inject(call, nth, InjectedFault::Refused));
            let ran = world.apply(&world.declare(LIVE_ROOM), &RunOptions::plain()).await;
            let outcome = ran.expect("a state").ran().outcome;
            assert!(!outcome.failed[0].pending, "{outcome:?}");
            (outcome.failed[0].partial, outcome.has_changed_something())
        })
    };
    assert_eq!(failed(Call::LiveSetRoomMetadata), (true, true), "created, but not finished");
    assert_eq!(failed(Call::LiveCreateRoom), (false, false), "not created");
}
