//! The clocks: the system's clock, and one that follows tokio's clock.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::model::{Clock, Timestamp};

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// A clock that starts at a given time and advances with tokio's clock, also when a test pauses that.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: Timestamp,
    since: Instant,
}

impl TokioClock {
    /// Makes a clock that shows `start` now.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, since: Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.start.plus(self.since.elapsed())
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the system's clock")]
    fn now(&self) -> Timestamp {
        let millis =
            |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Timestamp::from_millis(now.map_or_else(|before| -millis(before.duration()), millis))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_advances_with_tokio() {
        let clock = TokioClock::starting_at(Timestamp::from_millis(5));
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(3_600_005));
    }

    #[test]
    fn the_system_clock_is_past_the_start_of_2026() {
        assert!(SystemClock.now() > Timestamp::from_millis(1_767_225_600_000));
    }
}
