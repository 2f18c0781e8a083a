//! Bad days: what may go wrong with a request, and how often.

use std::fmt;
use std::str::FromStr;

use super::dice::Dice;

/// What goes wrong with a request that was otherwise well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `500`: HTTP 500 with a line of text.
    ServerError(Work),
    /// `busy`: "too often" (ZIM's 660300005, or 660700001 of UserRegister; RTC's 206; Tencent's 60019),
    /// nothing done.
    Busy,
    /// `reset-before` and `reset-after`: the connection is cut without an answer.
    Reset(Work),
    /// `hang`: the request is held for 12 s, longer than a client waits, then cut. Work is done after 9 s:
    /// late, and long after a client that was killed is gone, but within the time-out of one call.
    Hang(Work),
    /// `garbage`: the work is done, and the answer is a page of HTML or half of the JSON.
    Garbage,
}

/// Whether the service did the work before the request went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It did.
    Done,
    /// It did not.
    NotDone,
    /// One or the other, by chance: the client cannot know.
    Either,
}

/// A part of all requests, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultShare {
    /// What goes wrong.
    pub fault: Fault,
    /// Of how many requests.
    pub share: Share,
}

/// Why a text is no `KIND=SHARE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no `=`.
    #[error("`{0}` says no share: write KIND=SHARE, such as `busy=10%`")]
    NoShare(String),
    /// The part before the `=` is no fault.
    #[error("`{0}` is no fault: there are 500, busy, reset-before, reset-after, hang and garbage")]
    Kind(String),
    /// The part after the `=` is no share.
    #[error("`{0}` is no share: write 0% to 100%, or 0 to 1")]
    Share(String),
}

impl Share {
    /// Every request.
    pub const ALL: Self = Self(1.0);

    /// The share as a number, 0 to 1.
    #[must_use]
    pub const fn as_fraction(self) -> f64 {
        self.0
    }
}

impl Work {
    /// Whether it is done this time.
    pub(super) fn lands(self, dice: &mut Dice) -> bool {
        match self {
            Self::Done => true,
            Self::NotDone => false,
            Self::Either => dice.heads(),
        }
    }
}

/// The fault that strikes this request, if any: one draw, whatever the number of faults.
pub(super) fn draw(faults: &[FaultShare], dice: &mut Dice) -> Option<Fault> {
    let mut left = dice.fraction();
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

    /// Reads `KIND=SHARE`, as `--fault` takes it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_flag_takes() {
        let read = |text: &str| text.parse::<FaultShare>();
        let share = |text: &str| read(text).expect("a fault").share.as_fraction();
        assert!((share("busy=10%") - 0.1).abs() < 1e-9);
        assert!((share("hang=0.5%") - 0.005).abs() < 1e-9);
        assert!((share("500=1") - 1.0).abs() < 1e-9);
        for kind in ["500", "busy", "reset-before", "reset-after", "hang", "garbage"] {
            let told = read(&format!("{kind}=1%")).expect("a fault").fault.to_string();
            assert_eq!(told, kind);
        }
    }

    #[test]
    fn refuses_other_texts() {
        let read = |text: &str| text.parse::<FaultShare>();
        assert!(matches!(read("busy"), Err(FaultError::NoShare(_))));
        assert!(matches!(read("slow=1%"), Err(FaultError::Kind(_))));
        for text in ["busy=", "busy=101%", "busy=2", "busy=-1%", "busy=NaN", "busy=1e-1", "busy=%"]
        {
            assert!(matches!(read(text), Err(FaultError::Share(_))), "{text}");
        }
    }

    #[test]
    fn strikes_as_often_as_it_was_told_to() {
        let faults = ["busy=20%", "garbage=5%"].map(|text| text.parse().expect("a fault"));
        let mut dice = Dice::new(7);
        let struck: Vec<_> = (0..20_000).map(|_| draw(&faults, &mut dice)).collect();
        let count = |fault| struck.iter().filter(|one| **one == fault).count();
        assert!((3_800..4_200).contains(&count(Some(Fault::Busy))));
        assert!((900..1_100).contains(&count(Some(Fault::Garbage))));
    }
}
