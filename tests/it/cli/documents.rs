//! `--format json`: stdout is always one valid document; an apply prints one event per line.

use std::io::{BufRead, BufReader, Read};

use roomctl::model::Timestamp;
use serde_json::Value;

use super::served::Served;
use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};

fn error_code(ran: &CommandResult) -> Value {
    let document = ran.document();
    assert_eq!(document["format_version"], 1, "{ran}");
    assert!(document["error"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{ran}");
    assert!(document["findings"].is_array(), "{ran}");
    document["error"]["code"].clone()
}

#[test]
fn every_command_that_takes_a_format_prints_one_document() {
    let dir = TestDir::applied();
    let plan = dir.run("plan --format json").exits(0).document();
    assert_eq!(plan["summary"]["unchanged"], 3);
    assert_eq!(plan["emulated"], true);
    assert_eq!(plan["steps"], serde_json::json!([]));
    let valid = dir.run("validate --format json").exits(0).document();
    assert_eq!(valid["findings"], serde_json::json!([]));
    let list = dir.run("state list --format json").exits(0);
    assert!(list.document().to_string().contains("chat/lobby"), "{list}");
    let show = dir.run("state show chat/lobby --format json").exits(0);
    assert!(show.document().to_string().contains("welcome"), "{show}");
    let check = dir.run("check --format json").exits(0).document();
    assert_eq!(check["providers"][0]["ok"], true);
    assert_eq!(check["providers"][0]["limits"]["CreateRoom"], 20.0);
}

#[test]
fn the_line_of_a_room_does_not_affect_digests_plans_or_the_state() {
    let dir = TestDir::with(THREE_ROOMS);
    let plan = || dir.run("plan --format json").exits(0).document();
    let before = plan();
    dir.run("plan --out plan.json").exits(0);
    dir.edit("rooms:", "# Further down.\nrooms:");
    let after = plan();
    assert_eq!(after["steps"][0]["source"], "rooms.yaml:7");
    for digest in ["digest", "config_digest"] {
        assert_eq!(before[digest], after[digest]);
    }
    dir.run("apply plan.json -y").exits(0).stdout_has("Applied: 3 created.");
    let shown = dir.run("state show chat/lobby --format json").exits(0).document();
    assert_eq!(shown["source"], "rooms.yaml");
    dir.edit("# Further down.\n", "");
    dir.run("plan --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
}

#[test]
fn a_plan_document_contains_each_step_in_full() {
    let dir = TestDir::with(THREE_ROOMS);
    let plan = dir.run("plan --format json").exits(0).document();
    let step = &plan["steps"][0];
    assert_eq!(step["address"], "chat/lobby");
    assert_eq!(step["action"], "create");
    assert_eq!(step["reason"], "not_recorded");
    assert_eq!(step["before"], Value::Null);
    assert_eq!(step["after"]["destroy_delay_time"], 3600);
    assert_eq!(step["after"]["attributes"]["topic"]["value"], "welcome");
    assert_eq!(step["calls"], serde_json::json!(["CreateRoom"]));
    assert_eq!(step["source"], "rooms.yaml:6");
    assert_eq!(plan["state"]["lineage"], Value::Null);
    assert_eq!(plan["gate"]["open"], true);
    assert_eq!(plan["summary"]["create"], 3);
}

#[test]
fn an_invalid_file_is_an_error_with_findings_and_locations() {
    let dir = TestDir::with(&THREE_ROOMS.replace("name: News", "nam: News"));
    for command in ["validate", "plan", "check", "apply --auto-approve", "destroy"] {
        let ran = dir.run(&format!("{command} --format json")).exits(1);
        let (code, error) = match ran.lines().as_slice() {
            [document] => (error_code(&ran), document.clone()),
            [error, _summary] => (error["code"].clone(), error.clone()),
            lines => panic!("{} lines\n{ran}", lines.len()),
        };
        assert_eq!(code, "invalid_files");
        let finding = &error["findings"][0];
        assert_eq!(finding["file"], "rooms.yaml");
        assert_eq!((&finding["line"], &finding["column"]), (&7.into(), &16.into()), "{ran}");
    }
}

#[test]
fn a_usage_error_is_a_document() {
    let dir = TestDir::with(THREE_ROOMS);
    for line in
        ["plan --format json --nope", "plan --nope --format=json", "state show x --format json"]
    {
        let ran = dir.run(line).exits(64);
        assert_eq!(error_code(&ran), "usage");
    }
}

#[test]
fn each_error_has_a_stable_code() {
    let dir = TestDir::applied();
    let real = [("ZIM_ENDPOINT", "vendor")];
    let ran = dir.run_with(&real, "plan --format json").exits(3);
    assert_eq!(error_code(&ran), "other_application");
    let ran = dir.run_with(&real, "apply --auto-approve --format json").exits(1);
    assert_eq!(ran.lines()[0]["code"], "no_credentials");
    let ran = dir.run("state show chat/nowhere --format json").exits(1);
    assert_eq!(error_code(&ran), "not_recorded");
    let ran = dir.run("plan --state postgres://me:hush@host/db --format json").exits(64);
    assert_eq!(error_code(&ran), "usage");
    let ran = dir.run_with(&[("ROOMCTL_LOG", "=x=")], "plan --format json").exits(1);
    assert_eq!(error_code(&ran), "failed");
    dir.write("rooms.state.json", "{");
    let ran = dir.run("plan --format json").exits(1);
    assert_eq!(error_code(&ran), "state");
    let ran = dir.run("state list --format json").exits(1);
    assert_eq!(error_code(&ran), "state");
}

#[test]
fn an_apply_prints_its_plan_each_step_and_a_summary() {
    let dir = TestDir::with(THREE_ROOMS);
    let ran = dir.run("apply --auto-approve --format json").exits(0);
    let lines = ran.lines();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events.len(), lines.len(), "{ran}");
    assert_eq!((events[0], events[events.len() - 1]), ("plan", "summary"), "{ran}");
    for address in ["chat/lobby", "chat/news", "chat/support"] {
        let of = |event: &str| {
            lines.iter().position(|line| line["event"] == event && line["address"] == address)
        };
        assert!(of("step_started").is_some(), "{ran}");
        assert!(of("step_started") < of("step_done"), "{ran}");
    }
    let summary = &lines[lines.len() - 1];
    assert_eq!(summary["done"], serde_json::json!({"create": 3}));
    assert_eq!(summary["failed"], 0);
    assert_eq!(summary["exit_code"], 0);
}

/// Returns the names of the events. Asserts that each has a time in UTC and that the times do not
/// decrease, that each step event has its reason, and a duration only if the step has ended.
#[track_caller]
fn events(ran: &CommandResult) -> Vec<String> {
    let lines = ran.lines();
    let times: Vec<Timestamp> = lines
        .iter()
        .map(|line| {
            let time = line["time"].as_str().expect("a time");
            assert!(time.ends_with('Z'), "{time} is not UTC\n{ran}");
            time.parse().expect("RFC 3339")
        })
        .collect();
    assert!(times.is_sorted(), "{ran}");
    for line in &lines {
        let name = line["event"].as_str().expect("an event");
        if name.starts_with("step_") {
            for field in ["address", "action", "reason"] {
                assert!(line[field].is_string(), "{name} has no {field}\n{ran}");
            }
        }
        let has_ended = ["step_done", "step_failed"].contains(&name);
        assert!(!has_ended || line["duration_ms"].is_u64(), "{name} has no duration\n{ran}");
        let has_not_ended = ["step_started", "step_not_tried"].contains(&name);
        assert!(
            !has_not_ended || line.get("duration_ms").is_none(),
            "{name} has a duration\n{ran}"
        );
    }
    lines.iter().map(|line| line["event"].as_str().expect("an event").to_owned()).collect()
}

#[test]
fn every_event_has_a_time_and_the_summary_the_exit_code() {
    let new = TestDir::with(THREE_ROOMS);
    let applied = TestDir::applied();
    applied.edit("rooms:", "policy: {max_destroy: 0}\nrooms:");
    applied.edit("name: Support", "name: Help");
    let damaged = TestDir::with(THREE_ROOMS);
    damaged.write("rooms.state.json", "{");
    let full = TestDir::with(&THREE_ROOMS.replace("operator:", "max_rooms: 1, operator:"));
    let cases: [(&TestDir, &str, i32, &[&str]); 7] = [
        (&new, "apply --format json", 3, &["plan", "error", "summary"]),
        (&new, "destroy --format json --nope", 64, &["error", "summary"]),
        (&new, "apply -y --format json --state postgres://host/db?x=1", 64, &["error", "summary"]),
        (&damaged, "apply -y --format json", 1, &["error", "summary"]),
        (&applied, "apply -y --format json", 3, &["plan", "step_not_tried", "summary"]),
        (&full, "apply -y --format json", 3, &["plan", "step_started", "step_done", "summary"]),
        (&full, "apply -y --format json", 3, &["plan", "summary"]),
    ];
    for (dir, line, code, expected) in cases {
        let ran = dir.run(line).exits(code);
        assert_eq!(events(&ran), expected, "{ran}");
        let lines = ran.lines();
        assert_eq!(lines[lines.len() - 1]["exit_code"], code, "{ran}");
    }
    let ran = new.run("apply -y --format json").exits(0);
    assert_eq!(events(&ran).iter().filter(|name| *name == "step_done").count(), 3, "{ran}");
}

#[test]
fn a_partly_failed_run_exits_with_the_code_of_its_summary() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "--max-rooms 2");
    let ran = served.run(&dir, "apply -y --format json").exits(5);
    assert!(events(&ran).contains(&"step_failed".to_owned()), "{ran}");
    let lines = ran.lines();
    let summary = &lines[lines.len() - 1];
    assert_eq!((&summary["exit_code"], &summary["failed"]), (&5.into(), &1.into()), "{ran}");
}

#[test]
fn a_state_lost_during_the_run_is_an_error_event_before_the_summary() {
    let dir = TestDir::with(&THREE_ROOMS.replace("operator:", "rate_limit: 2, operator:"));
    let mut run = dir.command("apply -y --format json").spawn().expect("apply starts");
    let mut stdout = BufReader::new(run.stdout.take().expect("its stdout"));
    let mut text = String::new();
    while !text.contains("step_done") {
        assert!(
            stdout.read_line(&mut text).expect("its events") > 0,
            "the apply ended without a created room: {text}"
        );
    }
    dir.write("rooms.state.json", "{}");
    stdout.read_to_string(&mut text).expect("the rest of its events");
    let mut output = run.wait_with_output().expect("its output");
    output.stdout = text.into_bytes();
    let ran = CommandResult::new("apply -y --format json", output).exits(5);
    let names = events(&ran);
    assert!(names.ends_with(&["error".to_owned(), "summary".to_owned()]), "{ran}");
    let lines = ran.lines();
    let [error, summary] = &lines[lines.len() - 2..] else { panic!("{ran}") };
    assert_eq!((&error["code"], &summary["exit_code"]), (&"state".into(), &5.into()), "{ran}");
}

#[test]
fn waiting_and_held_back_steps_are_events() {
    let dir = TestDir::applied();
    dir.run("emulator enter chat/news --users 2").exits(0);
    dir.edit("name: News", "name: Today");
    let waits = dir.run("apply --auto-approve --format json").exits(0);
    let lines = waits.lines();
    let waiting =
        lines.iter().find(|line| line["event"] == "step_waiting").expect("a waiting step");
    assert_eq!((&waiting["address"], &waiting["people"]), (&"chat/news".into(), &2.into()));
    dir.edit("rooms:", "policy: {max_destroy: 0}\nrooms:");
    dir.edit("name: Support", "name: Help");
    let held = dir.run("apply --auto-approve --format json").exits(3);
    let lines = held.lines();
    let not_tried =
        lines.iter().find(|line| line["event"] == "step_not_tried").expect("a step held back");
    assert_eq!(not_tried["why"], "gate", "{held}");
    let plan = &lines[0];
    assert_eq!(plan["gate"]["open"], false);
    assert_eq!(plan["gate"]["refusals"][0]["flag"], "--allow-destroy 1");
}

#[test]
fn an_apply_without_approval_ends_with_an_error_event() {
    let dir = TestDir::with(THREE_ROOMS);
    let ran = dir.run("apply --format json").exits(3);
    let lines = ran.lines();
    assert_eq!(lines.len(), 3, "{ran}");
    assert_eq!((&lines[1]["event"], &lines[1]["code"]), (&"error".into(), &"not_approved".into()));
}
