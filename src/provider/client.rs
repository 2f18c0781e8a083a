//! A service with its limits and its retries around it.

mod breaker;
mod reads;
mod settled;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use tracing::{debug, trace};

use super::http::{Backoff, Pacer, Random, RetryPolicy};
use super::{Answer, Probe, Receipt, Service, http};
use crate::model::{ApiError, Call, Clock, ErrorClass, Operation, RoomId, Timestamp};

use breaker::Breaker;
pub use breaker::Tripped;
pub use reads::ReadOnly;
use settled::Sent;

/// A service inside its rate limits and behind its circuit breaker: reads are retried, changes are
/// one attempt each.
pub struct Client {
    service: Arc<dyn Service>,
    pacers: BTreeMap<Call, Pacer>,
    /// For calls that no limit is known of.
    unlisted: Pacer,
    policy: RetryPolicy,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    /// What became of registering each user; once a client.
    registrations: Mutex<BTreeMap<String, Registration>>,
}

/// What became of registering a user, once it is known.
type Registration = Arc<OnceCell<Result<(), ApiError>>>;

/// Leave to make one call. Dropped unused, it goes to the next who asks.
#[derive(Debug)]
#[must_use = "a permit that is dropped gives its place to the next"]
pub struct Permit {
    call: Call,
    permit: http::Permit,
}

/// How the run before this one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It said when its last calls were, or there was none.
    Cleanly,
    /// It did not.
    Uncleanly,
}

impl Client {
    /// Puts limits and retries around a service: `rates` are requests a second for each call; the
    /// calls that are not among them share one request a second.
    #[must_use]
    pub fn new(
        service: Arc<dyn Service>,
        rates: BTreeMap<Call, f64>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let pacer = |(call, rate)| (call, Pacer::new(rate));
        Self {
            service,
            pacers: rates.into_iter().map(pacer).collect(),
            unlisted: Pacer::new(1.0),
            policy: RetryPolicy::default(),
            random,
            clock,
            breaker: Breaker::default(),
            registrations: Mutex::default(),
        }
    }

    /// Why the circuit breaker has stopped the provider; none while it is called.
    #[must_use]
    pub fn tripped(&self) -> Option<Tripped> {
        self.breaker.tripped()
    }

    /// Waits for leave to make `call`, in the order of asking.
    ///
    /// # Errors
    /// Returns [`Tripped`] as soon as the circuit breaker trips.
    pub async fn permit(&self, call: Call) -> Result<Permit, Tripped> {
        let permit = self.breaker.or(call, self.pacer(call).permit()).await?;
        Ok(Permit { call, permit })
    }

    /// Waits before another attempt at `call`, no longer than until the circuit breaker trips.
    pub async fn wait(&self, call: Call, delay: Duration) {
        // The next permit says that it has tripped.
        let _ = self.breaker.or(call, sleep(delay)).await;
    }

    /// Changes a room by one attempt, by a permit for the operation's call. The permit is
    /// stamped as sent here: what has to be durable before the call is so before this.
    ///
    /// # Errors
    /// Returns the [`ApiError`] of this attempt; nothing is tried again. It is of [`ErrorClass::Stopped`]
    /// where the circuit breaker tripped before the request was sent.
    pub async fn attempt(
        &self,
        permit: Permit,
        room: &RoomId,
        operation: &Operation,
    ) -> Result<Receipt, ApiError> {
        let change = self.service.change(room, operation);
        let sent = self.once(permit, Some(room), change, |receipt| receipt.request_id.as_deref());
        sent.await.map(|Sent { at: _, answer }| answer)
    }

    /// Starts counting the attempts of one call: what the caller of [`Self::attempt`] waits by.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        self.policy.begin(Arc::clone(&self.random))
    }

    /// Registers who has to be known before an operation, where the service would not say clearly
    /// that he is not.
    ///
    /// # Errors
    /// Returns the [`ApiError`] that stood in the way, after retries.
    pub async fn prepare(&self, operation: &Operation) -> Result<(), ApiError> {
        match self.service.user_before(operation) {
            Some(user) => self.register(user).await,
            None => Ok(()),
        }
    }

    /// Registers the user whom an operation, or a look, needs and whom the service does not know.
    ///
    /// # Errors
    /// Returns the [`ApiError`] that stood in the way, after retries.
    pub async fn register_user(&self, operation: Option<&Operation>) -> Result<(), ApiError> {
        match self.service.user(operation) {
            Some(user) => self.register(user).await,
            None => Ok(()),
        }
    }

    /// Registers a user, once a client: all who ask wait for the same registration, and learn what
    /// became of it.
    async fn register(&self, user: &str) -> Result<(), ApiError> {
        let Some(call) = self.service.register_call() else { return Ok(()) };
        let registration = {
            // A panic while it was held left at worst one user to register once more.
            let registrations = self.registrations.lock();
            let mut registrations = registrations.unwrap_or_else(PoisonError::into_inner);
            Arc::clone(registrations.entry(user.to_owned()).or_default())
        };
        let register = async || {
            let registered = self.settled(call, None, || self.service.register(user)).await;
            registered.map(|Sent { at: _, answer: () }| ())
        };
        registration.get_or_init(register).await.clone()
    }

    /// Makes one harmless signed query, and compares the clocks.
    ///
    /// # Errors
    /// Returns the [`ApiError`] that stood in the way, after retries.
    pub async fn check(&self) -> Result<Probe, ApiError> {
        let call = self.service.people_call();
        let probed = self.settled(call, None, || self.service.probe()).await;
        probed.map(|Sent { at: _, answer }| answer)
    }

    /// When each call was last made, by this run or the one before it: to be kept for the next run.
    #[must_use]
    pub fn last_calls(&self, now: Timestamp) -> BTreeMap<Call, Timestamp> {
        let before = |ago: Duration| {
            let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(now.as_millis().saturating_sub(ago))
        };
        let last = |(call, pacer): (&Call, &Pacer)| Some((*call, before(pacer.last_sent()?)));
        self.pacers.iter().filter_map(last).collect()
    }

    /// Takes the limits as used up until an earlier run's last calls, or until now where that run
    /// did not say when they were. Call it before the first permit.
    pub fn resume(&self, last_calls: &BTreeMap<Call, Timestamp>, now: Timestamp, ended: Ended) {
        for (call, pacer) in &self.pacers {
            match (ended, last_calls.get(call)) {
                (Ended::Uncleanly, _) => pacer.resume(Duration::ZERO),
                (Ended::Cleanly, Some(last)) => pacer.resume(now.since(*last)),
                (Ended::Cleanly, None) => {}
            }
        }
    }

    fn pacer(&self, call: Call) -> &Pacer {
        self.pacers.get(&call).unwrap_or(&self.unlisted)
    }

    /// Makes one attempt, and lets the pacer and the breaker learn from it.
    async fn once<T>(
        &self,
        permit: Permit,
        room: Option<&RoomId>,
        attempt: Answer<'_, T>,
        request_id: impl Fn(&T) -> Option<&str>,
    ) -> Result<Sent<T>, ApiError> {
        let Permit { call, permit } = permit;
        let room = room.map_or("", RoomId::as_str);
        let leave = self.breaker.or(call, permit.sent()).await;
        let in_flight = leave.map_err(|why| why.api_error(call))?;
        let (at, sent) = (self.clock.now(), Instant::now());
        trace!(%call, room, "sending");
        let outcome = attempt.await;
        let took = match &outcome {
            Err(api_error) if api_error.class == ErrorClass::TooOften => {
                self.breaker.refused(call);
                in_flight.too_often(api_error.retry_after)
            }
            Err(api_error) if !api_error.answered => {
                if api_error.class != ErrorClass::Fatal {
                    self.breaker.unanswered(call, sent);
                }
                in_flight.lost()
            }
            Ok(_) | Err(_) => {
                self.breaker.answered(call);
                in_flight.answered()
            }
        };
        match &outcome {
            Ok(answer) => {
                debug!(%call, room, ?took, request_id = request_id(answer), "answered");
            }
            Err(api_error) => {
                let ApiError {
                    class,
                    call: _,
                    code,
                    message,
                    request_id,
                    retry_after,
                    answered: _,
                } = api_error;
                let request_id = request_id.as_deref();
                debug!(%call, room, ?took, request_id, ?class, code, ?retry_after, "{message}");
            }
        }
        outcome.map(|answer| Sent { at, answer })
    }
}
