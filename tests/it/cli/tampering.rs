//! Files of the state that are removed, replaced, edited or not regular, before and during a command.

use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command};

use super::desk::{Desk, Ran, THREE_ROOMS};
use super::served::{SECRET, Served, Silent};

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
fn start_apply(desk: &Desk, served: &Served, lines: usize) -> Child {
    let mut command = desk.command("apply --auto-approve");
    command.envs([("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)]);
    let child = command.spawn().expect("the run starts");
    let journal = desk.path("rooms.state.json.journal");
    let count = || fs::read(&journal).map_or(0, |text| text.split(|b| *b == b'\n').count());
    while count() < lines {
        std::thread::yield_now();
    }
    child
}

/// Waits for an apply to end.
fn finish(child: Child) -> Ran {
    Ran::new("apply", child.wait_with_output().expect("the run ends"))
}

fn remove(desk: &Desk, name: &str) {
    fs::remove_file(desk.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// Removes every file of the state.
fn remove_all(desk: &Desk) {
    for entry in fs::read_dir(desk.path(".")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.starts_with("rooms.state.json") {
            // The run may have removed one of them first.
            drop(fs::remove_file(desk.path(&name)));
        }
    }
}

/// Asserts that a repair records every existing room, and that an apply then creates the rest without a
/// conflict.
fn assert_no_room_lost(desk: &Desk, served: &Served) {
    let refused = served.run(desk, "apply --auto-approve").ends(1).says("rooms.state.json.rescue-");
    refused.says("roomctl state repair");
    served.run(desk, "plan").ends(1).says("roomctl state repair");
    desk.run("state repair").ends(3).prints("added").says("--auto-approve");
    desk.run("state repair --auto-approve").ends(0).prints("Repaired: serial");
    desk.run("state repair").ends(0).prints("Nothing to repair.");
    served.run(desk, "apply --auto-approve").ends(0);
    let after = served.run(desk, "plan --refresh all --detailed-exitcode").ends(0);
    after.prints(&format!("No changes: {ROOMS} rooms"));
}

#[test]
fn removing_state_files_during_an_apply_loses_no_room() {
    let all = remove_all as fn(&Desk);
    let lock = |desk: &Desk| remove(desk, "rooms.state.json.lock");
    let journal = |desk: &Desk| remove(desk, "rooms.state.json.journal");
    for removal in [all, lock, journal] {
        let desk = Desk::with(&fleet(ROOMS));
        let served = Served::start(&desk, "--latency 200ms");
        let run = start_apply(&desk, &served, 12);
        removal(&desk);
        let ran = finish(run).ends(5);
        ran.says("removed by something else").says("rooms.state.json.rescue-");
        assert_no_room_lost(&desk, &served);
    }
}

#[test]
fn a_second_run_with_a_new_lock_file_loses_no_room() {
    let desk = Desk::with(&fleet(ROOMS));
    let served = Served::start(&desk, "--latency 200ms");
    let first = start_apply(&desk, &served, 12);
    remove(&desk, "rooms.state.json.lock");
    // The second run may start before the first detects the removal, or be refused: both are correct.
    served.run(&desk, "apply --auto-approve");
    finish(first).ends(5);
    assert_no_room_lost(&desk, &served);
}

#[test]
fn a_plan_during_another_run_reports_it_and_no_unread_room() {
    let desk = Desk::with(THREE_ROOMS);
    let silent = Silent::start();
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let mut first = desk.command("apply --auto-approve");
    let mut first = first.envs(real).spawn().expect("the first run starts");
    // The first call registers the operator; the creates come after it.
    drop(silent.called());
    let open = || desk.read("rooms.state.json.journal").contains("\"intent\"");
    let _open = silent.called();
    while !open() {
        std::thread::yield_now();
    }
    let by = format!("process {}", first.id());
    let plan = desk.run_with(&real, "plan --refresh never").ends(0);
    plan.prints("Being changed by `roomctl apply`").prints(&by).keeps_from("Unread");
    let json = desk.run_with(&real, "plan --refresh never --format json").ends(0).document();
    assert_eq!(json["unread"].as_array().map(Vec::len), Some(0), "{json}");
    assert_eq!(json["in_progress"]["by"]["pid"], first.id());
    desk.run("state list").ends(0).says("being changed by `roomctl apply`");
    first.kill().expect("the first run is killed");
    first.wait().expect("the first run has ended");
    let plan = desk.run_with(&real, "plan --refresh never").ends(5);
    plan.prints("Unread").keeps_from("Being changed by");
}

#[test]
fn a_state_edited_by_hand_is_refused_until_repaired() {
    let desk = Desk::applied();
    let text = desk.read("rooms.state.json");
    desk.write("rooms.state.json", &text.replace("\"today\"", "\"tomorrow\""));
    for command in
        ["plan", "apply --auto-approve", "state list", "state rm chat/news --auto-approve"]
    {
        let refused = desk.run(command).ends(1).says("it does not match its checksum");
        refused.says("line ").says("rooms.state.json.backup-0").says("roomctl state repair");
    }
    let shown = desk.run("state repair").ends(3);
    shown.prints("Compared with the newest copy").prints("+ chat/news").says("--auto-approve");
    desk.run("state repair --auto-approve").ends(0);
    desk.run("state show chat/news").ends(0).prints("tomorrow");
    assert!(desk.holds("rooms.state.json.damaged-2"), "the damaged state was not kept");
}

#[test]
fn the_state_is_one_json_document_that_ends_with_its_checksum() {
    let desk = Desk::applied();
    let text = desk.read("rooms.state.json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["version"], 2);
    let last = text.lines().last().expect("lines");
    assert!(last.starts_with("},\"checksum\":\"crc32:"), "{last}");
}

#[test]
fn a_state_file_that_is_not_regular_is_an_error() {
    let fifo = |desk: &Desk, name: &str| {
        drop(fs::remove_file(desk.path(name)));
        let made = Command::new("mkfifo").arg(desk.path(name)).status().expect("mkfifo");
        assert!(made.success());
    };
    for name in ["rooms.state.json", "rooms.state.json.journal", "rooms.state.json.lock"] {
        let desk = Desk::applied();
        fifo(&desk, name);
        for command in ["apply --auto-approve", "plan", "state list", "state repair --auto-approve"]
        {
            let refused = desk.run(command).ends(1);
            refused.says(name).says("it is not a regular file");
        }
    }
    let desk = Desk::applied();
    fifo(&desk, "rooms.state.json.backup-0");
    desk.run("plan").ends(0);
    desk.write("rooms.state.json", "");
    desk.run("plan").ends(1).says("the file is empty");
}

#[test]
fn a_lock_file_that_is_a_symbolic_link_is_refused() {
    let desk = Desk::applied();
    let lock = desk.path("rooms.state.json.lock");
    fs::remove_file(&lock).expect("the lock");
    std::os::unix::fs::symlink(desk.path("elsewhere"), &lock).expect("a link");
    desk.run("apply --auto-approve").ends(1).says("symbolic link");
    assert!(!desk.holds("elsewhere"));
}
