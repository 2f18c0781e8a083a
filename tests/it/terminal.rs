//! Runs on a terminal: the confirmation prompt, which only `yes` approves, the progress bar, colours.

use std::process::Command;

use rexpect::process::WaitStatus;
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};

use crate::cli::test_dir::{ROOMCTL, THREE_ROOMS, TestDir};

/// How long a test waits for expected output, in milliseconds: enough for a loaded machine.
const TIMEOUT_MS: u64 = 120_000;

/// Starts a command on a terminal of 100 columns; escape codes are stripped from its output.
fn on_terminal(dir: &TestDir, arguments: &str) -> PtySession {
    let options = Options::new().timeout_ms(Some(TIMEOUT_MS)).strip_ansi_escape_codes(true);
    spawn_with_options(terminal(dir, arguments), options).expect("a terminal")
}

fn terminal(dir: &TestDir, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("stty cols 100 rows 40; exec {ROOMCTL} {arguments}")]);
    command.current_dir(dir.path(".")).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    command
}

#[track_caller]
fn assert_exit_code(session: &PtySession, code: i32) {
    let status = session.process().wait().expect("the exit status");
    assert!(
        matches!(status, WaitStatus::Exited(_, ended) if ended == code),
        "ended with {status:?} instead of {code}"
    );
}

#[test]
fn only_yes_approves_an_apply() {
    let dir = TestDir::with(THREE_ROOMS);
    for answer in ["no", "y", "YES", ""] {
        let mut terminal = on_terminal(&dir, "apply");
        terminal.exp_string("Plan: 3 to create").expect("the plan");
        terminal.exp_string("Type `yes` to confirm: ").expect("the question");
        terminal.send_line(answer).expect("an answer");
        terminal.exp_string("not approved").expect("a refusal");
        terminal.exp_eof().expect("the end");
        assert_exit_code(&terminal, 3);
    }
    dir.run("state list").exits(0).output_lacks("chat/");
    let mut terminal = on_terminal(&dir, "apply");
    terminal.exp_string("Type `yes` to confirm: ").expect("the question");
    terminal.send_line("yes").expect("an answer");
    terminal.exp_string("Applied: 3 created.").expect("the outcome");
    terminal.exp_eof().expect("the end");
    assert_exit_code(&terminal, 0);
    dir.run("plan --detailed-exitcode").exits(0);
}

#[test]
fn a_plan_without_steps_asks_no_question() {
    let dir = TestDir::applied();
    let mut terminal = on_terminal(&dir, "apply");
    let output = terminal.exp_eof().expect("the end");
    assert!(output.contains("No changes: 3 rooms, 0 asked") && !output.contains("yes"), "{output}");
    assert_exit_code(&terminal, 0);
}

#[test]
fn a_plan_whose_steps_the_gate_holds_back_asks_no_question() {
    let dir = TestDir::applied();
    dir.edit("name: News", "name: Today");
    dir.edit("name: Support", "name: Help");
    let mut terminal = on_terminal(&dir, "apply");
    let output = terminal.exp_eof().expect("the end");
    assert!(output.contains("--allow-destroy 2") && !output.contains("`yes`"), "{output}");
    assert_exit_code(&terminal, 3);
    let mut terminal = on_terminal(&dir, "destroy --allow-destroy 1");
    let output = terminal.exp_eof().expect("the end");
    assert!(output.contains("--allow-destroy 2") && !output.contains("`yes`"), "{output}");
    assert_exit_code(&terminal, 3);
}

#[test]
fn state_rm_removes_a_room_after_a_yes() {
    let dir = TestDir::applied();
    let mut terminal = on_terminal(&dir, "state rm chat/news");
    terminal.exp_string("unmanaged").expect("the consequence");
    terminal.exp_string("Type `yes` to confirm: ").expect("the question");
    terminal.send_line("yes").expect("an answer");
    terminal.exp_string("Removed:").expect("the removed room");
    terminal.exp_eof().expect("the end");
    assert_exit_code(&terminal, 0);
    dir.run("state list").exits(0).output_lacks("chat/news");
}

#[test]
fn import_takes_over_the_rooms_of_a_lost_state_after_a_yes() {
    let dir =
        TestDir::with(&THREE_ROOMS.replace("operator:", "ownership_attribute: by, operator:"));
    dir.run("apply -y").exits(0);
    dir.run("state list").exits(0).stdout_has("chat/news");
    for name in ["", ".backup-0", ".lock"] {
        std::fs::remove_file(dir.path(&format!("rooms.state.json{name}"))).expect("removed");
    }
    for (answer, message, code) in
        [("no", "nothing was recorded: not approved", 3), ("yes", "3 recorded", 0)]
    {
        let mut terminal = on_terminal(&dir, "import --all-declared");
        terminal.exp_string("this new state continues that lineage").expect("the consequence");
        terminal
            .exp_string("Take over these rooms? Type `yes` to confirm: ")
            .expect("the question");
        terminal.send_line(answer).expect("an answer");
        terminal.exp_string(message).expect("the outcome");
        terminal.exp_eof().expect("the end");
        assert_exit_code(&terminal, code);
        assert_eq!(dir.holds("rooms.state.json"), code == 0);
    }
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
}

#[test]
fn a_state_replaced_during_the_prompt_stops_the_apply_before_any_call() {
    let dir = TestDir::applied();
    dir.edit("topic: today", "topic: tomorrow");
    let before = dir.read("rooms.state.json.backup-0");
    let emulator = dir.read("rooms.emulator.json");
    let mut terminal = on_terminal(&dir, "apply");
    terminal.exp_string("Type `yes` to confirm: ").expect("the question");
    dir.write("pulled", &before);
    std::fs::rename(dir.path("pulled"), dir.path("rooms.state.json")).expect("replaced");
    terminal.send_line("yes").expect("an answer");
    terminal.exp_string("nothing was done").expect("the reason");
    terminal.exp_eof().expect("the end");
    assert_exit_code(&terminal, 1);
    assert_eq!(dir.read("rooms.emulator.json"), emulator, "a call was made");
    assert!(!dir.holds("rooms.state.json.journal"), "a journal is left behind");
    dir.run("state list").exits(0);
    dir.run("import --all-declared").exits(0).stdout_has("3 recorded");
}

#[test]
fn ctrl_c_at_the_prompt_does_not_approve() {
    let dir = TestDir::with(THREE_ROOMS);
    let mut terminal = on_terminal(&dir, "apply");
    terminal.exp_string("Type `yes` to confirm: ").expect("the question");
    terminal.send_control('c').expect("Ctrl-C");
    terminal.exp_eof().expect("the end");
    dir.run("state list").exits(0).output_lacks("chat/");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
}

#[test]
fn the_progress_bar_shows_the_rate_and_the_time_left() {
    let slow = THREE_ROOMS.replace("operator:", "rate_limit: 4, operator:");
    let dir = TestDir::with(&slow);
    let mut terminal = on_terminal(&dir, "apply --auto-approve");
    let (_, bar) = terminal.exp_regex(r"\] \d/3 +[0-9.]+/s, [0-9]+ s left").expect("a bar");
    assert!(bar.contains("/3"), "{bar}");
    terminal.exp_string("chat/").expect("a step above the bar");
    terminal.exp_string("Applied: 3 created.").expect("the outcome");
    terminal.exp_eof().expect("the end");
    assert_exit_code(&terminal, 0);
}

#[test]
fn a_refresh_shows_how_many_rooms_are_left() {
    let dir = TestDir::applied();
    dir.edit("operator:", "rate_limit: 4, operator:");
    let mut terminal = on_terminal(&dir, "plan --refresh all");
    terminal.exp_regex(r"asking [12]/3, [0-9]+ s left").expect("the progress of the reads");
    let rest = terminal.exp_eof().expect("the end");
    assert!(rest.contains("No changes: 3 rooms, 3 asked"), "{rest}");
    assert_exit_code(&terminal, 0);
    let mut quiet = on_terminal(&dir, "plan --refresh all --quiet");
    let printed = quiet.exp_eof().expect("the end");
    assert!(!printed.contains("asking"), "{printed}");
}

#[test]
fn colour_is_on_unless_disabled() {
    let dir = TestDir::with(THREE_ROOMS);
    for (variable, arguments, coloured) in [
        ("NOTHING", "plan", true),
        ("NO_COLOR", "plan", false),
        ("NO_COLOR", "plan --color always", true),
        ("NOTHING", "plan --color never", false),
    ] {
        let mut command = terminal(&dir, arguments);
        command.env(variable, "1");
        let options = Options::new().timeout_ms(Some(TIMEOUT_MS));
        let mut session = spawn_with_options(command, options).expect("a terminal");
        let output = session.exp_eof().expect("the end");
        assert!(output.contains("Plan: 3 to create"), "{output}");
        assert_eq!(output.contains("\u{1b}["), coloured, "{variable} {arguments}: {output}");
    }
}

#[test]
fn quiet_shows_no_progress_bar() {
    let dir = TestDir::with(THREE_ROOMS);
    let mut terminal = on_terminal(&dir, "apply --auto-approve --quiet");
    let output = terminal.exp_eof().expect("the end");
    assert!(output.contains("Applied: 3 created.") && !output.contains(" left"), "{output}");
    assert_exit_code(&terminal, 0);
}
