//! Entries and records, and the steps of a run, that the rules share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use roomctl::model::{
    Address, Assumed, Call, Kind, Lifecycle, Pending, PendingKind, ProviderIdentity, ProviderName,
    RecordedRoom, Room, Sides, Timestamp,
};
use roomctl::state::{Entry, Folded, Holder, LastCalls, Snapshot, WriteStore};

use super::Subject;

/// How long to wait for a lock: a dropped store may release it with a delay.
pub(super) const LOCK_WAIT: Duration = Duration::from_mins(1);

pub(super) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

pub(super) fn chat() -> ProviderName {
    ProviderName::new("chat").expect("a name")
}

pub(super) fn identity() -> ProviderIdentity {
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

pub(super) fn record(name: &str) -> RecordedRoom {
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

pub(super) fn pending_record(name: &str) -> RecordedRoom {
    let at = Timestamp::from_millis(1_700_000_000_123);
    let pending = Pending::new(PendingKind::Create, at, None);
    RecordedRoom { pending: Some(Box::new(pending)), ..record(name) }
}

pub(super) fn intent(at: &str) -> Entry {
    Entry::Intent(address(at), pending_record(at))
}

pub(super) fn result(at: &str) -> Entry {
    Entry::Result(address(at), record(at))
}

pub(crate) fn calls(millis: i64) -> LastCalls {
    let at = Timestamp::from_millis(millis);
    BTreeMap::from([(chat(), BTreeMap::from([(Call::CreateRoom, at)]))])
}

pub(super) async fn lock(subject: &dyn Subject) -> Arc<dyn WriteStore> {
    subject.store().lock(holder(1), LOCK_WAIT).await.expect("the lock")
}

pub(super) async fn read(subject: &dyn Subject) -> Snapshot {
    subject.store().read().await.expect("a record")
}

pub(super) async fn append(writer: &Arc<dyn WriteStore>, entries: Vec<Entry>) {
    writer.append(entries).await.expect("durable");
}

pub(super) async fn fold(writer: Arc<dyn WriteStore>) -> u64 {
    let Folded { serial } = writer.fold(calls(1)).await.expect("a fold");
    serial
}

/// Records rooms in a separate run, and returns the serial.
pub(super) async fn recorded(subject: &dyn Subject, rooms: &[&str]) -> u64 {
    let writer = lock(subject).await;
    append(&writer, rooms.iter().map(|at| result(at)).collect()).await;
    fold(writer).await
}

pub(super) fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.recorded.rooms.keys().map(ToString::to_string).collect()
}
