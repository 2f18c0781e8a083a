//! Fault injection: which faults are injected into requests, how often, and the random numbers for it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A fault that is injected into a request that would otherwise be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `500`: the answer is HTTP 500 with a line of text.
    ServerError(Work),
    /// `busy`: the answer is "too often" (ZIM's 660300005, or 660700001 for UserRegister; RTC's 206;
    /// Tencent's 60019), and the work is not done.
    Busy,
    /// `reset-before` and `reset-after`: the connection is cut without an answer.
    Reset(Work),
    /// `hang`: the request is held for 12 s, longer than a client waits, and its connection is then cut.
    /// If the work is done, it is done after 9 s, within the time-out of one call.
    Hang(Work),
    /// `garbage`: the work is done, and the answer is an HTML page or half of the JSON.
    Garbage,
}

/// Whether the service does the work of a request with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It does the work.
    Done,
    /// It does not do the work.
    NotDone,
    /// It does the work at random: the client cannot know.
    Either,
}

/// A share of all requests, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

/// A fault, and how often it is injected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultShare {
    /// The fault.
    pub fault: Fault,
    /// The share of requests with the fault.
    pub share: Share,
}

/// Why a text is not a `KIND=SHARE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no `=`.
    #[error("`{0}` has no share: expected KIND=SHARE, such as `busy=10%`")]
    NoShare(String),
    /// The part before the `=` is not a fault.
    #[error(
        "unknown fault `{0}`: there are 500, busy, reset-before, reset-after, hang and garbage"
    )]
    Kind(String),
    /// The part after the `=` is not a share.
    #[error("invalid share `{0}`: expected 0% to 100%, or 0 to 1")]
    Share(String),
}

impl Share {
    /// Every request.
    pub const ALL: Self = Self(1.0);

    /// Returns the share as a number, 0 to 1.
    #[must_use]
    pub const fn as_fraction(self) -> f64 {
        self.0
    }
}

impl Work {
    /// Returns whether the work of one request is done.
    pub(super) fn is_done(self, random: &mut Random) -> bool {
        match self {
            Self::Done => true,
            Self::NotDone => false,
            Self::Either => random.coin(),
        }
    }
}

/// Returns the fault to inject into a request, if any. Draws one random number, with any number of faults.
pub(super) fn draw(faults: &[FaultShare], random: &mut Random) -> Option<Fault> {
    let mut left = random.fraction();
    for FaultShare { fault, share } in faults {
        if left < share.0 {
            return Some(*fault);
        }
        left -= share.0;
    }
    None
}

impl FromStr for Share {
    type Err = FaultError;

    /// Reads `5%`, `0.5%` or `0.05`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, whole) = match text.strip_suffix('%') {
            Some(number) => (number, 100.0),
            None => (text, 1.0),
        };
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        match number.parse::<f64>() {
            Ok(value) if plain && value <= whole => Ok(Self(value / whole)),
            Ok(_) | Err(_) => Err(FaultError::Share(text.to_owned())),
        }
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "500" => Ok(Self::ServerError(Work::Either)),
            "busy" => Ok(Self::Busy),
            "reset-before" => Ok(Self::Reset(Work::NotDone)),
            "reset-after" => Ok(Self::Reset(Work::Done)),
            "hang" => Ok(Self::Hang(Work::Either)),
            "garbage" => Ok(Self::Garbage),
            _ => Err(FaultError::Kind(text.to_owned())),
        }
    }
}

impl FromStr for FaultShare {
    type Err = FaultError;

    /// Reads `KIND=SHARE`, the value of `--fault`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, share) =
            text.split_once('=').ok_or_else(|| FaultError::NoShare(text.to_owned()))?;
        Ok(Self { fault: kind.parse()?, share: share.parse()? })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerError(_) => "500",
            Self::Busy => "busy",
            Self::Reset(Work::NotDone) => "reset-before",
            Self::Reset(Work::Done) => "reset-after",
            Self::Reset(Work::Either) => "reset",
            Self::Hang(_) => "hang",
            Self::Garbage => "garbage",
        })
    }
}

/// The source of random numbers: the same seed gives the same faults.
#[derive(Debug)]
pub(super) struct Random(fastrand::Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Returns the next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// Returns a uniformly distributed number from 0 to 1, excluding 1.
    pub(super) fn fraction(&mut self) -> f64 {
        self.0.f64()
    }

    /// Returns true or false with equal probability.
    pub(super) fn coin(&mut self) -> bool {
        self.0.bool()
    }

    /// Returns a uniformly distributed duration from zero to `longest`.
    pub(super) fn duration(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_form_of_share_is_read() {
        let read = |text: &str| text.parse::<FaultShare>();
        let share = |text: &str| read(text).expect("a fault").share.as_fraction();
        assert!((share("busy=10%") - 0.1).abs() < 1e-9);
        assert!((share("hang=0.5%") - 0.005).abs() < 1e-9);
        assert!((share("500=1") - 1.0).abs() < 1e-9);
        for kind in ["500", "busy", "reset-before", "reset-after", "hang", "garbage"] {
            let shown = read(&format!("{kind}=1%")).expect("a fault").fault.to_string();
            assert_eq!(shown, kind);
        }
    }

    #[test]
    fn invalid_faults_and_shares_are_refused() {
        let read = |text: &str| text.parse::<FaultShare>();
        assert!(matches!(read("busy"), Err(FaultError::NoShare(_))));
        assert!(matches!(read("slow=1%"), Err(FaultError::Kind(_))));
        for text in ["busy=", "busy=101%", "busy=2", "busy=-1%", "busy=NaN", "busy=1e-1", "busy=%"]
        {
            assert!(matches!(read(text), Err(FaultError::Share(_))), "{text}");
        }
    }

    #[test]
    fn faults_are_injected_with_their_share() {
        let faults = ["busy=20%", "garbage=5%"].map(|text| text.parse().expect("a fault"));
        let mut random = Random::new(7);
        let drawn: Vec<_> = (0..20_000).map(|_| draw(&faults, &mut random)).collect();
        let count = |fault| drawn.iter().filter(|one| **one == fault).count();
        assert!((3_800..4_200).contains(&count(Some(Fault::Busy))));
        assert!((900..1_100).contains(&count(Some(Fault::Garbage))));
    }
}
