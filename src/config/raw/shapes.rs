//! What the schema says of the scalars and maps of the mirror.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Amount, AttributeValue, FullAttribute, Pairs, RateLimit, Text};
use crate::model::Kind;

/// Text that holds a variable, such as `${ZEGO_APP_ID:-1}`.
const VARIABLE: &str = r"\$\{";

/// A schema that stands in the place of its use, without a name of its own.
macro_rules! inline_schema {
    ([$($generic:ident)?] $type:ty, $name:literal, |$generator:pat_param| $schema:expr) => {
        impl$(<$generic: JsonSchema>)? JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

inline_schema!([] Text, "Text", |_| json_schema!({ "type": "string" }));
inline_schema!([] Amount, "Amount", |_| json_schema!({ "type": ["integer", "string"] }));
inline_schema!([V] Pairs<V>, "Pairs", |generator| json_schema!({
    "type": "object",
    "additionalProperties": generator.subschema_for::<V>(),
}));
inline_schema!([] AttributeValue, "AttributeValue", |generator| json_schema!({
    "anyOf": [{ "type": "string" }, generator.subschema_for::<FullAttribute>()],
}));
inline_schema!([] RateLimit, "RateLimit", |generator| json_schema!({
    "anyOf": [
        rate(generator),
        { "type": "object", "additionalProperties": rate(generator) },
    ],
}));

fn rate(generator: &mut SchemaGenerator) -> Schema {
    whole::<1, { u32::MAX as u64 }>(generator)
}

/// A whole number from `LEAST` to `MOST`.
pub(super) fn whole<const LEAST: u64, const MOST: u64>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
}

/// A whole number from `LEAST` to `MOST`, or text with a variable that stands for one.
pub(super) fn whole_or_variable<const LEAST: u64, const MOST: u64>(
    _: &mut SchemaGenerator,
) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": LEAST, "maximum": MOST },
            { "type": "string", "pattern": VARIABLE },
        ],
    })
}

/// The name of a kind.
pub(super) fn kind(_: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    json_schema!({ "type": "string", "enum": kinds })
}

/// Seconds, or text such as `90s`, `15m` or `3h`.
pub(super) fn seconds(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 10800 },
            { "type": "string", "pattern": "^[0-9]+[smh]?$", "examples": ["1h"] },
        ],
    })
}

/// Seconds from `LEAST` to `MOST`, text such as `30m`, or text with a variable that stands for one.
pub(super) fn span_or_variable<const LEAST: u64, const MOST: u64>(
    _: &mut SchemaGenerator,
) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": LEAST, "maximum": MOST },
            { "type": "string", "pattern": r"^[0-9]+[smh]?$|\$\{", "examples": ["30m"] },
        ],
    })
}

/// A share such as `50%`.
pub(super) fn share(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9]+%$", "examples": ["50%"] })
}

/// A number, or a share such as `30%`.
pub(super) fn count_or_share(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]+%$", "examples": ["30%"] },
        ],
    })
}
