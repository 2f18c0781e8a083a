//! Runs that crash after each of their file operations: the next run must find everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::{Address, ProviderIdentity, ProviderName, Recorded, RecordedRoom};
use crate::state::format::parse_state;
use crate::state::samples::{address, holder, identity, many, named, provider, record};
use crate::state::{Entry, StateError};

use super::super::fold::{self, Base};
use super::super::folder::Folder;
use super::super::load;
use super::super::memory_disk::{Crash, MemoryDisk};
use super::super::writer::{Writer, Written};

type Rooms = BTreeMap<Address, RecordedRoom>;
type Content = (BTreeMap<ProviderName, ProviderIdentity>, Rooms);

fn folder(disk: &MemoryDisk) -> Folder {
    Folder::of(Path::new("/memory/rooms.state.json"), Arc::new(disk.clone()))
}

fn recover(folder: &Folder) -> Result<Base, StateError> {
    fold::recover(folder, &|| Ok(()))
}

/// Starts a run: recovers the record, and returns its writer.
fn start(disk: &MemoryDisk) -> Result<Writer, StateError> {
    Ok(Writer::new(folder(disk), recover(&folder(disk))?, holder(1)))
}

fn append(writer: &mut Writer, batch: Vec<Entry>) -> Result<(), StateError> {
    let written: Vec<_> = batch.into_iter().map(|e| Written::of(e).expect("a text")).collect();
    writer.check_files()?;
    writer.write(&written)?;
    writer.accept(written);
    Ok(())
}

/// Returns the batches of six runs. One of them changes nothing in the end.
fn runs() -> Vec<Vec<Vec<Entry>>> {
    let chat = Entry::Provider(provider("chat"), identity());
    let intent = Entry::Intent(address("chat/b"), record("B?"));
    vec![
        vec![vec![chat], vec![named("chat/a", "A"), intent], vec![named("chat/b", "B")]],
        vec![vec![named("chat/c", "C")], vec![Entry::Removed(address("chat/a"))]],
        vec![vec![named("chat/d", "D")], vec![Entry::Removed(address("chat/d"))]],
        vec![vec![named("chat/b", "B2")]],
        vec![vec![named("chat/b", "B3")]],
        vec![vec![named("chat/b", "B4")]],
    ]
}

/// Returns the record before the first entry, and after each entry.
fn history() -> Vec<Content> {
    let (mut providers, mut rooms) = Content::default();
    let mut all = vec![Content::default()];
    for entry in runs().concat().concat() {
        match entry {
            Entry::Intent(at, record) | Entry::Result(at, record) => drop(rooms.insert(at, record)),
            Entry::Removed(at) => drop(rooms.remove(&at)),
            Entry::Provider(name, identity) => drop(providers.insert(name, identity)),
            Entry::ProviderRemoved(name) => drop(providers.remove(&name)),
            Entry::PlanCarriedOut(_) => {}
        }
        all.push((providers.clone(), rooms.clone()));
    }
    all
}

/// Executes the runs until the disk fails. Returns the numbers of acknowledged and attempted
/// entries.
fn execute(disk: &MemoryDisk) -> (usize, usize) {
    let (mut acknowledged, mut attempted) = (0, 0);
    let mut all = || -> Result<(), StateError> {
        for run in runs() {
            let mut writer = start(disk)?;
            writer.reserve(10)?;
            for batch in run {
                attempted += batch.len();
                let count = batch.len();
                append(&mut writer, batch)?;
                acknowledged += count;
            }
            writer.fold(&|| Ok(()))?;
        }
        Ok(())
    };
    drop(all());
    (acknowledged, attempted)
}

fn content(recorded: &Recorded) -> Content {
    (recorded.providers.clone(), recorded.rooms.clone())
}

fn copies(disk: &MemoryDisk) -> Vec<(u64, Recorded)> {
    let read = |(serial, path): (u64, PathBuf)| {
        let text = disk.read(&path).expect("a copy");
        (serial, parse_state(&text).expect("a whole copy"))
    };
    folder(disk).copies().expect("copies").into_iter().map(read).collect()
}

fn check(disk: &MemoryDisk, acknowledged: usize, attempted: usize, what: &str) {
    let history = history();
    let possible = &history[acknowledged..=attempted];
    let read = load::read(&folder(disk)).unwrap_or_else(|e| panic!("{what}: {e}")).recorded;
    assert!(possible.contains(&content(&read)), "{what}: read {:?}", read.rooms);
    for (serial, copy) in copies(disk) {
        assert!(history.contains(&content(&copy)) && copy.serial == serial, "{what}: {copy:?}");
    }
    let Base { recorded, fingerprint: _, stat: _, version: _, folded: _ } =
        recover(&folder(disk)).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(content(&recorded), content(&read), "{what}");
    let again = load::read(&folder(disk)).unwrap_or_else(|e| panic!("{what}: {e}")).recorded;
    assert_eq!(again, *recorded, "{what}");
    assert_eq!(disk.read(&folder(disk).journal), None, "{what}");
    if recorded.serial > 0 {
        let before = copies(disk).pop().expect("a copy of the state before");
        assert_eq!(before.0, recorded.serial - 1, "{what}");
        assert_ne!(content(&before.1), content(&recorded), "{what}");
    }
}

fn crash_after_each_operation(prepare: impl Fn(&MemoryDisk)) {
    let whole = MemoryDisk::default();
    prepare(&whole);
    let (acknowledged, attempted) = execute(&whole);
    assert_eq!((acknowledged, attempted), (history().len() - 1, history().len() - 1));
    for operations in 0..=whole.done() {
        let disk = MemoryDisk::default();
        prepare(&disk);
        disk.fail_after(operations);
        let (acknowledged, attempted) = execute(&disk);
        for crash in Crash::ALL {
            let what = format!("{crash:?} after {operations} operations");
            check(&disk.after(crash), acknowledged, attempted, &what);
        }
    }
}

#[test]
fn a_crash_after_any_operation_loses_nothing() {
    crash_after_each_operation(|_| {});
}

#[test]
fn a_crash_loses_nothing_on_a_disk_without_hard_links() {
    crash_after_each_operation(MemoryDisk::without_links);
}

/// Returns a record with other rooms and another lineage than the runs.
fn replacement() -> Recorded {
    Recorded { serial: 9, ..many(3) }
}

/// Executes the runs, then replaces the state in the middle of a further run.
fn execute_and_replace(disk: &MemoryDisk) -> Result<(), StateError> {
    execute(disk);
    let mut writer = start(disk)?;
    append(&mut writer, vec![named("chat/z", "Z")])?;
    writer.replace(replacement(), &|| Ok(()))?;
    append(&mut writer, vec![named("chat/y", "Y")])
}

#[test]
fn a_crash_during_a_replace_leaves_the_old_state_or_the_new_one() {
    let runs = MemoryDisk::default();
    execute(&runs);
    let whole = MemoryDisk::default();
    execute_and_replace(&whole).expect("replaced");
    let (_, before) = history().pop().expect("a history");
    let with = |rooms: &Rooms, at: &str, name: &str| {
        let mut rooms = rooms.clone();
        rooms.insert(address(at), record(name));
        rooms
    };
    let after = replacement().rooms;
    let possible =
        [with(&before, "chat/z", "Z"), with(&after, "chat/y", "Y"), before, after.clone()];
    for operations in runs.done()..=whole.done() {
        let disk = MemoryDisk::default();
        disk.fail_after(operations);
        drop(execute_and_replace(&disk));
        for crash in Crash::ALL {
            let what = format!("{crash:?} after {operations} operations");
            let disk = disk.after(crash);
            let read = load::read(&folder(&disk)).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(possible.contains(&read.recorded.rooms), "{what}: {:?}", read.recorded.rooms);
            let base = recover(&folder(&disk)).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(base.recorded.rooms, read.recorded.rooms, "{what}");
        }
    }
    let read = load::read(&folder(&whole)).expect("a state").recorded;
    assert_eq!((read.lineage, read.serial), (replacement().lineage, 9));
    assert!(folder(&whole).stat(&folder(&whole).copy(5)).expect("a stat").is_some(), "no copy");
}

#[test]
fn three_backup_copies_are_kept() {
    let disk = MemoryDisk::default();
    execute(&disk);
    let serials: Vec<_> = copies(&disk).into_iter().map(|(serial, _)| serial).collect();
    assert_eq!(serials, [2, 3, 4]);
    let recorded = load::read(&folder(&disk)).expect("a state").recorded;
    assert_eq!(recorded.serial, 5, "the run that changed nothing in the end saved nothing");
}

#[test]
fn copies_of_another_lineage_are_not_removed() {
    let disk = MemoryDisk::default();
    execute(&disk);
    let ours = disk.read(&folder(&disk).copy(4)).expect("a copy");
    for serial in 88..92 {
        disk.put(&folder(&disk).copy(serial), &ours);
    }
    execute(&disk);
    let copies = folder(&disk).copies().expect("copies");
    let serials: Vec<_> = copies.into_iter().map(|(serial, _)| serial).collect();
    assert_eq!(serials, [7, 8, 9, 88, 89, 90, 91]);
}

#[test]
fn a_journal_cut_at_any_byte_keeps_all_acknowledged_entries() {
    let disk = MemoryDisk::default();
    let folder = folder(&disk);
    let mut writer = start(&disk).expect("a base");
    let (mut ends, mut expected) = (Vec::new(), vec![Rooms::new()]);
    for name in ["A", "B", "C"] {
        append(&mut writer, vec![named("chat/a", name)]).expect("written");
        ends.push(disk.read(&folder.journal).expect("a journal").len());
        expected.push(Rooms::from([(address("chat/a"), record(name))]));
    }
    let whole = disk.read(&folder.journal).expect("a journal");
    for length in 0..=whole.len() {
        disk.put(&folder.journal, &whole[..length]);
        let acknowledged = ends.iter().filter(|end| **end <= length).count();
        let read = load::read(&folder).expect("a record").recorded;
        assert_eq!(read.rooms, expected[acknowledged], "{length}");
        let next = disk.after(Crash::Killed);
        let base = recover(&self::folder(&next)).expect("a base");
        assert_eq!(base.recorded.rooms, expected[acknowledged], "{length}");
    }
}
