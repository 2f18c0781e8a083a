//! The head row: the lease, and everything of the state but its rooms.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tokio_postgres::Row;

use crate::model::{Holder, Lineage};
use crate::state::lease::{Released, RemoteError, Retry, Watch};
use crate::state::{LastCalls, StateError};

use super::database::{Connection, Database, ReadTransaction, column, column_name};

/// The head as it was read.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) core: HeadCore,
    /// Distinguishes the holder from another one that had the same epoch before a backup was
    /// restored.
    pub(super) token: String,
    /// The holder of the lease.
    pub(super) holder: Holder,
    /// When the last calls were, as recorded by the last run that ended cleanly.
    pub(super) last_calls: LastCalls,
    /// Whether a later run ended uncleanly and may have made calls that are not in `last_calls`.
    pub(super) unknown_calls: bool,
}

/// The columns of a head that a repair needs. Their types and checks keep them readable after any
/// change by hand.
#[derive(Clone, Debug)]
pub(super) struct HeadCore {
    pub(super) lineage: Lineage,
    /// The number of the takeover, raised by each one.
    pub(super) epoch: i64,
    /// The unique id of the last write.
    pub(super) write_id: String,
    /// The length of the lease: the time until it expires without a renewal.
    pub(super) lease: Duration,
    /// The time until it expires by the server's clock.
    pub(super) left: Duration,
    /// How it was released; `None` while it is held.
    pub(super) released: Option<Released>,
    /// The number of the last entry that is folded into the rooms.
    pub(super) base: i64,
    /// The number of the last entry.
    pub(super) last_entry: i64,
    /// The head of the document; `None` before the first fold.
    pub(super) state: Option<String>,
    /// How many rooms there are.
    pub(super) room_count: i64,
}

/// The highest epoch, as the table limits it: no run can take over from it.
pub(super) const LAST_EPOCH: i64 = 1_000_000_000_000;
/// The highest number of an entry that leaves enough numbers below the table's limit for another run.
pub(super) const LAST_ENTRY: i64 = 999_000_000_000_000;

const READ: &str = "
SELECT lineage, epoch, token, write_id, lease_seconds,
    (extract(epoch FROM renewed - clock_timestamp()) * 1000)::bigint + lease_seconds * 1000 AS left_ms,
    released, holder::text, base, last_entry, last_calls::text, unknown_calls, state::text, room_count
FROM {s}.head";

impl Head {
    /// Reads the head; `None` if there is none. Retries until `until` while the server does not
    /// answer.
    pub(super) async fn read(
        connection: &mut Connection,
        until: Instant,
    ) -> Result<Option<ReadHead>, RemoteError> {
        let mut retry = Retry::until(until);
        loop {
            match connection.query(READ, &[], 0).await {
                Ok(rows) => return Ok(rows.into_iter().next().map(ReadHead)),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    /// Reads the head within a transaction.
    pub(super) async fn at(
        transaction: &ReadTransaction<'_>,
    ) -> Result<Option<ReadHead>, RemoteError> {
        Ok(transaction.query(READ).await?.into_iter().next().map(ReadHead))
    }
}

impl HeadCore {
    /// Returns how long to wait until the lease may be taken over.
    pub(super) fn left(&self, watch: &mut Watch<String>) -> Duration {
        match self.released {
            Some(Released::Cleanly | Released::Uncleanly) => Duration::ZERO,
            None => watch.left(self.write_id.clone(), self.lease, Some(self.left)),
        }
    }

    /// Returns whether some run holds the lease.
    pub(super) fn is_held(&self) -> bool {
        self.released.is_none() && !self.left.is_zero()
    }
}

/// A head row whose columns are not parsed yet.
#[derive(Debug)]
pub(super) struct ReadHead(Row);

impl ReadHead {
    /// Returns the id of its last write.
    pub(super) fn write_id(&self) -> Result<&str, RemoteError> {
        column(&self.0, 3)
    }

    /// Reads the columns.
    ///
    /// # Errors
    /// Returns [`StateError::Outdated`] if one of them was changed by hand.
    pub(super) fn parse(&self, database: &Database) -> Result<Head, StateError> {
        self.columns().map_err(|error| database.damaged(&database.table("head"), error))
    }

    fn columns(&self) -> Result<Head, RemoteError> {
        let Self(row) = self;
        let core = self.core()?;
        for (name, value, last) in
            [("epoch", core.epoch, LAST_EPOCH), ("last_entry", core.last_entry, LAST_ENTRY)]
        {
            if value >= last {
                let why = format!("column `{name}` is {value}, which leaves no higher number");
                return Err(RemoteError::Denied(why));
            }
        }
        Ok(Head {
            core,
            token: column(row, 2)?,
            holder: json(row, 7)?,
            last_calls: json(row, 10)?,
            unknown_calls: column(row, 11)?,
        })
    }

    /// Reads what a repair needs, though other columns cannot be read.
    pub(super) fn core(&self) -> Result<HeadCore, RemoteError> {
        let Self(row) = self;
        let (seconds, left): (i64, i64) = (column(row, 4)?, column(row, 5)?);
        let released: Option<&str> = column(row, 6)?;
        Ok(HeadCore {
            lineage: Lineage(column(row, 0)?),
            epoch: column(row, 1)?,
            write_id: column(row, 3)?,
            lease: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
            left: Duration::from_millis(u64::try_from(left).unwrap_or(0)),
            released: released.map(|how| match how {
                "cleanly" => Released::Cleanly,
                _ => Released::Uncleanly,
            }),
            base: column(row, 8)?,
            last_entry: column(row, 9)?,
            state: column(row, 12)?,
            room_count: column(row, 13)?,
        })
    }
}

fn json<T: DeserializeOwned>(row: &Row, at: usize) -> Result<T, RemoteError> {
    serde_json::from_str(column(row, at)?).map_err(|error| {
        let name = column_name(row, at);
        RemoteError::Denied(format!("column `{name}` is not as roomctl wrote it ({error})"))
    })
}
