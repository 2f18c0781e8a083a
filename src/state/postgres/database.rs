//! The database of one state: its statements, and a connection that is reopened when it is lost.

use std::error::Error as _;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::time::timeout;
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Column, Row};

use crate::state::StateError;
use crate::state::lease::{RemoteError, WindowClock};

use super::connect::{self, Connector};

/// The time-out of a statement, or of the next row of an answer; plus 1 s for each mebibyte of
/// parameters.
const STATEMENT: Duration = Duration::from_secs(10);

/// The schema of one state.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) connector: Arc<Connector>,
    pub(super) clock: Arc<dyn WindowClock>,
    /// The schema, an identifier that needs no escapes.
    pub(super) schema: String,
    /// The length of the lease: the time until it expires without a renewal.
    pub(super) lease: Duration,
    /// The state as errors show it.
    pub(super) location: String,
}

/// A connection to a database, opened when it is first needed.
pub(super) struct Connection {
    database: Database,
    client: Option<Client>,
    /// Whether a connection ever succeeded. Such a server is waited for.
    has_answered: bool,
}

/// A parameter of a statement, with its type.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

impl Database {
    /// Returns a connection that is not open yet.
    pub(super) fn connection(&self) -> Connection {
        Connection { database: self.clone(), client: None, has_answered: false }
    }

    /// Returns the text of a statement, with `{s}` replaced by the schema.
    pub(super) fn sql(&self, text: &str) -> String {
        text.replace("{s}", &format!("\"{}\"", self.schema))
    }

    /// Returns the name of a table, as errors show it.
    pub(super) fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.schema)
    }

    /// The error of rows that do not belong together.
    pub(super) fn outdated(&self, why: &str) -> StateError {
        let fix = "A part was lost through a restored backup, a stale standby or a manual change: restore the \
                   newest backup, or run `roomctl state repair` to rebuild the state from what is left"
            .to_owned();
        StateError::Outdated { location: self.location.clone(), why: why.to_owned(), fix }
    }

    /// The error of a row that cannot be read.
    pub(super) fn damaged(&self, row: &str, what: impl fmt::Display) -> StateError {
        let (location, why) = (self.location.clone(), format!("{row} is damaged: {what}"));
        let fix = "It was changed by hand or by another program: restore a backup, or run `roomctl state \
                   repair`, which keeps what can be read"
            .to_owned();
        StateError::Outdated { location, why, fix }
    }
}

impl Connection {
    /// Returns the database.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Executes one statement as a separate transaction. Without an answer the connection is
    /// dropped.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        bytes: usize,
    ) -> Result<Vec<Row>, RemoteError> {
        let sql = self.database.sql(sql);
        let client = self.take().await?;
        let rows = answer(client.query_typed(&sql, parameters), bytes).await?;
        self.client = Some(client);
        Ok(rows)
    }

    /// Executes one statement that returns one row.
    pub(super) async fn query_one(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Row, RemoteError> {
        let rows = self.query(sql, parameters, 0).await?;
        let missing = || RemoteError::Unavailable("the server returned no row".to_owned());
        rows.into_iter().next().ok_or_else(missing)
    }

    /// Executes several statements without parameters together.
    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), RemoteError> {
        let sql = self.database.sql(sql);
        let client = self.take().await?;
        answer(client.batch_execute(&sql), 0).await?;
        self.client = Some(client);
        Ok(())
    }

    /// Starts a read-only transaction on one snapshot of the database.
    pub(super) async fn read_transaction(&mut self) -> Result<ReadTransaction<'_>, RemoteError> {
        let client = self.take().await?;
        let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        answer(client.batch_execute(sql), 0).await?;
        Ok(ReadTransaction { connection: self, client })
    }

    /// Takes the open client, or opens a connection.
    async fn take(&mut self) -> Result<Client, RemoteError> {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            return Ok(client);
        }
        match self.database.connector.connect().await {
            Ok(client) => {
                self.has_answered = true;
                Ok(client)
            }
            Err(RemoteError::Unreachable(why)) if self.has_answered => {
                Err(RemoteError::Unavailable(why))
            }
            Err(error) => Err(error),
        }
    }
}

/// A REPEATABLE READ transaction on one connection. It fails if the connection is lost.
pub(super) struct ReadTransaction<'a> {
    connection: &'a mut Connection,
    client: Client,
}

impl ReadTransaction<'_> {
    /// Executes one statement with any number of rows. The time-out applies to each row.
    pub(super) async fn query(&self, sql: &str) -> Result<Vec<Row>, RemoteError> {
        let sql = self.connection.database.sql(sql);
        let none = std::iter::empty::<(i32, Type)>();
        let mut answers = pin!(answer(self.client.query_typed_raw(&sql, none), 0).await?);
        let mut rows = Vec::new();
        while let Some(row) = answer(answers.try_next(), 0).await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// Ends the transaction.
    pub(super) async fn end(self) -> Result<(), RemoteError> {
        answer(self.client.batch_execute("COMMIT"), 0).await?;
        self.connection.client = Some(self.client);
        Ok(())
    }
}

/// Waits for the answer to a statement with `bytes` bytes of parameters, up to its time-out.
async fn answer<T>(
    statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    bytes: usize,
) -> Result<T, RemoteError> {
    match timeout(time_limit(bytes), statement).await {
        Ok(answer) => answer.map_err(|error| connect::failed(&error)),
        Err(_) => Err(RemoteError::Unavailable("no answer from the server".to_owned())),
    }
}

/// Returns a column of a row.
///
/// # Errors
/// Returns [`RemoteError::Denied`] if it has another type than a migration gave it.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, RemoteError> {
    let changed = |error| {
        RemoteError::Denied(format!(
            "the table was changed by hand: {}",
            in_column(row, at, &error)
        ))
    };
    row.try_get(at).map_err(changed)
}

fn in_column(row: &Row, at: usize, error: &tokio_postgres::Error) -> String {
    let name = column_name(row, at);
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    format!("column `{name}`: {why}")
}

/// Returns the name of a column of a row; the empty text if the row has no such column.
pub(super) fn column_name(row: &Row, at: usize) -> &str {
    row.columns().get(at).map_or("", Column::name)
}

fn time_limit(bytes: usize) -> Duration {
    STATEMENT + Duration::from_secs((bytes >> 20) as u64)
}
