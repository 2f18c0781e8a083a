//! The record of all rooms, and the stores that keep it. It is the only inventory: the services
//! cannot list rooms.

mod error;
mod file;
mod format;
mod journal;
#[cfg(any(feature = "object-store", feature = "postgres"))]
mod lease;
mod merge;
#[cfg(feature = "object-store")]
mod object;
mod open;
mod overlay;
#[cfg(feature = "postgres")]
mod postgres;
mod repair;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{
    Address, Call, Lineage, ProviderIdentity, ProviderName, Recorded, RecordedRoom, Timestamp,
};

pub use crate::model::Holder;
pub use error::{Loss, StateError};
pub use format::{ParseError, parse_edited_state, parse_state, state_digest, state_text};
pub use journal::{Journal, parse_journal};
#[cfg(feature = "object-store")]
pub use object::{MemoryBucket, open_in_memory};
pub use open::{StoreEnvironment, open, open_sharing, repair, store_secrets};
pub use repair::{Repair, Replaced};

/// The result of an access to a store.
pub type Access<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// When each call of each provider was last made, so that the next run stays within the rate
/// limits.
pub type LastCalls = BTreeMap<ProviderName, BTreeMap<Call, Timestamp>>;

/// Merges the times of last calls: the later time of each call is kept.
fn merge_last_calls(all: &mut LastCalls, last_calls: LastCalls) {
    for (provider, calls) in last_calls {
        let known = all.entry(provider).or_default();
        for (call, at) in calls {
            let last = known.entry(call).or_insert(at);
            *last = at.max(*last);
        }
    }
}

/// Reads the record, and cannot change it. Needs no lock.
pub trait ReadStore: Send + Sync {
    /// Reads the state and merges its journal in memory. Writes nothing.
    fn read(&self) -> Access<'_, Snapshot>;
}

/// Reads the record, or takes its lock to change it.
pub trait Store: ReadStore {
    /// Takes the lock, and folds what an earlier run left in the journal. Waits at most `wait` for
    /// another run's lock.
    ///
    /// # Errors
    /// Returns [`StateError::Locked`] if another run still holds the lock after `wait`, and every
    /// error of [`ReadStore::read`].
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>>;

    /// Returns the lock that a run holds; `None` if the lock is free. Writes nothing.
    fn held(&self) -> Access<'_, Option<Held>>;

    /// Ends the lease in `held` by hand: it is marked as released uncleanly, so that the next run
    /// takes it at once. Does nothing if the lock is free.
    ///
    /// # Errors
    /// Returns [`StateError::Locked`] if another run holds the lock by now, or if the lock has no
    /// lease.
    fn unlock(&self, held: Held) -> Access<'_, ()>;
}

/// A lock that a run holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The holder, if it could be read.
    pub holder: Option<Holder>,
    /// Its lease; `None` for a lock of the operating system, which ends with its process.
    pub lease: Option<Lease>,
}

/// A lease on a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The number of the takeover, unique among the leases on this state.
    pub epoch: u64,
    /// The time until it expires without a renewal.
    pub ends_in: Duration,
}

/// Changes the record. Exists only under the lock. If it is dropped without [`WriteStore::fold`],
/// it releases the lock, and the next run folds the appended entries.
pub trait WriteStore: Send + Sync {
    /// Returns the record as of taking the lock, with the entries of an earlier run folded in.
    fn snapshot(&self) -> &Snapshot;

    /// Returns the lineage of the state; for a new state, the lineage that it gets with its first
    /// entry.
    ///
    /// # Errors
    /// Returns [`StateError`] if the lock was released, or if the system returns no random bytes.
    fn lineage(&self) -> Result<Lineage, StateError>;

    /// Lets a new state continue an earlier lineage. An existing state keeps its lineage.
    ///
    /// # Errors
    /// Returns [`StateError`] if the lock was released.
    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError>;

    /// Checks, before the first call, that about `entries` entries can be written. Fails if the
    /// disk is full or the folder is read-only.
    fn reserve(&self, entries: usize) -> Access<'_, ()>;

    /// Makes entries durable: they survive a crash once this returns. Concurrent appends share one
    /// write. After a failure every later append fails too. Cancelling the future drops only the
    /// reply: the entries are still written. Once the lock or a part of the state is lost, intents
    /// are refused; a store that can still keep results does so and names the place in its error.
    /// Returns how long the calls of the intents may be sent.
    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable>;

    /// Returns how long after the sending of a write the calls of its intents may be sent. Callers
    /// then append the intents of about one second ahead, in one write. `None` if an intent is
    /// durable at once and its call may be sent at any time.
    fn send_window(&self) -> Option<Duration>;

    /// Checks that the lock is still held and the state is as this run left it. Called after the
    /// user answered a question, and before the first call. On failure nothing more is written; if
    /// this run has sent no call, its journal is dropped too, so that the next run can begin.
    fn check(&self) -> Access<'_, ()>;

    /// Atomically replaces the state, and the entries that this run has appended, by a whole record
    /// with its lineage, serial and `moved_to`. Later entries build on it; [`WriteStore::snapshot`]
    /// does not change.
    fn replace(&self, recorded: Recorded) -> Access<'_, ()>;

    /// Waits until the lock is lost, and returns the reason: from then on no call may be made.
    /// Never resolves if the lock has no lease: an OS lock is held until the process ends, and
    /// [`WriteStore::check`] and [`WriteStore::append`] detect a removed or replaced file.
    fn lost(&self) -> Lost<'_>;

    /// Folds the journal into the state, keeps the last calls, and releases the lock. On failure
    /// all appended entries stay for the next run.
    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded>;
}

/// The result of an append: the entries are durable, and the calls of their intents may be sent for
/// a time.
#[derive(Clone, Debug)]
pub struct Durable(Option<Arc<dyn SendWindow>>);

/// How long the calls of a write's intents may be sent: afterwards another run may have taken over
/// the lease.
pub trait SendWindow: std::fmt::Debug + Send + Sync {
    /// Returns whether a call may be sent now.
    fn is_open(&self) -> bool;
}

impl Durable {
    /// Creates the result of an append whose calls may be sent at any time: no other run can take
    /// the lock.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Creates the result of an append whose calls may be sent while a window is open.
    #[must_use]
    pub fn within(window: Arc<dyn SendWindow>) -> Self {
        Self(Some(window))
    }

    /// Returns whether a call whose intent is among the entries may be sent now.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.0.as_ref().is_none_or(|window| window.is_open())
    }
}

/// A future that resolves to the reason once the lock is lost.
pub type Lost<'a> = Pin<Box<dyn Future<Output = StateError> + Send + 'a>>;

/// The record as it was read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// Whether a state existed.
    pub found: Found,
    /// When each call was last made.
    pub last_calls: LastCalls,
    /// Whether the previous run ended without recording when its last calls were, or is still in
    /// progress.
    pub ended_uncleanly: bool,
    /// The run whose open intents are in `recorded`, if it is in progress.
    pub in_progress: Option<Holder>,
    /// The number of rooms whose records were folded from an earlier run's journal when the lock
    /// was taken; `None` if nothing was folded.
    pub folded: Option<usize>,
    /// What the previous holder may still do; `None` if there was none, or its lock ended with its
    /// process.
    pub earlier: Option<EarlierHolder>,
}

/// What an earlier holder of a lease may still do to the rooms of its open intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierHolder {
    /// The time by which each of its calls was answered or timed out. A lookup of such a room
    /// counts only after it.
    pub calls_ended: Instant,
    /// How its lease ended.
    pub lease: LeaseEnd,
}

/// How the lease of an earlier holder ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseEnd {
    /// The holder released it after its last write.
    Released,
    /// It was taken over: the holder may have been paused, and may still send a call that it signed
    /// before.
    TakenOver,
}

/// Whether a state existed when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A state existed.
    Existing,
    /// Neither a state nor a trace of an earlier one existed: this is a new state.
    New,
}

/// One entry of the journal. Of several entries about a room, the last one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The room's record, with a call pending: written before the call is sent.
    Intent(Address, RecordedRoom),
    /// The room's record after a call, or after a lookup.
    Result(Address, RecordedRoom),
    /// The room is no longer recorded.
    Removed(Address),
    /// The record holds rooms of this application too.
    Provider(ProviderName, ProviderIdentity),
    /// No room is recorded under this name any more: the provider was renamed.
    ProviderRemoved(ProviderName),
    /// The saved plan with this id was carried out completely.
    PlanCarriedOut(String),
}

/// The result of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The serial of the state after the fold.
    pub serial: u64,
}

/// Returns a random UUID of version 4, in lower case with hyphens.
///
/// # Errors
/// Returns the error of the system's random number generator.
pub fn random_uuid() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let parts = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]];
    Ok(parts.map(hex::encode).join("-"))
}

#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_shape_of_version_4() {
        let (one, other) = (random_uuid().expect("random"), random_uuid().expect("random"));
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]));
        assert_ne!(one, other);
    }
}
