//! Who may send when: the pacer's arithmetic, without waiting and without a clock.

use std::time::Duration;

use tokio::time::Instant;

use super::latency::Latency;

/// How late a grant may be and still be made up for.
pub(super) const CATCH_UP: Duration = Duration::from_millis(100);

/// How long before its moment a request is granted.
pub(super) const AHEAD: Duration = Duration::from_millis(25);

/// The most that a slot is held for one request's latency, as long as nothing was refused.
pub(super) const ALLOWANCE: Duration = Duration::from_millis(250);

/// The longest pause that a service may ask for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// More requests a window than any service takes: bounds the work for one grant.
const MOST_SLOTS: u32 = 10_000;

/// The slowest pace, one request in so many seconds.
const SLOWEST: f64 = 1000.0;

/// What a refusal does to the interval, and how far refusals may take it.
const WIDER: f64 = 1.5;
const WIDEST: f64 = 16.0;

/// The part of the widening that one success takes back: less after each refusal in a row.
const QUICK_RECOVERY: f64 = 0.2;
const SLOW_RECOVERY: f64 = 0.0125;

/// The slots of one call, and what governs them.
///
/// There are as many slots as the service takes requests in a window. A request holds its slot
/// until a window after it has arrived *at the latest* (its answer shows that it has), less the
/// time that the next request needs *at least* to arrive. So two requests in one slot never arrive
/// within one window, and no window can hold more arrivals than there are slots, in whatever order
/// they arrive and wherever on its way the service counts a request.
#[derive(Debug)]
pub(super) struct Ledger {
    window: Duration,
    interval: Duration,
    slots: Vec<Slot>,
    /// The next point of the grid that spreads the grants.
    next: Instant,
    last_grant: Option<Instant>,
    last_sent: Option<Instant>,
    paused_until: Instant,
    latency: Latency,
    allowance: Duration,
    widening: f64,
    widened_at: Option<Instant>,
    recovery: f64,
}

#[derive(Debug)]
struct Slot {
    use_of: Use,
    /// Grows with every grant, so that a late answer does not touch a later request's slot.
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
enum Use {
    /// Free from this moment on.
    Free(Instant),
    /// Granted, and not sent yet.
    Granted(Instant),
    /// Sent, and not answered yet.
    Sent(Instant),
}

/// A slot as it was granted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    slot: usize,
    turn: u64,
}

/// When the next request may be sent.
#[derive(Debug)]
pub(super) enum Turn {
    /// From this moment on, which is now or a little ahead.
    Granted(Hold, Instant),
    /// Ask again at this moment, unless something changes before.
    At(Instant),
    /// When a granted slot is sent or given back.
    AfterChange,
}

impl Ledger {
    /// Makes the slots for `rate` requests a second, the first of them free at `now`.
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        let rate = if rate.is_finite() { rate.max(1.0 / SLOWEST) } else { 1.0 };
        let count = (1..=MOST_SLOTS).rev().find(|n| f64::from(*n) <= rate).unwrap_or(1);
        let window = Duration::from_secs_f64((1.0 / rate).max(1.0));
        let slot = |_| Slot { use_of: Use::Free(now), turn: 0 };
        Self {
            window,
            interval: window / count,
            slots: (0..count).map(slot).collect(),
            next: now,
            last_grant: None,
            last_sent: None,
            paused_until: now,
            latency: Latency::default(),
            allowance: ALLOWANCE.min(window),
            widening: 1.0,
            widened_at: None,
            recovery: QUICK_RECOVERY,
        }
    }

    /// Takes every slot as used up to `last`, at this pace.
    pub(super) fn resume(&mut self, last: Instant) {
        let held = self.window + self.allowance + CATCH_UP;
        let mut free = last + held;
        for slot in &mut self.slots {
            slot.use_of = Use::Free(free);
            free = free.checked_sub(self.interval).unwrap_or(free);
        }
        self.next = self.next.max(last + self.interval);
        self.last_sent = Some(last);
    }

    /// Tells when the request that was asked for at `asked` may be sent, and grants it if that is now
    /// or a little ahead.
    pub(super) fn turn(&mut self, asked: Instant, now: Instant) -> Turn {
        let Some((slot, free)) = self.first_free() else { return Turn::AfterChange };
        let point = self.next.max(asked);
        let spread = self.last_grant.map_or(point, |last| last + self.interval() / 4);
        let at = free.max(point).max(spread).max(self.paused_until);
        if at > now + AHEAD {
            return Turn::At(at - AHEAD);
        }
        let due = at.max(now);
        let late = due.checked_sub(CATCH_UP).unwrap_or(point);
        self.next = point.max(late) + self.interval();
        self.last_grant = Some(due);
        self.slots[slot].use_of = Use::Granted(due);
        self.slots[slot].turn += 1;
        Turn::Granted(Hold { slot, turn: self.slots[slot].turn }, due)
    }

    /// Stamps a granted request as sent.
    pub(super) fn sent(&mut self, hold: Hold, now: Instant) {
        self.last_sent = Some(now);
        self.put(hold, Use::Sent(now));
    }

    /// Takes a granted slot back unless its request was sent.
    pub(super) fn unused(&mut self, hold: Hold) {
        let slot = &self.slots[hold.slot];
        if let Use::Granted(at) = slot.use_of {
            self.put(hold, Use::Free(at));
        }
    }

    /// Learns from an answer, and takes back a part of what refusals have cost.
    pub(super) fn answered(&mut self, hold: Hold, sent: Instant, now: Instant) {
        self.latency.learn(now.saturating_duration_since(sent));
        self.release(hold, sent, now);
        self.widening = 1.0 + (self.widening - 1.0) * (1.0 - self.recovery);
        self.allowance = self.allowance.mul_f64(0.998).max(ALLOWANCE.min(self.window));
        if self.widening < 1.01 {
            (self.widening, self.recovery) = (1.0, QUICK_RECOVERY);
        }
    }

    /// Slows down after "too often", once for all the requests that were under way together.
    pub(super) fn refused(
        &mut self,
        hold: Hold,
        sent: Instant,
        now: Instant,
        pause: Option<Duration>,
    ) {
        self.release(hold, sent, now);
        let pause = pause.unwrap_or(Duration::ZERO).min(LONGEST_PAUSE);
        self.paused_until = self.paused_until.max(now + pause);
        if self.widened_at.is_some_and(|widened| sent <= widened) {
            return;
        }
        self.widened_at = Some(now);
        self.widening = (self.widening * WIDER).min(WIDEST);
        self.recovery = (self.recovery / 2.0).max(SLOW_RECOVERY);
        self.allowance = (self.allowance * 2).min(self.window);
        self.next = self.next.max(now + self.interval());
    }

    /// When the last request was sent.
    pub(super) fn last_sent(&self) -> Option<Instant> {
        self.last_sent
    }

    fn interval(&self) -> Duration {
        self.interval.mul_f64(self.widening)
    }

    fn first_free(&self) -> Option<(usize, Instant)> {
        let held = self.window + self.unanswered();
        let free = |(at, slot): (usize, &Slot)| match slot.use_of {
            Use::Free(from) => Some((at, from)),
            Use::Granted(_) => None,
            Use::Sent(sent) => Some((at, sent + held)),
        };
        self.slots.iter().enumerate().filter_map(free).min_by_key(|(_, from)| *from)
    }

    /// What a slot is held beyond the window for a request without an answer so far.
    fn unanswered(&self) -> Duration {
        let longest = self.latency.longest();
        if longest < self.window {
            return self.allowance;
        }
        longest.saturating_sub(self.latency.floor()).min(self.allowance)
    }

    fn release(&mut self, hold: Hold, sent: Instant, now: Instant) {
        let took = now.saturating_duration_since(sent);
        let beyond = took.saturating_sub(self.latency.floor()).min(self.allowance);
        self.put(hold, Use::Free(sent + self.window + beyond));
    }

    fn put(&mut self, hold: Hold, use_of: Use) {
        let slot = &mut self.slots[hold.slot];
        if slot.turn == hold.turn {
            slot.use_of = use_of;
        }
    }
}
