//! Computes when a request may be sent. It neither waits nor reads a clock.

use std::time::Duration;

use tokio::time::Instant;

use super::latency::Latency;
use super::pace::Pace;
use super::slots::{Hold, Slots, Use};

/// The longest delay of a grant that later grants make up for.
pub(super) const CATCH_UP: Duration = Duration::from_millis(100);

/// How long a request is granted before it may be sent.
pub(super) const AHEAD: Duration = Duration::from_millis(25);

/// The longest time that a slot is held for one request's latency, unless requests were refused.
pub(super) const ALLOWANCE: Duration = Duration::from_millis(250);

/// The longest pause that a service can request.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// The maximum number of slots, which limits the work for one grant. No service accepts more requests
/// in a window.
const MAX_SLOTS: u32 = 10_000;

/// The longest window, in seconds: the slowest rate is one request in it.
const MAX_WINDOW: f64 = 1000.0;

/// The slots of one call, and their state.
///
/// There are as many slots as the service accepts requests in a window. A request holds its slot
/// until one window after its *latest* possible arrival (the answer shows that it has arrived), less
/// the *least* time that the next request needs to arrive. So two requests in one slot never arrive
/// within one window, and no window contains more arrivals than there are slots, in whatever order
/// they arrive and wherever on the path the service counts a request.
#[derive(Debug)]
pub(super) struct Ledger {
    window: Duration,
    interval: Duration,
    slots: Slots,
    /// The next point of the grid on which the grants are spread.
    next: Instant,
    last_grant: Option<Instant>,
    /// The values of `last_grant` and `next` before the last grant.
    grant_before: (Option<Instant>, Instant),
    last_sent: Option<Instant>,
    paused_until: Instant,
    latency: Latency,
    allowance: Duration,
    allowed_more_at: Option<Instant>,
    pace: Pace,
}

/// When the next request may be sent.
#[derive(Debug)]
pub(super) enum Turn {
    /// From this time on, which is now or at most [`AHEAD`] later.
    Granted(Hold, Instant),
    /// Not yet: call again at this time, or earlier if something changes.
    At(Instant),
    /// Not yet: call again when a granted request is sent or its slot is freed.
    AfterChange,
}

impl Ledger {
    /// Returns the ledger for `rate` requests per second, with all slots free from `now` on.
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        let rate = if rate.is_finite() { rate.max(1.0 / MAX_WINDOW) } else { 1.0 };
        let count = (1..=MAX_SLOTS).rev().find(|n| f64::from(*n) <= rate).unwrap_or(1);
        let window = Duration::from_secs_f64((1.0 / rate).max(1.0));
        let interval = window / count;
        Self {
            window,
            interval,
            slots: Slots::new(count, now),
            next: now,
            last_grant: None,
            grant_before: (None, now),
            last_sent: None,
            paused_until: now,
            latency: Latency::default(),
            allowance: ALLOWANCE.min(window),
            allowed_more_at: None,
            pace: Pace::full(now),
        }
    }

    /// Counts the slots as used at the full rate until `last`.
    pub(super) fn resume(&mut self, last: Instant) {
        self.slots.free_from(last + self.window + self.allowance + CATCH_UP, self.interval);
        self.next = self.next.max(last + self.interval);
        self.last_sent = Some(last);
    }

    /// Returns when the request of a caller that waits since `requested` may be sent. Grants it if that is
    /// now or at most [`AHEAD`] later.
    pub(super) fn turn(&mut self, requested: Instant, now: Instant) -> Turn {
        let timeout = self.window + self.unanswered();
        let Some(free) = self.slots.first_free(timeout) else { return Turn::AfterChange };
        let interval = self.interval.div_f64(self.pace.part());
        let point = self.next.max(requested);
        let spread = self.last_grant.map_or(point, |last| last + interval / 4);
        let at = free.max(point).max(spread).max(self.paused_until);
        if at > now + AHEAD {
            return Turn::At(at - AHEAD);
        }
        let due = at.max(now);
        let Some(hold) = self.slots.grant(timeout, due) else { return Turn::AfterChange };
        let late = due.checked_sub(CATCH_UP).unwrap_or(point);
        self.grant_before = (self.last_grant.replace(due), self.next);
        self.next = point.max(late) + interval;
        Turn::Granted(hold, due)
    }

    /// Records that a granted request was sent.
    pub(super) fn sent(&mut self, hold: Hold, now: Instant) {
        self.last_sent = Some(now);
        self.slots.put(hold, Use::Sent(now));
    }

    /// Frees a granted slot unless its request was sent.
    pub(super) fn unused(&mut self, hold: Hold) {
        self.slots.take_back(hold);
    }

    /// Frees a granted slot as if it had not been granted: if it was the last grant, the next request may be
    /// sent at the time of this one.
    pub(super) fn revoke(&mut self, hold: Hold) {
        let granted = self.slots.take_back(hold);
        if granted.is_some() && granted == self.last_grant {
            (self.last_grant, self.next) = self.grant_before;
        }
    }

    /// Records an answer.
    pub(super) fn answered(&mut self, hold: Hold, sent: Instant, now: Instant) {
        self.latency.learn(now.saturating_duration_since(sent));
        self.free(hold, sent, now);
        self.pace.answered(sent, now);
        self.allowance = self.allowance.mul_f64(0.998).max(ALLOWANCE.min(self.window));
    }

    /// Records a "too often" answer: it adapts the pace to the share of such answers, and doubles the
    /// latency's allowance once for all requests that were in flight together.
    pub(super) fn refused(
        &mut self,
        hold: Hold,
        sent: Instant,
        now: Instant,
        pause: Option<Duration>,
    ) {
        self.free(hold, sent, now);
        self.pace.refused(sent, now);
        let pause = pause.unwrap_or(Duration::ZERO).min(MAX_PAUSE);
        self.paused_until = self.paused_until.max(now + pause);
        if self.allowed_more_at.is_none_or(|allowed| sent > allowed) {
            self.allowed_more_at = Some(now);
            self.allowance = (self.allowance * 2).min(self.window);
        }
    }

    /// Returns when the last request was sent.
    pub(super) fn last_sent(&self) -> Option<Instant> {
        self.last_sent
    }

    /// Returns how long beyond the window a slot is held for a request that is not answered yet.
    fn unanswered(&self) -> Duration {
        let longest = self.latency.longest();
        if longest < self.window {
            return self.allowance;
        }
        longest.saturating_sub(self.latency.floor()).min(self.allowance)
    }

    /// Frees a slot after the answer, from a window after the request has arrived on.
    fn free(&mut self, hold: Hold, sent: Instant, now: Instant) {
        let took = now.saturating_duration_since(sent);
        let beyond = took.saturating_sub(self.latency.floor()).min(self.allowance);
        self.slots.put(hold, Use::Free(sent + self.window + beyond));
    }
}
