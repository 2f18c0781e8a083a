//! Takes the lease by one write of the head row. From then on writes of other runs are refused.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;

use crate::model::Holder;
use crate::state::format::SharedRooms;
use crate::state::lease::{
    CALLS_END, POLL, READ_PATIENCE, Released, Sent, TAKEOVER_PATIENCE, Watch, locked,
};
use crate::state::{EarlierHolder, LeaseEnd, StateError};

use super::database::{Connection, Database};
use super::head::{Head, LAST_EPOCH};
use super::record::Record;
use super::write::{DURABLE, Guard, Write, WriteError, new_id, send};

/// A lease that this run took.
pub(super) struct Lease {
    pub(super) guard: Guard,
    /// When the write that took it was sent.
    pub(super) sent: Sent,
    /// What the previous holder may still do; `None` if there was none.
    pub(super) earlier: Option<EarlierHolder>,
}

const BEGIN: &str = "
INSERT INTO {s}.head (write_id, lineage, epoch, token, lease_seconds, renewed, holder, base, last_entry,
    last_calls, unknown_calls, room_count)
VALUES ($1, $2, 1, $3, $4, clock_timestamp(), $5::text::json, 0, 0, '{}', false, 0)
ON CONFLICT DO NOTHING RETURNING {durable}";

const TAKE_OVER: &str = "
UPDATE {s}.head SET write_id = $1, epoch = $2, token = $3, lease_seconds = $4, renewed = clock_timestamp(),
    holder = $5::text::json, released = NULL, unknown_calls = $6
WHERE write_id = $7 RETURNING {durable}";

const RELEASE_UNCLEANLY: &str = "
UPDATE {s}.head SET write_id = $1, released = 'uncleanly' WHERE {guard} RETURNING {durable}";

/// Takes the lease. Waits at most `wait` for the release or the expiry of another run's lease.
pub(super) async fn take(
    connection: &mut Connection,
    holder: &Holder,
    wait: Duration,
) -> Result<Lease, StateError> {
    let (started, mut watch) = (Instant::now(), Watch::default());
    loop {
        let taken = match head(connection).await? {
            None => begin(connection, holder).await?,
            Some(head) => {
                let left = head.core.left(&mut watch);
                if left.is_zero() {
                    take_over(connection, holder, &head).await?
                } else {
                    let may_wait = wait.saturating_sub(started.elapsed());
                    if may_wait.is_zero() {
                        return Err(locked(&connection.database().location, head.holder, left));
                    }
                    sleep(POLL.min(left).min(may_wait)).await;
                    None
                }
            }
        };
        if let Some(taken) = taken {
            return Ok(taken);
        }
    }
}

/// Reads the head. Retries while the server does not answer.
pub(super) async fn head(connection: &mut Connection) -> Result<Option<Head>, StateError> {
    let head = Head::read(connection, Instant::now() + READ_PATIENCE).await;
    let database = connection.database();
    let head = head.map_err(|error| error.failed("read", database.location.clone()))?;
    head.map(|head| head.parse(database)).transpose()
}

/// Creates the first head of a state; `None` if another run was faster.
async fn begin(connection: &mut Connection, holder: &Holder) -> Result<Option<Lease>, StateError> {
    // Rooms without a head are an error.
    if Record::read(connection, &SharedRooms::default()).await?.is_some() {
        return Ok(None);
    }
    insert(connection, holder).await
}

/// Creates the head row if there is none; `None` if another run was faster.
pub(super) async fn insert(
    connection: &mut Connection,
    holder: &Holder,
) -> Result<Option<Lease>, StateError> {
    let database = connection.database().clone();
    let [next, token, lineage] = ids(&database)?;
    let (lease, holder) = (seconds(&database), json(&database, holder)?);
    let sql = BEGIN.replace("{durable}", DURABLE);
    let write = Write {
        sql: &sql,
        parameters: &[
            (&next, Type::TEXT),
            (&lineage, Type::TEXT),
            (&token, Type::TEXT),
            (&lease, Type::INT8),
            (&holder, Type::TEXT),
        ],
        bytes: 0,
        until: Instant::now() + TAKEOVER_PATIENCE,
    };
    let sent = send(connection, &write, &next, None).await;
    let guard = Guard { epoch: 1, token, write_id: next.clone() };
    taken(&database, sent, guard, None)
}

/// Takes over a lease that was released or has expired; `None` if another run was faster.
async fn take_over(
    connection: &mut Connection,
    holder: &Holder,
    head: &Head,
) -> Result<Option<Lease>, StateError> {
    let is_clean =
        head.core.released == Some(Released::Cleanly) && head.core.base == head.core.last_entry;
    let end = if is_clean { LeaseEnd::Released } else { LeaseEnd::TakenOver };
    let seen = (head.core.epoch, head.core.write_id.as_str());
    raise(connection, holder, seen, head.unknown_calls || !is_clean, end).await
}

/// Raises the epoch of a head if it still has this write-id, and keeps its entries; `None` if it
/// has changed.
pub(super) async fn raise(
    connection: &mut Connection,
    holder: &Holder,
    (epoch, write_id): (i64, &str),
    unknown_calls: bool,
    end: LeaseEnd,
) -> Result<Option<Lease>, StateError> {
    let database = connection.database().clone();
    let [next, token] = ids(&database)?;
    // The token and the id of the write are new: a writer of an earlier epoch is refused by them too.
    let epoch = if epoch >= LAST_EPOCH { 1 } else { epoch + 1 };
    let (lease, holder) = (seconds(&database), json(&database, holder)?);
    let sql = TAKE_OVER.replace("{durable}", DURABLE);
    let write = Write {
        sql: &sql,
        parameters: &[
            (&next, Type::TEXT),
            (&epoch, Type::INT8),
            (&token, Type::TEXT),
            (&lease, Type::INT8),
            (&holder, Type::TEXT),
            (&unknown_calls, Type::BOOL),
            (&write_id, Type::TEXT),
        ],
        bytes: 0,
        until: Instant::now() + TAKEOVER_PATIENCE,
    };
    let sent = send(connection, &write, &next, Some(write_id)).await;
    let guard = Guard { epoch, token, write_id: next.clone() };
    taken(&database, sent, guard, Some(end))
}

/// Creates random ids.
fn ids<const N: usize>(database: &Database) -> Result<[String; N], StateError> {
    let mut ids = [const { String::new() }; N];
    for id in &mut ids {
        *id = new_id().map_err(|error| unwritten(database, error))?;
    }
    Ok(ids)
}

fn taken(
    database: &Database,
    sent: Result<Sent, WriteError>,
    guard: Guard,
    end: Option<LeaseEnd>,
) -> Result<Option<Lease>, StateError> {
    match sent {
        Ok(sent) => {
            let calls_ended = Instant::now() + CALLS_END;
            let earlier = end.map(|lease| EarlierHolder { calls_ended, lease });
            Ok(Some(Lease { guard, sent, earlier }))
        }
        Err(WriteError::Superseded(_)) => Ok(None),
        Err(error @ WriteError::Failed(_)) => Err(unwritten(database, error)),
    }
}

/// Marks the lease of a holder as released uncleanly: the next run takes it over at once.
pub(super) async fn release_uncleanly(
    connection: &mut Connection,
    guard: &mut Guard,
) -> Result<(), WriteError> {
    let until = Instant::now() + TAKEOVER_PATIENCE;
    let write = Write { sql: RELEASE_UNCLEANLY, parameters: &[], bytes: 0, until };
    guard.write(connection, write).await.map(drop)
}

/// Returns the error of a failed write outside of a run.
pub(super) fn unwritten(database: &Database, error: WriteError) -> StateError {
    let location = database.location.clone();
    match error {
        WriteError::Failed(error) => error.failed("lock", location),
        WriteError::Superseded(_) => {
            StateError::Changed { location, loss: crate::state::Loss::Replaced }
        }
    }
}

fn seconds(database: &Database) -> i64 {
    i64::try_from(database.lease.as_secs()).unwrap_or(i64::MAX)
}

fn json(database: &Database, holder: &Holder) -> Result<String, StateError> {
    let unwritable = StateError::io("lock", database.location.as_ref());
    serde_json::to_string(holder).map_err(|error| unwritable(error.into()))
}
