//! Tests of the file store, in a real folder and on a disk in memory with fault injection.

mod appends;
mod crash;
mod damage;
mod readers;
mod repair;
mod rescue;
mod sharing;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::state::samples::{holder, named};
use crate::state::{LastCalls, Store, WriteStore};

use super::FileStore;

const NO_WAIT: Duration = Duration::ZERO;

fn state_in(folder: &TempDir) -> PathBuf {
    folder.path().join("rooms.state.json")
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

async fn locked(store: &FileStore) -> Arc<dyn WriteStore> {
    // A dropped store releases its lock only after its pending writes.
    store.lock(holder(1), Duration::from_mins(1)).await.expect("the lock")
}

async fn fold(locked: Arc<dyn WriteStore>) -> u64 {
    locked.fold(LastCalls::new()).await.expect("a fold").serial
}

/// Returns a store with one room in it.
async fn with_a_room(folder: &TempDir) -> FileStore {
    let store = FileStore::new(state_in(folder));
    let writer = locked(&store).await;
    writer.append(vec![named("chat/a", "A")]).await.expect("durable");
    assert_eq!(fold(writer).await, 1);
    store
}
