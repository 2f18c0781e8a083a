//! What the files say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Address, Digest, Policy, Provider, ProviderName, Room};

/// Everything that the files declare, checked and resolved.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The providers by name.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// Where the state is kept: a path, resolved against the folder of the file that says it.
    pub state: PathBuf,
    /// The policy.
    pub policy: Policy,
    /// The rooms, sorted by address, each address once.
    pub rooms: Vec<DesiredRoom>,
    /// The files that were read, as they are recorded with each room.
    pub files: BTreeSet<Arc<str>>,
    /// The digest of all of the above, the same whatever the order in the files.
    pub config_digest: Digest,
}

/// One declared room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredRoom {
    /// Where it is.
    pub address: Address,
    /// What it holds.
    pub room: Arc<Room>,
    /// How it may be handled.
    pub lifecycle: Lifecycle,
    /// The file that declares it: its path from the folder of the file that declares the providers.
    pub source: Arc<str>,
}

/// The `lifecycle` of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Refuse to destroy the room, also when it is taken out of the file.
    pub prevent_destroy: bool,
}
