//! `explain ADDRESS`: what is desired, recorded and observed, and the decision; it writes nothing.

use super::test_dir::{THREE_ROOMS, TestDir, files_below};

#[test]
fn explain_shows_desired_recorded_observed_and_the_decision() {
    let dir = TestDir::applied();
    let same = dir.run("explain chat/lobby").exits(0);
    same.stdout_has("desired")
        .stdout_has("recorded")
        .stdout_has("observed")
        .stdout_has("exists, nobody inside");
    let same = dir.run("explain chat/lobby").exits(0);
    same.stdout_has("Decision: nothing is done")
        .stdout_has("Next due: ")
        .output_lacks("looks it up now");
    dir.edit("topic: welcome", "topic: hello");
    let changed = dir.run("explain chat/lobby").exits(0);
    changed
        .stdout_has("Decision: update  attributes_changed")
        .stdout_has("\"hello\"")
        .stdout_has("\"welcome\"");
    let json = dir.run("explain chat/lobby --format json").exits(0).document();
    assert_eq!(json["decision"]["verdict"], "step");
    assert_eq!(json["decision"]["step"]["reason"], "attributes_changed");
    assert_eq!(json["desired"]["room"]["attributes"]["topic"]["value"], "hello");
    assert_eq!(json["recorded"]["room"]["attributes"]["topic"]["value"], "welcome");
    assert_eq!(json["observed"]["status"], "exists");
    assert_eq!(json["observed"]["people"], 0);
}

#[test]
fn the_decision_equals_that_of_a_plan_with_a_full_refresh() {
    let dir = TestDir::applied();
    dir.run("emulator advance 2h").exits(0);
    dir.edit("  - {id: news, name: News, attributes: {topic: today}}\n", "");
    let plan = dir.run("plan --refresh all --format json").exits(0).document();
    for address in ["chat/lobby", "chat/news", "chat/support"] {
        let explained = dir.run(&format!("explain {address} --format json")).exits(0).document();
        let steps = plan["steps"].as_array().expect("a list");
        let step = steps.iter().find(|step| step["address"] == address).expect("a step");
        assert_eq!(explained["decision"]["step"], *step);
        assert_eq!(explained["due"], true);
    }
    dir.run("explain chat/lobby")
        .exits(0)
        .stdout_has("does not exist")
        .stdout_has("looks it up now");
    dir.run("explain chat/lobby --refresh never").exits(0).stdout_has("not asked");
}

#[test]
fn a_blocked_room_is_shown_with_its_reason() {
    let dir = TestDir::applied();
    dir.edit(
        "  - {id: lobby, name: Lobby, attributes: {topic: welcome}, lifecycle: {prevent_destroy: true}}\n",
        "",
    );
    let ran = dir.run("explain chat/lobby").exits(0);
    ran.stdout_has("Decision: destroy  not_declared")
        .stdout_has("blocked: protected by `prevent_destroy`");
    let json = dir.run("explain chat/lobby --format json").exits(0).document();
    assert_eq!(json["decision"]["verdict"], "blocked");
    assert_eq!(json["decision"]["held"]["held_reason"], "prevent_destroy");
}

#[test]
fn unknown_rooms_and_providers_are_reported() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("explain chat/nowhere").exits(0).stdout_has("neither declared nor recorded");
    dir.run("explain talk/lobby").exits(1).stderr_has("provider `talk` is not declared");
    dir.run("explain lobby").exits(64);
    dir.run("explain chat/lobby").exits(0).stdout_has("Decision: create  not_recorded");
}

#[test]
fn explain_writes_no_file() {
    let dir = TestDir::applied();
    dir.run("emulator advance 2h").exits(0);
    let folder = dir.path(".");
    let contents = || {
        let files = files_below(&folder);
        files.into_iter().map(|name| (dir.read(&name), name)).collect::<Vec<_>>()
    };
    let before = contents();
    dir.run("explain chat/lobby").exits(0);
    assert_eq!(contents(), before);
}
