//! What a call that changes something takes first: its permit of the rate limit, or its intent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::{Call, Provider, Step};
use crate::provider::{Client, Permit, Tripped};

/// How many seconds of calls may have an intent that is appended and not sent yet.
///
/// A store with a lease writes once a second, and a write is acknowledged after a latency of L: the
/// calls of the second that follows the acknowledgement are appended before the next write is sent,
/// 1 s, and wait for the acknowledgement, L. So 1 s + L of calls are needed to keep up with the limit,
/// and 1.6 s are enough up to an L of 0.6 s. More would wait for their permits until the window of
/// 2 s has closed: the last of 1.6 s of calls in one write starts L + 1.6 s after its sending.
const AHEAD: f64 = 1.6;

/// What the calls of one provider take first.
#[derive(Clone)]
pub(super) enum CallAdmission {
    /// The permit: an intent is durable within milliseconds, and covers its call for ever.
    PermitFirst,
    /// The intent: the store writes many at once, and a write covers its calls for a short while.
    IntentFirst(Arc<IntentSlots>),
}

/// The intents of each call that may be appended and not sent yet, first come, first served.
pub(super) struct IntentSlots {
    slots: BTreeMap<Call, Arc<Semaphore>>,
    /// For calls without a known limit.
    unlisted: Arc<Semaphore>,
}

/// One of the intents that may be appended and not sent yet. Dropped, it goes to the next in the queue.
pub(super) struct IntentSlot(
    #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit,
);

/// What is reserved for a call in the plan's order.
pub(super) enum Reservation {
    /// A permit of the rate limit.
    Permit(Permit),
    /// A slot for its intent.
    Slot(IntentSlot),
}

impl CallAdmission {
    /// Returns that of a provider's calls, whose intents cover them so long after their sending.
    pub(super) fn of(provider: &Provider, send_window: Option<Duration>) -> Self {
        match send_window {
            None => Self::PermitFirst,
            Some(_) => Self::IntentFirst(Arc::new(IntentSlots::of(provider))),
        }
    }

    /// Waits for what the first call of a step takes first; `None` if it makes no call, or if a query
    /// precedes its permit: the answer would grow old meanwhile.
    pub(super) async fn reserve(
        &self,
        client: &Client,
        step: &Step,
    ) -> Result<Option<Reservation>, Tripped> {
        let Some(call) = step.calls.first().copied() else { return Ok(None) };
        Ok(match self {
            Self::PermitFirst if step.asks_first() => None,
            Self::PermitFirst => Some(Reservation::Permit(client.permit(call).await?)),
            Self::IntentFirst(slots) => Some(Reservation::Slot(slots.slot(call).await)),
        })
    }
}

impl IntentSlots {
    fn of(provider: &Provider) -> Self {
        let slots = |(call, _): &(Call, u32)| {
            (*call, Arc::new(Semaphore::new(count(provider.rate(*call)))))
        };
        let unlisted = Arc::new(Semaphore::new(count(1.0)));
        Self { slots: provider.kind().calls().iter().map(slots).collect(), unlisted }
    }

    /// Waits for a slot of a call.
    pub(super) async fn slot(&self, call: Call) -> IntentSlot {
        let slots = Arc::clone(self.slots.get(&call).unwrap_or(&self.unlisted));
        match slots.acquire_owned().await {
            Ok(slot) => IntentSlot(slot),
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Reservation {
    /// Returns the permit.
    pub(super) fn into_permit(self) -> Option<Permit> {
        match self {
            Self::Permit(permit) => Some(permit),
            Self::Slot(_) => None,
        }
    }

    /// Returns the slot.
    pub(super) fn into_slot(self) -> Option<IntentSlot> {
        match self {
            Self::Slot(slot) => Some(slot),
            Self::Permit(_) => None,
        }
    }
}

/// How many intents of a call with this rate may be appended and not sent yet.
fn count(rate: f64) -> usize {
    const MOST: usize = 16_384;
    let calls = rate * AHEAD;
    let enough = |slots: &usize| u32::try_from(*slots).is_ok_and(|slots| f64::from(slots) >= calls);
    (1..=MOST).find(enough).unwrap_or(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_intents_of_1_6_seconds_are_ahead_of_their_calls() {
        for (rate, slots) in [(0.01, 1), (0.5, 1), (1.0, 2), (20.0, 32), (200.0, 320)] {
            assert_eq!(count(rate), slots, "{rate} a second");
        }
    }
}
