//! `--timeout`: when the time limit has passed, a run ends as after a first Ctrl-C.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command};

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Served, Silent};

const PASSED: &str = "the time limit of 1 s (`--timeout`) has passed: stopping";

#[test]
fn a_timed_out_plan_prints_unread_rooms_and_exits_with_5() {
    let (desk, silent) = (Desk::with(THREE_ROOMS), Silent::start());
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let plan = desk.run_with(&real, "plan --refresh all --timeout 1s").ends(5).says(PASSED);
    plan.prints("the run was interrupted").prints("3 unread");
}

#[test]
fn a_timed_out_apply_exits_with_5_and_releases_the_lock() {
    let (desk, silent) = (Desk::with(THREE_ROOMS), Silent::start());
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let apply = desk.run_with(&real, "apply --auto-approve --timeout 1s").ends(5).says(PASSED);
    apply.prints("interrupted");
    desk.run_with(&real, "apply --auto-approve --timeout 1s").ends(5).says(PASSED);
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
        let (desk, silent) = (Desk::with(THREE_ROOMS), Silent::start());
        let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
        let mut command = desk.command("apply --auto-approve --timeout 1s");
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
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve --timeout 1h").ends(0).keeps_from("time limit");
    let (url, address) = (served.url.clone(), served.address());
    drop(served);
    let _silent = TcpListener::bind(address).expect("the same port");
    let real = [("ZIM_ENDPOINT", url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let drift = desk.run_with(&real, "drift --timeout 1s").ends(5).says(PASSED);
    drift.prints("3 unread");
    let reconcile = desk.run_with(&real, "reconcile --refresh all --timeout 1s").ends(5);
    reconcile.says(PASSED).says("interrupted before the plan was made: nothing was done");
    desk.run_with(&real, "state list").ends(0).prints("chat/support");
}

#[test]
fn an_invalid_time_limit_is_a_usage_error() {
    let desk = Desk::with(THREE_ROOMS);
    for limit in ["0s", "-1", "soon", "1d"] {
        for command in ["plan", "apply", "drift", "reconcile"] {
            desk.run(&format!("{command} --timeout={limit}")).ends(64).says("--timeout");
        }
    }
    assert!(!desk.holds("rooms.state.json"));
}
