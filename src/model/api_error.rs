//! A call that did not succeed, classified by what the caller does next.

use std::fmt;
use std::time::Duration;

use super::Call;

/// A call that did not succeed, with the service's code, message and request id; never a URL or a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What to do about it.
    pub class: ErrorClass,
    /// The call.
    pub call: Call,
    /// The service's code, or `None` if there was no readable answer.
    pub code: Option<i64>,
    /// The service's message, or ours if there was no readable answer.
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
    /// Not done: retry after a backoff.
    Retry,
    /// Not done: reduce the rate of this call for all requests, then retry.
    TooOften,
    /// Not done: sign again and retry, once.
    SignAgain,
    /// Not done: register the operator and retry, once.
    OperatorUnknown,
    /// The room does not exist.
    Missing,
    /// The room exists already, and may be ours.
    Exists,
    /// The room exists already, and has another owner.
    Taken,
    /// The application has reached its quota of rooms: no more creates.
    Quota,
    /// The outcome is unknown. A change is looked up before it may be repeated; a read is repeated.
    Unknown,
    /// The outcome is unknown and the answer is not understood. A change is looked up and not repeated.
    Unrecognised,
    /// The configuration is wrong: no other call to this provider will succeed.
    Fatal,
    /// This request is wrong; other calls are not affected.
    Refused,
    /// Not done: the circuit breaker had stopped the provider, and nothing was sent.
    Stopped,
}

impl ErrorClass {
    /// Returns the stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::TooOften => "too_often",
            Self::SignAgain => "sign_again",
            Self::OperatorUnknown => "operator_unknown",
            Self::Missing => "missing",
            Self::Exists => "exists",
            Self::Taken => "taken",
            Self::Quota => "quota",
            Self::Unknown => "unknown",
            Self::Unrecognised => "unrecognised",
            Self::Fatal => "fatal",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }
}

impl ApiError {
    /// Makes the error of a call that was not sent, for a local reason.
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
