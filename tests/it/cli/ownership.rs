//! The ownership attribute: every room contains the lineage of its state.

use serde_json::{Value, json};

use super::desk::{Desk, Ran, THREE_ROOMS};
use super::served::Served;

const ON: (&str, &str) = ("operator: admin,", "operator: admin, ownership_attribute: managed_by,");

/// Returns a folder with three rooms and the ownership attribute `managed_by`.
fn with_owner() -> Desk {
    Desk::with(&THREE_ROOMS.replace(ON.0, ON.1))
}

/// Returns the lineage of a state.
fn lineage(desk: &Desk, state: &str) -> String {
    let head: Value = serde_json::from_str(&desk.read(state)).expect("a state");
    head["lineage"].as_str().expect("a lineage").to_owned()
}

/// Returns the ownership attribute of each recorded room.
fn recorded(desk: &Desk, state: &str) -> Vec<Value> {
    let state: Value = serde_json::from_str(&desk.read(state)).expect("a state");
    let rooms = state["rooms"].as_object().expect("rooms").values();
    rooms.map(|record| record["room"]["attributes"]["managed_by"]["value"].clone()).collect()
}

/// Removes the state and its backups.
fn lose_state(desk: &Desk) {
    for entry in std::fs::read_dir(desk.path(".")).expect("the folder") {
        let entry = entry.expect("an entry");
        if entry.file_name().to_string_lossy().starts_with("rooms.state.json") {
            std::fs::remove_file(entry.path()).expect("removed");
        }
    }
}

/// Returns a service with three rooms of the state `theirs.json`; `rooms.state.json` has none of them.
fn with_rooms_of_another_state() -> (Desk, Served) {
    let desk = with_owner();
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve --state theirs.json").ends(0);
    (desk, served)
}

#[test]
fn created_rooms_get_the_ownership_attribute_and_plans_omit_it() {
    let desk = with_owner();
    for format in ["text", "text --diff", "markdown", "json"] {
        let plan = desk.run(&format!("plan --format {format}")).ends(0);
        plan.keeps_from("managed_by");
    }
    desk.run("plan --out plan.json").ends(0);
    let applied = desk.run("apply --auto-approve plan.json").ends(0);
    applied.prints("Applied: 3 created.").keeps_from("managed_by");
    let ours = json!(lineage(&desk, "rooms.state.json"));
    assert_eq!(recorded(&desk, "rooms.state.json"), [ours.clone(), ours.clone(), ours.clone()]);
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    desk.run("drift").ends(0).prints("No drift");
    // A replace and a recreate set the attribute too.
    desk.edit("name: News", "name: Newer");
    desk.run("apply -y --refresh all").ends(0).prints("1 replaced").keeps_from("managed_by");
    desk.run("emulator advance 2h").ends(0);
    desk.run("plan").ends(0).prints("3 to recreate").keeps_from("managed_by");
    desk.run("reconcile").ends(0).prints("3 recreated");
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    assert_eq!(recorded(&desk, "rooms.state.json"), [ours.clone(), ours.clone(), ours]);
}

#[test]
fn recorded_rooms_get_the_attribute_by_an_update_outside_the_digest() {
    let desk = Desk::applied();
    let digest = |ran: &Ran| ran.document()["digest"].clone();
    let before = digest(&desk.run("plan --format json"));
    desk.edit(ON.0, ON.1);
    let plan = desk.run("plan --out plan.json --format json").ends(0);
    assert_eq!(digest(&plan), before);
    let document = plan.document();
    let ours = lineage(&desk, "rooms.state.json");
    let change = json!([{"path": "attributes.managed_by", "before": null, "after": ours}]);
    for step in document["steps"].as_array().expect("steps") {
        let reason = (&step["action"], &step["reason"], &step["changes"]);
        assert_eq!(reason, (&json!("update"), &json!("ownership_changed"), &change));
    }
    desk.run("apply -y plan.json").ends(0).prints("3 updated");
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    // A renamed setting moves the attribute, and removing the setting deletes it.
    desk.edit("managed_by", "owner");
    let renamed = desk.run("plan").ends(0).prints("3 to update");
    let renamed = renamed.prints(&format!("attributes.managed_by  \"{ours}\" → (none)"));
    renamed
        .prints(&format!("attributes.owner       (none) → \"{ours}\""))
        .prints(" ownership_changed");
    desk.run("apply -y").ends(0).prints("3 updated");
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    desk.edit(" ownership_attribute: owner,", "");
    let off = desk.run("plan --format json").ends(0);
    assert_eq!((digest(&off), off.document()["summary"]["update"].clone()), (before, json!(3)));
    desk.run("apply -y").ends(0).prints("3 updated");
    assert!(!desk.read("rooms.state.json").contains("owner"));
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn reconcile_sets_an_unapplied_ownership_attribute_only_on_recreates() {
    let desk = Desk::applied();
    desk.edit(ON.0, ON.1);
    desk.run("reconcile --refresh all").ends(0).prints("3 unapplied changes").keeps_from("updated");
    desk.run("emulator advance 2h").ends(0);
    desk.run("reconcile").ends(0).prints("3 recreated");
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_room_of_another_lineage_is_a_conflict_and_never_adopted() {
    let (desk, served) = with_rooms_of_another_state();
    let theirs = lineage(&desk, "theirs.json");
    let belongs = format!("belongs to another state, of lineage {theirs}: `roomctl import");
    let failed = served.run(&desk, "apply -y --full").ends(1).prints("3 failed").prints(&belongs);
    failed.keeps_from("on_conflict: adopt").keeps_from("or created by hand?");
    desk.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    served.run(&desk, "apply -y --refresh never --full").ends(1).prints(&belongs);
    let plan = served.run(&desk, "plan --detailed-exitcode").ends(2);
    let plan = plan.prints("3 rooms exist already and belong to another state");
    plan.prints("it is never adopted: `roomctl import ADDRESS` takes it over").prints(&theirs);
    let plan = served.run(&desk, "plan --format json").document();
    assert_eq!(plan["blocked"][0]["held_reason"], "other_state");
    // Without the attribute nothing is known about the owner: the rooms can be adopted.
    desk.edit(ON.1, ON.0);
    served.run(&desk, "apply -y --state theirs.json").ends(0).prints("3 updated");
    desk.edit(ON.0, ON.1);
    served.run(&desk, "apply -y").ends(0).prints("3 adopted");
    served.run(&desk, "plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn import_after_a_lost_state_keeps_its_lineage() {
    let desk = with_owner();
    desk.run("apply -y").ends(0);
    let lost = lineage(&desk, "rooms.state.json");
    lose_state(&desk);
    let refused = desk.run("import --all-declared").ends(3);
    let refused = refused.says(&format!("rooms of the state of lineage {lost}: chat/lobby, "));
    refused
        .says("stdin is not a terminal, so no confirmation can be asked for")
        .says(&format!("pass `--lineage {lost}`"));
    assert!(!desk.holds("rooms.state.json"));
    let taken = desk.run(&format!("import --all-declared --lineage {lost} --format json")).ends(0);
    let document = taken.document();
    assert_eq!(document["summary"]["recorded"], 3);
    assert_eq!(document["rooms"][0]["taken_over_from"], lost);
    assert_eq!(lineage(&desk, "rooms.state.json"), lost);
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn import_into_a_new_state_writes_its_own_lineage() {
    let (desk, served) = with_rooms_of_another_state();
    served.run(&desk, "apply -y").ends(1).prints("3 failed");
    let (ours, theirs) = (lineage(&desk, "rooms.state.json"), lineage(&desk, "theirs.json"));
    let refused = served.run(&desk, "import --all-declared").ends(3);
    refused.says("the next apply writes the lineage of this state into them");
    let line = format!("import --all-declared --lineage {theirs}");
    served.run(&desk, &line).ends(0).prints("3 recorded");
    let applied = served.run(&desk, "apply -y --full").ends(0).prints("3 updated");
    applied.prints(&format!("attributes.managed_by  \"{theirs}\" → \"{ours}\""));
    served.run(&desk, "plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    served.run(&desk, &line).ends(1).says("no declared, unrecorded room has this lineage");
}

#[test]
fn import_needs_lineage_if_rooms_have_several() {
    let desk = with_owner();
    let served = Served::start(&desk, "");
    served.run(&desk, "apply -y --state one.json --target chat/news --target chat/lobby").ends(0);
    served.run(&desk, "apply -y --state other.json --target chat/support").ends(0);
    let (one, other) = (lineage(&desk, "one.json"), lineage(&desk, "other.json"));
    let refused = served.run(&desk, "import --all-declared").ends(3);
    let refused = refused.says("belong to several other states").says("`--lineage UUID`");
    refused.says(&format!("{one} (2 rooms)")).says(&format!("{other} (1 room)"));
    assert!(!desk.holds("rooms.state.json"));
    let line = format!("import --all-declared --lineage {one}");
    let taken = served.run(&desk, &line).ends(0).prints("2 recorded").prints("1 left out");
    taken.says(&format!("chat/support: left out: it belongs to the state of lineage {other}"));
    assert_eq!(lineage(&desk, "rooms.state.json"), one);
    // A state with rooms was not lost: no takeover is proposed.
    let left = served.run(&desk, "import --all-declared").ends(0).prints("0 recorded");
    left.prints("1 left out");
}

#[test]
fn rooms_without_the_attribute_are_imported_only_by_address() {
    let desk = Desk::applied();
    lose_state(&desk);
    desk.edit(ON.0, ON.1);
    let left = desk.run("import --all-declared").ends(0).prints("0 recorded").prints("3 left out");
    left.says("its owner is unknown; `roomctl import chat/news` records it");
    assert!(!desk.holds("rooms.state.json"));
    desk.run("import chat/lobby chat/news chat/support").ends(0).prints("3 recorded");
    desk.run("apply -y").ends(0).prints("3 updated");
    desk.run("plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_room_taken_over_by_another_state_is_blocked_until_imported() {
    let desk = with_owner();
    let served = Served::start(&desk, "");
    served.run(&desk, "apply -y").ends(0);
    served.run(&desk, "import chat/news --state theirs.json").ends(0).says("belonged to the state");
    let apply = "apply -y --state theirs.json --target chat/news";
    served.run(&desk, apply).ends(0).prints("1 updated");
    let (ours, theirs) = (lineage(&desk, "rooms.state.json"), lineage(&desk, "theirs.json"));
    let belongs = format!("`managed_by` contains the lineage {theirs} of another state");
    let drift = served.run(&desk, "drift").ends(2).prints("attributes_changed").prints(&belongs);
    drift.prints(&format!("\"{ours}\" → \"{theirs}\""));
    let blocked = served.run(&desk, "apply -y --refresh all").ends(3).prints(&belongs);
    blocked.prints("its origin is uncertain").keeps_from("updated");
    served.run(&desk, "explain chat/news --refresh all").ends(0).prints(&belongs);
    served.run(&desk, "reconcile --refresh all").ends(3).keeps_from("updated");
    // A destroy queries the room first, and finds that it is no longer ours.
    desk.edit("  - {id: news, name: News, attributes: {topic: today}}\n", "");
    let kept = served.run(&desk, "apply -y --allow-destroy 9").ends(3).prints("1 blocked");
    kept.prints("its origin is uncertain").keeps_from("destroyed");
    desk.edit(
        "  - {id: support",
        "  - {id: news, name: News, attributes: {topic: today}}\n  - {id: support",
    );
    served.run(&desk, "import chat/lobby").ends(1).says("chat/lobby is recorded already");
    served.run(&desk, "import chat/news").ends(0).prints("1 recorded");
    let back = served.run(&desk, "apply -y --refresh all").ends(0).prints("1 updated");
    back.prints(&format!("\"{theirs}\" → \"{ours}\""));
    served.run(&desk, "plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_generated_file_does_not_declare_the_ownership_attribute() {
    let desk = with_owner();
    desk.run("apply -y").ends(0);
    lose_state(&desk);
    desk.write("ids.txt", "lobby\nnews\n");
    let rooms = THREE_ROOMS.replace(ON.0, ON.1);
    let (head, _) = rooms.split_once("rooms:").expect("rooms");
    desk.write("rooms.yaml", &format!("{head}rooms: []\n"));
    desk.run("import --generate made.yaml --provider chat --ids ids.txt").ends(0);
    let made = desk.read("made.yaml");
    assert!(made.contains("topic") && !made.contains("managed_by"), "{made}");
    desk.run("-f rooms.yaml -f made.yaml validate").ends(0);
}

#[test]
fn lineage_needs_all_declared() {
    let desk = with_owner();
    let uuid = "7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44";
    desk.run(&format!("import chat/news --lineage {uuid}")).ends(64);
    desk.run(&format!("import --lineage {uuid}")).ends(64);
    desk.run("import --all-declared --lineage ours").ends(64).says("expected a UUID");
    let none = desk.run(&format!("import --all-declared --lineage {uuid}")).ends(1);
    none.says("no declared, unrecorded room has this lineage");
}

#[test]
fn a_live_room_gets_the_attribute_after_its_create() {
    let desk = Desk::with(
        "version: 1
providers:
  live: {kind: tencent-live, app_id: 1, operator: admin, endpoint: emulator, ownership_attribute: by}
defaults: {seat_template: VideoDynamicGrid9Seats}
rooms: [{id: stage, name: Stage}]
",
    );
    desk.run("apply -y").ends(0).prints("1 created").keeps_from("attributes.by");
    let ours = lineage(&desk, "rooms.state.json");
    desk.run("state show live/stage").ends(0).prints(&format!("attributes.by          \"{ours}\""));
    desk.run("plan --refresh all").ends(0).prints("No changes: 1 room, 1 asked");
    desk.edit("VideoDynamicGrid9Seats", "AudioSalon");
    desk.run("apply -y --allow-destroy 1").ends(0).prints("1 replaced");
    desk.run("plan --refresh all").ends(0).prints("No changes: 1 room, 1 asked");
    desk.run("state show live/stage").ends(0).prints(&ours);
}
