//! `state mv` and `state migrate`: renamed providers, and a state at another location.

use super::test_dir::{THREE_ROOMS, TestDir};

#[test]
fn state_mv_renames_the_provider_of_every_record() {
    let dir = TestDir::applied();
    dir.edit("  chat:", "  talk:");
    dir.run("plan").exits(3).stderr_has("recorded as `chat`");
    let moved = dir.run("state mv chat/ talk/").exits(0);
    moved.stdout_has("Moved:\nchat/lobby → talk/lobby\nchat/news → talk/news\n");
    dir.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
    assert!(!dir.read("rooms.state.json").contains("\"chat\""), "the old provider is recorded");
    assert!(dir.read("rooms.state.json").contains("\"serial\":2"), "the serial was not raised");
    assert!(
        dir.read("rooms.state.json.lock").contains("\"talk\":{"),
        "the times of the last calls are lost"
    );
    dir.run("state mv chat/ talk/").exits(1).stderr_has("no room of `chat` is recorded");
}

#[test]
fn state_mv_renames_the_provider_of_one_room_at_a_time() {
    let dir = TestDir::applied();
    dir.edit("  chat:", "  talk:");
    for room in ["lobby", "news", "support"] {
        dir.run(&format!("state mv chat/{room} talk/{room}")).exits(0);
    }
    dir.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
}

#[test]
fn state_mv_refuses_another_room_id_or_application() {
    let dir = TestDir::applied();
    let before = dir.read("rooms.state.json");
    dir.run("state mv chat/lobby chat/hall").exits(64).stderr_has("are different rooms");
    dir.run("state mv chat/lobby talk/").exits(64).stderr_has("name two providers");
    dir.run("state mv chat/ talk").exits(64);
    dir.run("state mv chat/ Talk/").exits(64).stderr_has("not a valid provider name");
    dir.run("state mv chat/x talk/x").exits(1).stderr_has("chat/x is not recorded");
    let other = THREE_ROOMS.replace("chat: {kind: zim, app_id: 1", "talk: {kind: zim, app_id: 2");
    dir.write("rooms.yaml", &other);
    dir.run("state mv chat/ talk/").exits(3).stderr_has("belong to app 1, but the file declares 2");
    assert_eq!(dir.read("rooms.state.json"), before);
}

#[test]
fn migrate_copies_the_state_and_marks_the_source_as_moved() {
    let dir = TestDir::applied();
    let rooms = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("\"chat/")).map(str::to_owned).collect()
    };
    let before = dir.read("rooms.state.json");
    std::fs::create_dir(dir.path("kept")).expect("a folder");
    let migrated = dir.run("state migrate rooms.state.json kept/fleet.json").exits(0);
    migrated
        .stdout_has("Migrated: 3 rooms, serial 1, sha256:")
        .stdout_has("kept/fleet.json")
        .stderr_has("rooms of the built-in emulator stay in");
    let marked = dir.read("rooms.state.json");
    assert_eq!(rooms(&marked), rooms(&before), "the records of the source changed");
    assert_eq!(rooms(&dir.read("kept/fleet.json")), rooms(&before));
    let lineage = |name: &str| {
        let text = dir.read(name);
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        document["lineage"].clone()
    };
    assert_eq!(lineage("kept/fleet.json"), lineage("rooms.state.json"));
    let to = dir.path("kept/fleet.json").display().to_string();
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
        dir.run(command)
            .exits(1)
            .stderr_has(&format!("moved to {to}"))
            .stderr_has(&format!("--state {to}"));
    }
    let back = dir.run("state migrate kept/fleet.json rooms.state.json").exits(1);
    back.stderr_has("rooms.state.json contains files of a state that was moved to").stderr_has(&to);
    let listed = dir
        .run("state list")
        .exits(0)
        .stderr_has(&format!("warning: this state was moved to {to}"));
    listed.stdout_has("chat/lobby\nchat/news\n");
    assert_eq!(dir.read("rooms.state.json"), marked);
    std::fs::copy(dir.path("rooms.emulator.json"), dir.path("kept/rooms.emulator.json"))
        .expect("the emulator's rooms");
    dir.edit("defaults:", "state: kept/fleet.json\ndefaults:");
    dir.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
}

#[test]
fn migrate_resumes_its_own_copy_but_does_not_overwrite_another_state() {
    let dir = TestDir::applied();
    dir.write("copied.json", &dir.read("rooms.state.json"));
    let other = TestDir::applied();
    dir.write("other.json", &other.read("rooms.state.json"));
    let refused = dir.run("state migrate rooms.state.json other.json").exits(1);
    refused.stderr_has("already contains another state, serial 1: nothing was written");
    assert_eq!(dir.read("other.json"), other.read("rooms.state.json"));
    dir.run("state list").exits(0).output_lacks("moved");
    dir.run("state migrate rooms.state.json copied.json").exits(0);
    dir.run("state fold").exits(1).stderr_has("copied.json");
    dir.run("state fold --state copied.json").exits(0);
}

#[test]
fn migrate_needs_an_existing_source_and_another_destination() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("state migrate rooms.state.json other.json")
        .exits(1)
        .stderr_has("there is no state at");
    dir.run("apply -y").exits(0);
    dir.run("state migrate rooms.state.json ./rooms.state.json")
        .exits(64)
        .stderr_has("another place");
    dir.run("state migrate rooms.state.json nowhere/other.json")
        .exits(1)
        .stderr_has("create the folder");
    dir.run("state migrate rooms.state.json s3://u:hush@b/k").exits(64).output_lacks("hush");
    dir.run("state migrate a b --state c").exits(64).stderr_has("remove `--state`");
    dir.run("plan --detailed-exitcode").exits(0);
}
