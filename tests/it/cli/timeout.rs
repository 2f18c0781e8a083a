//! `--timeout`: when the time limit has passed, a run ends as after a first Ctrl-C.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command};

use super::served::{SECRET, Served, Silent};
use super::test_dir::{THREE_ROOMS, TestDir};

const PASSED: &str = "the time limit of 1 s (`--timeout`) has passed: stopping";

#[test]
fn a_timed_out_plan_prints_unread_rooms_and_exits_with_5() {
    let (dir, silent) = (TestDir::with(THREE_ROOMS), Silent::start());
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let plan = dir.run_with(&real, "plan --refresh all --timeout 1s").exits(5).stderr_has(PASSED);
    plan.stdout_has("the run was interrupted").stdout_has("3 unread");
}

#[test]
fn a_timed_out_apply_exits_with_5_and_releases_the_lock() {
    let (dir, silent) = (TestDir::with(THREE_ROOMS), Silent::start());
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let apply =
        dir.run_with(&real, "apply --auto-approve --timeout 1s").exits(5).stderr_has(PASSED);
    apply.stdout_has("interrupted");
    dir.run_with(&real, "apply --auto-approve --timeout 1s").exits(5).stderr_has(PASSED);
}

/// Sends SIGINT, and returns whether the process was still running.
fn interrupt(child: &mut Child) -> bool {
    let is_running = child.try_wait().expect("the process's status").is_none();
    if is_running {
        drop(Command::new("kill").args(["-INT", &child.id().to_string()]).output());
    }
    is_running
}

#[test]
fn the_first_signal_after_the_time_limit_does_not_abort() {
    for (is_repeated, code) in [(false, 5), (true, 130)] {
        let (dir, silent) = (TestDir::with(THREE_ROOMS), Silent::start());
        let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
        let mut command = dir.command("apply --auto-approve --timeout 1s");
        let mut apply = command.envs(real).spawn().expect("apply starts");
        let mut stderr = BufReader::new(apply.stderr.take().expect("its stderr"));
        let mut progress = String::new();
        while !progress.contains(PASSED) {
            assert!(stderr.read_line(&mut progress).expect("its progress") > 0, "{progress}");
        }
        assert!(interrupt(&mut apply), "apply ended before its call in flight could finish");
        while is_repeated && interrupt(&mut apply) {}
        assert_eq!(apply.wait().expect("its exit status").code(), Some(code));
    }
}

#[test]
fn drift_and_reconcile_honour_the_time_limit() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve --timeout 1h").exits(0).output_lacks("time limit");
    let (url, address) = (served.url.clone(), served.address());
    drop(served);
    let _silent = TcpListener::bind(address).expect("the same port");
    let real = [("ZIM_ENDPOINT", url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let drift = dir.run_with(&real, "drift --timeout 1s").exits(5).stderr_has(PASSED);
    drift.stdout_has("3 unread");
    let reconcile = dir.run_with(&real, "reconcile --refresh all --timeout 1s").exits(5);
    reconcile
        .stderr_has(PASSED)
        .stderr_has("interrupted before the plan was made: nothing was done");
    dir.run_with(&real, "state list").exits(0).stdout_has("chat/support");
}

#[test]
fn an_invalid_time_limit_is_a_usage_error() {
    let dir = TestDir::with(THREE_ROOMS);
    for limit in ["0s", "-1", "soon", "1d"] {
        for command in ["plan", "apply", "drift", "reconcile"] {
            dir.run(&format!("{command} --timeout={limit}")).exits(64).stderr_has("--timeout");
        }
    }
    assert!(!dir.holds("rooms.state.json"));
}
