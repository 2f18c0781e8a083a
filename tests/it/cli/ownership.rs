//! The ownership attribute: every room contains the lineage of its state.

use serde_json::{Value, json};

use super::served::Served;
use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};

const ON: (&str, &str) = ("operator: admin,", "operator: admin, ownership_attribute: managed_by,");

/// Returns a folder with three rooms and the ownership attribute `managed_by`.
fn with_owner() -> TestDir {
    TestDir::with(&THREE_ROOMS.replace(ON.0, ON.1))
}

/// Returns the lineage of a state.
fn lineage(dir: &TestDir, state: &str) -> String {
    let head: Value = serde_json::from_str(&dir.read(state)).expect("a state");
    head["lineage"].as_str().expect("a lineage").to_owned()
}

/// Returns the ownership attribute of each recorded room.
fn recorded(dir: &TestDir, state: &str) -> Vec<Value> {
    let state: Value = serde_json::from_str(&dir.read(state)).expect("a state");
    let rooms = state["rooms"].as_object().expect("rooms").values();
    rooms.map(|record| record["room"]["attributes"]["managed_by"]["value"].clone()).collect()
}

/// Removes the state and its backups.
fn lose_state(dir: &TestDir) {
    for entry in std::fs::read_dir(dir.path(".")).expect("the folder") {
        let entry = entry.expect("an entry");
        if entry.file_name().to_string_lossy().starts_with("rooms.state.json") {
            std::fs::remove_file(entry.path()).expect("removed");
        }
    }
}

/// Returns a service with three rooms of the state `theirs.json`; `rooms.state.json` has none of them.
fn with_rooms_of_another_state() -> (TestDir, Served) {
    let dir = with_owner();
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve --state theirs.json").exits(0);
    (dir, served)
}

#[test]
fn created_rooms_get_the_ownership_attribute_and_plans_omit_it() {
    let dir = with_owner();
    for format in ["text", "text --diff", "markdown", "json"] {
        let plan = dir.run(&format!("plan --format {format}")).exits(0);
        plan.output_lacks("managed_by");
    }
    dir.run("plan --out plan.json").exits(0);
    let applied = dir.run("apply --auto-approve plan.json").exits(0);
    applied.stdout_has("Applied: 3 created.").output_lacks("managed_by");
    let ours = json!(lineage(&dir, "rooms.state.json"));
    assert_eq!(recorded(&dir, "rooms.state.json"), [ours.clone(), ours.clone(), ours.clone()]);
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    dir.run("drift").exits(0).stdout_has("No drift");
    // A replace and a recreate set the attribute too.
    dir.edit("name: News", "name: Newer");
    dir.run("apply -y --refresh all").exits(0).stdout_has("1 replaced").output_lacks("managed_by");
    dir.run("emulator advance 2h").exits(0);
    dir.run("plan").exits(0).stdout_has("3 to recreate").output_lacks("managed_by");
    dir.run("reconcile").exits(0).stdout_has("3 recreated");
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    assert_eq!(recorded(&dir, "rooms.state.json"), [ours.clone(), ours.clone(), ours]);
}

#[test]
fn recorded_rooms_get_the_attribute_by_an_update_outside_the_digest() {
    let dir = TestDir::applied();
    let digest = |ran: &CommandResult| ran.document()["digest"].clone();
    let before = digest(&dir.run("plan --format json"));
    dir.edit(ON.0, ON.1);
    let plan = dir.run("plan --out plan.json --format json").exits(0);
    assert_eq!(digest(&plan), before);
    let document = plan.document();
    let ours = lineage(&dir, "rooms.state.json");
    let change = json!([{"path": "attributes.managed_by", "before": null, "after": ours}]);
    for step in document["steps"].as_array().expect("steps") {
        let reason = (&step["action"], &step["reason"], &step["changes"]);
        assert_eq!(reason, (&json!("update"), &json!("ownership_changed"), &change));
    }
    dir.run("apply -y plan.json").exits(0).stdout_has("3 updated");
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    // A renamed setting moves the attribute, and removing the setting deletes it.
    dir.edit("managed_by", "owner");
    let renamed = dir.run("plan").exits(0).stdout_has("3 to update");
    let renamed = renamed.stdout_has(&format!("attributes.managed_by  \"{ours}\" → (none)"));
    renamed
        .stdout_has(&format!("attributes.owner       (none) → \"{ours}\""))
        .stdout_has(" ownership_changed");
    dir.run("apply -y").exits(0).stdout_has("3 updated");
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    dir.edit(" ownership_attribute: owner,", "");
    let off = dir.run("plan --format json").exits(0);
    assert_eq!((digest(&off), off.document()["summary"]["update"].clone()), (before, json!(3)));
    dir.run("apply -y").exits(0).stdout_has("3 updated");
    assert!(!dir.read("rooms.state.json").contains("owner"));
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn reconcile_sets_an_unapplied_ownership_attribute_only_on_recreates() {
    let dir = TestDir::applied();
    dir.edit(ON.0, ON.1);
    dir.run("reconcile --refresh all")
        .exits(0)
        .stdout_has("3 unapplied changes")
        .output_lacks("updated");
    dir.run("emulator advance 2h").exits(0);
    dir.run("reconcile").exits(0).stdout_has("3 recreated");
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_room_of_another_lineage_is_a_conflict_and_never_adopted() {
    let (dir, served) = with_rooms_of_another_state();
    let theirs = lineage(&dir, "theirs.json");
    let belongs = format!("belongs to another state, of lineage {theirs}: `roomctl import");
    let failed =
        served.run(&dir, "apply -y --full").exits(1).stdout_has("3 failed").stdout_has(&belongs);
    failed.output_lacks("on_conflict: adopt").output_lacks("or created by hand?");
    dir.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    served.run(&dir, "apply -y --refresh never --full").exits(1).stdout_has(&belongs);
    let plan = served.run(&dir, "plan --detailed-exitcode").exits(2);
    let plan = plan.stdout_has("3 rooms exist already and belong to another state");
    plan.stdout_has("it is never adopted: `roomctl import ADDRESS` takes it over")
        .stdout_has(&theirs);
    let plan = served.run(&dir, "plan --format json").document();
    assert_eq!(plan["blocked"][0]["held_reason"], "other_state");
    // Without the attribute nothing is known about the owner: the rooms can be adopted.
    dir.edit(ON.1, ON.0);
    served.run(&dir, "apply -y --state theirs.json").exits(0).stdout_has("3 updated");
    dir.edit(ON.0, ON.1);
    served.run(&dir, "apply -y").exits(0).stdout_has("3 adopted");
    served.run(&dir, "plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn import_after_a_lost_state_keeps_its_lineage() {
    let dir = with_owner();
    dir.run("apply -y").exits(0);
    let lost = lineage(&dir, "rooms.state.json");
    lose_state(&dir);
    let refused = dir.run("import --all-declared").exits(3);
    let refused =
        refused.stderr_has(&format!("rooms of the state of lineage {lost}: chat/lobby, "));
    refused
        .stderr_has("stdin is not a terminal, so no confirmation can be asked for")
        .stderr_has(&format!("pass `--lineage {lost}`"));
    assert!(!dir.holds("rooms.state.json"));
    let taken = dir.run(&format!("import --all-declared --lineage {lost} --format json")).exits(0);
    let document = taken.document();
    assert_eq!(document["summary"]["recorded"], 3);
    assert_eq!(document["rooms"][0]["taken_over_from"], lost);
    assert_eq!(lineage(&dir, "rooms.state.json"), lost);
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn import_into_a_new_state_writes_its_own_lineage() {
    let (dir, served) = with_rooms_of_another_state();
    served.run(&dir, "apply -y").exits(1).stdout_has("3 failed");
    let (ours, theirs) = (lineage(&dir, "rooms.state.json"), lineage(&dir, "theirs.json"));
    let refused = served.run(&dir, "import --all-declared").exits(3);
    refused.stderr_has("the next apply writes the lineage of this state into them");
    let line = format!("import --all-declared --lineage {theirs}");
    served.run(&dir, &line).exits(0).stdout_has("3 recorded");
    let applied = served.run(&dir, "apply -y --full").exits(0).stdout_has("3 updated");
    applied.stdout_has(&format!("attributes.managed_by  \"{theirs}\" → \"{ours}\""));
    served.run(&dir, "plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    served.run(&dir, &line).exits(1).stderr_has("no declared, unrecorded room has this lineage");
}

#[test]
fn import_needs_lineage_if_rooms_have_several() {
    let dir = with_owner();
    let served = Served::start(&dir, "");
    served.run(&dir, "apply -y --state one.json --target chat/news --target chat/lobby").exits(0);
    served.run(&dir, "apply -y --state other.json --target chat/support").exits(0);
    let (one, other) = (lineage(&dir, "one.json"), lineage(&dir, "other.json"));
    let refused = served.run(&dir, "import --all-declared").exits(3);
    let refused =
        refused.stderr_has("belong to several other states").stderr_has("`--lineage UUID`");
    refused.stderr_has(&format!("{one} (2 rooms)")).stderr_has(&format!("{other} (1 room)"));
    assert!(!dir.holds("rooms.state.json"));
    let line = format!("import --all-declared --lineage {one}");
    let taken = served.run(&dir, &line).exits(0).stdout_has("2 recorded").stdout_has("1 left out");
    taken
        .stderr_has(&format!("chat/support: left out: it belongs to the state of lineage {other}"));
    assert_eq!(lineage(&dir, "rooms.state.json"), one);
    // A state with rooms was not lost: no takeover is proposed.
    let left = served.run(&dir, "import --all-declared").exits(0).stdout_has("0 recorded");
    left.stdout_has("1 left out");
}

#[test]
fn rooms_without_the_attribute_are_imported_only_by_address() {
    let dir = TestDir::applied();
    lose_state(&dir);
    dir.edit(ON.0, ON.1);
    let left =
        dir.run("import --all-declared").exits(0).stdout_has("0 recorded").stdout_has("3 left out");
    left.stderr_has("its owner is unknown; `roomctl import chat/news` records it");
    assert!(!dir.holds("rooms.state.json"));
    dir.run("import chat/lobby chat/news chat/support").exits(0).stdout_has("3 recorded");
    dir.run("apply -y").exits(0).stdout_has("3 updated");
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_room_taken_over_by_another_state_is_blocked_until_imported() {
    let dir = with_owner();
    let served = Served::start(&dir, "");
    served.run(&dir, "apply -y").exits(0);
    served
        .run(&dir, "import chat/news --state theirs.json")
        .exits(0)
        .stderr_has("belonged to the state");
    let apply = "apply -y --state theirs.json --target chat/news";
    served.run(&dir, apply).exits(0).stdout_has("1 updated");
    let (ours, theirs) = (lineage(&dir, "rooms.state.json"), lineage(&dir, "theirs.json"));
    let belongs = format!("`managed_by` contains the lineage {theirs} of another state");
    let drift =
        served.run(&dir, "drift").exits(2).stdout_has("attributes_changed").stdout_has(&belongs);
    drift.stdout_has(&format!("\"{ours}\" → \"{theirs}\""));
    let blocked = served.run(&dir, "apply -y --refresh all").exits(3).stdout_has(&belongs);
    blocked.stdout_has("its origin is uncertain").output_lacks("updated");
    served.run(&dir, "explain chat/news --refresh all").exits(0).stdout_has(&belongs);
    served.run(&dir, "reconcile --refresh all").exits(3).output_lacks("updated");
    // A destroy queries the room first, and finds that it is no longer ours.
    dir.edit("  - {id: news, name: News, attributes: {topic: today}}\n", "");
    let kept = served.run(&dir, "apply -y --allow-destroy 9").exits(3).stdout_has("1 blocked");
    kept.stdout_has("its origin is uncertain").output_lacks("destroyed");
    dir.edit(
        "  - {id: support",
        "  - {id: news, name: News, attributes: {topic: today}}\n  - {id: support",
    );
    served.run(&dir, "import chat/lobby").exits(1).stderr_has("chat/lobby is recorded already");
    served.run(&dir, "import chat/news").exits(0).stdout_has("1 recorded");
    let back = served.run(&dir, "apply -y --refresh all").exits(0).stdout_has("1 updated");
    back.stdout_has(&format!("\"{theirs}\" → \"{ours}\""));
    served.run(&dir, "plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_generated_file_does_not_declare_the_ownership_attribute() {
    let dir = with_owner();
    dir.run("apply -y").exits(0);
    lose_state(&dir);
    dir.write("ids.txt", "lobby\nnews\n");
    let rooms = THREE_ROOMS.replace(ON.0, ON.1);
    let (head, _) = rooms.split_once("rooms:").expect("rooms");
    dir.write("rooms.yaml", &format!("{head}rooms: []\n"));
    dir.run("import --generate made.yaml --provider chat --ids ids.txt").exits(0);
    let made = dir.read("made.yaml");
    assert!(made.contains("topic") && !made.contains("managed_by"), "{made}");
    dir.run("-f rooms.yaml -f made.yaml validate").exits(0);
}

#[test]
fn lineage_needs_all_declared() {
    let dir = with_owner();
    let uuid = "7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44";
    dir.run(&format!("import chat/news --lineage {uuid}")).exits(64);
    dir.run(&format!("import --lineage {uuid}")).exits(64);
    dir.run("import --all-declared --lineage ours").exits(64).stderr_has("expected a UUID");
    let none = dir.run(&format!("import --all-declared --lineage {uuid}")).exits(1);
    none.stderr_has("no declared, unrecorded room has this lineage");
}

#[test]
fn a_live_room_gets_the_attribute_after_its_create() {
    let dir = TestDir::with(
        "version: 1
providers:
  live: {kind: tencent-live, app_id: 1, operator: admin, endpoint: emulator, ownership_attribute: by}
defaults: {seat_template: VideoDynamicGrid9Seats}
rooms: [{id: stage, name: Stage}]
",
    );
    dir.run("apply -y").exits(0).stdout_has("1 created").output_lacks("attributes.by");
    let ours = lineage(&dir, "rooms.state.json");
    dir.run("state show live/stage")
        .exits(0)
        .stdout_has(&format!("attributes.by          \"{ours}\""));
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 1 room, 1 asked");
    dir.edit("VideoDynamicGrid9Seats", "AudioSalon");
    dir.run("apply -y --allow-destroy 1").exits(0).stdout_has("1 replaced");
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 1 room, 1 asked");
    dir.run("state show live/stage").exits(0).stdout_has(&ours);
}
