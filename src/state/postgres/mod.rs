//! The state in PostgreSQL: a row for each room, a journal, and a head row that is the lease.
//!
//! Every write is one statement, and so one transaction. It changes the head only if the head is
//! still as this run left it, and all other rows only together with the head. It gives the head a
//! new write-id, so that the outcome of a write can always be read back. No statement depends on
//! another one of its session, so that a connection pooler may be used.

mod connect;
mod database;
mod fold;
mod head;
mod lease;
mod locked;
mod record;
mod repair;
mod schema;
mod write;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use crate::model::{PostgresSetting, PostgresUrl, Secret};

use super::format::SharedRooms;
use super::lease::{SystemClocks, Watch, locked as locked_by};
use super::{
    Access, Found, Held, Holder, LastCalls, Lease, ReadStore, Repair, Snapshot, StateError, Store,
    StoreEnvironment, WriteStore,
};

use connect::Connector;
use database::{Connection, Database};
use record::Record;
use schema::Schema;
use write::{Guard, WriteError};

/// Opens the store of a schema. Reads nothing yet.
pub(super) fn open(
    url: &PostgresUrl,
    environment: &StoreEnvironment,
    shared: SharedRooms,
) -> Result<Box<dyn Store>, StateError> {
    Ok(Box::new(PostgresStore { database: database(url, environment)?, shared }))
}

fn database(url: &PostgresUrl, environment: &StoreEnvironment) -> Result<Database, StateError> {
    let connector = Connector::new(url, environment)?;
    let location = if url.settings.contains_key(&PostgresSetting::Host) {
        url.to_string()
    } else {
        format!("{url} (server {})", connector.servers())
    };
    Ok(Database {
        connector: Arc::new(connector),
        clock: Arc::new(SystemClocks),
        schema: url.schema.clone(),
        lease: url.lease,
        location,
    })
}

/// Returns the secrets of a database that the environment, and the files that it names, contain.
pub(super) fn secrets(url: &PostgresUrl, environment: &StoreEnvironment) -> Vec<Secret> {
    connect::secrets(url, environment)
}

/// Computes the repair of a state; `None` if there is nothing to repair.
pub(super) async fn repair(
    url: &PostgresUrl,
    environment: &StoreEnvironment,
    holder: Holder,
    wait: Duration,
) -> Result<Option<Repair>, StateError> {
    repair::compute(database(url, environment)?, holder, wait).await
}

/// A state in PostgreSQL. Reads it, or takes its lease to write it.
struct PostgresStore {
    database: Database,
    shared: SharedRooms,
}

impl PostgresStore {
    /// Returns a connection to the tables; `None` if no state was ever kept there.
    async fn connection_to_tables(&self) -> Result<Option<Connection>, StateError> {
        let mut connection = self.database.connection();
        let schema = schema::find(&mut connection).await?;
        Ok(matches!(schema, Schema::Version(_)).then_some(connection))
    }
}

impl ReadStore for PostgresStore {
    fn read(&self) -> Access<'_, Snapshot> {
        Box::pin(async {
            let Some(mut connection) = self.connection_to_tables().await? else {
                return Ok(new(LastCalls::new()));
            };
            let record = Record::read(&mut connection, &self.shared).await?;
            Ok(record.map_or_else(|| new(LastCalls::new()), snapshot))
        })
    }
}

fn new(last_calls: LastCalls) -> Snapshot {
    Snapshot {
        recorded: Arc::default(),
        found: Found::New,
        last_calls,
        ended_uncleanly: false,
        in_progress: None,
        folded: None,
        earlier: None,
    }
}

/// Returns the record as a reader sees it.
fn snapshot(record: Record) -> Snapshot {
    let head = &record.head;
    if record.found() == Found::New {
        return new(head.last_calls.clone());
    }
    let is_in_progress = head.core.is_held() && !record.changes.is_empty();
    Snapshot {
        found: Found::Existing,
        last_calls: head.last_calls.clone(),
        ended_uncleanly: head.unknown_calls
            || head.core.released != Some(super::lease::Released::Cleanly),
        in_progress: is_in_progress.then(|| head.holder.clone()),
        folded: None,
        earlier: None,
        recorded: record.merged(),
    }
}

impl Store for PostgresStore {
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>> {
        Box::pin(async move {
            let mut connection = self.database.connection();
            schema::migrate(&mut connection).await?;
            let lease = lease::take(&mut connection, &holder, wait).await?;
            let locked = locked::open(connection, &self.shared, lease).await?;
            Ok(Arc::new(locked) as Arc<dyn WriteStore>)
        })
    }

    fn held(&self) -> Access<'_, Option<Held>> {
        Box::pin(async {
            let Some(mut connection) = self.connection_to_tables().await? else { return Ok(None) };
            let head = lease::head(&mut connection).await?;
            Ok(head.filter(|head| head.core.released.is_none()).map(|head| {
                let ends_in = head.core.left(&mut Watch::default());
                let lease = Some(Lease { epoch: number(head.core.epoch), ends_in });
                Held { holder: Some(head.holder), lease }
            }))
        })
    }

    fn unlock(&self, of: Held) -> Access<'_, ()> {
        Box::pin(async move {
            let Some(mut connection) = self.connection_to_tables().await? else { return Ok(()) };
            loop {
                let Some(head) = lease::head(&mut connection).await? else { return Ok(()) };
                if head.core.released.is_some() {
                    return Ok(());
                }
                if of.lease.map(|lease| lease.epoch) != Some(number(head.core.epoch)) {
                    let left = head.core.left(&mut Watch::default());
                    return Err(locked_by(&self.database.location, head.holder, left));
                }
                let mut guard = Guard {
                    epoch: head.core.epoch,
                    token: head.token,
                    write_id: head.core.write_id,
                };
                match lease::release_uncleanly(&mut connection, &mut guard).await {
                    Ok(()) => return Ok(()),
                    // The holder renewed the lease meanwhile.
                    Err(WriteError::Superseded(_)) => {}
                    Err(WriteError::Failed(error)) => {
                        return Err(error.failed("unlock", self.database.location.clone()));
                    }
                }
            }
        })
    }
}

/// Converts an epoch, which is never negative.
fn number(epoch: i64) -> u64 {
    u64::try_from(epoch).unwrap_or(0)
}
