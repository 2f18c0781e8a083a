//! The state in an object store: a document, and a head that is both journal and lease.
//!
//! Every write of either object is conditional on the version that was read and has a unique id, so
//! that its outcome can always be read back.

mod answer;
mod bucket;
mod connect;
mod document;
mod head;
mod http;
mod lease;
mod locked;
mod objects;
mod probe;
mod profile;
mod remote;
mod repair;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{ObjectUrl, Recorded, Secret};

use super::format::SharedRooms;
use super::lease::{Backoff, READ_PATIENCE, Released, RemoteError, SystemClocks, locked};
use super::{
    Access, Found, Held, Holder, Lease, ReadStore, Repair, Snapshot, StateError, Store,
    StoreEnvironment, WriteStore,
};

use bucket::{Bucket, WriteError};
use document::ReadState;
use head::ReadHead;
use objects::Name;
use probe::ProbeError;
pub use remote::MemoryBucket;
use remote::Remote;

/// Opens the store of an object. Reads nothing yet.
pub(super) fn open(
    url: &ObjectUrl,
    environment: &StoreEnvironment,
    shared: SharedRooms,
) -> Result<Box<dyn Store>, StateError> {
    Ok(Box::new(connected(url, environment, shared)?))
}

fn connected(
    url: &ObjectUrl,
    environment: &StoreEnvironment,
    shared: SharedRooms,
) -> Result<ObjectStore, StateError> {
    Ok(ObjectStore::new(url, Remote::connect(url, environment)?, shared))
}

/// Opens the store of an object in memory.
///
/// # Errors
/// Returns [`StateError::Unusable`] if the key is invalid.
pub fn open_in_memory(
    url: &ObjectUrl,
    bucket: &MemoryBucket,
) -> Result<Box<dyn Store>, StateError> {
    let objects = Remote::in_memory(url, bucket)?;
    Ok(Box::new(ObjectStore::new(url, objects, SharedRooms::default())))
}

/// Returns the secrets of an object's service that the environment, and the files that it names,
/// contain.
pub(super) fn secrets(url: &ObjectUrl, environment: &StoreEnvironment) -> Vec<Secret> {
    connect::secrets(url.service, environment)
}

/// Computes the repair of a state; `None` if there is nothing to repair.
pub(super) async fn repair(
    url: &ObjectUrl,
    environment: &StoreEnvironment,
    holder: Holder,
    wait: Duration,
) -> Result<Option<Repair>, StateError> {
    let ObjectStore { bucket, lease, shared: _ } =
        connected(url, environment, SharedRooms::default())?;
    repair::compute(bucket, lease, holder, wait).await
}

/// A state in an object store. Reads it, or takes its lease to write it.
#[derive(Debug)]
struct ObjectStore {
    bucket: Bucket,
    /// The length of the lease: the time until it expires without a renewal.
    lease: Duration,
    shared: SharedRooms,
}

/// How often inconsistent objects are read again: another run may have folded between the reads.
const ATTEMPTS: usize = 5;

impl ReadStore for ObjectStore {
    fn read(&self) -> Access<'_, Snapshot> {
        Box::pin(async {
            for _ in 1..ATTEMPTS {
                match self.read_once().await {
                    Err(StateError::Outdated { .. }) => {}
                    read => return read,
                }
            }
            self.read_once().await
        })
    }
}

impl ObjectStore {
    fn new(url: &ObjectUrl, objects: Remote, shared: SharedRooms) -> Self {
        let clock = Arc::new(SystemClocks);
        let bucket = Bucket { objects: Arc::new(objects), clock, location: url.to_string() };
        Self { bucket, lease: url.lease, shared }
    }

    /// Refuses a store that ignores conditions, before the state is written.
    async fn check_store(&self) -> Result<(), StateError> {
        let Bucket { objects, clock: _, location } = &self.bucket;
        // The response to a read may identify the service.
        self.bucket.get(&Name::Head).await?;
        if objects.is_known_to_be_sound() {
            return Ok(());
        }
        let (mut backoff, until) = (Backoff::default(), Instant::now() + READ_PATIENCE);
        loop {
            let why = match probe::probe(&**objects).await {
                Ok(()) => return Ok(()),
                Err(ProbeError::Object(
                    error @ (RemoteError::Unavailable(_) | RemoteError::Unreachable(_)),
                )) => {
                    if backoff.wait(until).await {
                        continue;
                    }
                    format!("{error}; run again once the store answers")
                }
                Err(
                    error @ (ProbeError::Object(RemoteError::Denied(_))
                    | ProbeError::Ignored(_)
                    | ProbeError::Undeleted(_)
                    | ProbeError::Random(_)),
                ) => error.to_string(),
            };
            return Err(StateError::Unusable { location: location.clone(), why });
        }
    }

    /// Reads the head, then the state. A fold between the reads only makes the state newer.
    async fn read_once(&self) -> Result<Snapshot, StateError> {
        let Self { bucket, lease: _, shared } = self;
        let head = bucket.get(&Name::Head).await?;
        let state = document::read(bucket, shared).await?;
        let Some(object) = head else {
            if state.is_none() {
                return Ok(new());
            }
            return Err(bucket.outdated("there is a state without its journal"));
        };
        let (read, _) = lease::parse(bucket, &object)?;
        if state.is_none() && read.head.state.is_none() && read.entries.is_empty() {
            return Ok(Snapshot { last_calls: read.head.last_calls, ..new() });
        }
        // The state may contain more entries than the head, which was read before it.
        let is_held = !lease::left(&object, &read.head).is_zero();
        document::check(bucket, &read.head, state.as_ref())?;
        Ok(snapshot(read, state, is_held))
    }
}

fn new() -> Snapshot {
    Snapshot {
        recorded: Arc::default(),
        found: Found::New,
        last_calls: super::LastCalls::new(),
        ended_uncleanly: false,
        in_progress: None,
        folded: None,
        earlier: None,
    }
}

/// Returns the record as a reader sees it.
fn snapshot(read: ReadHead, state: Option<ReadState>, is_held: bool) -> Snapshot {
    let (mut recorded, held) = match state {
        Some(ReadState { recorded, write, version: _ }) => (recorded, write.up_to),
        None => (Recorded::default(), 0),
    };
    let changes = read.changes(held);
    let in_progress = (is_held && !changes.is_empty()).then(|| read.head.holder.clone());
    changes.apply(&mut recorded);
    let lineage = recorded.lineage.take();
    recorded.lineage = lineage.or(Some(read.head.lineage));
    Snapshot {
        recorded: Arc::new(recorded),
        found: Found::Existing,
        last_calls: read.head.last_calls,
        ended_uncleanly: read.head.unknown_calls || read.head.released != Some(Released::Cleanly),
        in_progress,
        folded: None,
        earlier: None,
    }
}

impl Store for ObjectStore {
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>> {
        Box::pin(async move {
            self.check_store().await?;
            let lease = lease::take(&self.bucket, self.lease, &holder, wait).await?;
            let locked = locked::open(self.bucket.clone(), &self.shared, lease).await?;
            Ok(Arc::new(locked) as Arc<dyn WriteStore>)
        })
    }

    fn held(&self) -> Access<'_, Option<Held>> {
        Box::pin(async {
            let Some(object) = self.bucket.get(&Name::Head).await? else { return Ok(None) };
            let (ReadHead { head, entries: _ }, _) = lease::parse(&self.bucket, &object)?;
            let ends_in = lease::left(&object, &head);
            let lease = Some(Lease { epoch: head.epoch, ends_in });
            let is_held = head.released.is_none();
            Ok(is_held.then_some(Held { holder: Some(head.holder), lease }))
        })
    }

    fn unlock(&self, held: Held) -> Access<'_, ()> {
        Box::pin(async move {
            loop {
                let Some(object) = self.bucket.get(&Name::Head).await? else { return Ok(()) };
                let (ReadHead { head, entries: _ }, version) = lease::parse(&self.bucket, &object)?;
                if head.released.is_some() {
                    return Ok(());
                }
                if held.lease.map(|lease| lease.epoch) != Some(head.epoch) {
                    let left = lease::left(&object, &head);
                    return Err(locked(&self.bucket.location, head.holder, left));
                }
                match lease::release_uncleanly(&self.bucket, &head, &version).await {
                    Ok(()) => return Ok(()),
                    // The holder renewed the lease meanwhile.
                    Err(WriteError::Superseded(_)) => {}
                    Err(WriteError::Failed(error)) => {
                        return Err(self.bucket.failed("unlock", &Name::Head, &error));
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
