//! The summary line of a plan without steps: "No changes" only if no room is blocked, waiting or unread.

use serde_json::Value;

use super::served::{SECRET, Served};
use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};

const REAL: (&str, &str) = ("ZIM_ENDPOINT", "vendor");

/// Returns the `summary` of a JSON plan.
fn summary(ran: &CommandResult) -> Value {
    ran.document()["summary"].clone()
}

#[test]
fn a_plan_without_steps_prints_one_line() {
    let dir = TestDir::applied();
    for (command, asked) in [
        ("plan", 0),
        ("plan --refresh never", 0),
        ("plan --refresh all", 3),
        ("apply", 0),
        ("apply --auto-approve --refresh all", 3),
    ] {
        let line = format!("No changes: 3 rooms, {asked} asked, on the built-in emulator.\n");
        let ran = dir.run(command).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (&*line, ""), "{ran}");
    }
    let served = Served::start(&TestDir::empty(), "");
    let other = TestDir::with(THREE_ROOMS);
    served.run(&other, "apply --auto-approve").exits(0);
    let ran = served.run(&other, "plan").exits(0);
    assert_eq!(ran.stdout, "No changes: 3 rooms, 0 asked.\n");
}

#[test]
fn quiet_prints_nothing_without_changes() {
    let dir = TestDir::applied();
    for command in ["plan -q", "apply -q"] {
        assert_eq!(dir.run(command).exits(0).stdout, "");
    }
    dir.edit("name: Lobby", "name: Hall");
    dir.run("plan -q").exits(0).stdout_has("Nothing can be done now: 1 blocked");
}

#[test]
fn blocked_rooms_are_not_reported_as_no_changes() {
    let head = THREE_ROOMS.split("rooms:").next().expect("the head");
    let room = |n| format!("  - {{id: r{n}, name: R, lifecycle: {{prevent_destroy: true}}}}\n");
    let rooms: String = (0..12).map(room).collect();
    let dir = TestDir::with(&format!("{head}rooms:\n{rooms}"));
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0);
    dir.write("rooms.yaml", &format!("{head}rooms: []\n"));
    let ran = served.run(&dir, "plan --detailed-exitcode").exits(2);
    let ran = ran.stdout_has("\nNothing can be done now: 12 blocked.\n").output_lacks("No changes");
    assert_eq!(ran.stdout.matches("prevent_destroy: false").count(), 12, "{ran}");
    served.run(&dir, "apply --auto-approve").exits(3).output_lacks("No changes");
}

#[test]
fn due_rooms_not_queried_without_credentials_are_counted() {
    let dir = TestDir::with(&THREE_ROOMS.replace("1h", "0s"));
    let served = Served::start(&dir, "");
    let here = ("ZIM_ENDPOINT", served.url.as_str());
    served.run(&dir, "apply --auto-approve").exits(0);
    let not_asked = "3 due rooms not asked: no credentials";
    let plan = dir.run_with(&[here], "plan --detailed-exitcode").exits(0);
    let plan = plan.stdout_has(&format!("No changes to what is recorded; {not_asked}.\n"));
    plan.stdout_has("ZEGO_SERVER_SECRET is not set").output_lacks("unchanged");
    let counts = summary(&dir.run_with(&[here], "plan --format json").exits(0));
    assert_eq!((&counts["not_asked"], &counts["asked"]), (&3.into(), &0.into()));
    assert_eq!((&counts["unread"], &counts["unchanged"]), (&0.into(), &3.into()));
    dir.edit("topic: today", "topic: tomorrow");
    let plan = dir.run_with(&[here], "plan --detailed-exitcode").exits(2);
    plan.stdout_has("1 to update").stdout_has(&format!("\n{not_asked}; planned as recorded.\n"));
    dir.edit("name: Lobby", "name: Hall");
    dir.edit("topic: tomorrow", "topic: today");
    let plan = dir.run_with(&[here], "plan --detailed-exitcode").exits(2);
    plan.stdout_has(&format!("Nothing can be done now: 1 blocked; {not_asked}."));
    let asked = [here, ("ZEGO_SERVER_SECRET", SECRET)];
    assert_eq!(summary(&dir.run_with(&asked, "plan --format json"))["not_asked"], 0);
}

#[test]
fn without_due_rooms_missing_credentials_are_not_reported() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0);
    let plan = dir.run_with(&[("ZIM_ENDPOINT", &served.url)], "plan").exits(0);
    plan.stdout_has("\nNo changes: 3 rooms, 0 asked.\n").output_lacks("not asked:");
    let new = dir.run_with(&[REAL], "plan --state other.json").exits(0);
    new.stdout_has("3 to create").output_lacks("not asked:");
}

#[test]
fn imported_rooms_are_not_due_at_once() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0);
    served.run(&dir, "import --all-declared --state lost.json").exits(0);
    for _ in 0..2 {
        let plan = served.run(&dir, "plan --state lost.json").exits(0);
        plan.stdout_has("No changes: 3 rooms, 0 asked.");
    }
}
