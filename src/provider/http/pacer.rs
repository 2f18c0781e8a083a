//! The rate limiter of one call.

mod latency;
mod ledger;
mod pace;
mod slots;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use ledger::{Ledger, Turn};
use slots::Hold;

/// Keeps one call of one provider within its rate limit. Cheap to clone: the clones share the limit.
///
/// At most `rate` requests arrive at the service in any second, wherever on the path it counts them: the
/// jitter of the latency is estimated from the round trips. Permits are granted evenly and in FIFO order,
/// without a burst at the start or after a pause. A large share of "too often" answers slows the call down
/// for all callers, a small one does not; the rate recovers by itself.
#[derive(Clone, Debug)]
pub struct Pacer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// Held by the caller that waits for the next permit; tokio's mutex is fair.
    queue: tokio::sync::Mutex<()>,
    changed: Notify,
}

/// A permit to send one request from a time that is at most 25 ms ahead. Dropping it unsent passes it to the
/// next waiter.
#[derive(Debug)]
#[must_use = "a permit that is dropped goes to the next in the queue"]
pub struct Permit {
    shared: Arc<Shared>,
    hold: Hold,
    due: Instant,
}

/// A request in flight. Dropping it means that no answer was received.
#[derive(Debug)]
#[must_use = "the pacer learns from the answer"]
pub struct InFlight {
    shared: Arc<Shared>,
    hold: Hold,
    sent: Instant,
}

impl Pacer {
    /// Returns a pacer for `rate` requests per second. A rate of 1 or more is rounded down; a rate below 1
    /// means one request in 1/`rate` seconds. The limits are 10,000 requests per second and one in 1,000 s.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        let ledger = Mutex::new(Ledger::new(rate, Instant::now()));
        let (queue, changed) = (tokio::sync::Mutex::new(()), Notify::new());
        Self { shared: Arc::new(Shared { ledger, queue, changed }) }
    }

    /// Counts the limit as used up by an earlier run, whose last request was sent `ago` before now.
    pub fn resume(&self, ago: Duration) {
        if let Some(last) = Instant::now().checked_sub(ago) {
            self.shared.ledger().resume(last);
        }
    }

    /// Waits for a permit to send one request, in FIFO order. Dropping the future leaves the queue.
    ///
    /// A permit is granted up to 25 ms before it is valid. In that time the caller can do what has to
    /// precede the request, such as a durable write; [`Permit::sent`] waits for the rest of it.
    pub async fn permit(&self) -> Permit {
        let requested = Instant::now();
        let _first = self.shared.queue.lock().await;
        loop {
            let turn = self.shared.ledger().turn(requested, Instant::now());
            match turn {
                Turn::Granted(hold, due) => {
                    return Permit { shared: Arc::clone(&self.shared), hold, due };
                }
                Turn::At(moment) => tokio::select! {
                    () = sleep_until(moment) => {}
                    () = self.shared.changed.notified() => {}
                },
                Turn::AfterChange => self.shared.changed.notified().await,
            }
        }
    }

    /// Returns how long ago the last request was sent, by this run or the previous one.
    #[must_use]
    pub fn last_sent(&self) -> Option<Duration> {
        self.shared.ledger().last_sent().map(|last| last.elapsed())
    }
}

impl Permit {
    /// Passes the permit to the next waiter right after it was granted, without a delay for the others.
    pub fn release(self) {
        self.shared.change(|ledger| ledger.revoke(self.hold));
    }

    /// Waits until the permit is valid, at most 25 ms after it was granted.
    pub async fn valid(&self) {
        sleep_until(self.due).await;
    }

    /// Waits until the permit is valid, and records that the request is sent now. Must be called right
    /// before sending.
    pub async fn sent(self) -> InFlight {
        self.valid().await;
        let (shared, hold, sent) = (Arc::clone(&self.shared), self.hold, Instant::now());
        shared.change(|ledger| ledger.sent(hold, sent));
        InFlight { shared, hold, sent }
    }
}

impl InFlight {
    /// Records an answer other than "too often", and returns the round-trip time.
    #[allow(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn answered(self) -> Duration {
        let Self { shared, hold, sent } = self;
        let now = Instant::now();
        shared.change(|ledger| ledger.answered(hold, sent, now));
        now - sent
    }

    /// Records a "too often" answer, makes all callers wait for `pause` (at most 60 s), and returns the
    /// round-trip time.
    #[allow(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn too_often(self, pause: Option<Duration>) -> Duration {
        let Self { shared, hold, sent } = self;
        let now = Instant::now();
        shared.change(|ledger| ledger.refused(hold, sent, now, pause));
        now - sent
    }

    /// Records that no answer was received, and returns how long the request was in flight. It may still
    /// arrive, so it counts towards the limit.
    #[allow(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn lost(self) -> Duration {
        self.sent.elapsed()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.change(|ledger| ledger.unused(self.hold));
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Ledger)) {
        change(&mut self.ledger());
        self.changed.notify_one();
    }
}
