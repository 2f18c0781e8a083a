//! Numbers, people and spans in words.

use std::time::Duration;

use crate::model::{Action, Carried, OnOccupied, OnRemove, Patch, People, Step};

use super::escape::Plain;

/// `1 room`, `2 rooms`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `2 waiting, 1 blocked`: those that are not zero.
pub(super) fn counts(counts: &[(u64, &str)]) -> String {
    let some = counts.iter().filter(|(number, _)| *number > 0);
    some.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

/// `300 due rooms not asked: no credentials`; none where all were asked.
pub(super) fn not_asked(rooms: u64) -> Option<String> {
    (rooms > 0).then(|| format!("{} not asked: no credentials", count(rooms, "due room")))
}

/// `1 person`, `3 people`, `at least 500 people`; none where nobody is known to be inside.
pub(super) fn people(people: People) -> Option<String> {
    match people {
        People::Unknown | People::Nobody => None,
        People::Count(1) => Some("1 person".to_owned()),
        People::Count(number) => Some(format!("{number} people")),
        People::AtLeast(number) => Some(format!("at least {number} people")),
    }
}

/// What a destroy or a replace means for the people inside; none for what leaves them where they are.
pub(super) fn fate(action: Action, inside: People, on_occupied: OnOccupied) -> Option<String> {
    match action {
        Action::Destroy | Action::Replace => {}
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Adopt
        | Action::Forget
        | Action::Record => return None,
    }
    Some(match (on_occupied, people(inside), inside == People::Nobody) {
        (OnOccupied::Destroy, Some(who), _) => {
            let verb = if inside == People::Count(1) { "is" } else { "are" };
            format!("{who} inside {verb} disconnected")
        }
        (OnOccupied::Destroy, None, true) => "nobody was inside".to_owned(),
        (OnOccupied::Destroy, None, false) => "people inside are disconnected".to_owned(),
        (OnOccupied::Defer, _, true) => {
            "nobody was inside; waits if somebody has entered since".to_owned()
        }
        (OnOccupied::Defer, _, false) => "waits until nobody is inside".to_owned(),
    })
}

/// The attributes of others that a step sets again; none where it sets none.
pub(super) fn carried(carried: &Carried) -> Option<String> {
    match carried {
        Carried::Nothing => None,
        Carried::Unread => {
            Some("attributes of others are read before the destroy and set again".to_owned())
        }
        Carried::Known(carried) => {
            let keys: Vec<_> = carried.iter().map(|(key, _)| Plain(key).to_string()).collect();
            Some(format!("attributes of others that are set again: {}", keys.join(", ")))
        }
    }
}

/// What changes in place of a replace that waits or is held back; none where nothing does.
pub(super) fn instead(step: &Step) -> Option<String> {
    let changes = &step.instead.as_deref()?.changes;
    let paths: Vec<_> = changes.iter().flat_map(paths).collect();
    let paths = Some(paths.join(", ")).filter(|paths| !paths.is_empty())?;
    Some(format!("where it waits or is held back, these change in place meanwhile: {paths}"))
}

/// The paths of what a change in place changes.
fn paths(patch: &Patch) -> Vec<String> {
    match patch {
        Patch::Attributes(changes) => {
            changes.iter().map(|it| format!("attributes.{}", Plain(it.key()))).collect()
        }
        Patch::Fields(fields) => {
            fields.iter().map(|(field, _)| field.as_str().to_owned()).collect()
        }
    }
}

/// Why a step does less than its action says; none where it does not.
pub(super) fn note(step: &Step) -> Option<&'static str> {
    match step.action {
        Action::Create | Action::Recreate if step.calls.is_empty() => {
            Some("no call makes it: it appears when its first user logs in")
        }
        Action::Forget if step.lifecycle.on_remove == OnRemove::Forget => {
            Some("the room itself is left as it is: `on_remove: forget`")
        }
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Replace
        | Action::Destroy
        | Action::Adopt
        | Action::Forget
        | Action::Record => None,
    }
}

/// `destroy` or `forget`, as in the file.
pub(super) fn on_remove(on_remove: OnRemove) -> &'static str {
    match on_remove {
        OnRemove::Destroy => "destroy",
        OnRemove::Forget => "forget",
    }
}

/// `0.1 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let tenths = span.subsec_millis() / 100;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) if tenths == 0 => format!("{seconds} s"),
        (0, 0, seconds) => format!("{seconds}.{tenths} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `created`, `updated` and so on.
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
