//! The rate of a call, adapted to the share of its answers that are "too often".
//!
//! A small share is noise: the refused requests are retried, and the rate does not change. A large share
//! means that other programs use the limit too: then the rate becomes what the service accepted, and
//! from time to time a faster rate is probed. It is kept if more requests are accepted at it, however
//! many are refused.

use std::time::Duration;

use tokio::time::Instant;

/// The sample that decides whether the full pace is too fast.
const AT_FULL: Size = Size { answers: 20, time: Duration::from_secs(2) };

/// The sample that decides about a slower pace.
const BELOW_FULL: Size = Size { answers: 10, time: Duration::from_secs(1) };

/// The sample that decides about a slower pace if there are few answers.
const BELOW_FULL_FEW_ANSWERS: Size = Size { answers: 4, time: Duration::from_secs(2) };

/// The share of refusals at the full pace up to which they are noise.
const NOISE: f64 = 0.15;

/// The share of refusals that ends a sample early because the pace is too fast.
const TOO_FAST: f64 = 0.5;

/// The answers that such a sample must have.
const TOO_FAST_ANSWERS: u32 = 10;

/// How many samples a pace is held before a faster one is probed.
const HELD_SAMPLES: u32 = 3;

/// The factor of the first probe.
const FIRST_PROBE: f64 = 1.4;

/// The factor of each probe after a successful one.
const NEXT_PROBE: f64 = 2.0;

/// The new pace, as a part of what was accepted.
const ACCEPTED_PART: f64 = 0.95;

/// The least part of the pace that is left after one sample.
const MIN_PART_LEFT: f64 = 0.25;

/// The slowest pace, as a part of the full one.
const SLOWEST: f64 = 0.1;

/// The pace of one call.
#[derive(Debug)]
pub(super) struct Pace {
    /// The pace as a part of the full one.
    part: f64,
    mode: Mode,
    sample: Sample,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// The full pace.
    Full,
    /// A slower pace, held for this many more samples.
    Held(u32),
    /// A probe, faster than the pace that was held.
    Probing(Held),
}

/// A pace that was held.
#[derive(Clone, Copy, Debug)]
struct Held {
    part: f64,
    /// The accepted rate, as a part of the full pace.
    accepted: f64,
}

/// The answers to requests that were sent since the last decision.
#[derive(Debug)]
struct Sample {
    since: Instant,
    answers: u32,
    refused: u32,
}

/// The size of a sample.
struct Size {
    answers: u32,
    time: Duration,
}

impl Pace {
    /// Returns the full pace.
    pub(super) fn full(now: Instant) -> Self {
        Self { part: 1.0, mode: Mode::Full, sample: Sample::new(now) }
    }

    /// Returns the pace as a part of the full one.
    pub(super) fn part(&self) -> f64 {
        self.part
    }

    /// Records an answer other than "too often".
    pub(super) fn answered(&mut self, sent: Instant, now: Instant) {
        self.learn(sent, now, 0);
    }

    /// Records a "too often" answer.
    pub(super) fn refused(&mut self, sent: Instant, now: Instant) {
        self.learn(sent, now, 1);
    }

    fn learn(&mut self, sent: Instant, now: Instant, refused: u32) {
        if sent < self.sample.since {
            return;
        }
        self.sample.answers += 1;
        self.sample.refused += refused;
        if self.sample.is_enough(self.mode, now) {
            self.decide();
            self.sample = Sample::new(now);
        }
    }

    fn decide(&mut self) {
        let share = self.sample.share();
        let accepted = self.part * (1.0 - share);
        match self.mode {
            Mode::Full if share > NOISE => self.hold(accepted * ACCEPTED_PART),
            Mode::Full => {}
            Mode::Held(_) if share >= TOO_FAST => self.hold(accepted * ACCEPTED_PART),
            Mode::Held(1) => self.probe(accepted, FIRST_PROBE),
            Mode::Held(left) => self.mode = Mode::Held(left.saturating_sub(1)),
            // At least half of the additional requests were accepted.
            Mode::Probing(held)
                if accepted / held.accepted >= f64::midpoint(1.0, self.part / held.part) =>
            {
                self.probe(accepted, NEXT_PROBE);
            }
            Mode::Probing(held) => self.hold(held.accepted.max(accepted * ACCEPTED_PART)),
        }
    }

    /// Holds a slower pace.
    fn hold(&mut self, part: f64) {
        self.part = part.max(self.part * MIN_PART_LEFT).max(SLOWEST);
        self.mode = Mode::Held(HELD_SAMPLES);
    }

    /// Probes a faster pace, after a rate of `accepted` was accepted.
    fn probe(&mut self, accepted: f64, faster: f64) {
        let held = Held { part: self.part, accepted };
        self.part = (self.part * faster).min(1.0);
        self.mode = if self.part < 1.0 { Mode::Probing(held) } else { Mode::Full };
    }
}

impl Sample {
    fn new(since: Instant) -> Self {
        Self { since, answers: 0, refused: 0 }
    }

    fn share(&self) -> f64 {
        f64::from(self.refused) / f64::from(self.answers.max(1))
    }

    /// Returns whether the sample is large enough for a decision.
    fn is_enough(&self, mode: Mode, now: Instant) -> bool {
        let time = now.saturating_duration_since(self.since);
        let has = |size: Size| self.answers >= size.answers && time >= size.time;
        let too_fast = self.answers >= TOO_FAST_ANSWERS && self.share() >= TOO_FAST;
        match mode {
            Mode::Full => too_fast || has(AT_FULL),
            Mode::Held(_) | Mode::Probing(_) => {
                too_fast || has(BELOW_FULL) || has(BELOW_FULL_FEW_ANSWERS)
            }
        }
    }
}
