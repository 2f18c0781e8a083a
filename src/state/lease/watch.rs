//! Watches another run's lease until it may be taken over.

use std::time::Duration;

use tokio::time::Instant;

/// Another run's lease, watched until it may be taken over. `V` tells one renewal from the next.
pub(in crate::state) struct Watch<V>(Option<(V, Instant)>);

impl<V> Default for Watch<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V: PartialEq> Watch<V> {
    /// Returns how long a lease may not be taken over yet, after an answer that shows this renewal of it.
    /// `left` is what the store's own clock says, if it says anything; a renewal that was seen unchanged
    /// for the length of the lease has ended in any case.
    pub(in crate::state) fn left(
        &mut self,
        renewal: V,
        lease: Duration,
        left: Option<Duration>,
    ) -> Duration {
        let now = Instant::now();
        let since = match &self.0 {
            Some((seen, since)) if *seen == renewal => *since,
            Some(_) | None => {
                self.0 = Some((renewal, now));
                now
            }
        };
        let unchanged = lease.saturating_sub(now - since);
        left.map_or(unchanged, |left| left.min(unchanged))
    }
}
