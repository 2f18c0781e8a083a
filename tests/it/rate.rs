//! The rate limit as the service counts it: no second with more calls than it allows.

use std::sync::Arc;
use std::time::Duration;

use roomctl::emulator::{Action, Settings};
use roomctl::provider::http::SystemClock;

use crate::support::fleet::HEAD;
use crate::support::process::{End, Served};
use crate::support::{Ended, Fuse, How, World, in_moved_time, plain_service};

/// What the vendor allows of each action in any second.
const LIMIT: usize = 20;

/// The vendor's code for a call that came too often.
const TOO_OFTEN: i64 = 660_300_005;

/// The vendor's limit, at the end of a line whose latency is 50 ± 30 ms.
fn far_away(seed: u64) -> Settings {
    let (latency, jitter) = (Duration::from_millis(20), Duration::from_millis(60));
    Settings { latency, jitter, seed, ..plain_service() }
}

fn rooms(count: usize) -> String {
    let room = |n| format!("  - {{id: r{n:04}, destroy_delay_time: 3h}}\n");
    format!("{HEAD}rooms:\n{}", (0..count).map(room).collect::<String>())
}

/// Asserts that no action was called more often than `most` times in any second.
fn assert_inside(world: &World, most: usize) {
    let survey = world.survey();
    let mut refused = 0_usize;
    for action in Action::ALL {
        let busiest = survey.busiest_second(action);
        assert!(busiest <= most, "{busiest} calls of {} in a second", action.as_str());
        refused += usize::try_from(survey.answered(action, TOO_OFTEN)).expect("a number");
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
            assert_eq!(world.survey().rooms.len(), 1_000);
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
        assert_eq!(world.survey().rooms.len(), 150);
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
            assert_eq!(world.survey().rooms.len(), 90);
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
    let survey = served.world.survey();
    assert_eq!((survey.rooms.len(), survey.served(Action::CreateRoom)), (60, 60));
    assert_inside(&served.world, LIMIT);
}
