//! One write: a statement that changes the head only if it is still as this run left it, and all
//! other rows only together with the head.

use tokio::time::Instant;
use tokio_postgres::types::Type;

use crate::state::lease::{Backoff, RemoteError, Sent, lost};
use crate::state::{StateError, random_uuid};

use super::database::{Connection, Database, Parameter};
use super::head::{Head, ReadHead};

/// The condition of a write: the head that this run wrote last, or read before it took the lease.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) epoch: i64,
    pub(super) token: String,
    /// The id of the last write, which the next one replaces.
    pub(super) write_id: String,
}

/// A guarded statement. `{guard}` in its text is replaced by the condition; `$1` is the id of the
/// write.
pub(super) struct Write<'a> {
    pub(super) sql: &'a str,
    /// The parameters from `$5` on.
    pub(super) parameters: &'a [Parameter<'a>],
    /// Their size.
    pub(super) bytes: usize,
    /// Until when it is retried.
    pub(super) until: Instant,
}

/// Why a write failed.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Another write came first; with the current head.
    Superseded(Option<ReadHead>),
    /// It is not known to be done, and is not retried any more.
    Failed(RemoteError),
}

/// The condition of every write of a holder. A release by hand makes it fail too.
const GUARD: &str = "epoch = $2 AND token = $3 AND write_id = $4 AND released IS NULL";
/// The result of every write. It makes the write durable before the answer, whatever the server's
/// own setting is.
pub(super) const DURABLE: &str = "set_config('synchronous_commit', 'on', true)";

impl Guard {
    /// Executes a write, and retries it while it is not done. Then updates the guard for the next
    /// write.
    pub(super) async fn write(
        &mut self,
        connection: &mut Connection,
        write: Write<'_>,
    ) -> Result<Sent, WriteError> {
        let Self { epoch, token, write_id } = &*self;
        let next = new_id()?;
        let sql = write.sql.replace("{guard}", GUARD).replace("{durable}", DURABLE);
        let mut parameters: Vec<Parameter<'_>> = vec![
            (&next, Type::TEXT),
            (epoch, Type::INT8),
            (token, Type::TEXT),
            (write_id, Type::TEXT),
        ];
        parameters.extend(write.parameters.iter().cloned());
        let write = Write { sql: &sql, parameters: &parameters, ..write };
        let sent = send(connection, &write, &next, Some(write_id)).await?;
        self.write_id = next;
        Ok(sent)
    }
}

/// Returns a new id of a write, or a new token of a holder.
pub(super) fn new_id() -> Result<String, WriteError> {
    random_uuid().map_err(|error| WriteError::Failed(RemoteError::Denied(error.to_string())))
}

/// Executes a write that gives the head the id `next` if the head has the id `previous`, or if
/// there is no head and `previous` is `None`.
pub(super) async fn send(
    connection: &mut Connection,
    write: &Write<'_>,
    next: &str,
    previous: Option<&str>,
) -> Result<Sent, WriteError> {
    let Write { sql, parameters, bytes, until } = write;
    let sent = Sent::now(&*connection.database().clock);
    let (mut backoff, mut refusals) = (Backoff::default(), 0);
    loop {
        let unanswered = match connection.query(sql, parameters, *bytes).await {
            Ok(rows) if !rows.is_empty() => return Ok(sent),
            Ok(_) => {
                refusals += 1;
                None
            }
            Err(error @ RemoteError::Denied(_)) => return Err(WriteError::Failed(error)),
            Err(error @ (RemoteError::Unavailable(_) | RemoteError::Unreachable(_))) => Some(error),
        };
        let there = Head::read(connection, *until).await.map_err(WriteError::Failed)?;
        let there_id =
            there.as_ref().map(ReadHead::write_id).transpose().map_err(WriteError::Failed)?;
        if there_id == Some(next) {
            return Ok(sent);
        }
        // A second refusal although the write-id matches: another column of the head was changed by
        // hand.
        if there_id != previous || refusals > 1 {
            return Err(WriteError::Superseded(there));
        }
        if !backoff.wait(*until).await {
            let refused = || RemoteError::Unavailable("the server refused a write".to_owned());
            return Err(WriteError::Failed(unanswered.unwrap_or_else(refused)));
        }
    }
}

impl WriteError {
    /// Returns the error of a holder's failed write.
    pub(super) fn of_holder(
        self,
        database: &Database,
        guard: &Guard,
        operation: &'static str,
    ) -> StateError {
        let there = match self {
            Self::Failed(error) => return error.failed(operation, database.location.clone()),
            Self::Superseded(None) => return database.outdated("its head is gone"),
            Self::Superseded(Some(there)) => match there.parse(database) {
                Ok(there) => there,
                Err(error) => return error,
            },
        };
        let location = database.location.clone();
        let is_older = there.core.epoch < guard.epoch;
        if !is_older && (there.core.epoch > guard.epoch || there.token != guard.token) {
            lost(&location, Some(there.holder))
        } else if !is_older && there.core.released.is_some() {
            StateError::Unlocked { location }
        } else {
            let why = "its last writes are no longer there, although the server confirmed them"
                .to_owned();
            let fix = "A stale standby took over, a backup was restored, or a row was changed by hand: \
                       rooms that this run created may not be recorded. `roomctl import --all-declared` \
                       finds those that are declared, and `roomctl plan --refresh all` shows what else \
                       differs"
                .to_owned();
            StateError::Outdated { location, why, fix }
        }
    }
}
