//! The data file: the next command meets the same service, also after a crash.

use std::path::{Path, PathBuf};

use super::*;

/// A folder, and the data file in it.
pub(super) struct Place {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rooms.emulator.json");
        Self { _folder: folder, path }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.with_extension("json.log")
    }

    fn bytes(&self) -> [Vec<u8>; 2] {
        [&self.path, &self.log()].map(|path| std::fs::read(path).expect("a file"))
    }

    fn open(&self) -> Result<Hand, EmulatorError> {
        open(Data::File(self.path.clone()))
    }

    fn read(&self) -> Result<Hand, EmulatorError> {
        open(Data::ReadOnly(self.path.clone()))
    }
}

fn open(data: Data) -> Result<Hand, EmulatorError> {
    Hand::open(config(), data)
}

fn append(path: &Path, bytes: &[u8]) {
    let mut all = std::fs::read(path).expect("a file");
    all.extend(bytes);
    put(path, &all);
}

pub(super) fn put(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    std::fs::File::create(path).and_then(|mut file| file.write_all(bytes)).expect("written");
}

async fn some_world(place: &Place) -> Hand {
    let hand = place.open().expect("open");
    hand.register().await;
    for id in ["a", "b", "c"] {
        assert_eq!(hand.create(id, 3600).await, 0);
    }
    assert_eq!(code(&hand.get("DestroyRoom", "RoomId=b").await), 0);
    hand.emulator.enter(ZIM, APP, &room("c"), 5).expect("entered");
    hand.emulator.advance(Duration::from_mins(5)).expect("advanced");
    hand
}

#[tokio::test(start_paused = true)]
async fn the_next_command_meets_the_same_service() {
    let place = Place::new();
    let hand = some_world(&place).await;
    let before = hand.app();
    drop(hand);
    for _ in 0..2 {
        let hand = place.open().expect("open");
        assert_eq!(
            (hand.app().rooms, hand.app().users),
            (before.rooms.clone(), before.users.clone())
        );
        assert_eq!(hand.emulator.now(), hand.clock.now().plus(Duration::from_mins(5)));
        hand.emulator.fold().expect("folded");
    }
}

#[tokio::test(start_paused = true)]
async fn the_files_are_private_and_the_snapshot_is_one_json_document() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let hand = some_world(&place).await;
    hand.emulator.fold().expect("folded");
    let [snapshot, log] = place.bytes();
    let document: Value = serde_json::from_slice(&snapshot).expect("JSON");
    assert_eq!((&document["version"], document["serial"].as_u64()), (&json!(1), Some(7)));
    assert!(log.is_empty());
    for path in [&place.path, &place.log()] {
        let mode = std::fs::metadata(path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test(start_paused = true)]
async fn only_one_may_write() {
    let place = Place::new();
    let hand = place.open().expect("open");
    let error = place.open().err().expect("locked");
    assert!(matches!(error, EmulatorError::Locked { .. }), "{error}");
    drop(hand);
    assert!(place.open().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_byte_loses_only_what_was_not_answered() {
    let place = Place::new();
    drop(some_world(&place).await);
    let [_, log] = place.bytes();
    let whole: Vec<usize> =
        log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(whole.len(), 7);
    for cut in 0..=log.len() {
        let place = Place::new();
        put(&place.log(), &log[..cut]);
        let hand = place.read().expect("readable");
        let lines = whole.iter().filter(|end| **end <= cut).count();
        let told = hand.app();
        assert_eq!(told.users.len(), usize::from(lines > 0));
        let rooms = [0, 0, 1, 2, 3, 2, 2, 2][lines];
        assert_eq!(told.rooms.len(), rooms, "cut at byte {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_torn_line_is_cut_off_before_anything_is_appended() {
    let place = Place::new();
    drop(some_world(&place).await);
    // The first open folds, so that the second torn line stands alone.
    for id in ["d", "e"] {
        append(&place.log(), b"{\"serial\":8,\"chan");
        let hand = place.open().expect("open");
        assert_eq!(hand.create(id, 3600).await, 0);
        let before = hand.app().rooms;
        drop(hand);
        assert_eq!(place.open().expect("open").app().rooms, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_two_halves_of_a_fold_does_no_harm() {
    let place = Place::new();
    let hand = some_world(&place).await;
    let before = hand.app().rooms;
    let [_, log] = place.bytes();
    hand.emulator.fold().expect("folded");
    drop(hand);
    put(&place.log(), &log);
    assert_eq!(place.read().expect("readable").app().rooms, before);
    assert_eq!(place.open().expect("open").app().rooms, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_folded_while_someone_reads_is_not_undone() {
    let place = Place::new();
    let hand = some_world(&place).await;
    let (before, [_, log]) = (hand.app().rooms, place.bytes());
    hand.emulator.fold().expect("folded");
    drop(hand);
    // The log as a reader found it before room b was destroyed, the snapshot as it is since.
    let early: Vec<u8> =
        log.split_inclusive(|byte| *byte == b'\n').take(4).flatten().copied().collect();
    put(&place.log(), &early);
    assert_eq!(place.read().expect("readable").app().rooms, before);
}

#[tokio::test(start_paused = true)]
async fn damage_is_named_with_its_line_and_nothing_is_overwritten() {
    let lines = |place: &Place| std::fs::read_to_string(place.log()).expect("a log");
    let place = Place::new();
    drop(some_world(&place).await);
    let log = lines(&place);
    let third = log.lines().nth(2).expect("a line");
    for (damaged, line) in [
        (log.replace(third, "{}"), 3),
        (log.replace(&format!("{third}\n"), ""), 3),
        (log.replace(third, "\0\0\0"), 3),
    ] {
        put(&place.log(), damaged.as_bytes());
        let before = place.bytes();
        for error in [place.open().err(), place.read().err()] {
            let error = error.expect("damaged");
            assert!(
                matches!(error, EmulatorError::Damaged { line: at, .. } if at == line),
                "{error}"
            );
        }
        assert_eq!(place.bytes(), before);
    }
    for snapshot in ["", "{", "{\"version\":1}", "{\"version\":2,\"serial\":0,\"world\":[]}"] {
        put(&place.path, snapshot.as_bytes());
        assert!(place.open().is_err(), "{snapshot}");
        assert_eq!(place.bytes()[0], snapshot.as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_without_its_snapshot_is_damage() {
    let place = Place::new();
    let hand = some_world(&place).await;
    hand.emulator.fold().expect("folded");
    hand.create("d", 3600).await;
    drop(hand);
    std::fs::remove_file(&place.path).expect("removed");
    assert!(matches!(place.open().err(), Some(EmulatorError::Damaged { line: 1, .. })));
}

#[tokio::test(start_paused = true)]
async fn who_only_reads_leaves_every_byte_as_it_was() {
    let place = Place::new();
    let hand = some_world(&place).await;
    let before = place.bytes();
    let reader = place.read().expect("beside a writer");
    reader.emulator.fold().expect("nothing to do");
    assert_eq!(reader.people("c").await, 0);
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(reader.people("a").await, 660_300_001, "its time has passed in memory");
    assert_eq!(reader.create("d", 60).await, 3);
    assert!(matches!(reader.emulator.enter(ZIM, APP, &room("c"), 1), Err(EmulatorError::ReadOnly)));
    assert!(matches!(reader.emulator.advance(Duration::ZERO), Err(EmulatorError::ReadOnly)));
    drop(reader);
    assert_eq!(place.bytes(), before);
    drop(hand);
}

#[tokio::test(start_paused = true)]
async fn who_only_reads_makes_no_file() {
    let place = Place::new();
    let reader = place.read().expect("an empty world");
    assert!(reader.app().rooms.is_empty());
    assert!(!place.path.exists() && !place.log().exists());
}

#[tokio::test(start_paused = true)]
async fn many_creates_fold_now_and_then_and_lose_nothing() {
    let place = Place::new();
    let mut fast = config();
    fast.rate_limits.insert(Action::CreateRoom, u32::MAX);
    let hand = Hand::open(fast, Data::File(place.path.clone())).expect("open");
    hand.register().await;
    for n in 0..900 {
        assert_eq!(hand.create(&format!("room-{n}"), 10_800).await, 0);
    }
    let [snapshot, log] = place.bytes().map(|text| text.split(|b| *b == b'\n').count());
    // Folded at 256 lines, and then only when the log was as long as the snapshot.
    assert!((510..530).contains(&snapshot) && (370..400).contains(&log), "{snapshot} {log}");
    drop(hand);
    assert_eq!(place.read().expect("readable").app().rooms.len(), 900);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_written_is_named() {
    let place = Place::new();
    let missing = place.path.join("no-folder");
    let error = open(Data::File(missing)).err().expect("no folder");
    assert!(matches!(error, EmulatorError::File { doing: "open", .. }), "{error}");
}

/// Occupies the storage, as a slow disk does, until the sender is dropped.
async fn slow_disk(hand: &Hand) -> std::sync::mpsc::Sender<()> {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (occupied, is_occupied) = tokio::sync::oneshot::channel();
    let emulator = hand.emulator.clone();
    tokio::task::spawn_blocking(move || {
        let (storage, core) = emulator.parts();
        drop(core);
        occupied.send(()).expect("someone waits");
        // Not without end: a change that waits on the worker fails the test instead of hanging it.
        assert!(released.recv_timeout(Duration::from_secs(10)).is_err());
        drop(storage);
    });
    is_occupied.await.expect("occupied");
    release
}

#[tokio::test]
async fn what_only_reads_is_answered_while_a_change_waits_for_the_disk() {
    let place = Place::new();
    let hand = some_world(&place).await;
    let disk = slow_disk(&hand).await;
    let creating = tokio::spawn({
        let hand = hand.clone();
        async move { hand.create("d", 60).await }
    });
    // The runtime has one worker, and each read queues behind what was spawned before it.
    for _ in 0..5 {
        assert_eq!(hand.people("c").await, 0);
    }
    assert!(!creating.is_finished());
    drop(disk);
    assert_eq!(creating.await.expect("no panic"), 0);
    assert!(hand.has("d"));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_stored_is_not_made() {
    let place = Place::new();
    let hand = some_world(&place).await;
    let before = hand.app().rooms;
    let full = std::fs::OpenOptions::new().append(true).open("/dev/full");
    let mut file = full.expect("a full disk");
    let mut swap = || hand.emulator.parts().0.swap(&mut file);
    swap();
    assert_eq!(hand.create("d", 60).await, 105_001);
    swap();
    assert_eq!(hand.create("d", 60).await, 105_001, "what is in the file is not known any more");
    assert!(hand.emulator.enter(ZIM, APP, &room("c"), 1).is_err());
    assert_eq!(hand.people("c").await, 0);
    assert_eq!(hand.app().rooms, before);
}
