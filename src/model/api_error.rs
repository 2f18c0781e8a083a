//! A call that did not succeed, named by what the caller does next.

use std::fmt;
use std::time::Duration;

use super::Call;

/// A call that did not succeed: the service's own code, words and request id; never a URL or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What to do about it.
    pub class: ErrorClass,
    /// The call.
    pub call: Call,
    /// The service's code, or `None` if there was no readable answer.
    pub code: Option<i64>,
    /// The service's words, or ours where there was no readable answer.
    pub message: String,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether there was an answer at all, readable or not.
    pub answered: bool,
}

/// What the caller does about a call that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Known not to be done: try again after a while.
    Retry,
    /// Known not to be done: slow this call down for everyone, then try again.
    TooOften,
    /// Known not to be done: sign again, once.
    SignAgain,
    /// Known not to be done: register the operator, then try again, once.
    OperatorUnknown,
    /// The room does not exist.
    Missing,
    /// The room exists already, and may be ours.
    Exists,
    /// The room exists already, and is somebody else's.
    Taken,
    /// The application has as many rooms as it may have: no more creates.
    Quota,
    /// The outcome is unknown: of a change look it up first, then perhaps repeat it; of a read just repeat it.
    Unknown,
    /// The outcome is unknown and the answer means nothing to us: of a change look it up, but do not repeat it.
    Unrecognised,
    /// The configuration is wrong: nothing else will succeed at this provider.
    Fatal,
    /// This request is wrong: it fails alone.
    Refused,
    /// Known not to be done: the circuit breaker had stopped the provider, and nothing was sent.
    Stopped,
}

impl ApiError {
    /// A call that was not sent, for a reason of our own.
    #[must_use]
    pub fn local(class: ErrorClass, call: Call, message: String) -> Self {
        Self {
            class,
            call,
            code: None,
            message,
            request_id: None,
            retry_after: None,
            answered: false,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.message)?;
        match (self.code, &self.request_id) {
            (Some(code), Some(id)) => write!(f, " (code {code}, request {id})"),
            (Some(code), None) => write!(f, " (code {code})"),
            (None, Some(id)) => write!(f, " (request {id})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}
