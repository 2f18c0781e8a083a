//! The one source of chance: the same seed gives the same faults.

use std::time::Duration;

/// A generator of random numbers.
#[derive(Debug)]
pub(super) struct Dice(fastrand::Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number from 0 to just under 1, all equally likely.
    pub(super) fn fraction(&mut self) -> f64 {
        self.0.f64()
    }

    /// Heads or tails.
    pub(super) fn heads(&mut self) -> bool {
        self.0.bool()
    }

    /// A span from zero to `longest`.
    pub(super) fn span(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.fraction())
    }
}
