//! The published JSON Schema of rooms.yaml.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

use crate::model::{Field, Kind, Shape};

use super::raw::{File, VARIABLE};

/// Returns the JSON Schema (draft-07) of rooms.yaml.
///
/// The schema accepts everything that the parser accepts. Its `maxLength` counts characters and the
/// services count bytes, so the parser rejects some texts that the schema accepts.
#[must_use]
pub fn schema() -> Value {
    SCHEMA.clone()
}

/// The schema, built once.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft07().with_transform(WithoutNull);
    let mut schema = settings.into_generator().into_root_schema_for::<File>();
    schema.insert("title".to_owned(), "rooms.yaml".into());
    let mut schema = schema.to_value();
    for field in Field::ALL {
        for definition in ["Room", "Defaults"] {
            bound(&mut schema["definitions"], definition, *field);
        }
    }
    expandable(&mut schema["definitions"]);
    schema
});

/// Allows references to variables in the strings of an entry with `for_each`. Their limits are checked
/// after the references are replaced.
fn expandable(definitions: &mut Value) {
    let room = definitions["Room"]["properties"].as_object_mut().into_iter().flatten();
    for (_, property) in room {
        let Some(property) = property.as_object_mut() else { continue };
        let reference = json!({ "type": "string", "pattern": VARIABLE });
        if let Some(Value::Array(choices)) = property.get_mut("anyOf") {
            choices.push(reference);
            continue;
        }
        let limits = ["type", "minLength", "maxLength", "enum", "examples"];
        if property.get("type") != Some(&json!("string")) {
            continue;
        }
        let limits: serde_json::Map<_, _> =
            limits.iter().filter_map(|name| property.remove_entry(*name)).collect();
        if limits.len() == 1 {
            property.extend(limits);
        } else {
            property.insert("anyOf".to_owned(), json!([limits, reference]));
        }
    }
}

/// Adds the limits of a field, which are the most lenient of all kinds.
fn bound(definitions: &mut Value, definition: &str, field: Field) {
    let property = match field.as_str().split_once('.') {
        Some((_, inner)) => &mut definitions["Close"]["properties"][inner],
        None => &mut definitions[definition]["properties"][field.as_str()],
    };
    for shape in Kind::ALL.iter().filter_map(|kind| kind.shape(field)) {
        match shape {
            Shape::Text { most } => {
                let before = property["maxLength"].as_u64().unwrap_or_default();
                property["maxLength"] = json!(before.max(most as u64));
            }
            Shape::Choice(choices) => {
                property["enum"] = json!(choices);
                property["examples"] = json!([choices[0]]);
            }
            Shape::Number { least } => {
                property["minimum"] = json!(least);
                property["maximum"] = json!(u32::MAX);
            }
            Shape::Numbers { most } => {
                property["maxItems"] = json!(most);
                property["items"]["maximum"] = json!(u32::MAX);
            }
            Shape::Flag | Shape::Delay { .. } | Shape::Attributes => {}
        }
    }
}

/// Removes null: a key may be missing, but must have a value.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        transform_subschemas(self, schema);
        schema.remove("default");
        drop_null_type(schema);
        drop_null_choice(schema);
    }
}

fn drop_null_type(schema: &mut schemars::Schema) {
    let Some(Value::Array(types)) = schema.get_mut("type") else { return };
    types.retain(|one| one != "null");
    if let [only] = types.as_slice() {
        let only = only.clone();
        schema.insert("type".to_owned(), only);
    }
}

fn drop_null_choice(schema: &mut schemars::Schema) {
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    let before = choices.len();
    choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
    if choices.len() < before && choices.len() == 1 {
        let choices = schema.remove("anyOf").unwrap_or_default();
        schema.insert("allOf".to_owned(), choices);
    }
}
