//! `--timeout`: a run that takes too long ends as at a first Ctrl-C.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command};

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Served, Silent};

const PASSED: &str = "the time limit of 1 s (`--timeout`) has passed: stopping";

#[test]
fn plan_prints_what_it_knows_and_ends_with_5() {
    let (desk, silent) = (Desk::with(THREE_ROOMS), Silent::start());
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let plan = desk.run_with(&real, "plan --refresh all --timeout 1s").ends(5).says(PASSED);
    plan.prints("the run was interrupted").prints("3 unread");
}

#[test]
fn apply_starts_no_more_steps_and_the_next_run_goes_on() {
    let (desk, silent) = (Desk::with(THREE_ROOMS), Silent::start());
    let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
    let apply = desk.run_with(&real, "apply --auto-approve --timeout 1s").ends(5).says(PASSED);
    apply.prints("interrupted");
    desk.run_with(&real, "apply --auto-approve --timeout 1s").ends(5).says(PASSED);
}

/// Sends a signal; whether the process had not ended yet.
fn interrupt(child: &mut Child) -> bool {
    let is_running = child.try_wait().expect("asked").is_none();
    if is_running {
        drop(Command::new("kill").args(["-INT", &child.id().to_string()]).output());
    }
    is_running
}

#[test]
fn the_first_signal_after_the_limit_is_not_a_second_one() {
    for (is_repeated, code) in [(false, 5), (true, 130)] {
        let (desk, silent) = (Desk::with(THREE_ROOMS), Silent::start());
        let real = [("ZIM_ENDPOINT", silent.url.as_str()), ("ZEGO_SERVER_SECRET", SECRET)];
        let mut command = desk.command("apply --auto-approve --timeout 1s");
        let mut apply = command.envs(real).spawn().expect("it starts");
        let mut stderr = BufReader::new(apply.stderr.take().expect("its stderr"));
        let mut said = String::new();
        while !said.contains(PASSED) {
            assert!(stderr.read_line(&mut said).expect("its words") > 0, "{said}");
        }
        assert!(interrupt(&mut apply), "the call in flight has time");
        while is_repeated && interrupt(&mut apply) {}
        assert_eq!(apply.wait().expect("its exit status").code(), Some(code));
    }
}

#[test]
fn drift_and_reconcile_end_too() {
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
fn a_limit_of_no_time_or_of_no_time_span_is_refused() {
    let desk = Desk::with(THREE_ROOMS);
    for limit in ["0s", "-1", "soon", "1d"] {
        for command in ["plan", "apply", "drift", "reconcile"] {
            desk.run(&format!("{command} --timeout={limit}")).ends(64).says("--timeout");
        }
    }
    assert!(!desk.holds("rooms.state.json"));
}
