//! Who works with the state, as shown to others.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The run that holds the lock of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "an object")]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// Who started it.
    pub user: String,
    /// What it does, such as `roomctl apply`. Never with a secret in it.
    pub command: String,
    /// When it took the lock.
    pub time: Timestamp,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, user, command, time } = self;
        write!(f, "`{command}` of {user} on {host}, process {pid}, since {time}")
    }
}
