//! The structure of a tree, held against the schema: every fault at once, and what is left of it as JSON.
//!
//! serde stops at the first fault and knows only the map around it. So where serde has refused, the
//! tree is walked with the schema that is made of the same mirror, and what is sound is kept, so
//! that the checks of meaning can be told in the same run.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::model::Finding;

use super::application::kind_meant;
use super::names::{names_secret, suggestion};
use super::not_built;
use super::note::Sink;
use super::schema::SCHEMA;
use super::tree::{Node, Span, Value};
use super::variables;
use super::words::{kind_of, merge_key, missing_key, owner, secret_key};

/// Walks `node` as the definition of this name (`File`, `Room`), and keeps what is sound.
/// None where it is no map at all.
pub(super) fn walk(node: &Node, definition: &'static str, sink: &mut Sink<'_>) -> Option<Json> {
    let shape = Shape { schema: definition_schema(definition), name: definition };
    Walker { sink, key: None }.node(node, shape)
}

fn definition_schema(name: &str) -> &'static Json {
    if name == "File" { &SCHEMA } else { &SCHEMA["definitions"][name] }
}

/// A schema, and the name of the definition that it is.
#[derive(Clone, Copy)]
struct Shape {
    schema: &'static Json,
    name: &'static str,
}

/// What a scalar without quotes is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plain {
    Null,
    Boolean(bool),
    Whole(u64),
    Number,
    Text,
}

struct Walker<'a, 'b> {
    sink: &'a mut Sink<'b>,
    /// The key whose value is walked.
    key: Option<(String, Span)>,
}

impl Shape {
    /// Follows references to the schema that says something of its own.
    fn of(schema: &'static Json) -> Self {
        let mut shape = Self { schema, name: "" };
        loop {
            if let Some(name) = shape.schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
                shape = Self { schema: definition_schema(name), name };
            } else if let Some([only]) = shape.schema["allOf"].as_array().map(Vec::as_slice) {
                shape = Self { schema: only, name: shape.name };
            } else {
                return shape;
            }
        }
    }

    /// The shapes that a value may have.
    fn choices(self) -> Vec<Self> {
        match self.schema["anyOf"].as_array() {
            Some(choices) => choices.iter().flat_map(|it| Self::of(it).choices()).collect(),
            None => vec![self],
        }
    }

    /// The JSON types that it takes.
    fn types(self) -> Vec<&'static str> {
        match &self.schema["type"] {
            Json::String(one) => vec![one],
            Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => vec!["string"],
        }
    }

    /// The texts that it takes, where they are few.
    fn words(self) -> Vec<&'static str> {
        let few = self.schema["oneOf"].as_array();
        few.into_iter().flatten().filter_map(|one| one["const"].as_str()).collect()
    }
}

impl Walker<'_, '_> {
    fn node(&mut self, node: &Node, shape: Shape) -> Option<Json> {
        let choices = shape.choices();
        let (json_type, json) = look(node);
        let Some(choice) = choices.iter().find(|it| it.types().contains(&json_type)) else {
            self.wrong_type(node, json_type, &choices);
            return None;
        };
        match &node.value {
            Value::Map(entries) => Some(self.map(entries, node.mark(), *choice)),
            Value::List(items) => Some(self.list(items, *choice)),
            Value::Plain(_) | Value::Quoted(_) => self.word(node, *choice).then_some(json),
        }
    }

    fn list(&mut self, items: &[Node], shape: Shape) -> Json {
        let inner = Shape::of(&shape.schema["items"]);
        items.iter().filter_map(|item| self.node(item, inner)).collect()
    }

    fn map(&mut self, entries: &[(Node, Node)], place: Span, shape: Shape) -> Json {
        let mut sound = Map::new();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for (key, value) in entries {
            let Some(name) = self.key_text(key) else { continue };
            if let Some(first) = seen.get(name) {
                self.duplicate(name, key.span, *first);
                continue;
            }
            seen.insert(name, key.span);
            if let Some(json) = self.entry(key, name, value, shape) {
                sound.insert(name.to_owned(), json);
            }
        }
        self.required(&seen, place, shape);
        if shape.name == "Provider" && !seen.contains_key("operator") {
            self.operator(&sound, place);
        }
        Json::Object(sound)
    }

    fn entry(&mut self, key: &Node, name: &str, value: &Node, shape: Shape) -> Option<Json> {
        let before = self.key.replace((name.to_owned(), key.span));
        let inner = match shape.schema["properties"].get(name) {
            Some(known) => Some(Shape::of(known)),
            None if shape.schema["additionalProperties"].is_object() => {
                Some(Shape::of(&shape.schema["additionalProperties"]))
            }
            None => None,
        };
        let json = inner.and_then(|inner| self.node(value, inner));
        if inner.is_none() {
            self.unknown_key(name, key.span, shape);
        }
        self.key = before;
        json
    }

    /// The text of a key; anything else is a fault.
    fn key_text<'n>(&mut self, key: &'n Node) -> Option<&'n str> {
        let (json_type, _) = look(key);
        if json_type != "string" {
            let message = format!("a key wants text, and here stands {}", kind_of(json_type));
            let finding = Finding::error("wrong_type", message).help("put the key in quotes");
            self.sink.known(key.mark(), finding);
            return None;
        }
        key.text()
    }

    fn duplicate(&mut self, name: &str, span: Span, first: Span) {
        let finding = Finding::error("duplicate_key", format!("the key `{name}` stands twice"))
            .help("take one of them out");
        self.sink.repeated(span, first, finding);
    }

    fn unknown_key(&mut self, name: &str, span: Span, shape: Shape) {
        let known = shape.schema["properties"].as_object();
        let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| &**key).collect();
        let finding = if names_secret(name) {
            secret_key(name)
        } else if name == "<<" {
            merge_key()
        } else if not_built::key(shape.name, name) {
            not_built::finding(&format!("`{name}`"))
        } else {
            let owner = owner(shape.name);
            Finding::error("unknown_key", format!("{owner} has no key `{name}`"))
                .help(suggestion(name, &known))
        };
        self.sink.known(span, finding);
    }

    /// Whether a scalar is one of the words that are taken, where they are few.
    fn word(&mut self, node: &Node, shape: Shape) -> bool {
        let words = shape.words();
        let text = node.text().unwrap_or_default();
        if words.is_empty() || words.contains(&text) {
            return true;
        }
        let key = self.key.as_ref().map_or("", |(key, _)| key);
        let finding = if variables::any(text) {
            variables::not_here(key)
        } else if not_built::word(shape.name, text) {
            not_built::finding(&format!("`{key}: {text}`"))
        } else {
            Finding::error("unknown_value", format!("`{key}` cannot be `{text}`"))
                .help(suggestion(text, &words))
        };
        self.sink.known(node.span, finding);
        false
    }

    fn wrong_type(&mut self, node: &Node, json_type: &'static str, choices: &[Shape]) {
        let mut wanted: Vec<&str> = choices.iter().flat_map(|it| it.types()).collect();
        wanted.dedup();
        let wanted: Vec<&str> = wanted.into_iter().map(kind_of).collect();
        let subject = match &self.key {
            Some((key, _)) => format!("`{key}`"),
            None => owner(choices.first().map_or("", |choice| choice.name)).to_owned(),
        };
        let message = format!(
            "{subject} wants {}, and here stands {}",
            wanted.join(" or "),
            kind_of(json_type)
        );
        let finding = match (&self.key, node.text()) {
            (Some((key, _)), Some(text)) if variables::any(text) => variables::not_here(key),
            (Some(_) | None, _) => {
                Finding::error("wrong_type", message).help(mend(node, json_type, &wanted, choices))
            }
        };
        let place = match (&self.key, node.text()) {
            (Some((_, key)), Some("")) => *key,
            (Some(_) | None, _) => node.mark(),
        };
        self.sink.known(place, finding);
    }

    /// Tells of a missing operator, which only some kinds want: the schema cannot say so.
    fn operator(&mut self, provider: &Map<String, Json>, place: Span) {
        let kind = provider.get("kind").and_then(Json::as_str).and_then(kind_meant);
        if kind.is_some_and(|kind| kind.spec().operator.is_some()) {
            self.sink.known(place, missing_key(owner("Provider"), "operator"));
        }
    }

    /// Tells of the keys that a map must have and has not.
    fn required(&mut self, seen: &HashMap<&str, Span>, place: Span, shape: Shape) {
        let required = shape.schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Json::as_str).filter(|name| !seen.contains_key(name)) {
            self.sink.known(place, missing_key(owner(shape.name), name));
        }
    }
}

/// How to mend a value of the wrong type.
fn mend(node: &Node, json_type: &str, wanted: &[&str], choices: &[Shape]) -> String {
    let example = choices.iter().find_map(|choice| choice.schema["examples"][0].as_str());
    match (json_type, node.text()) {
        ("null", _) => "write a value, or take the key out".to_owned(),
        ("string", Some(text)) if !wanted.contains(&"text") && plain(text) != Plain::Text => {
            "take the quotes off".to_owned()
        }
        ("boolean" | "integer" | "number", Some(text)) if wanted.contains(&"text") => {
            example.map_or_else(|| format!("put it in quotes: `\"{text}\"`"), such_as)
        }
        _ => example.map_or_else(|| format!("write {}", wanted.join(" or ")), such_as),
    }
}

fn such_as(example: &str) -> String {
    format!("write it like this: `{example}`")
}

/// The JSON type of a node, and its value where it is a scalar.
fn look(node: &Node) -> (&'static str, Json) {
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

/// Says what a scalar without quotes is, as serde_yaml does.
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
        // A number beyond u64 is none for serde_yaml's value, and yet no text.
        Err(_) if serde_yaml::from_str::<u128>(text).is_ok() => Plain::Number,
        Err(_) if serde_yaml::from_str::<i128>(text).is_ok() => Plain::Number,
        Ok(_) | Err(_) => Plain::Text,
    }
}
