//! The words for faults of structure.

use crate::model::{Finding, Kind};

use super::names::spoken;

/// The finding about a key that is named like a secret.
pub(super) fn secret_key(name: &str) -> Finding {
    Finding::error(
        "secret_in_file",
        format!("`{name}` looks like a secret, and none is written here"),
    )
    .help("name the environment variable that holds it: `secret_env: ZEGO_SERVER_SECRET`")
}

/// The finding about a key that merges a map elsewhere.
pub(super) fn merge_key() -> Finding {
    Finding::error("merge_key", "`<<` merges nothing here")
        .help("write the keys out, or use `defaults`")
}

/// The finding about a key that must be there.
pub(super) fn missing_key(owner: &str, name: &str) -> Finding {
    let help = match name {
        "version" => "write `version: 1`",
        "kind" => "write which service it is: `kind: zim`, `kind: rtc` or `kind: tencent-live`",
        "app_id" => "write the number that the vendor's console shows: `app_id: 12345`",
        "operator" => "write the user in whose name rooms are made: `operator: admin`",
        "id" => "write the room's id: `id: lobby`",
        "value" => "write its text: `value: \"Hi!\"`",
        "from" => "write the provider's old name: `from: talk`",
        "to" => "write the provider's name in `providers`: `to: chat`",
        _ => "write it",
    };
    Finding::error("missing_key", format!("{owner} needs `{name}`")).help(help)
}

/// The names of kinds as one part of a sentence.
pub(super) fn kinds(kinds: &[Kind]) -> String {
    spoken(&kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
}

/// What a JSON type is called in a sentence.
pub(super) fn kind_of(json_type: &str) -> &'static str {
    match json_type {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number that is not whole, below zero or too large",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    }
}

/// What a definition is called in a sentence.
pub(super) fn owner(definition: &str) -> &'static str {
    match definition {
        "File" => "the file",
        "Provider" => "a provider",
        "Moved" => "an entry of `moved`",
        "Limits" => "`limits`",
        "Policy" => "`policy`",
        "Defaults" => "`defaults`",
        "Room" => "a room",
        "Close" => "`close`",
        "Lifecycle" => "`lifecycle`",
        "FullAttribute" => "an attribute",
        _ => "this map",
    }
}
