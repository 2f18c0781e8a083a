//! Reads Tencent's answers, tolerantly, because the documentation and the answers differ.

use serde_json::{Map, Value};

use super::wire::name;
use crate::model::{Attribute, Attributes, Field, Fields, Kind, Shape, Value as FieldValue};
use crate::provider::envelope::Reply;
use crate::provider::json::{integer, non_null, people, text};
use crate::provider::{AttributesRead, Presence};

/// The least of Tencent's internal account numbers. Its samples contain them instead of an owner's name;
/// which account they denote is not documented.
const ACCOUNT_NUMBERS: u64 = 1 << 57;

/// Reads who is inside and the fields of the room; `None` if the answer contains no room.
///
/// MemberCount and OnlineCount may both be missing: then it is unknown who is inside.
pub(super) fn presence(reply: &Reply) -> Option<Presence> {
    let info = reply.fields.get("Response")?.get("RoomInfo")?.as_object()?;
    let counts = ["MemberCount", "OnlineCount"].into_iter().filter_map(|name| non_null(info, name));
    let read = |field: Field| Some((field, value(field, non_null(info, name(field)?)?)?));
    let fields: Fields = Kind::TencentLive.fields().filter_map(read).collect();
    Some(Presence { people: people(counts), fields })
}

/// Reads all metadata, empty if the answer contains none; `None` if a part of it cannot be read.
pub(super) fn metadata(reply: &Reply) -> Option<AttributesRead> {
    let Some(response) = non_null(&reply.fields, "Response") else {
        return Some(AttributesRead::default());
    };
    let Some(metadata) = non_null(response.as_object()?, "Metadata") else {
        return Some(AttributesRead::default());
    };
    let read = metadata.as_array()?.iter().map(|entry| attribute(entry.as_object()?));
    let attributes = read.collect::<Option<Vec<_>>>()?;
    let attributes: Attributes = attributes.into_iter().collect();
    Some(AttributesRead { attributes, sequence: None })
}

fn attribute(entry: &Map<String, Value>) -> Option<(String, Attribute)> {
    let (key, value) = (text(entry.get("Key")?)?, text(entry.get("Value")?)?);
    Some((key, Attribute { value: value.into(), auto_delete: false }))
}

/// Reads the value of `field`; `None` if it cannot be read, as if the answer did not contain it.
fn value(field: Field, value: &Value) -> Option<FieldValue> {
    match (field, Kind::TencentLive.shape(field)?) {
        (Field::Owner, _) => account(value).map(FieldValue::Text),
        (_, Shape::Text { most: _ }) => text(value).map(|text| FieldValue::Text(text.into())),
        (Field::TakeSeatMode, Shape::Choice(words)) => {
            let word = choice(words, value).or_else(|| by_number(words, value));
            word.map(|word| FieldValue::Text(word.into()))
        }
        (_, Shape::Choice(words)) => choice(words, value).map(|word| FieldValue::Text(word.into())),
        (_, Shape::Number { least: _ }) => number(value).map(FieldValue::Number),
        (_, Shape::Numbers { most: _ }) => {
            let numbers = value.as_array()?.iter().map(number);
            Some(FieldValue::Numbers(numbers.collect::<Option<_>>()?))
        }
        (_, Shape::Flag) => flag(value).map(FieldValue::Flag),
        (_, Shape::Delay { most: _ } | Shape::Attributes) => None,
    }
}

/// Reads an account: a string, or a number that is an account's name.
fn account(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(name) if !name.is_empty() => Some(name.as_str().into()),
        Value::Number(number) => {
            let number = number.as_u64().filter(|number| *number < ACCOUNT_NUMBERS)?;
            Some(number.to_string().into())
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// Reads one of the given words; `None` for any other word.
fn choice(words: &[&'static str], value: &Value) -> Option<&'static str> {
    words.iter().find(|word| value.as_str() == Some(**word)).copied()
}

/// Reads a word by its number from 1, the format of earlier answers.
fn by_number(words: &[&'static str], value: &Value) -> Option<&'static str> {
    words.get(usize::try_from(integer(value)?.checked_sub(1)?).ok()?).copied()
}

fn number(value: &Value) -> Option<u32> {
    u32::try_from(integer(value)?).ok()
}

fn flag(value: &Value) -> Option<bool> {
    let word = match value {
        Value::Bool(flag) => return Some(*flag),
        Value::String(_) | Value::Number(_) => text(value)?.trim().to_ascii_lowercase(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    match &*word {
        "true" | "1" | "on" => Some(true),
        "false" | "0" | "off" => Some(false),
        _ => None,
    }
}
