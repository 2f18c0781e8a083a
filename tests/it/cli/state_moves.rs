//! `state mv` and `state migrate`: renamed providers, and a state at another location.

use super::desk::{Desk, THREE_ROOMS};

#[test]
fn state_mv_renames_the_provider_of_every_record() {
    let desk = Desk::applied();
    desk.edit("  chat:", "  talk:");
    desk.run("plan").ends(3).says("recorded as `chat`");
    let moved = desk.run("state mv chat/ talk/").ends(0);
    moved.prints("Moved:\nchat/lobby → talk/lobby\nchat/news → talk/news\n");
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: 3 rooms");
    assert!(!desk.read("rooms.state.json").contains("\"chat\""), "the old provider is recorded");
    assert!(desk.read("rooms.state.json").contains("\"serial\":2"), "the serial was not raised");
    assert!(
        desk.read("rooms.state.json.lock").contains("\"talk\":{"),
        "the times of the last calls are lost"
    );
    desk.run("state mv chat/ talk/").ends(1).says("no room of `chat` is recorded");
}

#[test]
fn state_mv_renames_the_provider_of_one_room_at_a_time() {
    let desk = Desk::applied();
    desk.edit("  chat:", "  talk:");
    for room in ["lobby", "news", "support"] {
        desk.run(&format!("state mv chat/{room} talk/{room}")).ends(0);
    }
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: 3 rooms");
}

#[test]
fn state_mv_refuses_another_room_id_or_application() {
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
fn migrate_copies_the_state_and_marks_the_source_as_moved() {
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
fn migrate_resumes_its_own_copy_but_does_not_overwrite_another_state() {
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
fn migrate_needs_an_existing_source_and_another_destination() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("state migrate rooms.state.json other.json").ends(1).says("there is no state at");
    desk.run("apply -y").ends(0);
    desk.run("state migrate rooms.state.json ./rooms.state.json").ends(64).says("another place");
    desk.run("state migrate rooms.state.json nowhere/other.json").ends(1).says("create the folder");
    desk.run("state migrate rooms.state.json s3://u:hush@b/k").ends(64).keeps_from("hush");
    desk.run("state migrate a b --state c").ends(64).says("remove `--state`");
    desk.run("plan --detailed-exitcode").ends(0);
}
