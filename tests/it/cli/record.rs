//! `state list`, `show`, `rm`, `fold` and `import`: reading and repairing the recorded rooms.

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Silent};

#[test]
fn state_list_and_show_print_the_record() {
    let desk = Desk::applied();
    let list = desk.run("state list").ends(0);
    assert_eq!(list.stdout, "chat/lobby\nchat/news\nchat/support\n");
    let show = desk.run("state show chat/lobby").ends(0);
    show.prints("\"Lobby\"").prints("\"welcome\"").prints("1h").prints("rooms.yaml");
    desk.run("state show chat/nowhere").ends(1).says("roomctl state list");
}

#[test]
fn state_list_needs_no_rooms_file_with_the_state_option() {
    let desk = Desk::applied();
    let moved = desk.read("rooms.state.json");
    let elsewhere = Desk::empty();
    elsewhere.write("kept.json", &moved);
    elsewhere.run("state list --state kept.json").ends(0).prints("chat/lobby");
}

#[test]
fn state_commands_ignore_findings_in_rooms() {
    let desk = Desk::applied();
    let (head, _) = THREE_ROOMS.split_once("rooms:").expect("rooms");
    for rooms in [
        "  - {id: lobby, nmae: Lobby}\n",
        "  - {id: lobby}\n  - {id: lobby}\n",
        "  - {id: [lobby\n  - \"\n",
        "- *unknown\n",
        " lobby\n",
        "",
    ] {
        desk.write("rooms.yaml", &format!("{head}rooms:\n{rooms}"));
        desk.run("validate").ends(1);
        desk.run("state list").ends(0).prints("chat/lobby");
        desk.run("state show chat/news").ends(0);
        desk.run("state rm chat/nowhere -y").ends(1).says("not recorded");
    }
}

#[test]
fn state_commands_report_findings_in_the_head_of_the_file() {
    let desk = Desk::applied();
    let elsewhere = THREE_ROOMS.replace("defaults:", "state: elsewhere.json\ndefaults:");
    desk.write("rooms.yaml", &elsewhere);
    assert_eq!(desk.run("state list").ends(0).stdout, "");
    for (right, wrong) in
        [("version: 1", "version: 2"), ("state: e", "state: ${HOME}"), ("kind: zim", "kind: zmi")]
    {
        desk.write("rooms.yaml", &elsewhere.replace(right, wrong));
        desk.run("state list").ends(1).says("rooms.yaml:");
    }
}

#[test]
fn state_rm_needs_approval() {
    let desk = Desk::applied();
    let asked = desk.run("state rm chat/news").ends(3);
    asked.says("unmanaged").says("--auto-approve");
    desk.run("state list").prints("chat/news");
    let removed = desk.run("state rm chat/news --auto-approve").ends(0);
    removed.prints("Removed:").prints("chat/news").prints("\"today\"");
    desk.run("state list").ends(0).keeps_from("chat/news");
    desk.run("state rm chat/news --auto-approve").ends(1).says("not recorded");
}

/// Rooms with a common prefix, and one whose id is a glob that matches another.
const TABLES: &str = "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}
defaults: {destroy_delay_time: 1h}
rooms: [{id: hall}, {id: table-1}, {id: table-2}, {id: 'table-[1]'}]
";

/// Returns a folder in which [`TABLES`] is applied.
fn tables() -> Desk {
    let desk = Desk::with(TABLES);
    desk.run("apply -y").ends(0);
    desk
}

#[test]
fn state_list_selects_by_addresses_and_globs() {
    let desk = tables();
    let list = |line: &str| desk.run(&format!("state list {line}")).ends(0).stdout;
    assert_eq!(list("chat/table-?"), "chat/table-1\nchat/table-2\n");
    assert_eq!(list("chat/hall chat/*1"), "chat/hall\nchat/table-1\n");
    assert_eq!(
        list("chat/table-[1]"),
        "chat/table-[1]\n",
        "a glob was preferred to an exact address"
    );
    assert_eq!(list("chat/table-[2]"), "chat/table-2\n");
    assert_eq!(list("*"), list(""));
    let json = desk.run("state list chat/t* --format json").ends(0).document();
    assert_eq!(json["rooms"].as_array().map(Vec::len), Some(3), "{json}");
    desk.run("state list chat/x*").ends(1).says("`chat/x*` matches no recorded room");
    desk.run("state list chat/[").ends(64).says("invalid glob `chat/[`");
    desk.run("state list hall").ends(64).says("PROVIDER/ROOM-ID");
}

#[test]
fn state_show_prints_several_rooms() {
    let desk = tables();
    let text = desk.run("state show chat/table-? chat/hall").ends(0).stdout;
    let shown: Vec<&str> = text.lines().filter(|line| line.starts_with("address")).collect();
    assert_eq!(shown.len(), 3, "{text}");
    assert!(text.contains("\n\naddress"), "no empty line between rooms: {text}");
    let one = desk.run("state show chat/hall --format json").ends(0).document();
    assert_eq!(one["address"], "chat/hall");
    for (line, number) in [("chat/hall chat/table-1", 2), ("chat/h*", 1), ("chat/*", 4)] {
        let json = desk.run(&format!("state show {line} --format json")).ends(0).document();
        assert_eq!(json["format_version"], 1);
        assert_eq!(json["rooms"].as_array().map(Vec::len), Some(number), "{line}: {json}");
        assert_eq!(json["rooms"][0]["address"], "chat/hall");
        assert_eq!(json["rooms"][0]["room"], one["room"]);
    }
    desk.run("state show chat/hall chat/nowhere").ends(1).says("chat/nowhere is not recorded");
    desk.run("state show").ends(64);
}

#[test]
fn state_rm_removes_several_rooms_or_none() {
    let desk = tables();
    let asked = desk.run("state rm chat/table-? chat/hall").ends(3).says("3 rooms");
    asked.says("chat/hall\nchat/table-1\nchat/table-2\n").says("nothing was removed");
    desk.run("state rm chat/hall chat/x*").ends(1).says("matches no recorded room");
    assert_eq!(desk.run("state list").stdout.lines().count(), 4, "a room was removed");
    let removed = desk.run("state rm chat/table-? chat/hall --yes").ends(0);
    removed.prints("Removed:").prints("chat/table-1").prints("chat/table-2").prints("chat/hall");
    assert_eq!(desk.run("state list").ends(0).stdout, "chat/table-[1]\n");
}

#[test]
fn y_and_yes_are_aliases_of_auto_approve() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("apply --yes").ends(0).prints("3 created");
    desk.run("state rm chat/news -y").ends(0);
    desk.edit("prevent_destroy: true", "prevent_destroy: false");
    desk.run("apply -y").prints("1 record");
    desk.run("destroy -y --allow-destroy 2").ends(0).prints("2 destroyed");
}

#[test]
fn state_fold_needs_neither_network_nor_credentials() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("state fold").ends(0).prints("Nothing to fold: there is no state");
    let silent = Silent::start();
    let mut apply = desk.command("apply --auto-approve");
    apply.env("ZIM_ENDPOINT", &silent.url).env("ZEGO_SERVER_SECRET", SECRET);
    let mut apply = apply.spawn().expect("apply starts");
    let call = silent.called();
    let held = desk.run_with(&[("ZIM_ENDPOINT", &silent.url)], "state fold").ends(4);
    held.says("locked by another run");
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);
    assert!(desk.holds("rooms.state.json.journal"), "there is no journal to fold");
    let environment = [("ZIM_ENDPOINT", silent.url.as_str())];
    let folded = desk.run_with(&environment, "state fold").ends(0);
    folded.prints(" from the journal into rooms.state.json, serial 1; ").prints(" pending");
    assert!(!desk.holds("rooms.state.json.journal"), "the journal was not folded");
    assert!(desk.read("rooms.state.json").contains("\"pending\""), "the intent is lost");
    desk.run_with(&environment, "state fold").ends(0).prints("Nothing to fold: rooms.state.json");
    desk.run("state fold --state nowhere/rooms.state.json").ends(1);
}

#[test]
fn the_lock_names_its_user_without_environment_variables() {
    let desk = Desk::applied();
    let id = std::process::Command::new("id").arg("-un").output().expect("id runs").stdout;
    let user = String::from_utf8(id).expect("a name").trim().to_owned();
    let lock = desk.read("rooms.state.json.lock");
    assert!(lock.contains(&format!("\"user\":\"{user}\"")), "{lock}");
}

#[test]
fn a_missing_folder_of_the_state_is_reported_once_with_a_fix() {
    let desk = Desk::with(THREE_ROOMS);
    for command in ["plan", "apply -y", "state list"] {
        let ran = desk.run(&format!("{command} --state nowhere/rooms.state.json")).ends(1);
        assert_eq!(ran.stderr.matches("No such file").count(), 1, "{ran}");
        ran.says("create the folder first");
    }
}

#[test]
fn an_unrecorded_existing_room_is_blocked_until_imported() {
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
fn import_records_only_declared_existing_rooms() {
    let desk = Desk::applied();
    desk.run("import chat/nowhere").ends(1).says("not declared");
    desk.run("import").ends(64);
    desk.edit("id: support", "id: helpdesk");
    desk.run("import --all-declared").prints("1 not found");
    desk.run("state list").keeps_from("chat/helpdesk");
}

#[test]
fn import_all_declared_rebuilds_a_lost_state() {
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
fn a_missing_state_beside_its_backups_is_an_error() {
    let desk = Desk::applied();
    std::fs::remove_file(desk.path("rooms.state.json")).expect("the state");
    desk.run("plan").ends(1).says("rooms.state.json");
    desk.run("apply --auto-approve").ends(1);
    assert!(!desk.holds("rooms.state.json"), "a new state was written");
}

#[test]
fn the_state_file_has_mode_0600_and_one_line_per_room() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(THREE_ROOMS);
    desk.run("apply --auto-approve").ends(0);
    let mode = std::fs::metadata(desk.path("rooms.state.json")).expect("the state").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let text = desk.read("rooms.state.json");
    assert_eq!(text.lines().filter(|line| line.starts_with("\"chat/")).count(), 3, "{text}");
}
