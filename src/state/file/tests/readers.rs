//! A reader needs no lock: another run may fold between any two of its looks.

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

/// A disk on which something happens before each of a reader's first looks.
struct Racing<F> {
    disk: MemoryDisk,
    looks: AtomicUsize,
    before: F,
}

impl<F: Fn(usize) + Send + Sync> Racing<F> {
    fn look(&self) {
        (self.before)(self.looks.fetch_add(1, Ordering::SeqCst));
    }
}

impl<F: Fn(usize) + Send + Sync> Disk for Racing<F> {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>> {
        self.look();
        self.disk.open(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.look();
        self.disk.stat(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.look();
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

/// A run that records room `n`, folds what came before, and dies before it folds its own.
fn run(disk: &MemoryDisk, n: usize) {
    let folder = folder(Arc::new(disk.clone()));
    let base = recover(&folder, &|| Ok(())).expect("a base");
    let mut writer = Writer::new(folder.clone(), base, holder(1));
    writer.write(&written(named(&format!("chat/{n}"), "N"))).expect("durable");
}

/// A run that folds everything.
fn fold(disk: &MemoryDisk, n: usize) {
    run(disk, n);
    recover(&folder(Arc::new(disk.clone())), &|| Ok(())).expect("a base");
}

/// Reads while `happens` comes before look `at`; gives the rooms that were there before and read.
fn race(begun: usize, at: usize, happens: impl Fn(&MemoryDisk) + Send + Sync + 'static) {
    let disk = MemoryDisk::default();
    (0..begun).for_each(|n| run(&disk, n));
    let meanwhile = disk.clone();
    let before = move |look| {
        if look == at {
            happens(&meanwhile);
        }
    };
    let racing = Racing { disk, looks: AtomicUsize::new(0), before };
    let read = load::read(&folder(Arc::new(racing))).expect("a record").recorded;
    for n in 0..begun {
        let room = address(&format!("chat/{n}"));
        assert!(read.rooms.contains_key(&room), "room {n} of {begun}, at look {at}");
    }
}

#[test]
fn a_reader_misses_nothing_that_was_there_before_it_looked() {
    for begun in [0, 1, 3] {
        for at in 0..8 {
            race(begun, at, |disk| run(disk, 10));
            race(begun, at, |disk| fold(disk, 10));
            race(begun, at, |disk| (10..14).for_each(|n| fold(disk, n)));
            race(begun, at, |disk| (10..14).for_each(|n| run(disk, n)));
        }
    }
}
