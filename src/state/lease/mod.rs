//! The lease of a shared store: its times, retries, takeover, and the requests of its holder.

mod clock;
mod error;
mod holder;
mod watch;
mod window;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::model::{CALL_TIMEOUT, Holder};
use crate::state::StateError;

pub(super) use clock::{Moment, SystemClocks, WindowClock};
pub(super) use error::RemoteError;
pub(super) use holder::{Append, LeaseWriter, LeasedStore, Queue, Request, WriterEnd};
pub(super) use watch::Watch;
pub(super) use window::{SEND_WINDOW, WriteWindow};

/// How long after a takeover a call of an earlier holder may be in flight: the send window plus the
/// time-out of a call.
pub(super) const CALLS_END: Duration = SEND_WINDOW.saturating_add(CALL_TIMEOUT);
/// The interval at which a lease of another run is read again.
pub(super) const POLL: Duration = Duration::from_secs(1);
/// How long after its expiry a holder still tries to renew its lease. The condition of the write
/// fails if another run took the lease.
pub(super) const RENEWAL_PATIENCE: Duration = Duration::from_secs(15);
/// How long a takeover is retried.
pub(super) const TAKEOVER_PATIENCE: Duration = Duration::from_secs(15);
/// How long a read is retried while the store does not answer.
pub(super) const READ_PATIENCE: Duration = Duration::from_secs(30);
/// How long the first connection is retried: a wrong host is reported soon, and a starting server
/// is waited for.
const FIRST_CONTACT: Duration = Duration::from_secs(4);
/// The wait before the first retry. Each further wait doubles.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// The longest wait between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// How a lease was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Released {
    /// By the holder, after its last write of the state.
    Cleanly,
    /// By hand, or after a failure.
    Uncleanly,
}

#[cfg(feature = "postgres")]
impl Released {
    /// Returns its name in a database column.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cleanly => "cleanly",
            Self::Uncleanly => "uncleanly",
        }
    }
}

/// The time at which a write was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// By tokio's clock, for waits.
    pub(super) at: Instant,
    /// By the clocks of the send window.
    pub(super) moment: Moment,
}

impl Sent {
    /// Returns the current time.
    pub(super) fn now(clock: &dyn WindowClock) -> Self {
        Self { at: Instant::now(), moment: clock.now() }
    }
}

/// The exponential backoff between retries, with jitter.
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_DELAY)
    }
}

impl Backoff {
    /// Waits before the next retry. Returns false without waiting if the retry would start after
    /// `until`.
    pub(super) async fn wait(&mut self, until: Instant) -> bool {
        let delay = self.0.mul_f64(0.5 + fastrand::f64() / 2.0);
        if Instant::now() + delay >= until {
            return false;
        }
        sleep(delay).await;
        self.0 = (self.0 * 2).min(LONGEST_DELAY);
        true
    }
}

/// Retries an idempotent request until a time, or only for [`FIRST_CONTACT`] if no connection is
/// established.
pub(super) struct Retry {
    backoff: Backoff,
    started: Instant,
    until: Instant,
}

impl Retry {
    /// Retries until a time.
    pub(super) fn until(until: Instant) -> Self {
        Self { backoff: Backoff::default(), started: Instant::now(), until }
    }

    /// Waits before the next retry.
    ///
    /// # Errors
    /// Returns the given error if there is no further retry.
    pub(super) async fn after(&mut self, error: RemoteError) -> Result<(), RemoteError> {
        let until = match &error {
            RemoteError::Unavailable(_) => self.until,
            RemoteError::Unreachable(_) => self.until.min(self.started + FIRST_CONTACT),
            RemoteError::Denied(_) => return Err(error),
        };
        if self.backoff.wait(until).await { Ok(()) } else { Err(error) }
    }
}

/// Returns the error of a run that finds the lease held.
pub(super) fn locked(location: &str, holder: Holder, left: Duration) -> StateError {
    StateError::Locked {
        location: location.to_owned(),
        holder: Some(Box::new(holder)),
        lease_ends: Some(left),
    }
}

/// Returns the error of a holder whose lease was taken over.
pub(super) fn lost(location: &str, by: Option<Holder>) -> StateError {
    StateError::LeaseLost { location: location.to_owned(), by: by.map(Box::new) }
}
