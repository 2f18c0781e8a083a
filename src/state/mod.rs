//! The record and where it is kept: the only inventory there is, so it is never lost.

mod error;
mod file;
mod format;
mod journal;
mod merge;
mod overlay;
mod uuid;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::{
    Address, Call, ProviderIdentity, ProviderName, Recorded, RecordedRoom, Timestamp,
};

pub use crate::model::Holder;
pub use error::{Loss, StateError};
pub use file::{FileStore, Locked, Repair};
pub use format::{ParseError, parse_state, state_text};
pub use journal::{Journal, parse_journal};

/// What an access to a store comes to.
pub type Access<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// When each call of each provider was last made: a run that follows stays inside the limits too.
pub type LastCalls = BTreeMap<ProviderName, BTreeMap<Call, Timestamp>>;

/// Reads the record, and cannot change it. Needs no lock.
pub trait ReadStore: Send + Sync {
    /// Reads the state and what the journal beside it adds. Writes nothing.
    fn read(&self) -> Access<'_, Snapshot>;
}

/// Changes the record. Exists only under the lock; dropped without [`WriteStore::finish`], it
/// lets the lock go and leaves what was appended for the next run to take up.
pub trait WriteStore: Send + Sync {
    /// Makes sure, before the first call, that about so many entries can be written: a full disk
    /// or a folder that is read-only shows here.
    fn reserve(&self, entries: usize) -> Access<'_, ()>;

    /// Makes entries durable: they survive a crash from the moment that this returns.
    /// Many at once share one `fdatasync`. After a failure every later append fails too.
    /// A caller that goes away while it waits loses only the answer, never an entry.
    /// Where the files are no longer the ones that this run works with, an intent is refused with an
    /// error that names a rescue file: results are durable there.
    fn append(&self, entries: Vec<Entry>) -> Access<'_, ()>;

    /// Checks that the files are still the ones that this run works with: after a question was
    /// answered, and before the first call. Where they are not, nothing more is written, and what
    /// a run that sent no call has learned is dropped with its journal, so that the next one can
    /// begin.
    fn check(&self) -> Access<'_, ()>;

    /// Folds the journal into the state, keeps the last calls, and lets the lock go.
    /// Where that fails, everything that was appended stays for the next run.
    fn finish(&self, last_calls: LastCalls) -> Access<'_, Finished>;
}

/// The record as it was read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// Whether there was one.
    pub found: Found,
    /// When each call was last made.
    pub last_calls: LastCalls,
    /// Whether the run before this one ended without saying when its last calls were, or is still
    /// under way.
    pub ended_uncleanly: bool,
    /// The run whose open intents are in `recorded`, where it is under way.
    pub in_progress: Option<Holder>,
}

/// Whether a state was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A state was there.
    Existing,
    /// None was, nor any sign that one ever was: this is a new one.
    New,
}

/// One entry of the journal: what a room's record is from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The room's record, with a call pending: written before the call is sent.
    Intent(Address, RecordedRoom),
    /// The room's record after a call, or after a look.
    Result(Address, RecordedRoom),
    /// The room is no longer recorded.
    Removed(Address),
    /// The record belongs to this application too.
    Provider(ProviderName, ProviderIdentity),
    /// No room is recorded under this name any more: its provider was renamed.
    ProviderRemoved(ProviderName),
}

/// How a run's record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The serial of the state now.
    pub serial: u64,
}

#[cfg(test)]
mod samples;
