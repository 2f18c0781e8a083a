//! Output streams: the result on stdout, the rest on stderr; colour, `--quiet`, the log, broken pipes.

use std::fmt::Write;
use std::io::Read;

use serde_json::Value;

use super::desk::{Desk, THREE_ROOMS};

#[test]
fn the_plan_goes_to_stdout_and_progress_to_stderr() {
    let desk = Desk::with(THREE_ROOMS);
    let ran = desk.run("apply --auto-approve").ends(0);
    let ran = ran.prints("+ create   chat/lobby").says("chat/lobby: created (request ");
    assert!(!ran.stdout.contains("request"), "{ran}");
    assert!(!ran.stderr.contains("Plan:"), "{ran}");
}

#[test]
fn quiet_prints_only_the_result_and_errors() {
    let desk = Desk::with(THREE_ROOMS);
    let ran = desk.run("apply --auto-approve --quiet").ends(0).prints("Applied: 3 created.");
    assert_eq!(ran.stderr, "", "{ran}");
    desk.run("apply -q -f nowhere.yaml").ends(1).says("nowhere.yaml");
}

#[test]
fn colour_is_off_without_a_terminal_unless_forced() {
    let desk = Desk::with(THREE_ROOMS);
    desk.run("plan").ends(0).keeps_from("\u{1b}[");
    desk.run("plan --color always").ends(0).prints("\u{1b}[");
    desk.run("plan --color never").ends(0).keeps_from("\u{1b}[");
    let no_color = [("NO_COLOR", "1")];
    desk.run_with(&no_color, "plan").ends(0).keeps_from("\u{1b}[");
    desk.run_with(&no_color, "plan --color always").ends(0).prints("\u{1b}[");
    let forced = [("CLICOLOR_FORCE", "1")];
    desk.run_with(&forced, "plan").ends(0).prints("\u{1b}[");
    desk.run_with(&forced, "plan --color never").ends(0).keeps_from("\u{1b}[");
    desk.run_with(&[("CLICOLOR_FORCE", "0")], "plan").ends(0).keeps_from("\u{1b}[");
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    desk.run_with(&both, "plan").ends(0).keeps_from("\u{1b}[");
    desk.run("plan --format json --color always").ends(0).document();
}

#[test]
fn the_log_goes_to_stderr_as_text_or_json() {
    let desk = Desk::applied();
    let log = [("ROOMCTL_LOG", "debug")];
    let text = desk.run_with(&log, "plan --refresh all").ends(0).says("QueryRoomUserList");
    let silent = desk.run("plan --refresh all").ends(0);
    assert_eq!(text.stdout, silent.stdout);
    assert_eq!(silent.stderr, "");
    let json = desk.run_with(&log, "plan --refresh all --log-format json").ends(0);
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let lines: Vec<Value> = json.stderr.lines().map(parse).collect();
    assert!(lines.iter().any(|line| line["level"] == "DEBUG"), "{json}");
    desk.run_with(&[("ROOMCTL_LOG", "=x=")], "plan").ends(1).says("not a valid log filter");
}

#[test]
fn a_closed_stdout_ends_a_plan_without_error_but_not_an_apply() {
    let mut rooms = THREE_ROOMS.to_owned();
    for n in 0..2000 {
        writeln!(rooms, "  - {{id: room-{n:04}, name: A room among many}}").expect("a string");
    }
    let desk = Desk::with(&rooms);
    let mut plan = desk.command("plan").spawn().expect("plan starts");
    let mut first = [0; 16];
    plan.stdout.take().expect("its stdout").read_exact(&mut first).expect("its first bytes");
    let ended = plan.wait_with_output().expect("its output");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");

    let desk = Desk::with(THREE_ROOMS);
    let mut apply = desk.command("apply --auto-approve").spawn().expect("apply starts");
    drop(apply.stdout.take());
    assert_eq!(apply.wait_with_output().expect("its output").status.code(), Some(0));
    desk.run("plan --detailed-exitcode").ends(0).prints("No changes: 3 rooms, ");
}

#[test]
fn no_question_is_asked_without_a_terminal() {
    let desk = Desk::with(THREE_ROOMS);
    let ran = desk.run("apply").ends(3);
    assert!(!ran.stderr.contains("yes"), "{ran}");
}

/// Returns a folder with twelve rooms. With another `--state`, the applied rooms are unrecorded.
fn twelve_rooms() -> Desk {
    let (head, _) = THREE_ROOMS.split_once("rooms:\n").expect("rooms");
    let mut rooms = format!("{head}rooms:\n");
    for n in 1..=12 {
        writeln!(rooms, "  - {{id: table-{n:02}, name: Table {n}}}").expect("a string");
    }
    Desk::with(&rooms)
}

#[test]
fn rooms_with_the_same_error_are_grouped_unless_full() {
    let desk = twelve_rooms();
    desk.run("apply -y").ends(0);
    let first = "chat/table-01, chat/table-02, ";
    let plan = "plan --refresh all --state lost.json";
    let grouped = desk
        .run(plan)
        .ends(0)
        .prints("+ create 12 rooms exist already and are not in this state: ");
    assert!(grouped.stdout.contains(first) && grouped.stdout.contains("and 2 more\n"), "{grouped}");
    assert_eq!(desk.run(plan).stdout, grouped.stdout);
    let full = desk.run(&format!("{plan} --full")).ends(0);
    assert_eq!(full.stdout.matches("a room of this id exists").count(), 12, "{full}");
    let json = desk.run(&format!("{plan} --format json")).ends(0).document();
    assert_eq!(json["blocked"].as_array().expect("a list").len(), 12);

    let apply = "apply -y --refresh never --state lost.json";
    let failed = desk.run(apply).ends(1).prints("12 rooms: create failed: ").prints(first);
    assert!(failed.stdout.contains("and 2 more\nApplied: nothing; 12 failed."), "{failed}");
    let full = desk.run(&format!("{apply} --full")).ends(1);
    assert_eq!(full.stdout.matches(": create failed: ").count(), 12, "{full}");
}

#[test]
fn steps_with_the_same_change_are_grouped() {
    let desk = twelve_rooms();
    desk.run("apply -y").ends(0);
    desk.edit("destroy_delay_time: 1h", "destroy_delay_time: 2h");
    let group = "-/+ replace 12 rooms  delay_changed  chat/table-01 … chat/table-12\n      \
                 destroy_delay_time  1h → 2h\n";
    desk.run("plan").ends(0).prints(group);
    for flag in ["--full", "--diff"] {
        let ran = desk.run(&format!("plan {flag}")).ends(0);
        assert_eq!(ran.stdout.matches("-/+ replace  chat/table-").count(), 12, "{ran}");
    }
}

#[test]
fn a_short_refresh_without_a_terminal_prints_no_progress() {
    let desk = Desk::applied();
    for line in ["plan --refresh all", "plan --refresh all --format json", "import --all-declared"]
    {
        assert_eq!(desk.run(line).ends(0).stderr, "");
    }
}
