//! The run that holds the lock or the lease of a state, as shown to other runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The run that holds the lock of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "an object")]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The host that it runs on.
    pub host: String,
    /// The user who started it.
    pub user: String,
    /// The command, such as `roomctl apply`; never with a secret.
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
