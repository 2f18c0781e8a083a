//! `schema`: real documents match the schemas, every property is described, and later versions only add
//! properties.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::test_dir::{THREE_ROOMS, TestDir};

/// Returns a schema as printed by the command.
fn schema(name: &str) -> Value {
    TestDir::empty().run(&format!("schema {name}")).exits(0).document()
}

/// Returns every part of `value` that violates the schema or that the schema does not describe. It supports
/// only the keywords that the schemas use, and panics at any other.
fn problems(schema: &Value, value: &Value, root: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (keyword, rule) in schema.as_object().expect("a schema") {
        let wrong = |is_wrong: bool| is_wrong.then(|| format!("{at}: {keyword} {rule}: {value}"));
        let of_properties = || -> Vec<String> {
            let properties = value.as_object().into_iter().flatten();
            let check = |(key, value): (&String, &Value)| match rule.get(key) {
                Some(rule) => problems(rule, value, root, &format!("{at}.{key}")),
                None if schema.get("additionalProperties").is_some() => Vec::new(),
                None => vec![format!("{at}.{key} is not described")],
            };
            properties.flat_map(check).collect()
        };
        match keyword.as_str() {
            "$schema" | "title" | "description" | "definitions" | "format" | "examples"
            | "pattern" => {}
            "$ref" => {
                let name = rule.as_str().and_then(|it| it.strip_prefix("#/definitions/"));
                let rule = &root["definitions"][name.expect("a definition")];
                found.extend(problems(rule, value, root, at));
            }
            "type" => found.extend(wrong(!types(rule).iter().any(|it| is(value, it)))),
            "enum" => found.extend(wrong(!rule.as_array().expect("a list").contains(value))),
            "const" => found.extend(wrong(rule != value)),
            "minimum" => found.extend(wrong(value.as_f64() < rule.as_f64())),
            "anyOf" | "oneOf" => {
                let tried: Vec<_> =
                    list(rule).map(|rule| problems(rule, value, root, at)).collect();
                if !tried.iter().any(Vec::is_empty) {
                    found.extend(tried.into_iter().flatten());
                }
            }
            "items" => {
                found.extend(
                    list(value).flat_map(|it| problems(rule, it, root, &format!("{at}[]"))),
                );
            }
            "required" => {
                let missing = |key: &&Value| value.get(key.as_str().expect("a name")).is_none();
                found.extend(list(rule).filter(missing).map(|key| format!("{at} has no {key}")));
            }
            "properties" => found.extend(of_properties()),
            "additionalProperties" => {
                let others = value.as_object().filter(|_| rule.is_object()).into_iter().flatten();
                let others = others.filter(|(key, _)| schema["properties"].get(key).is_none());
                found.extend(
                    others.flat_map(|(key, it)| problems(rule, it, root, &format!("{at}.{key}"))),
                );
            }
            other => panic!("unsupported keyword `{other}`"),
        }
    }
    found
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("unsupported type `{other}`"),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn types(rule: &Value) -> Vec<&str> {
    let list = list(rule).filter_map(Value::as_str);
    rule.as_str().map_or_else(|| list.collect(), |one| vec![one])
}

/// Asserts that a document matches a schema.
#[track_caller]
fn assert_matches(schema: &Value, document: &Value) {
    let found = problems(schema, document, schema, "");
    assert!(found.is_empty(), "{found:#?}\nin {document:#}");
}

/// Returns one line for each property: its path, `required` or `optional`, and its types.
fn properties(schema: &Value) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    collect(schema, "", &mut lines);
    for (name, definition) in schema["definitions"].as_object().into_iter().flatten() {
        collect(definition, name, &mut lines);
    }
    lines
}

fn collect(schema: &Value, at: &str, lines: &mut BTreeSet<String>) {
    let required: Vec<&Value> = list(&schema["required"]).collect();
    for (key, rule) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{at}.{key}");
        let always = if required.contains(&&json!(key)) { "required" } else { "optional" };
        lines.insert(format!("{path} {always} {}", kind(rule)));
        collect(rule, &path, lines);
        collect(&rule["items"], &format!("{path}[]"), lines);
    }
}

/// Returns the types of a property as text.
fn kind(rule: &Value) -> String {
    let any = || {
        let mut kinds: Vec<String> = list(&rule["anyOf"]).map(kind).collect();
        kinds.dedup();
        kinds.join("|")
    };
    match (&rule["type"], &rule["$ref"], &rule["const"], &rule["anyOf"]) {
        (Value::String(one), _, _, _) if one == "array" => {
            format!("list of {}", kind(&rule["items"]))
        }
        (Value::String(one), _, _, _) => one.clone(),
        (Value::Array(_), _, _, _) => types(&rule["type"]).join("|"),
        (_, Value::String(name), _, _) => name.rsplit('/').next().unwrap_or(name).to_owned(),
        (_, _, Value::Null, Value::Array(_)) => any(),
        (_, _, Value::Null, _) => "anything".to_owned(),
        (_, _, constant, _) => constant.to_string(),
    }
}

/// A property that is renamed, removed, of another type or no longer required breaks consumers. New
/// properties are added to the lists, which are then part of the contract.
#[test]
fn later_versions_only_add_properties() {
    for (name, promised) in [
        ("plan", include_str!("schemas/plan.txt")),
        ("events", include_str!("schemas/events.txt")),
        ("state", include_str!("schemas/state.txt")),
        ("rooms", include_str!("schemas/rooms.txt")),
    ] {
        let now = properties(&schema(name));
        for line in promised.lines() {
            assert!(now.contains(line), "`schema {name}` no longer has `{line}`: {now:#?}");
        }
        // A new required key would make older files invalid.
        let promised: BTreeSet<&str> = promised.lines().collect();
        let required =
            |line: &&String| line.contains(" required ") && !promised.contains(line.as_str());
        let required: Vec<&String> = now.iter().filter(required).collect();
        assert!(name != "rooms" || required.is_empty(), "{required:?}");
    }
}

/// Returns a folder whose plan has steps, blocked rooms, findings and a closed gate.
fn with_varied_plan() -> TestDir {
    let dir = TestDir::applied();
    dir.edit(
        "  - {id: lobby, name: Lobby, attributes: {topic: welcome}, lifecycle: {prevent_destroy: true}}\n",
        "  - {id: hall, attributes: {topic: {value: x, auto_delete: true}}, destroy_delay_time: 0s}\n",
    );
    dir.edit("name: News", "name: Newer");
    dir.edit("  - {id: support, name: Support}\n", "");
    dir
}

#[test]
fn plans_match_their_schema() {
    let schema = schema("plan");
    assert_matches(
        &schema,
        &TestDir::with(THREE_ROOMS).run("plan --format json").exits(0).document(),
    );
    let plan = with_varied_plan().run("plan --format json").exits(0).document();
    for list in ["steps", "blocked"] {
        assert!(!plan[list].as_array().expect("a list").is_empty(), "{plan:#}");
    }
    assert_eq!(plan["gate"]["open"], false, "{plan:#}");
    assert_matches(&schema, &plan);
}

#[test]
fn events_match_their_schema() {
    let schema = schema("events");
    let first = TestDir::with(THREE_ROOMS).run("apply --auto-approve --format json").exits(0);
    let second =
        with_varied_plan().run("apply --auto-approve --format json --allow-destroy 9").exits(3);
    let refused = with_varied_plan().run("apply --format json").exits(3);
    let lines = [first.lines(), second.lines(), refused.lines()].concat();
    let events: BTreeSet<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert!(events.contains("step_done") && events.contains("error"), "{events:?}");
    for line in &lines {
        assert_matches(&schema, line);
    }
}

#[test]
fn a_state_matches_its_schema() {
    let dir = with_varied_plan();
    dir.run("apply --auto-approve --allow-destroy 9").exits(3);
    let state = serde_json::from_str(&dir.read("rooms.state.json")).expect("JSON");
    assert_matches(&schema("state"), &state);
}

#[test]
fn the_default_schema_is_that_of_the_files() {
    let dir = TestDir::empty();
    assert_eq!(dir.run("schema").exits(0).stdout, dir.run("schema rooms").exits(0).stdout);
    dir.run("schema nothing").exits(64);
}
