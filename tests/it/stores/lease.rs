//! A store in memory whose lock is a lease, like that of an object store: at most one write per
//! second, each with a latency and a send window for the calls of its intents. It checks that every
//! call is sent within its window.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use roomctl::model::{Address, Effect, Lineage, Recorded, RoomId};
use roomctl::provider::http::HttpRequest;
use roomctl::state::{
    self, Access, Durable, EarlierHolder, Entry, Folded, Found, Held, Holder, LastCalls, LeaseEnd,
    Lost, ReadStore, SendWindow, Snapshot, StateError, Store, WriteStore,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::memory::{apply, empty_state, next_lineage, until};

/// The location in errors.
const LOCATION: &str = "s3://test/rooms.json";

/// The least time between the sendings of two writes.
const INTERVAL: Duration = Duration::from_secs(1);

/// The send window: how long after its sending a write covers its calls.
const WINDOW: Duration = Duration::from_secs(2);

/// The reported length of a lease.
const LEASE: Duration = Duration::from_mins(1);

/// How long after a takeover calls of the previous holder may be in flight.
const CALLS_END: Duration = Duration::from_secs(12);

/// A state in a store with a lease. Clones share it, as processes share a store.
#[derive(Clone)]
pub(crate) struct LeaseStore(Arc<Shared>);

struct Shared {
    /// The time from the sending of a write to its acknowledgement.
    latency: Duration,
    content: Mutex<Content>,
    changed: Notify,
}

#[derive(Default)]
struct Content {
    /// The state with all entries; `None` until the first one.
    state: Option<Recorded>,
    /// The lineage that a new state gets.
    new_lineage: Option<Lineage>,
    last_calls: LastCalls,
    holder: Option<Holder>,
    /// The number of leases taken. A lease with a lower number was released or lost.
    epoch: u64,
    /// How the last lease ended, if there was one.
    ended: Option<LeaseEnd>,
    last_write: Option<Instant>,
    intents_written: u64,
    /// When the last write with an intent of each room was sent.
    intents: BTreeMap<RoomId, Instant>,
    calls: u64,
    /// The calls that were sent outside of a send window.
    uncovered: Vec<String>,
}

struct Lease {
    shared: Arc<Shared>,
    snapshot: Snapshot,
    epoch: u64,
    queue: mpsc::UnboundedSender<Append>,
}

type Appended = Result<Durable, StateError>;

struct Append(Vec<Entry>, oneshot::Sender<Appended>);

#[derive(Debug)]
struct Window(Instant);

impl SendWindow for Window {
    fn is_open(&self) -> bool {
        self.0.elapsed() < WINDOW
    }
}

impl LeaseStore {
    /// Creates an empty store.
    pub(crate) fn new(latency: Duration) -> Self {
        Self(Arc::new(Shared { latency, content: Mutex::default(), changed: Notify::new() }))
    }

    /// Ends the current lease, as a takeover from a paused or crashed holder does.
    pub(crate) fn take_over(&self) {
        let mut content = self.0.content();
        content.epoch += 1;
        content.holder = None;
        content.ended = Some(LeaseEnd::TakenOver);
        drop(content);
        self.0.changed.notify_waiters();
    }

    /// Records a request that is sent now.
    pub(crate) fn note_call(&self, request: &HttpRequest) {
        if request.call.effect() != Effect::ChangesRoom {
            return;
        }
        let room = room_of(request);
        let mut content = self.0.content();
        content.calls += 1;
        let age = content.intents.get(&room).map(Instant::elapsed);
        if content.holder.is_none() || age.is_none_or(|age| age > WINDOW) {
            content.uncovered.push(format!("{} of {room}: {age:?} after its write", request.call));
        }
    }

    /// Asserts that calls were made, and each was sent within the window of its intent.
    pub(crate) fn assert_covered(&self) {
        let content = self.0.content();
        assert!(content.calls > 0);
        let (count, first) = (content.uncovered.len(), content.uncovered.first());
        assert_eq!((count, first), (0, None), "calls outside of their send window");
    }

    /// Asserts that at most 2 % of the intents were written again because their window had closed.
    pub(crate) fn assert_few_repeated_intents(&self) {
        let content = self.0.content();
        let (calls, intents) = (content.calls, content.intents_written);
        assert!(intents <= calls + calls / 50, "{intents} intents of {calls} calls");
    }

    fn try_lock(&self, holder: &Holder) -> Option<Lease> {
        let mut content = self.0.content();
        if content.holder.is_some() {
            return None;
        }
        let earlier = content
            .ended
            .map(|lease| EarlierHolder { calls_ended: Instant::now() + CALLS_END, lease });
        content.holder = Some(holder.clone());
        content.epoch += 1;
        content.ended = None;
        let snapshot = Snapshot { earlier, in_progress: None, ..content.snapshot() };
        let (queue, appends) = mpsc::unbounded_channel();
        let (shared, epoch) = (Arc::clone(&self.0), content.epoch);
        tokio::spawn(write(Arc::clone(&shared), epoch, appends));
        Some(Lease { shared, snapshot, epoch, queue })
    }
}

/// Writes all queued entries, one write at a time.
async fn write(shared: Arc<Shared>, epoch: u64, mut appends: mpsc::UnboundedReceiver<Append>) {
    while let Some(first) = appends.recv().await {
        let due = shared.content().last_write.map_or_else(Instant::now, |last| last + INTERVAL);
        tokio::time::sleep_until(due).await;
        let mut all = vec![first];
        while let Ok(more) = appends.try_recv() {
            all.push(more);
        }
        let sent = Instant::now();
        shared.content().last_write = Some(sent);
        tokio::time::sleep(shared.latency).await;
        let mut content = shared.content();
        let held = content.held(epoch);
        if held.is_ok() {
            let entries = all.iter_mut().flat_map(|Append(entries, _)| std::mem::take(entries));
            content.take(&entries.collect::<Vec<_>>(), sent);
        }
        drop(content);
        for Append(_, reply) in all {
            let durable = held.clone().map(|()| Durable::within(Arc::new(Window(sent))));
            // The receiver of a cancelled caller is gone.
            let _ = reply.send(durable);
        }
    }
}

impl Content {
    fn held(&self, epoch: u64) -> Result<(), StateError> {
        if self.epoch == epoch && self.holder.is_some() {
            return Ok(());
        }
        let by = self.holder.clone().map(Box::new);
        Err(StateError::LeaseLost { location: LOCATION.to_owned(), by })
    }

    fn take(&mut self, entries: &[Entry], sent: Instant) {
        let lineage = self.lineage();
        let state = self.state.get_or_insert_with(|| empty_state(lineage));
        for entry in entries {
            apply(state, entry);
            if let Entry::Intent(Address { provider: _, room }, _) = entry {
                self.intents.insert(room.clone(), sent);
                self.intents_written += 1;
            }
        }
    }

    fn lineage(&mut self) -> Lineage {
        let recorded = self.state.as_ref().and_then(|state| state.lineage.clone());
        recorded.unwrap_or_else(|| self.new_lineage.get_or_insert_with(next_lineage).clone())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            recorded: Arc::new(self.state.clone().unwrap_or_default()),
            found: if self.state.is_some() { Found::Existing } else { Found::New },
            last_calls: self.last_calls.clone(),
            ended_uncleanly: self.ended == Some(LeaseEnd::TakenOver),
            in_progress: self.holder.clone(),
            folded: None,
            earlier: None,
        }
    }
}

impl Shared {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no holder panicked")
    }
}

impl ReadStore for LeaseStore {
    fn read(&self) -> Access<'_, Snapshot> {
        Box::pin(async { Ok(self.0.content().snapshot()) })
    }
}

impl Store for LeaseStore {
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>> {
        Box::pin(async move {
            let lease = until(&self.0.changed, || self.try_lock(&holder));
            if let Ok(lease) = tokio::time::timeout(wait, lease).await {
                return Ok(Arc::new(lease) as Arc<dyn WriteStore>);
            }
            let holder = self.0.content().holder.clone().map(Box::new);
            let location = LOCATION.to_owned();
            Err(StateError::Locked { location, holder, lease_ends: Some(LEASE) })
        })
    }

    fn held(&self) -> Access<'_, Option<Held>> {
        Box::pin(async {
            let content = self.0.content();
            let lease = Some(state::Lease { epoch: content.epoch, ends_in: LEASE });
            Ok(content.holder.clone().map(|holder| Held { holder: Some(holder), lease }))
        })
    }

    fn unlock(&self, held: Held) -> Access<'_, ()> {
        Box::pin(async move {
            let epoch = self.0.content().epoch;
            if held.lease.is_some_and(|lease| lease.epoch == epoch) {
                self.take_over();
            }
            Ok(())
        })
    }
}

impl WriteStore for Lease {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn lineage(&self) -> Result<Lineage, StateError> {
        Ok(self.shared.content().lineage())
    }

    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError> {
        self.shared.content().new_lineage = Some(lineage);
        Ok(())
    }

    fn replace(&self, recorded: Recorded) -> Access<'_, ()> {
        Box::pin(async {
            self.append(Vec::new()).await?;
            self.shared.content().state = Some(recorded);
            Ok(())
        })
    }

    fn reserve(&self, _: usize) -> Access<'_, ()> {
        self.check()
    }

    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable> {
        let (reply, answer) = oneshot::channel();
        let queued = self.queue.send(Append(entries, reply));
        Box::pin(async move {
            queued.expect("the writer runs until the lease is dropped");
            answer.await.expect("an answer")
        })
    }

    fn send_window(&self) -> Option<Duration> {
        Some(WINDOW)
    }

    fn check(&self) -> Access<'_, ()> {
        Box::pin(async { self.shared.content().held(self.epoch) })
    }

    fn lost(&self) -> Lost<'_> {
        Box::pin(until(&self.shared.changed, || self.shared.content().held(self.epoch).err()))
    }

    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded> {
        Box::pin(async {
            self.append(Vec::new()).await?;
            let mut content = self.shared.content();
            content.held(self.epoch)?;
            content.holder = None;
            content.ended = Some(LeaseEnd::Released);
            if !last_calls.is_empty() {
                content.last_calls = last_calls;
            }
            let state = content.state.as_mut();
            let serial = state.map_or(0, |state| {
                state.serial += 1;
                state.serial
            });
            drop(content);
            self.shared.changed.notify_waiters();
            Ok(Folded { serial })
        })
    }
}

/// Returns the room that a request changes.
fn room_of(request: &HttpRequest) -> RoomId {
    let body: serde_json::Value = request.body.as_deref().map_or_else(Default::default, |body| {
        serde_json::from_slice(body).expect("a JSON document")
    });
    let in_body = || body.pointer("/RoomInfo/RoomId").or_else(|| body.get("RoomId"));
    if let Some(id) = in_body().and_then(serde_json::Value::as_str) {
        return RoomId::new(id);
    }
    let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, id) = pairs.find(|(name, _)| *name == "RoomId").expect("a room");
    RoomId::new(id)
}
