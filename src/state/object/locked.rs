//! The store under its lease: the state is brought up to date first, then the writer task serves
//! the run.

use std::sync::Arc;

use tokio::time::Instant;

use crate::model::Recorded;
use crate::state::format::SharedRooms;
use crate::state::lease::{LeasedStore, lost};
use crate::state::{Found, LeaseEnd, Snapshot, StateError};

use super::bucket::{Acknowledged, Bucket, Write, WriteError};
use super::document::{self, NextState, ReadState};
use super::head::{Head, ReadHead};
use super::lease::{self, Lease};
use super::objects::{Condition, Name, Version};
use super::writer::{StateObject, Writer};

/// The record under a lease, and the object of the state.
struct UpToDate {
    recorded: Arc<Recorded>,
    found: Found,
    state: StateObject,
    /// The number of rooms that an earlier run's journal changed; `None` if nothing was folded.
    folded: Option<usize>,
}

/// Brings the state up to date, and starts the writer task. On failure the lease is released, so
/// that the next run need not wait until it expires.
pub(super) async fn open(
    bucket: Bucket,
    shared: &SharedRooms,
    mut lease: Lease,
) -> Result<LeasedStore, StateError> {
    let UpToDate { recorded, found, state, folded } =
        match bring_up_to_date(&bucket, shared, &mut lease).await {
            Ok(up_to_date) => up_to_date,
            Err(error) => {
                let Lease { read, version, sent: _, earlier: _ } = &lease;
                // The first error is the one to report. Without the release the lease expires.
                drop(lease::release_uncleanly(&bucket, &read.head, version).await);
                return Err(error);
            }
        };
    let Lease { read: ReadHead { head, entries: _ }, version, sent, earlier } = lease;
    let snapshot = Snapshot {
        recorded: Arc::clone(&recorded),
        found,
        last_calls: head.last_calls.clone(),
        ended_uncleanly: head.unknown_calls,
        in_progress: None,
        folded,
        earlier,
    };
    let (location, lineage) = (bucket.location.clone(), head.lineage.clone());
    Ok(LeasedStore::start(location, snapshot, lineage, |lost| {
        Writer::new(bucket, head, version, sent, recorded, state, lost)
    }))
}

/// Reads the state under the lease. Unless the last holder released it cleanly, it writes the state
/// with the new epoch, even if there is nothing to fold: from then on no write of an earlier holder
/// succeeds.
async fn bring_up_to_date(
    bucket: &Bucket,
    shared: &SharedRooms,
    lease: &mut Lease,
) -> Result<UpToDate, StateError> {
    loop {
        let state = document::read(bucket, shared).await?;
        let head = &lease.read.head;
        if state.as_ref().is_some_and(|state| state.write.epoch > head.epoch) {
            return Err(lost(&bucket.location, None));
        }
        document::check(bucket, head, state.as_ref())?;
        let written = state.as_ref().map(|state| state.write.write_id.as_str());
        lease.read.head.resolve_replacement(written);
        if let Some(to) = state.as_ref().and_then(|state| state.recorded.moved_to.clone()) {
            return Err(StateError::Moved { to });
        }
        let must_write = lease.earlier.is_some_and(|earlier| earlier.lease == LeaseEnd::TakenOver);
        if !must_write {
            return Ok(as_read(state));
        }
        if let Some(up_to_date) = write_first(bucket, lease, state).await? {
            return Ok(up_to_date);
        }
    }
}

/// Returns the record of a state whose journal is empty.
fn as_read(state: Option<ReadState>) -> UpToDate {
    match state {
        Some(ReadState { recorded, write: _, version }) => UpToDate {
            state: StateObject { version: Some(version), serial: recorded.serial },
            recorded: Arc::new(recorded),
            found: Found::Existing,
            folded: None,
        },
        None => UpToDate {
            recorded: Arc::default(),
            found: Found::New,
            state: StateObject { version: None, serial: 0 },
            folded: None,
        },
    }
}

/// Writes the state with the journal of the previous run folded into it; `None` if the state
/// changed after it was read.
async fn write_first(
    bucket: &Bucket,
    lease: &mut Lease,
    state: Option<ReadState>,
) -> Result<Option<UpToDate>, StateError> {
    let (recorded, held, condition) = match state {
        Some(ReadState { recorded, write, version }) => {
            (recorded, write.up_to, Condition::Version(version))
        }
        None => (Recorded::default(), 0, Condition::Absent),
    };
    let changes = lease.read.changes(held);
    let Head { lineage, epoch, lease: length, journal, .. } = &lease.read.head;
    let folded = changes.changes(&recorded).then(|| changes.changed_rooms(&recorded));
    let serial = recorded.serial + u64::from(folded.is_some());
    let mut recorded = Arc::new(recorded);
    let numbers = (serial, *epoch, journal.last());
    let next =
        NextState::of(bucket, lineage.clone(), Arc::clone(&recorded), changes.clone(), numbers)
            .await?;
    let (reference, up_to) = (next.reference(), next.write.up_to);
    let NextState { write, serial, bytes } = next;
    let write = Write { name: &Name::State, bytes, id: &write.write_id, condition };
    let until = Instant::now() + *length;
    let version: Version = match bucket.put(&write, until).await {
        Ok(Acknowledged { version, sent: _ }) => version,
        Err(WriteError::Superseded(_)) => return Ok(None),
        Err(WriteError::Failed(error)) => {
            return Err(bucket.failed("write", &Name::State, &error));
        }
    };
    let lineage = lineage.clone();
    lease.read.head.state = Some(reference);
    lease.read.head.journal.drop_up_to(up_to);
    // This is the only reference: nothing is copied.
    let now = Arc::make_mut(&mut recorded);
    changes.apply(now);
    (now.lineage, now.serial) = (Some(lineage), serial);
    let state = StateObject { version: Some(version), serial };
    Ok(Some(UpToDate { recorded, found: Found::Existing, state, folded }))
}
