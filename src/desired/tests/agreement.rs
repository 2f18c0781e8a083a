//! The parser, the walk and the schema say the same of the same text.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::world::{World, with_rooms};
use crate::desired::groups::parse_whole;
use crate::desired::mirror::File;
use crate::desired::note::{Notes, Part, Reading, Sink};
use crate::desired::structure::walk;
use crate::desired::{schema, starter, tree};
use crate::model::Kind;

/// A validator of just the keywords that the schema uses; any other is a failure of the test.
fn valid(schema: &Json, value: &Json, root: &Json) -> bool {
    let all = schema.as_object().expect("a schema");
    all.iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "title" | "description" | "definitions" | "format" | "examples" => true,
        "$ref" => {
            let name = rule.as_str().and_then(|it| it.strip_prefix("#/definitions/"));
            valid(&root["definitions"][name.expect("a definition")], value, root)
        }
        "type" => types(rule).iter().any(|it| is(value, it)),
        "enum" => rule.as_array().expect("a list").contains(value),
        "const" => rule == value,
        "anyOf" => list(rule).any(|it| valid(it, value, root)),
        "allOf" => list(rule).all(|it| valid(it, value, root)),
        "oneOf" => list(rule).filter(|it| valid(it, value, root)).count() == 1,
        "minimum" => value.as_f64() >= rule.as_f64() || !value.is_number(),
        "maximum" => value.as_f64() <= rule.as_f64() || !value.is_number(),
        "minLength" => value.as_str().is_none_or(|it| it.chars().count() as u64 >= number(rule)),
        "maxLength" => value.as_str().is_none_or(|it| it.chars().count() as u64 <= number(rule)),
        "minItems" => value.as_array().is_none_or(|it| it.len() as u64 >= number(rule)),
        "pattern" => value.as_str().is_none_or(|it| matches(rule, it)),
        "items" => list(value).all(|it| valid(rule, it, root)),
        "required" => keys(value).is_none_or(|keys| list(rule).all(|it| keys.contains(&text(it)))),
        "propertyNames" => {
            keys(value).is_none_or(|keys| keys.iter().all(|it| valid(rule, &json!(it), root)))
        }
        "properties" => keys(value).is_none_or(|keys| {
            keys.iter().all(|it| rule.get(it).is_none_or(|rule| valid(rule, &value[it], root)))
        }),
        "additionalProperties" => keys(value).is_none_or(|keys| {
            let mut others = keys.iter().filter(|it| schema["properties"].get(it).is_none());
            others.all(|it| *rule != json!(false) && valid(rule, &value[it], root))
        }),
        other => panic!("the schema uses `{other}`"),
    })
}

fn is(value: &Json, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema knows the type `{other}`"),
    }
}

fn matches(pattern: &Json, value: &str) -> bool {
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    let share = value.strip_suffix('%').is_some_and(digits);
    match text(pattern) {
        r"\$\{" => value.contains("${"),
        r"^[0-9]+%$|\$\{" => share || value.contains("${"),
        "^[0-9]+%$" => share,
        "^[0-9]+[smh]?$" => {
            digits(value) || value.strip_suffix(['s', 'm', 'h']).is_some_and(digits)
        }
        "^[a-z0-9_-]+$" => crate::model::ProviderName::new(value).is_ok(),
        other => panic!("the schema uses the pattern `{other}`"),
    }
}

fn list(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn types(rule: &Json) -> Vec<&str> {
    rule.as_str().map_or_else(|| list(rule).map(text).collect(), |one| vec![one])
}

fn keys(value: &Json) -> Option<Vec<&str>> {
    value.as_object().map(|map| map.keys().map(String::as_str).collect())
}

fn text(value: &Json) -> &str {
    value.as_str().expect("text")
}

fn number(value: &Json) -> u64 {
    value.as_u64().expect("a number")
}

fn schema_accepts(text: &str) -> bool {
    let Ok(value) = serde_yaml::from_str::<Json>(text) else { return false };
    valid(&schema(), &value, &schema())
}

fn parser_accepts(text: &str) -> bool {
    World::of(&[("rooms.yaml", text)]).try_load(&["rooms.yaml"]).is_ok()
}

#[test]
fn structural_faults_are_refused_by_both() {
    let sound = with_rooms("  - id: a\n");
    assert!(schema_accepts(&sound) && parser_accepts(&sound));
    for (from, to) in [
        ("version: 1\n", ""),
        ("version: 1", "version: 2"),
        ("version: 1", "version: \"1\""),
        ("kind: zim, ", ""),
        ("kind: zim", "kind: rtc"),
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
        ("id: a", "{id: a, for_each: {n: 1..2}}"),
        ("rooms:", "policy: {refresh: often}\nrooms:"),
        ("rooms:", "policy: {max_destroy: some}\nrooms:"),
        ("rooms:", "policy: {on_vanish: ignore}\nrooms:"),
    ] {
        assert!(sound.contains(from), "{from}");
        let text = sound.replace(from, to);
        assert!(!parser_accepts(&text), "the parser accepts {to}");
        assert!(!schema_accepts(&text), "the schema accepts {to}");
    }
}

#[test]
fn the_starter_is_valid() {
    assert!(schema_accepts(starter(Kind::Zim)));
}

/// A value for a key, more often sound than not.
fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
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
    ])
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "id",
        "name",
        "provider",
        "providers",
        "destroy_delay_time",
        "attributes",
        "lifecycle",
        "colour",
        "nmae",
        "secret",
    ])
}

/// A file of generated rooms: some are sound, some are not.
fn file() -> impl Strategy<Value = String> {
    let room = prop::collection::btree_map(key(), value(), 0..4);
    let sound = prop::bool::weighted(0.5);
    prop::collection::vec((room, sound), 0..4).prop_map(|rooms| {
        let mut text = String::new();
        for (number, (mut room, sound)) in rooms.into_iter().enumerate() {
            if sound {
                room.retain(|key, value| sounds(key, value));
            }
            room.remove("id");
            writeln!(text, "  - id: r{number}").expect("text");
            for (key, value) in room {
                writeln!(text, "    {key}: {value}").expect("text");
            }
        }
        with_rooms(&text)
    })
}

/// Whether a value is likely to fit its key.
fn sounds(key: &str, value: &str) -> bool {
    match key {
        "name" => ["a", "b-1", "\"7\"", "3h", "007", "yes"].contains(&value),
        "provider" => value == "chat",
        "destroy_delay_time" => ["3h", "90", "10800", "0x1F", "007"].contains(&value),
        "attributes" => ["{}", "{k: v}", "{k: {value: v, auto_delete: true}}"].contains(&value),
        "lifecycle" => ["{}", "{prevent_destroy: true}"].contains(&value),
        _ => false,
    }
}

/// What the walk makes of a text, and whether it found faults.
fn walked(text: &str) -> (Option<File>, bool) {
    let mut notes = Notes::default();
    let mut sink = Sink { notes: &mut notes, file: 0, part: Part::Head, reading: Reading::Faulty };
    let json = walk(&tree::read(text).expect("YAML"), "File", &mut sink);
    (json.and_then(|json| serde_json::from_value(json).ok()), notes.any_error())
}

/// The file with its maps in the order of their keys, as the walk has them.
fn ordered(mut file: File) -> File {
    for room in file.rooms.iter_mut().flatten() {
        if let Some(attributes) = &mut room.attributes {
            attributes.0.sort_by(|(a, _), (b, _)| a.0.cmp(&b.0));
        }
    }
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_the_parser_accepts_the_schema_accepts(text in file()) {
        if parser_accepts(&text) {
            prop_assert!(schema_accepts(&text), "{}", text);
        }
    }

    #[test]
    fn the_walk_finds_faults_where_serde_does_and_else_reads_the_same(text in file()) {
        let (walked, faults) = walked(&text);
        match parse_whole(&text) {
            Ok(file) => {
                prop_assert!(!faults, "{}", text);
                prop_assert_eq!(walked.map(ordered), Some(ordered(file)), "{}", text);
            }
            Err(_) => prop_assert!(faults, "{}", text),
        }
    }
}
