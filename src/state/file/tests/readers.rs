//! Readers without a lock, while another run folds between any two of their operations.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::state::Entry;
use crate::state::samples::{address, holder, named};

use super::super::disk::{Disk, Input, Output, Stat};
use super::super::fold::recover;
use super::super::folder::Folder;
use super::super::load;
use super::super::memory_disk::MemoryDisk;
use super::super::writer::{Writer, Written};

/// A disk that calls a function with the operation's number before each operation of a reader.
struct RacingDisk<F> {
    disk: MemoryDisk,
    operations: AtomicUsize,
    before: F,
}

impl<F: Fn(usize) + Send + Sync> RacingDisk<F> {
    fn operation(&self) {
        (self.before)(self.operations.fetch_add(1, Ordering::SeqCst));
    }
}

impl<F: Fn(usize) + Send + Sync> Disk for RacingDisk<F> {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>> {
        self.operation();
        self.disk.open(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.operation();
        self.disk.stat(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.operation();
        self.disk.names(folder)
    }

    fn create(&self, _path: &Path) -> io::Result<Box<dyn Output>> {
        panic!("a reader writes nothing")
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        panic!("a reader writes nothing")
    }

    fn link(&self, _file: &Path, _name: &Path) -> io::Result<()> {
        panic!("a reader writes nothing")
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        panic!("a reader writes nothing")
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        panic!("a reader writes nothing")
    }
}

fn folder(disk: Arc<dyn Disk>) -> Folder {
    Folder::of(Path::new("/memory/rooms.state.json"), disk)
}

fn written(entry: Entry) -> Vec<Written> {
    vec![Written::of(entry).expect("a text")]
}

/// Performs a run that folds the journal of an earlier run, records room `n`, and crashes before
/// its own fold.
fn run(disk: &MemoryDisk, n: usize) {
    let folder = folder(Arc::new(disk.clone()));
    let base = recover(&folder, &|| Ok(())).expect("a base");
    let mut writer = Writer::new(folder.clone(), base, holder(1));
    writer.write(&written(named(&format!("chat/{n}"), "N"))).expect("durable");
}

/// Performs a run that folds everything.
fn fold(disk: &MemoryDisk, n: usize) {
    run(disk, n);
    recover(&folder(Arc::new(disk.clone())), &|| Ok(())).expect("a base");
}

/// Reads while `happens` runs before operation `at`. Checks that no room of the earlier runs is
/// missing.
fn race(runs: usize, at: usize, happens: impl Fn(&MemoryDisk) + Send + Sync + 'static) {
    let disk = MemoryDisk::default();
    (0..runs).for_each(|n| run(&disk, n));
    let meanwhile = disk.clone();
    let before = move |operation| {
        if operation == at {
            happens(&meanwhile);
        }
    };
    let racing = RacingDisk { disk, operations: AtomicUsize::new(0), before };
    let read = load::read(&folder(Arc::new(racing))).expect("a record").recorded;
    for n in 0..runs {
        let room = address(&format!("chat/{n}"));
        assert!(read.rooms.contains_key(&room), "room {n} of {runs}, at operation {at}");
    }
}

#[test]
fn a_reader_sees_every_earlier_room_while_other_runs_fold() {
    for runs in [0, 1, 3] {
        for at in 0..8 {
            race(runs, at, |disk| run(disk, 10));
            race(runs, at, |disk| fold(disk, 10));
            race(runs, at, |disk| (10..14).for_each(|n| fold(disk, n)));
            race(runs, at, |disk| (10..14).for_each(|n| run(disk, n)));
        }
    }
}
