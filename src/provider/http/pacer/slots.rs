//! The slots of a limit, ordered by when they become free.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// The slots, as many as the service accepts requests in a window.
#[derive(Debug)]
pub(super) struct Slots {
    all: Vec<Slot>,
    /// The free slots, by the time from which they are free.
    free: BTreeSet<(Instant, usize)>,
    /// The slots whose request was sent and is not answered yet, by the time of sending.
    sent: BTreeSet<(Instant, usize)>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    use_of: Use,
    /// Increases with every grant, so that a late answer does not change a later request's slot.
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    /// Free from this time on.
    Free(Instant),
    /// Granted, and not sent yet.
    Granted(Instant),
    /// Sent, and not answered yet.
    Sent(Instant),
}

/// A granted slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    slot: usize,
    turn: u64,
}

impl Slots {
    /// Returns `count` slots, all free from `now` on.
    pub(super) fn new(count: u32, now: Instant) -> Self {
        let all: Vec<_> = (0..count).map(|_| Slot { use_of: Use::Free(now), turn: 0 }).collect();
        let free = (0..all.len()).map(|slot| (now, slot)).collect();
        Self { all, free, sent: BTreeSet::new() }
    }

    /// Frees the first slot from `last` on, and each further slot earlier by `interval`.
    pub(super) fn free_from(&mut self, last: Instant, interval: Duration) {
        let mut free = last;
        for slot in 0..self.all.len() {
            self.set(slot, Use::Free(free));
            free = free.checked_sub(interval).unwrap_or(free);
        }
    }

    /// Returns when the first slot is free; `None` if all are granted. A slot whose request is not
    /// answered is free `timeout` after it was sent.
    pub(super) fn first_free(&self, timeout: Duration) -> Option<Instant> {
        self.first(timeout).map(|(from, _)| from)
    }

    /// Grants the first slot that becomes free, for a request to be sent at `due`.
    pub(super) fn grant(&mut self, timeout: Duration, due: Instant) -> Option<Hold> {
        let (_, slot) = self.first(timeout)?;
        self.set(slot, Use::Granted(due));
        let turn = &mut self.all[slot].turn;
        *turn += 1;
        Some(Hold { slot, turn: *turn })
    }

    /// Sets the use of a granted slot, unless it has been granted again since.
    pub(super) fn put(&mut self, hold: Hold, use_of: Use) {
        if self.all[hold.slot].turn == hold.turn {
            self.set(hold.slot, use_of);
        }
    }

    /// Frees a granted slot unless its request was sent; returns when it was to be sent.
    pub(super) fn take_back(&mut self, hold: Hold) -> Option<Instant> {
        let Slot { use_of, turn } = self.all[hold.slot];
        match use_of {
            Use::Granted(at) if turn == hold.turn => {
                self.set(hold.slot, Use::Free(at));
                Some(at)
            }
            Use::Granted(_) | Use::Free(_) | Use::Sent(_) => None,
        }
    }

    fn first(&self, timeout: Duration) -> Option<(Instant, usize)> {
        let free = self.free.first().copied();
        let sent = self.sent.first().map(|(sent, slot)| (*sent + timeout, *slot));
        free.into_iter().chain(sent).min()
    }

    fn set(&mut self, slot: usize, use_of: Use) {
        match std::mem::replace(&mut self.all[slot].use_of, use_of) {
            Use::Free(from) => self.free.remove(&(from, slot)),
            Use::Granted(_) => false,
            Use::Sent(sent) => self.sent.remove(&(sent, slot)),
        };
        match use_of {
            Use::Free(from) => self.free.insert((from, slot)),
            Use::Granted(_) => false,
            Use::Sent(sent) => self.sent.insert((sent, slot)),
        };
    }
}
