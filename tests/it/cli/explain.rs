//! `explain ADDRESS`: what is desired, recorded and observed, and the decision; it writes nothing.

use super::desk::{Desk, THREE_ROOMS, files_below};

#[test]
fn explain_shows_desired_recorded_observed_and_the_decision() {
    let desk = Desk::applied();
    let same = desk.run("explain chat/lobby").ends(0);
    same.prints("desired").prints("recorded").prints("observed").prints("exists, nobody inside");
    let same = desk.run("explain chat/lobby").ends(0);
    same.prints("Decision: nothing is done").prints("Next due: ").keeps_from("looks it up now");
    desk.edit("topic: welcome", "topic: hello");
    let changed = desk.run("explain chat/lobby").ends(0);
    changed
        .prints("Decision: update  attributes_changed")
        .prints("\"hello\"")
        .prints("\"welcome\"");
    let json = desk.run("explain chat/lobby --format json").ends(0).document();
    assert_eq!(json["decision"]["verdict"], "step");
    assert_eq!(json["decision"]["step"]["reason"], "attributes_changed");
    assert_eq!(json["desired"]["room"]["attributes"]["topic"]["value"], "hello");
    assert_eq!(json["recorded"]["room"]["attributes"]["topic"]["value"], "welcome");
    assert_eq!(json["observed"]["status"], "exists");
    assert_eq!(json["observed"]["people"], 0);
}

#[test]
fn the_decision_equals_that_of_a_plan_with_a_full_refresh() {
    let desk = Desk::applied();
    desk.run("emulator advance 2h").ends(0);
    desk.edit("  - {id: news, name: News, attributes: {topic: today}}\n", "");
    let plan = desk.run("plan --refresh all --format json").ends(0).document();
    for address in ["chat/lobby", "chat/news", "chat/support"] {
        let explained = desk.run(&format!("explain {address} --format json")).ends(0).document();
        let steps = plan["steps"].as_array().expect("a list");
        let step = steps.iter().find(|step| step["address"] == address).expect("a step");
        assert_eq!(explained["decision"]["step"], *step);
        assert_eq!(explained["due"], true);
    }
    desk.run("explain chat/lobby").ends(0).prints("does not exist").prints("looks it up now");
    desk.run("explain chat/lobby --refresh never").ends(0).prints("not asked");
}

#[test]
fn a_blocked_room_is_shown_with_its_reason() {
    let desk = Desk::applied();
    desk.edit(
        "  - {id: lobby, name: Lobby, attributes: {topic: welcome}, lifecycle: {prevent_destroy: true}}\n",
        "",
    );
    let ran = desk.run("explain chat/lobby").ends(0);
    ran.prints("Decision: destroy  not_declared").prints("blocked: protected by `prevent_destroy`");
    let json = desk.run("explain chat/lobby --format json").ends(0).document();
    assert_eq!(json["decision"]["verdict"], "blocked");
    assert_eq!(json["decision"]["held"]["held_reason"], "prevent_destroy");
}

#[test]
fn unknown_rooms_and_providers_are_reported() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("explain chat/nowhere").ends(0).prints("neither declared nor recorded");
    desk.run("explain talk/lobby").ends(1).says("provider `talk` is not declared");
    desk.run("explain lobby").ends(64);
    desk.run("explain chat/lobby").ends(0).prints("Decision: create  not_recorded");
}

#[test]
fn explain_writes_no_file() {
    let desk = Desk::applied();
    desk.run("emulator advance 2h").ends(0);
    let folder = desk.path(".");
    let contents = || {
        let files = files_below(&folder);
        files.into_iter().map(|name| (desk.read(&name), name)).collect::<Vec<_>>()
    };
    let before = contents();
    desk.run("explain chat/lobby").ends(0);
    assert_eq!(contents(), before);
}
