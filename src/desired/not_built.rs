//! What the format has a name for and this version does not do: refused with a word, never ignored.

use crate::model::Finding;

/// Keys by the definition that will have them.
const KEYS: &[(&str, &[&str])] = &[
    ("Provider", &["dissolve_after"]),
    ("Lifecycle", &["ignore_changes"]),
    ("Room", ROOM_KEYS),
    ("Defaults", ROOM_KEYS),
];

/// Keys of rooms of other kinds, and of entries that stand for many rooms.
const ROOM_KEYS: &[&str] = &[
    "for_each",
    "close",
    "owner",
    "seat_template",
    "take_seat_mode",
    "max_seats",
    "max_members",
    "cover_url",
    "category",
    "activity_status",
    "notice",
    "muted",
    "public",
    "unlimited",
];

/// Values by the definition that will take them.
const WORDS: &[(&str, &[&str])] = &[
    ("Kind", &["rtc", "tencent-live"]),
    ("OnVanish", &["ignore"]),
    ("Replace", &["on_next_vanish"]),
    ("OnRemove", &["forget"]),
];

/// Whether `name` is a key of this definition that is not built yet.
pub(super) fn key(definition: &str, name: &str) -> bool {
    holds(KEYS, definition, name)
}

/// Whether `word` is a value of this definition that is not built yet.
pub(super) fn word(definition: &str, word: &str) -> bool {
    holds(WORDS, definition, word)
}

/// The finding about something that is not built yet.
pub(super) fn finding(what: &str) -> Finding {
    Finding::error("not_built", format!("{what} is not built yet"))
        .help("take it out: this version does not know it, and ignores nothing")
}

fn holds(table: &[(&str, &[&str])], definition: &str, name: &str) -> bool {
    table.iter().any(|(one, names)| *one == definition && names.contains(&name))
}
