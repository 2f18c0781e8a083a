//! Probes whether a store honours conditions. A store that ignores them would lose updates.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::objects::{Condition, Name, Objects, Put};
use crate::state::lease::Backoff;
use crate::state::lease::RemoteError;
use crate::state::random_uuid;

/// The contents of the writes, no two of which are equal.
const WRITES: [&[u8]; 4] = [b"created", b"created again", b"overwritten", b"overwritten late"];

/// How long the deletion of a probe is retried.
const DELETION: Duration = Duration::from_secs(5);

/// Why a store cannot keep a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProbeError {
    /// It ignores conditions: use another one.
    #[error(
        "{0}, so two concurrent runs would lose each other's records: use a store with conditional writes \
         (If-None-Match and If-Match)"
    )]
    Ignored(&'static str),
    /// A request failed.
    #[error(transparent)]
    Object(#[from] RemoteError),
    /// It honours conditions, but the probe could not be deleted.
    #[error("the probe of its conditions cannot be deleted: {0}")]
    Undeleted(RemoteError),
    /// The system returned no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// Tests the conditions on a separate object, which is deleted at the end, also after a failure.
pub(super) async fn probe(objects: &dyn Objects) -> Result<(), ProbeError> {
    let random = random_uuid().map_err(|error| ProbeError::Random(error.to_string()))?;
    let name = Name::Probe(random);
    let tried = conditions(objects, &name).await;
    let deleted = delete(objects, &name).await;
    // The first error is the one to report.
    tried?;
    deleted.map_err(ProbeError::Undeleted)
}

/// Deletes the probe. Retries while the store does not answer: a new probe has another name and
/// would leave this one behind.
async fn delete(objects: &dyn Objects, name: &Name) -> Result<(), RemoteError> {
    let (mut backoff, until) = (Backoff::default(), Instant::now() + DELETION);
    loop {
        match objects.delete(name).await {
            Err(RemoteError::Unavailable(_) | RemoteError::Unreachable(_))
                if backoff.wait(until).await => {}
            deleted => return deleted,
        }
    }
}

async fn conditions(objects: &dyn Objects, name: &Name) -> Result<(), ProbeError> {
    let put = async |bytes, condition: Condition| {
        objects.put(name, Bytes::from_static(bytes), &condition).await
    };
    let [created, again, right, late] = WRITES;

    let Put::Done(first) = put(created, Condition::Absent).await? else {
        return Err(ProbeError::Ignored(
            "the store refused to create an object that does not exist",
        ));
    };
    if put(again, Condition::Absent).await? != Put::Refused {
        return Err(ProbeError::Ignored("the store created an object that existed already"));
    }
    holds(objects, name, created, "the store refused a write but performed it").await?;

    let Put::Done(_) = put(right, Condition::Version(first.clone())).await? else {
        return Err(ProbeError::Ignored("the store refused to overwrite an object as it was read"));
    };
    holds(objects, name, right, "the store confirmed a write but did not perform it").await?;

    if put(late, Condition::Version(first)).await? != Put::Refused {
        return Err(ProbeError::Ignored("the store overwrote an object whose version had changed"));
    }
    holds(objects, name, right, "the store refused a write but performed it").await
}

async fn holds(
    objects: &dyn Objects,
    name: &Name,
    bytes: &[u8],
    otherwise: &'static str,
) -> Result<(), ProbeError> {
    match objects.get(name).await? {
        Some(object) if object.bytes == bytes => Ok(()),
        Some(_) | None => Err(ProbeError::Ignored(otherwise)),
    }
}

#[cfg(test)]
mod tests;
