//! The scalars and maps of a file: their decoding, and their schemas.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, Deserializer};

use crate::model::Kind;

/// A string; a plain scalar that YAML reads as a number, a boolean or null is rejected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text(pub Box<str>);

/// A whole number, or a text that is resolved to one.
#[derive(Clone, Debug, PartialEq)]
pub enum Amount {
    /// A number.
    Number(u64),
    /// Text, such as `3h`, `50%` or `${ZEGO_APP_ID}`.
    Text(Box<str>),
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// Its text.
    Text(Text),
    /// Its text, and how it is kept.
    Full(FullAttribute),
}

/// An attribute's text, and how it is kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["value"]))]
pub struct FullAttribute {
    /// The text.
    #[serde(deserialize_with = "present")]
    pub value: Option<Text>,
    /// The service deletes the attribute when the user who set it leaves.
    #[serde(deserialize_with = "present")]
    pub auto_delete: Option<bool>,
}

/// Requests a second: one number for every action, or a number for each.
#[derive(Clone, Debug, PartialEq)]
pub enum RateLimit {
    /// For every action.
    Every(u64),
    /// By the action's name.
    Each(Pairs<u64>),
}

/// The values of a variable of `for_each`.
#[derive(Clone, Debug, PartialEq)]
pub enum VariableValues {
    /// A range, such as `001..200`.
    Range(Text),
    /// Texts.
    List(Vec<Text>),
}

/// A map in the order of the file, each key once.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs<V>(pub Vec<(Text, V)>);

/// Reads a key's value, and rejects `key:` and null, which serde would treat as a missing key.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = Option::<T>::deserialize(deserializer)?;
    if value.is_none() { Err(D::Error::custom("the key has no value")) } else { Ok(value) }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AmountVisitor;
        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or text")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount::Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount::Text(text.into()))
            }
        }
        deserializer.deserialize_any(AmountVisitor)
    }
}

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = AttributeValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or {value: …, auto_delete: …}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Text(Text(text.into())))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AttributeValue, A::Error> {
                let full = FullAttribute::deserialize(MapAccessDeserializer::new(map))?;
                Ok(AttributeValue::Full(full))
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl<'de> Deserialize<'de> for VariableValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;
        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = VariableValues;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a range such as 001..200 or a list")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<VariableValues, E> {
                Ok(VariableValues::Range(Text(text.into())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<VariableValues, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(VariableValues::List(texts))
            }
        }
        deserializer.deserialize_any(ValuesVisitor)
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RateVisitor;
        impl<'de> Visitor<'de> for RateVisitor {
            type Value = RateLimit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a map of them")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<RateLimit, E> {
                Ok(RateLimit::Every(number))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RateLimit, A::Error> {
                Pairs::deserialize(MapAccessDeserializer::new(map)).map(RateLimit::Each)
            }
        }
        deserializer.deserialize_any(RateVisitor)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<Text, V>()? {
                    pairs.push(pair);
                }
                let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| &*key.0).collect();
                keys.sort_unstable();
                if keys.windows(2).any(|two| two[0] == two[1]) {
                    return Err(A::Error::custom("duplicate key"));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

/// Returns whether a key of the file is ignored.
pub(in crate::config) fn is_extension(key: &str) -> bool {
    key.starts_with("x-")
}

/// A map without the ignored keys.
pub(super) struct WithoutExtensions<A> {
    map: A,
    ignored: BTreeSet<Box<str>>,
}

impl<A> WithoutExtensions<A> {
    pub(super) fn new(map: A) -> Self {
        Self { map, ignored: BTreeSet::new() }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutExtensions<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(key)) = self.map.next_key::<Text>()? {
            if !is_extension(&key) {
                return seed.deserialize((*key).into_deserializer()).map(Some);
            }
            if !self.ignored.insert(key) {
                return Err(A::Error::custom("duplicate key"));
            }
            self.map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// The start of a variable in a text, such as `${ZEGO_APP_ID:-1}`.
pub(in crate::config) const VARIABLE: &str = r"\$\{";

/// Implements a schema that is inlined instead of being a definition.
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
inline_schema!([] VariableValues, "VariableValues", |generator| json_schema!({
    "anyOf": [
        { "type": "string", "pattern": r"^[0-9]+\.\.[0-9]+$", "examples": ["001..200"] },
        { "type": "array", "items": generator.subschema_for::<Text>(), "minItems": 1 },
    ],
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

/// Returns the schema of a whole number from `MIN` to `MAX`.
pub(super) fn whole<const MIN: u64, const MAX: u64>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
}

/// Returns the schema of a whole number from `MIN` to `MAX`, or text with a variable.
pub(super) fn whole_or_variable<const MIN: u64, const MAX: u64>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": MIN, "maximum": MAX },
            { "type": "string", "pattern": VARIABLE },
        ],
    })
}

/// Returns the schema of the name of a kind.
pub(super) fn kind(_: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    json_schema!({ "type": "string", "enum": kinds })
}

/// Returns the schema of seconds, or text such as `90s`, `15m` or `3h`.
pub(super) fn seconds(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 10800 },
            { "type": "string", "pattern": "^[0-9]+[smh]?$", "examples": ["1h"] },
        ],
    })
}

/// Returns the schema of seconds from `MIN` to `MAX`, text such as `30m`, or text with a variable.
pub(super) fn span_or_variable<const MIN: u64, const MAX: u64>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": MIN, "maximum": MAX },
            { "type": "string", "pattern": r"^[0-9]+[smh]?$|\$\{", "examples": ["30m"] },
        ],
    })
}

/// Returns the schema of a percentage such as `50%`.
pub(super) fn share(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9]+%$", "examples": ["50%"] })
}

/// Returns the schema of a number, or a percentage such as `30%`.
pub(super) fn count_or_share(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]+%$", "examples": ["30%"] },
        ],
    })
}
