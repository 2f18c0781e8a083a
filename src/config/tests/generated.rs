//! Generates files, some of which are valid.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;

/// Providers of every kind, one kind and several in a file.
pub(super) const HEADS: [&str; 4] = [
    "chat: {kind: zim, app_id: 1, operator: admin}",
    "chat: {kind: rtc, app_id: 1, is_test: true}",
    "chat: {kind: tencent-live, app_id: 1, operator: admin, dissolve_after: 30m}",
    "chat: {kind: zim, app_id: 1, operator: a}\n  live: {kind: tencent-live, app_id: 1, operator: a}\n  video: {kind: rtc, app_id: 1}",
];

/// Returns a file with these providers and the text after `rooms:`.
pub(super) fn with_head(head: &str, rest: &str) -> String {
    format!("version: 1\nproviders:\n  {head}\nrooms:\n{rest}")
}

/// Values for any key.
const VALUES: &[&str] = &[
    "a",
    "b-1",
    "\"7\"",
    "7",
    "0",
    "true",
    "~",
    "\"\"",
    "3h",
    "90",
    "10800",
    "1d",
    "50%",
    "[]",
    "[chat]",
    "{}",
    "{k: v}",
    "{k: {value: v, auto_delete: true}}",
    "{k: 1}",
    "{prevent_destroy: true}",
    "'${ZEGO_SET}'",
    "chat",
    "0x1F",
    "1e3",
    ".inf",
    "-5",
    "007",
    "null",
    "yes",
    "1_000",
    "+4",
    "2024-01-01",
    "[1, 2]",
    "[1, 2, 3, 4]",
    "[a]",
    "4294967296",
    "18446744073709551616",
    "{reason: x}",
    "{on_remove: forget}",
    "Karaoke",
    "'${n}'",
    "1..3",
    "3..1",
    "{n: 1..2}",
    "{n: [a, 1]}",
];

/// Keys, with values that are usually valid for them.
const KEYS: &[(&str, &[&str])] = &[
    ("name", &["a", "b-1", "\"7\"", "3h", "007", "yes", "\"\""]),
    ("destroy_delay_time", &["3h", "90", "10800", "0x1F", "007"]),
    ("attributes", &["{}", "{k: v}", "{k: {value: v, auto_delete: true}}"]),
    ("close", &["{}", "{reason: x}", "{callback: true}", "{reason: \"\", callback: false}"]),
    ("owner", &["a", "b-1"]),
    ("seat_template", &["Karaoke", "AudioSalon"]),
    ("take_seat_mode", &["FreeToTake", "ApplyToTake"]),
    ("max_seats", &["7", "0x1F", "+4", "4294967295"]),
    ("max_members", &["1", "90"]),
    ("cover_url", &["https://x.example/", "\"\""]),
    ("category", &["[]", "[7]", "[1, 2, 3]", "[0x1F, 0]"]),
    ("activity_status", &["0", "7"]),
    ("notice", &["a", "'${ZEGO_SET}'", "\"\""]),
    ("muted", &["true", "false"]),
    ("public", &["true", "false"]),
    ("unlimited", &["true", "false"]),
    ("lifecycle", &["{}", "{prevent_destroy: true}", "{on_remove: forget}"]),
    ("for_each", &["{n: 1..3}", "{n: 08..11, team: [red, \"7\"]}", "{n: [a]}"]),
    ("provider", &["chat"]),
    ("providers", &["[chat]"]),
    ("colour", &["a"]),
    ("nmae", &["a"]),
    ("secret", &["a"]),
];

/// The first of the keys that are generated rarely.
const UNLIKELY: usize = KEYS.len() - 5;

/// Generates a key with a value that is usually valid for it.
fn entry() -> impl Strategy<Value = (&'static str, &'static str)> {
    let known = prop::sample::select(KEYS[..UNLIKELY].to_vec());
    let fitting = known.prop_flat_map(|(key, values)| (Just(key), prop::sample::select(values)));
    let any = prop::sample::select(KEYS).prop_map(|(key, _)| key);
    prop_oneof![9 => fitting, 1 => (any, prop::sample::select(VALUES))]
}

/// Generates a file of generated rooms and defaults, which may be invalid.
pub(super) fn file() -> impl Strategy<Value = String> {
    let entries = || prop::collection::vec(entry(), 0..4);
    let rooms = prop::collection::vec(entries(), 0..4);
    let extension = prop_oneof![
        4 => Just(""),
        1 => Just("x-a: {b: [c]}\n"),
        1 => Just("x-a: 1\nx-a: 2\n"),
        1 => Just("x: 1\n"),
    ];
    let (alone, together) = (&HEADS[..3], HEADS[3]);
    let head = prop_oneof![prop::sample::select(alone.to_vec()), Just(together)];
    (head, entries(), rooms, extension).prop_map(move |(head, defaults, rooms, extension)| {
        let mut text = String::new();
        for (number, room) in rooms.into_iter().enumerate() {
            let made = room.iter().any(|(key, _)| *key == "for_each");
            let id = if made { "-${n}${team}" } else { "" };
            writeln!(text, "  - id: r{number}{id}").expect("text");
            let sides = (head == together).then_some(("providers", "[chat, live, video]"));
            for (key, value) in room.into_iter().chain(sides).collect::<BTreeMap<_, _>>() {
                writeln!(text, "    {key}: {value}").expect("text");
            }
        }
        if !defaults.is_empty() {
            text.push_str("defaults:\n");
        }
        for (key, value) in defaults.into_iter().collect::<BTreeMap<_, _>>() {
            writeln!(text, "  {key}: {value}").expect("text");
        }
        text.push_str(extension);
        with_head(head, &text)
    })
}
