//! Whether a call that changes something first takes its permit of the rate limit or writes its intent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::{Call, Provider, Step};
use crate::provider::{Client, Permit, Tripped};

/// How many seconds of calls may be ahead: their intents are appended, and they are not sent yet.
///
/// A store with a lease writes once a second, and a write is acknowledged after a latency of L: the
/// calls of the second that follows the acknowledgement are appended before the next write is sent,
/// 1 s, and wait for the acknowledgement, L. So 1 s + L of calls are needed to keep up with the limit,
/// and 1.6 s are enough up to an L of 0.6 s. More calls would wait for their permits until the send
/// window of 2 s has closed: the last of 1.6 s of calls in one write starts L + 1.6 s after the write
/// was sent.
const AHEAD: f64 = 1.6;

/// The order in which the calls of one provider take their permit and write their intent.
#[derive(Clone)]
pub(super) enum CallAdmission {
    /// The permit first: an intent is durable within milliseconds, and its call may be sent at any time
    /// after it.
    PermitFirst,
    /// The intent first: the store writes many at once, and their calls may be sent only within the
    /// write's send window.
    IntentFirst(Arc<IntentSlots>),
}

/// The slots of each call for intents whose calls are not sent yet; waiters get them in FIFO order.
pub(super) struct IntentSlots {
    slots: BTreeMap<Call, Arc<Semaphore>>,
    /// For calls without a known limit.
    unlisted: Arc<Semaphore>,
}

/// A slot for one intent whose call is not sent yet. Dropping it passes it to the next waiter.
pub(super) struct IntentSlot(
    #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit,
);

/// What is reserved for the first call of a step, in the plan's order.
pub(super) enum Reservation {
    /// A permit of the rate limit.
    Permit(Permit),
    /// A slot for its intent.
    Slot(IntentSlot),
}

impl CallAdmission {
    /// Returns the order for a provider's calls, by how long after an intent's write its call may be sent;
    /// `None` for no limit.
    pub(super) fn of(provider: &Provider, send_window: Option<Duration>) -> Self {
        match send_window {
            None => Self::PermitFirst,
            Some(_) => Self::IntentFirst(Arc::new(IntentSlots::of(provider))),
        }
    }

    /// Waits for the permit or slot of a step's first call. Returns `None` if the step makes no call, or
    /// if a query precedes the permit: its answer must not be stale when the call is sent.
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
            // The semaphore is never closed.
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

/// Returns the number of slots of a call with this rate, in calls per second.
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
    fn a_call_has_slots_for_the_intents_of_1_6_seconds() {
        for (rate, slots) in [(0.01, 1), (0.5, 1), (1.0, 2), (20.0, 32), (200.0, 320)] {
            assert_eq!(count(rate), slots, "slots at {rate} calls per second");
        }
    }
}
