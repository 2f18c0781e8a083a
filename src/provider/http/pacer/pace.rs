//! The rate of a call, adapted to the share of its answers that are "too often".
//!
//! A small share is noise: the refused requests are retried, and the rate stays. A large one means that other
//! programs use the limit too: then the rate becomes what the service accepted, and from time to time a faster
//! one is probed. It stays if more is accepted at it, however many are refused.

use std::time::Duration;

use tokio::time::Instant;

/// The sample that decides whether the full pace is too fast.
const AT_FULL: Size = Size { answers: 20, time: Duration::from_secs(2) };

/// The sample that decides about a slower pace, and the one if answers are few.
const BELOW_FULL: Size = Size { answers: 10, time: Duration::from_secs(1) };
const AT_LEAST: Size = Size { answers: 4, time: Duration::from_secs(2) };

/// The share of refusals at the full pace up to which they are noise.
const NOISE: f64 = 0.15;

/// The share of refusals that means at once that the pace is too fast, and after how many answers.
const TOO_FAST: f64 = 0.5;
const TOO_FAST_ANSWERS: u32 = 10;

/// How long a pace is held before a faster one is probed, in samples.
const HELD: u32 = 3;

/// How much faster the first probe is, and each one after a probe of which more was accepted.
const PROBE: f64 = 1.4;
const NEXT_PROBE: f64 = 2.0;

/// The target below what was accepted, and the most that one sample may slow down.
const BELOW: f64 = 0.95;
const AT_ONCE: f64 = 0.25;

/// The slowest pace, as a part of the full one.
const SLOWEST: f64 = 0.1;

/// The pace of one call.
#[derive(Debug)]
pub(super) struct Pace {
    /// A part of the full one.
    part: f64,
    mode: Mode,
    sample: Sample,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// It is the full one.
    Full,
    /// It is held for this many more samples.
    Held(u32),
    /// It is faster than one that was held.
    Probing(Held),
}

/// A pace that was held.
#[derive(Clone, Copy, Debug)]
struct Held {
    part: f64,
    /// The rate that was accepted.
    through: f64,
}

/// The answers to what was sent since the pace was last judged.
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

    /// Records an answer of "too often".
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
            self.judge();
            self.sample = Sample::new(now);
        }
    }

    fn judge(&mut self) {
        let share = self.sample.share();
        let through = self.part * (1.0 - share);
        match self.mode {
            Mode::Full if share > NOISE => self.hold(through * BELOW),
            Mode::Full => {}
            Mode::Held(_) if share >= TOO_FAST => self.hold(through * BELOW),
            Mode::Held(1) => self.probe(through, PROBE),
            Mode::Held(left) => self.mode = Mode::Held(left.saturating_sub(1)),
            // At least half of what was sent in addition was accepted.
            Mode::Probing(held)
                if through / held.through >= f64::midpoint(1.0, self.part / held.part) =>
            {
                self.probe(through, NEXT_PROBE);
            }
            Mode::Probing(held) => self.hold(held.through.max(through * BELOW)),
        }
    }

    /// Holds a slower pace.
    fn hold(&mut self, part: f64) {
        self.part = part.max(self.part * AT_ONCE).max(SLOWEST);
        self.mode = Mode::Held(HELD);
    }

    /// Goes faster, after a rate of `through` was accepted.
    fn probe(&mut self, through: f64, faster: f64) {
        let held = Held { part: self.part, through };
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

    /// Whether there is enough to judge by.
    fn is_enough(&self, mode: Mode, now: Instant) -> bool {
        let time = now.saturating_duration_since(self.since);
        let has = |size: Size| self.answers >= size.answers && time >= size.time;
        let too_fast = self.answers >= TOO_FAST_ANSWERS && self.share() >= TOO_FAST;
        match mode {
            Mode::Full => too_fast || has(AT_FULL),
            Mode::Held(_) | Mode::Probing(_) => too_fast || has(BELOW_FULL) || has(AT_LEAST),
        }
    }
}
