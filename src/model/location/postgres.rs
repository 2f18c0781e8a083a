//! The URL of a state in PostgreSQL.

use std::fmt;
use std::time::Duration;

use super::{DEFAULT_LEASE, LocationError};

/// The URL of a state in PostgreSQL, such as `postgres://roomctl@db.example/fleet?schema=live`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresUrl {
    /// The URL, without the parameters that are roomctl's own.
    pub url: String,
    /// The schema that holds the state.
    pub schema: String,
    /// How long the lease holds without a renewal.
    pub lease: Duration,
}

impl PostgresUrl {
    pub(super) fn parse(text: &str) -> Result<Self, LocationError> {
        Ok(Self { url: text.to_owned(), schema: "roomctl".to_owned(), lease: DEFAULT_LEASE })
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
