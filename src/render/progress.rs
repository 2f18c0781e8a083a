//! How far a run has come, on one line.

use std::time::Duration;

use super::counts;

/// How many characters the bar has.
const BAR: u64 = 30;

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it does.
    pub activity: Activity,
    /// How many rooms or steps are done.
    pub done: u64,
    /// How many there are in all.
    pub total: u64,
    /// The time since it began with them.
    pub elapsed: Duration,
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It reads rooms.
    Reading,
    /// It carries out steps.
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

/// Returns the line for a terminal: reads as [`progress_text`], steps with a bar and their rate.
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

/// Returns that calls of an earlier run may still take effect in so many rooms, for so long.
#[must_use]
pub fn calls_awaited(rooms: u64, time: Duration) -> String {
    let seconds = u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
    let time = counts::duration(Duration::from_secs(seconds));
    let rooms = counts::count(rooms, "room");
    format!("waiting {time}: calls of an earlier run may still take effect in {rooms}")
}

/// Returns `, 18 s left` at the rate so far, rounded up, or nothing before the first is done.
fn left(progress: &Progress) -> String {
    let Progress { activity: _, done, total, elapsed } = *progress;
    let rest = u128::from(total.saturating_sub(done));
    let Some(millis) = (elapsed.as_millis() * rest).checked_div(u128::from(done)) else {
        return String::new();
    };
    let seconds = u64::try_from(millis.div_ceil(1000)).unwrap_or(u64::MAX);
    format!(", {} left", counts::duration(Duration::from_secs(seconds)))
}
