//! Repairs of a damaged, edited or missing state, of journals and of rescue files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::{Address, RecordedRoom, RepairPlan};
use crate::state::samples::{address, holder, named, record};
use crate::state::{Entry, LastCalls, ReadStore, StateError};

use super::super::memory_disk::{Crash, MemoryDisk};
use super::super::{FileStore, Repair};
use super::{NO_WAIT, fold, locked, state_in, temporary, with_a_room};

type Rooms = BTreeMap<Address, RecordedRoom>;

fn beside(folder: &TempDir, suffix: &str) -> PathBuf {
    folder.path().join(format!("rooms.state.json{suffix}"))
}

#[allow(clippy::disallowed_methods, reason = "a test damages files on purpose")]
fn put(file: &Path, text: &str) {
    fs::write(file, text).expect("written");
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).expect("a file")
}

fn rooms(names: &[(&str, &str)]) -> Rooms {
    names.iter().map(|(at, name)| (address(at), record(name))).collect()
}

fn addresses(of: &[Address]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

/// Returns a store with the rooms `chat/a` to `chat/c`, each added by a separate run.
async fn with_rooms(folder: &TempDir) -> FileStore {
    let store = with_a_room(folder).await;
    for (at, name) in [("chat/b", "B"), ("chat/c", "C")] {
        let writer = locked(&store).await;
        writer.append(vec![named(at, name)]).await.expect("durable");
        fold(writer).await;
    }
    store
}

async fn find_repair(store: &FileStore) -> Option<Repair> {
    // A dropped store releases its files only after its pending writes.
    store.repair(holder(7), Duration::from_mins(1)).await.expect("a repair")
}

/// Repairs the state. Returns the plan and the resulting rooms.
async fn repaired(store: &FileStore) -> (RepairPlan, Rooms) {
    assert!(store.read().await.is_err(), "there is something to repair");
    let repair = find_repair(store).await.expect("something to repair");
    let plan = repair.plan.clone();
    assert!(store.read().await.is_err(), "nothing is written yet");
    let serial = repair.write.await.expect("written").serial;
    let recorded = store.read().await.expect("a sound state").recorded;
    assert_eq!((recorded.serial, recorded.rooms.len()), (serial, plan.rooms));
    assert_eq!(plan.serial, serial);
    assert!(find_repair(store).await.is_none(), "there is nothing left to repair");
    fold(locked(store).await).await;
    (plan, recorded.rooms.clone())
}

#[tokio::test(start_paused = true)]
async fn a_sound_state_needs_no_repair() {
    let folder = temporary();
    assert!(find_repair(&FileStore::new(state_in(&folder))).await.is_none(), "nothing at all");
    let store = with_rooms(&folder).await;
    assert!(find_repair(&store).await.is_none());
    let writer = locked(&store).await;
    writer.append(vec![named("chat/d", "D")]).await.expect("durable");
    drop(writer);
    drop(locked(&store).await);
    assert!(find_repair(&store).await.is_none());
}

#[tokio::test]
async fn an_edit_by_hand_is_accepted_and_the_edited_file_is_kept() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    let edited = text(&state_in(&folder)).replace("\"B\"", "\"Hall\"");
    let edited: Vec<&str> = edited.lines().filter(|line| !line.contains("chat/a")).collect();
    let edited = edited.join("\n");
    put(&state_in(&folder), &edited);
    let (plan, now) = repaired(&store).await;
    assert_eq!(now, rooms(&[("chat/b", "Hall"), ("chat/c", "C")]));
    assert_eq!(
        plan.compared_with,
        format!("the newest copy, {}, serial 2", beside(&folder, ".backup-2").display())
    );
    assert_eq!(addresses(&plan.added), ["chat/c"]);
    assert_eq!(addresses(&plan.changed), ["chat/b"]);
    assert_eq!(addresses(&plan.lost), ["chat/a"]);
    assert_eq!(text(&beside(&folder, ".damaged-4")), edited);
}

#[tokio::test]
async fn another_layout_with_the_same_content_is_accepted() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    let value: serde_json::Value = serde_json::from_str(&text(&state_in(&folder))).expect("JSON");
    put(&state_in(&folder), &serde_json::to_string_pretty(&value).expect("JSON"));
    let (_, now) = repaired(&store).await;
    assert_eq!(now, rooms(&[("chat/a", "A"), ("chat/b", "B"), ("chat/c", "C")]));
}

#[tokio::test]
async fn rooms_whose_lines_are_damaged_are_taken_from_the_newest_copy() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    let whole = text(&state_in(&folder));
    let head_end = whole.find('\n').expect("lines");
    let everything = rooms(&[("chat/a", "A"), ("chat/b", "B"), ("chat/c", "C")]);
    let before = rooms(&[("chat/a", "A"), ("chat/b", "B")]);
    for (damaged, expected) in [
        (whole.replace("\"chat/a\":", "\"chat/a"), &everything),
        (whole.replace("{\"version\"", "{version"), &everything),
        (whole.replacen("\"B\"", "\u{0}\u{0}", 1), &everything),
        // Truncated: the newest room is in no copy.
        (whole[..head_end + 9].to_owned(), &before),
        (String::new(), &before),
        ("\u{0}".repeat(100), &before),
    ] {
        put(&state_in(&folder), &damaged);
        let (_, now) = repaired(&store).await;
        assert_eq!(&now, expected, "{damaged}");
        // Restores the files for the next case.
        put(&state_in(&folder), &whole);
        fs::remove_file(beside(&folder, ".backup-3")).unwrap_or_default();
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_state_is_rebuilt_from_the_newest_copy_and_the_journal() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    let writer = locked(&store).await;
    writer
        .append(vec![named("chat/d", "D"), Entry::Removed(address("chat/a"))])
        .await
        .expect("durable");
    drop(writer);
    fs::remove_file(state_in(&folder)).expect("removed");
    let (plan, now) = repaired(&store).await;
    assert!(plan.found[0].ends_with("is missing"), "{plan:?}");
    assert!(plan.found.iter().any(|it| it.contains("roomctl import --all-declared")), "{plan:?}");
    assert_eq!(now, rooms(&[("chat/b", "B"), ("chat/d", "D")]));
    assert_eq!(plan.serial, 4);
}

/// Returns a store whose state has git's conflict marks: one side added `chat/x`, the other
/// `chat/y`.
async fn conflict(folder: &TempDir) -> FileStore {
    let store = with_rooms(folder).await;
    let ours = text(&state_in(folder));
    let (head, rest) = ours.split_once('\n').expect("lines");
    let (a, rest) = rest.split_once('\n').expect("lines");
    let of = |serial: u64, room: &str| {
        let head = head.replace("\"serial\":3", &format!("\"serial\":{serial}"));
        format!("{head}\n{}\n", a.replace("chat/a", room).replace("\"A\"", "\"New\""))
    };
    let (ours, theirs) = (of(5, "chat/x"), of(6, "chat/y"));
    put(
        &state_in(folder),
        &format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> theirs\n{a}\n{rest}"),
    );
    store
}

#[tokio::test]
async fn the_sides_of_a_conflict_are_merged() {
    let folder = temporary();
    let store = conflict(&folder).await;
    let error = store.read().await.map(drop).expect_err("a conflict").to_string();
    assert!(error.contains("git left a conflict here") && error.contains(":1:"), "{error}");
    let (plan, now) = repaired(&store).await;
    let names: Vec<_> = now.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["chat/a", "chat/b", "chat/c", "chat/x", "chat/y"]);
    assert_eq!(plan.serial, 7);
}

#[tokio::test]
async fn conflict_sides_of_different_lineages_are_not_merged() {
    let folder = temporary();
    let store = conflict(&folder).await;
    let conflict = text(&state_in(&folder));
    put(&state_in(&folder), &conflict.replacen("\"lineage\":\"", "\"lineage\":\"0", 1));
    let error = store.repair(holder(7), NO_WAIT).await.map(drop).expect_err("two states");
    assert!(matches!(error, StateError::Unrepairable { .. }), "{error}");
    assert!(error.to_string().contains("git checkout --ours"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn every_complete_line_of_a_damaged_journal_is_merged() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    let writer = locked(&store).await;
    for (at, name) in [("chat/d", "D"), ("chat/e", "E"), ("chat/f", "F")] {
        writer.append(vec![named(at, name)]).await.expect("durable");
    }
    drop(writer);
    let journal = beside(&folder, ".journal");
    let damaged = text(&journal).replace("\"E\"", "\"X\"");
    put(&journal, &damaged);
    let (plan, now) = repaired(&store).await;
    assert!(plan.found.iter().any(|it| it.contains("2 entries are used, and line 3")), "{plan:?}");
    assert!(now.contains_key(&address("chat/d")) && now.contains_key(&address("chat/f")));
    assert!(!now.contains_key(&address("chat/e")));
    assert_eq!(text(&beside(&folder, ".journal.damaged-4")), damaged);
}

#[tokio::test]
async fn an_unreadable_state_without_copies_cannot_be_repaired() {
    let folder = temporary();
    put(&state_in(&folder), "nothing that can be read");
    let store = FileStore::new(state_in(&folder));
    let error = store.repair(holder(7), NO_WAIT).await.map(drop).expect_err("nothing");
    assert!(matches!(error, StateError::Unrepairable { .. }), "{error}");
    assert_eq!(text(&state_in(&folder)), "nothing that can be read");
}

#[tokio::test]
async fn a_state_that_changes_before_the_repair_is_written_is_kept() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    put(&state_in(&folder), &text(&state_in(&folder)).replace("\"B\"", "\"Hall\""));
    let repair = find_repair(&store).await.expect("something to repair");
    put(&state_in(&folder), "meanwhile");
    let error = repair.write.await.expect_err("changed");
    assert!(matches!(error, StateError::Changed { .. }), "{error}");
    assert_eq!(text(&state_in(&folder)), "meanwhile");
}

/// Performs a run of process 1 whose files `remove` takes away before the fold: it leaves a rescue
/// file.
async fn run_with_rescue(store: &FileStore, remove: impl FnOnce()) {
    let writer = locked(store).await;
    let gone = Entry::Removed(address("chat/b"));
    writer.append(vec![named("chat/d", "D"), gone]).await.expect("durable");
    remove();
    let error = writer.fold(LastCalls::new()).await.expect_err("the files are gone");
    assert!(matches!(error, StateError::Rescued { .. }), "{error}");
}

#[tokio::test]
async fn a_rescue_file_is_merged_and_removed() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    run_with_rescue(&store, || fs::remove_file(beside(&folder, ".lock")).expect("removed")).await;
    let (plan, now) = repaired(&store).await;
    assert_eq!(now, rooms(&[("chat/a", "A"), ("chat/c", "C"), ("chat/d", "D")]));
    assert_eq!(
        (addresses(&plan.added), addresses(&plan.lost)),
        (vec!["chat/d".to_owned()], vec!["chat/b".to_owned()])
    );
    assert!(!beside(&folder, ".rescue-1").exists());
}

#[tokio::test]
async fn a_rescue_file_alone_restores_the_whole_record() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    run_with_rescue(&store, || {
        for entry in fs::read_dir(folder.path()).expect("a folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("removed");
        }
    })
    .await;
    let (_, now) = repaired(&store).await;
    assert_eq!(now, rooms(&[("chat/a", "A"), ("chat/c", "C"), ("chat/d", "D")]));
}

#[tokio::test]
async fn a_rescue_file_is_merged_into_the_new_state_of_another_run() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    let first = locked(&store).await;
    first.append(vec![named("chat/d", "D")]).await.expect("durable");
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    let second = locked(&store).await;
    second.append(vec![named("chat/z", "Z")]).await.expect("durable");
    first.fold(LastCalls::new()).await.expect_err("the files are gone");
    fold(second).await;
    let (_, now) = repaired(&store).await;
    let all = [("chat/a", "A"), ("chat/b", "B"), ("chat/c", "C"), ("chat/d", "D"), ("chat/z", "Z")];
    assert_eq!(now, rooms(&all));
}

#[tokio::test]
async fn a_rescue_file_does_not_remove_a_room_that_was_recreated_later() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    run_with_rescue(&store, || fs::remove_file(beside(&folder, ".lock")).expect("removed")).await;
    let rescue = beside(&folder, ".rescue-1");
    let aside = folder.path().join("aside");
    fs::rename(&rescue, &aside).expect("aside");
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "recreated")]).await.expect("durable");
    fold(writer).await;
    fs::rename(&aside, &rescue).expect("back");
    let (_, now) = repaired(&store).await;
    assert_eq!(now[&address("chat/b")], record("recreated"));
    assert_eq!(now[&address("chat/d")], record("D"));
}

#[tokio::test]
async fn a_crash_during_a_repair_loses_nothing() {
    let folder = temporary();
    let prepared = temporary();
    let store = with_rooms(&prepared).await;
    run_with_rescue(&store, || fs::remove_file(beside(&prepared, ".lock")).expect("removed")).await;
    put(&state_in(&prepared), &text(&state_in(&prepared)).replace("\"chat/a\":", "\"chat/a"));
    let expected = rooms(&[("chat/a", "A"), ("chat/c", "C"), ("chat/d", "D")]);
    let disk = || {
        let disk = MemoryDisk::default();
        for suffix in ["", ".backup-2", ".rescue-1"] {
            let bytes = fs::read(beside(&prepared, suffix)).expect("a file");
            disk.put(&beside(&folder, suffix), &bytes);
        }
        disk
    };
    let on = |disk: &MemoryDisk| FileStore {
        disk: Arc::new(disk.clone()),
        ..FileStore::new(state_in(&folder))
    };
    for operations in 0.. {
        let disk = disk();
        let repair = find_repair(&on(&disk)).await.expect("something to repair");
        disk.fail_after(operations);
        let done = repair.write.await.is_ok();
        for crash in Crash::ALL {
            let store = on(&disk.after(crash));
            if let Some(repair) = find_repair(&store).await {
                repair.write.await.expect("written");
            }
            let now = store.read().await.expect("a sound state").recorded.rooms.clone();
            assert!(
                expected.iter().all(|(at, it)| now.get(at) == Some(it)),
                "{crash:?} after {operations}: {now:?}"
            );
        }
        if done {
            return assert!(operations > 8, "{operations}");
        }
    }
}
