//! The circuit breaker: stops a provider for the rest of a run when it no longer serves its calls.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::info;

use crate::model::{ApiError, CALL_TIMEOUT, Call, ErrorClass, NotTried};

/// How many attempts in a row without an answer stop a provider.
const MAX_UNANSWERED: u32 = 10;

/// For how long the attempts must have been unanswered too: ten connections that are refused or reset in a
/// shorter time are a restart of the service, and ten time-outs take at least this long.
const MIN_UNANSWERED_TIME: Duration = CALL_TIMEOUT;

/// How long all answers to one call may be "too often".
const MAX_TOO_OFTEN_TIME: Duration = Duration::from_mins(1);

/// Why a provider is no longer called in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tripped {
    /// It did not answer 10 attempts in a row.
    NoAnswer,
    /// It answered every attempt of this call "too often" for 60 s.
    TooOften(Call),
}

/// Counts the results of one provider's attempts, and trips on the limits above.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    counts: Mutex<Counts>,
    tripped: watch::Sender<Option<Tripped>>,
}

#[derive(Debug, Default)]
struct Counts {
    /// The attempts since the last answer.
    unanswered: u32,
    /// When the first of these attempts was sent.
    unanswered_since: Option<Instant>,
    /// Since when all answers to a call were "too often".
    refused_since: BTreeMap<Call, Instant>,
}

impl Breaker {
    /// Returns why the provider is no longer called; `None` while the breaker is closed.
    pub(super) fn tripped(&self) -> Option<Tripped> {
        *self.tripped.borrow()
    }

    /// Closes the breaker again, for a new run.
    pub(super) fn reset(&self) {
        *self.counts() = Counts::default();
        self.tripped.send_replace(None);
    }

    /// Waits for `work`, or until the breaker trips. Then `work` is dropped, so it may be a permit, a
    /// read or a delay, but not a change whose outcome would be lost.
    pub(super) async fn or<T>(
        &self,
        call: Call,
        work: impl Future<Output = T>,
    ) -> Result<T, Tripped> {
        tokio::select! {
            biased;
            why = self.until_tripped() => Err(why),
            done = work => Ok(done),
            why = self.refused_too_long(call) => Err(why),
        }
    }

    /// Counts an answer other than "too often".
    pub(super) fn answered(&self, call: Call) {
        let mut counts = self.counts();
        counts.note_answer();
        counts.refused_since.remove(&call);
    }

    /// Counts an answer of "too often".
    pub(super) fn refused(&self, call: Call) {
        let since = {
            let mut counts = self.counts();
            counts.note_answer();
            *counts.refused_since.entry(call).or_insert_with(Instant::now)
        };
        if since.elapsed() >= MAX_TOO_OFTEN_TIME {
            self.trip(Tripped::TooOften(call));
        }
    }

    /// Counts an attempt without an answer, sent or not; `sent` is when it was made.
    pub(super) fn unanswered(&self, call: Call, sent: Instant) {
        let (count, since) = {
            let mut counts = self.counts();
            counts.refused_since.remove(&call);
            counts.unanswered = counts.unanswered.saturating_add(1);
            (counts.unanswered, *counts.unanswered_since.get_or_insert(sent))
        };
        if count >= MAX_UNANSWERED && since.elapsed() >= MIN_UNANSWERED_TIME {
            self.trip(Tripped::NoAnswer);
        }
    }

    async fn until_tripped(&self) -> Tripped {
        let mut tripped = self.tripped.subscribe();
        loop {
            if let Some(why) = *tripped.borrow_and_update() {
                return why;
            }
            if tripped.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until all answers to a call were "too often" for too long, then trips. The service may request
    /// long pauses, so its next answer may be minutes away.
    async fn refused_too_long(&self, call: Call) -> Tripped {
        loop {
            let Some(since) = self.refused_since(call) else { return std::future::pending().await };
            sleep_until(since + MAX_TOO_OFTEN_TIME).await;
            if self.refused_since(call) == Some(since) {
                return self.trip(Tripped::TooOften(call));
            }
        }
    }

    fn refused_since(&self, call: Call) -> Option<Instant> {
        self.counts().refused_since.get(&call).copied()
    }

    /// Stops the provider, and returns the reason: the first one counts.
    fn trip(&self, why: Tripped) -> Tripped {
        let mut first = why;
        let tripped = self.tripped.send_if_modified(|tripped| {
            let is_first = tripped.is_none();
            first = *tripped.get_or_insert(why);
            is_first
        });
        if tripped {
            info!("{why}");
        }
        first
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Resets the count of unanswered attempts after any answer.
    fn note_answer(&mut self) {
        (self.unanswered, self.unanswered_since) = (0, None);
    }
}

impl Tripped {
    /// Returns the error of a call that is not sent, or of a read that is abandoned.
    #[must_use]
    pub fn api_error(self, call: Call) -> ApiError {
        ApiError {
            class: ErrorClass::Stopped,
            call,
            code: None,
            message: self.to_string(),
            request_id: None,
            retry_after: None,
            answered: false,
        }
    }
}

impl From<Tripped> for NotTried {
    fn from(why: Tripped) -> Self {
        match why {
            Tripped::NoAnswer => Self::ProviderNoAnswer,
            Tripped::TooOften(_) => Self::ProviderTooOften,
        }
    }
}

impl fmt::Display for Tripped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("the service does not answer")?,
            Self::TooOften(call) => {
                let seconds = MAX_TOO_OFTEN_TIME.as_secs();
                write!(f, "the service answered every {call} \"too often\" for {seconds} s")?;
            }
        }
        f.write_str(", and is not called again in this run")
    }
}
