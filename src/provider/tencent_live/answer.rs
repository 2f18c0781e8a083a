//! Reads what Tencent's answers hold, tolerantly: its pages and its answers differ.

use serde_json::{Map, Value};

use super::wire::name;
use crate::model::{Attribute, Attributes, Field, Fields, Kind, Shape, Value as Told};
use crate::provider::envelope::Answered;
use crate::provider::json::{integer, people, text, told};
use crate::provider::{AttributesRead, Presence};

/// The least of Tencent's own numbers of accounts, which its samples show in the place of an owner's
/// name: which account such a number is cannot be told.
const ACCOUNT_NUMBERS: u64 = 1 << 57;

/// Who is inside, and what is told of the room; nothing where the answer holds no room.
///
/// MemberCount and OnlineCount may both be missing: then it is not known who is inside.
pub(super) fn presence(answered: &Answered) -> Option<Presence> {
    let info = answered.fields.get("Response")?.get("RoomInfo")?.as_object()?;
    let counts = ["MemberCount", "OnlineCount"].into_iter().filter_map(|name| told(info, name));
    let read = |field: Field| Some((field, value(field, told(info, name(field)?)?)?));
    let fields: Fields = Kind::TencentLive.fields().filter_map(read).collect();
    Some(Presence { people: people(counts), fields })
}

/// All the metadata, none where the answer holds none; nothing where a part of it cannot be read.
pub(super) fn metadata(answered: &Answered) -> Option<AttributesRead> {
    let Some(response) = told(&answered.fields, "Response") else {
        return Some(AttributesRead::default());
    };
    let Some(metadata) = told(response.as_object()?, "Metadata") else {
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

/// What `field` is; nothing where it cannot be read, which is as if it were not told.
fn value(field: Field, value: &Value) -> Option<Told> {
    match (field, Kind::TencentLive.shape(field)?) {
        (Field::Owner, _) => account(value).map(Told::Text),
        (_, Shape::Text { most: _ }) => text(value).map(|text| Told::Text(text.into())),
        (Field::TakeSeatMode, Shape::Choice(words)) => {
            let word = choice(words, value).or_else(|| by_number(words, value));
            word.map(|word| Told::Text(word.into()))
        }
        (_, Shape::Choice(words)) => choice(words, value).map(|word| Told::Text(word.into())),
        (_, Shape::Number { least: _ }) => number(value).map(Told::Number),
        (_, Shape::Numbers { most: _ }) => {
            let numbers = value.as_array()?.iter().map(number);
            Some(Told::Numbers(numbers.collect::<Option<_>>()?))
        }
        (_, Shape::Flag) => flag(value).map(Told::Flag),
        (_, Shape::Delay { most: _ } | Shape::Attributes) => None,
    }
}

/// An account: a text, or a whole number that is an account's name.
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

/// One of few words: a word that is not known says as little as none.
fn choice(words: &[&'static str], value: &Value) -> Option<&'static str> {
    words.iter().find(|word| value.as_str() == Some(**word)).copied()
}

/// The word that a number from 1 stood for in earlier years.
fn by_number(words: &[&'static str], value: &Value) -> Option<&'static str> {
    words.get(usize::try_from(integer(value)?.checked_sub(1)?).ok()?).copied()
}

fn number(value: &Value) -> Option<u32> {
    u32::try_from(integer(value)?).ok()
}

fn flag(value: &Value) -> Option<bool> {
    let said = match value {
        Value::Bool(flag) => return Some(*flag),
        Value::String(_) | Value::Number(_) => text(value)?.trim().to_ascii_lowercase(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    match &*said {
        "true" | "1" | "on" => Some(true),
        "false" | "0" | "off" => Some(false),
        _ => None,
    }
}
