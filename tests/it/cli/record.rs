//! `state list`, `show`, `rm`, `fold` and `import`: reading and repairing the recorded rooms.

use super::served::{SECRET, Silent};
use super::test_dir::{THREE_ROOMS, TestDir};

#[test]
fn state_list_and_show_print_the_record() {
    let dir = TestDir::applied();
    let list = dir.run("state list").exits(0);
    assert_eq!(list.stdout, "chat/lobby\nchat/news\nchat/support\n");
    let show = dir.run("state show chat/lobby").exits(0);
    show.stdout_has("\"Lobby\"")
        .stdout_has("\"welcome\"")
        .stdout_has("1h")
        .stdout_has("rooms.yaml");
    dir.run("state show chat/nowhere").exits(1).stderr_has("roomctl state list");
}

#[test]
fn state_list_needs_no_rooms_file_with_the_state_option() {
    let dir = TestDir::applied();
    let moved = dir.read("rooms.state.json");
    let elsewhere = TestDir::empty();
    elsewhere.write("kept.json", &moved);
    elsewhere.run("state list --state kept.json").exits(0).stdout_has("chat/lobby");
}

#[test]
fn state_commands_ignore_findings_in_rooms() {
    let dir = TestDir::applied();
    let (head, _) = THREE_ROOMS.split_once("rooms:").expect("rooms");
    for rooms in [
        "  - {id: lobby, nmae: Lobby}\n",
        "  - {id: lobby}\n  - {id: lobby}\n",
        "  - {id: [lobby\n  - \"\n",
        "- *unknown\n",
        " lobby\n",
        "",
    ] {
        dir.write("rooms.yaml", &format!("{head}rooms:\n{rooms}"));
        dir.run("validate").exits(1);
        dir.run("state list").exits(0).stdout_has("chat/lobby");
        dir.run("state show chat/news").exits(0);
        dir.run("state rm chat/nowhere -y").exits(1).stderr_has("not recorded");
    }
}

#[test]
fn state_commands_report_findings_in_the_head_of_the_file() {
    let dir = TestDir::applied();
    let elsewhere = THREE_ROOMS.replace("defaults:", "state: elsewhere.json\ndefaults:");
    dir.write("rooms.yaml", &elsewhere);
    assert_eq!(dir.run("state list").exits(0).stdout, "");
    for (right, wrong) in
        [("version: 1", "version: 2"), ("state: e", "state: ${HOME}"), ("kind: zim", "kind: zmi")]
    {
        dir.write("rooms.yaml", &elsewhere.replace(right, wrong));
        dir.run("state list").exits(1).stderr_has("rooms.yaml:");
    }
}

#[test]
fn state_rm_needs_approval() {
    let dir = TestDir::applied();
    let asked = dir.run("state rm chat/news").exits(3);
    asked.stderr_has("unmanaged").stderr_has("--auto-approve");
    dir.run("state list").stdout_has("chat/news");
    let removed = dir.run("state rm chat/news --auto-approve").exits(0);
    removed.stdout_has("Removed:").stdout_has("chat/news").stdout_has("\"today\"");
    dir.run("state list").exits(0).output_lacks("chat/news");
    dir.run("state rm chat/news --auto-approve").exits(1).stderr_has("not recorded");
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
fn tables() -> TestDir {
    let dir = TestDir::with(TABLES);
    dir.run("apply -y").exits(0);
    dir
}

#[test]
fn state_list_selects_by_addresses_and_globs() {
    let dir = tables();
    let list = |line: &str| dir.run(&format!("state list {line}")).exits(0).stdout;
    assert_eq!(list("chat/table-?"), "chat/table-1\nchat/table-2\n");
    assert_eq!(list("chat/hall chat/*1"), "chat/hall\nchat/table-1\n");
    assert_eq!(
        list("chat/table-[1]"),
        "chat/table-[1]\n",
        "a glob was preferred to an exact address"
    );
    assert_eq!(list("chat/table-[2]"), "chat/table-2\n");
    assert_eq!(list("*"), list(""));
    let json = dir.run("state list chat/t* --format json").exits(0).document();
    assert_eq!(json["rooms"].as_array().map(Vec::len), Some(3), "{json}");
    dir.run("state list chat/x*").exits(1).stderr_has("`chat/x*` matches no recorded room");
    dir.run("state list chat/[").exits(64).stderr_has("invalid glob `chat/[`");
    dir.run("state list hall").exits(64).stderr_has("PROVIDER/ROOM-ID");
}

#[test]
fn state_show_prints_several_rooms() {
    let dir = tables();
    let text = dir.run("state show chat/table-? chat/hall").exits(0).stdout;
    let shown: Vec<&str> = text.lines().filter(|line| line.starts_with("address")).collect();
    assert_eq!(shown.len(), 3, "{text}");
    assert!(text.contains("\n\naddress"), "no empty line between rooms: {text}");
    let one = dir.run("state show chat/hall --format json").exits(0).document();
    assert_eq!(one["address"], "chat/hall");
    for (line, number) in [("chat/hall chat/table-1", 2), ("chat/h*", 1), ("chat/*", 4)] {
        let json = dir.run(&format!("state show {line} --format json")).exits(0).document();
        assert_eq!(json["format_version"], 1);
        assert_eq!(json["rooms"].as_array().map(Vec::len), Some(number), "{line}: {json}");
        assert_eq!(json["rooms"][0]["address"], "chat/hall");
        assert_eq!(json["rooms"][0]["room"], one["room"]);
    }
    dir.run("state show chat/hall chat/nowhere")
        .exits(1)
        .stderr_has("chat/nowhere is not recorded");
    dir.run("state show").exits(64);
}

#[test]
fn state_rm_removes_several_rooms_or_none() {
    let dir = tables();
    let asked = dir.run("state rm chat/table-? chat/hall").exits(3).stderr_has("3 rooms");
    asked.stderr_has("chat/hall\nchat/table-1\nchat/table-2\n").stderr_has("nothing was removed");
    dir.run("state rm chat/hall chat/x*").exits(1).stderr_has("matches no recorded room");
    assert_eq!(dir.run("state list").stdout.lines().count(), 4, "a room was removed");
    let removed = dir.run("state rm chat/table-? chat/hall --yes").exits(0);
    removed
        .stdout_has("Removed:")
        .stdout_has("chat/table-1")
        .stdout_has("chat/table-2")
        .stdout_has("chat/hall");
    assert_eq!(dir.run("state list").exits(0).stdout, "chat/table-[1]\n");
}

#[test]
fn y_and_yes_are_aliases_of_auto_approve() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("apply --yes").exits(0).stdout_has("3 created");
    dir.run("state rm chat/news -y").exits(0);
    dir.edit("prevent_destroy: true", "prevent_destroy: false");
    dir.run("apply -y").stdout_has("1 record");
    dir.run("destroy -y --allow-destroy 2").exits(0).stdout_has("2 destroyed");
}

#[test]
fn state_fold_needs_neither_network_nor_credentials() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("state fold").exits(0).stdout_has("Nothing to fold: there is no state");
    let silent = Silent::start();
    let mut apply = dir.command("apply --auto-approve");
    apply.env("ZIM_ENDPOINT", &silent.url).env("ZEGO_SERVER_SECRET", SECRET);
    let mut apply = apply.spawn().expect("apply starts");
    let call = silent.called();
    let held = dir.run_with(&[("ZIM_ENDPOINT", &silent.url)], "state fold").exits(4);
    held.stderr_has("locked by another run");
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);
    assert!(dir.holds("rooms.state.json.journal"), "there is no journal to fold");
    let environment = [("ZIM_ENDPOINT", silent.url.as_str())];
    let folded = dir.run_with(&environment, "state fold").exits(0);
    folded.stdout_has(" from the journal into rooms.state.json, serial 1; ").stdout_has(" pending");
    assert!(!dir.holds("rooms.state.json.journal"), "the journal was not folded");
    assert!(dir.read("rooms.state.json").contains("\"pending\""), "the intent is lost");
    dir.run_with(&environment, "state fold")
        .exits(0)
        .stdout_has("Nothing to fold: rooms.state.json");
    dir.run("state fold --state nowhere/rooms.state.json").exits(1);
}

#[test]
fn the_lock_names_its_user_without_environment_variables() {
    let dir = TestDir::applied();
    let id = std::process::Command::new("id").arg("-un").output().expect("id runs").stdout;
    let user = String::from_utf8(id).expect("a name").trim().to_owned();
    let lock = dir.read("rooms.state.json.lock");
    assert!(lock.contains(&format!("\"user\":\"{user}\"")), "{lock}");
}

#[test]
fn a_missing_folder_of_the_state_is_reported_once_with_a_fix() {
    let dir = TestDir::with(THREE_ROOMS);
    for command in ["plan", "apply -y", "state list"] {
        let ran = dir.run(&format!("{command} --state nowhere/rooms.state.json")).exits(1);
        assert_eq!(ran.stderr.matches("No such file").count(), 1, "{ran}");
        ran.stderr_has("create the folder first");
    }
}

#[test]
fn an_unrecorded_existing_room_is_blocked_until_imported() {
    let dir = TestDir::applied();
    dir.run("state rm chat/news --auto-approve").exits(0);
    let plan = dir.run("plan --refresh all").exits(0);
    plan.stdout_has("Blocked")
        .stdout_has("roomctl import chat/news")
        .stdout_has("on_conflict: adopt");
    dir.run("import chat/news").exits(0).stdout_has("Import: 1 recorded").stderr_has("assumed");
    dir.run("plan --refresh all --detailed-exitcode")
        .exits(0)
        .stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn import_records_only_declared_existing_rooms() {
    let dir = TestDir::applied();
    dir.run("import chat/nowhere").exits(1).stderr_has("not declared");
    dir.run("import").exits(64);
    dir.edit("id: support", "id: helpdesk");
    dir.run("import --all-declared").stdout_has("1 not found");
    dir.run("state list").output_lacks("chat/helpdesk");
}

#[test]
fn import_all_declared_rebuilds_a_lost_state() {
    let dir = TestDir::applied();
    for entry in ["rooms.state.json", "rooms.state.json.lock", "rooms.state.json.backup-0"] {
        std::fs::remove_file(dir.path(entry)).expect("a file of the state");
    }
    dir.run("import --all-declared").exits(0).stdout_has("Import: 3 recorded");
    dir.run("plan --refresh all --detailed-exitcode")
        .exits(0)
        .stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_missing_state_beside_its_backups_is_an_error() {
    let dir = TestDir::applied();
    std::fs::remove_file(dir.path("rooms.state.json")).expect("the state");
    dir.run("plan").exits(1).stderr_has("rooms.state.json");
    dir.run("apply --auto-approve").exits(1);
    assert!(!dir.holds("rooms.state.json"), "a new state was written");
}

#[test]
fn the_state_file_has_mode_0600_and_one_line_per_room() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("apply --auto-approve").exits(0);
    let mode = std::fs::metadata(dir.path("rooms.state.json")).expect("the state").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let text = dir.read("rooms.state.json");
    assert_eq!(text.lines().filter(|line| line.starts_with("\"chat/")).count(), 3, "{text}");
}
