//! An object store in memory on a paused clock, with fault injection: slow, failing and late
//! requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::super::bucket::Bucket;
use super::super::objects::{Condition, Name, Object, Objects, Put, Request, Version};
use super::super::{ObjectStore, SharedRooms};
use crate::state::lease::RemoteError;
use crate::state::lease::{Moment, WindowClock};

/// A store that several clients share.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeStore(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    objects: BTreeMap<Name, Stored>,
    versions: u64,
    /// The bytes of every write that took effect, in order.
    written: Vec<(Name, Bytes, Instant)>,
}

#[derive(Clone, Debug)]
struct Stored {
    bytes: Bytes,
    version: Version,
    modified: Instant,
}

/// A client of the store.
#[derive(Clone, Debug)]
pub(super) struct Client {
    store: FakeStore,
    script: Arc<Mutex<Script>>,
}

/// The faults of one client's requests.
#[derive(Debug)]
struct Script {
    latency: Duration,
    /// The faults of the next writes, in order.
    writes: VecDeque<WriteFault>,
    frozen_until: Instant,
    /// Until when connections are refused.
    unreachable_until: Instant,
    reports_age: bool,
    is_known_sound: bool,
}

/// The fault of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteFault {
    /// No fault.
    None,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It takes no effect, and there is no answer.
    Lost,
    /// There is no answer, and it takes effect after this time.
    Late(Duration),
    /// The store refuses every client.
    Denied,
}

/// How long a request waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

impl FakeStore {
    /// Returns a client of the store.
    pub(super) fn client(&self) -> Client {
        let script = Script {
            latency: Duration::from_millis(50),
            writes: VecDeque::new(),
            frozen_until: Instant::now(),
            unreachable_until: Instant::now(),
            reports_age: true,
            is_known_sound: true,
        };
        Client { store: self.clone(), script: Arc::new(Mutex::new(script)) }
    }

    /// Returns the content of an object.
    pub(super) fn bytes(&self, name: &Name) -> Option<Bytes> {
        self.content().objects.get(name).map(|stored| stored.bytes.clone())
    }

    /// Replaces the content of an object, as another program does; `None` removes the object.
    pub(super) fn set(&self, name: &Name, bytes: Option<Bytes>) {
        let mut content = self.content();
        match bytes {
            Some(bytes) => drop(content.store(name, bytes)),
            None => drop(content.objects.remove(name)),
        }
    }

    /// Returns every write of an object that took effect, with its time.
    pub(super) fn written(&self, name: &Name) -> Vec<(Bytes, Instant)> {
        let content = self.content();
        let of = content.written.iter().filter(|(of, _, _)| of == name);
        of.map(|(_, bytes, at)| (bytes.clone(), *at)).collect()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().expect("no test panics under it")
    }
}

impl Content {
    fn store(&mut self, name: &Name, bytes: Bytes) -> Version {
        self.versions += 1;
        let version = Version(self.versions.to_string());
        let modified = Instant::now();
        self.written.push((name.clone(), bytes.clone(), modified));
        self.objects.insert(name.clone(), Stored { bytes, version: version.clone(), modified });
        version
    }

    fn put(&mut self, name: &Name, bytes: Bytes, condition: &Condition) -> Put {
        let there = self.objects.get(name).map(|stored| &stored.version);
        let holds = match condition {
            Condition::Absent => there.is_none(),
            Condition::Version(version) => there == Some(version),
        };
        if holds { Put::Done(self.store(name, bytes)) } else { Put::Refused }
    }
}

impl Client {
    /// Opens the state through this client, with a lease of 15 s.
    pub(super) fn store(&self) -> ObjectStore {
        let bucket = Bucket {
            objects: Arc::new(self.clone()),
            clock: Arc::new(PausedClock),
            location: "s3://bucket/key".to_owned(),
        };
        ObjectStore { bucket, lease: LEASE, shared: SharedRooms::default() }
    }

    /// Returns a client of another store with the same faults.
    pub(super) fn of(self, store: &FakeStore) -> Self {
        Self { store: store.clone(), ..self }
    }

    /// Sets the duration of every request.
    pub(super) fn set_latency(&self, latency: Duration) {
        self.script().latency = latency;
    }

    /// Adds faults of the next writes.
    pub(super) fn inject(&self, faults: impl IntoIterator<Item = WriteFault>) {
        self.script().writes.extend(faults);
    }

    /// Blocks all requests for a time.
    pub(super) fn freeze(&self, time: Duration) {
        self.script().frozen_until = Instant::now() + time;
    }

    /// Refuses connections for a time.
    pub(super) fn refuse_connections(&self, time: Duration) {
        self.script().unreachable_until = Instant::now() + time;
    }

    /// Makes the store one that is not known to honour conditions.
    pub(super) fn hide_soundness(&self) {
        self.script().is_known_sound = false;
    }

    /// Omits the age of objects from the answers.
    pub(super) fn hide_age(&self) {
        self.script().reports_age = false;
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test panics under it")
    }

    async fn pass(&self) -> (Duration, bool) {
        loop {
            let (latency, until, reports_age) = {
                let script = self.script();
                (script.latency, script.frozen_until, script.reports_age)
            };
            if until <= Instant::now() {
                return (latency, reports_age);
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

/// The lease of all tests.
pub(super) const LEASE: Duration = Duration::from_secs(15);

impl Objects for Client {
    fn get<'a>(&'a self, name: &'a Name) -> Request<'a, Option<Object>> {
        Box::pin(async move {
            if Instant::now() < self.script().unreachable_until {
                return Err(RemoteError::Unreachable("no connection".to_owned()));
            }
            let (latency, reports_age) = self.pass().await;
            sleep(latency / 2).await;
            let read = self.store.content().objects.get(name).cloned();
            let object = read.map(|Stored { bytes, version, modified }| {
                let age = reports_age.then(|| modified.elapsed());
                Object { bytes, version, age }
            });
            sleep(latency / 2).await;
            self.pass().await;
            Ok(object)
        })
    }

    fn put<'a>(
        &'a self,
        name: &'a Name,
        bytes: Bytes,
        condition: &'a Condition,
    ) -> Request<'a, Put> {
        Box::pin(async move {
            let (latency, _) = self.pass().await;
            let fault = self.script().writes.pop_front().unwrap_or(WriteFault::None);
            sleep(latency / 2).await;
            let lost = RemoteError::Unavailable("no answer".to_owned());
            let put = match fault {
                WriteFault::None => self.store.content().put(name, bytes, condition),
                WriteFault::AnswerLost => {
                    drop(self.store.content().put(name, bytes, condition));
                    sleep(TIMEOUT).await;
                    return Err(lost);
                }
                WriteFault::Lost => {
                    sleep(TIMEOUT).await;
                    return Err(lost);
                }
                WriteFault::Late(time) => {
                    let (store, name, condition) =
                        (self.store.clone(), name.clone(), condition.clone());
                    tokio::spawn(async move {
                        sleep(time).await;
                        drop(store.content().put(&name, bytes, &condition));
                    });
                    sleep(TIMEOUT).await;
                    return Err(lost);
                }
                WriteFault::Denied => return Err(RemoteError::Denied("access denied".to_owned())),
            };
            sleep(latency / 2).await;
            self.pass().await;
            Ok(put)
        })
    }

    fn delete<'a>(&'a self, name: &'a Name) -> Request<'a, ()> {
        Box::pin(async move {
            self.store.content().objects.remove(name);
            Ok(())
        })
    }

    fn write_interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn is_known_to_be_sound(&self) -> bool {
        self.script().is_known_sound
    }
}

/// The clocks of the send window, driven by tokio's paused clock.
#[derive(Debug)]
pub(super) struct PausedClock;

impl WindowClock for PausedClock {
    fn now(&self) -> Moment {
        thread_local! {
            static START: Instant = Instant::now() - Duration::from_secs(1);
        }
        let since = START.with(Instant::elapsed);
        Moment { boot: since, wall: since }
    }
}
