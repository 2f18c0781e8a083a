//! Stalled readers, signals, full disks and file size limits: no run hangs, and no room is lost.

use std::io::{PipeReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use super::served::{SECRET, Silent};
use super::test_dir::{THREE_ROOMS, TestDir};

/// How long a test waits for a run: enough for a loaded machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The default capacity of a pipe on Linux, in bytes.
const PIPE_CAPACITY: usize = 1 << 16;

/// Returns a full pipe, and its reader, which keeps it open and unread.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(&vec![b'x'; PIPE_CAPACITY]).expect("a pipe of the default capacity");
    (reader, writer.into())
}

/// Sends SIGTERM to a running process.
fn terminate(child: &Child) {
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success(), "the process has ended already");
}

/// Waits until the three rooms are recorded and another process can take the lock.
fn wait_until_saved(dir: &TestDir) {
    let start = Instant::now();
    while dir.run("state list").stdout.lines().count() < 3 {
        assert!(start.elapsed() < TIMEOUT, "the rooms were not recorded in time");
    }
    dir.run("apply --auto-approve --lock-timeout 60s").exits(0).stdout_has("No changes: 3 rooms");
}

#[test]
fn a_stalled_reader_blocks_neither_an_apply_nor_sigterm() {
    for (format, stderr_too) in [("json", false), ("text", true)] {
        let dir = TestDir::with(THREE_ROOMS);
        let mut command = dir.command(&format!("apply --auto-approve --format {format}"));
        let (_unread, stdout) = full_pipe();
        command.stdout(stdout);
        let stderr = full_pipe();
        if stderr_too {
            command.stderr(stderr.1);
        }
        let mut apply = command.spawn().expect("apply starts");
        wait_until_saved(&dir);
        assert!(
            apply.try_wait().expect("the process's status").is_none(),
            "apply ended although its output was not read"
        );
        terminate(&apply);
        assert_eq!(apply.wait().expect("its exit status").code(), Some(0));
    }
}

#[test]
fn a_second_signal_aborts_a_stalled_apply() {
    let dir = TestDir::with(THREE_ROOMS);
    let silent = Silent::start();
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let ((_unread, stdout), (_unseen, stderr)) = (full_pipe(), full_pipe());
    let mut command = dir.command("apply --auto-approve --format json");
    let mut apply = command.envs(real).stdout(stdout).stderr(stderr).spawn().expect("apply starts");
    let _open = silent.called();
    terminate(&apply);
    // Two pending signals of one kind are merged: the second must be sent after the first is handled.
    while apply.try_wait().expect("the process's status").is_none() {
        drop(Command::new("kill").args(["-TERM", &apply.id().to_string()]).output());
    }
    assert_eq!(apply.wait().expect("its exit status").code(), Some(130));
}

#[test]
fn sigterm_ends_a_plan_with_a_stalled_reader() {
    let dir = TestDir::with(THREE_ROOMS);
    let (_unread, stdout) = full_pipe();
    let mut command = dir.command("plan");
    let mut plan = command.env("ROOMCTL_LOG", "debug").stdout(stdout).spawn().expect("plan starts");
    terminate(&plan);
    assert!(!plan.wait().expect("its exit status").success());
}

#[test]
fn both_streams_in_one_file_keep_their_order() {
    let dir = TestDir::with(THREE_ROOMS);
    let log = std::fs::File::create(dir.path("log")).expect("a file");
    let mut command = dir.command("apply --auto-approve");
    let both = (log.try_clone().expect("a second handle"), log);
    let ended = command.stdout(both.0).stderr(both.1).status().expect("it runs");
    assert!(ended.success());
    let text = dir.read("log");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no `{part}`: {text}"));
    assert!(at("Plan: 3 to create") < at("chat/lobby: created"), "{text}");
    assert!(at("chat/lobby: created") < at("Applied: 3 created."), "{text}");
}

/// Runs the binary in a shell, after another command.
fn in_shell(dir: &TestDir, before: &str, line: &str) -> super::test_dir::CommandResult {
    let script = format!("{before}; exec {} {line}", super::test_dir::ROOMCTL);
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(dir.path(".")).env_clear().stdin(Stdio::null());
    super::test_dir::CommandResult::new(&script, command.output().expect("a shell"))
}

#[test]
fn exceeding_the_file_size_limit_is_an_error() {
    for blocks in [0, 1, 8] {
        let dir = TestDir::with(THREE_ROOMS);
        let limit = format!("ulimit -f {blocks}");
        let ran = in_shell(&dir, &limit, "apply --auto-approve").exits(1);
        ran.stderr_has("File too large");
        dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
    }
    let dir = TestDir::applied();
    in_shell(&dir, "ulimit -f 0", "plan > out").exits(1).stderr_has("stdout could not be written");
    dir.run("plan --detailed-exitcode").exits(0);
}

#[test]
fn an_apply_completes_and_reports_a_full_stdout() {
    let dir = TestDir::with(THREE_ROOMS);
    let lost = in_shell(&dir, ":", "apply --auto-approve > /dev/full").exits(5);
    lost.stderr_has("stdout could not be written: No space left on device");
    dir.run("plan --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
    in_shell(&dir, ":", "plan > /dev/full").exits(1).stderr_has("stdout could not be written");
}
