//! Reads the dates and durations in HTTP headers.

use std::fmt;
use std::time::Duration;

use crate::model::Timestamp;

/// The difference between this machine's clock and the service's, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDifference {
    /// How many seconds the service's clock is ahead of this machine's; negative if it is behind.
    pub service_ahead: i64,
}

impl ClockDifference {
    /// Compares the `Date` of an answer with the time at which the answer was received.
    pub(crate) fn between(service: Timestamp, ours: Timestamp) -> Self {
        // The header is truncated to whole seconds: on average half a second is lost.
        let millis = service.as_millis().saturating_add(500).saturating_sub(ours.as_millis());
        Self { service_ahead: millis / 1000 }
    }
}

impl fmt::Display for ClockDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.service_ahead.unsigned_abs();
        match self.service_ahead {
            0 => f.write_str("this machine's clock agrees with the service's"),
            1.. => write!(f, "this machine's clock is {seconds} s behind the service's"),
            ..0 => write!(f, "this machine's clock is {seconds} s ahead of the service's"),
        }
    }
}

/// Reads an HTTP date.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(Timestamp::from_millis(date.timestamp().as_millisecond()))
}

/// Reads `Retry-After`: seconds, or an HTTP date, which is compared with the `Date` of the same answer.
pub(crate) fn retry_after(text: &str, date: Option<Timestamp>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(http_date(text)?.since(date?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    #[test]
    fn http_dates_and_retry_after_are_read() {
        let date = http_date(DATE).expect("a date");
        assert_eq!(date.to_string(), "1994-11-06T08:49:37.000Z");
        assert_eq!(http_date("yesterday"), None);
        assert_eq!(retry_after(" 7 ", None), Some(Duration::from_secs(7)));
        let later = "Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(retry_after(later, Some(date)), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(DATE, http_date(later)), Some(Duration::ZERO));
        for text in ["", "-1", "1.5", "soon", later] {
            assert_eq!(retry_after(text, None), None, "{text}");
        }
    }

    #[test]
    fn a_clock_difference_reports_which_clock_is_ahead() {
        let (service, ours) = (Timestamp::from_millis(1_000_000), Timestamp::from_millis(246_400));
        let text = ClockDifference::between(service, ours).to_string();
        assert_eq!(text, "this machine's clock is 754 s behind the service's");
        let same = ClockDifference::between(service, Timestamp::from_millis(1_001_400));
        assert_eq!(same.service_ahead, 0);
    }
}
