//! Output streams: the result on stdout, the rest on stderr; colour, `--quiet`, the log, broken pipes.

use std::fmt::Write;
use std::io::Read;

use serde_json::Value;

use super::test_dir::{THREE_ROOMS, TestDir};

#[test]
fn the_plan_goes_to_stdout_and_progress_to_stderr() {
    let dir = TestDir::with(THREE_ROOMS);
    let ran = dir.run("apply --auto-approve").exits(0);
    let ran = ran.stdout_has("+ create   chat/lobby").stderr_has("chat/lobby: created (request ");
    assert!(!ran.stdout.contains("request"), "{ran}");
    assert!(!ran.stderr.contains("Plan:"), "{ran}");
}

#[test]
fn quiet_prints_only_the_result_and_errors() {
    let dir = TestDir::with(THREE_ROOMS);
    let ran = dir.run("apply --auto-approve --quiet").exits(0).stdout_has("Applied: 3 created.");
    assert_eq!(ran.stderr, "", "{ran}");
    dir.run("apply -q -f nowhere.yaml").exits(1).stderr_has("nowhere.yaml");
}

#[test]
fn colour_is_off_without_a_terminal_unless_forced() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.run("plan").exits(0).output_lacks("\u{1b}[");
    dir.run("plan --color always").exits(0).stdout_has("\u{1b}[");
    dir.run("plan --color never").exits(0).output_lacks("\u{1b}[");
    let no_color = [("NO_COLOR", "1")];
    dir.run_with(&no_color, "plan").exits(0).output_lacks("\u{1b}[");
    dir.run_with(&no_color, "plan --color always").exits(0).stdout_has("\u{1b}[");
    let forced = [("CLICOLOR_FORCE", "1")];
    dir.run_with(&forced, "plan").exits(0).stdout_has("\u{1b}[");
    dir.run_with(&forced, "plan --color never").exits(0).output_lacks("\u{1b}[");
    dir.run_with(&[("CLICOLOR_FORCE", "0")], "plan").exits(0).output_lacks("\u{1b}[");
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    dir.run_with(&both, "plan").exits(0).output_lacks("\u{1b}[");
    dir.run("plan --format json --color always").exits(0).document();
}

#[test]
fn the_log_goes_to_stderr_as_text_or_json() {
    let dir = TestDir::applied();
    let log = [("ROOMCTL_LOG", "debug")];
    let text = dir.run_with(&log, "plan --refresh all").exits(0).stderr_has("QueryRoomUserList");
    let silent = dir.run("plan --refresh all").exits(0);
    assert_eq!(text.stdout, silent.stdout);
    assert_eq!(silent.stderr, "");
    let json = dir.run_with(&log, "plan --refresh all --log-format json").exits(0);
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let lines: Vec<Value> = json.stderr.lines().map(parse).collect();
    assert!(lines.iter().any(|line| line["level"] == "DEBUG"), "{json}");
    dir.run_with(&[("ROOMCTL_LOG", "=x=")], "plan").exits(1).stderr_has("not a valid log filter");
}

#[test]
fn a_closed_stdout_ends_a_plan_without_error_but_not_an_apply() {
    let mut rooms = THREE_ROOMS.to_owned();
    for n in 0..2000 {
        writeln!(rooms, "  - {{id: room-{n:04}, name: A room among many}}").expect("a string");
    }
    let dir = TestDir::with(&rooms);
    let mut plan = dir.command("plan").spawn().expect("plan starts");
    let mut first = [0; 16];
    plan.stdout.take().expect("its stdout").read_exact(&mut first).expect("its first bytes");
    let ended = plan.wait_with_output().expect("its output");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");

    let dir = TestDir::with(THREE_ROOMS);
    let mut apply = dir.command("apply --auto-approve").spawn().expect("apply starts");
    drop(apply.stdout.take());
    assert_eq!(apply.wait_with_output().expect("its output").status.code(), Some(0));
    dir.run("plan --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms, ");
}

#[test]
fn no_question_is_asked_without_a_terminal() {
    let dir = TestDir::with(THREE_ROOMS);
    let ran = dir.run("apply").exits(3);
    assert!(!ran.stderr.contains("yes"), "{ran}");
}

/// Returns a folder with twelve rooms. With another `--state`, the applied rooms are unrecorded.
fn twelve_rooms() -> TestDir {
    let (head, _) = THREE_ROOMS.split_once("rooms:\n").expect("rooms");
    let mut rooms = format!("{head}rooms:\n");
    for n in 1..=12 {
        writeln!(rooms, "  - {{id: table-{n:02}, name: Table {n}}}").expect("a string");
    }
    TestDir::with(&rooms)
}

#[test]
fn rooms_with_the_same_error_are_grouped_unless_full() {
    let dir = twelve_rooms();
    dir.run("apply -y").exits(0);
    let first = "chat/table-01, chat/table-02, ";
    let plan = "plan --refresh all --state lost.json";
    let grouped = dir
        .run(plan)
        .exits(0)
        .stdout_has("+ create 12 rooms exist already and are not in this state: ");
    assert!(grouped.stdout.contains(first) && grouped.stdout.contains("and 2 more\n"), "{grouped}");
    assert_eq!(dir.run(plan).stdout, grouped.stdout);
    let full = dir.run(&format!("{plan} --full")).exits(0);
    assert_eq!(full.stdout.matches("a room of this id exists").count(), 12, "{full}");
    let json = dir.run(&format!("{plan} --format json")).exits(0).document();
    assert_eq!(json["blocked"].as_array().expect("a list").len(), 12);

    let apply = "apply -y --refresh never --state lost.json";
    let failed = dir.run(apply).exits(1).stdout_has("12 rooms: create failed: ").stdout_has(first);
    assert!(failed.stdout.contains("and 2 more\nApplied: nothing; 12 failed."), "{failed}");
    let full = dir.run(&format!("{apply} --full")).exits(1);
    assert_eq!(full.stdout.matches(": create failed: ").count(), 12, "{full}");
}

#[test]
fn steps_with_the_same_change_are_grouped() {
    let dir = twelve_rooms();
    dir.run("apply -y").exits(0);
    dir.edit("destroy_delay_time: 1h", "destroy_delay_time: 2h");
    let group = "-/+ replace 12 rooms  delay_changed  chat/table-01 … chat/table-12\n      \
                 destroy_delay_time  1h → 2h\n";
    dir.run("plan").exits(0).stdout_has(group);
    for flag in ["--full", "--diff"] {
        let ran = dir.run(&format!("plan {flag}")).exits(0);
        assert_eq!(ran.stdout.matches("-/+ replace  chat/table-").count(), 12, "{ran}");
    }
}

#[test]
fn a_short_refresh_without_a_terminal_prints_no_progress() {
    let dir = TestDir::applied();
    for line in ["plan --refresh all", "plan --refresh all --format json", "import --all-declared"]
    {
        assert_eq!(dir.run(line).exits(0).stderr, "");
    }
}
