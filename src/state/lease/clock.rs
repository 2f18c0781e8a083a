//! The two clocks that limit the send window of a call.

use std::fmt;
use std::time::Duration;

/// A moment by two clocks. Neither stops while the machine is suspended, and the boot clock cannot
/// be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) struct Moment {
    /// The time since boot, including suspension.
    pub(in crate::state) boot: Duration,
    /// The time since the Unix epoch.
    pub(in crate::state) wall: Duration,
}

/// The source of moments.
pub(in crate::state) trait WindowClock: fmt::Debug + Send + Sync {
    /// Returns the current moment.
    fn now(&self) -> Moment;
}

/// The system's clocks.
#[derive(Clone, Copy, Debug)]
pub(in crate::state) struct SystemClocks;

impl Moment {
    /// Returns whether less than `window` has passed since this moment by both clocks. A clock that
    /// was set back counts as expired.
    pub(in crate::state) fn is_within(self, window: Duration, now: Self) -> bool {
        let within = |then: Duration, now: Duration| {
            now.checked_sub(then).is_some_and(|passed| passed < window)
        };
        within(self.boot, now.boot) && within(self.wall, now.wall)
    }
}

#[cfg(unix)]
impl WindowClock for SystemClocks {
    fn now(&self) -> Moment {
        use rustix::time::{ClockId, Timespec, clock_gettime};
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const BOOT: ClockId = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const BOOT: ClockId = ClockId::Monotonic;
        let read = |clock| {
            let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
            Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
        };
        Moment { boot: read(BOOT), wall: read(ClockId::Realtime) }
    }
}

#[cfg(not(unix))]
impl WindowClock for SystemClocks {
    #[expect(clippy::disallowed_methods, reason = "one of the two clocks of the send window")]
    fn now(&self) -> Moment {
        use std::sync::LazyLock;
        use std::time::{Instant, SystemTime};
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Moment { boot: START.elapsed(), wall: wall.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: u64, wall: u64) -> Moment {
        Moment { boot: Duration::from_millis(boot), wall: Duration::from_millis(wall) }
    }

    #[test]
    fn a_window_closes_by_the_earlier_of_both_clocks() {
        let (start, window) = (at(500, 500), Duration::from_secs(2));
        assert!(start.is_within(window, at(2_499, 2_499)));
        assert!(!start.is_within(window, at(2_500, 600)));
        assert!(!start.is_within(window, at(600, 2_500)));
        assert!(!start.is_within(window, at(600, 400)), "the wall clock was set back");
    }

    #[test]
    fn the_system_clocks_advance() {
        let (before, now) = (SystemClocks.now(), SystemClocks.now());
        assert!(before.is_within(Duration::from_mins(1), now));
        assert!(now.wall > Duration::from_hours(490_896), "the system is past 2026");
    }
}
