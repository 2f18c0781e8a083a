//! The state in PostgreSQL: a row for each room, a journal, and a head row that is the lease.

mod connect;

use std::sync::Arc;
use std::time::Duration;

use crate::model::{PostgresUrl, Secret};

use super::format::SharedRooms;
use super::{Holder, Repair, StateError, Store, StoreEnvironment};

use connect::Connector;

/// Names the store of a schema; nothing is read yet.
pub(super) fn open(
    url: &PostgresUrl,
    environment: &StoreEnvironment,
    _shared: SharedRooms,
) -> Result<Box<dyn Store>, StateError> {
    let _connector = Arc::new(Connector::new(url, environment)?);
    Err(StateError::Unusable { location: url.to_string(), why: "it is not built yet".to_owned() })
}

/// Returns the secrets by which a database is reached, as far as the environment and its files hold them.
pub(super) fn secrets(url: &PostgresUrl, environment: &StoreEnvironment) -> Vec<Secret> {
    connect::secrets(url, environment)
}

/// Finds out what a repair would make of a state.
pub(super) async fn repair(
    url: &PostgresUrl,
    _: &StoreEnvironment,
    _: Holder,
    _: Duration,
) -> Result<Option<Repair>, StateError> {
    Err(StateError::Unusable { location: url.to_string(), why: "it is not built yet".to_owned() })
}
