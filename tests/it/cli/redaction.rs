//! A secret in the files: text output shows `[redacted]`; documents and file names with it are errors.

use super::desk::{Desk, Ran};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const DEFAULT: [(&str, &str); 1] = [("ZEGO_SERVER_SECRET", SECRET)];

/// Returns a folder with a room whose name is the secret.
fn with_secret_in_name() -> Desk {
    Desk::with(&format!(
        "\
version: 1
providers: {{chat: {{kind: zim, app_id: 1, operator: admin, endpoint: emulator}}}}
defaults: {{destroy_delay_time: 1h}}
rooms:
  - {{id: lobby, name: {SECRET}, attributes: {{topic: 'at {SECRET}?'}}}}
"
    ))
}

#[track_caller]
fn assert_refused(ran: Ran, code: &str) {
    let ran = ran.ends(1).keeps_from(SECRET);
    let lines = ran.lines();
    let error = if lines[0]["event"] == "error" { &lines[0] } else { &lines[0]["error"] };
    assert_eq!(error["code"], code, "{ran}");
}

#[test]
fn text_output_shows_redacted_in_place_of_the_secret() {
    let desk = with_secret_in_name();
    for line in ["plan", "plan --diff", "plan --color always"] {
        let plan = desk.run_with(&DEFAULT, line).ends(0).keeps_from(SECRET);
        plan.prints("\"[redacted]\"").prints("at [redacted]?");
    }
    desk.run_with(&DEFAULT, "state show chat/0123456789abcdef0123456789abcdef")
        .ends(1)
        .keeps_from(SECRET);
}

#[test]
fn a_document_with_a_secret_is_replaced_by_an_error() {
    let desk = with_secret_in_name();
    assert_refused(desk.run_with(&DEFAULT, "plan --format json"), "secret_in_output");
    assert_refused(
        desk.run_with(&DEFAULT, "apply --auto-approve --format json"),
        "secret_in_output",
    );
    assert!(!desk.holds("rooms.state.json"), "a state was written");
    desk.run("apply --auto-approve").ends(0);
    for line in ["state list --format json", "state show chat/lobby --format json"] {
        let ran = desk.run_with(&DEFAULT, line);
        if line.contains("show") {
            assert_refused(ran, "secret_in_output");
        } else {
            ran.ends(0).keeps_from(SECRET);
        }
    }
    desk.run_with(&DEFAULT, "state show chat/lobby").ends(0).keeps_from(SECRET);
}

#[test]
fn usage_errors_and_the_log_are_redacted() {
    let desk = with_secret_in_name();
    desk.run_with(&DEFAULT, &format!("plan --nope={SECRET}")).ends(64).keeps_from(SECRET);
    let log = [DEFAULT[0], ("ROOMCTL_LOG", "trace")];
    for format in ["text", "json"] {
        let line = format!("check --log-format {format} -f {SECRET}.yaml");
        desk.run_with(&log, &line).ends(1).keeps_from(SECRET).says("[redacted].yaml");
    }
}

#[test]
fn an_apply_does_not_write_a_secret_to_the_state() {
    let desk = with_secret_in_name();
    let ran = desk.run_with(&DEFAULT, "apply --auto-approve").ends(1).keeps_from(SECRET);
    ran.says("the state would contain a secret");
    desk.run("state list").ends(0).keeps_from("chat/");
}

#[test]
fn a_path_that_contains_a_secret_is_refused_before_a_file_is_created() {
    let desk = Desk::empty();
    let inside = format!("-f {SECRET}/rooms.yaml init");
    desk.run_with(&DEFAULT, &inside).ends(1).keeps_from(SECRET).says("would contain a secret");
    desk.run_with(&DEFAULT, &format!("emulator --data {SECRET}.json")).ends(1).keeps_from(SECRET);
    let desk = with_secret_in_name();
    for command in ["plan", "apply --auto-approve", "import --all-declared", "state list", "check"]
    {
        for path in [format!("{SECRET}.json"), format!("below/{SECRET}/state.json")] {
            let line = format!("--state {path} {command}");
            let ran = desk.run_with(&DEFAULT, &line).ends(1).keeps_from(SECRET);
            ran.says("the path of the state would contain a secret");
        }
    }
    desk.edit("version: 1\n", &format!("version: 1\nstate: {SECRET}.json\n"));
    desk.run_with(&DEFAULT, "apply --auto-approve").ends(1).keeps_from(SECRET);
    assert_eq!(super::desk::files_below(&desk.path(".")), ["rooms.yaml"]);
}

#[test]
fn the_source_line_of_a_finding_is_redacted() {
    let desk = with_secret_in_name();
    desk.edit("name: ", "nam: ");
    let line = "validate";
    desk.run_with(&DEFAULT, line).ends(1).keeps_from(SECRET).says("nam: [redacted]");
    desk.edit("operator: admin", "operator: admin, secret_env: MINE");
    let own = [("MINE", SECRET)];
    desk.run_with(&own, line).ends(1).keeps_from(SECRET).says("nam: [redacted]");
    desk.edit("secret_env: MINE", "secret_file: key");
    desk.write("key", &format!("{SECRET}\n"));
    desk.run(line).ends(1).keeps_from(SECRET).says("nam: [redacted]");
    desk.edit("nam: ", "name: ");
    desk.run("plan").ends(0).keeps_from(SECRET).prints("[redacted]");
    desk.run("validate --format json").ends(0).document();
}
