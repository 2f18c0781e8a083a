//! The gate on the command line: its numbers, the exact consent flag, and no prompt without effect.

use super::desk::{Desk, THREE_ROOMS};

/// Returns a folder with five applied rooms that do not exist on the service, as in another region.
fn with_vanished_rooms() -> Desk {
    let more = "  - {id: a, name: A}\n  - {id: b, name: B}\n";
    let desk = Desk::with(&format!("{THREE_ROOMS}{more}"));
    desk.run("apply --auto-approve").ends(0);
    for name in super::desk::files_below(&desk.path(".")) {
        if name.starts_with("rooms.emulator.json") {
            std::fs::remove_file(desk.path(&name)).expect("removed");
        }
    }
    desk
}

#[test]
fn recreating_rooms_that_vanished_early_needs_allow_recreate() {
    let desk = with_vanished_rooms();
    let plan = desk.run("plan --refresh all").ends(0).prints("The gate is closed: 5 steps");
    plan.prints("`max_recreate: 30%` of 5 recorded rooms allows 3")
        .prints("`--allow-recreate 5` consents");
    let refresh = "apply --auto-approve --refresh all";
    let held = desk.run(&format!("{refresh} --allow-destroy 9")).ends(3);
    held.prints("5 not tried").prints("`--allow-recreate` consents");
    desk.run(&format!("{refresh} --allow-recreate 4")).ends(3).prints("--allow-recreate 5");
    desk.run(&format!("{refresh} --allow-recreate 5")).ends(0).prints("Applied: 5 recreated.");
    desk.run("plan --refresh all --detailed-exitcode").ends(0);
}

#[test]
fn max_recreate_is_reported_as_the_refusal() {
    let desk = with_vanished_rooms();
    let document = desk.run("plan --refresh all --format json").ends(0).document();
    let refusal = &document["gate"]["refusals"][0];
    assert_eq!(refusal["reason"], "max_recreate");
    assert_eq!(refusal["flag"], "--allow-recreate 5");
    assert_eq!(document["gate"]["refusals"].as_array().map(Vec::len), Some(1));
}

#[test]
fn no_question_is_asked_if_the_gate_holds_every_step_back() {
    let desk = Desk::applied();
    desk.edit("name: News", "name: Today");
    desk.edit("name: Support", "name: Help");
    let held = desk.run("apply").ends(3).says("the gate holds every step back");
    held.says("`max_destroy: 30%` of 3 recorded rooms allows 1")
        .says("`--allow-destroy 2` consents");
    let lines = desk.run("apply --format json").ends(3).lines();
    assert_eq!(lines[1]["code"], "gate");
    desk.run("apply --allow-destroy 2").ends(3).says("--auto-approve");
    desk.edit("topic: welcome", "topic: hello");
    desk.run("apply").ends(3).says("--auto-approve");
}

#[test]
fn steps_left_out_by_no_destroy_do_not_close_the_gate() {
    let desk = Desk::applied();
    desk.edit("name: News", "name: Today");
    desk.edit("name: Support", "name: Help");
    desk.edit("topic: welcome", "topic: hello");
    let left = desk.run("apply --auto-approve --no-destroy").ends(0).keeps_from("gate");
    left.keeps_from("--allow-destroy").prints("Applied: 1 updated; 2 not tried.");
    let nothing = desk.run("apply --no-destroy").ends(0).keeps_from("gate");
    nothing.prints("2 not tried").keeps_from("--auto-approve");
}

#[test]
fn destroy_without_a_terminal_needs_both_consent_flags() {
    let desk = Desk::applied();
    desk.edit(", lifecycle: {prevent_destroy: true}", "");
    desk.run("apply --auto-approve").ends(0);
    for flags in ["", "--auto-approve", "--allow-destroy 3"] {
        let refused = desk.run(&format!("destroy {flags}")).ends(3);
        refused.says("--auto-approve").says("--allow-destroy 3");
    }
    desk.run("destroy --auto-approve --allow-destroy 2").ends(3).prints("3 not tried");
    desk.run("destroy --auto-approve --allow-destroy 3").ends(0).prints("Applied: 3 destroyed.");
}
