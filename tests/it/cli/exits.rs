//! Every exit code, each in the situations that produce it.

use std::io::{BufRead, BufReader, Read};

use serde_json::json;

use super::desk::{Desk, Ran, THREE_ROOMS};
use super::served::{SECRET, Served, Silent};

/// The secret of no application.
const WRONG: &str = "another-secret-than-the-right-one";

#[test]
fn exit_0_if_every_step_is_done_or_there_is_none() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("apply --auto-approve").ends(0).prints("Applied: 3 created.");
    desk.run("apply").ends(0).prints("No changes: 3 rooms, 0 asked");
    desk.run("plan --detailed-exitcode").ends(0).prints("No changes: 3 rooms, 0 asked");
    desk.run("apply --auto-approve --detailed-exitcode").ends(0);
}

#[test]
fn exit_1_if_every_step_failed() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    let wrong = [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", WRONG)];
    let failed = desk.run_with(&wrong, "apply --auto-approve --concurrency 1").ends(1);
    failed.prints("Applied: nothing; 1 failed, 2 not tried.");
}

#[test]
fn exit_1_if_every_create_is_a_conflict() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0);
    let lost = served.run(&desk, "apply --auto-approve --state lost.json").ends(1);
    lost.prints("Applied: nothing; 3 failed.").prints("is not in this state");
    desk.edit("id: news", "id: newest");
    let some = served.run(&desk, "apply --auto-approve --state lost.json").ends(5);
    some.prints("Applied: 1 created; 2 failed.");
}

#[test]
fn exit_1_if_a_file_is_invalid() {
    let desk = Desk::with(&THREE_ROOMS.replace("name: News", "nam: News"));
    for command in ["validate", "plan", "apply --auto-approve", "check", "import --all-declared"] {
        desk.run(command).ends(1).says("did you mean `name`?");
    }
    assert!(!desk.holds("rooms.state.json"), "a state was written");
}

#[test]
fn exit_1_if_the_state_is_damaged() {
    let desk = Desk::applied();
    let text = desk.read("rooms.state.json");
    for damaged in [&text[..text.len() / 2], ""] {
        desk.write("rooms.state.json", damaged);
        desk.run("plan").ends(1).says("nothing was overwritten");
        desk.run("apply --auto-approve").ends(1).says("rooms.state.json:");
        assert_eq!(desk.read("rooms.state.json"), damaged);
    }
}

#[test]
fn exit_2_if_a_plan_has_steps() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("plan --detailed-exitcode").ends(2);
    desk.run("plan --detailed-exitcode --format json").ends(2);
    desk.run("plan").ends(0);
}

#[test]
fn exit_2_if_rooms_are_blocked_or_waiting() {
    let desk = Desk::applied();
    desk.edit("name: Lobby", "name: Hall");
    let blocked = desk.run("plan --detailed-exitcode").ends(2);
    blocked.prints("Nothing can be done now: 1 blocked").keeps_from("No changes");
    desk.run("plan").ends(0).prints("Nothing can be done now: 1 blocked");
    let document = desk.run("plan --detailed-exitcode --format json").ends(2).document();
    assert_eq!((&document["summary"]["blocked"], &document["steps"]), (&1.into(), &json!([])));
    desk.edit("name: Hall", "name: Lobby");
    desk.edit("name: News", "name: Today");
    desk.run("emulator enter chat/news --users 3").ends(0);
    let waits = desk.run("plan --detailed-exitcode --refresh all").ends(2);
    waits.prints("Nothing can be done now: 1 waiting, on the built-in emulator.");
    desk.run("plan --refresh all").ends(0);
}

#[test]
fn exit_3_if_the_gate_holds_destroys_back() {
    let desk = Desk::applied();
    desk.edit("name: News", "name: Today");
    desk.edit("name: Support", "name: Help");
    desk.edit("topic: welcome", "topic: hello");
    let held = desk.run("apply --auto-approve").ends(3);
    held.prints("Applied: 1 updated; 2 not tried.").prints("--allow-destroy 2");
    desk.run("apply --auto-approve --allow-destroy 1").ends(3).prints("Applied: nothing");
    desk.run("apply --auto-approve --allow-destroy 2").ends(0).prints("Applied: 2 replaced.");
}

#[test]
fn exit_3_if_a_room_is_protected_whatever_the_flags() {
    let desk = Desk::applied();
    desk.edit("name: Lobby", "name: Hall");
    desk.run("apply --auto-approve --allow-destroy 9").ends(3).prints("prevent_destroy: false");
    desk.run("destroy --auto-approve --allow-destroy 9")
        .ends(3)
        .prints("Applied: 2 destroyed; 1 blocked.");
    desk.run("state list").ends(0).prints("chat/lobby");
    let idle = desk.run("destroy --auto-approve --allow-destroy 9").ends(3);
    idle.prints("Nothing can be done now: 1 blocked")
        .keeps_from("Applied")
        .keeps_from("No changes");
    desk.run("apply").ends(3).says("not a terminal");
}

#[test]
fn exit_3_if_max_rooms_is_exceeded() {
    let desk = Desk::with(&THREE_ROOMS.replace("operator:", "max_rooms: 2, operator:"));
    let blocked = desk.run("apply --auto-approve").ends(3);
    blocked.prints("2 to create").prints("1 blocked.").prints("Applied: 2 created; 1 blocked.");
    let idle = desk.run("apply").ends(3).prints("Nothing can be done now: 1 blocked");
    idle.keeps_from("Plan:");
}

#[test]
fn exit_0_if_no_destroy_leaves_a_replace_out() {
    let desk = Desk::applied();
    desk.edit("name: News", "name: Today");
    let left = desk.run("apply --auto-approve --no-destroy").ends(0);
    left.prints("Applied: nothing; 1 not tried.").prints("--no-destroy");
}

#[test]
fn no_destroy_still_changes_in_place() {
    let desk = Desk::applied();
    desk.edit("name: News, attributes: {topic: today}", "name: Today, attributes: {topic: now}");
    let left = desk.run("apply --auto-approve --no-destroy");
    left.prints("Applied: 1 updated; 1 not tried.").prints("--no-destroy");
    let plan = desk.run("plan --refresh all").ends(0);
    plan.prints("1 to replace").keeps_from("attributes.topic");
}

#[test]
fn exit_3_if_nothing_approves_the_plan() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("apply").ends(3).says("--auto-approve").prints("Plan: 3 to create");
    desk.run("state list").ends(0).keeps_from("chat/");
    desk.run("apply --auto-approve").ends(0);
    desk.run("destroy --auto-approve").ends(3).says("--allow-destroy");
    desk.run("state list").ends(0).prints("chat/support");
}

#[test]
fn exit_3_if_the_state_of_an_emulator_is_used_on_a_real_endpoint() {
    let desk = Desk::applied();
    let real = [("ZIM_ENDPOINT", "vendor"), ("ZEGO_SERVER_SECRET", SECRET)];
    for command in ["plan", "apply --auto-approve", "import --all-declared"] {
        let refused = desk.run_with(&real, command).ends(3);
        refused
            .says("on the built-in emulator")
            .says("use a separate state")
            .says("roomctl destroy");
    }
    let other = [("ZIM_ENDPOINT", "vendor")];
    desk.run_with(&other, "plan --state real.state.json").ends(0).prints("a new state");
}

#[test]
fn exit_4_if_another_run_holds_the_lock() {
    let desk = Desk::with(THREE_ROOMS);
    let silent = Silent::start();
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let mut first = desk.command("apply --auto-approve");
    let mut first = first.envs(real).spawn().expect("the first run starts");
    let _open = silent.called();
    let pid = format!("process {}", first.id());
    let second = desk.run("apply --auto-approve").ends(4);
    second.says("`roomctl apply`").says(&pid);
    desk.run("state rm chat/lobby --auto-approve").ends(4);
    desk.run("state list").ends(0);
    first.kill().expect("the first run is killed");
    first.wait().expect("the first run has ended");
}

#[test]
fn exit_5_if_some_steps_failed() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "--max-rooms 2");
    let partly = served.run(&desk, "apply --auto-approve").ends(5);
    let partly = partly.prints("Applied: 2 created; 1 failed.").prints("660300015");
    partly.prints("number of rooms exceeds the limit").says("create failed");
    served.run(&desk, "plan --detailed-exitcode").ends(2).prints("1 to create");
}

#[test]
fn exit_5_if_the_state_is_lost_after_rooms_were_created() {
    let desk = Desk::with(&THREE_ROOMS.replace("operator:", "rate_limit: 2, operator:"));
    let mut run = desk.command("apply --auto-approve").spawn().expect("apply starts");
    let mut stderr = BufReader::new(run.stderr.take().expect("its stderr"));
    let mut line = String::new();
    while !line.contains(": created") {
        line.clear();
        assert!(
            stderr.read_line(&mut line).expect("its progress") > 0,
            "the apply ended without a created room"
        );
    }
    desk.write("rooms.state.json", "{}");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("the rest of its progress");
    let output = run.wait_with_output().expect("its output");
    Ran::new("apply --auto-approve", output).ends(5);
    assert!(rest.contains("error: "), "{rest}");
}

#[test]
fn exit_5_if_rooms_are_unread() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0);
    let wrong = [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", WRONG)];
    let unread = desk.run_with(&wrong, "plan --refresh all --detailed-exitcode").ends(5);
    let unread = unread.prints("Unread").prints("100000005").prints("ServerSecret");
    unread.prints("Nothing can be done now: 3 unread.").keeps_from("No changes");
    desk.edit("topic: today", "topic: tomorrow");
    let ran = desk.run_with(&wrong, "apply --auto-approve --refresh all --format json").ends(5);
    let lines = ran.lines();
    assert_eq!(lines[0]["summary"]["unread"], 3, "{ran}");
    assert_eq!(lines[0]["summary"]["unchanged"], 0, "{ran}");
    assert_eq!(lines[lines.len() - 1]["unread"], 3, "{ran}");
}

#[test]
fn exit_5_has_priority_over_3() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "--max-rooms 2");
    desk.edit("operator:", "max_rooms: 3, operator:");
    let lines = "  - {id: zoo, name: Zoo}\n";
    desk.write("rooms.yaml", &format!("{}{lines}", desk.read("rooms.yaml")));
    let ran = served.run(&desk, "apply --auto-approve").ends(5);
    ran.prints("Applied: 2 created; 1 failed, 1 blocked.");
}

#[test]
fn exit_5_with_detailed_exitcode_if_a_step_waits() {
    let desk = Desk::applied();
    desk.run("emulator enter chat/news --users 3").ends(0);
    desk.edit("name: News", "name: Today");
    let waits = desk.run("apply --auto-approve").ends(0).prints("Applied: nothing; 1 waiting.");
    waits.prints("3 people inside").prints("--evict chat/news");
    let again = desk.run("apply --auto-approve --detailed-exitcode").ends(5);
    again.prints("Nothing can be done now: 1 waiting").keeps_from("Applied");
    desk.run("apply --auto-approve --evict chat/news").ends(0).prints("Applied: 1 replaced.");
}

#[test]
fn exit_64_on_a_usage_error() {
    let desk = Desk::with(THREE_ROOMS);
    for line in ["", "plan --nope", "aply", "state show lobby", "plan --refresh often", "import"] {
        desk.run(line).ends(64);
    }
    desk.run("--help").ends(0);
    desk.run("--version").ends(0).prints("roomctl 0.1.0");
}
