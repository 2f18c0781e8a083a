//! The two clocks by which the window of a call closes.

use std::fmt;
use std::time::Duration;

/// A moment by two clocks: neither stops while the machine is suspended, and one of them cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) struct Moment {
    /// Since the machine was started, the time included for which it was suspended.
    pub(in crate::state) boot: Duration,
    /// Since 1970.
    pub(in crate::state) wall: Duration,
}

/// Tells the moment.
pub(in crate::state) trait WindowClock: fmt::Debug + Send + Sync {
    /// The moment now.
    fn now(&self) -> Moment;
}

/// The system's clocks.
#[derive(Clone, Copy, Debug)]
pub(in crate::state) struct SystemClocks;

impl Moment {
    /// Whether less than `window` has passed since then by both clocks. A clock that was set back counts as
    /// one that ran on.
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
    fn a_window_closes_by_whichever_clock_is_first() {
        let (start, window) = (at(500, 500), Duration::from_secs(2));
        assert!(start.is_within(window, at(2_499, 2_499)));
        assert!(!start.is_within(window, at(2_500, 600)));
        assert!(!start.is_within(window, at(600, 2_500)));
        assert!(!start.is_within(window, at(600, 400)), "the wall clock was set back");
    }

    #[test]
    fn the_systems_clocks_run() {
        let (before, now) = (SystemClocks.now(), SystemClocks.now());
        assert!(before.is_within(Duration::from_mins(1), now));
        assert!(now.wall > Duration::from_hours(490_896), "the system is past 2026");
    }
}
