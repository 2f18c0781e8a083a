//! Files of the state that are removed, replaced, edited or odd, while a command runs and before it.

use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command};

use super::desk::{Desk, Ran, THREE_ROOMS};
use super::served::{SECRET, Served, Silent};

/// So many rooms at a service whose answers take a while.
const ROOMS: usize = 60;

fn fleet(rooms: usize) -> String {
    let mut text = THREE_ROOMS[..THREE_ROOMS.find("rooms:").expect("rooms")].to_owned();
    text.push_str("rooms:\n");
    for n in 0..rooms {
        writeln!(text, "  - {{id: room-{n:03}, name: Room {n}}}").expect("a string takes it");
    }
    text
}

/// Starts an apply, and waits until so many lines stand in its journal.
fn started(desk: &Desk, served: &Served, lines: usize) -> Child {
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

fn ended(child: Child) -> Ran {
    Ran::new("apply", child.wait_with_output().expect("the run ends"))
}

fn remove(desk: &Desk, name: &str) {
    fs::remove_file(desk.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn remove_all(desk: &Desk) {
    for entry in fs::read_dir(desk.path(".")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.starts_with("rooms.state.json") {
            // The run may be faster with one of them.
            drop(fs::remove_file(desk.path(&name)));
        }
    }
}

/// After the repair everything that exists is recorded: what is left is created, and nothing is in
/// the way.
fn nothing_is_lost(desk: &Desk, served: &Served) {
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
fn files_removed_in_mid_run_lose_no_room() {
    let all = remove_all as fn(&Desk);
    let lock = |desk: &Desk| remove(desk, "rooms.state.json.lock");
    let journal = |desk: &Desk| remove(desk, "rooms.state.json.journal");
    for happens in [all, lock, journal] {
        let desk = Desk::with(&fleet(ROOMS));
        let served = Served::start(&desk, "--latency 200ms");
        let run = started(&desk, &served, 12);
        happens(&desk);
        let ran = ended(run).ends(5);
        ran.says("removed by something else").says("rooms.state.json.rescue-");
        nothing_is_lost(&desk, &served);
    }
}

#[test]
fn a_second_run_under_a_new_lock_loses_no_room() {
    let desk = Desk::with(&fleet(ROOMS));
    let served = Served::start(&desk, "--latency 200ms");
    let first = started(&desk, &served, 12);
    remove(&desk, "rooms.state.json.lock");
    // It may begin before the first has noticed, or be refused.
    served.run(&desk, "apply --auto-approve");
    ended(first).ends(5);
    nothing_is_lost(&desk, &served);
}

#[test]
fn a_run_that_is_under_way_is_told_and_not_unread() {
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
    first.kill().expect("the first run is ended");
    first.wait().expect("the first run has ended");
    let plan = desk.run_with(&real, "plan --refresh never").ends(5);
    plan.prints("Unread").keeps_from("Being changed by");
}

#[test]
fn a_state_edited_by_hand_is_refused_until_it_is_repaired() {
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
    assert!(desk.holds("rooms.state.json.damaged-2"), "what was there is kept");
}

#[test]
fn the_state_is_one_json_document_with_its_checksum_at_the_end() {
    let desk = Desk::applied();
    let text = desk.read("rooms.state.json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["version"], 2);
    let last = text.lines().last().expect("lines");
    assert!(last.starts_with("},\"checksum\":\"crc32:"), "{last}");
}

#[test]
fn nothing_but_regular_files_is_read_and_nothing_hangs() {
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
fn the_lock_is_never_taken_through_a_link() {
    let desk = Desk::applied();
    let lock = desk.path("rooms.state.json.lock");
    fs::remove_file(&lock).expect("the lock");
    std::os::unix::fs::symlink(desk.path("elsewhere"), &lock).expect("a link");
    desk.run("apply --auto-approve").ends(1).says("symbolic link");
    assert!(!desk.holds("elsewhere"));
}
