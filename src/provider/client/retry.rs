//! Retries the calls that may be repeated.

use std::time::Duration;

use tracing::info;

use super::{Client, Sent, Tripped};
use crate::model::{ApiError, Call, ErrorClass, RoomId};
use crate::provider::Answer;
use crate::provider::http::Backoff;

/// How often a call was signed: once more if the service refuses its signature as expired.
#[derive(Clone, Copy)]
enum Signed {
    Once,
    Twice,
}

/// How a failed call is repeated.
enum Repeat {
    AfterBackoff,
    WithNewSignature,
    Never,
}

impl Client {
    /// Makes a call, and retries it within the retry policy while the circuit breaker is closed.
    pub(super) async fn with_retries<'a, T>(
        &self,
        call: Call,
        room: Option<&RoomId>,
        attempt: impl Fn() -> Answer<'a, T>,
    ) -> Result<Sent<T>, ApiError> {
        let (mut backoff, mut signed) = (self.backoff(), Signed::Once);
        let stopped = |tripped: Tripped| tripped.api_error(call);
        let mut last = None;
        loop {
            let permit = self.permit(call).await.map_err(stopped)?;
            if let (false, Some(error)) = (backoff.may_begin(), last) {
                return Err(given_up(error, &backoff));
            }
            let sent = self.once(permit, room, attempt(), |_| None);
            let error = match self.breaker.or(call, sent).await.map_err(stopped)? {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            match (repeat(error.class), signed) {
                (Repeat::AfterBackoff, _) => match backoff.next(error.retry_after) {
                    Some(delay) => {
                        log_retry(&error, room, backoff.attempts(), delay);
                        self.wait(call, delay).await;
                    }
                    None => return Err(given_up(error, &backoff)),
                },
                (Repeat::WithNewSignature, Signed::Once) => signed = Signed::Twice,
                (Repeat::WithNewSignature, Signed::Twice) => {
                    return Err(ApiError { class: ErrorClass::Fatal, ..error });
                }
                (Repeat::Never, _) => return Err(error),
            }
            last = Some(error);
        }
    }
}

fn repeat(class: ErrorClass) -> Repeat {
    match class {
        ErrorClass::Retry | ErrorClass::TooOften | ErrorClass::Unknown => Repeat::AfterBackoff,
        ErrorClass::SignAgain => Repeat::WithNewSignature,
        ErrorClass::OperatorUnknown
        | ErrorClass::Missing
        | ErrorClass::Exists
        | ErrorClass::Taken
        | ErrorClass::Quota
        | ErrorClass::Unrecognised
        | ErrorClass::Fatal
        | ErrorClass::Refused
        | ErrorClass::Stopped => Repeat::Never,
    }
}

/// Returns the last error of a call whose attempts are used up.
fn given_up(error: ApiError, backoff: &Backoff) -> ApiError {
    let message = match backoff.attempts() {
        0 | 1 => error.message,
        attempts => format!("{}; given up after {attempts} attempts", error.message),
    };
    ApiError { message, ..error }
}

/// Logs at level `info` that a call is retried after a wait, and how many attempts have failed.
pub(crate) fn log_retry(error: &ApiError, room: Option<&RoomId>, failed: u32, wait: Duration) {
    let (call, class, code) = (error.call, error.class, error.code);
    let room = room.map_or("", RoomId::as_str);
    info!(%call, room, failed, ?wait, ?class, code, "retrying: {}", error.message);
}
