//! The system clock is set back or forward while the outcome of a call is unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use roomctl::emulator::Action;
use roomctl::model::{Call, Clock, Desired, Timestamp};
use roomctl::provider::http::TokioClock;

use crate::support::fleet::HEAD;
use crate::support::{Ended, Fuse, InjectedFault, RunOptions, World, service, with_paused_clock};

/// The longest time after which a call may still take effect, plus some seconds for the rest of a run.
const LONGEST_RUN: Duration = Duration::from_secs(20);

const HOUR: i64 = 3_600_000;

/// A clock that a test can set.
struct AdjustableClock {
    running: TokioClock,
    offset: AtomicI64,
}

impl AdjustableClock {
    fn new() -> Arc<Self> {
        let start = Timestamp::from_millis(1_700_000_000_000);
        Arc::new(Self { running: TokioClock::starting_at(start), offset: AtomicI64::new(0) })
    }

    /// Sets the difference to the running clock, in milliseconds.
    fn set(&self, milliseconds: i64) {
        self.offset.store(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for AdjustableClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::Relaxed);
        Timestamp::from_millis(self.running.now().as_millis() + offset)
    }
}

fn one_room(world: &World) -> Desired {
    world.declare(&format!("{HEAD}rooms:\n  - {{id: lobby, destroy_delay_time: 3h}}\n"))
}

/// Asserts that the room was created once, with at most four lookups.
fn assert_created_once(world: &World) {
    let stats = world.stats();
    assert_eq!(stats.served(Action::CreateRoom), 1);
    let lookups = stats.calls[&Action::QueryRoomUserList].arrivals.len();
    assert!(lookups <= 4, "{lookups} lookups");
}

#[test]
fn a_clock_change_during_a_lookup_neither_delays_nor_shortens_the_wait() {
    for offset in [-HOUR, HOUR, 0] {
        for fault in [InjectedFault::LostBefore, InjectedFault::Late] {
            with_paused_clock(async {
                let clock = AdjustableClock::new();
                let world = World::by(clock.clone(), service());
                let desired = one_room(&world);
                world.script.inject(Call::CreateRoom, 1, fault);
                let start = tokio::time::Instant::now();
                let how = RunOptions::plain();
                let (ran, ()) = tokio::join!(world.apply(&desired, &how), async {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    clock.set(offset);
                });
                let ran = ran.expect("a state").ran();
                assert_eq!(ran.outcome.done.len(), 1, "{offset}, {fault:?}: {:?}", ran.outcome);
                assert!(
                    start.elapsed() < LONGEST_RUN,
                    "{offset}, {fault:?}: {:?}",
                    start.elapsed()
                );
                assert_created_once(&world);
            });
        }
    }
}

#[test]
fn a_clock_set_back_between_runs_does_not_extend_the_wait_of_the_next() {
    for offset in [-HOUR, -5_000] {
        for fault in [InjectedFault::LostBefore, InjectedFault::Late] {
            with_paused_clock(async {
                let clock = AdjustableClock::new();
                let world = World::by(clock.clone(), service());
                let desired = one_room(&world);
                world.script.inject(Call::CreateRoom, 1, fault);
                let how = RunOptions { fuse: Fuse::never(), ..RunOptions::plain() };
                let run = tokio::time::timeout(Duration::from_secs(1), world.apply(&desired, &how));
                assert!(run.await.is_err(), "the run was not cut off while it waited");
                clock.set(offset);
                let start = tokio::time::Instant::now();
                let ended = world.apply(&desired, &RunOptions::plain()).await.expect("a state");
                let Ended::Completed(ran) = ended else { panic!("the run crashed") };
                assert!(ran.outcome.failed.is_empty(), "{:?}", ran.outcome);
                assert!(
                    start.elapsed() < LONGEST_RUN,
                    "{offset}, {fault:?}: {:?}",
                    start.elapsed()
                );
                assert_created_once(&world);
            });
        }
    }
}
