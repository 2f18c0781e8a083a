//! Inputs: regular files, secret files, standard input and environment variables.

use std::io::Write;
use std::process::{Command, Stdio};

use super::served::{SECRET, Served};
use super::test_dir::{CommandResult, ROOMCTL, THREE_ROOMS, TestDir};

/// Runs the binary for at most a minute; exit code 124 means that it did not end.
fn run_with_timeout(dir: &TestDir, line: &str) -> CommandResult {
    let mut command = Command::new("timeout");
    command.args(["60", ROOMCTL]).args(line.split_whitespace()).current_dir(dir.path("."));
    CommandResult::new(line, command.stdin(Stdio::null()).output().expect("the binary runs"))
}

/// Runs the binary with this standard input.
fn run_with_input(dir: &TestDir, text: &str, line: &str) -> CommandResult {
    let mut child = dir.command(line).stdin(Stdio::piped()).spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("its standard input");
    stdin.write_all(text.as_bytes()).expect("it reads its input");
    drop(stdin);
    CommandResult::new(line, child.wait_with_output().expect("its output"))
}

fn make_pipe(dir: &TestDir, name: &str) {
    let made = Command::new("mkfifo").arg(dir.path(name)).status().expect("mkfifo runs");
    assert!(made.success());
}

#[test]
fn a_file_that_is_not_regular_is_refused_at_once() {
    let dir = TestDir::with(THREE_ROOMS);
    make_pipe(&dir, "pipe.yaml");
    for file in ["pipe.yaml", "/dev/zero", "."] {
        let refused = run_with_timeout(&dir, &format!("validate -f {file}")).exits(1);
        refused.stderr_has("not a regular file").stderr_has("| roomctl -f -");
    }
}

#[test]
fn a_secret_file_that_is_not_regular_or_too_large_is_refused_at_once() {
    let dir = TestDir::with(&THREE_ROOMS.replace("operator:", "secret_file: secret, operator:"));
    make_pipe(&dir, "secret");
    for command in ["plan --refresh all", "apply --auto-approve", "check"] {
        run_with_timeout(&dir, command).exits(1).stderr_has("a pipe, not a regular file");
    }
    std::fs::remove_file(dir.path("secret")).expect("removed");
    dir.write("secret", &"0123456789abcdef".repeat(4097));
    dir.run("check").exits(1).stderr_has("larger than 64 KiB");
}

#[test]
fn a_too_short_secret_is_an_error_that_does_not_show_it() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    let short = "fifteen-letters";
    let here = [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", short)];
    for command in ["plan", "apply --auto-approve", "check"] {
        let refused = dir.run_with(&here, command).exits(1);
        refused
            .stderr_has("fewer than 16 characters")
            .stderr_has("ZEGO_SERVER_SECRET")
            .output_lacks(short);
    }
    let emulator = dir.run_with(&here[1..], "emulator --listen 127.0.0.1:0").exits(1);
    emulator.stderr_has("fewer than 16 characters").output_lacks(short);
    dir.edit("operator:", "secret_file: secret, operator:");
    dir.write("secret", &format!("{short}\n"));
    dir.run_with(&here[..1], "plan").exits(1).stderr_has("fewer than 16").output_lacks(short);
    dir.write("secret", "\n");
    dir.run_with(&here[..1], "plan")
        .exits(0)
        .stdout_has("Not refreshed: no credentials")
        .stdout_has("is empty");
    dir.write("secret", &format!("{SECRET}\n"));
    dir.run_with(&here[..1], "plan --refresh all").exits(0);
}

#[test]
fn files_are_read_from_standard_input() {
    let dir = TestDir::empty();
    let refused = run_with_input(&dir, THREE_ROOMS, "apply -f -").exits(3);
    refused.stderr_has("standard input is used for the files").stderr_has("--auto-approve");
    let refused = run_with_input(&dir, THREE_ROOMS, "destroy -f -").exits(0);
    refused.stdout_has("No changes");
    run_with_input(&dir, THREE_ROOMS, "apply -f - --auto-approve").exits(0).stdout_has("3 created");
    assert!(dir.holds("rooms.state.json"));
    run_with_input(&dir, THREE_ROOMS, "plan -f - --detailed-exitcode").exits(0);
    let shown = dir.run("state show chat/lobby --state rooms.state.json --format json").exits(0);
    assert_eq!(shown.document()["source"], "-");
    let fewer = THREE_ROOMS.replace("  - {id: support, name: Support}\n", "");
    let plan = run_with_input(&dir, &fewer, "plan -f -").exits(0);
    plan.stdout_has("1 to destroy").output_lacks("is a `-f` missing?");
}

#[test]
fn findings_in_standard_input_have_the_file_name_dash() {
    let dir = TestDir::empty();
    let wrong = THREE_ROOMS.replace("operator", "operatr");
    run_with_input(&dir, &wrong, "validate -f -").exits(1).stderr_has("--> -:3:32");
    run_with_input(&dir, "", "validate -f -").exits(1).stderr_has("the file is empty");
    let twice = run_with_input(&dir, THREE_ROOMS, "validate -f - -f -").exits(1);
    twice.stderr_has("`-` is given twice");
    dir.run("init -f -").exits(64);
}

#[test]
fn an_empty_endpoint_variable_is_an_error() {
    let dir = TestDir::with(THREE_ROOMS);
    let empty = [("ZIM_ENDPOINT", "")];
    for command in ["validate", "plan", "apply --auto-approve"] {
        dir.run_with(&empty, command).exits(1).stderr_has("`ZIM_ENDPOINT` is set but empty");
    }
    assert!(!dir.holds("rooms.state.json") && !dir.holds("rooms.emulator.json"));
}

#[test]
fn no_key_of_a_file_expands_a_secret_variable() {
    for (from, to) in [
        ("rooms:", "state: '${ZEGO_SERVER_SECRET}.json'\nrooms:"),
        ("rooms:", "state: '${ROOMCTL_HUSH}.json'\nrooms:"),
        ("operator: admin", "operator: '${ZEGO_SERVER_SECRET}'"),
        ("operator: admin", "operator: a, secret_env: '${ZEGO_SERVER_SECRET}'"),
        ("operator: admin", "operator: a, secret_file: '${ZEGO_SERVER_SECRET}'"),
        ("'${ZIM_ENDPOINT:-emulator}'", "'http://${ROOMCTL_HUSH}.example'"),
        ("id: lobby", "id: lobby, provider: '${ROOMCTL_HUSH}'"),
    ] {
        assert!(THREE_ROOMS.contains(from), "{from}");
        let text = THREE_ROOMS.replacen(from, to, 1);
        let dir = TestDir::with(&text.replace("app_id: 1", "app_id: 1, secret_env: ROOMCTL_HUSH"));
        let set = [("ZEGO_SERVER_SECRET", SECRET), ("ROOMCTL_HUSH", SECRET)];
        for command in ["validate", "plan", "apply --auto-approve"] {
            dir.run_with(&set, command).exits(1).output_lacks(SECRET);
        }
        let files = super::test_dir::files_below(&dir.path("."));
        assert_eq!(files, ["rooms.yaml"], "{to}");
    }
}

#[test]
fn control_characters_in_names_are_escaped_in_every_output() {
    let dir = TestDir::with(
        "version: 1\nproviders: {video: {kind: rtc, app_id: 1, endpoint: emulator}}\n\
         rooms: [{id: \"a\\u202eb\"}]\n",
    );
    dir.write("one.yaml", "version: 1\nrooms: [{id: \"\u{202e}\", nmae: x}]\n");
    for command in [
        "plan",
        "import --all-declared",
        "apply --auto-approve --state other.state.json",
        "state list",
        "plan -f rooms.yaml -f one.yaml",
        "state rm video/a\u{202e}b --auto-approve",
        "state rm video/a\u{202e}b --auto-approve",
    ] {
        let ran = dir.run(command);
        assert!(ran.stdout.contains("u{202e}") || ran.stderr.contains("u{202e}"), "{ran}");
        ran.output_lacks("\u{202e}");
    }
}
