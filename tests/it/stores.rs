//! What every store of the record has to do: one suite, which all of them pass.

#[cfg(feature = "object-store")]
mod bucket;
pub(crate) mod lease;
pub(crate) mod memory;
#[cfg(feature = "postgres")]
mod postgres;

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use roomctl::model::{
    Address, Assumed, Call, Kind, Lifecycle, Lineage, Pending, PendingKind, ProviderIdentity,
    ProviderName, Recorded, RecordedRoom, Room, Sides, Timestamp,
};
use roomctl::state::{
    self, Entry, Folded, Found, Holder, LastCalls, Snapshot, StateError, Store, StoreEnvironment,
    WriteStore,
};
use tempfile::TempDir;

use memory::MemoryStore;

/// How long a lock is waited for that somebody may have dropped a moment ago.
const LONG: Duration = Duration::from_mins(1);

/// A state of a kind of store.
trait Subject {
    /// Opens it, as every process does for itself.
    fn store(&self) -> Box<dyn Store>;

    /// Takes the lock away from whoever holds it.
    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

/// A state that is kept as a document.
trait Documents: Subject {
    /// Returns the document.
    fn document(&self) -> Vec<u8>;

    /// Puts something else in its place, as nothing of ours does.
    fn overwrite(&self, document: &[u8]);
}

struct InFile(TempDir);

struct InMemory(MemoryStore);

impl InFile {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }
}

impl InMemory {
    fn new() -> Self {
        Self(MemoryStore::default())
    }
}

impl Subject for InFile {
    fn store(&self) -> Box<dyn Store> {
        opened(&self.0.path().join("rooms.state.json"))
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        let lock = self.0.path().join("rooms.state.json.lock");
        Box::pin(async move { std::fs::remove_file(lock).expect("removed") })
    }
}

impl Documents for InFile {
    fn document(&self) -> Vec<u8> {
        std::fs::read(self.0.path().join("rooms.state.json")).expect("a state")
    }

    #[expect(clippy::disallowed_methods, reason = "a test's damage need not survive a crash")]
    fn overwrite(&self, document: &[u8]) {
        std::fs::write(self.0.path().join("rooms.state.json"), document).expect("written");
    }
}

impl Subject for InMemory {
    fn store(&self) -> Box<dyn Store> {
        Box::new(self.0.clone())
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async { self.0.end_lease() })
    }
}

/// Ends the lease of whoever holds it, by hand.
#[cfg(any(feature = "object-store", feature = "postgres"))]
async fn end_lease(subject: &dyn Subject) {
    let held = subject.store().held().await.expect("an answer").expect("a holder");
    subject.store().unlock(held).await.expect("ended");
}

/// Opens the state in a file.
pub(crate) fn opened(path: &Path) -> Box<dyn Store> {
    state::open(&path.into(), &StoreEnvironment::default()).expect("a file needs no environment")
}

/// Holds every kind of store to every rule.
macro_rules! conformance {
    ($($rule:ident),* $(,)?) => {
        mod file {
            $(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$rule(&super::InFile::new()).await;
            })*
        }

        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$rule(&super::InMemory::new()).await;
            })*
        }

        #[cfg(feature = "object-store")]
        mod in_bucket {
            $(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$rule(&super::bucket::InBucket::new()).await;
            })*
        }

        /// Holds a server to every rule at once: most of the time they wait.
        #[cfg(any(feature = "object-store", feature = "postgres"))]
        async fn every_rule<S: Subject>(state: impl Fn(&str) -> S) {
            tokio::join!($(async {
                $rule(&state(stringify!($rule))).await;
            }),*);
        }
    };
}

conformance!(
    a_state_that_never_was_is_new_and_stays_so_without_entries,
    what_is_folded_is_read_again,
    a_second_holder_is_refused_and_told_who_holds_the_lock,
    a_second_holder_waits_for_the_lock,
    readers_see_open_intents_and_who_is_in_progress,
    what_was_appended_survives_a_crash,
    an_open_intent_survives_every_fold,
    the_last_entry_of_a_room_counts,
    entries_of_many_at_once_are_all_durable,
    a_fold_that_changes_nothing_keeps_the_serial,
    rooms_and_providers_are_removed,
    a_lineage_stays_and_is_of_one_state_only,
    the_lineage_of_a_new_state_is_known_before_its_first_entry,
    a_new_state_continues_a_lineage_and_another_keeps_its_own,
    a_run_without_calls_leaves_the_last_calls_as_they_were,
    nothing_is_written_after_the_fold,
    a_run_that_lost_its_lock_is_refused,
    the_holder_of_the_lock_is_found_without_it,
    a_lease_is_ended_by_hand_and_an_os_lock_is_not,
    a_whole_record_replaces_the_state_with_its_lineage_and_serial,
    a_replaced_state_survives_a_crash_with_what_was_appended_after_it,
    a_new_state_begins_with_a_whole_record,
    a_state_that_was_moved_is_read_and_never_locked,
    readers_meet_every_fold_whole,
    what_is_appended_after_a_read_is_read_next,
    a_hundred_thousand_rooms_are_kept,
);

/// Holds every store that keeps its state as a document to what it has to do with a damaged one.
macro_rules! documents {
    ($($rule:ident),* $(,)?) => {
        mod document_in_file {
            $(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$rule(&super::InFile::new()).await;
            })*
        }
    };
}

documents!(
    a_damaged_state_is_refused_and_not_overwritten,
    a_state_that_was_edited_is_refused,
    a_state_of_a_newer_format_is_refused,
);

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn chat() -> ProviderName {
    ProviderName::new("chat").expect("a name")
}

fn identity() -> ProviderIdentity {
    ProviderIdentity { kind: Kind::Zim, app_id: 7, host: Some("emulator".into()) }
}

pub(crate) fn holder(pid: u32) -> Holder {
    Holder {
        pid,
        host: "desk".to_owned(),
        user: "ada".to_owned(),
        command: "roomctl apply".to_owned(),
        time: Timestamp::from_millis(1_700_000_000_000),
    }
}

fn record(name: &str) -> RecordedRoom {
    RecordedRoom {
        room: Arc::new(Room { name: Some(name.into()), ..Room::default() }),
        assumed: Assumed::default(),
        created: Timestamp::from_millis(1_700_000_000_123),
        last_seen: None,
        last_seen_with_people: None,
        attribute_sequence: None,
        request_id: None,
        source: "rooms.yaml".into(),
        lifecycle: Lifecycle::default(),
        sides: Sides::default(),
        ignore_changes: Box::default(),
        pending: None,
        contested: None,
        next: None,
    }
}

fn open(name: &str) -> RecordedRoom {
    let at = Timestamp::from_millis(1_700_000_000_123);
    let pending = Pending::new(PendingKind::Create, at, None);
    RecordedRoom { pending: Some(Box::new(pending)), ..record(name) }
}

fn intent(at: &str) -> Entry {
    Entry::Intent(address(at), open(at))
}

fn result(at: &str) -> Entry {
    Entry::Result(address(at), record(at))
}

pub(crate) fn calls(millis: i64) -> LastCalls {
    let at = Timestamp::from_millis(millis);
    BTreeMap::from([(chat(), BTreeMap::from([(Call::CreateRoom, at)]))])
}

async fn lock(subject: &dyn Subject) -> Arc<dyn WriteStore> {
    subject.store().lock(holder(1), LONG).await.expect("the lock")
}

async fn read(subject: &dyn Subject) -> Snapshot {
    subject.store().read().await.expect("a record")
}

async fn append(writer: &Arc<dyn WriteStore>, entries: Vec<Entry>) {
    writer.append(entries).await.expect("durable");
}

async fn fold(writer: Arc<dyn WriteStore>) -> u64 {
    let Folded { serial } = writer.fold(calls(1)).await.expect("a fold");
    serial
}

/// Records rooms in a run of its own.
async fn recorded(subject: &dyn Subject, rooms: &[&str]) -> u64 {
    let writer = lock(subject).await;
    append(&writer, rooms.iter().map(|at| result(at)).collect()).await;
    fold(writer).await
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.recorded.rooms.keys().map(ToString::to_string).collect()
}

async fn a_state_that_never_was_is_new_and_stays_so_without_entries(subject: &dyn Subject) {
    for _ in 0..2 {
        let snapshot = read(subject).await;
        assert_eq!((snapshot.found, snapshot.recorded.serial), (Found::New, 0));
        assert_eq!((names(&snapshot).len(), &snapshot.recorded.lineage), (0, &None));
        assert!(!snapshot.ended_uncleanly && snapshot.in_progress.is_none());
        let writer = lock(subject).await;
        assert_eq!((writer.snapshot().found, writer.snapshot().folded), (Found::New, None));
        assert_eq!(writer.fold(LastCalls::new()).await.expect("an end"), Folded { serial: 0 });
    }
}

async fn what_is_folded_is_read_again(subject: &dyn Subject) {
    let writer = lock(subject).await;
    writer.reserve(2).await.expect("room");
    writer.check().await.expect("nothing changed");
    append(&writer, vec![Entry::Provider(chat(), identity()), result("chat/a")]).await;
    assert_eq!(writer.fold(calls(5_000)).await.expect("a fold"), Folded { serial: 1 });
    let Snapshot { recorded, found, last_calls, ended_uncleanly, in_progress, folded, earlier: _ } =
        read(subject).await;
    assert_eq!(recorded.rooms, BTreeMap::from([(address("chat/a"), record("chat/a"))]));
    assert_eq!(recorded.providers, BTreeMap::from([(chat(), identity())]));
    assert_eq!((recorded.serial, found, last_calls), (1, Found::Existing, calls(5_000)));
    assert_eq!((ended_uncleanly, in_progress, folded), (false, None, None));
    let again = lock(subject).await;
    assert_eq!(again.snapshot().recorded, recorded);
    assert_eq!(again.snapshot().folded, None, "there was nothing left");
}

async fn a_second_holder_is_refused_and_told_who_holds_the_lock(subject: &dyn Subject) {
    let writer = lock(subject).await;
    let second = subject.store().lock(holder(2), Duration::ZERO).await.map(drop);
    let error = second.expect_err("one at a time");
    assert!(
        matches!(&error, StateError::Locked { holder: Some(by), .. } if **by == holder(1)),
        "{error}"
    );
    assert!(error.to_string().contains("process 1"), "{error}");
    fold(writer).await;
    subject.store().lock(holder(2), Duration::ZERO).await.map(drop).expect("it is free");
}

async fn a_second_holder_waits_for_the_lock(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/a")]).await;
    let store = subject.store();
    let second = tokio::spawn(async move { store.lock(holder(2), LONG).await.map(drop) });
    tokio::task::yield_now().await;
    fold(writer).await;
    second.await.expect("no panic").expect("the lock");
}

async fn readers_see_open_intents_and_who_is_in_progress(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/b")]).await;
    let meanwhile = read(subject).await;
    assert_eq!(meanwhile.recorded.rooms[&address("chat/b")], open("chat/b"));
    assert_eq!(meanwhile.in_progress, Some(holder(1)));
    assert!(meanwhile.ended_uncleanly, "its last calls are not known yet");
    append(&writer, vec![result("chat/b")]).await;
    assert_eq!(read(subject).await.recorded.rooms[&address("chat/b")], record("chat/b"));
    assert_eq!(names(writer.snapshot()), ["chat/a"], "as it was when the lock was taken");
    fold(writer).await;
    assert_eq!(read(subject).await.in_progress, None);
}

async fn what_was_appended_survives_a_crash(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/b"), intent("chat/c")]).await;
    append(&writer, vec![result("chat/c")]).await;
    drop(writer);
    let left = read(subject).await;
    assert_eq!(names(&left), ["chat/a", "chat/b", "chat/c"]);
    let next = lock(subject).await;
    assert_eq!(next.snapshot().recorded.rooms, left.recorded.rooms);
    assert_eq!((next.snapshot().folded, next.snapshot().recorded.serial), (Some(2), 2));
    assert!(next.snapshot().ended_uncleanly);
    assert_eq!(next.snapshot().recorded.rooms[&address("chat/b")], open("chat/b"));
}

async fn an_open_intent_survives_every_fold(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    fold(writer).await;
    recorded(subject, &["chat/b"]).await;
    assert_eq!(read(subject).await.recorded.rooms[&address("chat/a")], open("chat/a"));
}

async fn the_last_entry_of_a_room_counts(subject: &dyn Subject) {
    let writer = lock(subject).await;
    let removed = Entry::Removed(address("chat/a"));
    append(&writer, vec![intent("chat/a"), result("chat/a"), removed, intent("chat/b")]).await;
    append(&writer, vec![result("chat/b")]).await;
    fold(writer).await;
    let rooms = read(subject).await.recorded.rooms.clone();
    assert_eq!(rooms, BTreeMap::from([(address("chat/b"), record("chat/b"))]));
}

async fn entries_of_many_at_once_are_all_durable(subject: &dyn Subject) {
    const COUNT: usize = 50;
    let writer = lock(subject).await;
    let mut appends = tokio::task::JoinSet::new();
    for n in 0..COUNT {
        let writer = writer.clone();
        appends.spawn(async move { writer.append(vec![result(&format!("chat/{n}"))]).await });
    }
    while let Some(appended) = appends.join_next().await {
        appended.expect("no panic").expect("durable");
    }
    drop(writer);
    assert_eq!(names(lock(subject).await.snapshot()).len(), COUNT);
}

async fn a_fold_that_changes_nothing_keeps_the_serial(subject: &dyn Subject) {
    let serial = recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    append(&writer, vec![result("chat/a")]).await;
    assert_eq!(fold(writer).await, serial);
    assert_eq!(recorded(subject, &["chat/a", "chat/b"]).await, serial + 1);
}

async fn rooms_and_providers_are_removed(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![Entry::Provider(chat(), identity()), result("chat/a")]).await;
    fold(writer).await;
    let writer = lock(subject).await;
    let removed = vec![Entry::Removed(address("chat/a")), Entry::ProviderRemoved(chat())];
    append(&writer, removed).await;
    fold(writer).await;
    let snapshot = read(subject).await;
    assert!(snapshot.recorded.rooms.is_empty() && snapshot.recorded.providers.is_empty());
    assert_eq!(snapshot.found, Found::Existing, "no rooms, but a state");
}

async fn a_lineage_stays_and_is_of_one_state_only(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let lineage = read(subject).await.recorded.lineage.clone();
    recorded(subject, &["chat/b"]).await;
    assert_eq!(read(subject).await.recorded.lineage, lineage);
    for other in [&InFile::new() as &dyn Subject, &InMemory::new()] {
        recorded(other, &["chat/a"]).await;
        assert_ne!(read(other).await.recorded.lineage, lineage);
    }
}

async fn the_lineage_of_a_new_state_is_known_before_its_first_entry(subject: &dyn Subject) {
    let writer = lock(subject).await;
    let lineage = writer.lineage().expect("a lineage");
    assert_eq!(writer.lineage().expect("a lineage"), lineage);
    assert_eq!(
        (&writer.snapshot().recorded.lineage, read(subject).await.found),
        (&None, Found::New)
    );
    append(&writer, vec![result("chat/a")]).await;
    fold(writer).await;
    assert_eq!(read(subject).await.recorded.lineage, Some(lineage.clone()));
    assert_eq!(lock(subject).await.lineage().expect("a lineage"), lineage);
}

async fn a_new_state_continues_a_lineage_and_another_keeps_its_own(subject: &dyn Subject) {
    let lineage = |n: u8| Lineage(format!("00000000-0000-4000-8000-00000000000{n}"));
    for (n, expected) in [(1, 1), (2, 1)] {
        let writer = lock(subject).await;
        writer.continue_lineage(lineage(n)).expect("taken");
        assert_eq!(writer.lineage().expect("a lineage"), lineage(expected));
        append(&writer, vec![result("chat/a")]).await;
        fold(writer).await;
        assert_eq!(read(subject).await.recorded.lineage, Some(lineage(expected)));
    }
}

async fn a_run_without_calls_leaves_the_last_calls_as_they_were(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/a")]).await;
    writer.fold(calls(5_000)).await.expect("a fold");
    drop(lock(subject).await);
    assert!(read(subject).await.ended_uncleanly, "a run that crashed may have made calls");
    lock(subject).await.fold(LastCalls::new()).await.expect("an end");
    let snapshot = read(subject).await;
    assert_eq!((snapshot.last_calls, snapshot.ended_uncleanly), (calls(5_000), true));
}

async fn nothing_is_written_after_the_fold(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/a")]).await;
    writer.fold(calls(1)).await.expect("a fold");
    writer.append(vec![intent("chat/b")]).await.expect_err("the lock is released");
    writer.check().await.expect_err("the lock is released");
    writer.fold(calls(2)).await.expect_err("once");
    assert_eq!(names(&read(subject).await), ["chat/a"]);
}

async fn a_run_that_lost_its_lock_is_refused(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    subject.lose_lock().await;
    writer.append(vec![intent("chat/b")]).await.expect_err("no further call");
    writer.check().await.expect_err("no further call");
    writer.fold(calls(1)).await.expect_err("what is there may be another run's");
}

async fn the_holder_of_the_lock_is_found_without_it(subject: &dyn Subject) {
    assert_eq!(subject.store().held().await.expect("a look"), None);
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    let held = subject.store().held().await.expect("a look").expect("it is held");
    assert_eq!(held.holder, Some(holder(1)));
    writer.check().await.expect("a look takes no lock");
    fold(writer).await;
    assert_eq!(subject.store().held().await.expect("a look"), None);
}

async fn a_lease_is_ended_by_hand_and_an_os_lock_is_not(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    let held = subject.store().held().await.expect("a look").expect("it is held");
    let unlocked = subject.store().unlock(held.clone()).await;
    if held.lease.is_none() {
        let error = unlocked.expect_err("its process holds it");
        assert!(matches!(error, StateError::Locked { lease_ends: None, .. }), "{error}");
        return writer.check().await.expect("the lock");
    }
    unlocked.expect("unlocked");
    writer.append(vec![intent("chat/b")]).await.expect_err("no further call");
    let next = subject.store().lock(holder(2), Duration::ZERO).await.expect("at once");
    assert!(next.snapshot().ended_uncleanly);
    assert_eq!(names(next.snapshot()), ["chat/a"]);
    let error = subject.store().unlock(held).await.expect_err("another lease");
    let StateError::Locked { holder: Some(by), lease_ends: Some(_), .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(**by, holder(2));
    next.check().await.expect("the lease");
}

/// Returns a record of another line of states.
fn replacement() -> Recorded {
    Recorded {
        lineage: Some(Lineage("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44".to_owned())),
        serial: 40,
        providers: BTreeMap::from([(chat(), identity())]),
        rooms: BTreeMap::from([
            (address("chat/x"), record("chat/x")),
            (address("chat/y"), open("chat/y")),
        ]),
        plans: vec!["a-plan".to_owned()],
        moved_to: None,
    }
}

async fn a_whole_record_replaces_the_state_with_its_lineage_and_serial(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/b")]).await;
    writer.replace(replacement()).await.expect("replaced");
    assert_eq!(*read(subject).await.recorded, replacement());
    assert_eq!(names(writer.snapshot()), ["chat/a"], "as it was when the lock was taken");
    assert_eq!(fold(writer).await, 40);
    assert_eq!(*read(subject).await.recorded, replacement());
    assert_eq!(recorded(subject, &["chat/b"]).await, 41);
}

async fn a_replaced_state_survives_a_crash_with_what_was_appended_after_it(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    writer.replace(replacement()).await.expect("replaced");
    append(&writer, vec![result("chat/y")]).await;
    drop(writer);
    let next = lock(subject).await;
    let Recorded { lineage, serial, rooms, .. } = &*next.snapshot().recorded;
    assert_eq!((lineage, *serial), (&replacement().lineage, 41));
    assert_eq!(rooms[&address("chat/y")], record("chat/y"));
    assert_eq!(names(next.snapshot()), ["chat/x", "chat/y"]);
}

async fn a_new_state_begins_with_a_whole_record(subject: &dyn Subject) {
    let writer = lock(subject).await;
    writer.replace(replacement()).await.expect("replaced");
    fold(writer).await;
    let snapshot = read(subject).await;
    assert_eq!((&*snapshot.recorded, snapshot.found), (&replacement(), Found::Existing));
}

async fn a_state_that_was_moved_is_read_and_never_locked(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    let before = writer.snapshot().recorded.clone();
    let moved_to = Some("s3://bucket/rooms.state.json".into());
    let moved = Recorded { serial: before.serial + 1, moved_to, ..(*before).clone() };
    writer.replace(moved.clone()).await.expect("marked");
    fold(writer).await;
    for _ in 0..2 {
        let error = subject.store().lock(holder(1), LONG).await.map(drop).expect_err("moved");
        assert!(
            matches!(&error, StateError::Moved { to } if **to == *"s3://bucket/rooms.state.json")
        );
        assert!(error.to_string().contains("--state s3://bucket/rooms.state.json"), "{error}");
        assert_eq!(*read(subject).await.recorded, moved, "its records are as they were");
    }
    assert_eq!(subject.store().held().await.expect("a look"), None);
}

/// The rooms come one after the other, in runs that fold each.
async fn readers_meet_every_fold_whole(subject: &dyn Subject) {
    const RUNS: usize = 20;
    let rooms: Vec<String> = (0..RUNS).map(|n| format!("chat/{n:02}")).collect();
    let store = subject.store();
    let (done, mut ended) = tokio::sync::oneshot::channel::<()>();
    let reader = tokio::spawn(async move {
        let mut counts = Vec::new();
        while ended.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
            counts.push(store.read().await.expect("a whole record").recorded.rooms.len());
            // Lets the moved clock go on.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        counts
    });
    for room in &rooms {
        recorded(subject, &[room.as_str()]).await;
    }
    done.send(()).expect("the reader runs");
    let counts = reader.await.expect("no panic");
    assert!(counts.is_sorted(), "a room was lost on the way: {counts:?}");
    assert_eq!(names(&read(subject).await), rooms);
}

async fn what_is_appended_after_a_read_is_read_next(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let store = subject.store();
    let writer = lock(subject).await;
    for n in 0..3 {
        let before = store.read().await.expect("a record").recorded.rooms.len();
        append(&writer, vec![intent(&format!("chat/b{n}")), result(&format!("chat/c{n}"))]).await;
        assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), before + 2);
    }
    fold(writer).await;
    assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), 7);
}

async fn a_hundred_thousand_rooms_are_kept(subject: &dyn Subject) {
    const ROOMS: usize = 100_000;
    const BATCH: usize = 10_000;
    let writer = lock(subject).await;
    for batch in 0..ROOMS / BATCH {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        append(&writer, numbers.map(|n| result(&format!("chat/{n:06}"))).collect()).await;
    }
    fold(writer).await;
    let read = read(subject).await.recorded;
    assert_eq!(read.rooms.len(), ROOMS);
    let (first, last) = (address("chat/000000"), address("chat/099999"));
    assert_eq!(read.rooms.keys().next().zip(read.rooms.keys().next_back()), Some((&first, &last)));
    let writer = lock(subject).await;
    append(&writer, vec![Entry::Removed(first)]).await;
    fold(writer).await;
    assert_eq!(subject.store().read().await.expect("a record").recorded.rooms.len(), ROOMS - 1);
}

/// Nothing reads or locks what an overwritten document was, and nothing overwrites it in turn.
async fn is_refused(subject: &dyn Documents, document: &[u8], matches: fn(&StateError) -> bool) {
    subject.overwrite(document);
    let error = subject.store().read().await.map(drop).expect_err("no state");
    assert!(matches(&error), "{error}");
    let error = subject.store().lock(holder(1), LONG).await.map(drop).expect_err("no state");
    assert!(matches(&error), "{error}");
    assert_eq!(subject.document(), document, "it was overwritten");
}

async fn a_damaged_state_is_refused_and_not_overwritten(subject: &dyn Documents) {
    recorded(subject, &["chat/a", "chat/b"]).await;
    let whole = subject.document();
    for document in [&whole[..whole.len() / 2], b"", b"{}", b"rooms: []\n"] {
        is_refused(subject, document, |error| matches!(error, StateError::Damaged { .. })).await;
    }
    subject.overwrite(&whole);
    assert_eq!(names(&read(subject).await), ["chat/a", "chat/b"]);
}

async fn a_state_that_was_edited_is_refused(subject: &dyn Documents) {
    recorded(subject, &["chat/a"]).await;
    let text = String::from_utf8(subject.document()).expect("UTF-8");
    let edited = text.replace("\"name\":\"chat/a\"", "\"name\":\"another\"");
    assert_ne!(edited, text);
    let is_checksum = |error: &StateError| matches!(error, StateError::Checksum { .. });
    is_refused(subject, edited.as_bytes(), is_checksum).await;
}

async fn a_state_of_a_newer_format_is_refused(subject: &dyn Documents) {
    recorded(subject, &["chat/a"]).await;
    let text = String::from_utf8(subject.document()).expect("UTF-8");
    let newer = text.replacen("\"version\":2", "\"version\":3", 1);
    let is_newer = |error: &StateError| matches!(error, StateError::Newer { version: 3, .. });
    is_refused(subject, newer.as_bytes(), is_newer).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_is_reported_to_its_holder() {
    let subject = InMemory::new();
    let writer = lock(&subject).await;
    let early = tokio::time::timeout(LONG, writer.lost()).await;
    early.expect_err("the lease holds");
    let waiting = writer.clone();
    let lost = tokio::spawn(async move { waiting.lost().await });
    tokio::task::yield_now().await;
    subject.lose_lock().await;
    let error = lost.await.expect("no panic");
    assert!(matches!(error, StateError::LeaseLost { .. }), "{error}");
    let second = lock(&subject).await;
    drop(writer);
    second.check().await.expect("a lock that had ended releases nothing");
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_file_has_no_lease_that_ends() {
    let subject = InFile::new();
    let writer = lock(&subject).await;
    tokio::time::timeout(LONG, writer.lost()).await.expect_err("it is held until it is released");
}
