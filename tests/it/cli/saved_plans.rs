//! Saved plans: `apply PLAN`, and every reason for which it is refused.

use super::desk::{Desk, THREE_ROOMS};

/// Returns a folder with three applied rooms, and a saved plan that changes an attribute of one.
fn saved() -> Desk {
    let desk = Desk::applied();
    desk.edit("topic: today", "topic: tomorrow");
    desk.run("plan --out plan.json").ends(0).says("roomctl apply plan.json").prints("1 to update");
    desk
}

/// Asserts that a command fails with this exit code and reason, and leaves the state unchanged.
#[track_caller]
fn assert_refused(desk: &Desk, line: &str, code: i32, reason: &str) {
    let before = desk.read("rooms.state.json");
    desk.run(line).ends(code).says(reason);
    assert_eq!(desk.read("rooms.state.json"), before);
}

#[test]
fn a_saved_plan_is_applied_once_without_later_steps() {
    let desk = saved();
    desk.edit("topic: welcome", "topic: hello");
    assert_refused(&desk, "apply plan.json", 3, "--auto-approve");
    let applied = desk.run("apply plan.json -y").ends(0);
    applied.prints("not in the saved plan").prints("Applied: 1 updated; 1 not tried.");
    assert_refused(&desk, "apply plan.json -y", 3, "was applied already");
    let plan = desk.run("plan").ends(0).prints("1 to update").prints("chat/lobby");
    plan.keeps_from("chat/news");
    desk.run("plan --out plan.json").ends(0);
    desk.run("apply plan.json -y --format json").ends(0).prints("\"update\":1");
    desk.run("plan --detailed-exitcode").ends(0);
}

#[test]
fn a_plan_made_without_a_state_is_valid_only_for_a_new_state() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("plan --out plan.json").ends(0);
    let document: serde_json::Value =
        serde_json::from_str(&desk.read("plan.json")).expect("a document");
    assert!(document["state"]["lineage"].is_null() && document["plan_id"].is_string());
    desk.run("apply plan.json -y").ends(0).prints("Applied: 3 created.");
    assert_refused(&desk, "apply plan.json -y", 3, "was applied already");
    let other = Desk::applied();
    other.write("plan.json", &desk.read("plan.json"));
    assert_refused(&other, "apply plan.json -y", 3, "was made from a new state");
}

#[test]
fn a_plan_of_another_state_is_refused() {
    let (desk, other) = (saved(), saved());
    other.write("plan.json", &desk.read("plan.json"));
    assert_refused(&other, "apply plan.json -y", 3, "the saved plan was made from state");
}

#[test]
fn a_refusal_names_the_room_that_changed() {
    let desk = saved();
    desk.edit("topic: tomorrow", "topic: yesterday");
    let reason = "chat/news: the files have changed";
    assert_refused(&desk, "apply plan.json -y", 3, reason);
    desk.edit("topic: yesterday", "topic: next week");
    desk.run("apply -y").ends(0);
    desk.edit("topic: next week", "topic: tomorrow");
    assert_refused(&desk, "apply plan.json -y", 3, "chat/news: the record has changed");
}

#[test]
fn an_edited_plan_is_refused() {
    let desk = saved();
    let plan = desk.read("plan.json");
    for (old, new, reason) in [
        ("\"action\":\"update\"", "\"action\":\"destroy\"", "another action is needed now"),
        ("tomorrow", "forged", "the files have changed"),
        ("chat/news", "chat/lobby", "chat/lobby: the files have changed"),
        ("chat/news", "chat/hall", "chat/hall: the files have changed"),
    ] {
        desk.write("forged.json", &plan.replace(old, new));
        assert_refused(&desk, "apply forged.json -y", 3, reason);
    }
}

#[test]
fn a_step_that_is_already_done_is_skipped() {
    let desk = saved();
    desk.run("apply -y").ends(0);
    desk.run("apply plan.json -y").ends(0).prints("No changes");
}

#[test]
fn a_room_that_vanished_since_the_plan_is_recreated_or_forgotten() {
    let desk = Desk::applied();
    desk.edit("topic: today", "topic: tomorrow");
    desk.edit("  - {id: support, name: Support}\n", "");
    desk.run("plan --out plan.json").ends(0).prints("1 to update").prints("1 to destroy");
    desk.run("emulator advance 2h").ends(0);
    let applied = desk.run("apply plan.json -y").ends(0);
    applied.prints("1 recreated").prints("1 forgotten").prints("1 not tried");
    desk.run("state show chat/news").ends(0).prints("tomorrow");
}

#[test]
fn the_gate_applies_to_a_saved_plan() {
    let desk = Desk::applied();
    desk.edit("name: News", "name: Today");
    desk.edit("name: Support", "name: Help");
    desk.run("plan --out plan.json").ends(0).prints("The gate is closed");
    desk.run("apply plan.json -y").ends(3);
    desk.run("apply plan.json -y --allow-destroy 2").ends(0).prints("Applied: 2 replaced.");
}

#[test]
fn a_saved_plan_keeps_its_scope() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("plan --target chat/n* --out plan.json").ends(0).prints("Partial: 1 of 3 rooms");
    desk.run("apply plan.json --target chat/lobby").ends(64);
    let applied = desk.run("apply plan.json -y").ends(0);
    applied.prints("Partial: 1 of 3 rooms").prints("Applied: 1 created.");
}

#[test]
fn a_file_that_is_not_a_saved_plan_is_refused() {
    let desk = saved();
    let plan = desk.read("plan.json");
    desk.write("cut.json", &plan[..plan.len() / 2]);
    desk.write("newer.json", &plan.replace("\"format_version\":1", "\"format_version\":2"));
    desk.write("printed.json", &desk.run("plan --format json").ends(0).stdout);
    desk.write("no_room.json", &plan.replace("\"after\":{", "\"after\":{\"colour\":1,"));
    for (file, code, reason) in [
        ("rooms.yaml", 1, "it is not a plan"),
        ("rooms.state.json", 1, "it is not a plan"),
        ("cut.json", 1, "it is truncated or damaged"),
        ("no_room.json", 1, "it is truncated or damaged"),
        ("printed.json", 1, "it was printed with `--format json`, not saved"),
        ("newer.json", 3, "its format version is 2"),
        ("missing.json", 1, "could not be read"),
        (".", 1, "could not be read"),
    ] {
        assert_refused(&desk, &format!("apply {file} -y"), code, reason);
    }
}

#[test]
fn plan_out_overwrites_only_a_plan() {
    let desk = saved();
    for file in ["rooms.yaml", "rooms.state.json", "."] {
        assert_refused(&desk, &format!("plan --out {file}"), 1, "is not overwritten");
    }
    let first = desk.read("plan.json");
    desk.run("plan --out plan.json").ends(0);
    assert_ne!(desk.read("plan.json"), first);
    desk.run("plan --out nowhere/plan.json").ends(1).says("could not be written");
}

#[test]
fn max_plan_age_refuses_an_older_plan() {
    let desk = saved();
    let plan = desk.read("plan.json");
    let at = plan.find("\"time\":\"").expect("a time") + 8;
    desk.write("old.json", &format!("{}2020{}", &plan[..at], &plan[at + 4..]));
    assert_refused(&desk, "apply old.json -y --max-plan-age 1h", 3, "which is not within");
    desk.run("apply plan.json -y --max-plan-age 1h").ends(0);
}

#[test]
fn expect_refuses_a_plan_of_another_digest() {
    let desk = saved();
    let document = desk.run("plan --format json").ends(0).document();
    let digest = document["digest"].as_str().expect("a digest");
    let other = format!("sha256:{}", "0".repeat(64));
    assert_refused(&desk, &format!("apply -y --expect {other}"), 3, digest);
    assert_refused(&desk, &format!("apply plan.json -y --expect {other}"), 3, &other);
    desk.run("apply -y --expect sha256:0").ends(64).says("64 hexadecimal digits");
    desk.run("emulator advance 2h").ends(0);
    desk.run(&format!("apply -y --expect {digest}")).ends(0).prints("3 recreated");
}

#[test]
fn expect_succeeds_after_its_plan_was_applied() {
    let desk = saved();
    let document = desk.run("plan --format json").ends(0).document();
    let expect = format!("--expect {}", document["digest"].as_str().expect("a digest"));
    desk.run(&format!("apply -y {expect}")).ends(0).prints("1 updated");
    for approval in ["-y", ""] {
        let again = desk.run(&format!("apply {approval} {expect}")).ends(0);
        again.prints("No changes: 3 rooms").prints("but the plan has no steps");
    }
    // A later step was not reviewed, even if it only recreates a vanished room.
    desk.run("emulator advance 2h").ends(0);
    assert_refused(&desk, &format!("apply -y {expect}"), 3, "it is not the reviewed plan");
}
