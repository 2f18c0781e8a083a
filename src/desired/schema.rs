//! The published JSON Schema of rooms.yaml, made of the mirror.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use super::mirror::File;

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
    schema.to_value()
});

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
