//! The count of rooms that may be alive: destroys make room for creates.

/// Holds the rooms that may be alive of one provider below the larger of what there was and what
/// there will be, so that a run never needs more of the quota than its ends do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alive {
    now: u64,
    before: u64,
    after: u64,
    most: u64,
}

impl Alive {
    /// Starts with `before` rooms that may be alive and `after` where every step is done; a destroy
    /// that is not done raises `after`, up to `max_rooms`.
    pub(super) fn new(before: u64, after: u64, max_rooms: Option<u64>) -> Self {
        Self { now: before, before, after, most: max_rooms.unwrap_or(u64::MAX) }
    }

    /// Counts one more room, if there is place for it.
    pub(super) fn admit(&mut self) -> bool {
        let admitted = self.now < self.before.max(self.after);
        if admitted {
            self.now += 1;
        }
        admitted
    }

    /// A room that was counted does not exist.
    pub(super) fn gone(&mut self) {
        self.now = self.now.saturating_sub(1);
    }

    /// A room that was to go stays.
    pub(super) fn stays(&mut self) {
        self.after = self.after.saturating_add(1).min(self.most.max(self.after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_wait_for_destroys_at_the_ceiling() {
        let mut alive = Alive::new(2, 2, None);
        assert!(!alive.admit());
        alive.gone();
        assert!(alive.admit());
        assert!(!alive.admit());
    }

    #[test]
    fn a_destroy_that_waits_raises_the_ceiling_up_to_max_rooms() {
        let mut alive = Alive::new(2, 2, Some(3));
        alive.stays();
        assert!(alive.admit());
        alive.stays();
        assert!(!alive.admit());
    }

    #[test]
    fn max_rooms_never_lowers_the_ceiling() {
        let mut alive = Alive::new(0, 5, Some(3));
        alive.stays();
        assert_eq!((0..9).filter(|_| alive.admit()).count(), 5);
    }
}
