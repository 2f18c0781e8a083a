//! Damaged files are reported, and never overwritten.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::state::format::{oldest, resealed};
use crate::state::samples::{holder, named};
use crate::state::{Found, ReadStore, StateError, Store};

use super::{NO_WAIT, fold, locked, state_in, temporary, with_a_room};

fn replace_in(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("a file");
    assert!(text.contains(from));
    put(file, text.replacen(from, to, 1).as_bytes());
}

/// Edits a state, and updates its checksum.
fn reseal(file: &Path, from: &str, to: &str) {
    replace_in(file, from, to);
    put(file, &resealed(&fs::read(file).expect("a file")));
}

#[allow(clippy::disallowed_methods, reason = "a test damages files on purpose")]
fn put(file: &Path, bytes: &[u8]) {
    fs::write(file, bytes).expect("written");
}

#[tokio::test]
async fn an_unreadable_lock_file_counts_as_an_unclean_end() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    put(&folder.path().join("rooms.state.json.lock"), b"{\"holder\":");
    assert!(store.read().await.expect("a record").ended_uncleanly);
    assert!(locked(&store).await.snapshot().ended_uncleanly);
}

#[tokio::test]
async fn a_damaged_state_is_reported_and_not_overwritten() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let state = state_in(&folder);
    for damaged in [&b""[..], b"{\"version\":1,\"lineage\":\"x\",\"serial\":1,\"rooms\":{\n"] {
        put(&state, damaged);
        for error in [
            store.read().await.map(drop).expect_err("damaged"),
            store.lock(holder(1), NO_WAIT).await.map(drop).expect_err("damaged"),
        ] {
            assert!(
                matches!(&error, StateError::Damaged { location, .. } if *location == state.display().to_string())
            );
            let text = error.to_string();
            assert!(text.contains("rooms.state.json.backup-0"), "{text}");
        }
        assert_eq!(fs::read(&state).expect("a state"), damaged);
    }
    put(&state, &fs::read(folder.path().join("rooms.state.json.backup-0")).expect("a copy"));
    let read = store.read().await.expect("repaired");
    assert!(!read.ended_uncleanly, "a run that could not begin leaves the lock as it was");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_journal_is_reported_and_not_overwritten() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let journal = folder.path().join("rooms.state.json.journal");
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "B")]).await.expect("durable");
    writer.append(vec![named("chat/c", "C")]).await.expect("durable");
    drop(writer);
    replace_in(&journal, "\"B\"", "\"X\"");
    let before = fs::read(&journal).expect("a journal");
    let read = store.read().await.map(drop).expect_err("damaged");
    let lock = store.lock(holder(1), Duration::from_secs(9)).await.map(drop).expect_err("damaged");
    for error in [read, lock] {
        assert!(
            matches!(&error, StateError::Damaged { location, line: 2, .. } if *location == journal.display().to_string()),
            "{error}"
        );
    }
    assert_eq!(fs::read(&journal).expect("a journal"), before);
}

#[tokio::test(start_paused = true)]
async fn a_missing_state_beside_a_journal_or_a_copy_is_an_error() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "B")]).await.expect("durable");
    drop(writer);
    fs::remove_file(state_in(&folder)).expect("removed");
    for beside in ["rooms.state.json.journal", "rooms.state.json.backup-0"] {
        let beside = folder.path().join(beside);
        let error = store.read().await.map(drop).expect_err("missing");
        assert!(
            matches!(error, StateError::Missing { beside: b, .. } if b == beside.display().to_string())
        );
        let wait = Duration::from_secs(9);
        assert!(store.lock(holder(1), wait).await.is_err());
        fs::remove_file(beside).expect("removed");
    }
    assert_eq!(store.read().await.expect("a record").found, Found::New);
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_another_state_is_never_dropped() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "B")]).await.expect("durable");
    drop(writer);
    let journal = fs::read(folder.path().join("rooms.state.json.journal")).expect("a journal");
    for (from, to) in [
        ("\"serial\":1", "\"serial\":9"),
        ("\"serial\":9", "\"serial\":0"),
        ("\"lineage\":\"", "\"lineage\":\"x"),
    ] {
        reseal(&state_in(&folder), from, to);
        let error = store.read().await.map(drop).expect_err("foreign");
        assert!(matches!(error, StateError::Foreign { .. }), "{error}");
        let wait = Duration::from_secs(9);
        let error = store.lock(holder(1), wait).await.map(drop).expect_err("foreign");
        assert!(matches!(error, StateError::Foreign { .. }), "{error}");
    }
    let kept = fs::read(folder.path().join("rooms.state.json.journal")).expect("a journal");
    assert_eq!(kept, journal);
}

#[tokio::test]
async fn an_edited_state_is_reported_with_its_first_different_line() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "B")]).await.expect("durable");
    assert_eq!(fold(writer).await, 2);
    for (from, to) in [("\"A\"", "\"X\""), ("\"X\"", "\"Y\"")] {
        replace_in(&state_in(&folder), from, to);
        for error in [
            store.read().await.map(drop).expect_err("edited"),
            store.lock(holder(1), NO_WAIT).await.map(drop).expect_err("edited"),
        ] {
            let text = error.to_string();
            assert!(text.contains("does not match its checksum"), "{text}");
            assert!(text.contains("line 2 is the first that differs"), "{text}");
            assert!(text.contains("backup-1") && text.contains("roomctl state repair"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_state_of_version_1_is_rewritten_at_the_next_fold() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    put(&state_in(&folder), &oldest(&fs::read(state_in(&folder)).expect("a state")));
    assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), 1);
    let writer = locked(&store).await;
    writer.append(vec![named("chat/a", "A")]).await.expect("durable");
    assert_eq!(fold(writer).await, 2);
    let text = fs::read_to_string(state_in(&folder)).expect("a state");
    assert!(text.starts_with("{\"version\":2,") && text.contains("\"checksum\""), "{text}");
}

#[tokio::test]
async fn a_state_of_a_newer_format_is_refused() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    replace_in(&state_in(&folder), "\"version\":2", "\"version\":3");
    let error = store.read().await.map(drop).expect_err("newer");
    assert!(matches!(error, StateError::Newer { version: 3, .. }));
    assert!(error.to_string().ends_with("update roomctl"), "{error}");
}
