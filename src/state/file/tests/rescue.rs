//! Files that are removed or replaced during a run: it makes no further call, and nothing is lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::{Address, Pending, PendingKind, RecordedRoom, Timestamp};
use crate::state::journal::parse_journal;
use crate::state::samples::{address, holder, named, record};
use crate::state::{Entry, LastCalls, Loss, ReadStore, StateError, Store, WriteStore};

use super::super::FileStore;
use super::{NO_WAIT, fold, locked, state_in, temporary, with_a_room};

/// Returns the path of a state's file by its suffix.
fn beside(folder: &TempDir, suffix: &str) -> PathBuf {
    folder.path().join(format!("rooms.state.json{suffix}"))
}

fn remove(path: &Path) {
    fs::remove_file(path).expect("removed");
}

/// Replaces a file by another with the same content, as git does.
fn exchange(path: &Path) {
    let other = path.with_extension("other");
    fs::copy(path, &other).expect("copied");
    fs::rename(other, path).expect("replaced");
}

/// Truncates a file, as `cp` does before it writes.
fn truncate(path: &Path) {
    fs::File::create(path).expect("truncated");
}

fn remove_all(folder: &TempDir) {
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        remove(&entry.expect("an entry").path());
    }
}

/// Restores the state of an earlier serial, as `git checkout` does.
fn restore_copy(folder: &TempDir) {
    fs::rename(beside(folder, ".backup-0"), state_in(folder)).expect("replaced");
}

fn intent(at: &str) -> Entry {
    let pending = Pending::new(PendingKind::Create, Timestamp::from_millis(7), None);
    let record = RecordedRoom { pending: Some(Box::new(pending)), ..record("?") };
    Entry::Intent(address(at), record)
}

/// Returns the last entry of each room in the only rescue file.
fn rescued(folder: &TempDir) -> BTreeMap<Address, Option<RecordedRoom>> {
    let text = fs::read(beside(folder, ".rescue-1")).expect("a rescue file");
    let journal = parse_journal(&text).expect("a journal").expect("a head");
    assert_eq!(journal.holder, Some(holder(1)));
    let last = |entry: Entry| match entry {
        Entry::Intent(at, record) | Entry::Result(at, record) => Some((at, Some(record))),
        Entry::Removed(at) => Some((at, None)),
        Entry::Provider(..) | Entry::ProviderRemoved(_) | Entry::PlanCarriedOut(_) => None,
    };
    journal.entries.into_iter().filter_map(last).collect()
}

/// Starts a run with a call in flight for `chat/b`, then runs `happens`.
async fn with_a_call(folder: &TempDir, happens: impl Fn(&TempDir)) -> Arc<dyn WriteStore> {
    let writer = locked(&with_a_room(folder).await).await;
    writer.append(vec![intent("chat/b")]).await.expect("durable");
    happens(folder);
    writer
}

/// Checks that no call is sent after `happens`, and that neither the intent nor the result of the
/// call in flight is lost.
async fn assert_rescued(happens: impl Fn(&TempDir)) -> (TempDir, StateError) {
    let folder = temporary();
    let writer = with_a_call(&folder, happens).await;
    let refused = writer.append(vec![intent("chat/c")]).await.expect_err("no further call");
    assert!(matches!(&refused, StateError::Rescued { .. }), "{refused}");
    let open = rescued(&folder)[&address("chat/b")].clone().expect("a record");
    assert!(open.pending.is_some(), "the call in flight is recorded before its result");
    writer.append(vec![named("chat/b", "B")]).await.expect("the result is durable");
    let error = writer.fold(LastCalls::new()).await.expect_err("not folded");
    let rooms = rescued(&folder);
    assert_eq!(rooms[&address("chat/b")], Some(record("B")));
    assert_eq!(rooms[&address("chat/a")], Some(record("A")), "the state may go next");
    assert!(!rooms.contains_key(&address("chat/c")), "a call that was never sent");

    let store = FileStore::new(state_in(&folder));
    for error in [
        store.read().await.map(drop).expect_err("a reader refuses"),
        store.lock(holder(2), NO_WAIT).await.map(drop).expect_err("a writer refuses"),
    ] {
        let text = error.to_string();
        assert!(text.contains("rooms.state.json.rescue-1 contains what a run did"), "{text}");
        assert!(text.contains("run `roomctl state repair`"), "{text}");
    }
    (folder, error)
}

#[tokio::test]
async fn removing_a_file_during_a_run_loses_nothing() {
    for suffix in [".lock", ".journal", ""] {
        let (_, error) = assert_rescued(|folder| remove(&beside(folder, suffix))).await;
        let text = error.to_string();
        assert!(text.contains(&format!("rooms.state.json{suffix} was removed by")), "{text}");
        assert!(text.contains("rooms.state.json.rescue-1"), "{text}");
    }
}

#[tokio::test]
async fn replacing_a_file_during_a_run_loses_nothing() {
    for suffix in [".lock", ".journal"] {
        let (_, error) = assert_rescued(|folder| exchange(&beside(folder, suffix))).await;
        assert!(error.to_string().contains(&format!("json{suffix} was replaced")), "{error}");
    }
    assert_rescued(|folder| truncate(&beside(folder, ".journal"))).await;
    assert_rescued(restore_copy).await;
}

#[tokio::test]
async fn removing_all_files_during_a_run_loses_nothing() {
    assert_rescued(remove_all).await;
}

#[tokio::test]
async fn a_removal_right_before_the_fold_is_detected() {
    for happens in [remove_all as fn(&TempDir), restore_copy] {
        let folder = temporary();
        let writer = with_a_call(&folder, |_| {}).await;
        writer.append(vec![named("chat/b", "B")]).await.expect("durable");
        happens(&folder);
        let error = writer.fold(LastCalls::new()).await.expect_err("not folded");
        assert!(matches!(error, StateError::Rescued { .. }), "{error}");
        assert_eq!(rescued(&folder)[&address("chat/b")], Some(record("B")));
    }
}

#[tokio::test]
async fn a_state_replaced_by_an_equal_copy_is_accepted() {
    let folder = temporary();
    let writer = with_a_call(&folder, |folder| exchange(&state_in(folder))).await;
    writer.append(vec![named("chat/b", "B")]).await.expect("durable");
    assert_eq!(fold(writer).await, 2);
}

#[tokio::test]
async fn a_second_run_under_a_new_lock_finds_every_intent_of_the_first() {
    let folder = temporary();
    let first = with_a_call(&folder, |folder| remove(&beside(folder, ".lock"))).await;
    let store = FileStore::new(state_in(&folder));
    let second = store.lock(holder(2), NO_WAIT).await.expect("a new lock");
    let found = second.snapshot().recorded.rooms[&address("chat/b")].clone();
    assert!(found.pending.is_some(), "{found:?}");
    first.append(vec![intent("chat/c")]).await.expect_err("no further call");
    second.append(vec![named("chat/d", "D")]).await.expect("the second run continues");
    second.fold(LastCalls::new()).await.expect("folded");
}

#[tokio::test]
async fn the_error_contains_the_journal_if_no_rescue_file_can_be_written() {
    let folder = temporary();
    let writer = with_a_call(&folder, |_| {}).await;
    let aside = folder.path().with_extension("aside");
    fs::rename(folder.path(), &aside).expect("moved away");
    writer.append(vec![intent("chat/c")]).await.expect_err("no further call");
    writer.append(vec![named("chat/b", "B")]).await.expect_err("not in the journal");
    let error = writer.fold(LastCalls::new()).await.expect_err("not folded");
    let text = error.to_string();
    assert!(text.contains("could not be saved"), "{text}");
    let lines = &text[text.find("{\"version\"").expect("a journal")..];
    let journal = parse_journal(lines.as_bytes()).expect("a journal").expect("a head");
    assert!(journal.entries.contains(&named("chat/b", "B")), "{text}");
    fs::rename(&aside, folder.path()).expect("moved back");
}

#[tokio::test]
async fn a_change_before_the_first_call_leaves_no_journal_or_rescue_file() {
    for happens in
        [restore_copy as fn(&TempDir), |folder: &TempDir| remove(&beside(folder, ".lock"))]
    {
        let folder = temporary();
        let store = with_a_room(&folder).await;
        let writer = locked(&store).await;
        // The result of looking up an open intent of an earlier run.
        writer.append(vec![named("chat/b", "B")]).await.expect("durable");
        writer.check().await.expect("as it was");
        happens(&folder);
        let error = writer.check().await.expect_err("changed");
        assert!(error.to_string().contains("nothing was done"), "{error}");
        assert!(writer.append(vec![intent("chat/c")]).await.is_err());
        assert!(matches!(
            writer.fold(LastCalls::new()).await,
            Err(StateError::Changed { loss: Loss::Replaced | Loss::Removed, .. })
        ));
        assert!(!beside(&folder, ".journal").exists() && !beside(&folder, ".rescue-1").exists());
        store.read().await.expect("the next reader works");
        fold(locked(&store).await).await;
    }
}

#[tokio::test]
async fn the_lock_is_never_taken_through_a_link_or_on_a_folder() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let lock = beside(&folder, ".lock");
    remove(&lock);
    let elsewhere = folder.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, &lock).expect("a link");
    let error = store.lock(holder(1), NO_WAIT).await.map(drop).expect_err("a link");
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert!(!elsewhere.exists(), "nothing was created through the link");
    remove(&lock);
    fs::create_dir(&lock).expect("a folder");
    assert!(store.lock(holder(1), NO_WAIT).await.is_err());
}

#[tokio::test]
async fn only_the_first_line_of_a_huge_lock_file_is_read() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let lock = fs::File::options().write(true).open(beside(&folder, ".lock")).expect("the lock");
    lock.set_len(1 << 40).expect("a hole");
    assert!(!store.read().await.expect("a record").ended_uncleanly, "its first line is complete");
    fold(locked(&store).await).await;
}

#[tokio::test]
async fn a_running_writer_is_reported_as_in_progress_and_a_dropped_one_is_not() {
    let folder = temporary();
    let writer = with_a_call(&folder, |_| {}).await;
    let store: Arc<dyn ReadStore> = Arc::new(FileStore::new(state_in(&folder)));
    assert_eq!(store.read().await.expect("a record").in_progress, Some(holder(1)));
    drop(writer);
    let store = FileStore::new(state_in(&folder));
    // A dropped store releases its files only after its pending writes.
    let next = store.lock(holder(2), Duration::from_mins(1)).await.expect("the lock");
    assert_eq!(next.snapshot().in_progress, None);
    assert_eq!(store.read().await.expect("a record").in_progress, None);
}
