//! Inputs: regular files, secret files, standard input and environment variables.

use std::io::Write;
use std::process::{Command, Stdio};

use super::desk::{Desk, ROOMCTL, Ran, THREE_ROOMS};
use super::served::{SECRET, Served};

/// Runs the binary for at most a minute; exit code 124 means that it did not end.
fn run_with_timeout(desk: &Desk, line: &str) -> Ran {
    let mut command = Command::new("timeout");
    command.args(["60", ROOMCTL]).args(line.split_whitespace()).current_dir(desk.path("."));
    Ran::new(line, command.stdin(Stdio::null()).output().expect("the binary runs"))
}

/// Runs the binary with this standard input.
fn run_with_input(desk: &Desk, text: &str, line: &str) -> Ran {
    let mut child = desk.command(line).stdin(Stdio::piped()).spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("its standard input");
    stdin.write_all(text.as_bytes()).expect("it reads its input");
    drop(stdin);
    Ran::new(line, child.wait_with_output().expect("its output"))
}

fn make_pipe(desk: &Desk, name: &str) {
    let made = Command::new("mkfifo").arg(desk.path(name)).status().expect("mkfifo runs");
    assert!(made.success());
}

#[test]
fn a_file_that_is_not_regular_is_refused_at_once() {
    let desk = Desk::with(THREE_ROOMS);
    make_pipe(&desk, "pipe.yaml");
    for file in ["pipe.yaml", "/dev/zero", "."] {
        let refused = run_with_timeout(&desk, &format!("validate -f {file}")).ends(1);
        refused.says("not a regular file").says("| roomctl -f -");
    }
}

#[test]
fn a_secret_file_that_is_not_regular_or_too_large_is_refused_at_once() {
    let desk = Desk::with(&THREE_ROOMS.replace("operator:", "secret_file: secret, operator:"));
    make_pipe(&desk, "secret");
    for command in ["plan --refresh all", "apply --auto-approve", "check"] {
        run_with_timeout(&desk, command).ends(1).says("a pipe, not a regular file");
    }
    std::fs::remove_file(desk.path("secret")).expect("removed");
    desk.write("secret", &"0123456789abcdef".repeat(4097));
    desk.run("check").ends(1).says("larger than 64 KiB");
}

#[test]
fn a_too_short_secret_is_an_error_that_does_not_show_it() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    let short = "fifteen-letters";
    let here = [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", short)];
    for command in ["plan", "apply --auto-approve", "check"] {
        let refused = desk.run_with(&here, command).ends(1);
        refused.says("fewer than 16 characters").says("ZEGO_SERVER_SECRET").keeps_from(short);
    }
    let emulator = desk.run_with(&here[1..], "emulator --listen 127.0.0.1:0").ends(1);
    emulator.says("fewer than 16 characters").keeps_from(short);
    desk.edit("operator:", "secret_file: secret, operator:");
    desk.write("secret", &format!("{short}\n"));
    desk.run_with(&here[..1], "plan").ends(1).says("fewer than 16").keeps_from(short);
    desk.write("secret", "\n");
    desk.run_with(&here[..1], "plan")
        .ends(0)
        .prints("Not refreshed: no credentials")
        .prints("is empty");
    desk.write("secret", &format!("{SECRET}\n"));
    desk.run_with(&here[..1], "plan --refresh all").ends(0);
}

#[test]
fn files_are_read_from_standard_input() {
    let desk = Desk::empty();
    let refused = run_with_input(&desk, THREE_ROOMS, "apply -f -").ends(3);
    refused.says("standard input is used for the files").says("--auto-approve");
    let refused = run_with_input(&desk, THREE_ROOMS, "destroy -f -").ends(0);
    refused.prints("No changes");
    run_with_input(&desk, THREE_ROOMS, "apply -f - --auto-approve").ends(0).prints("3 created");
    assert!(desk.holds("rooms.state.json"));
    run_with_input(&desk, THREE_ROOMS, "plan -f - --detailed-exitcode").ends(0);
    let shown = desk.run("state show chat/lobby --state rooms.state.json --format json").ends(0);
    assert_eq!(shown.document()["source"], "-");
    let fewer = THREE_ROOMS.replace("  - {id: support, name: Support}\n", "");
    let plan = run_with_input(&desk, &fewer, "plan -f -").ends(0);
    plan.prints("1 to destroy").keeps_from("is a `-f` missing?");
}

#[test]
fn findings_in_standard_input_have_the_file_name_dash() {
    let desk = Desk::empty();
    let wrong = THREE_ROOMS.replace("operator", "operatr");
    run_with_input(&desk, &wrong, "validate -f -").ends(1).says("--> -:3:32");
    run_with_input(&desk, "", "validate -f -").ends(1).says("the file is empty");
    let twice = run_with_input(&desk, THREE_ROOMS, "validate -f - -f -").ends(1);
    twice.says("`-` is given twice");
    desk.run("init -f -").ends(64);
}

#[test]
fn an_empty_endpoint_variable_is_an_error() {
    let desk = Desk::with(THREE_ROOMS);
    let empty = [("ZIM_ENDPOINT", "")];
    for command in ["validate", "plan", "apply --auto-approve"] {
        desk.run_with(&empty, command).ends(1).says("`ZIM_ENDPOINT` is set but empty");
    }
    assert!(!desk.holds("rooms.state.json") && !desk.holds("rooms.emulator.json"));
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
        let desk = Desk::with(&text.replace("app_id: 1", "app_id: 1, secret_env: ROOMCTL_HUSH"));
        let set = [("ZEGO_SERVER_SECRET", SECRET), ("ROOMCTL_HUSH", SECRET)];
        for command in ["validate", "plan", "apply --auto-approve"] {
            desk.run_with(&set, command).ends(1).keeps_from(SECRET);
        }
        let files = super::desk::files_below(&desk.path("."));
        assert_eq!(files, ["rooms.yaml"], "{to}");
    }
}

#[test]
fn control_characters_in_names_are_escaped_in_every_output() {
    let desk = Desk::with(
        "version: 1\nproviders: {video: {kind: rtc, app_id: 1, endpoint: emulator}}\n\
         rooms: [{id: \"a\\u202eb\"}]\n",
    );
    desk.write("one.yaml", "version: 1\nrooms: [{id: \"\u{202e}\", nmae: x}]\n");
    for command in [
        "plan",
        "import --all-declared",
        "apply --auto-approve --state other.state.json",
        "state list",
        "plan -f rooms.yaml -f one.yaml",
        "state rm video/a\u{202e}b --auto-approve",
        "state rm video/a\u{202e}b --auto-approve",
    ] {
        let ran = desk.run(command);
        assert!(ran.stdout.contains("u{202e}") || ran.stderr.contains("u{202e}"), "{ran}");
        ran.keeps_from("\u{202e}");
    }
}
