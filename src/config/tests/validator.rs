//! Validates texts against the published schema.

use serde_json::{Value as Json, json};

use crate::config::schema;

/// Validates the keywords that the schema uses; any other keyword fails the test.
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
        "maxItems" => value.as_array().is_none_or(|it| it.len() as u64 <= number(rule)),
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
        "minProperties" => keys(value).is_none_or(|keys| keys.len() as u64 >= number(rule)),
        "patternProperties" => keys(value).is_none_or(|keys| {
            let rules = rule.as_object().expect("patterns");
            keys.iter().all(|it| {
                let mut rules = rules.iter().filter(|(pattern, _)| matches(&json!(pattern), it));
                rules.all(|(_, rule)| valid(rule, &value[it], root))
            })
        }),
        "additionalProperties" => keys(value).is_none_or(|keys| {
            let known = |it: &&&str| {
                let patterns = schema["patternProperties"].as_object().into_iter().flatten();
                let mut patterns = patterns.map(|(pattern, _)| json!(pattern));
                schema["properties"].get(it).is_some() || patterns.any(|one| matches(&one, it))
            };
            let mut others = keys.iter().filter(|it| !known(it));
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
    let span = |it: &str| digits(it.strip_suffix(['s', 'm', 'h']).unwrap_or(it));
    match text(pattern) {
        r"\$\{" => value.contains("${"),
        "^x-" => value.starts_with("x-"),
        r"^[0-9]+\.\.[0-9]+$" => {
            value.split_once("..").is_some_and(|(from, to)| digits(from) && digits(to))
        }
        "^[0-9]+%$" => share,
        "^[0-9]+[smh]?$" => span(value),
        r"^[0-9]+[smh]?$|\$\{" => span(value) || value.contains("${"),
        "^[A-Za-z_][A-Za-z0-9_]*$" => {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            value.chars().all(fits) && value.starts_with(|c: char| !c.is_ascii_digit())
        }
        r"^([^$]|\$(?!\{))+$" => !value.is_empty() && !value.contains("${"),
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

/// Returns whether the schema accepts a text.
pub(super) fn schema_accepts(text: &str) -> bool {
    let Ok(value) = serde_yaml::from_str::<Json>(text) else { return false };
    valid(&schema(), &value, &schema())
}
