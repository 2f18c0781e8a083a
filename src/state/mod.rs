//! The record of all rooms and its stores: the only inventory there is, so it is never lost.

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

/// When each call of each provider was last made: a run that follows stays inside the limits too.
pub type LastCalls = BTreeMap<ProviderName, BTreeMap<Call, Timestamp>>;

/// Adds when calls were last made: the later time of each holds.
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
    /// Reads the state and what its journal adds. Writes nothing.
    fn read(&self) -> Access<'_, Snapshot>;
}

/// Reads the record, or takes its lock to change it.
pub trait Store: ReadStore {
    /// Takes the lock, and folds what an earlier run left in the journal. Waits for another run's
    /// lock no longer than `wait`.
    ///
    /// # Errors
    /// Returns [`StateError::Locked`] if another run holds the lock all that time, and whatever
    /// [`ReadStore::read`] returns.
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>>;

    /// Finds out who holds the lock; `None` if nobody does. Writes nothing.
    fn held(&self) -> Access<'_, Option<Held>>;

    /// Ends a lease by hand, if it is still the one of `held`: it counts as released uncleanly, so that
    /// the next run takes it at once. Does nothing if nobody holds the lock any more.
    ///
    /// # Errors
    /// Returns [`StateError::Locked`] if somebody else holds the lock by now, or if it has no lease.
    fn unlock(&self, held: Held) -> Access<'_, ()>;
}

/// A lock that some run holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who holds it, if that could be read.
    pub holder: Option<Holder>,
    /// Its lease; `None` for a lock of the operating system, which ends with its process.
    pub lease: Option<Lease>,
}

/// A lease on a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The number of the takeover: no other lease on this state has it.
    pub epoch: u64,
    /// How long it holds without a renewal.
    pub ends_in: Duration,
}

/// Changes the record. Exists only under the lock; dropped without [`WriteStore::fold`], it
/// releases the lock and leaves what was appended for the next run to fold.
pub trait WriteStore: Send + Sync {
    /// Returns the record as it was when the lock was taken, with what an earlier run had left.
    fn snapshot(&self) -> &Snapshot;

    /// Returns the lineage of the state; of a new one the lineage that it gets with its first entry.
    ///
    /// # Errors
    /// Returns [`StateError`] if the lock was given back, or if there are no random bytes.
    fn lineage(&self) -> Result<Lineage, StateError>;

    /// Lets a new state continue an earlier lineage. A state that is there keeps its own.
    ///
    /// # Errors
    /// Returns [`StateError`] if the lock was given back.
    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError>;

    /// Makes sure, before the first call, that about so many entries can be written: a full disk
    /// or a folder that is read-only shows here.
    fn reserve(&self, entries: usize) -> Access<'_, ()>;

    /// Makes entries durable: they survive a crash from the moment that this returns.
    /// Many at once share one write. After a failure every later append fails too.
    /// A caller that goes away while it waits loses only the answer, never an entry.
    /// Once the lock or a part of the state is lost, an intent is refused. A store that can still
    /// keep results then does so, and says where in its error.
    /// Returns how long the calls of its intents may be sent.
    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable>;

    /// Returns how long after its sending a write covers the calls of its intents: they are to be
    /// appended ahead, those of about a second at once. `None` if an intent is durable at once and
    /// covers its call for ever.
    fn send_window(&self) -> Option<Duration>;

    /// Checks that the lock is still held and the state is as this run left it: after a question was
    /// answered, and before the first call. If not, nothing more is written, and what a run that
    /// sent no call has learned is dropped with its journal, so that the next one can begin.
    fn check(&self) -> Access<'_, ()>;

    /// Writes a whole record as the state: at once, with its lineage, its serial and its `moved_to`, in
    /// place of what is there and of what this run has appended. What is appended afterwards builds on
    /// it; [`WriteStore::snapshot`] stays as it was.
    fn replace(&self, recorded: Recorded) -> Access<'_, ()>;

    /// Waits until the lock is lost, which is when no further call may be made; the error says how.
    /// Pending for ever where a lock has no lease: an OS lock is held until the process ends, and
    /// [`WriteStore::check`] and [`WriteStore::append`] find out whether its files are still there.
    fn lost(&self) -> Lost<'_>;

    /// Folds the journal into the state, keeps the last calls, and releases the lock.
    /// If that fails, everything that was appended stays for the next run.
    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded>;
}

/// Entries that are durable, and how long the calls of their intents may be sent.
#[derive(Clone, Debug)]
pub struct Durable(Option<Arc<dyn SendWindow>>);

/// How long the calls of a write's intents may be sent: another run may take a lease that ended.
pub trait SendWindow: std::fmt::Debug + Send + Sync {
    /// Returns whether a call may be sent now.
    fn is_open(&self) -> bool;
}

impl Durable {
    /// Returns entries whose calls may be sent at any time: no other run can take the lock.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Returns entries whose calls may be sent while a window is open.
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

/// Waits for the loss of a lock.
pub type Lost<'a> = Pin<Box<dyn Future<Output = StateError> + Send + 'a>>;

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
    /// in progress.
    pub ended_uncleanly: bool,
    /// The run whose open intents are in `recorded`, if it is in progress.
    pub in_progress: Option<Holder>,
    /// The number of rooms whose record was in an earlier run's journal and was folded into the
    /// state as the lock was taken; `None` if nothing was folded.
    pub folded: Option<usize>,
    /// What the holder before may still do; `None` if its lock was released by its end.
    pub earlier: Option<EarlierHolder>,
}

/// What an earlier holder of a lease may still do with the rooms whose intents it left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierHolder {
    /// From when on its calls have been answered or given up: no lookup of such a room counts before.
    pub calls_ended: Instant,
    /// How its lease ended.
    pub lease: LeaseEnd,
}

/// How the lease of an earlier holder ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseEnd {
    /// The holder released it after its last write.
    Released,
    /// It was taken over: the holder may have been paused, and may send a call that it had signed.
    TakenOver,
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
    /// The room's record after a call, or after a lookup.
    Result(Address, RecordedRoom),
    /// The room is no longer recorded.
    Removed(Address),
    /// The record belongs to this application too.
    Provider(ProviderName, ProviderIdentity),
    /// No room is recorded under this name any more: its provider was renamed.
    ProviderRemoved(ProviderName),
    /// The saved plan with this id was carried out completely.
    PlanCarriedOut(String),
}

/// The result of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The serial of the state now.
    pub serial: u64,
}

/// Returns a random UUID of version 4, in lower case with hyphens.
///
/// # Errors
/// Returns the error of the system's source of random bytes.
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
