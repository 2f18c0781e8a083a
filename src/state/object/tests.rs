//! The protocol on a store in memory with a paused clock: takeovers, pauses, lost answers, late
//! writes, folds.

mod fake;
mod faults;
mod interleavings;
mod lease;
mod repair;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::samples::{address, named, record};
use super::super::{Entry, Holder, LastCalls, ReadStore, Snapshot, StateError, Store, WriteStore};
use super::head::Head;
use super::objects::Name;
use crate::model::{Pending, PendingKind, RecordedRoom, Timestamp};
use fake::{Client, FakeStore, LEASE, WriteFault};

/// Longer than any takeover.
const LONG: Duration = Duration::from_mins(2);

fn holder(pid: u32) -> Holder {
    Holder {
        pid,
        host: "desk".to_owned(),
        user: "ada".to_owned(),
        command: "roomctl apply".to_owned(),
        time: Timestamp::from_millis(1_700_000_000_000),
    }
}

async fn lock(
    client: &Client,
    pid: u32,
    wait: Duration,
) -> Result<Arc<dyn WriteStore>, StateError> {
    client.store().lock(holder(pid), wait).await
}

async fn read(client: &Client) -> Snapshot {
    client.store().read().await.expect("a record")
}

fn intent(at: &str) -> Entry {
    let sent = Timestamp::from_millis(1_700_000_000_123);
    let pending = Pending::new(PendingKind::Create, sent, None);
    let record = RecordedRoom { pending: Some(Box::new(pending)), ..record(at) };
    Entry::Intent(address(at), record)
}

fn result(at: &str) -> Entry {
    named(at, at)
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.recorded.rooms.keys().map(ToString::to_string).collect()
}

fn calls(millis: i64) -> LastCalls {
    let at = Timestamp::from_millis(millis);
    let chat = super::super::samples::provider("chat");
    BTreeMap::from([(chat, BTreeMap::from([(crate::model::Call::CreateRoom, at)]))])
}

/// Records rooms in a separate run.
async fn recorded(client: &Client, rooms: &[&str]) {
    let writer = lock(client, 1, LONG).await.expect("the lease");
    writer.append(rooms.iter().map(|at| result(at)).collect()).await.expect("durable");
    writer.fold(calls(1)).await.expect("a fold");
}

/// Returns the head in the store.
fn head(store: &FakeStore) -> Head {
    Head::parse(&store.bytes(&Name::Head).expect("a head")).expect("whole").head
}
