//! Keeps one call within its rate limit, as the service counts it.

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
/// At most `rate` requests arrive at the service in any second, wherever on the way it counts them: the
/// jitter of the latency is measured by the round trips. Permits are spread evenly,
/// first come, first served, without a burst at the start or after a pause. Many answers of "too often"
/// slow the call down for all callers, a few do not, and the rate recovers by itself.
#[derive(Clone, Debug)]
pub struct Pacer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// Held by the caller who waits for the next permit; tokio's mutex is fair.
    queue: tokio::sync::Mutex<()>,
    changed: Notify,
}

/// Permission to send one request from a time on that is at most a little ahead. Dropped unsent, it goes to
/// the next in the queue.
#[derive(Debug)]
#[must_use = "a permit that is dropped goes to the next in the queue"]
pub struct Permit {
    shared: Arc<Shared>,
    hold: Hold,
    due: Instant,
}

/// A request in flight. Dropped, its answer never came.
#[derive(Debug)]
#[must_use = "the pacer learns from the answer"]
pub struct InFlight {
    shared: Arc<Shared>,
    hold: Hold,
    sent: Instant,
}

impl Pacer {
    /// Returns a pacer for `rate` requests a second: rounded down if it is 1 or more; below 1, one request in
    /// 1/`rate` seconds. At most 10,000 a second and at least one in 1,000 s.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        let ledger = Mutex::new(Ledger::new(rate, Instant::now()));
        let (queue, changed) = (tokio::sync::Mutex::new(()), Notify::new());
        Self { shared: Arc::new(Shared { ledger, queue, changed }) }
    }

    /// Counts the limit as used up by an earlier run until `ago` before now.
    pub fn resume(&self, ago: Duration) {
        if let Some(last) = Instant::now().checked_sub(ago) {
            self.shared.ledger().resume(last);
        }
    }

    /// Waits for permission to send one request, first come, first served; dropping the future leaves the
    /// queue.
    ///
    /// A permit is granted up to 25 ms before it is valid, so that the caller can do in the meantime what has
    /// to precede the request, such as a durable write: [`Permit::sent`] waits for the rest.
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

    /// Returns how long ago the last request was sent, by this run or the one before it.
    #[must_use]
    pub fn last_sent(&self) -> Option<Duration> {
        self.shared.ledger().last_sent().map(|last| last.elapsed())
    }
}

impl Permit {
    /// Gives the permit to the next in the queue right after it was granted: it costs those behind nothing.
    pub fn release(self) {
        self.shared.change(|ledger| ledger.given_back(self.hold));
    }

    /// Waits until the permit is valid: at most a little.
    pub async fn valid(&self) {
        sleep_until(self.due).await;
    }

    /// Waits until the permit is valid, and records when the request is sent: call it right before sending.
    pub async fn sent(self) -> InFlight {
        self.valid().await;
        let (shared, hold, sent) = (Arc::clone(&self.shared), self.hold, Instant::now());
        shared.change(|ledger| ledger.sent(hold, sent));
        InFlight { shared, hold, sent }
    }
}

impl InFlight {
    /// Records an answer other than "too often", and returns how long it took.
    #[allow(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn answered(self) -> Duration {
        let Self { shared, hold, sent } = self;
        let now = Instant::now();
        shared.change(|ledger| ledger.answered(hold, sent, now));
        now - sent
    }

    /// Records an answer of "too often", makes all callers wait for `pause` (at most 60 s), and returns how long
    /// the answer took.
    #[allow(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn too_often(self, pause: Option<Duration>) -> Duration {
        let Self { shared, hold, sent } = self;
        let now = Instant::now();
        shared.change(|ledger| ledger.refused(hold, sent, now, pause));
        now - sent
    }

    /// Records that no answer came, and returns how long that took. The request may still arrive, so it counts
    /// towards the limit.
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
