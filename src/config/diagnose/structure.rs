//! Checks the structure of a tree against the schema: every mistake at once, and the rest as JSON.
//!
//! serde stops at the first mistake and knows only the map around it. So if serde has refused, the tree
//! is checked with the schema that is derived from the same types, and what is valid is kept for the
//! later checks, so that all mistakes are reported in one run.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::model::Finding;

use crate::config::diagnostics::{
    Reporter, Span, merge_key, missing_key, owner, suggestion, type_name,
};
use crate::config::raw::is_extension;
use crate::config::schema::SCHEMA;
use crate::config::secrets::{names_secret, secret_key};
use crate::config::values::nearest_kind;
use crate::config::variables;
use crate::config::yaml::{Node, Value};

/// Checks `node` as the definition of this name (`File`, `Room`), and keeps what is valid; `None` if it
/// is not a map.
pub(in crate::config) fn check_structure(
    node: &Node,
    definition: &'static str,
    reporter: &mut Reporter<'_>,
) -> Option<Json> {
    let schema = SchemaNode { json: definition_schema(definition), name: definition };
    StructureCheck { reporter, key: None }.node(node, schema)
}

fn definition_schema(name: &str) -> &'static Json {
    if name == "File" { &SCHEMA } else { &SCHEMA["definitions"][name] }
}

/// A schema, and the name of the definition that it is.
#[derive(Clone, Copy)]
struct SchemaNode {
    json: &'static Json,
    name: &'static str,
}

/// The type of a scalar without quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plain {
    Null,
    Boolean(bool),
    Whole(u64),
    Number,
    Text,
}

struct StructureCheck<'a, 'b> {
    reporter: &'a mut Reporter<'b>,
    /// The key whose value is checked.
    key: Option<(String, Span)>,
}

impl SchemaNode {
    /// Follows references to the schema that they lead to.
    fn of(json: &'static Json) -> Self {
        let mut schema = Self { json, name: "" };
        loop {
            if let Some(name) = schema.json["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
                schema = Self { json: definition_schema(name), name };
            } else if let Some([only]) = schema.json["allOf"].as_array().map(Vec::as_slice) {
                schema = Self { json: only, name: schema.name };
            } else {
                return schema;
            }
        }
    }

    /// Returns the schemas that a value may match.
    fn choices(self) -> Vec<Self> {
        match self.json["anyOf"].as_array() {
            Some(choices) => choices.iter().flat_map(|it| Self::of(it).choices()).collect(),
            None => vec![self],
        }
    }

    /// Returns the JSON types that it accepts.
    fn types(self) -> Vec<&'static str> {
        match &self.json["type"] {
            Json::String(one) => vec![one],
            Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => vec!["string"],
        }
    }

    /// Returns the keywords that it accepts, if it is an enum.
    fn keywords(self) -> Vec<&'static str> {
        let keywords = self.json["oneOf"].as_array();
        keywords.into_iter().flatten().filter_map(|one| one["const"].as_str()).collect()
    }
}

impl StructureCheck<'_, '_> {
    fn node(&mut self, node: &Node, schema: SchemaNode) -> Option<Json> {
        let choices = schema.choices();
        let (json_type, json) = typed(node);
        let Some(choice) = choices.iter().find(|it| it.types().contains(&json_type)) else {
            self.wrong_type(node, json_type, &choices);
            return None;
        };
        match &node.value {
            Value::Map(entries) => Some(self.map(entries, node.mark(), *choice)),
            Value::List(items) => Some(self.list(items, *choice)),
            Value::Plain(_) | Value::Quoted(_) => self.keyword(node, *choice).then_some(json),
        }
    }

    fn list(&mut self, items: &[Node], schema: SchemaNode) -> Json {
        let inner = SchemaNode::of(&schema.json["items"]);
        items.iter().filter_map(|item| self.node(item, inner)).collect()
    }

    fn map(&mut self, entries: &[(Node, Node)], place: Span, schema: SchemaNode) -> Json {
        let mut valid = Map::new();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for (key, value) in entries {
            let Some(name) = self.key_text(key) else { continue };
            if let Some(first) = seen.get(name) {
                self.duplicate(name, key.span, *first);
                continue;
            }
            seen.insert(name, key.span);
            if let Some(json) = self.entry(key, name, value, schema) {
                valid.insert(name.to_owned(), json);
            }
        }
        self.required(&seen, place, schema);
        if schema.name == "Provider" && !seen.contains_key("operator") {
            self.operator(&valid, place);
        }
        Json::Object(valid)
    }

    fn entry(&mut self, key: &Node, name: &str, value: &Node, schema: SchemaNode) -> Option<Json> {
        let before = self.key.replace((name.to_owned(), key.span));
        let inner = match schema.json["properties"].get(name) {
            Some(known) => Some(SchemaNode::of(known)),
            None if schema.json["additionalProperties"].is_object() => {
                Some(SchemaNode::of(&schema.json["additionalProperties"]))
            }
            None => None,
        };
        let json = inner.and_then(|inner| self.node(value, inner));
        let ignored = schema.name == "File" && is_extension(name);
        if inner.is_none() && !ignored {
            self.unknown_key(name, key.span, schema);
        }
        self.key = before;
        json
    }

    /// Returns the text of a key; anything else is a mistake.
    fn key_text<'n>(&mut self, key: &'n Node) -> Option<&'n str> {
        let (json_type, _) = typed(key);
        if json_type != "string" {
            let message = format!("expected string as key, found {}", type_name(json_type));
            let finding = Finding::error("wrong_type", message).help("put the key in quotes");
            self.reporter.at_span(key.mark(), finding);
            return None;
        }
        key.text()
    }

    fn duplicate(&mut self, name: &str, span: Span, first: Span) {
        let finding = Finding::error("duplicate_key", format!("duplicate key `{name}`"))
            .help("remove one of them");
        self.reporter.repeated(span, first, finding);
    }

    fn unknown_key(&mut self, name: &str, span: Span, schema: SchemaNode) {
        let known = schema.json["properties"].as_object();
        let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| &**key).collect();
        let finding = if names_secret(name) {
            secret_key(name)
        } else if name == "<<" {
            merge_key()
        } else {
            let owner = owner(schema.name);
            Finding::error("unknown_key", format!("unknown key `{name}` in {owner}"))
                .help(suggestion(name, &known))
        };
        self.reporter.at_span(span, finding);
    }

    /// Checks that a scalar is one of the accepted keywords, if the schema is an enum.
    fn keyword(&mut self, node: &Node, schema: SchemaNode) -> bool {
        let keywords = schema.keywords();
        let text = node.text().unwrap_or_default();
        if keywords.is_empty() || keywords.contains(&text) {
            return true;
        }
        let key = self.key.as_ref().map_or("", |(key, _)| key);
        let finding = if variables::any(text) {
            variables::not_here(key)
        } else {
            Finding::error("unknown_value", format!("`{key}`: invalid value `{text}`"))
                .help(suggestion(text, &keywords))
        };
        self.reporter.at_span(node.span, finding);
        false
    }

    fn wrong_type(&mut self, node: &Node, json_type: &'static str, choices: &[SchemaNode]) {
        let mut expected: Vec<&str> = choices.iter().flat_map(|it| it.types()).collect();
        expected.dedup();
        let expected: Vec<&str> = expected.into_iter().map(type_name).collect();
        let subject = match &self.key {
            Some((key, _)) => format!("`{key}`"),
            None => owner(choices.first().map_or("", |choice| choice.name)).to_owned(),
        };
        let message = format!(
            "{subject}: expected {}, found {}",
            expected.join(" or "),
            type_name(json_type)
        );
        let finding = match (&self.key, node.text()) {
            (Some((key, _)), Some(text)) if variables::any(text) => variables::not_here(key),
            (Some(_) | None, _) => Finding::error("wrong_type", message)
                .help(type_help(node, json_type, &expected, choices)),
        };
        let place = match (&self.key, node.text()) {
            (Some((_, key)), Some("")) => *key,
            (Some(_) | None, _) => node.mark(),
        };
        self.reporter.at_span(place, finding);
    }

    /// Reports a missing operator, which only some kinds require: the schema cannot express that.
    fn operator(&mut self, provider: &Map<String, Json>, place: Span) {
        let kind = provider.get("kind").and_then(Json::as_str).and_then(nearest_kind);
        if kind.is_some_and(|kind| kind.spec().operator.is_some()) {
            self.reporter.at_span(place, missing_key(owner("Provider"), "operator"));
        }
    }

    /// Reports the required keys that a map does not have.
    fn required(&mut self, seen: &HashMap<&str, Span>, place: Span, schema: SchemaNode) {
        let required = schema.json["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Json::as_str).filter(|name| !seen.contains_key(name)) {
            self.reporter.at_span(place, missing_key(owner(schema.name), name));
        }
    }
}

/// Returns the help for a value of the wrong type.
fn type_help(node: &Node, json_type: &str, expected: &[&str], choices: &[SchemaNode]) -> String {
    let example = choices.iter().find_map(|choice| choice.json["examples"][0].as_str());
    match (json_type, node.text()) {
        ("null", _) => "write a value, or remove the key".to_owned(),
        ("string", Some(text)) if !expected.contains(&"string") && plain(text) != Plain::Text => {
            "remove the quotes".to_owned()
        }
        ("boolean" | "integer" | "number", Some(text)) if expected.contains(&"string") => {
            example.map_or_else(|| format!("put it in quotes: `\"{text}\"`"), such_as)
        }
        _ => example.map_or_else(|| format!("write {}", alternatives(expected)), such_as),
    }
}

fn alternatives(expected: &[&str]) -> String {
    let with_article = expected.iter().map(|name| match *name {
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => "an integer".to_owned(),
        other => format!("a {other}"),
    });
    with_article.collect::<Vec<_>>().join(" or ")
}

fn such_as(example: &str) -> String {
    format!("write it like this: `{example}`")
}

/// Returns the JSON type of a node, and its value if it is a scalar.
fn typed(node: &Node) -> (&'static str, Json) {
    match &node.value {
        Value::Map(_) => ("object", Json::Null),
        Value::List(_) => ("array", Json::Null),
        Value::Quoted(text) => ("string", text.as_str().into()),
        Value::Plain(text) => match plain(text) {
            Plain::Null => ("null", Json::Null),
            Plain::Boolean(truth) => ("boolean", truth.into()),
            Plain::Whole(number) => ("integer", number.into()),
            Plain::Number => ("number", Json::Null),
            Plain::Text => ("string", text.as_str().into()),
        },
    }
}

/// Returns the type of a scalar without quotes, as serde_yaml has it.
fn plain(text: &str) -> Plain {
    if text.contains(char::is_whitespace) || text.starts_with("---") || text.starts_with("...") {
        return Plain::Text;
    }
    match serde_yaml::from_str::<serde_yaml::Value>(text) {
        Ok(serde_yaml::Value::Null) => Plain::Null,
        Ok(serde_yaml::Value::Bool(truth)) => Plain::Boolean(truth),
        Ok(serde_yaml::Value::Number(number)) => {
            number.as_u64().map_or(Plain::Number, Plain::Whole)
        }
        // A number beyond u64 is not a number for serde_yaml's value, but not a string either.
        Err(_) if serde_yaml::from_str::<u128>(text).is_ok() => Plain::Number,
        Err(_) if serde_yaml::from_str::<i128>(text).is_ok() => Plain::Number,
        Ok(_) | Err(_) => Plain::Text,
    }
}
