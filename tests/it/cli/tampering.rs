//! Files of the state that are removed, replaced, edited or not regular, before and during a command.

use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command};

use super::served::{SECRET, Served, Silent};
use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};

/// Enough rooms for an apply to be still running when its files are removed.
const ROOMS: usize = 60;

/// Returns a rooms.yaml with this number of rooms.
fn fleet(rooms: usize) -> String {
    let mut text = THREE_ROOMS[..THREE_ROOMS.find("rooms:").expect("rooms")].to_owned();
    text.push_str("rooms:\n");
    for n in 0..rooms {
        writeln!(text, "  - {{id: room-{n:03}, name: Room {n}}}").expect("a string");
    }
    text
}

/// Starts an apply, and waits until its journal has this number of lines.
fn start_apply(dir: &TestDir, served: &Served, lines: usize) -> Child {
    let mut command = dir.command("apply --auto-approve");
    command.envs([("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)]);
    let child = command.spawn().expect("the run starts");
    let journal = dir.path("rooms.state.json.journal");
    let count = || fs::read(&journal).map_or(0, |text| text.split(|b| *b == b'\n').count());
    while count() < lines {
        std::thread::yield_now();
    }
    child
}

/// Waits for an apply to end.
fn finish(child: Child) -> CommandResult {
    CommandResult::new("apply", child.wait_with_output().expect("the run ends"))
}

fn remove(dir: &TestDir, name: &str) {
    fs::remove_file(dir.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// Removes every file of the state.
fn remove_all(dir: &TestDir) {
    for entry in fs::read_dir(dir.path(".")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.starts_with("rooms.state.json") {
            // The run may have removed one of them first.
            drop(fs::remove_file(dir.path(&name)));
        }
    }
}

/// Asserts that a repair records every existing room, and that an apply then creates the rest without a
/// conflict.
fn assert_no_room_lost(dir: &TestDir, served: &Served) {
    let refused =
        served.run(dir, "apply --auto-approve").exits(1).stderr_has("rooms.state.json.rescue-");
    refused.stderr_has("roomctl state repair");
    served.run(dir, "plan").exits(1).stderr_has("roomctl state repair");
    dir.run("state repair").exits(3).stdout_has("added").stderr_has("--auto-approve");
    dir.run("state repair --auto-approve").exits(0).stdout_has("Repaired: serial");
    dir.run("state repair").exits(0).stdout_has("Nothing to repair.");
    served.run(dir, "apply --auto-approve").exits(0);
    let after = served.run(dir, "plan --refresh all --detailed-exitcode").exits(0);
    after.stdout_has(&format!("No changes: {ROOMS} rooms"));
}

#[test]
fn removing_state_files_during_an_apply_loses_no_room() {
    let all = remove_all as fn(&TestDir);
    let lock = |dir: &TestDir| remove(dir, "rooms.state.json.lock");
    let journal = |dir: &TestDir| remove(dir, "rooms.state.json.journal");
    for removal in [all, lock, journal] {
        let dir = TestDir::with(&fleet(ROOMS));
        let served = Served::start(&dir, "--latency 200ms");
        let run = start_apply(&dir, &served, 12);
        removal(&dir);
        let ran = finish(run).exits(5);
        ran.stderr_has("removed by something else").stderr_has("rooms.state.json.rescue-");
        assert_no_room_lost(&dir, &served);
    }
}

#[test]
fn a_second_run_with_a_new_lock_file_loses_no_room() {
    let dir = TestDir::with(&fleet(ROOMS));
    let served = Served::start(&dir, "--latency 200ms");
    let first = start_apply(&dir, &served, 12);
    remove(&dir, "rooms.state.json.lock");
    // The second run may start before the first detects the removal, or be refused: both are correct.
    served.run(&dir, "apply --auto-approve");
    finish(first).exits(5);
    assert_no_room_lost(&dir, &served);
}

#[test]
fn a_plan_during_another_run_reports_it_and_no_unread_room() {
    let dir = TestDir::with(THREE_ROOMS);
    let silent = Silent::start();
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let mut first = dir.command("apply --auto-approve");
    let mut first = first.envs(real).spawn().expect("the first run starts");
    // The first call registers the operator; the creates come after it.
    drop(silent.called());
    let open = || dir.read("rooms.state.json.journal").contains("\"intent\"");
    let _open = silent.called();
    while !open() {
        std::thread::yield_now();
    }
    let by = format!("process {}", first.id());
    let plan = dir.run_with(&real, "plan --refresh never").exits(0);
    plan.stdout_has("Being changed by `roomctl apply`").stdout_has(&by).output_lacks("Unread");
    let json = dir.run_with(&real, "plan --refresh never --format json").exits(0).document();
    assert_eq!(json["unread"].as_array().map(Vec::len), Some(0), "{json}");
    assert_eq!(json["in_progress"]["by"]["pid"], first.id());
    dir.run("state list").exits(0).stderr_has("being changed by `roomctl apply`");
    first.kill().expect("the first run is killed");
    first.wait().expect("the first run has ended");
    let plan = dir.run_with(&real, "plan --refresh never").exits(5);
    plan.stdout_has("Unread").output_lacks("Being changed by");
}

#[test]
fn a_state_edited_by_hand_is_refused_until_repaired() {
    let dir = TestDir::applied();
    let text = dir.read("rooms.state.json");
    dir.write("rooms.state.json", &text.replace("\"today\"", "\"tomorrow\""));
    for command in
        ["plan", "apply --auto-approve", "state list", "state rm chat/news --auto-approve"]
    {
        let refused = dir.run(command).exits(1).stderr_has("it does not match its checksum");
        refused
            .stderr_has("line ")
            .stderr_has("rooms.state.json.backup-0")
            .stderr_has("roomctl state repair");
    }
    let shown = dir.run("state repair").exits(3);
    shown
        .stdout_has("Compared with the newest copy")
        .stdout_has("+ chat/news")
        .stderr_has("--auto-approve");
    dir.run("state repair --auto-approve").exits(0);
    dir.run("state show chat/news").exits(0).stdout_has("tomorrow");
    assert!(dir.holds("rooms.state.json.damaged-2"), "the damaged state was not kept");
}

#[test]
fn the_state_is_one_json_document_that_ends_with_its_checksum() {
    let dir = TestDir::applied();
    let text = dir.read("rooms.state.json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["version"], 2);
    let last = text.lines().last().expect("lines");
    assert!(last.starts_with("},\"checksum\":\"crc32:"), "{last}");
}

#[test]
fn a_state_file_that_is_not_regular_is_an_error() {
    let fifo = |dir: &TestDir, name: &str| {
        drop(fs::remove_file(dir.path(name)));
        let made = Command::new("mkfifo").arg(dir.path(name)).status().expect("mkfifo");
        assert!(made.success());
    };
    for name in ["rooms.state.json", "rooms.state.json.journal", "rooms.state.json.lock"] {
        let dir = TestDir::applied();
        fifo(&dir, name);
        for command in ["apply --auto-approve", "plan", "state list", "state repair --auto-approve"]
        {
            let refused = dir.run(command).exits(1);
            refused.stderr_has(name).stderr_has("it is not a regular file");
        }
    }
    let dir = TestDir::applied();
    fifo(&dir, "rooms.state.json.backup-0");
    dir.run("plan").exits(0);
    dir.write("rooms.state.json", "");
    dir.run("plan").exits(1).stderr_has("the file is empty");
}

#[test]
fn a_lock_file_that_is_a_symbolic_link_is_refused() {
    let dir = TestDir::applied();
    let lock = dir.path("rooms.state.json.lock");
    fs::remove_file(&lock).expect("the lock");
    std::os::unix::fs::symlink(dir.path("elsewhere"), &lock).expect("a link");
    dir.run("apply --auto-approve").exits(1).stderr_has("symbolic link");
    assert!(!dir.holds("elsewhere"));
}
