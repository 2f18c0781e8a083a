//! Estimates the time of a request on its way from the recent round trips.

use std::collections::VecDeque;
use std::time::Duration;

/// How many round trips are remembered.
const REMEMBERED: usize = 128;

/// How many round trips there must be before the least of them is used.
const SUFFICIENT: usize = 16;

/// The assumed difference between round trips before one is measured.
const UNSEEN: Duration = Duration::from_millis(20);

/// The grain of the timers and of the service's own clock.
const GRAIN: Duration = Duration::from_millis(1);

/// The recent round trips of one call.
#[derive(Debug, Default)]
pub(super) struct Latency {
    recent: VecDeque<Duration>,
    floor: Duration,
    longest: Duration,
}

impl Latency {
    /// Remembers one round trip.
    pub(super) fn learn(&mut self, round_trip: Duration) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(round_trip);
        let (mut least, mut longest) = (round_trip, round_trip);
        for seen in &self.recent {
            (least, longest) = (least.min(*seen), longest.max(*seen));
        }
        let samples = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        // The least of so many samples lies above the true least by their spread over their
        // number: twice that is taken off, so that few requests are quicker than the floor.
        let unseen = (longest.saturating_sub(least) + UNSEEN) * 2 / samples.saturating_add(1);
        self.longest = longest;
        if self.recent.len() >= SUFFICIENT {
            self.floor = least.saturating_sub(unseen + GRAIN);
        }
    }

    /// Returns the estimated least time of the next round trip.
    pub(super) fn floor(&self) -> Duration {
        self.floor
    }

    /// Returns the longest of the recent round trips.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }
}
