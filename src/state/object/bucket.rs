//! Reads and writes the objects of a state, until it is known what became of a write.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::model::Holder;
use crate::state::StateError;

use super::clock::{Moment, WindowClock};
use super::objects::{Condition, Name, Object, ObjectError, Objects, Put, Version};

/// How long a read is repeated while the store does not answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long that is done before the first connection comes about: an endpoint that is wrong is soon said,
/// and one that just starts is waited for.
const FIRST_CONTACT: Duration = Duration::from_secs(4);
/// The wait before the first repetition; it doubles.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// The longest wait between two.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// The objects of one state.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) objects: Arc<dyn Objects>,
    pub(super) clock: Arc<dyn WindowClock>,
    /// The state, as errors name it.
    pub(super) location: String,
}

/// One write: sent again, it is still the same.
#[derive(Debug)]
pub(super) struct Write<'a> {
    pub(super) name: &'a Name,
    pub(super) bytes: Bytes,
    /// Is in the bytes too, and in no other write.
    pub(super) id: &'a str,
    pub(super) condition: Condition,
}

/// A write that is done.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    /// The version that it made.
    pub(super) version: Version,
    /// When it was sent first.
    pub(super) sent: Sent,
}

/// When something was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// By the clock that waits go by.
    pub(super) at: Instant,
    /// By the clocks that a window goes by.
    pub(super) moment: Moment,
}

/// Why a write is not done.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Another write came first: what is there now.
    Superseded(Option<Object>),
    /// It is not known to be done, and no longer tried.
    Failed(ObjectError),
}

/// The wait between repetitions.
pub(super) struct Backoff(Duration);

impl Bucket {
    /// Reads an object, again while the store does not answer.
    pub(super) async fn get(&self, name: &Name) -> Result<Option<Object>, StateError> {
        let until = Instant::now() + PATIENCE;
        self.get_until(name, until).await.map_err(|error| self.failed("read", name, &error))
    }

    /// Writes an object, and sends the write again as long as it is known not to be done, until a time; at
    /// least once.
    pub(super) async fn put(
        &self,
        write: &Write<'_>,
        until: Instant,
    ) -> Result<Acknowledged, WriteError> {
        let Write { name, bytes, id, condition } = write;
        let sent = Sent { at: Instant::now(), moment: self.clock.now() };
        let mut backoff = Backoff::default();
        loop {
            let unanswered = match self.objects.put(name, bytes.clone(), condition).await {
                Ok(Put::Done(version)) => return Ok(Acknowledged { version, sent }),
                Ok(Put::Refused) => None,
                Err(error @ (ObjectError::Unavailable(_) | ObjectError::Unreachable(_))) => {
                    Some(error)
                }
                Err(error @ ObjectError::Denied(_)) => return Err(WriteError::Failed(error)),
            };
            let there = self.get_until(name, until).await.map_err(WriteError::Failed)?;
            match there {
                Some(object) if holds(&object.bytes, id) => {
                    return Ok(Acknowledged { version: object.version, sent });
                }
                there if !still_holds(condition, there.as_ref()) => {
                    return Err(WriteError::Superseded(there));
                }
                Some(_) | None => {}
            }
            if !backoff.wait(until).await {
                let error = unanswered.unwrap_or_else(refused_without_reason);
                return Err(WriteError::Failed(error));
            }
        }
    }

    async fn get_until(&self, name: &Name, until: Instant) -> Result<Option<Object>, ObjectError> {
        let (mut backoff, begun) = (Backoff::default(), Instant::now());
        loop {
            let (error, until) = match self.objects.get(name).await {
                Err(error @ ObjectError::Unavailable(_)) => (error, until),
                Err(error @ ObjectError::Unreachable(_)) => {
                    (error, until.min(begun + FIRST_CONTACT))
                }
                answer @ (Ok(_) | Err(ObjectError::Denied(_))) => return answer,
            };
            if !backoff.wait(until).await {
                return Err(error);
            }
        }
    }

    /// The error of a request that failed.
    pub(super) fn failed(
        &self,
        operation: &'static str,
        name: &Name,
        error: &ObjectError,
    ) -> StateError {
        let advice = match error {
            ObjectError::Unavailable(_) => "; run again once the store answers",
            // They say what to do.
            ObjectError::Unreachable(_) | ObjectError::Denied(_) => "",
        };
        let error = Arc::new(std::io::Error::other(format!("{error}{advice}")));
        StateError::Io { operation, location: self.named(name), error }
    }

    /// The error of a holder whose lease is another's now.
    pub(super) fn lost(&self, by: Option<Holder>) -> StateError {
        StateError::LeaseLost { location: self.location.clone(), by: by.map(Box::new) }
    }

    /// An object, as errors name it.
    pub(super) fn named(&self, name: &Name) -> String {
        let location = &self.location;
        match name {
            Name::State => location.clone(),
            Name::Head => format!("{location}.journal"),
            Name::Probe(part) => format!("{location}.probe-{part}"),
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_DELAY)
    }
}

impl Backoff {
    /// Waits before the next repetition; false if it would come too late.
    pub(super) async fn wait(&mut self, until: Instant) -> bool {
        let delay = self.0.mul_f64(0.5 + fastrand::f64() / 2.0);
        if Instant::now() + delay >= until {
            return false;
        }
        sleep(delay).await;
        self.0 = (self.0 * 2).min(LONGEST_DELAY);
        true
    }
}

/// Whether bytes are those of a write: its id stands in the first line of every object of ours.
fn holds(bytes: &Bytes, write_id: &str) -> bool {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let text = format!("\"write_id\":\"{write_id}\"");
    bytes[..end].windows(text.len()).any(|part| part == text.as_bytes())
}

fn still_holds(condition: &Condition, there: Option<&Object>) -> bool {
    match (condition, there) {
        (Condition::Absent, None) => true,
        (Condition::Version(version), Some(object)) => object.version == *version,
        (Condition::Absent, Some(_)) | (Condition::Version(_), None) => false,
    }
}

fn refused_without_reason() -> ObjectError {
    ObjectError::Unavailable("the store refused a write whose condition holds".to_owned())
}
