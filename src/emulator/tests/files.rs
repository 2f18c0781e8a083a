//! The data file: locking, crashes, damage, folds and failed writes.

use std::path::{Path, PathBuf};

use super::*;

/// A temporary folder, and the path of the data file in it.
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

    fn open(&self) -> Result<TestClient, EmulatorError> {
        open(Data::File(self.path.clone()))
    }

    fn read(&self) -> Result<TestClient, EmulatorError> {
        open(Data::ReadOnly(self.path.clone()))
    }
}

fn open(data: Data) -> Result<TestClient, EmulatorError> {
    TestClient::open(config(), data)
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

async fn some_world(place: &Place) -> TestClient {
    let client = place.open().expect("open");
    client.register().await;
    for id in ["a", "b", "c"] {
        assert_eq!(client.create(id, 3600).await, 0);
    }
    assert_eq!(code(&client.get("DestroyRoom", "RoomId=b").await), 0);
    client.emulator.enter(ZIM, APP, &room("c"), 5).expect("entered");
    client.emulator.advance(Duration::from_mins(5)).expect("advanced");
    client
}

#[tokio::test(start_paused = true)]
async fn the_next_run_reads_the_same_rooms() {
    let place = Place::new();
    let client = some_world(&place).await;
    let before = client.app();
    drop(client);
    for _ in 0..2 {
        let client = place.open().expect("open");
        assert_eq!(
            (client.app().rooms, client.app().users),
            (before.rooms.clone(), before.users.clone())
        );
        assert_eq!(client.emulator.now(), client.clock.now().plus(Duration::from_mins(5)));
        client.emulator.fold().expect("folded");
    }
}

#[tokio::test(start_paused = true)]
async fn the_files_are_private_and_the_snapshot_is_one_json_document() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let client = some_world(&place).await;
    client.emulator.fold().expect("folded");
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
async fn only_one_process_may_write() {
    let place = Place::new();
    let client = place.open().expect("open");
    let error = place.open().err().expect("locked");
    assert!(matches!(error, EmulatorError::Locked { .. }), "{error}");
    drop(client);
    assert!(place.open().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_log_truncated_at_any_byte_loses_only_its_last_line() {
    let place = Place::new();
    drop(some_world(&place).await);
    let [_, log] = place.bytes();
    let line_ends: Vec<usize> =
        log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(line_ends.len(), 7);
    for cut in 0..=log.len() {
        let place = Place::new();
        put(&place.log(), &log[..cut]);
        let client = place.read().expect("readable");
        let lines = line_ends.iter().filter(|end| **end <= cut).count();
        let app = client.app();
        assert_eq!(app.users.len(), usize::from(lines > 0));
        let rooms = [0, 0, 1, 2, 3, 2, 2, 2][lines];
        assert_eq!(app.rooms.len(), rooms, "truncated at byte {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_torn_line_is_removed_before_a_line_is_appended() {
    let place = Place::new();
    drop(some_world(&place).await);
    // The first open folds, so that the second torn line is the only line.
    for id in ["d", "e"] {
        append(&place.log(), b"{\"serial\":8,\"chan");
        let client = place.open().expect("open");
        assert_eq!(client.create(id, 3600).await, 0);
        let before = client.app().rooms;
        drop(client);
        assert_eq!(place.open().expect("open").app().rooms, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_a_fold_empties_the_log_loses_nothing() {
    let place = Place::new();
    let client = some_world(&place).await;
    let before = client.app().rooms;
    let [_, log] = place.bytes();
    client.emulator.fold().expect("folded");
    drop(client);
    put(&place.log(), &log);
    assert_eq!(place.read().expect("readable").app().rooms, before);
    assert_eq!(place.open().expect("open").app().rooms, before);
}

#[tokio::test(start_paused = true)]
async fn a_reader_with_an_old_log_and_a_new_snapshot_reads_the_new_state() {
    let place = Place::new();
    let client = some_world(&place).await;
    let (before, [_, log]) = (client.app().rooms, place.bytes());
    client.emulator.fold().expect("folded");
    drop(client);
    // The log as it was read before room b was destroyed, and the snapshot after that.
    let early: Vec<u8> =
        log.split_inclusive(|byte| *byte == b'\n').take(4).flatten().copied().collect();
    put(&place.log(), &early);
    assert_eq!(place.read().expect("readable").app().rooms, before);
}

#[tokio::test(start_paused = true)]
async fn damage_is_reported_with_its_line_and_nothing_is_overwritten() {
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
async fn a_log_without_its_snapshot_is_damaged() {
    let place = Place::new();
    let client = some_world(&place).await;
    client.emulator.fold().expect("folded");
    client.create("d", 3600).await;
    drop(client);
    std::fs::remove_file(&place.path).expect("removed");
    assert!(matches!(place.open().err(), Some(EmulatorError::Damaged { line: 1, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_read_only_emulator_changes_no_byte() {
    let place = Place::new();
    let client = some_world(&place).await;
    let before = place.bytes();
    let reader = place.read().expect("beside a writer");
    reader.emulator.fold().expect("nothing to do");
    assert_eq!(reader.people("c").await, 0);
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(reader.people("a").await, 660_300_001, "the room has not ended in memory");
    assert_eq!(reader.create("d", 60).await, 3);
    assert!(matches!(reader.emulator.enter(ZIM, APP, &room("c"), 1), Err(EmulatorError::ReadOnly)));
    assert!(matches!(reader.emulator.advance(Duration::ZERO), Err(EmulatorError::ReadOnly)));
    drop(reader);
    assert_eq!(place.bytes(), before);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_read_only_emulator_creates_no_file() {
    let place = Place::new();
    let reader = place.read().expect("an empty world");
    assert!(reader.app().rooms.is_empty());
    assert!(!place.path.exists() && !place.log().exists());
}

#[tokio::test(start_paused = true)]
async fn many_creates_fold_the_log_rarely_and_lose_nothing() {
    let place = Place::new();
    let mut fast = config();
    fast.rate_limits.insert(Action::CreateRoom, u32::MAX);
    let client = TestClient::open(fast, Data::File(place.path.clone())).expect("open");
    client.register().await;
    for n in 0..900 {
        assert_eq!(client.create(&format!("room-{n}"), 10_800).await, 0);
    }
    let [snapshot, log] = place.bytes().map(|text| text.split(|b| *b == b'\n').count());
    // The log is folded at 256 lines, and then only when it is as long as the snapshot.
    assert!((510..530).contains(&snapshot) && (370..400).contains(&log), "{snapshot} {log}");
    drop(client);
    assert_eq!(place.read().expect("readable").app().rooms.len(), 900);
}

#[tokio::test(start_paused = true)]
async fn a_data_file_that_cannot_be_opened_is_an_error() {
    let place = Place::new();
    let missing = place.path.join("no-folder");
    let error = open(Data::File(missing)).err().expect("no folder");
    assert!(matches!(error, EmulatorError::File { doing: "open", .. }), "{error}");
}

/// Locks the storage, like a write to a slow disk, until the returned sender is dropped.
async fn slow_disk(client: &TestClient) -> std::sync::mpsc::Sender<()> {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let emulator = client.emulator.clone();
    tokio::task::spawn_blocking(move || {
        let (storage, core) = emulator.parts();
        drop(core);
        locked.send(()).expect("the test waits");
        // With a time-out, so that a change that blocks the worker fails the test instead of hanging it.
        assert!(released.recv_timeout(Duration::from_secs(10)).is_err());
        drop(storage);
    });
    is_locked.await.expect("locked");
    release
}

#[tokio::test]
async fn queries_are_answered_while_a_change_waits_for_the_disk() {
    let place = Place::new();
    let client = some_world(&place).await;
    let disk = slow_disk(&client).await;
    let creating = tokio::spawn({
        let client = client.clone();
        async move { client.create("d", 60).await }
    });
    // The runtime has one worker, so each query waits for the tasks that were spawned before it.
    for _ in 0..5 {
        assert_eq!(client.people("c").await, 0);
    }
    assert!(!creating.is_finished());
    drop(disk);
    assert_eq!(creating.await.expect("no panic"), 0);
    assert!(client.has("d"));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_stored_is_not_applied() {
    let place = Place::new();
    let client = some_world(&place).await;
    let before = client.app().rooms;
    let full = std::fs::OpenOptions::new().append(true).open("/dev/full");
    let mut file = full.expect("a full disk");
    let mut swap = || client.emulator.parts().0.swap(&mut file);
    swap();
    assert_eq!(client.create("d", 60).await, 105_001);
    swap();
    assert_eq!(client.create("d", 60).await, 105_001, "a write after a failed one succeeded");
    assert!(client.emulator.enter(ZIM, APP, &room("c"), 1).is_err());
    assert_eq!(client.people("c").await, 0);
    assert_eq!(client.app().rooms, before);
}
