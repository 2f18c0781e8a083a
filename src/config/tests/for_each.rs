//! Tests of entries with `for_each`: the rooms that they make, and their mistakes.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::world::{World, addresses, codes, with_rooms};
use crate::config::Loaded;
use crate::model::{Field, ValueRef};

/// Loads a file with one zim provider and these rooms.
fn loaded(rooms: &str) -> Loaded {
    World::of(&[("rooms.yaml", &with_rooms(rooms))]).load(&["rooms.yaml"])
}

/// Returns the displayed findings of a file with these rooms.
fn shown(rooms: &str) -> String {
    let world = World::of(&[("rooms.yaml", &with_rooms(rooms))]);
    world.shown(&world.findings(&["rooms.yaml"]))
}

#[test]
fn an_entry_makes_a_room_for_each_value() {
    let loaded = loaded(
        "  - id: table-${n}\n    name: Table ${n}\n    for_each: {n: 008..011}\n    attributes:\n      \"seat-${n}\": 'no. ${n}, $${n}'\n      big: {value: \"${n}!\", auto_delete: true}\n    destroy_delay_time: \"${n}m\"\n",
    );
    assert_eq!(
        addresses(&loaded),
        ["chat/table-008", "chat/table-009", "chat/table-010", "chat/table-011"]
    );
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let room = &loaded.desired.rooms[3].room;
    assert_eq!(room.value(Field::Name), Some(ValueRef::Text("Table 011")));
    assert_eq!(room.delay().as_secs(), 660);
    let attribute = |key| room.attributes.get(key).map(|it| (&*it.value, it.auto_delete));
    assert_eq!(attribute("seat-011"), Some(("no. 011, ${n}", false)));
    assert_eq!(attribute("big"), Some(("011!", true)));
}

#[test]
fn variables_are_replaced_in_ignored_paths() {
    let loaded = loaded(
        "  - id: table-${n}\n    for_each: {n: [red, name]}\n    lifecycle: {ignore_changes: ['attributes.${n}', 'attributes.$${n}']}\n",
    );
    let ignored: Vec<&[Box<str>]> =
        loaded.desired.rooms.iter().map(|room| &*room.ignore_changes).collect();
    assert_eq!(ignored[0], ["attributes.${n}".into(), "attributes.name".into()]);
    assert_eq!(ignored[1], ["attributes.${n}".into(), "attributes.red".into()]);
}

#[test]
fn several_variables_make_every_combination() {
    let loaded = loaded(
        "  - {id: '${team}-${n}', for_each: {team: [red, \"7\", '${n}'], n: 1..2}}\n  - id: lobby\n",
    );
    assert_eq!(
        addresses(&loaded),
        [
            "chat/${n}-1",
            "chat/${n}-2",
            "chat/7-1",
            "chat/7-2",
            "chat/lobby",
            "chat/red-1",
            "chat/red-2"
        ]
    );
}

#[test]
fn variables_are_replaced_in_providers() {
    let text = "version: 1\nproviders:\n  chat: {kind: zim, app_id: 1, operator: a}\n  video: {kind: rtc, app_id: 1}\ndefaults: {destroy_delay_time: 1h}\nrooms:\n  - {id: show, provider: '${p}', for_each: {p: [chat, video]}}\n  - {id: 'duo${n}', providers: [chat, video], for_each: {n: 1..2}}\n";
    let loaded = World::of(&[("rooms.yaml", text)]).load(&["rooms.yaml"]);
    assert_eq!(
        addresses(&loaded),
        ["chat/duo1", "chat/duo2", "chat/show", "video/duo1", "video/duo2", "video/show"]
    );
}

#[test]
fn the_rooms_of_an_entry_equal_written_rooms() {
    let entry = "  - id: t${n}\n    name: Table ${n}\n    attributes: {a: x, b: \"${n}\"}\n    lifecycle: {prevent_destroy: true}\n    for_each: {n: 1..3000}\n";
    let mut written = String::new();
    for n in 1..=3000 {
        writeln!(written, "  - id: t{n}\n    name: Table {n}\n    attributes: {{a: x, b: \"{n}\"}}\n    lifecycle: {{prevent_destroy: true}}").expect("text");
    }
    let (made, mut written) = (loaded(entry), loaded(&written));
    let line = made.desired.rooms[0].line;
    assert!(line.is_some() && made.desired.rooms.iter().all(|room| room.line == line));
    let lines: BTreeSet<_> = written.desired.rooms.iter().map(|room| room.line).collect();
    assert_eq!(lines.len(), 3000);
    written.desired.rooms.iter_mut().for_each(|room| room.line = line);
    assert_eq!(made.desired.rooms, written.desired.rooms);
    assert_eq!(made.desired.config_digest, written.desired.config_digest);
}

#[test]
fn mistakes_of_an_entry_are_reported_once_at_their_place() {
    let mut wrong = Vec::new();
    for (room, reported) in [
        ("{id: 't${n}', for_each: {n: 3..1}}", "for_each 6:33"),
        ("{id: 't${n}', for_each: {n: 1..1000001}}", "for_each 6:33"),
        ("{id: 't${n}${m}', for_each: {n: 1..1000, m: 1..1001}}", "for_each 6:23"),
        ("{id: 't${n}', for_each: {n: 01..200}}", "for_each 6:33"),
        ("{id: 't${n}', for_each: {n: red}}", "for_each 6:33"),
        ("{id: 't${n}', for_each: {n: 7}}", "wrong_type 6:33"),
        ("{id: 't${n}', for_each: {n: [1]}}", "wrong_type 6:34"),
        ("{id: 't${n}', for_each: {n: []}}", "for_each 6:30"),
        ("{id: 't${n}', for_each: {n: [a, b, a]}}", "for_each 6:40"),
        ("{id: 't${n}', for_each: {n: }}", "wrong_type 6:30"),
        ("{id: 't', for_each: {}}", "for_each 6:15"),
        ("{id: 't${n}', for_each: {}}", "for_each 6:19"),
        ("{id: 't', for_each: [n]}", "wrong_type 6:25"),
        ("{id: 't${n}', for_each: {n: [a], n: [b]}}", "duplicate_key 6:38"),
        ("{id: 't${a-b}', for_each: {a-b: [c]}}", "for_each 6:32"),
        ("{id: 't${n}', name: '${m}', for_each: {n: [a]}}", "unknown_variable 6:25"),
        ("{id: 't${n}', name: '${n', for_each: {n: [a]}}", "unknown_variable 6:25"),
        ("{id: 't${n}', attributes: {k: '${m}'}, for_each: {n: [a]}}", "unknown_variable 6:35"),
        ("{id: 't${n}', attributes: {'${m}': k}, for_each: {n: [a]}}", "unknown_variable 6:40"),
        ("{id: 't${n}', for_each: {n: [a, b], m: [c, d]}}", "for_each 6:10"),
        ("{id: 't', for_each: {n: [a, b]}}", "for_each 6:10"),
        (
            "{id: 't${n}', lifecycle: {ignore_changes: ['${m}']}, for_each: {n: [a]}}",
            "unknown_variable 6:48",
        ),
        (
            "{id: 't${n}', lifecycle: {ignore_changes: ['${n}']}, for_each: {n: [name, b]}}",
            "unknown_path 6:48",
        ),
        ("{name: 't${n}', for_each: {n: [a, b]}}", "missing_key 6:6"),
        (
            "{id: 't${n}', attributes: {'k${n}': a, k1: b}, for_each: {n: 0..1}}",
            "duplicate_key 6:19",
        ),
        ("{id: 't${n}', provider: 'c${n}', for_each: {n: [hat, at]}}", "unknown_provider 6:29"),
        (
            "{id: 't${n}', destroy_delay_time: '${n}', for_each: {n: [1h, 4h]}}",
            "destroy_delay_time 6:39",
        ),
        (
            "{id: 't${n}', lifecycle: {on_remove: '${n}'}, for_each: {n: [a]}}",
            "variable_place 6:42",
        ),
    ] {
        let actual = codes(&with_rooms(&format!("  - {room}\n")));
        if actual != [reported] {
            wrong.push(format!("{room}: {reported}, but {actual:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn findings_in_expanded_rooms_have_the_place_of_the_entry_and_the_values() {
    insta::assert_snapshot!(shown(concat!(
        "  - id: ${team}-a-very-long-name-for-a-table-${n}\n",
        "    name: Table ${nn}\n",
        "    for_each: {n: 1..3}\n",
        "  - id: a-very-long-name-for-a-table-${n}\n",
        "    for_each: {n: 98..1100}\n",
        "  - id: ${a}${b}\n",
        "    for_each: {a: [\"1\", \"11\"], b: [\"1\", \"11\"]}\n",
        "  - {id: '111'}\n",
    )));
}

#[test]
fn a_warning_of_many_rooms_is_shown_once() {
    let text = with_rooms("  - {id: 't${n}', for_each: {n: 1..500}}\n");
    let text = text.replace("defaults: {destroy_delay_time: 1h}\n", "");
    let world = World::of(&[("rooms.yaml", &text)]);
    let warnings = world.load(&["rooms.yaml"]).warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].message.ends_with("(n: 1, and 499 more rooms of the entry)"));
}

#[test]
fn all_entries_together_make_at_most_a_million_rooms() {
    let entry = |name: &str| format!("  - {{id: '{name}${{n}}', for_each: {{n: 1..400000}}}}\n");
    let other = with_rooms(&(entry("a") + &entry("b")));
    let more = format!("version: 1\nrooms:\n{}", entry("c"));
    let world = World::of(&[("a.yaml", &other), ("b.yaml", &more)]);
    let findings = world.findings(&["a.yaml", "b.yaml"]);
    assert!(world.shown(&findings).contains("--> b.yaml:3:19"), "{}", world.shown(&findings));
    assert_eq!((findings.len(), findings[0].code), (1, "for_each"));
}

#[test]
fn without_for_each_a_reference_stays_literal_with_a_warning() {
    let loaded = loaded("  - {id: 't${n}'}\n");
    assert_eq!(addresses(&loaded), ["chat/t${n}"]);
    assert!(loaded.warnings.iter().any(|it| it.code == "variable_not_replaced"));
}

#[test]
fn entries_of_files_with_anchors_and_mistakes_are_expanded() {
    let anchors = with_rooms(
        "  - {id: 'a${n}', attributes: &a {k: '${n}'}, for_each: {n: 1..2}}\n  - {id: 'b${n}', attributes: *a, for_each: {n: 3..4}}\n",
    );
    let loaded = World::of(&[("rooms.yaml", &anchors)]).load(&["rooms.yaml"]);
    assert_eq!(addresses(&loaded), ["chat/a1", "chat/a2", "chat/b3", "chat/b4"]);
    assert_eq!(loaded.desired.rooms[2].room.attributes.get("k").map(|it| &*it.value), Some("3"));
    let mistaken = with_rooms(
        "  - {id: 'a${n}', nmae: x, for_each: {n: 3..1}}\n  - {id: 'b${n}', for_each: {n: 3..1}}\n",
    );
    assert_eq!(codes(&mistaken), ["unknown_key 6:19", "for_each 7:33"]);
}
