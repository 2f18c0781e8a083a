//! Reads the record: the head, the rooms and the journal, from one snapshot of the database.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_postgres::Row;

use crate::model::Recorded;
use crate::state::format::{self, Names, SharedRooms};
use crate::state::journal;
use crate::state::lease::{READ_PATIENCE, RemoteError, Retry};
use crate::state::overlay::Overlay;
use crate::state::{Found, StateError};

use super::database::{Connection, Database, column};
use super::head::{Head, ReadHead};

/// The record of one snapshot.
pub(super) struct Record {
    pub(super) head: Head,
    /// The state, without the journal.
    pub(super) recorded: Recorded,
    /// The changes of the journal.
    pub(super) changes: Overlay,
}

/// The rows of one snapshot.
pub(super) struct Rows {
    /// `None` if there is no head.
    pub(super) head: Option<ReadHead>,
    /// Addresses and records, sorted by address.
    pub(super) rooms: Vec<Row>,
    /// Numbers and entries, sorted by number.
    pub(super) journal: Vec<Row>,
}

impl Record {
    /// Reads the record; `None` if there never was one.
    pub(super) async fn read(
        connection: &mut Connection,
        shared: &SharedRooms,
    ) -> Result<Option<Self>, StateError> {
        let rows = Rows::read(connection).await?;
        let (database, shared) = (connection.database().clone(), shared.clone());
        let location = database.location.clone();
        let parsed = tokio::task::spawn_blocking(move || Self::parse(&database, &rows, &shared));
        parsed.await.unwrap_or(Err(StateError::Stopped { location }))
    }

    fn parse(
        database: &Database,
        rows: &Rows,
        shared: &SharedRooms,
    ) -> Result<Option<Self>, StateError> {
        let Some(head) = &rows.head else {
            if rows.rooms.is_empty() && rows.journal.is_empty() {
                return Ok(None);
            }
            return Err(database
                .outdated(&format!("there are rooms, but {} has no row", database.table("head"))));
        };
        let head = head.parse(database)?;
        let recorded = recorded(database, &head, &rows.rooms, shared)?;
        let changes = changes(database, &head, &rows.journal)?;
        Ok(Some(Self { head, recorded, changes }))
    }

    /// Returns whether anything was ever recorded.
    pub(super) fn found(&self) -> Found {
        let is_new = self.head.core.state.is_none() && self.changes.is_empty();
        if is_new { Found::New } else { Found::Existing }
    }

    /// Returns the state with the changes of the journal.
    pub(super) fn merged(self) -> Arc<Recorded> {
        let Self { head, mut recorded, changes } = self;
        changes.apply(&mut recorded);
        recorded.lineage = recorded.lineage.or(Some(head.core.lineage));
        Arc::new(recorded)
    }
}

impl Rows {
    /// Reads the rows. Retries while the server does not answer.
    pub(super) async fn read(connection: &mut Connection) -> Result<Self, StateError> {
        let mut retry = Retry::until(Instant::now() + READ_PATIENCE);
        loop {
            match Self::read_once(connection).await {
                Ok(rows) => return Ok(rows),
                Err(error) => {
                    let location = connection.database().location.clone();
                    retry.after(error).await.map_err(|error| error.failed("read", location))?;
                }
            }
        }
    }

    async fn read_once(connection: &mut Connection) -> Result<Self, RemoteError> {
        let transaction = connection.read_transaction().await?;
        let head = Head::at(&transaction).await?;
        let rooms = "SELECT address, record::text FROM {s}.rooms ORDER BY address";
        let rooms = transaction.query(rooms).await?;
        let journal = "SELECT number, entry::text FROM {s}.journal ORDER BY number";
        let journal = transaction.query(journal).await?;
        transaction.end().await?;
        Ok(Self { head, rooms, journal })
    }

    /// Returns the addresses and records of the rooms.
    pub(super) fn texts(rooms: &[Row]) -> Result<Vec<(&str, &str)>, RemoteError> {
        rooms.iter().map(|row| Ok((column(row, 0)?, column(row, 1)?))).collect()
    }
}

fn recorded(
    database: &Database,
    head: &Head,
    rooms: &[Row],
    shared: &SharedRooms,
) -> Result<Recorded, StateError> {
    if i64::try_from(rooms.len()) != Ok(head.core.room_count) {
        let why = mismatch(database, rooms.len(), head.core.room_count);
        return Err(database.outdated(&why));
    }
    let Some(state) = &head.core.state else {
        if rooms.is_empty() {
            return Ok(Recorded::default());
        }
        return Err(database.outdated(&without_state(database)));
    };
    let texts =
        Rows::texts(rooms).map_err(|error| database.damaged(&database.table("rooms"), error))?;
    format::read_rows(state, texts.iter().copied(), shared)
        .map_err(|error| which_row(database, &texts, error))
}

/// Returns the error that names the row which cannot be read.
fn which_row(database: &Database, texts: &[(&str, &str)], error: format::ParseError) -> StateError {
    if let format::ParseError::Newer(version) = error {
        return StateError::Newer { location: database.location.clone(), version };
    }
    let mut names = Names::default();
    let unreadable = texts.iter().find_map(|(address, record)| {
        let error = format::read_row(address, record, &mut names).err()?;
        Some((room_row(database, address), error))
    });
    let (row, error) = unreadable.unwrap_or_else(|| (state_column(database), error));
    database.damaged(&row, error)
}

fn changes(database: &Database, head: &Head, journal: &[Row]) -> Result<Overlay, StateError> {
    let mut changes = Overlay::default();
    let mut last = head.core.base;
    for row in journal {
        let (number, entry) =
            entry(row).map_err(|error| database.damaged(&database.table("journal"), error))?;
        if Some(number) != last.checked_add(1) {
            break;
        }
        let entry = entry.map_err(|error| database.damaged(&entry_row(database, number), error))?;
        changes.add(entry);
        last = number;
    }
    let count = i64::try_from(journal.len()).ok();
    if last != head.core.last_entry || count != last.checked_sub(head.core.base) {
        return Err(database.outdated(&wrong_entries(database)));
    }
    Ok(changes)
}

/// What is wrong if the number of rooms is not the recorded one.
pub(super) fn mismatch(database: &Database, rooms: usize, recorded: i64) -> String {
    let (table, head) = (database.table("rooms"), database.table("head"));
    format!("{table} has {rooms} rows, but `room_count` in {head} is {recorded}")
}

/// What is wrong if there are rooms, but no state.
pub(super) fn without_state(database: &Database) -> String {
    format!(
        "{} has rows, but `state` in {} is null",
        database.table("rooms"),
        database.table("head")
    )
}

/// What is wrong if the journal is not the one of the head.
pub(super) fn wrong_entries(database: &Database) -> String {
    let (table, head) = (database.table("journal"), database.table("head"));
    format!("the numbers in {table} are not those after `base` up to `last_entry` in {head}")
}

/// The column of a head that holds everything but the rooms, as errors name it.
pub(super) fn state_column(database: &Database) -> String {
    format!("column `state` of {}", database.table("head"))
}

/// The row of a room, as errors name it.
pub(super) fn room_row(database: &Database, address: &str) -> String {
    format!("the row of {address} in {}", database.table("rooms"))
}

/// The row of an entry, as errors name it.
pub(super) fn entry_row(database: &Database, number: i64) -> String {
    format!("row {number} of {}", database.table("journal"))
}

/// The number of a row of the journal, and its entry if that can be read.
pub(super) fn entry(
    row: &Row,
) -> Result<(i64, Result<crate::state::Entry, serde_json::Error>), RemoteError> {
    let text: &str = column(row, 1)?;
    Ok((column(row, 0)?, journal::parse_body(text.as_bytes())))
}
