//! The progress of a run, on one line.

use std::time::Duration;

use super::counts;

/// The number of characters of the bar.
const BAR: u64 = 30;

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The activity.
    pub activity: Activity,
    /// The number of rooms or steps that are done.
    pub done: u64,
    /// The number of all rooms or steps.
    pub total: u64,
    /// The time since the activity began.
    pub elapsed: Duration,
}

/// The activity of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// The run reads rooms.
    Reading,
    /// The run applies steps.
    Applying,
}

/// Returns `asking 120/300, 18 s left` or `applying 120/300, 18 s left`.
#[must_use]
pub fn progress_text(progress: &Progress) -> String {
    let Progress { activity, done, total, elapsed: _ } = progress;
    let verb = match activity {
        Activity::Reading => "asking",
        Activity::Applying => "applying",
    };
    format!("{verb} {done}/{total}{}", left(progress))
}

/// Returns the line for a terminal: [`progress_text`] for reads, and a bar with the rate for steps.
#[must_use]
pub fn progress_line(progress: &Progress) -> String {
    let Progress { activity, done, total, elapsed } = *progress;
    if activity == Activity::Reading {
        return progress_text(progress);
    }
    let filled = (BAR * done.min(total)).checked_div(total).unwrap_or(BAR);
    let bar: String = (0..BAR).map(|at| if at < filled { '#' } else { '-' }).collect();
    let tenths = (u128::from(done) * 10_000).checked_div(elapsed.as_millis()).unwrap_or(0);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    format!("[{bar}] {done}/{total}  {whole}.{tenth}/s{}", left(progress))
}

/// Returns the message about calls of an earlier run that may still take effect.
#[must_use]
pub fn calls_awaited(rooms: u64, time: Duration) -> String {
    let seconds = u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
    let time = counts::duration(Duration::from_secs(seconds));
    let rooms = counts::count(rooms, "room");
    format!("waiting {time}: calls of an earlier run may still take effect in {rooms}")
}

/// Returns `, 18 s left` at the rate so far, rounded up; empty before the first is done.
fn left(progress: &Progress) -> String {
    let Progress { activity: _, done, total, elapsed } = *progress;
    let rest = u128::from(total.saturating_sub(done));
    let Some(millis) = (elapsed.as_millis() * rest).checked_div(u128::from(done)) else {
        return String::new();
    };
    let seconds = u64::try_from(millis.div_ceil(1000)).unwrap_or(u64::MAX);
    format!(", {} left", counts::duration(Duration::from_secs(seconds)))
}
