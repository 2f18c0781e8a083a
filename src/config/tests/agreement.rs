//! Tests that the parser, the structure check and the schema agree.

use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::generated::{HEADS, file, with_head};
use super::validator::schema_accepts;
use super::world::{World, with_rooms};
use crate::config::decode::{parse_grouped, parse_whole};
use crate::config::diagnose::structure::check_structure;
use crate::config::diagnostics::{Diagnostics, Part, Reading, Reporter};
use crate::config::raw::File;
use crate::config::{schema, starter, yaml};
use crate::model::Kind;

pub(super) fn parser_accepts(text: &str) -> bool {
    World::of(&[("rooms.yaml", text)]).try_load(&["rooms.yaml"]).is_ok()
}

#[test]
fn structural_mistakes_are_refused_by_parser_and_schema() {
    let valid = with_rooms("  - id: a\n");
    assert!(schema_accepts(&valid) && parser_accepts(&valid));
    for (from, to) in [
        ("version: 1\n", ""),
        ("version: 1", "version: 2"),
        ("version: 1", "version: \"1\""),
        ("kind: zim, ", ""),
        ("kind: zim", "kind: rct"),
        ("app_id: 1", "app_id: one"),
        ("app_id: 1", "app_id: 0"),
        ("app_id: 1", "app_id: 4294967296"),
        ("operator: admin", "operator: 5"),
        ("operator: admin", "operator: a, colour: red"),
        ("operator: admin", "operator: a, rate_share: 50"),
        ("operator: admin", "operator: a, rate_share: half"),
        ("operator: admin", "operator: a, rate_limit: 0"),
        ("operator: admin", "operator: a, limits: {keys: 1}"),
        ("  chat:", "  Chat:"),
        ("{destroy_delay_time: 1h}", "{destroy_delay_time: 1d}"),
        ("{destroy_delay_time: 1h}", "{destroy_delay_time: 10801}"),
        ("{destroy_delay_time: 1h}", "{destroy_delay_time: -1}"),
        ("  - id: a\n", ""),
        ("id: a", "name: a"),
        ("id: a", "id: 5"),
        ("id: a", "id: \"\""),
        ("id: a", "{id: a, name: }"),
        ("id: a", "{id: a, providers: []}"),
        ("id: a", "{id: a, attributes: {k: 1}}"),
        ("id: a", "{id: a, attributes: {k: {auto_delete: true}}}"),
        ("id: a", "{id: a, lifecycle: {prevent_destroy: 1}}"),
        ("id: a", "{id: 'a${n}', for_each: {n: 1-2}}"),
        ("id: a", "{id: 'a${n}', for_each: {n: 5}}"),
        ("id: a", "{id: 'a${n}', for_each: {n: []}}"),
        ("id: a", "{id: 'a${n}', for_each: {n: [1]}}"),
        ("id: a", "{id: 'a${n}', for_each: {n-1: [a]}}"),
        ("id: a", "{id: 'a${n}', for_each: {}}"),
        ("id: a", "{id: 'a${n}', for_each: [n]}"),
        ("{destroy_delay_time: 1h}", "{for_each: {n: 1..2}}"),
        ("{destroy_delay_time: 1h}", "{provider: [chat]}"),
        ("rooms:", "x: 1\nrooms:"),
        ("id: a", "{id: a, lifecycle: {on_remove: keep}}"),
        ("operator: admin", "operator: a, is_test: 1"),
        ("operator: admin", "operator: a, is_test: yes"),
        ("operator: admin", "operator: a, dissolve_after: 1d"),
        ("operator: admin", "operator: a, dissolve_after: 599"),
        ("operator: admin", "operator: a, dissolve_after: 86401"),
        ("rooms:", "policy: {refresh: often}\nrooms:"),
        ("rooms:", "policy: {max_destroy: some}\nrooms:"),
        ("rooms:", "policy: {max_recreate: some}\nrooms:"),
        ("rooms:", "moved: {from: talk, to: chat}\nrooms:"),
        ("rooms:", "moved: [{from: talk}]\nrooms:"),
        ("rooms:", "moved: [{to: chat}]\nrooms:"),
        ("rooms:", "moved: [{from: talk, to: chat, why: x}]\nrooms:"),
        ("rooms:", "policy: {on_vanish: leave}\nrooms:"),
    ] {
        assert!(valid.contains(from), "{from}");
        let text = valid.replace(from, to);
        assert!(!parser_accepts(&text), "the parser accepts {to}");
        assert!(!schema_accepts(&text), "the schema accepts {to}");
    }
}

#[test]
fn structural_mistakes_of_a_live_room_are_refused_by_parser_and_schema() {
    let valid = with_head(HEADS[2], "  - id: a\n");
    assert!(schema_accepts(&valid) && parser_accepts(&valid));
    for room in [
        "seat_template: Karoke",
        "take_seat_mode: free",
        "max_seats: 0",
        "max_seats: 4294967296",
        "max_members: 0",
        "max_members: \"5\"",
        "category: 5",
        "category: [1, 2, 3, 4]",
        "category: [-1]",
        "category: [4294967296]",
        "activity_status: 4294967296",
        "muted: 1",
        "public: \"true\"",
        "unlimited: []",
        "notice: 7",
        "close: {colour: x}",
        "close: {callback: x}",
        "close: []",
    ] {
        let text = with_head(HEADS[2], &format!("  - {{id: a, {room}}}\n"));
        assert!(!parser_accepts(&text), "the parser accepts {room}");
        assert!(!schema_accepts(&text), "the schema accepts {room}");
    }
    for (key, most) in [("name", 100), ("notice", 100), ("cover_url", 200), ("owner", 32)] {
        for (length, fits) in [(most, true), (most + 1, false)] {
            let room = format!("  - {{id: a, {key}: {}}}\n", "x".repeat(length));
            let text = with_head(HEADS[2], &room);
            assert_eq!((parser_accepts(&text), schema_accepts(&text)), (fits, fits), "{key}");
        }
    }
}

#[test]
fn every_key_of_the_schema_is_described() {
    let schema = schema();
    let definitions = schema["definitions"].as_object().expect("definitions");
    for (name, definition) in definitions.iter().chain([(&"File".to_owned(), &schema)]) {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}: {key}");
        }
    }
}

#[test]
fn the_starters_are_valid() {
    for kind in Kind::ALL {
        assert!(schema_accepts(starter(*kind)), "{kind}");
    }
}

/// Returns what the structure check keeps of a text, and whether it found mistakes.
fn checked(text: &str) -> (Option<File>, bool) {
    let mut diagnostics = Diagnostics::default();
    let mut reporter = Reporter {
        diagnostics: &mut diagnostics,
        file: 0,
        part: Part::Head,
        reading: Reading::Partial,
    };
    let json = check_structure(&yaml::read(text).expect("YAML"), "File", &mut reporter);
    (json.and_then(|json| serde_json::from_value(json).ok()), diagnostics.any_error())
}

/// Returns the file with its maps sorted by key, as the structure check returns them.
fn ordered(mut file: File) -> File {
    for variables in file.rooms.iter_mut().flatten().filter_map(|room| room.for_each.as_mut()) {
        variables.0.sort_by(|(a, _), (b, _)| a.0.cmp(&b.0));
    }
    let rooms = file.rooms.iter_mut().flatten().map(|room| &mut room.attributes);
    let defaults = file.defaults.iter_mut().map(|defaults| &mut defaults.attributes);
    for attributes in rooms.chain(defaults).flatten() {
        attributes.0.sort_by(|(a, _), (b, _)| a.0.cmp(&b.0));
    }
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_text_the_parser_accepts_is_accepted_by_the_schema(text in file()) {
        if parser_accepts(&text) {
            prop_assert!(schema_accepts(&text), "{}", text);
        }
    }

    #[test]
    fn a_file_parsed_in_groups_equals_the_file_parsed_whole(text in file(), size in 1_usize..4) {
        let size = NonZeroUsize::new(size).expect("not zero");
        if let Some(grouped) = parse_grouped(&text, size) {
            prop_assert_eq!(parse_whole(&text).ok(), Some(grouped), "{}", text);
        }
    }

    #[test]
    fn the_structure_check_agrees_with_serde(text in file()) {
        let (checked, found) = checked(&text);
        match parse_whole(&text) {
            Ok(file) => {
                prop_assert!(!found, "{}", text);
                prop_assert_eq!(checked.map(ordered), Some(ordered(file)), "{}", text);
            }
            Err(_) => prop_assert!(found, "{}", text),
        }
    }
}
