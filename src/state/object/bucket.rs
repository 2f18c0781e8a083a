//! Reads and writes the objects of a state, until it is known what became of a write.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::state::StateError;
use crate::state::lease::{Backoff, READ_PATIENCE, RemoteError, Retry, Sent, WindowClock};

use super::objects::{Condition, Name, Object, Objects, Put, Version};

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

/// Why a write is not done.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Another write came first: what is there now.
    Superseded(Option<Object>),
    /// It is not known to be done, and no longer tried.
    Failed(RemoteError),
}

impl Bucket {
    /// Reads an object, again while the store does not answer.
    pub(super) async fn get(&self, name: &Name) -> Result<Option<Object>, StateError> {
        let until = Instant::now() + READ_PATIENCE;
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
        let sent = Sent::now(&*self.clock);
        let mut backoff = Backoff::default();
        loop {
            let unanswered = match self.objects.put(name, bytes.clone(), condition).await {
                Ok(Put::Done(version)) => return Ok(Acknowledged { version, sent }),
                Ok(Put::Refused) => None,
                Err(error @ (RemoteError::Unavailable(_) | RemoteError::Unreachable(_))) => {
                    Some(error)
                }
                Err(error @ RemoteError::Denied(_)) => return Err(WriteError::Failed(error)),
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

    async fn get_until(&self, name: &Name, until: Instant) -> Result<Option<Object>, RemoteError> {
        let mut retry = Retry::until(until);
        loop {
            match self.objects.get(name).await {
                Ok(object) => return Ok(object),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    /// The error of a request that failed.
    pub(super) fn failed(
        &self,
        operation: &'static str,
        name: &Name,
        error: &RemoteError,
    ) -> StateError {
        error.failed(operation, self.named(name))
    }

    /// The error of objects that do not belong together.
    pub(super) fn outdated(&self, why: &str) -> StateError {
        let location = self.location.clone();
        let fix = format!(
            "A part was lost through a lifecycle rule, a restored version or a manual copy: restore the \
             newest version of {location} and {location}.journal, or run `roomctl state repair` to rebuild \
             the state from what is left"
        );
        StateError::Outdated { location, why: why.to_owned(), fix }
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

fn refused_without_reason() -> RemoteError {
    RemoteError::Unavailable("the store refused a write whose condition was met".to_owned())
}
