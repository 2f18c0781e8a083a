//! Clocks that are set back or forward while the outcome of a call is unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use roomctl::emulator::Action;
use roomctl::model::{Call, Clock, Desired, Timestamp};
use roomctl::provider::http::TokioClock;

use crate::support::fleet::HEAD;
use crate::support::{Ended, Fuse, How, Mishap, World, in_moved_time, service};

/// The longest that a call may take to land, and a little for the rest of a run.
const MOST: Duration = Duration::from_secs(20);

const HOUR: i64 = 3_600_000;

/// A clock that a test sets.
struct SetClock {
    running: TokioClock,
    by: AtomicI64,
}

impl SetClock {
    fn new() -> Arc<Self> {
        let start = Timestamp::from_millis(1_700_000_000_000);
        Arc::new(Self { running: TokioClock::starting_at(start), by: AtomicI64::new(0) })
    }

    fn set(&self, milliseconds: i64) {
        self.by.store(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        let by = self.by.load(Ordering::Relaxed);
        Timestamp::from_millis(self.running.now().as_millis() + by)
    }
}

fn one_room(world: &World) -> Desired {
    world.declare(&format!("{HEAD}rooms:\n  - {{id: lobby, destroy_delay_time: 3h}}\n"))
}

/// The room was made once, and the looks for it were few.
fn was_made_once(world: &World) {
    let stats = world.stats();
    assert_eq!(stats.served(Action::CreateRoom), 1);
    let looks = stats.calls[&Action::QueryRoomUserList].arrivals.len();
    assert!(looks <= 4, "{looks} looks");
}

#[test]
fn a_clock_that_is_set_while_a_call_may_land_stalls_nothing_and_hurries_nothing() {
    for by in [-HOUR, HOUR, 0] {
        for mishap in [Mishap::LostBefore, Mishap::Late] {
            in_moved_time(async {
                let clock = SetClock::new();
                let world = World::by(clock.clone(), service());
                let desired = one_room(&world);
                world.script.strike(Call::CreateRoom, 1, mishap);
                let start = tokio::time::Instant::now();
                let how = How::plain();
                let (ran, ()) = tokio::join!(world.apply(&desired, &how), async {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    clock.set(by);
                });
                let ran = ran.expect("a state").ran();
                assert_eq!(ran.outcome.done.len(), 1, "{by}, {mishap:?}: {:?}", ran.outcome);
                assert!(start.elapsed() < MOST, "{by}, {mishap:?}: {:?}", start.elapsed());
                was_made_once(&world);
            });
        }
    }
}

#[test]
fn a_clock_that_was_set_back_between_two_runs_stalls_the_second_no_longer_than_a_call_lands() {
    for by in [-HOUR, -5_000] {
        for mishap in [Mishap::LostBefore, Mishap::Late] {
            in_moved_time(async {
                let clock = SetClock::new();
                let world = World::by(clock.clone(), service());
                let desired = one_room(&world);
                world.script.strike(Call::CreateRoom, 1, mishap);
                let how = How { fuse: Fuse::never(), ..How::plain() };
                let run = tokio::time::timeout(Duration::from_secs(1), world.apply(&desired, &how));
                assert!(run.await.is_err(), "cut short while it waits");
                clock.set(by);
                let start = tokio::time::Instant::now();
                let ended = world.apply(&desired, &How::plain()).await.expect("a state");
                let Ended::Ran(ran) = ended else { panic!("it did not crash") };
                assert!(ran.outcome.failed.is_empty(), "{:?}", ran.outcome);
                assert!(start.elapsed() < MOST, "{by}, {mishap:?}: {:?}", start.elapsed());
                was_made_once(&world);
            });
        }
    }
}
