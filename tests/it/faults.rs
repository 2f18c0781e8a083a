//! Bad days: whatever goes wrong, runs that are repeated converge, and no room is lost or made twice.

use std::time::Duration;

use roomctl::emulator::{FaultShare, Settings};

use crate::support::fleet::{come_through, converge, editions};
use crate::support::{World, in_moved_time, service};

/// The seeds that each mix is tried with.
const SEEDS: u64 = 12;

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
async fn live(mix: &[&str], seed: u64) -> Result<(), String> {
    let faults: Vec<FaultShare> = mix.iter().map(|text| text.parse().expect("a fault")).collect();
    let latency = Duration::from_millis(50);
    let world = World::new(Settings { faults, seed, latency, jitter: latency, ..service() });
    for (edition, creates) in editions() {
        let desired = world.declare(&edition);
        come_through(&world, &desired, creates).await?;
    }
    Ok(())
}

#[test]
fn every_bad_day_ends_well() {
    let mut failed = Vec::new();
    for mix in MIXES {
        for seed in 0..SEEDS {
            if let Err(why) = in_moved_time(live(mix, seed)) {
                failed.push(format!("{mix:?}, seed {seed}: {why}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_good_day_takes_one_run() {
    in_moved_time(async {
        let world = World::new(service());
        for (edition, _) in editions() {
            let desired = world.declare(&edition);
            assert_eq!(converge(&world, &desired).await, Ok(1));
        }
    });
}
