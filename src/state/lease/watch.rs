//! The observation of another run's lease until it may be taken over.

use std::time::Duration;

use tokio::time::Instant;

/// Observes another run's lease until it may be taken over. `V` identifies a renewal.
pub(in crate::state) struct Watch<V>(Option<(V, Instant)>);

impl<V> Default for Watch<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V: PartialEq> Watch<V> {
    /// Returns how long the lease must still be waited for, after an answer with this renewal.
    /// `left` is the remaining time by the store's clock, if known. A renewal that was observed
    /// unchanged for the length of the lease has expired in any case.
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const LEASE: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn a_lease_without_renewal_for_its_length_has_expired() {
        let mut watch = Watch::default();
        assert_eq!(watch.left("one", LEASE, None), LEASE);
        advance(Duration::from_secs(19)).await;
        assert_eq!(watch.left("one", LEASE, None), Duration::from_secs(1));
        assert_eq!(watch.left("two", LEASE, None), LEASE, "it was renewed");
        advance(LEASE).await;
        assert_eq!(watch.left("two", LEASE, None), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_the_store_can_only_shorten_the_wait() {
        let mut watch = Watch::default();
        let by_store = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(watch.left("one", LEASE, by_store(5)), Duration::from_secs(5));
        assert_eq!(watch.left("one", LEASE, by_store(0)), Duration::ZERO);
        advance(LEASE).await;
        assert_eq!(
            watch.left("one", LEASE, by_store(500)),
            Duration::ZERO,
            "its clock was set back"
        );
    }
}
