//! Tests of the progress of a run.

use super::*;

#[test]
fn reads_and_steps_show_the_time_left() {
    let seconds = Duration::from_secs;
    let of = |activity, done, elapsed| Progress { activity, done, total: 300, elapsed };
    let reads = |done, elapsed| progress_line(&of(Activity::Reading, done, elapsed));
    assert_eq!(reads(0, seconds(0)), "asking 0/300");
    assert_eq!(reads(120, seconds(12)), "asking 120/300, 18 s left");
    assert_eq!(reads(1, seconds(1)), "asking 1/300, 4 min 59 s left");
    let steps = of(Activity::Applying, 150, seconds(60));
    assert_eq!(progress_text(&steps), "applying 150/300, 1 min 0 s left");
    assert_eq!(
        progress_line(&steps),
        "[###############---------------] 150/300  2.5/s, 1 min 0 s left"
    );
    let none = Progress { activity: Activity::Applying, done: 0, total: 0, elapsed: seconds(1) };
    assert_eq!(progress_line(&none), format!("[{}] 0/0  0.0/s", "#".repeat(30)));
}

#[test]
fn a_wait_for_calls_of_an_earlier_run_is_one_line() {
    assert_eq!(
        calls_awaited(1, Duration::from_millis(11_960)),
        "waiting 12 s: calls of an earlier run may still take effect in 1 room"
    );
}
