//! A secret in the files: text output shows `[redacted]`; documents and file names with it are errors.

use super::test_dir::{CommandResult, TestDir};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const DEFAULT: [(&str, &str); 1] = [("ZEGO_SERVER_SECRET", SECRET)];

/// Returns a folder with a room whose name is the secret.
fn with_secret_in_name() -> TestDir {
    TestDir::with(&format!(
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
fn assert_refused(ran: CommandResult, code: &str) {
    let ran = ran.exits(1).output_lacks(SECRET);
    let lines = ran.lines();
    let error = if lines[0]["event"] == "error" { &lines[0] } else { &lines[0]["error"] };
    assert_eq!(error["code"], code, "{ran}");
}

#[test]
fn text_output_shows_redacted_in_place_of_the_secret() {
    let dir = with_secret_in_name();
    for line in ["plan", "plan --diff", "plan --color always"] {
        let plan = dir.run_with(&DEFAULT, line).exits(0).output_lacks(SECRET);
        plan.stdout_has("\"[redacted]\"").stdout_has("at [redacted]?");
    }
    dir.run_with(&DEFAULT, "state show chat/0123456789abcdef0123456789abcdef")
        .exits(1)
        .output_lacks(SECRET);
}

#[test]
fn a_document_with_a_secret_is_replaced_by_an_error() {
    let dir = with_secret_in_name();
    assert_refused(dir.run_with(&DEFAULT, "plan --format json"), "secret_in_output");
    assert_refused(
        dir.run_with(&DEFAULT, "apply --auto-approve --format json"),
        "secret_in_output",
    );
    assert!(!dir.holds("rooms.state.json"), "a state was written");
    dir.run("apply --auto-approve").exits(0);
    for line in ["state list --format json", "state show chat/lobby --format json"] {
        let ran = dir.run_with(&DEFAULT, line);
        if line.contains("show") {
            assert_refused(ran, "secret_in_output");
        } else {
            ran.exits(0).output_lacks(SECRET);
        }
    }
    dir.run_with(&DEFAULT, "state show chat/lobby").exits(0).output_lacks(SECRET);
}

#[test]
fn usage_errors_and_the_log_are_redacted() {
    let dir = with_secret_in_name();
    dir.run_with(&DEFAULT, &format!("plan --nope={SECRET}")).exits(64).output_lacks(SECRET);
    let log = [DEFAULT[0], ("ROOMCTL_LOG", "trace")];
    for format in ["text", "json"] {
        let line = format!("check --log-format {format} -f {SECRET}.yaml");
        dir.run_with(&log, &line).exits(1).output_lacks(SECRET).stderr_has("[redacted].yaml");
    }
}

#[test]
fn an_apply_does_not_write_a_secret_to_the_state() {
    let dir = with_secret_in_name();
    let ran = dir.run_with(&DEFAULT, "apply --auto-approve").exits(1).output_lacks(SECRET);
    ran.stderr_has("the state would contain a secret");
    dir.run("state list").exits(0).output_lacks("chat/");
}

#[test]
fn a_path_that_contains_a_secret_is_refused_before_a_file_is_created() {
    let dir = TestDir::empty();
    let inside = format!("-f {SECRET}/rooms.yaml init");
    dir.run_with(&DEFAULT, &inside)
        .exits(1)
        .output_lacks(SECRET)
        .stderr_has("would contain a secret");
    dir.run_with(&DEFAULT, &format!("emulator --data {SECRET}.json")).exits(1).output_lacks(SECRET);
    let dir = with_secret_in_name();
    for command in ["plan", "apply --auto-approve", "import --all-declared", "state list", "check"]
    {
        for path in [format!("{SECRET}.json"), format!("below/{SECRET}/state.json")] {
            let line = format!("--state {path} {command}");
            let ran = dir.run_with(&DEFAULT, &line).exits(1).output_lacks(SECRET);
            ran.stderr_has("the path of the state would contain a secret");
        }
    }
    dir.edit("version: 1\n", &format!("version: 1\nstate: {SECRET}.json\n"));
    dir.run_with(&DEFAULT, "apply --auto-approve").exits(1).output_lacks(SECRET);
    assert_eq!(super::test_dir::files_below(&dir.path(".")), ["rooms.yaml"]);
}

#[test]
fn the_source_line_of_a_finding_is_redacted() {
    let dir = with_secret_in_name();
    dir.edit("name: ", "nam: ");
    let line = "validate";
    dir.run_with(&DEFAULT, line).exits(1).output_lacks(SECRET).stderr_has("nam: [redacted]");
    dir.edit("operator: admin", "operator: admin, secret_env: MINE");
    let own = [("MINE", SECRET)];
    dir.run_with(&own, line).exits(1).output_lacks(SECRET).stderr_has("nam: [redacted]");
    dir.edit("secret_env: MINE", "secret_file: key");
    dir.write("key", &format!("{SECRET}\n"));
    dir.run(line).exits(1).output_lacks(SECRET).stderr_has("nam: [redacted]");
    dir.edit("nam: ", "name: ");
    dir.run("plan").exits(0).output_lacks(SECRET).stdout_has("[redacted]");
    dir.run("validate --format json").exits(0).document();
}
