//! Every exit code, each in the situations that produce it.

use std::io::{BufRead, BufReader, Read};

use serde_json::json;

use super::served::{SECRET, Served, Silent};
use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};

/// The secret of no application.
const WRONG: &str = "another-secret-than-the-right-one";

#[test]
fn exit_0_if_every_step_is_done_or_there_is_none() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
    dir.run("apply").exits(0).stdout_has("No changes: 3 rooms, 0 asked");
    dir.run("plan --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms, 0 asked");
    dir.run("apply --auto-approve --detailed-exitcode").exits(0);
}

#[test]
fn exit_1_if_every_step_failed() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    let wrong = [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", WRONG)];
    let failed = dir.run_with(&wrong, "apply --auto-approve --concurrency 1").exits(1);
    failed.stdout_has("Applied: nothing; 1 failed, 2 not tried.");
}

#[test]
fn exit_1_if_every_create_is_a_conflict() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0);
    let lost = served.run(&dir, "apply --auto-approve --state lost.json").exits(1);
    lost.stdout_has("Applied: nothing; 3 failed.").stdout_has("is not in this state");
    dir.edit("id: news", "id: newest");
    let some = served.run(&dir, "apply --auto-approve --state lost.json").exits(5);
    some.stdout_has("Applied: 1 created; 2 failed.");
}

#[test]
fn exit_1_if_a_file_is_invalid() {
    let dir = TestDir::with(&THREE_ROOMS.replace("name: News", "nam: News"));
    for command in ["validate", "plan", "apply --auto-approve", "check", "import --all-declared"] {
        dir.run(command).exits(1).stderr_has("did you mean `name`?");
    }
    assert!(!dir.holds("rooms.state.json"), "a state was written");
}

#[test]
fn exit_1_if_the_state_is_damaged() {
    let dir = TestDir::applied();
    let text = dir.read("rooms.state.json");
    for damaged in [&text[..text.len() / 2], ""] {
        dir.write("rooms.state.json", damaged);
        dir.run("plan").exits(1).stderr_has("nothing was overwritten");
        dir.run("apply --auto-approve").exits(1).stderr_has("rooms.state.json:");
        assert_eq!(dir.read("rooms.state.json"), damaged);
    }
}

#[test]
fn exit_2_if_a_plan_has_steps() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("plan --detailed-exitcode").exits(2);
    dir.run("plan --detailed-exitcode --format json").exits(2);
    dir.run("plan").exits(0);
}

#[test]
fn exit_2_if_rooms_are_blocked_or_waiting() {
    let dir = TestDir::applied();
    dir.edit("name: Lobby", "name: Hall");
    let blocked = dir.run("plan --detailed-exitcode").exits(2);
    blocked.stdout_has("Nothing can be done now: 1 blocked").output_lacks("No changes");
    dir.run("plan").exits(0).stdout_has("Nothing can be done now: 1 blocked");
    let document = dir.run("plan --detailed-exitcode --format json").exits(2).document();
    assert_eq!((&document["summary"]["blocked"], &document["steps"]), (&1.into(), &json!([])));
    dir.edit("name: Hall", "name: Lobby");
    dir.edit("name: News", "name: Today");
    dir.run("emulator enter chat/news --users 3").exits(0);
    let waits = dir.run("plan --detailed-exitcode --refresh all").exits(2);
    waits.stdout_has("Nothing can be done now: 1 waiting, on the built-in emulator.");
    dir.run("plan --refresh all").exits(0);
}

#[test]
fn exit_3_if_the_gate_holds_destroys_back() {
    let dir = TestDir::applied();
    dir.edit("name: News", "name: Today");
    dir.edit("name: Support", "name: Help");
    dir.edit("topic: welcome", "topic: hello");
    let held = dir.run("apply --auto-approve").exits(3);
    held.stdout_has("Applied: 1 updated; 2 not tried.").stdout_has("--allow-destroy 2");
    dir.run("apply --auto-approve --allow-destroy 1").exits(3).stdout_has("Applied: nothing");
    dir.run("apply --auto-approve --allow-destroy 2").exits(0).stdout_has("Applied: 2 replaced.");
}

#[test]
fn exit_3_if_a_room_is_protected_whatever_the_flags() {
    let dir = TestDir::applied();
    dir.edit("name: Lobby", "name: Hall");
    dir.run("apply --auto-approve --allow-destroy 9").exits(3).stdout_has("prevent_destroy: false");
    dir.run("destroy --auto-approve --allow-destroy 9")
        .exits(3)
        .stdout_has("Applied: 2 destroyed; 1 blocked.");
    dir.run("state list").exits(0).stdout_has("chat/lobby");
    let idle = dir.run("destroy --auto-approve --allow-destroy 9").exits(3);
    idle.stdout_has("Nothing can be done now: 1 blocked")
        .output_lacks("Applied")
        .output_lacks("No changes");
    dir.run("apply").exits(3).stderr_has("not a terminal");
}

#[test]
fn exit_3_if_max_rooms_is_exceeded() {
    let dir = TestDir::with(&THREE_ROOMS.replace("operator:", "max_rooms: 2, operator:"));
    let blocked = dir.run("apply --auto-approve").exits(3);
    blocked
        .stdout_has("2 to create")
        .stdout_has("1 blocked.")
        .stdout_has("Applied: 2 created; 1 blocked.");
    let idle = dir.run("apply").exits(3).stdout_has("Nothing can be done now: 1 blocked");
    idle.output_lacks("Plan:");
}

#[test]
fn exit_0_if_no_destroy_leaves_a_replace_out() {
    let dir = TestDir::applied();
    dir.edit("name: News", "name: Today");
    let left = dir.run("apply --auto-approve --no-destroy").exits(0);
    left.stdout_has("Applied: nothing; 1 not tried.").stdout_has("--no-destroy");
}

#[test]
fn no_destroy_still_changes_in_place() {
    let dir = TestDir::applied();
    dir.edit("name: News, attributes: {topic: today}", "name: Today, attributes: {topic: now}");
    let left = dir.run("apply --auto-approve --no-destroy");
    left.stdout_has("Applied: 1 updated; 1 not tried.").stdout_has("--no-destroy");
    let plan = dir.run("plan --refresh all").exits(0);
    plan.stdout_has("1 to replace").output_lacks("attributes.topic");
}

#[test]
fn exit_3_if_nothing_approves_the_plan() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("apply").exits(3).stderr_has("--auto-approve").stdout_has("Plan: 3 to create");
    dir.run("state list").exits(0).output_lacks("chat/");
    dir.run("apply --auto-approve").exits(0);
    dir.run("destroy --auto-approve").exits(3).stderr_has("--allow-destroy");
    dir.run("state list").exits(0).stdout_has("chat/support");
}

#[test]
fn exit_3_if_the_state_of_an_emulator_is_used_on_a_real_endpoint() {
    let dir = TestDir::applied();
    let real = [("ZIM_ENDPOINT", "vendor"), ("ZEGO_SERVER_SECRET", SECRET)];
    for command in ["plan", "apply --auto-approve", "import --all-declared"] {
        let refused = dir.run_with(&real, command).exits(3);
        refused
            .stderr_has("on the built-in emulator")
            .stderr_has("use a separate state")
            .stderr_has("roomctl destroy");
    }
    let other = [("ZIM_ENDPOINT", "vendor")];
    dir.run_with(&other, "plan --state real.state.json").exits(0).stdout_has("a new state");
}

#[test]
fn exit_4_if_another_run_holds_the_lock() {
    let dir = TestDir::with(THREE_ROOMS);
    let silent = Silent::start();
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let mut first = dir.command("apply --auto-approve");
    let mut first = first.envs(real).spawn().expect("the first run starts");
    let _open = silent.called();
    let pid = format!("process {}", first.id());
    let second = dir.run("apply --auto-approve").exits(4);
    second.stderr_has("`roomctl apply`").stderr_has(&pid);
    dir.run("state rm chat/lobby --auto-approve").exits(4);
    dir.run("state list").exits(0);
    first.kill().expect("the first run is killed");
    first.wait().expect("the first run has ended");
}

#[test]
fn exit_5_if_some_steps_failed() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "--max-rooms 2");
    let partly = served.run(&dir, "apply --auto-approve").exits(5);
    let partly = partly.stdout_has("Applied: 2 created; 1 failed.").stdout_has("660300015");
    partly.stdout_has("number of rooms exceeds the limit").stderr_has("create failed");
    served.run(&dir, "plan --detailed-exitcode").exits(2).stdout_has("1 to create");
}

#[test]
fn exit_5_if_the_state_is_lost_after_rooms_were_created() {
    let dir = TestDir::with(&THREE_ROOMS.replace("operator:", "rate_limit: 2, operator:"));
    let mut run = dir.command("apply --auto-approve").spawn().expect("apply starts");
    let mut stderr = BufReader::new(run.stderr.take().expect("its stderr"));
    let mut line = String::new();
    while !line.contains(": created") {
        line.clear();
        assert!(
            stderr.read_line(&mut line).expect("its progress") > 0,
            "the apply ended without a created room"
        );
    }
    dir.write("rooms.state.json", "{}");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("the rest of its progress");
    let output = run.wait_with_output().expect("its output");
    CommandResult::new("apply --auto-approve", output).exits(5);
    assert!(rest.contains("error: "), "{rest}");
}

#[test]
fn exit_5_if_rooms_are_unread() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0);
    let wrong = [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", WRONG)];
    let unread = dir.run_with(&wrong, "plan --refresh all --detailed-exitcode").exits(5);
    let unread = unread.stdout_has("Unread").stdout_has("100000005").stdout_has("ServerSecret");
    unread.stdout_has("Nothing can be done now: 3 unread.").output_lacks("No changes");
    dir.edit("topic: today", "topic: tomorrow");
    let ran = dir.run_with(&wrong, "apply --auto-approve --refresh all --format json").exits(5);
    let lines = ran.lines();
    assert_eq!(lines[0]["summary"]["unread"], 3, "{ran}");
    assert_eq!(lines[0]["summary"]["unchanged"], 0, "{ran}");
    assert_eq!(lines[lines.len() - 1]["unread"], 3, "{ran}");
}

#[test]
fn exit_5_has_priority_over_3() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "--max-rooms 2");
    dir.edit("operator:", "max_rooms: 3, operator:");
    let lines = "  - {id: zoo, name: Zoo}\n";
    dir.write("rooms.yaml", &format!("{}{lines}", dir.read("rooms.yaml")));
    let ran = served.run(&dir, "apply --auto-approve").exits(5);
    ran.stdout_has("Applied: 2 created; 1 failed, 1 blocked.");
}

#[test]
fn exit_5_with_detailed_exitcode_if_a_step_waits() {
    let dir = TestDir::applied();
    dir.run("emulator enter chat/news --users 3").exits(0);
    dir.edit("name: News", "name: Today");
    let waits = dir.run("apply --auto-approve").exits(0).stdout_has("Applied: nothing; 1 waiting.");
    waits.stdout_has("3 people inside").stdout_has("--evict chat/news");
    let again = dir.run("apply --auto-approve --detailed-exitcode").exits(5);
    again.stdout_has("Nothing can be done now: 1 waiting").output_lacks("Applied");
    dir.run("apply --auto-approve --evict chat/news").exits(0).stdout_has("Applied: 1 replaced.");
}

#[test]
fn exit_64_on_a_usage_error() {
    let dir = TestDir::with(THREE_ROOMS);
    for line in ["", "plan --nope", "aply", "state show lobby", "plan --refresh often", "import"] {
        dir.run(line).exits(64);
    }
    dir.run("--help").exits(0);
    dir.run("--version").exits(0).stdout_has("roomctl 0.1.0");
}
