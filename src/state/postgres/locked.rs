//! The store under its lease: the state is brought up to date first, then the writer task serves
//! the run.

use std::sync::Arc;

use tokio::time::Instant;

use crate::state::format::SharedRooms;
use crate::state::lease::{LeasedStore, TAKEOVER_PATIENCE, lost};
use crate::state::{Found, Snapshot, StateError};

use super::database::Connection;
use super::fold::Fold;
use super::head::Head;
use super::lease::{self, Lease};
use super::record::Record;
use super::writer::{Base, Writer};

/// The record under a lease.
struct UpToDate {
    head: Head,
    base: Base,
    found: Found,
    /// The number of rooms that an earlier run's journal changed; `None` if nothing was folded.
    folded: Option<usize>,
}

/// Brings the state up to date, and starts the writer task. On failure the lease is released, so
/// that the next run need not wait until it expires.
pub(super) async fn open(
    mut connection: Connection,
    shared: &SharedRooms,
    mut lease: Lease,
) -> Result<LeasedStore, StateError> {
    let UpToDate { head, base, found, folded } =
        match bring_up_to_date(&mut connection, shared, &mut lease).await {
            Ok(up_to_date) => up_to_date,
            Err(error) => {
                // The first error is the one to report. Without the release the lease expires.
                drop(lease::release_uncleanly(&mut connection, &mut lease.guard).await);
                return Err(error);
            }
        };
    let Lease { guard, sent, earlier } = lease;
    let snapshot = Snapshot {
        recorded: Arc::clone(&base.recorded),
        found,
        last_calls: head.last_calls.clone(),
        ended_uncleanly: head.unknown_calls,
        in_progress: None,
        folded,
        earlier,
    };
    let (location, lineage) = (connection.database().location.clone(), head.core.lineage.clone());
    Ok(LeasedStore::start(location, snapshot, lineage, |lost| {
        Writer::new(connection, guard, &head, sent, base, lost)
    }))
}

/// Reads the state under the lease, and folds the journal that an earlier run left.
async fn bring_up_to_date(
    connection: &mut Connection,
    shared: &SharedRooms,
    lease: &mut Lease,
) -> Result<UpToDate, StateError> {
    let record = Record::read(connection, shared).await?;
    let location = &connection.database().location;
    let record = record.ok_or_else(|| lost(location, None))?;
    if record.head.token != lease.guard.token {
        return Err(lost(location, Some(record.head.holder)));
    }
    if let Some(to) = &record.recorded.moved_to {
        return Err(StateError::Moved { to: to.clone() });
    }
    let (found, head) = (record.found(), record.head.clone());
    if head.core.last_entry == head.core.base {
        let recorded = Arc::new(record.recorded);
        let base = Base { recorded, has_state: head.core.state.is_some() };
        return Ok(UpToDate { head, base, found, folded: None });
    }
    let Record { head: _, recorded, changes } = record;
    let folded = changes.changes(&recorded).then(|| changes.changed_rooms(&recorded));
    let serial = recorded.serial + u64::from(folded.is_some());
    let (database, recorded) = (connection.database().clone(), Arc::new(recorded));
    let base = (Arc::clone(&recorded), changes.clone());
    let fold =
        Fold::of_changes(&database.location, head.core.lineage.clone(), base, serial).await?;
    let until = Instant::now() + TAKEOVER_PATIENCE;
    lease.sent = fold
        .write(connection, &mut lease.guard, None, until)
        .await
        .map_err(|error| error.of_holder(&database, &lease.guard, "write"))?;
    let mut recorded = Arc::unwrap_or_clone(recorded);
    changes.apply(&mut recorded);
    (recorded.lineage, recorded.serial) = (Some(head.core.lineage.clone()), serial);
    let base = Base { recorded: Arc::new(recorded), has_state: true };
    Ok(UpToDate { head, base, found, folded })
}
