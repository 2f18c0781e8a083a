//! The lease of a shared store: how long it and its calls hold, what ends it, and the requests of its holder.

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

/// How long after a takeover a call of an earlier holder may be in flight: it is sent within the send
/// window, and given up after the time-out of a call.
pub(super) const CALLS_END: Duration = SEND_WINDOW.saturating_add(CALL_TIMEOUT);
/// How often a lease that another run holds is read again.
pub(super) const POLL: Duration = Duration::from_secs(1);
/// How long after its end a lease is still renewed: the condition of the write shows whether another run
/// took it.
pub(super) const RENEWAL_PATIENCE: Duration = Duration::from_secs(15);
/// How long a takeover is tried.
pub(super) const TAKEOVER_PATIENCE: Duration = Duration::from_secs(15);
/// How long a read is repeated while the store does not answer.
pub(super) const READ_PATIENCE: Duration = Duration::from_secs(30);
/// How long that is done before the first connection comes about: a host that is wrong is soon said, and
/// one that just starts is waited for.
const FIRST_CONTACT: Duration = Duration::from_secs(4);
/// The wait before the first repetition; it doubles.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// The longest wait between two.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// How a lease was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Released {
    /// By its holder, after its last write of the state.
    Cleanly,
    /// By hand, or after a failure.
    Uncleanly,
}

#[cfg(feature = "postgres")]
impl Released {
    /// Its name in a column.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cleanly => "cleanly",
            Self::Uncleanly => "uncleanly",
        }
    }
}

/// When something was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// By the clock that waits go by.
    pub(super) at: Instant,
    /// By the clocks that a window goes by.
    pub(super) moment: Moment,
}

impl Sent {
    /// Something that is sent now.
    pub(super) fn now(clock: &dyn WindowClock) -> Self {
        Self { at: Instant::now(), moment: clock.now() }
    }
}

/// The wait between repetitions.
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_DELAY)
    }
}

impl Backoff {
    /// Waits before the next repetition; false if it would come too late.
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

/// Repeats a request that has no effect until a time, or only for a moment if no connection comes about.
pub(super) struct Retry {
    backoff: Backoff,
    begun: Instant,
    until: Instant,
}

impl Retry {
    /// Repeats until a time.
    pub(super) fn until(until: Instant) -> Self {
        Self { backoff: Backoff::default(), begun: Instant::now(), until }
    }

    /// Waits before the next repetition.
    ///
    /// # Errors
    /// Returns the error itself if there is none.
    pub(super) async fn after(&mut self, error: RemoteError) -> Result<(), RemoteError> {
        let until = match &error {
            RemoteError::Unavailable(_) => self.until,
            RemoteError::Unreachable(_) => self.until.min(self.begun + FIRST_CONTACT),
            RemoteError::Denied(_) => return Err(error),
        };
        if self.backoff.wait(until).await { Ok(()) } else { Err(error) }
    }
}

/// The error of a run that finds the lease held.
pub(super) fn locked(location: &str, holder: Holder, left: Duration) -> StateError {
    StateError::Locked {
        location: location.to_owned(),
        holder: Some(Box::new(holder)),
        lease_ends: Some(left),
    }
}

/// The error of a holder whose lease is another's now.
pub(super) fn lost(location: &str, by: Option<Holder>) -> StateError {
    StateError::LeaseLost { location: location.to_owned(), by: by.map(Box::new) }
}
