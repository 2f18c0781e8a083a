//! The store as a run uses it, in a real folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::{Call, Timestamp};
use crate::state::samples::{address, holder, named, provider, record};
use crate::state::{Entry, Found, LastCalls, ReadStore, StateError, Store};

use super::super::FileStore;
use super::{NO_WAIT, fold, locked, state_in, temporary, with_a_room};

fn names(folder: &TempDir) -> Vec<String> {
    let entry = |e: std::io::Result<fs::DirEntry>| e.expect("an entry").file_name();
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|e| entry(e).into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_first_run_creates_a_state() {
    let folder = temporary();
    let store = FileStore::new(state_in(&folder));
    let before = store.read().await.expect("a record");
    assert_eq!((before.found, before.recorded.lineage.clone()), (Found::New, None));
    assert!(!before.ended_uncleanly);
    assert!(names(&folder).is_empty(), "a reader writes nothing");

    let writer = locked(&store).await;
    assert_eq!(writer.snapshot().found, Found::New);
    assert_eq!(names(&folder), ["rooms.state.json.lock"], "nor does a lock");
    writer.reserve(100).await.expect("room");
    assert_eq!(
        names(&folder),
        ["rooms.state.json", "rooms.state.json.journal", "rooms.state.json.lock"]
    );
    writer.append(vec![named("chat/a", "A")]).await.expect("durable");
    assert_eq!(fold(writer).await, 1);
    assert_eq!(
        names(&folder),
        ["rooms.state.json", "rooms.state.json.backup-0", "rooms.state.json.lock"]
    );

    let after = store.read().await.expect("a record");
    assert_eq!((after.found, after.recorded.serial), (Found::Existing, 1));
    assert_eq!(after.recorded.rooms, BTreeMap::from([(address("chat/a"), record("A"))]));
}

#[tokio::test]
async fn all_files_have_mode_0600() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "B")]).await.expect("durable");
    let all = names(&folder);
    assert_eq!(all.len(), 4, "{all:?}");
    for name in all {
        let mode = fs::metadata(folder.path().join(&name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_run_without_a_change_writes_nothing() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let before = (names(&folder), fs::read(state_in(&folder)).expect("a state"));
    assert_eq!(fold(locked(&store).await).await, 1);
    let writer = locked(&store).await;
    writer.append(vec![named("chat/a", "other"), named("chat/a", "A")]).await.expect("durable");
    writer.append(vec![Entry::Removed(address("chat/none"))]).await.expect("durable");
    assert_eq!(fold(writer).await, 1);
    assert_eq!((names(&folder), fs::read(state_in(&folder)).expect("a state")), before);
}

#[tokio::test(start_paused = true)]
async fn the_journal_of_a_crashed_run_is_folded_by_the_next() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "B")]).await.expect("durable");
    drop(writer);

    let merged = store.read().await.expect("a record");
    assert_eq!((merged.recorded.rooms.len(), merged.recorded.serial), (2, 1));
    assert!(merged.ended_uncleanly);
    assert!(names(&folder).contains(&"rooms.state.json.journal".to_owned()));

    let next = locked(&store).await;
    assert!(next.snapshot().ended_uncleanly);
    assert_eq!((next.snapshot().recorded.rooms.len(), next.snapshot().recorded.serial), (2, 2));
    assert_eq!(store.read().await.expect("a record").recorded, next.snapshot().recorded);
    assert!(!names(&folder).contains(&"rooms.state.json.journal".to_owned()));
    next.append(vec![named("chat/c", "C")]).await.expect("durable");
    assert_eq!(fold(next).await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_second_writer_is_refused_and_waits_for_the_lock() {
    let folder = temporary();
    let store = FileStore::new(state_in(&folder));
    let first = locked(&store).await;
    let other = FileStore::new(state_in(&folder));
    let error = other.lock(holder(2), NO_WAIT).await.map(drop).expect_err("locked");
    assert!(matches!(&error, StateError::Locked { holder: Some(by), .. } if **by == holder(1)));
    let text = error.to_string();
    assert!(text.contains("`roomctl apply` of ada on desk, process 1, since 2023-11-14"), "{text}");

    let waiting = tokio::time::timeout(
        Duration::from_hours(1),
        other.lock(holder(2), Duration::from_mins(1)),
    );
    let error = waiting.await.expect("the wait ends").map(drop).expect_err("locked");
    assert!(matches!(error, StateError::Locked { .. }));
    assert!(store.read().await.is_ok(), "readers need no lock");

    let waiting = tokio::spawn(async move { other.lock(holder(2), Duration::from_mins(1)).await });
    tokio::task::yield_now().await;
    fold(first).await;
    assert!(waiting.await.expect("no panic").is_ok(), "the lock is released, then taken");
}

#[tokio::test]
async fn the_last_calls_are_kept_with_the_lock() {
    let folder = temporary();
    let store = FileStore::new(state_in(&folder));
    let at = Timestamp::from_millis;
    let calls = |calls: &[(Call, i64)]| {
        let of_chat = calls.iter().map(|(call, millis)| (*call, at(*millis))).collect();
        LastCalls::from([(provider("chat"), of_chat)])
    };
    let first = calls(&[(Call::CreateRoom, 5000), (Call::DestroyRoom, 4000)]);
    locked(&store).await.fold(first.clone()).await.expect("an end");
    assert_eq!(store.read().await.expect("a record").last_calls, first);
    let second = locked(&store).await;
    assert_eq!(second.snapshot().last_calls, first);
    second.fold(calls(&[(Call::CreateRoom, 6000)])).await.expect("an end");
    let both = calls(&[(Call::CreateRoom, 6000), (Call::DestroyRoom, 4000)]);
    let snapshot = store.read().await.expect("a record");
    assert_eq!((snapshot.last_calls, snapshot.ended_uncleanly), (both, false));
}

#[tokio::test]
async fn a_symbolic_link_is_followed_and_stays() {
    let (folder, elsewhere) = (temporary(), temporary());
    let target = elsewhere.path().join("real.json");
    std::os::unix::fs::symlink(&target, state_in(&folder)).expect("a link");
    let store = with_a_room(&folder).await;
    assert_eq!(names(&folder), ["rooms.state.json"]);
    assert!(fs::symlink_metadata(state_in(&folder)).expect("a link").is_symlink());
    assert_eq!(names(&elsewhere), ["real.json", "real.json.backup-0", "real.json.lock"]);
    assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), 1);
}

#[tokio::test]
async fn a_missing_folder_is_reported() {
    let folder = temporary();
    let store = FileStore::new(folder.path().join("no/rooms.state.json"));
    let error = store.lock(holder(1), NO_WAIT).await.map(drop).expect_err("no folder");
    assert!(matches!(error, StateError::Io { .. }), "{error}");
    assert!(error.to_string().contains("create the folder first"), "{error}");
}
