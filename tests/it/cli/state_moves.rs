//! `state mv` and `state migrate`: a record under another name, and at another place.

use super::desk::{Desk, THREE_ROOMS};

#[test]
fn records_follow_a_renamed_provider_by_hand() {
    let desk = Desk::applied();
    desk.edit("  chat:", "  talk:");
    desk.run("plan").ends(3).says("recorded as `chat`");
    let moved = desk.run("state mv chat/ talk/").ends(0);
    moved.prints("Moved:\nchat/lobby → talk/lobby\nchat/news → talk/news\n");
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: 3 rooms");
    assert!(!desk.read("rooms.state.json").contains("\"chat\""), "the old provider is recorded");
    assert!(desk.read("rooms.state.json").contains("\"serial\":2"), "no serial of its own");
    assert!(desk.read("rooms.state.json.lock").contains("\"talk\":{"), "its last calls are lost");
    desk.run("state mv chat/ talk/").ends(1).says("no room of `chat` is recorded");
}

#[test]
fn one_room_after_the_other_follows_too() {
    let desk = Desk::applied();
    desk.edit("  chat:", "  talk:");
    for room in ["lobby", "news", "support"] {
        desk.run(&format!("state mv chat/{room} talk/{room}")).ends(0);
    }
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: 3 rooms");
}

#[test]
fn a_record_never_moves_to_another_room_or_another_application() {
    let desk = Desk::applied();
    let before = desk.read("rooms.state.json");
    desk.run("state mv chat/lobby chat/hall").ends(64).says("are different rooms");
    desk.run("state mv chat/lobby talk/").ends(64).says("name two providers");
    desk.run("state mv chat/ talk").ends(64);
    desk.run("state mv chat/ Talk/").ends(64).says("not a valid provider name");
    desk.run("state mv chat/x talk/x").ends(1).says("chat/x is not recorded");
    let other = THREE_ROOMS.replace("chat: {kind: zim, app_id: 1", "talk: {kind: zim, app_id: 2");
    desk.write("rooms.yaml", &other);
    desk.run("state mv chat/ talk/").ends(3).says("belong to app 1, but the file declares 2");
    assert_eq!(desk.read("rooms.state.json"), before);
}

#[test]
fn a_state_is_moved_to_another_file_and_marked_where_it_was() {
    let desk = Desk::applied();
    let rooms = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("\"chat/")).map(str::to_owned).collect()
    };
    let before = desk.read("rooms.state.json");
    std::fs::create_dir(desk.path("kept")).expect("a folder");
    let migrated = desk.run("state migrate rooms.state.json kept/fleet.json").ends(0);
    migrated
        .prints("Migrated: 3 rooms, serial 1, sha256:")
        .prints("kept/fleet.json")
        .says("rooms of the built-in emulator stay in");
    let marked = desk.read("rooms.state.json");
    assert_eq!(rooms(&marked), rooms(&before), "the records of the source changed");
    assert_eq!(rooms(&desk.read("kept/fleet.json")), rooms(&before));
    let lineage = |name: &str| {
        let text = desk.read(name);
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        document["lineage"].clone()
    };
    assert_eq!(lineage("kept/fleet.json"), lineage("rooms.state.json"));
    let to = desk.path("kept/fleet.json").display().to_string();
    for command in [
        "plan",
        "drift",
        "explain chat/lobby",
        "apply --auto-approve",
        "reconcile",
        "destroy --auto-approve",
        "import --all-declared",
        "state rm chat/news -y",
        "state fold",
        "state mv chat/ talk/",
        "state push rooms.state.json -y",
        "state migrate rooms.state.json other.json",
    ] {
        desk.run(command).ends(1).says(&format!("moved to {to}")).says(&format!("--state {to}"));
    }
    let back = desk.run("state migrate kept/fleet.json rooms.state.json").ends(1);
    back.says("rooms.state.json contains files of a state that was moved to").says(&to);
    let listed =
        desk.run("state list").ends(0).says(&format!("warning: this state was moved to {to}"));
    listed.prints("chat/lobby\nchat/news\n");
    assert_eq!(desk.read("rooms.state.json"), marked);
    std::fs::copy(desk.path("rooms.emulator.json"), desk.path("kept/rooms.emulator.json"))
        .expect("the emulator's rooms");
    desk.edit("defaults:", "state: kept/fleet.json\ndefaults:");
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: 3 rooms");
}

#[test]
fn a_migration_that_was_cut_short_goes_on_and_another_state_is_not_overwritten() {
    let desk = Desk::applied();
    desk.write("copied.json", &desk.read("rooms.state.json"));
    let other = Desk::applied();
    desk.write("other.json", &other.read("rooms.state.json"));
    let refused = desk.run("state migrate rooms.state.json other.json").ends(1);
    refused.says("already contains another state, serial 1: nothing was written");
    assert_eq!(desk.read("other.json"), other.read("rooms.state.json"));
    desk.run("state list").ends(0).keeps_from("moved");
    desk.run("state migrate rooms.state.json copied.json").ends(0);
    desk.run("state fold").ends(1).says("copied.json");
    desk.run("state fold --state copied.json").ends(0);
}

#[test]
fn a_migration_needs_a_state_and_another_place() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("state migrate rooms.state.json other.json").ends(1).says("there is no state at");
    desk.run("apply -y").ends(0);
    desk.run("state migrate rooms.state.json ./rooms.state.json").ends(64).says("another place");
    desk.run("state migrate rooms.state.json nowhere/other.json").ends(1).says("create the folder");
    desk.run("state migrate rooms.state.json s3://u:hush@b/k").ends(64).keeps_from("hush");
    desk.run("state migrate a b --state c").ends(64).says("remove `--state`");
    desk.run("plan --detailed-exitcode").ends(0);
}
