//! The one source of chance: the same seed gives the same bad day.

use std::time::Duration;

/// A SplitMix64 generator.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to just under 1, all alike.
    pub(super) fn fraction(&mut self) -> f64 {
        let bits = u32::try_from(self.bits() >> 32).unwrap_or(0);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// Heads or tails.
    pub(super) fn heads(&mut self) -> bool {
        self.bits() & 1 == 1
    }

    /// A span from zero to `longest`.
    pub(super) fn span(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.fraction())
    }
}
