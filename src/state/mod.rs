//! The record and where it is kept: the only inventory there is, so it is never lost.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::{
    Address, Call, ProviderIdentity, ProviderName, Recorded, RecordedRoom, Timestamp,
};

/// What an access to a store comes to.
pub type Access<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// When each call of each provider was last made: a run that follows stays inside the limits too.
pub type LastCalls = BTreeMap<ProviderName, BTreeMap<Call, Timestamp>>;

/// Reads the record, and cannot change it. Needs no lock.
pub trait ReadStore: Send + Sync {
    /// Reads the state and what the journal beside it adds.
    fn read(&self) -> Access<'_, Snapshot>;
}

/// Changes the record. Exists only under the lock.
pub trait WriteStore: Send + Sync {
    /// Makes entries durable: they survive a crash from the moment that this returns.
    /// Many at once share one `fdatasync`. After a failure every later append fails too.
    fn append(&self, entries: Vec<Entry>) -> Access<'_, ()>;

    /// Folds the journal into the state, keeps the last calls, and lets the lock go.
    fn finish(self: Box<Self>, last_calls: LastCalls) -> Access<'static, Finished>;
}

/// The record as it was read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// When each call was last made.
    pub last_calls: LastCalls,
    /// Whether the run before this one ended without saying when its last calls were.
    pub ended_uncleanly: bool,
}

/// One entry of the journal: what a room's record is from now on.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The room's record, with a call pending: written before the call is sent.
    Intent(Address, RecordedRoom),
    /// The room's record after a call, or after a look.
    Result(Address, RecordedRoom),
    /// The room is no longer recorded.
    Removed(Address),
    /// The record belongs to this application too.
    Provider(ProviderName, ProviderIdentity),
}

/// How a run's record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The serial of the state now.
    pub serial: u64,
}

/// Why the record could not be read or written, by what the user does next.
#[derive(Debug, thiserror::Error)]
pub enum StateError {}
