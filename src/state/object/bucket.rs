//! Reads and writes the objects of a state. Retries a write until its outcome is known.

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
    /// The state as errors show it.
    pub(super) location: String,
}

/// One write. A retry of it has the same id.
#[derive(Debug)]
pub(super) struct Write<'a> {
    pub(super) name: &'a Name,
    pub(super) bytes: Bytes,
    /// The unique id of the write, which the bytes contain.
    pub(super) id: &'a str,
    pub(super) condition: Condition,
}

/// A write that is done.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    /// The version that it created.
    pub(super) version: Version,
    /// When it was first sent.
    pub(super) sent: Sent,
}

/// Why a write failed.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Another write came first; with the current object.
    Superseded(Option<Object>),
    /// It is not known to be done, and is not retried any more.
    Failed(RemoteError),
}

impl Bucket {
    /// Reads an object. Retries while the store does not answer.
    pub(super) async fn get(&self, name: &Name) -> Result<Option<Object>, StateError> {
        let until = Instant::now() + READ_PATIENCE;
        self.get_until(name, until).await.map_err(|error| self.failed("read", name, &error))
    }

    /// Writes an object. After a refusal or a lost answer it reads the object, and retries until
    /// `until` if the write was not done. Sends the write at least once.
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

    /// Returns the error of a request that failed.
    pub(super) fn failed(
        &self,
        operation: &'static str,
        name: &Name,
        error: &RemoteError,
    ) -> StateError {
        error.failed(operation, self.named(name))
    }

    /// Returns the error of inconsistent objects.
    pub(super) fn outdated(&self, why: &str) -> StateError {
        let location = self.location.clone();
        let fix = format!(
            "A part was lost through a lifecycle rule, a restored version or a manual copy: restore the \
             newest version of {location} and {location}.journal, or run `roomctl state repair` to rebuild \
             the state from what is left"
        );
        StateError::Outdated { location, why: why.to_owned(), fix }
    }

    /// Returns the name of an object as errors show it.
    pub(super) fn named(&self, name: &Name) -> String {
        let location = &self.location;
        match name {
            Name::State => location.clone(),
            Name::Head => format!("{location}.journal"),
            Name::Probe(part) => format!("{location}.probe-{part}"),
        }
    }
}

/// Returns whether bytes are those of a write: the first line of every object contains its
/// write-id.
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
