//! Formats counts, durations and actions as text.

use std::time::Duration;

use crate::model::{Action, OnRemove, People};

/// Returns `1 room`, `2 rooms`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns `2 waiting, 1 blocked`: the counts that are not zero.
pub(super) fn counts(counts: &[(u64, &str)]) -> String {
    let some = counts.iter().filter(|(number, _)| *number > 0);
    some.map(|(number, label)| format!("{number} {label}")).collect::<Vec<_>>().join(", ")
}

/// Returns `300 due rooms not asked: no credentials`, or `None` if all were queried.
pub(super) fn not_asked(rooms: u64) -> Option<String> {
    (rooms > 0).then(|| format!("{} not asked: no credentials", count(rooms, "due room")))
}

/// Returns `1 person`, `3 people`, `at least 500 people`, or `None` if nobody is known to be inside.
pub(super) fn people(people: People) -> Option<String> {
    match people {
        People::Unknown | People::Nobody => None,
        People::Count(1) => Some("1 person".to_owned()),
        People::Count(number) => Some(format!("{number} people")),
        People::AtLeast(number) => Some(format!("at least {number} people")),
    }
}

/// Returns `destroy` or `forget`, the keyword in the file.
pub(super) fn on_remove(on_remove: OnRemove) -> &'static str {
    match on_remove {
        OnRemove::Destroy => "destroy",
        OnRemove::Forget => "forget",
    }
}

/// Returns `0.1 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let tenths = duration.subsec_millis() / 100;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) if tenths == 0 => format!("{seconds} s"),
        (0, 0, seconds) => format!("{seconds}.{tenths} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Returns the past participle of an action, such as `created`.
pub(super) fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Recreate => "recreated",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Destroy => "destroyed",
        Action::Adopt => "adopted",
        Action::Forget => "forgotten",
        Action::Record => "recorded",
    }
}
