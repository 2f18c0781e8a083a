//! Keeps one call inside its rate limit, as the service counts it.

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

/// Keeps one call of one provider inside its rate limit. Cheap to clone: the clones share the limit.
///
/// At most `rate` requests arrive at the service in any second, counted wherever on its way the
/// service counts them: the jitter of the latency is learned from the round trips. Grants are
/// spread evenly, in the order in which they were asked for, without a burst at the start or after
/// a pause. Many answers of "too often" slow the call down for everyone, few of them do not, and the
/// pace comes back by itself.
#[derive(Clone, Debug)]
pub struct Pacer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// Held by the one who waits for the next grant; tokio's mutex is fair.
    queue: tokio::sync::Mutex<()>,
    changed: Notify,
}

/// Leave to send one request, from a moment on that is at most a little ahead. Dropped unsent, it
/// goes to the next who asks.
#[derive(Debug)]
#[must_use = "a permit that is dropped gives its place to the next"]
pub struct Permit {
    shared: Arc<Shared>,
    hold: Hold,
    due: Instant,
}

/// A request on its way. Dropped, its answer never came.
#[derive(Debug)]
#[must_use = "the pacer learns from the answer"]
pub struct InFlight {
    shared: Arc<Shared>,
    hold: Hold,
    sent: Instant,
}

impl Pacer {
    /// Makes a pacer for `rate` requests a second: where it is 1 or more, rounded down; below 1,
    /// one request in 1/`rate` seconds. At most 10,000 a second and at least one in 1,000 s.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        let ledger = Mutex::new(Ledger::new(rate, Instant::now()));
        let (queue, changed) = (tokio::sync::Mutex::new(()), Notify::new());
        Self { shared: Arc::new(Shared { ledger, queue, changed }) }
    }

    /// Takes the limit as used up until `ago` before now, by an earlier run.
    pub fn resume(&self, ago: Duration) {
        if let Some(last) = Instant::now().checked_sub(ago) {
            self.shared.ledger().resume(last);
        }
    }

    /// Waits for leave to send one request. The order is that of asking; dropping the future
    /// leaves the queue.
    ///
    /// The leave is given up to 25 ms before the moment from which it holds, so that what has to be
    /// done before the request, such as a durable write, is done meanwhile: [`Permit::sent`] waits for
    /// the rest.
    pub async fn permit(&self) -> Permit {
        let asked = Instant::now();
        let _first = self.shared.queue.lock().await;
        loop {
            let turn = self.shared.ledger().turn(asked, Instant::now());
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

    /// How long ago the last request was sent, by this run or the one before it.
    #[must_use]
    pub fn last_sent(&self) -> Option<Duration> {
        self.shared.ledger().last_sent().map(|last| last.elapsed())
    }
}

impl Permit {
    /// Waits for the moment from which the leave holds, and stamps that at which the request really
    /// leaves: call it right before sending.
    pub async fn sent(self) -> InFlight {
        sleep_until(self.due).await;
        let (shared, hold, sent) = (Arc::clone(&self.shared), self.hold, Instant::now());
        shared.change(|ledger| ledger.sent(hold, sent));
        InFlight { shared, hold, sent }
    }
}

impl InFlight {
    /// Learns from an answer of whatever content, "too often" excepted, and returns how long it took.
    #[allow(clippy::must_use_candidate, reason = "what it learns is what it is called for")]
    pub fn answered(self) -> Duration {
        let Self { shared, hold, sent } = self;
        let now = Instant::now();
        shared.change(|ledger| ledger.answered(hold, sent, now));
        now - sent
    }

    /// Learns from an answer of "too often", has everyone wait for `pause` (at most 60 s), and returns
    /// how long the answer took.
    #[allow(clippy::must_use_candidate, reason = "what it learns is what it is called for")]
    pub fn too_often(self, pause: Option<Duration>) -> Duration {
        let Self { shared, hold, sent } = self;
        let now = Instant::now();
        shared.change(|ledger| ledger.refused(hold, sent, now, pause));
        now - sent
    }

    /// Gives up waiting for the answer, and returns how long that took. The request may still
    /// arrive, so it keeps its place in the limit.
    #[allow(clippy::must_use_candidate, reason = "giving up is what it is called for")]
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
