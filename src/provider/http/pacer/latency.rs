//! Estimates the latency of requests from the recent round trips.

use std::collections::VecDeque;
use std::time::Duration;

/// How many round trips are kept.
const MAX_SAMPLES: usize = 128;

/// How many round trips are needed before the least of them is used.
const MIN_SAMPLES: usize = 16;

/// The assumed difference between round trips before one is measured.
const INITIAL_SPREAD: Duration = Duration::from_millis(20);

/// The resolution of the timers and of the service's clock.
const RESOLUTION: Duration = Duration::from_millis(1);

/// The recent round trips of one call.
#[derive(Debug, Default)]
pub(super) struct Latency {
    recent: VecDeque<Duration>,
    floor: Duration,
    longest: Duration,
}

impl Latency {
    /// Adds one round trip.
    pub(super) fn learn(&mut self, round_trip: Duration) {
        if self.recent.len() == MAX_SAMPLES {
            self.recent.pop_front();
        }
        self.recent.push_back(round_trip);
        let (mut least, mut longest) = (round_trip, round_trip);
        for sample in &self.recent {
            (least, longest) = (least.min(*sample), longest.max(*sample));
        }
        let samples = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        // The least sample exceeds the true minimum by about the spread divided by the number of samples.
        // Twice that is subtracted, so that few requests are faster than the floor.
        let margin =
            (longest.saturating_sub(least) + INITIAL_SPREAD) * 2 / samples.saturating_add(1);
        self.longest = longest;
        if self.recent.len() >= MIN_SAMPLES {
            self.floor = least.saturating_sub(margin + RESOLUTION);
        }
    }

    /// Returns the estimated minimum of the next round trip.
    pub(super) fn floor(&self) -> Duration {
        self.floor
    }

    /// Returns the longest of the recent round trips.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }
}
