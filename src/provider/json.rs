//! Reads JSON values tolerantly: a number may be a string, and a string a number.

use serde_json::{Map, Value};

use crate::model::People;

/// Reads an integer, or a string that contains one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Reads a string, or a number as a string.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the value of `name`, or `None` if it is absent or null.
pub(super) fn non_null<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// Reads who is inside, by the highest of the counts. Unknown if there is no count or one cannot be read,
/// so that no one is disconnected because a number is missing.
pub(super) fn people<'a>(counts: impl IntoIterator<Item = &'a Value>) -> People {
    let read = |count: &Value| u64::try_from(integer(count)?).ok();
    let counts = counts.into_iter().map(read).collect::<Option<Vec<u64>>>();
    match counts.and_then(|counts| counts.into_iter().max()) {
        None => People::Unknown,
        Some(0) => People::Nobody,
        Some(people) => People::Count(people),
    }
}
