//! A store in memory whose lock is a lease that a test can end.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use roomctl::model::{Lineage, Recorded};
use roomctl::state::{
    Access, Durable, Entry, Folded, Found, Held, Holder, LastCalls, Lease, Lost, ReadStore,
    Snapshot, StateError, Store, WriteStore,
};
use tokio::sync::Notify;

/// The location in errors.
const LOCATION: &str = "memory";
/// The reported length of the lease, which only a test ends.
const LEASE: Duration = Duration::from_mins(1);

/// A state in memory. Clones share it, as processes share a file.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    content: Mutex<Content>,
    /// Notified when a lock is released or lost.
    lock_changed: Notify,
}

#[derive(Default)]
struct Content {
    /// The state; `None` until the first entry.
    state: Option<Recorded>,
    /// The entries that are not folded yet.
    journal: Vec<Entry>,
    last_calls: LastCalls,
    ended_uncleanly: bool,
    holder: Option<Holder>,
    /// The number of locks taken. A lock with a lower number was released or lost.
    epoch: u64,
}

/// A lock on a state in memory, until it is dropped.
struct Locked {
    shared: Arc<Shared>,
    snapshot: Snapshot,
    epoch: u64,
    /// The lineage that a new state gets.
    new_lineage: Mutex<Option<Lineage>>,
}

impl MemoryStore {
    /// Ends the current lease, as an expiry does.
    pub(crate) fn end_lease(&self) {
        self.0.release();
    }

    fn try_lock(&self, holder: &Holder) -> Result<Option<Locked>, StateError> {
        let mut content = self.0.content();
        if content.holder.is_some() {
            return Ok(None);
        }
        if let Some(to) = content.state.as_ref().and_then(|state| state.moved_to.clone()) {
            return Err(StateError::Moved { to });
        }
        content.holder = Some(holder.clone());
        content.epoch += 1;
        let folded = content.fold();
        let snapshot = Snapshot { in_progress: None, folded, ..content.snapshot() };
        content.ended_uncleanly = true;
        let (shared, epoch) = (self.0.clone(), content.epoch);
        Ok(Some(Locked { shared, snapshot, epoch, new_lineage: Mutex::default() }))
    }
}

impl ReadStore for MemoryStore {
    fn read(&self) -> Access<'_, Snapshot> {
        Box::pin(async { Ok(self.0.content().snapshot()) })
    }
}

impl Store for MemoryStore {
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>> {
        Box::pin(async move {
            let locked = until(&self.0.lock_changed, || self.try_lock(&holder).transpose());
            if let Ok(locked) = tokio::time::timeout(wait, locked).await {
                return Ok(Arc::new(locked?) as Arc<dyn WriteStore>);
            }
            Err(self.0.content().locked())
        })
    }

    fn held(&self) -> Access<'_, Option<Held>> {
        Box::pin(async { Ok(self.0.content().held()) })
    }

    fn unlock(&self, held: Held) -> Access<'_, ()> {
        Box::pin(async move {
            let now = self.0.content().held();
            match now {
                None => Ok(()),
                Some(now) if now == held => {
                    self.0.release();
                    Ok(())
                }
                Some(_) => Err(self.0.content().locked()),
            }
        })
    }
}

impl Locked {
    fn new_lineage(&self) -> MutexGuard<'_, Option<Lineage>> {
        self.new_lineage.lock().expect("no holder panicked")
    }

    /// Returns the content, if this lease is still held.
    fn held(&self) -> Result<MutexGuard<'_, Content>, StateError> {
        let content = self.shared.content();
        if content.epoch == self.epoch && content.holder.is_some() {
            Ok(content)
        } else {
            Err(StateError::LeaseLost { location: LOCATION.to_owned(), by: None })
        }
    }
}

impl WriteStore for Locked {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn lineage(&self) -> Result<Lineage, StateError> {
        let content = self.shared.content();
        let lineage = content.state.as_ref().and_then(|state| state.lineage.clone());
        drop(content);
        Ok(lineage.unwrap_or_else(|| self.new_lineage().get_or_insert_with(next_lineage).clone()))
    }

    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError> {
        *self.new_lineage() = Some(lineage);
        Ok(())
    }

    fn reserve(&self, _: usize) -> Access<'_, ()> {
        self.check()
    }

    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable> {
        Box::pin(async {
            let lineage = self.lineage()?;
            let mut content = self.held()?;
            content.state.get_or_insert_with(|| empty_state(lineage));
            content.journal.extend(entries);
            Ok(Durable::unlimited())
        })
    }

    fn send_window(&self) -> Option<Duration> {
        None
    }

    fn check(&self) -> Access<'_, ()> {
        Box::pin(async { self.held().map(drop) })
    }

    fn replace(&self, recorded: Recorded) -> Access<'_, ()> {
        Box::pin(async {
            let mut content = self.held()?;
            content.journal.clear();
            content.state = Some(recorded);
            Ok(())
        })
    }

    fn lost(&self) -> Lost<'_> {
        Box::pin(until(&self.shared.lock_changed, || self.held().err()))
    }

    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded> {
        Box::pin(async {
            let mut content = self.held()?;
            content.fold();
            if last_calls.is_empty() {
                content.ended_uncleanly = self.snapshot.ended_uncleanly;
            } else {
                content.last_calls = last_calls;
                content.ended_uncleanly = false;
            }
            let serial = content.state.as_ref().map_or(0, |state| state.serial);
            drop(content);
            self.shared.release();
            Ok(Folded { serial })
        })
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if self.held().is_ok() {
            self.shared.release();
        }
    }
}

impl Shared {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no holder panicked")
    }

    fn release(&self) {
        self.content().holder = None;
        self.lock_changed.notify_waiters();
    }
}

impl Content {
    fn held(&self) -> Option<Held> {
        let lease = Lease { epoch: self.epoch, ends_in: LEASE };
        self.holder.clone().map(|holder| Held { holder: Some(holder), lease: Some(lease) })
    }

    fn locked(&self) -> StateError {
        let (location, holder) = (LOCATION.to_owned(), self.holder.clone().map(Box::new));
        StateError::Locked { location, holder, lease_ends: Some(LEASE) }
    }

    fn snapshot(&self) -> Snapshot {
        let mut recorded = self.state.clone().unwrap_or_default();
        self.journal.iter().for_each(|entry| apply(&mut recorded, entry));
        Snapshot {
            recorded: Arc::new(recorded),
            found: if self.state.is_some() { Found::Existing } else { Found::New },
            last_calls: self.last_calls.clone(),
            ended_uncleanly: self.ended_uncleanly,
            in_progress: self.holder.clone().filter(|_| !self.journal.is_empty()),
            folded: None,
            earlier: None,
        }
    }

    /// Folds the journal into the state. Returns the number of changed rooms; `None` if nothing
    /// changes.
    fn fold(&mut self) -> Option<usize> {
        let before = self.state.clone().unwrap_or_default();
        let state = self.state.as_mut()?;
        for entry in std::mem::take(&mut self.journal) {
            apply(state, &entry);
        }
        if *state == before {
            return None;
        }
        state.serial += 1;
        let differs = |address: &_| state.rooms.get(address) != before.rooms.get(address);
        let removed = before.rooms.keys().filter(|address| !state.rooms.contains_key(*address));
        Some(state.rooms.keys().chain(removed).filter(|address| differs(address)).count())
    }
}

/// Returns an empty state with this lineage.
pub(super) fn empty_state(lineage: Lineage) -> Recorded {
    Recorded { lineage: Some(lineage), ..Recorded::default() }
}

pub(super) fn next_lineage() -> Lineage {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    Lineage(format!("00000000-0000-4000-8000-{:012}", NUMBER.fetch_add(1, Ordering::Relaxed)))
}

pub(super) fn apply(recorded: &mut Recorded, entry: &Entry) {
    match entry.clone() {
        Entry::Intent(address, record) | Entry::Result(address, record) => {
            recorded.rooms.insert(address, record);
        }
        Entry::Removed(address) => drop(recorded.rooms.remove(&address)),
        Entry::Provider(name, identity) => drop(recorded.providers.insert(name, identity)),
        Entry::ProviderRemoved(name) => drop(recorded.providers.remove(&name)),
        Entry::PlanCarriedOut(id) => recorded.plans.push(id),
    }
}

/// Calls `find` at every change until it returns a value.
pub(super) async fn until<T>(changed: &Notify, find: impl Fn() -> Option<T>) -> T {
    let find = &find;
    loop {
        // Subscribes before calling `find`, so that no change is missed.
        let changed: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> =
            Box::pin(changed.notified());
        if let Some(found) = find() {
            return found;
        }
        changed.await;
    }
}
