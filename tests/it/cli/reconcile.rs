//! `reconcile`: it recreates vanished rooms and repairs drift as last applied, and does nothing else.

use super::served::{SECRET, Served, Silent};
use super::test_dir::{THREE_ROOMS, TestDir, files_below};

/// Two rooms; the service destroys `short` after 15 minutes without people, and `long` after 3 hours.
const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
rooms:
- {id: long, name: Long, destroy_delay_time: 3h}
- {id: short, name: Short, destroy_delay_time: 15m, attributes: {topic: welcome}}
";

fn applied() -> TestDir {
    let dir = TestDir::with(ROOMS);
    dir.run("apply --auto-approve").exits(0);
    dir
}

#[test]
fn a_vanished_room_is_recreated_and_the_next_run_has_no_changes() {
    let dir = applied();
    dir.run("emulator advance 16m").exits(0);
    let ran = dir.run("reconcile").exits(0).stdout_has("recreate chat/short  vanished\n");
    ran.stdout_has("Applied: 1 recreated.");
    let idle = dir.run("reconcile").exits(0);
    assert_eq!(idle.stdout, "No changes: 2 rooms, 0 asked, on the built-in emulator.\n");
    assert_eq!(idle.stderr, "");
    let quiet = dir.run("reconcile --quiet --refresh all").exits(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    dir.run("drift").exits(0);
    dir.run("plan --refresh all --detailed-exitcode").exits(0);
}

#[test]
fn reconcile_ignores_unapplied_edits_of_the_files() {
    let dir = applied();
    dir.edit("name: Short", "name: Brief");
    dir.edit("topic: welcome", "topic: hello");
    dir.edit("- {id: long, name: Long, destroy_delay_time: 3h}", "- {id: new, name: New}");
    dir.run("emulator advance 16m").exits(0);
    let ran = dir.run("reconcile").exits(0).stdout_has("Applied: 1 recreated.");
    ran.stdout_has("3 unapplied changes in the files: left for apply").output_lacks("chat/new");
    dir.run("state show chat/short").exits(0).stdout_has("Short").stdout_has("welcome");
    dir.run("state list").exits(0).stdout_has("chat/long");
    let ran = dir.run("reconcile").exits(0).stdout_has("No changes: 2 rooms");
    ran.stdout_has("3 unapplied changes");
    assert_eq!(dir.run("reconcile -q").exits(0).stdout, "");
    dir.write("rooms.yaml", &ROOMS[..ROOMS.find("rooms:").expect("the rooms")]);
    dir.write("rooms.yaml", &(dir.read("rooms.yaml") + "rooms: []\n"));
    dir.run("reconcile --refresh all").exits(0).stdout_has("2 unapplied changes");
    dir.run("drift").exits(0);
}

#[test]
fn a_drifted_attribute_is_restored_and_foreign_ones_are_kept() {
    let (dir, other) = (TestDir::with(THREE_ROOMS), TestDir::empty());
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0);
    let theirs = "- {id: news, name: News, attributes: {topic: theirs, score: '7'}}\n";
    let adopting = "policy: {on_conflict: adopt}\nrooms:\n";
    let head = &THREE_ROOMS[..THREE_ROOMS.find("rooms:").expect("the rooms")];
    other.write("rooms.yaml", &format!("{head}{adopting}{theirs}"));
    served.run(&other, "apply --auto-approve").exits(0).stdout_has("1 adopted");
    let repaired = served.run(&dir, "reconcile --refresh all").exits(0);
    // The room is empty, but one of our attributes is still set: the service has not dropped them.
    repaired
        .stdout_has("attributes_drifted")
        .stdout_has("theirs")
        .stdout_has("Applied: 1 updated.");
    served.run(&dir, "reconcile --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    served.run(&dir, "drift --format json").exits(0).stdout_has("score");
}

#[test]
fn the_gate_holds_recreates_back_if_many_rooms_vanished() {
    let more = "  - {id: a, name: A}\n  - {id: b, name: B}\n";
    let dir = TestDir::with(&format!("{THREE_ROOMS}{more}"));
    dir.run("apply --auto-approve").exits(0);
    for name in files_below(&dir.path(".")) {
        if name.starts_with("rooms.emulator.json") {
            std::fs::remove_file(dir.path(&name)).expect("removed");
        }
    }
    let held = dir.run("reconcile --refresh all").exits(3).stdout_has("5 not tried");
    held.stdout_has("--allow-recreate 5");
    dir.run("reconcile --refresh all --allow-recreate 4").exits(3).stdout_has("--allow-recreate 5");
    let ran = dir.run("reconcile --refresh all --allow-recreate 5").exits(0);
    ran.stdout_has("Applied: 5 recreated.");
}

#[test]
fn json_output_is_one_event_per_line_ending_with_the_exit_code() {
    let dir = applied();
    dir.run("emulator advance 16m").exits(0);
    dir.edit("name: Long", "name: Longer");
    let lines = dir.run("reconcile --format json").exits(0).lines();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["plan", "step_started", "step_done", "summary"]);
    assert_eq!(lines[0]["steps"][0]["action"], "recreate");
    assert_eq!(lines[0]["findings"][0]["code"], "unapplied_changes");
    assert_eq!((&lines[3]["done"]["recreate"], &lines[3]["exit_code"]), (&1.into(), &0.into()));
    let wrong = dir.run("reconcile --format json --refresh now").exits(64).lines();
    assert_eq!((&wrong[0]["event"], &wrong[1]["exit_code"]), (&"error".into(), &64.into()));
}

#[test]
fn reconcile_exits_with_4_during_another_run() {
    let dir = TestDir::with(THREE_ROOMS);
    let silent = Silent::start();
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let mut command = dir.command("apply --auto-approve");
    let mut apply = command.envs(real).spawn().expect("apply starts");
    let _open = silent.called();
    dir.run_with(&real, "reconcile").exits(4).stderr_has("roomctl apply");
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
}

#[test]
fn invalid_files_and_states_are_errors() {
    let dir = applied();
    dir.edit("name: Short", "nmae: Short");
    dir.run("reconcile").exits(1).stderr_has("did you mean");
    dir.edit("nmae: Short", "name: Short");
    dir.write("rooms.state.json", "");
    dir.run("reconcile").exits(1).stderr_has("rooms.state.json");
    assert_eq!(dir.read("rooms.state.json"), "");
}
