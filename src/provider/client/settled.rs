//! Calls that may be repeated: tried until there is an answer that trying again does not change.

use super::{Client, Tripped};
use crate::model::{Call, Class, RoomId, Timestamp, Trouble};
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
    ) -> Result<Sent<T>, Trouble> {
        let (mut backoff, mut signed) = (self.backoff(), Signed::Once);
        let stopped = |why: Tripped| why.trouble(call);
        let mut last = None;
        loop {
            let permit = self.permit(call).await.map_err(stopped)?;
            if let (false, Some(trouble)) = (backoff.may_begin(), last) {
                return Err(given_up(trouble, &backoff));
            }
            let attempt = self.once(permit, room, ask(), |_| None);
            let trouble = match self.breaker.or(call, attempt).await.map_err(stopped)? {
                Ok(sent) => return Ok(sent),
                Err(trouble) => trouble,
            };
            match (again(trouble.class), signed) {
                (Again::Later, _) => match backoff.next(trouble.retry_after) {
                    Some(delay) => {
                        log_retry(&trouble, room, backoff.attempts(), delay);
                        self.wait(call, delay).await;
                    }
                    None => return Err(given_up(trouble, &backoff)),
                },
                (Again::SignedAnew, Signed::Once) => signed = Signed::Twice,
                (Again::SignedAnew, Signed::Twice) => {
                    return Err(Trouble { class: Class::Fatal, ..trouble });
                }
                (Again::Never, _) => return Err(trouble),
            }
            last = Some(trouble);
        }
    }
}

fn again(class: Class) -> Again {
    match class {
        Class::Retry | Class::TooOften | Class::Unknown => Again::Later,
        Class::SignAgain => Again::SignedAnew,
        Class::OperatorUnknown
        | Class::Missing
        | Class::Exists
        | Class::Taken
        | Class::Quota
        | Class::Unrecognised
        | Class::Fatal
        | Class::Refused
        | Class::Stopped => Again::Never,
    }
}

fn given_up(trouble: Trouble, backoff: &Backoff) -> Trouble {
    let message = match backoff.attempts() {
        0 | 1 => trouble.message,
        attempts => format!("{}; given up after {attempts} attempts", trouble.message),
    };
    Trouble { message, ..trouble }
}
