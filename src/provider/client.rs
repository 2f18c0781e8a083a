//! The client of a service: wraps it in rate limits, retries and a circuit breaker.

mod breaker;
mod reads;
mod retry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use tracing::{debug, trace};

use super::http::{Backoff, Pacer, Random, RetryPolicy};
use super::{Answer, Probe, Receipt, Service, SignatureLife, http};
use crate::model::{ApiError, Call, Clock, ErrorClass, Operation, RoomId, Timestamp};

use breaker::Breaker;
pub use breaker::Tripped;
pub use reads::ReadOnly;
pub(crate) use retry::log_retry;

/// A service behind its rate limits and its circuit breaker. Reads are retried; a change is one attempt.
pub struct Client {
    service: Arc<dyn Service>,
    pacers: BTreeMap<Call, Pacer>,
    /// The pacer of calls without a known limit.
    unlisted: Pacer,
    policy: RetryPolicy,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    /// The result of registering each user in this run.
    registrations: Mutex<BTreeMap<String, Registration>>,
    /// How many calls have ended, by the class of the result.
    calls: Mutex<BTreeMap<(Call, &'static str), u64>>,
}

/// The result of registering a user, once it is known.
type Registration = Arc<OnceCell<Result<(), ApiError>>>;

/// A permit of the rate limit for one call. Dropping it unused passes it to the next waiter.
#[derive(Debug)]
#[must_use = "a permit that is dropped goes to the next in the queue"]
pub struct Permit {
    call: Call,
    permit: http::Permit,
}

/// How the previous run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousRun {
    /// It recorded the times of its last calls, or there was no previous run.
    Clean,
    /// It did not record them.
    Unclean,
}

/// An answer, and when its request was sent, by the clock of the rooms.
struct Sent<T> {
    at: Timestamp,
    answer: T,
}

impl Permit {
    /// Passes the permit to the next waiter right after it was granted, without a delay for the others.
    pub fn release(self) {
        self.permit.release();
    }

    /// Waits until the permit is valid, at most 25 ms after it was granted.
    pub async fn valid(&self) {
        self.permit.valid().await;
    }
}

impl Client {
    /// Wraps a service in limits and retries. `rates` are requests per second for each call; all other calls
    /// together may make one request per second.
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
            calls: Mutex::default(),
        }
    }

    /// Returns how many calls have ended since the client was made, by their result: `ok`, or the name of
    /// the [`ErrorClass`].
    #[must_use]
    pub fn calls(&self) -> BTreeMap<(Call, &'static str), u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns why the circuit breaker has stopped the provider; `None` if it has not.
    #[must_use]
    pub fn tripped(&self) -> Option<Tripped> {
        self.breaker.tripped()
    }

    /// Waits for a permit to make `call`; permits are granted in FIFO order.
    ///
    /// # Errors
    /// Returns [`Tripped`] as soon as the circuit breaker trips.
    pub async fn permit(&self, call: Call) -> Result<Permit, Tripped> {
        let permit = self.breaker.or(call, self.pacer(call).permit()).await?;
        Ok(Permit { call, permit })
    }

    /// Waits before another attempt at `call`. Returns early if the circuit breaker trips.
    pub async fn wait(&self, call: Call, delay: Duration) {
        // The next request for a permit returns the reason.
        let _ = self.breaker.or(call, sleep(delay)).await;
    }

    /// Makes one attempt to change a room, with a permit for the operation's call. The request is sent here,
    /// so its intent must be durable before.
    ///
    /// # Errors
    /// Returns the [`ApiError`] of this attempt, without a retry. Its class is [`ErrorClass::Stopped`]
    /// if the circuit breaker tripped before the request was sent.
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

    /// Starts counting the attempts of one call, for the caller of [`Self::attempt`].
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        self.policy.begin(Arc::clone(&self.random))
    }

    /// Registers the user of an operation, if the service would not clearly report that the user is unknown.
    ///
    /// # Errors
    /// Returns the [`ApiError`] that remained after retries.
    pub async fn prepare(&self, operation: &Operation) -> Result<(), ApiError> {
        match self.service.user_before(operation) {
            Some(user) => self.register(user).await,
            None => Ok(()),
        }
    }

    /// Registers the user of an operation or (`None`) an observation, after the service reported that the
    /// user is unknown.
    ///
    /// # Errors
    /// Returns the [`ApiError`] that remained after retries.
    pub async fn register_user(&self, operation: Option<&Operation>) -> Result<(), ApiError> {
        match self.service.user(operation) {
            Some(user) => self.register(user).await,
            None => Ok(()),
        }
    }

    /// Registers a user once per run: all callers wait for the same registration, and get its result.
    async fn register(&self, user: &str) -> Result<(), ApiError> {
        let Some(call) = self.service.register_call() else { return Ok(()) };
        let registration = Arc::clone(self.registrations().entry(user.to_owned()).or_default());
        let register = async || {
            let registered = self.with_retries(call, None, || self.service.register(user)).await;
            registered.map(|Sent { at: _, answer: () }| ())
        };
        registration.get_or_init(register).await.clone()
    }

    /// Makes one signed query without effect, and compares the clocks.
    ///
    /// # Errors
    /// Returns the [`ApiError`] that remained after retries.
    pub async fn check(&self) -> Result<Probe, ApiError> {
        let call = self.service.people_call();
        let probed = self.with_retries(call, None, || self.service.probe()).await;
        probed.map(|Sent { at: _, answer }| answer)
    }

    /// Returns when each call was last made, by this run or the previous one, to be stored for the next run.
    #[must_use]
    pub fn last_calls(&self, now: Timestamp) -> BTreeMap<Call, Timestamp> {
        let before = |ago: Duration| {
            let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(now.as_millis().saturating_sub(ago))
        };
        let last = |(call, pacer): (&Call, &Pacer)| Some((*call, before(pacer.last_sent()?)));
        self.pacers.iter().filter_map(last).collect()
    }

    /// Begins a run: resets the registrations and the circuit breaker, and counts the rate limits as
    /// used up until the previous run's last calls, or until now if it did not record them. Must be
    /// called before the first permit of a run; a client may serve several runs, one after the other.
    pub fn begin_run(
        &self,
        last_calls: &BTreeMap<Call, Timestamp>,
        now: Timestamp,
        previous: PreviousRun,
        signatures: SignatureLife,
    ) {
        self.service.set_signature_life(signatures);
        self.registrations().clear();
        self.breaker.reset();
        for (call, pacer) in &self.pacers {
            match (previous, last_calls.get(call)) {
                (PreviousRun::Unclean, _) => pacer.resume(Duration::ZERO),
                (PreviousRun::Clean, Some(last)) => pacer.resume(now.since(*last)),
                (PreviousRun::Clean, None) => {}
            }
        }
    }

    fn registrations(&self) -> MutexGuard<'_, BTreeMap<String, Registration>> {
        // After a panic while the lock was held, at worst one user is registered again.
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, call: Call, class: &'static str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry((call, class)).or_default() += 1;
    }

    fn pacer(&self, call: Call) -> &Pacer {
        self.pacers.get(&call).unwrap_or(&self.unlisted)
    }

    /// Makes one attempt, and reports its result to the pacer and the breaker.
    async fn once<T>(
        &self,
        permit: Permit,
        room: Option<&RoomId>,
        attempt: Answer<'_, T>,
        request_id: impl Fn(&T) -> Option<&str>,
    ) -> Result<Sent<T>, ApiError> {
        let Permit { call, permit } = permit;
        let room = room.map_or("", RoomId::as_str);
        let sending = self.breaker.or(call, permit.sent()).await;
        let in_flight = sending.map_err(|tripped| tripped.api_error(call))?;
        let (at, sent) = (self.clock.now(), Instant::now());
        trace!(%call, room, "sending");
        let outcome = attempt.await;
        let took = match &outcome {
            Err(error) if error.class == ErrorClass::TooOften => {
                self.breaker.refused(call);
                in_flight.too_often(error.retry_after)
            }
            Err(error) if !error.answered => {
                if error.class != ErrorClass::Fatal {
                    self.breaker.unanswered(call, sent);
                }
                in_flight.lost()
            }
            Ok(_) | Err(_) => {
                self.breaker.answered(call);
                in_flight.answered()
            }
        };
        self.count(call, outcome.as_ref().map_or_else(|error| error.class.as_str(), |_| "ok"));
        match &outcome {
            Ok(answer) => {
                debug!(%call, room, ?took, request_id = request_id(answer), "answered");
            }
            Err(error) => {
                let ApiError {
                    class,
                    call: _,
                    code,
                    message,
                    request_id,
                    retry_after,
                    answered: _,
                } = error;
                let request_id = request_id.as_deref();
                debug!(%call, room, ?took, request_id, ?class, code, ?retry_after, "{message}");
            }
        }
        outcome.map(|answer| Sent { at, answer })
    }
}
