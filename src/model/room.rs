//! What a room is made of, whatever its kind.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Attributes;

/// The content of a room: what the file declares, or what was last sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The name that people see. ZIM: at most 64 bytes; no query returns it.
    pub name: Option<Box<str>>,
    /// How long the room lives while it is empty. ZIM: no query returns it; left out: no time at all.
    pub destroy_delay_time: Option<Delay>,
    /// The attributes that we manage.
    #[serde(default)]
    pub attributes: Attributes,
}

/// A span in whole seconds: `90`, `90s`, `15m` or `3h` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delay(u32);

/// Why a text is no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write whole seconds (`90`), or `90s`, `15m`, `3h`")]
pub struct DelayError;

impl Room {
    /// How long the service keeps this room while it is empty.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.destroy_delay_time.map_or(Duration::ZERO, Delay::as_duration)
    }
}

impl Delay {
    /// Makes a span of seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The span in seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u32 {
        self.0
    }

    /// The span as a duration.
    #[must_use]
    pub fn as_duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl FromStr for Delay {
    type Err = DelayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, unit) = match text.as_bytes().last() {
            Some(b's') => (&text[..text.len() - 1], 1),
            Some(b'm') => (&text[..text.len() - 1], 60),
            Some(b'h') => (&text[..text.len() - 1], 3600),
            _ => (text, 1),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DelayError);
        }
        let count: u32 = digits.parse().map_err(|_| DelayError)?;
        count.checked_mul(unit).map(Self).ok_or(DelayError)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0s"),
            seconds if seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            seconds if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_writes_them_back() {
        for (text, seconds, back) in [
            ("90", 90, "90s"),
            ("90s", 90, "90s"),
            ("15m", 900, "15m"),
            ("3h", 10_800, "3h"),
            ("0", 0, "0s"),
        ] {
            let delay: Delay = text.parse().expect("a span");
            assert_eq!((delay.as_seconds(), delay.to_string().as_str()), (seconds, back));
        }
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "h", "-1", "+1", "1.5h", "1d", "99999999999", "4294967295h", "1 h", "٣h"]
        {
            assert_eq!(text.parse::<Delay>(), Err(DelayError), "{text}");
        }
    }
}
