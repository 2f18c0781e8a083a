//! The retry policy: when a call is retried, and when its attempts are used up.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Random;

/// How often and for how long a call is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest wait after the first attempt; it doubles with each further attempt.
    pub base: Duration,
    /// The longest wait after any attempt, unless the service requests a longer one.
    pub cap: Duration,
    /// The number of attempts, including the first.
    pub attempts: u32,
    /// The time after the first attempt began in which another one may begin.
    pub total: Duration,
}

/// The time that may pass between [`Backoff::may_begin`] and the sending: a permit is granted up to 25 ms
/// early, and the intent of a change is written first.
const LEAD: Duration = Duration::from_millis(250);

/// Counts the attempts of one call.
#[derive(Clone)]
pub struct Backoff {
    policy: RetryPolicy,
    random: Arc<dyn Random>,
    began_first: Option<Instant>,
    attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(250),
            cap: Duration::from_secs(8),
            attempts: 6,
            total: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// Starts counting the attempts of one call.
    #[must_use]
    pub fn begin(self, random: Arc<dyn Random>) -> Backoff {
        Backoff { policy: self, random, began_first: None, attempts: 0 }
    }
}

impl Backoff {
    /// Returns whether an attempt may begin now; the first one always may. Must be called right before each
    /// attempt, because the wait for the permit counts too.
    pub fn may_begin(&mut self) -> bool {
        self.began_first.get_or_insert_with(Instant::now);
        self.attempts == 0 || self.fits(Duration::ZERO)
    }

    /// Counts a failed attempt, and returns how long to wait before the next one; `None` if there is none.
    /// The wait is exponential with full jitter, and never shorter than the service requests.
    pub fn next(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        self.attempts += 1;
        if self.attempts >= self.policy.attempts {
            return None;
        }
        let doubled = 2_u32.saturating_pow(self.attempts - 1);
        let most = self.policy.base.saturating_mul(doubled).min(self.policy.cap);
        let wait = self.jitter(most).max(retry_after.unwrap_or(Duration::ZERO));
        self.fits(wait).then_some(wait)
    }

    /// Returns whether an attempt that begins after `wait` begins in time.
    fn fits(&self, wait: Duration) -> bool {
        let spent = self.began_first.map_or(Duration::ZERO, |first| first.elapsed());
        spent.saturating_add(wait).saturating_add(LEAD) <= self.policy.total
    }

    /// Returns how many attempts have failed.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns a random part of `most`, uniformly distributed; `most` if the system has no randomness.
    fn jitter(&self, most: Duration) -> Duration {
        let share = self.random.eight_bytes().map_or(u64::MAX, u64::from_le_bytes);
        let nanos = (most.as_nanos() * u128::from(share)) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl std::fmt::Debug for Backoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { policy, random: _, began_first, attempts } = self;
        f.debug_struct("Backoff")
            .field("policy", policy)
            .field("began_first", began_first)
            .field("attempts", attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fixed;
    use super::*;

    fn backoff(share: u64) -> Backoff {
        RetryPolicy::default().begin(Arc::new(Fixed(share.to_le_bytes())))
    }

    fn waits(share: u64) -> Vec<u128> {
        let mut backoff = backoff(share);
        std::iter::from_fn(|| backoff.next(None)).map(|wait| wait.as_millis()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_doubles_with_full_jitter_for_six_attempts() {
        assert_eq!(waits(u64::MAX), [249, 499, 999, 1999, 3999]);
        assert_eq!(waits(0), [0, 0, 0, 0, 0]);
        assert_eq!(waits(1 << 63), [125, 250, 500, 1000, 2000]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_never_shorter_than_retry_after() {
        let mut backoff = backoff(0);
        let retry_after = Duration::from_secs(7);
        assert_eq!(backoff.next(Some(retry_after)), Some(retry_after));
        assert_eq!(backoff.next(None), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_begins_later_than_a_minute_after_the_first() {
        let second = Duration::from_secs(1);
        let mut backoff = backoff(0);
        assert!(backoff.may_begin());
        assert_eq!(backoff.next(Some(60 * second)), None);
        tokio::time::advance(10 * second).await;
        assert_eq!(backoff.next(Some(50 * second)), None);
        assert!(backoff.next(Some(49 * second)).is_some());
        // The wait for the permit counts.
        tokio::time::advance(49 * second).await;
        assert!(backoff.may_begin());
        tokio::time::advance(second).await;
        assert!(!backoff.may_begin());
        assert_eq!(backoff.next(None), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_minute_is_counted_from_the_first_attempt() {
        let mut backoff = backoff(0);
        tokio::time::advance(Duration::from_mins(5)).await;
        assert!(backoff.may_begin());
        assert!(backoff.next(None).is_some());
        assert!(backoff.may_begin());
    }
}
