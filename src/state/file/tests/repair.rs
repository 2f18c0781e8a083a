//! What a repair makes of a state that is damaged, edited or missing, and of what lies beside it.

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

/// A store with the rooms `chat/a` to `chat/c`, the last one added in a run of its own.
async fn with_rooms(folder: &TempDir) -> FileStore {
    let store = with_a_room(folder).await;
    for (at, name) in [("chat/b", "B"), ("chat/c", "C")] {
        let writer = locked(&store).await;
        writer.append(vec![named(at, name)]).await.expect("durable");
        fold(writer).await;
    }
    store
}

async fn found(store: &FileStore) -> Option<Repair> {
    // What was dropped lets its files go a moment later.
    store.repair(holder(7), Duration::from_mins(1)).await.expect("a repair")
}

/// Repairs; gives what was planned, and the rooms then.
async fn repaired(store: &FileStore) -> (RepairPlan, Rooms) {
    assert!(store.read().await.is_err(), "there is something to repair");
    let repair = found(store).await.expect("something to repair");
    let plan = repair.plan.clone();
    assert!(store.read().await.is_err(), "nothing is written yet");
    let serial = repair.write.await.expect("written").serial;
    let recorded = store.read().await.expect("a sound state").recorded;
    assert_eq!((recorded.serial, recorded.rooms.len()), (serial, plan.rooms));
    assert_eq!(plan.serial, serial);
    assert!(found(store).await.is_none(), "there is nothing left to repair");
    fold(locked(store).await).await;
    (plan, recorded.rooms.clone())
}

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_repair_where_all_is_well() {
    let folder = temporary();
    assert!(found(&FileStore::new(state_in(&folder))).await.is_none(), "nothing at all");
    let store = with_rooms(&folder).await;
    assert!(found(&store).await.is_none());
    let writer = locked(&store).await;
    writer.append(vec![named("chat/d", "D")]).await.expect("durable");
    drop(writer);
    drop(locked(&store).await);
    assert!(found(&store).await.is_none());
}

#[tokio::test]
async fn an_edit_by_hand_is_accepted_and_what_was_there_is_kept() {
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
        // Cut: what only stood in what is gone is in no copy.
        (whole[..head_end + 9].to_owned(), &before),
        (String::new(), &before),
        ("\u{0}".repeat(100), &before),
    ] {
        put(&state_in(&folder), &damaged);
        let (_, now) = repaired(&store).await;
        assert_eq!(&now, expected, "{damaged}");
        // As before, for the next damage.
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

/// Both sides of a conflict that git left: one run added `chat/x`, another one `chat/y`.
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
async fn the_sides_of_a_conflict_are_put_together() {
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
async fn sides_of_different_states_are_not_put_together() {
    let folder = temporary();
    let store = conflict(&folder).await;
    let conflict = text(&state_in(&folder));
    put(&state_in(&folder), &conflict.replacen("\"lineage\":\"", "\"lineage\":\"0", 1));
    let error = store.repair(holder(7), NO_WAIT).await.map(drop).expect_err("two states");
    assert!(matches!(error, StateError::Unrepairable { .. }), "{error}");
    assert!(error.to_string().contains("git checkout --ours"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn every_whole_line_of_a_damaged_journal_is_taken() {
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
async fn a_state_that_nothing_names_is_not_made_up() {
    let folder = temporary();
    put(&state_in(&folder), "nothing that can be read");
    let store = FileStore::new(state_in(&folder));
    let error = store.repair(holder(7), NO_WAIT).await.map(drop).expect_err("nothing");
    assert!(matches!(error, StateError::Unrepairable { .. }), "{error}");
    assert_eq!(text(&state_in(&folder)), "nothing that can be read");
}

#[tokio::test]
async fn a_state_that_changes_while_the_question_is_open_is_left_alone() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    put(&state_in(&folder), &text(&state_in(&folder)).replace("\"B\"", "\"Hall\""));
    let repair = found(&store).await.expect("something to repair");
    put(&state_in(&folder), "meanwhile");
    let error = repair.write.await.expect_err("changed");
    assert!(matches!(error, StateError::Changed { .. }), "{error}");
    assert_eq!(text(&state_in(&folder)), "meanwhile");
}

/// A run of process 1 that has done something and whose files are taken away.
async fn robbed(store: &FileStore, rob: impl FnOnce()) {
    let writer = locked(store).await;
    let gone = Entry::Removed(address("chat/b"));
    writer.append(vec![named("chat/d", "D"), gone]).await.expect("durable");
    rob();
    let error = writer.fold(LastCalls::new()).await.expect_err("robbed");
    assert!(matches!(error, StateError::Rescued { .. }), "{error}");
}

#[tokio::test]
async fn a_rescue_file_is_merged_and_removed() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    robbed(&store, || fs::remove_file(beside(&folder, ".lock")).expect("removed")).await;
    let (plan, now) = repaired(&store).await;
    assert_eq!(now, rooms(&[("chat/a", "A"), ("chat/c", "C"), ("chat/d", "D")]));
    assert_eq!(
        (addresses(&plan.added), addresses(&plan.lost)),
        (vec!["chat/d".to_owned()], vec!["chat/b".to_owned()])
    );
    assert!(!beside(&folder, ".rescue-1").exists());
}

#[tokio::test]
async fn a_rescue_file_alone_brings_everything_back() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    robbed(&store, || {
        for entry in fs::read_dir(folder.path()).expect("a folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("removed");
        }
    })
    .await;
    let (_, now) = repaired(&store).await;
    assert_eq!(now, rooms(&[("chat/a", "A"), ("chat/c", "C"), ("chat/d", "D")]));
}

#[tokio::test]
async fn a_rescue_file_is_merged_into_the_new_state_that_another_run_has_begun() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    let first = locked(&store).await;
    first.append(vec![named("chat/d", "D")]).await.expect("durable");
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    let second = locked(&store).await;
    second.append(vec![named("chat/z", "Z")]).await.expect("durable");
    first.fold(LastCalls::new()).await.expect_err("robbed");
    fold(second).await;
    let (_, now) = repaired(&store).await;
    let all = [("chat/a", "A"), ("chat/b", "B"), ("chat/c", "C"), ("chat/d", "D"), ("chat/z", "Z")];
    assert_eq!(now, rooms(&all));
}

#[tokio::test]
async fn a_rescue_file_takes_no_room_out_that_a_later_run_made_again() {
    let folder = temporary();
    let store = with_rooms(&folder).await;
    robbed(&store, || fs::remove_file(beside(&folder, ".lock")).expect("removed")).await;
    let rescue = beside(&folder, ".rescue-1");
    let aside = folder.path().join("aside");
    fs::rename(&rescue, &aside).expect("aside");
    let writer = locked(&store).await;
    writer.append(vec![named("chat/b", "made again")]).await.expect("durable");
    fold(writer).await;
    fs::rename(&aside, &rescue).expect("back");
    let (_, now) = repaired(&store).await;
    assert_eq!(now[&address("chat/b")], record("made again"));
    assert_eq!(now[&address("chat/d")], record("D"));
}

#[tokio::test]
async fn a_crash_in_a_repair_loses_nothing() {
    let folder = temporary();
    let prepared = temporary();
    let store = with_rooms(&prepared).await;
    robbed(&store, || fs::remove_file(beside(&prepared, ".lock")).expect("removed")).await;
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
        let repair = found(&on(&disk)).await.expect("something to repair");
        disk.stop_after(operations);
        let done = repair.write.await.is_ok();
        for crash in Crash::ALL {
            let store = on(&disk.after(crash));
            if let Some(repair) = found(&store).await {
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
