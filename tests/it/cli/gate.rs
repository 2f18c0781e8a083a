//! The gate on the command line: its numbers, the exact consent flag, and no prompt without effect.

use super::test_dir::{THREE_ROOMS, TestDir};

/// Returns a folder with five applied rooms that do not exist on the service, as in another region.
fn with_vanished_rooms() -> TestDir {
    let more = "  - {id: a, name: A}\n  - {id: b, name: B}\n";
    let dir = TestDir::with(&format!("{THREE_ROOMS}{more}"));
    dir.run("apply --auto-approve").exits(0);
    for name in super::test_dir::files_below(&dir.path(".")) {
        if name.starts_with("rooms.emulator.json") {
            std::fs::remove_file(dir.path(&name)).expect("removed");
        }
    }
    dir
}

#[test]
fn recreating_rooms_that_vanished_early_needs_allow_recreate() {
    let dir = with_vanished_rooms();
    let plan = dir.run("plan --refresh all").exits(0).stdout_has("The gate is closed: 5 steps");
    plan.stdout_has("`max_recreate: 30%` of 5 recorded rooms allows 3")
        .stdout_has("`--allow-recreate 5` consents");
    let refresh = "apply --auto-approve --refresh all";
    let held = dir.run(&format!("{refresh} --allow-destroy 9")).exits(3);
    held.stdout_has("5 not tried").stdout_has("`--allow-recreate` consents");
    dir.run(&format!("{refresh} --allow-recreate 4")).exits(3).stdout_has("--allow-recreate 5");
    dir.run(&format!("{refresh} --allow-recreate 5")).exits(0).stdout_has("Applied: 5 recreated.");
    dir.run("plan --refresh all --detailed-exitcode").exits(0);
}

#[test]
fn max_recreate_is_reported_as_the_refusal() {
    let dir = with_vanished_rooms();
    let document = dir.run("plan --refresh all --format json").exits(0).document();
    let refusal = &document["gate"]["refusals"][0];
    assert_eq!(refusal["reason"], "max_recreate");
    assert_eq!(refusal["flag"], "--allow-recreate 5");
    assert_eq!(document["gate"]["refusals"].as_array().map(Vec::len), Some(1));
}

#[test]
fn no_question_is_asked_if_the_gate_holds_every_step_back() {
    let dir = TestDir::applied();
    dir.edit("name: News", "name: Today");
    dir.edit("name: Support", "name: Help");
    let held = dir.run("apply").exits(3).stderr_has("the gate holds every step back");
    held.stderr_has("`max_destroy: 30%` of 3 recorded rooms allows 1")
        .stderr_has("`--allow-destroy 2` consents");
    let lines = dir.run("apply --format json").exits(3).lines();
    assert_eq!(lines[1]["code"], "gate");
    dir.run("apply --allow-destroy 2").exits(3).stderr_has("--auto-approve");
    dir.edit("topic: welcome", "topic: hello");
    dir.run("apply").exits(3).stderr_has("--auto-approve");
}

#[test]
fn steps_left_out_by_no_destroy_do_not_close_the_gate() {
    let dir = TestDir::applied();
    dir.edit("name: News", "name: Today");
    dir.edit("name: Support", "name: Help");
    dir.edit("topic: welcome", "topic: hello");
    let left = dir.run("apply --auto-approve --no-destroy").exits(0).output_lacks("gate");
    left.output_lacks("--allow-destroy").stdout_has("Applied: 1 updated; 2 not tried.");
    let nothing = dir.run("apply --no-destroy").exits(0).output_lacks("gate");
    nothing.stdout_has("2 not tried").output_lacks("--auto-approve");
}

#[test]
fn destroy_without_a_terminal_needs_both_consent_flags() {
    let dir = TestDir::applied();
    dir.edit(", lifecycle: {prevent_destroy: true}", "");
    dir.run("apply --auto-approve").exits(0);
    for flags in ["", "--auto-approve", "--allow-destroy 3"] {
        let refused = dir.run(&format!("destroy {flags}")).exits(3);
        refused.stderr_has("--auto-approve").stderr_has("--allow-destroy 3");
    }
    dir.run("destroy --auto-approve --allow-destroy 2").exits(3).stdout_has("3 not tried");
    dir.run("destroy --auto-approve --allow-destroy 3")
        .exits(0)
        .stdout_has("Applied: 3 destroyed.");
}
