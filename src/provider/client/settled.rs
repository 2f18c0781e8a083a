//! Calls that may be repeated: tried until there is an answer that trying again does not change.

use super::{Client, Tripped};
use crate::model::{ApiError, Call, ErrorClass, RoomId, Timestamp};
use crate::provider::http::Backoff;
use crate::provider::{Answer, log_retry};

/// An answer, and when its query was sent, by the clock that rooms live by.
pub(super) struct Sent<T> {
    pub(super) at: Timestamp,
    pub(super) answer: T,
}

#[derive(Clone, Copy)]
enum Signed {
    Once,
    Twice,
}

/// Whether a call that may be repeated is.
enum Again {
    Later,
    SignedAnew,
    Never,
}

impl Client {
    /// Tries until there is an answer that trying again does not change, and no longer than the
    /// circuit breaker allows.
    pub(super) async fn settled<'a, T>(
        &self,
        call: Call,
        room: Option<&RoomId>,
        ask: impl Fn() -> Answer<'a, T>,
    ) -> Result<Sent<T>, ApiError> {
        let (mut backoff, mut signed) = (self.backoff(), Signed::Once);
        let stopped = |why: Tripped| why.api_error(call);
        let mut last = None;
        loop {
            let permit = self.permit(call).await.map_err(stopped)?;
            if let (false, Some(api_error)) = (backoff.may_begin(), last) {
                return Err(given_up(api_error, &backoff));
            }
            let attempt = self.once(permit, room, ask(), |_| None);
            let api_error = match self.breaker.or(call, attempt).await.map_err(stopped)? {
                Ok(sent) => return Ok(sent),
                Err(api_error) => api_error,
            };
            match (again(api_error.class), signed) {
                (Again::Later, _) => match backoff.next(api_error.retry_after) {
                    Some(delay) => {
                        log_retry(&api_error, room, backoff.attempts(), delay);
                        self.wait(call, delay).await;
                    }
                    None => return Err(given_up(api_error, &backoff)),
                },
                (Again::SignedAnew, Signed::Once) => signed = Signed::Twice,
                (Again::SignedAnew, Signed::Twice) => {
                    return Err(ApiError { class: ErrorClass::Fatal, ..api_error });
                }
                (Again::Never, _) => return Err(api_error),
            }
            last = Some(api_error);
        }
    }
}

fn again(class: ErrorClass) -> Again {
    match class {
        ErrorClass::Retry | ErrorClass::TooOften | ErrorClass::Unknown => Again::Later,
        ErrorClass::SignAgain => Again::SignedAnew,
        ErrorClass::OperatorUnknown
        | ErrorClass::Missing
        | ErrorClass::Exists
        | ErrorClass::Taken
        | ErrorClass::Quota
        | ErrorClass::Unrecognised
        | ErrorClass::Fatal
        | ErrorClass::Refused
        | ErrorClass::Stopped => Again::Never,
    }
}

fn given_up(api_error: ApiError, backoff: &Backoff) -> ApiError {
    let message = match backoff.attempts() {
        0 | 1 => api_error.message,
        attempts => format!("{}; given up after {attempts} attempts", api_error.message),
    };
    ApiError { message, ..api_error }
}
