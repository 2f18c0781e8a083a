//! The summary line of a plan without steps: "No changes" only if no room is blocked, waiting or unread.

use serde_json::Value;

use super::desk::{Desk, Ran, THREE_ROOMS};
use super::served::{SECRET, Served};

const REAL: (&str, &str) = ("ZIM_ENDPOINT", "vendor");

/// Returns the `summary` of a JSON plan.
fn summary(ran: &Ran) -> Value {
    ran.document()["summary"].clone()
}

#[test]
fn a_plan_without_steps_prints_one_line() {
    let desk = Desk::applied();
    for (command, asked) in [
        ("plan", 0),
        ("plan --refresh never", 0),
        ("plan --refresh all", 3),
        ("apply", 0),
        ("apply --auto-approve --refresh all", 3),
    ] {
        let line = format!("No changes: 3 rooms, {asked} asked, on the built-in emulator.\n");
        let ran = desk.run(command).ends(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (&*line, ""), "{ran}");
    }
    let served = Served::start(&Desk::empty(), "");
    let other = Desk::with(THREE_ROOMS);
    served.run(&other, "apply --auto-approve").ends(0);
    let ran = served.run(&other, "plan").ends(0);
    assert_eq!(ran.stdout, "No changes: 3 rooms, 0 asked.\n");
}

#[test]
fn quiet_prints_nothing_without_changes() {
    let desk = Desk::applied();
    for command in ["plan -q", "apply -q"] {
        assert_eq!(desk.run(command).ends(0).stdout, "");
    }
    desk.edit("name: Lobby", "name: Hall");
    desk.run("plan -q").ends(0).prints("Nothing can be done now: 1 blocked");
}

#[test]
fn blocked_rooms_are_not_reported_as_no_changes() {
    let head = THREE_ROOMS.split("rooms:").next().expect("the head");
    let room = |n| format!("  - {{id: r{n}, name: R, lifecycle: {{prevent_destroy: true}}}}\n");
    let rooms: String = (0..12).map(room).collect();
    let desk = Desk::with(&format!("{head}rooms:\n{rooms}"));
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0);
    desk.write("rooms.yaml", &format!("{head}rooms: []\n"));
    let ran = served.run(&desk, "plan --detailed-exitcode").ends(2);
    let ran = ran.prints("\nNothing can be done now: 12 blocked.\n").keeps_from("No changes");
    assert_eq!(ran.stdout.matches("prevent_destroy: false").count(), 12, "{ran}");
    served.run(&desk, "apply --auto-approve").ends(3).keeps_from("No changes");
}

#[test]
fn due_rooms_not_queried_without_credentials_are_counted() {
    let desk = Desk::with(&THREE_ROOMS.replace("1h", "0s"));
    let served = Served::start(&desk, "");
    let here = ("ZIM_ENDPOINT", served.url.as_str());
    served.run(&desk, "apply --auto-approve").ends(0);
    let not_asked = "3 due rooms not asked: no credentials";
    let plan = desk.run_with(&[here], "plan --detailed-exitcode").ends(0);
    let plan = plan.prints(&format!("No changes to what is recorded; {not_asked}.\n"));
    plan.prints("ZEGO_SERVER_SECRET is not set").keeps_from("unchanged");
    let counts = summary(&desk.run_with(&[here], "plan --format json").ends(0));
    assert_eq!((&counts["not_asked"], &counts["asked"]), (&3.into(), &0.into()));
    assert_eq!((&counts["unread"], &counts["unchanged"]), (&0.into(), &3.into()));
    desk.edit("topic: today", "topic: tomorrow");
    let plan = desk.run_with(&[here], "plan --detailed-exitcode").ends(2);
    plan.prints("1 to update").prints(&format!("\n{not_asked}; planned as recorded.\n"));
    desk.edit("name: Lobby", "name: Hall");
    desk.edit("topic: tomorrow", "topic: today");
    let plan = desk.run_with(&[here], "plan --detailed-exitcode").ends(2);
    plan.prints(&format!("Nothing can be done now: 1 blocked; {not_asked}."));
    let asked = [here, ("ZEGO_SERVER_SECRET", SECRET)];
    assert_eq!(summary(&desk.run_with(&asked, "plan --format json"))["not_asked"], 0);
}

#[test]
fn without_due_rooms_missing_credentials_are_not_reported() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0);
    let plan = desk.run_with(&[("ZIM_ENDPOINT", &served.url)], "plan").ends(0);
    plan.prints("\nNo changes: 3 rooms, 0 asked.\n").keeps_from("not asked:");
    let new = desk.run_with(&[REAL], "plan --state other.json").ends(0);
    new.prints("3 to create").keeps_from("not asked:");
}

#[test]
fn imported_rooms_are_not_due_at_once() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0);
    served.run(&desk, "import --all-declared --state lost.json").ends(0);
    for _ in 0..2 {
        let plan = served.run(&desk, "plan --state lost.json").ends(0);
        plan.prints("No changes: 3 rooms, 0 asked.");
    }
}
