//! `reconcile`: it recreates vanished rooms and repairs drift as last applied, and does nothing else.

use super::desk::{Desk, THREE_ROOMS, files_below};
use super::served::{SECRET, Served, Silent};

/// Two rooms; the service destroys `short` after 15 minutes without people, and `long` after 3 hours.
const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
rooms:
- {id: long, name: Long, destroy_delay_time: 3h}
- {id: short, name: Short, destroy_delay_time: 15m, attributes: {topic: welcome}}
";

fn applied() -> Desk {
    let desk = Desk::with(ROOMS);
    desk.run("apply --auto-approve").ends(0);
    desk
}

#[test]
fn a_vanished_room_is_recreated_and_the_next_run_has_no_changes() {
    let desk = applied();
    desk.run("emulator advance 16m").ends(0);
    let ran = desk.run("reconcile").ends(0).prints("recreate chat/short  vanished\n");
    ran.prints("Applied: 1 recreated.");
    let idle = desk.run("reconcile").ends(0);
    assert_eq!(idle.stdout, "No changes: 2 rooms, 0 asked, on the built-in emulator.\n");
    assert_eq!(idle.stderr, "");
    let quiet = desk.run("reconcile --quiet --refresh all").ends(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    desk.run("drift").ends(0);
    desk.run("plan --refresh all --detailed-exitcode").ends(0);
}

#[test]
fn reconcile_ignores_unapplied_edits_of_the_files() {
    let desk = applied();
    desk.edit("name: Short", "name: Brief");
    desk.edit("topic: welcome", "topic: hello");
    desk.edit("- {id: long, name: Long, destroy_delay_time: 3h}", "- {id: new, name: New}");
    desk.run("emulator advance 16m").ends(0);
    let ran = desk.run("reconcile").ends(0).prints("Applied: 1 recreated.");
    ran.prints("3 unapplied changes in the files: left for apply").keeps_from("chat/new");
    desk.run("state show chat/short").ends(0).prints("Short").prints("welcome");
    desk.run("state list").ends(0).prints("chat/long");
    let ran = desk.run("reconcile").ends(0).prints("No changes: 2 rooms");
    ran.prints("3 unapplied changes");
    assert_eq!(desk.run("reconcile -q").ends(0).stdout, "");
    desk.write("rooms.yaml", &ROOMS[..ROOMS.find("rooms:").expect("the rooms")]);
    desk.write("rooms.yaml", &(desk.read("rooms.yaml") + "rooms: []\n"));
    desk.run("reconcile --refresh all").ends(0).prints("2 unapplied changes");
    desk.run("drift").ends(0);
}

#[test]
fn a_drifted_attribute_is_restored_and_foreign_ones_are_kept() {
    let (desk, other) = (Desk::with(THREE_ROOMS), Desk::empty());
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0);
    let theirs = "- {id: news, name: News, attributes: {topic: theirs, score: '7'}}\n";
    let adopting = "policy: {on_conflict: adopt}\nrooms:\n";
    let head = &THREE_ROOMS[..THREE_ROOMS.find("rooms:").expect("the rooms")];
    other.write("rooms.yaml", &format!("{head}{adopting}{theirs}"));
    served.run(&other, "apply --auto-approve").ends(0).prints("1 adopted");
    let repaired = served.run(&desk, "reconcile --refresh all").ends(0);
    // The room is empty, but one of our attributes is still set: the service has not dropped them.
    repaired.prints("attributes_drifted").prints("theirs").prints("Applied: 1 updated.");
    served.run(&desk, "reconcile --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    served.run(&desk, "drift --format json").ends(0).prints("score");
}

#[test]
fn the_gate_holds_recreates_back_if_many_rooms_vanished() {
    let more = "  - {id: a, name: A}\n  - {id: b, name: B}\n";
    let desk = Desk::with(&format!("{THREE_ROOMS}{more}"));
    desk.run("apply --auto-approve").ends(0);
    for name in files_below(&desk.path(".")) {
        if name.starts_with("rooms.emulator.json") {
            std::fs::remove_file(desk.path(&name)).expect("removed");
        }
    }
    let held = desk.run("reconcile --refresh all").ends(3).prints("5 not tried");
    held.prints("--allow-recreate 5");
    desk.run("reconcile --refresh all --allow-recreate 4").ends(3).prints("--allow-recreate 5");
    let ran = desk.run("reconcile --refresh all --allow-recreate 5").ends(0);
    ran.prints("Applied: 5 recreated.");
}

#[test]
fn json_output_is_one_event_per_line_ending_with_the_exit_code() {
    let desk = applied();
    desk.run("emulator advance 16m").ends(0);
    desk.edit("name: Long", "name: Longer");
    let lines = desk.run("reconcile --format json").ends(0).lines();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["plan", "step_started", "step_done", "summary"]);
    assert_eq!(lines[0]["steps"][0]["action"], "recreate");
    assert_eq!(lines[0]["findings"][0]["code"], "unapplied_changes");
    assert_eq!((&lines[3]["done"]["recreate"], &lines[3]["exit_code"]), (&1.into(), &0.into()));
    let wrong = desk.run("reconcile --format json --refresh now").ends(64).lines();
    assert_eq!((&wrong[0]["event"], &wrong[1]["exit_code"]), (&"error".into(), &64.into()));
}

#[test]
fn reconcile_exits_with_4_during_another_run() {
    let desk = Desk::with(THREE_ROOMS);
    let silent = Silent::start();
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let mut command = desk.command("apply --auto-approve");
    let mut apply = command.envs(real).spawn().expect("apply starts");
    let _open = silent.called();
    desk.run_with(&real, "reconcile").ends(4).says("roomctl apply");
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
}

#[test]
fn invalid_files_and_states_are_errors() {
    let desk = applied();
    desk.edit("name: Short", "nmae: Short");
    desk.run("reconcile").ends(1).says("did you mean");
    desk.edit("nmae: Short", "name: Short");
    desk.write("rooms.state.json", "");
    desk.run("reconcile").ends(1).says("rooms.state.json");
    assert_eq!(desk.read("rooms.state.json"), "");
}
