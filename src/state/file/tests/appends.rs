//! Appends are durable, share a sync, and fail after the first failure.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tempfile::TempDir;

use crate::state::samples::{address, named, record};
use crate::state::{Access, LastCalls, ReadStore, StateError};

use super::super::FileStore;
use super::super::memory_disk::MemoryDisk;
use super::{fold, locked, state_in, temporary};

fn on(disk: &MemoryDisk, folder: &TempDir) -> FileStore {
    FileStore { disk: Arc::new(disk.clone()), ..FileStore::new(state_in(folder)) }
}

async fn is_waiting<T>(access: &mut Access<'_, T>) -> bool {
    poll_fn(|context| Poll::Ready(access.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn reserve_fails_on_a_full_disk() {
    let folder = temporary();
    for operations in 0..200 {
        let disk = MemoryDisk::default();
        let writer = locked(&on(&disk, &folder)).await;
        disk.fail_after(operations);
        if writer.reserve(1000).await.is_ok() {
            return assert!(operations > 40, "{operations}");
        }
    }
    panic!("reserve never succeeded");
}

#[tokio::test]
async fn after_a_failed_append_every_later_one_fails() {
    let folder = temporary();
    let disk = MemoryDisk::default();
    let store = on(&disk, &folder);
    let writer = locked(&store).await;
    writer.append(vec![named("chat/a", "A")]).await.expect("durable");
    disk.fail_after(0);
    assert!(matches!(
        writer.append(vec![named("chat/b", "B")]).await,
        Err(StateError::Io { operation: "write", .. })
    ));
    disk.fail_after(1000);
    assert!(writer.append(vec![named("chat/c", "C")]).await.is_err());
    let error = writer.fold(LastCalls::new()).await.expect_err("nothing is folded");
    assert!(error.to_string().contains("free some disk space"), "{error}");
    let rooms = store.read().await.expect("a record").recorded.rooms.clone();
    assert_eq!(rooms, BTreeMap::from([(address("chat/a"), record("A"))]));
    assert_eq!(fold(locked(&store).await).await, 1);
}

#[tokio::test]
async fn many_appends_share_one_sync() {
    let folder = temporary();
    let disk = MemoryDisk::default();
    let store = on(&disk, &folder);
    let writer = locked(&store).await;
    writer.reserve(64).await.expect("room");
    let before = disk.syncs();

    let busy = disk.hold();
    let mut appends = Vec::new();
    for n in 0..64 {
        let mut append = writer.append(vec![named(&format!("chat/{n}"), "N")]);
        assert!(is_waiting(&mut append).await);
        appends.push(append);
    }
    drop(busy);
    for append in appends {
        append.await.expect("durable");
    }
    // The first may be in a batch of its own. All others arrived while it was written.
    assert!(disk.syncs() - before <= 2, "{}", disk.syncs() - before);
    assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), 64);
}

#[tokio::test]
async fn a_cancelled_append_is_still_written() {
    let folder = temporary();
    let disk = MemoryDisk::default();
    let store = on(&disk, &folder);
    let writer = locked(&store).await;
    writer.reserve(64).await.expect("room");
    let busy = disk.hold();
    for n in 0..10 {
        assert!(is_waiting(&mut writer.append(vec![named(&format!("chat/{n}"), "N")])).await);
    }
    drop(busy);
    assert_eq!(fold(writer).await, 1);
    assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), 10);
}
