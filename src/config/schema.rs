//! The published JSON Schema of rooms.yaml, made of the mirror.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

use crate::model::{Field, Kind, Shape};

use super::raw::File;

/// Returns the JSON Schema (draft-07) of rooms.yaml.
///
/// What the parser accepts, the schema accepts. Its `maxLength` counts characters where the
/// services count bytes, so the parser refuses some texts that the schema lets pass.
#[must_use]
pub fn schema() -> Value {
    SCHEMA.clone()
}

/// The schema, made once.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft07().with_transform(NothingIsNull);
    let mut schema = settings.into_generator().into_root_schema_for::<File>();
    schema.insert("title".to_owned(), "rooms.yaml".into());
    let mut schema = schema.to_value();
    for field in Field::ALL {
        for definition in ["Room", "Defaults"] {
            bound(&mut schema["definitions"], definition, *field);
        }
    }
    schema
});

/// Bounds what a field may be, as the most lenient of the kinds that hold it does.
fn bound(definitions: &mut Value, definition: &str, field: Field) {
    let property = match field.as_str().split_once('.') {
        Some((_, inner)) => &mut definitions["Close"]["properties"][inner],
        None => &mut definitions[definition]["properties"][field.as_str()],
    };
    for kind in Kind::ALL.iter().filter(|kind| kind.holds(field)) {
        match kind.shape(field) {
            Shape::Text { most } => {
                let before = property["maxLength"].as_u64().unwrap_or_default();
                property["maxLength"] = json!(before.max(most as u64));
            }
            Shape::Choice(words) => {
                property["enum"] = json!(words);
                property["examples"] = json!([words[0]]);
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

/// Takes null out: a key that is left out is fine, a key with nothing after it is a mistake.
#[derive(Clone)]
struct NothingIsNull;

impl Transform for NothingIsNull {
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
