//! `--format json`: stdout is one valid document whatever happens; an apply prints one a line.

use serde_json::Value;

use super::desk::{Desk, Ran, THREE_ROOMS};

fn error_code(ran: &Ran) -> Value {
    let document = ran.document();
    assert_eq!(document["format_version"], 1, "{ran}");
    assert!(document["error"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{ran}");
    assert!(document["findings"].is_array(), "{ran}");
    document["error"]["code"].clone()
}

#[test]
fn every_command_that_takes_a_format_prints_one_document() {
    let desk = Desk::applied();
    let plan = desk.run("plan --format json").ends(0).document();
    assert_eq!(plan["summary"]["unchanged"], 3);
    assert_eq!(plan["emulated"], true);
    assert_eq!(plan["steps"], serde_json::json!([]));
    let valid = desk.run("validate --format json").ends(0).document();
    assert_eq!(valid["findings"], serde_json::json!([]));
    let list = desk.run("state list --format json").ends(0);
    assert!(list.document().to_string().contains("chat/lobby"), "{list}");
    let show = desk.run("state show chat/lobby --format json").ends(0);
    assert!(show.document().to_string().contains("welcome"), "{show}");
    let check = desk.run("check --format json").ends(0).document();
    assert_eq!(check["providers"][0]["ok"], true);
    assert_eq!(check["providers"][0]["limits"]["CreateRoom"], 20.0);
}

#[test]
fn a_plan_that_changes_something_is_told_in_full() {
    let desk = Desk::with(THREE_ROOMS);
    let plan = desk.run("plan --format json").ends(0).document();
    let step = &plan["steps"][0];
    assert_eq!(step["address"], "chat/lobby");
    assert_eq!(step["action"], "create");
    assert_eq!(step["reason"], "not_recorded");
    assert_eq!(step["before"], Value::Null);
    assert_eq!(step["after"]["destroy_delay_time"], 3600);
    assert_eq!(step["after"]["attributes"]["topic"]["value"], "welcome");
    assert_eq!(step["calls"], serde_json::json!(["CreateRoom"]));
    assert_eq!(plan["state"]["lineage"], Value::Null);
    assert_eq!(plan["gate"]["open"], true);
    assert_eq!(plan["summary"]["create"], 3);
}

#[test]
fn a_bad_file_is_an_error_with_findings_and_their_places() {
    let desk = Desk::with(&THREE_ROOMS.replace("name: News", "nam: News"));
    for command in ["validate", "plan", "apply --auto-approve", "destroy", "check"] {
        let ran = desk.run(&format!("{command} --format json")).ends(1);
        assert_eq!(error_code(&ran), "invalid_files");
        let finding = &ran.document()["findings"][0];
        assert_eq!(finding["file"], "rooms.yaml");
        assert_eq!((&finding["line"], &finding["column"]), (&7.into(), &16.into()), "{ran}");
    }
}

#[test]
fn wrong_usage_is_a_document_too() {
    let desk = Desk::with(THREE_ROOMS);
    for line in
        ["plan --format json --nope", "plan --nope --format=json", "state show x --format json"]
    {
        let ran = desk.run(line).ends(64);
        assert_eq!(error_code(&ran), "usage");
    }
}

#[test]
fn what_stops_a_command_has_a_stable_code() {
    let desk = Desk::applied();
    let real = [("ZIM_ENDPOINT", "vendor")];
    let ran = desk.run_with(&real, "plan --format json").ends(3);
    assert_eq!(error_code(&ran), "other_application");
    let ran = desk.run_with(&real, "apply --auto-approve --format json").ends(1);
    assert_eq!(error_code(&ran), "no_credentials");
    let ran = desk.run("state show chat/nowhere --format json").ends(1);
    assert_eq!(error_code(&ran), "not_recorded");
    let ran = desk.run("plan --state s3://bucket/key --format json").ends(64);
    assert_eq!(error_code(&ran), "usage");
    let ran = desk.run_with(&[("ROOMCTL_LOG", "=x=")], "plan --format json").ends(1);
    assert_eq!(error_code(&ran), "failed");
    desk.write("rooms.state.json", "{");
    let ran = desk.run("plan --format json").ends(1);
    assert_eq!(error_code(&ran), "state");
    let ran = desk.run("state list --format json").ends(1);
    assert_eq!(error_code(&ran), "state");
}

#[test]
fn an_apply_prints_its_plan_each_step_and_a_summary() {
    let desk = Desk::with(THREE_ROOMS);
    let ran = desk.run("apply --auto-approve --format json").ends(0);
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
}

#[test]
fn an_apply_that_is_held_back_says_so_line_by_line() {
    let desk = Desk::applied();
    desk.run("emulator enter chat/news --users 2").ends(0);
    desk.edit("name: News", "name: Today");
    let waits = desk.run("apply --auto-approve --format json").ends(0);
    let lines = waits.lines();
    let waiting = lines.iter().find(|line| line["event"] == "step_waiting").expect("a wait");
    assert_eq!((&waiting["address"], &waiting["people"]), (&"chat/news".into(), &2.into()));
    desk.edit("rooms:", "policy: {max_destroy: 0}\nrooms:");
    desk.edit("name: Support", "name: Help");
    let held = desk.run("apply --auto-approve --format json").ends(3);
    let lines = held.lines();
    let not_tried =
        lines.iter().find(|line| line["event"] == "step_not_tried").expect("a step held back");
    assert_eq!(not_tried["why"], "gate", "{held}");
    let plan = &lines[0];
    assert_eq!(plan["gate"]["open"], false);
    assert_eq!(plan["gate"]["refusals"][0]["flag"], "--allow-destroy 1");
}

#[test]
fn an_apply_that_is_not_approved_ends_with_an_error_on_a_line_of_its_own() {
    let desk = Desk::with(THREE_ROOMS);
    let ran = desk.run("apply --format json").ends(3);
    let lines = ran.lines();
    assert_eq!(lines.len(), 2, "{ran}");
    assert_eq!(lines[1]["error"]["code"], "not_approved");
}
