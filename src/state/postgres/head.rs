//! The head row: the lease, and everything of the state but its rooms.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio_postgres::Row;

use crate::model::{Holder, Lineage};
use crate::state::lease::{Released, RemoteError, Watch};
use crate::state::{LastCalls, StateError};

use super::database::{Connection, Database, Moment, column};

/// The head as it was read.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) lineage: Lineage,
    /// Raised by each takeover.
    pub(super) epoch: i64,
    /// Tells the holder from one that had the same epoch before a backup was restored.
    pub(super) token: String,
    /// Tells the last write from all others.
    pub(super) write_id: String,
    /// How long the lease holds without a renewal.
    pub(super) lease: Duration,
    /// How long it holds by the server's clock.
    pub(super) left: Duration,
    /// How it was released; `None` while it is held.
    pub(super) released: Option<Released>,
    /// Who took it.
    pub(super) holder: Holder,
    /// The number of the last entry that is folded into the rooms.
    pub(super) base: i64,
    /// The number of the last entry.
    pub(super) last_entry: i64,
    /// When the last calls were, by the last run that ended cleanly.
    pub(super) last_calls: LastCalls,
    /// Whether a run since may have made calls that it did not name: it ended uncleanly.
    pub(super) unknown_calls: bool,
    /// The head of the document; `None` before the first fold.
    pub(super) state: Option<String>,
    /// How many rooms there are.
    pub(super) room_count: i64,
}

const READ: &str = "
SELECT lineage, epoch, token, write_id, lease_seconds,
    (extract(epoch FROM renewed - clock_timestamp()) * 1000)::bigint + lease_seconds * 1000 AS left_ms,
    released, holder::text, base, last_entry, last_calls::text, unknown_calls, state::text, room_count
FROM {s}.head";

impl Head {
    /// Reads the head; `None` if there is none.
    pub(super) async fn read(connection: &mut Connection) -> Result<Option<ReadHead>, RemoteError> {
        Ok(connection.query(READ, &[], 0).await?.into_iter().next().map(ReadHead))
    }

    /// Reads the head as it was at a moment.
    pub(super) async fn at(moment: &Moment<'_>) -> Result<Option<ReadHead>, RemoteError> {
        Ok(moment.query(READ).await?.into_iter().next().map(ReadHead))
    }

    /// Returns how long the lease may not be taken over yet.
    pub(super) fn left(&self, watch: &mut Watch<String>) -> Duration {
        left(watch, self.released, &self.write_id, self.lease, self.left)
    }

    /// Whether some run holds the lease.
    pub(super) fn is_held(&self) -> bool {
        self.released.is_none() && !self.left.is_zero()
    }
}

impl HeadCore {
    /// Returns how long the lease may not be taken over yet.
    pub(super) fn left(&self, watch: &mut Watch<String>) -> Duration {
        left(watch, self.released, &self.write_id, self.lease, self.left)
    }
}

fn left(
    watch: &mut Watch<String>,
    released: Option<Released>,
    write_id: &str,
    lease: Duration,
    by_server: Duration,
) -> Duration {
    match released {
        Some(Released::Cleanly | Released::Uncleanly) => Duration::ZERO,
        None => watch.left(write_id.to_owned(), lease, Some(by_server)),
    }
}

/// The columns of a head that a repair needs.
#[derive(Clone, Debug)]
pub(super) struct HeadCore {
    pub(super) lineage: Lineage,
    pub(super) epoch: i64,
    pub(super) write_id: String,
    pub(super) lease: Duration,
    pub(super) left: Duration,
    pub(super) released: Option<Released>,
    pub(super) base: i64,
    pub(super) last_entry: i64,
    pub(super) state: Option<String>,
    pub(super) room_count: i64,
}

/// A head whose columns are still to be read.
#[derive(Debug)]
pub(super) struct ReadHead(Row);

impl ReadHead {
    /// The id of its last write.
    pub(super) fn write_id(&self) -> Result<&str, RemoteError> {
        column(&self.0, 3)
    }

    /// Reads the columns.
    ///
    /// # Errors
    /// Returns [`StateError::Damaged`] if one of them was changed by hand.
    pub(super) fn parse(&self, database: &Database) -> Result<Head, StateError> {
        self.columns().map_err(|error| database.damaged("the row of head", error))
    }

    fn released(&self) -> Result<Option<Released>, RemoteError> {
        let released = column::<Option<&str>>(&self.0, 6)?;
        Ok(released.map(|how| match how {
            "cleanly" => Released::Cleanly,
            _ => Released::Uncleanly,
        }))
    }

    /// How long the lease holds, and for how long by the server's clock.
    fn lease(&self) -> Result<(Duration, Duration), RemoteError> {
        let (seconds, left): (i64, i64) = (column(&self.0, 4)?, column(&self.0, 5)?);
        let lease = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Ok((lease, Duration::from_millis(u64::try_from(left).unwrap_or(0))))
    }

    /// What a repair needs, though other columns cannot be read.
    pub(super) fn core(&self) -> Result<HeadCore, RemoteError> {
        let Self(row) = self;
        let (lease, left) = self.lease()?;
        Ok(HeadCore {
            lineage: Lineage(column(row, 0)?),
            epoch: column(row, 1)?,
            write_id: column(row, 3)?,
            lease,
            left,
            released: self.released()?,
            base: column(row, 8)?,
            last_entry: column(row, 9)?,
            state: column(row, 12)?,
            room_count: column(row, 13)?,
        })
    }

    fn columns(&self) -> Result<Head, RemoteError> {
        let Self(row) = self;
        let (lease, left) = self.lease()?;
        Ok(Head {
            lineage: Lineage(column(row, 0)?),
            epoch: column(row, 1)?,
            token: column(row, 2)?,
            write_id: column(row, 3)?,
            lease,
            left,
            released: self.released()?,
            holder: json(row, 7)?,
            base: column(row, 8)?,
            last_entry: column(row, 9)?,
            last_calls: json(row, 10)?,
            unknown_calls: column(row, 11)?,
            state: column(row, 12)?,
            room_count: column(row, 13)?,
        })
    }
}

fn json<T: DeserializeOwned>(row: &Row, at: usize) -> Result<T, RemoteError> {
    serde_json::from_str(column(row, at)?).map_err(|error| RemoteError::Denied(error.to_string()))
}
