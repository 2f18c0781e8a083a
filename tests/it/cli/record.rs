//! `state` and `import`: looking at the record, and mending it.

use super::desk::{Desk, THREE_ROOMS};

#[test]
fn the_record_is_listed_and_shown() {
    let desk = Desk::applied();
    let list = desk.run("state list").ends(0);
    assert_eq!(list.stdout, "chat/lobby\nchat/news\nchat/support\n");
    let show = desk.run("state show chat/lobby").ends(0);
    show.prints("\"Lobby\"").prints("\"welcome\"").prints("1h").prints("rooms.yaml");
    desk.run("state show chat/nowhere").ends(1).says("roomctl state list");
}

#[test]
fn the_record_is_found_without_the_file() {
    let desk = Desk::applied();
    let moved = desk.read("rooms.state.json");
    let elsewhere = Desk::empty();
    elsewhere.write("kept.json", &moved);
    elsewhere.run("state list --state kept.json").ends(0).prints("chat/lobby");
}

#[test]
fn a_room_is_taken_out_of_the_record_only_after_a_yes() {
    let desk = Desk::applied();
    let asked = desk.run("state rm chat/news").ends(3);
    asked.says("nobody's").says("--auto-approve");
    desk.run("state list").prints("chat/news");
    let removed = desk.run("state rm chat/news --auto-approve").ends(0);
    removed.prints("Removed:").prints("chat/news").prints("\"today\"");
    desk.run("state list").ends(0).keeps_from("chat/news");
    desk.run("state rm chat/news --auto-approve").ends(1).says("not recorded");
}

#[test]
fn a_room_that_exists_is_never_taken_silently_and_import_takes_it() {
    let desk = Desk::applied();
    desk.run("state rm chat/news --auto-approve").ends(0);
    let plan = desk.run("plan --refresh all").ends(0);
    plan.prints("Blocked").prints("roomctl import chat/news").prints("on_conflict: adopt");
    desk.run("import chat/news").ends(0).prints("Import: 1 recorded").says("assumed");
    desk.run("plan --refresh all --detailed-exitcode")
        .ends(0)
        .prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn import_takes_only_what_is_declared_and_there() {
    let desk = Desk::applied();
    desk.run("import chat/nowhere").ends(1).says("not declared");
    desk.run("import").ends(64);
    desk.edit("id: support", "id: helpdesk");
    desk.run("import --all-declared").prints("1 not there");
    desk.run("state list").keeps_from("chat/helpdesk");
}

#[test]
fn a_lost_state_is_found_again_by_asking_after_all_that_is_declared() {
    let desk = Desk::applied();
    for entry in ["rooms.state.json", "rooms.state.json.lock", "rooms.state.json.backup-0"] {
        std::fs::remove_file(desk.path(entry)).expect("a file of the state");
    }
    desk.run("import --all-declared").ends(0).prints("Import: 3 recorded");
    desk.run("plan --refresh all --detailed-exitcode")
        .ends(0)
        .prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_state_that_is_gone_while_its_copies_are_there_is_an_error() {
    let desk = Desk::applied();
    std::fs::remove_file(desk.path("rooms.state.json")).expect("the state");
    desk.run("plan").ends(1).says("rooms.state.json");
    desk.run("apply --auto-approve").ends(1);
    assert!(!desk.holds("rooms.state.json"), "a state was made up");
}

#[test]
fn the_record_is_readable_by_its_owner_only_and_holds_a_line_a_room() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(THREE_ROOMS);
    desk.run("apply --auto-approve").ends(0);
    let mode = std::fs::metadata(desk.path("rooms.state.json")).expect("the state").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let text = desk.read("rooms.state.json");
    assert_eq!(text.lines().filter(|line| line.starts_with("\"chat/")).count(), 3, "{text}");
}
