//! What the format has a name for and this version does not do: refused with a word, never ignored.

use crate::model::Finding;

/// Keys by the definition that will have them.
const KEYS: &[(&str, &[&str])] =
    &[("Lifecycle", &["ignore_changes"]), ("Room", &["for_each"]), ("Defaults", &["for_each"])];

/// Values by the definition that will take them.
const WORDS: &[(&str, &[&str])] = &[("OnVanish", &["ignore"]), ("Replace", &["on_next_vanish"])];

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
