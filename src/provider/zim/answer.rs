//! Reads what ZIM's answers hold.

use serde_json::Value;

use crate::model::{Attribute, Attributes, People};
use crate::provider::envelope::Answered;
use crate::provider::http::printable;
use crate::provider::json::{integer, text, told};
use crate::provider::{AttributesRead, Receipt};

/// What a change was answered with.
pub(super) fn receipt(answered: &Answered) -> Receipt {
    Receipt {
        request_id: answered.request_id.clone(),
        attribute_sequence: sequence(answered),
        failed_keys: failed_keys(answered),
    }
}

/// All the attributes; nothing where one of them cannot be read.
pub(super) fn attributes(answered: &Answered) -> Option<AttributesRead> {
    let read = list(answered, "Attributes")?.iter().map(attribute);
    let attributes = read.collect::<Option<Vec<_>>>()?;
    let attributes: Attributes = attributes.into_iter().collect();
    Some(AttributesRead { attributes, sequence: sequence(answered) })
}

/// Who is inside. The paging ends with a NextFlag of `""` or `"0"`: the page contradicts itself.
pub(super) fn people(answered: &Answered) -> People {
    let listed = answered.fields.get("UserList").and_then(Value::as_array).map(Vec::len);
    let listed = listed.map(|listed| u64::try_from(listed).unwrap_or(u64::MAX));
    let counted = answered.fields.get("Count").and_then(integer);
    let counted = counted.and_then(|count| u64::try_from(count).ok());
    let Some(people) = counted.max(listed) else { return People::Unknown };
    let next = answered.fields.get("NextFlag").and_then(text).unwrap_or_default();
    match people {
        _ if !matches!(&*next, "" | "0") => People::AtLeast(people.max(1)),
        0 => People::Nobody,
        people => People::Count(people),
    }
}

/// The sub-code of the one user who was to be registered; none where he was.
pub(super) fn refused_user(answered: &Answered) -> Option<i64> {
    let refused = list(answered, "ErrorList").map(<[Value]>::first);
    match refused {
        Some(user) => Some(user?.get("SubCode").and_then(integer).unwrap_or(0)),
        None => Some(0),
    }
}

/// The keys that were not changed. A list that cannot be read is no success.
fn failed_keys(answered: &Answered) -> Vec<(String, i64)> {
    let unread = || vec![("?".to_owned(), 0)];
    let listed = list(answered, "ErrKeyList");
    listed.map_or_else(unread, |failed| failed.iter().map(failed_key).collect())
}

fn sequence(answered: &Answered) -> Option<u64> {
    u64::try_from(integer(answered.fields.get("AttributeSeq")?)?).ok()
}

/// A list, empty where it is absent; nothing where something else stands there.
fn list<'a>(answered: &'a Answered, name: &str) -> Option<&'a [Value]> {
    match told(&answered.fields, name) {
        None => Some(&[]),
        Some(value) => value.as_array().map(Vec::as_slice),
    }
}

fn attribute(value: &Value) -> Option<(String, Attribute)> {
    let key = text(value.get("Key")?)?;
    let auto_delete = value.get("AutoDelete").is_some_and(truth);
    let value = value.get("Value").map_or(Some(String::new()), text)?;
    Some((key, Attribute { value: value.into(), auto_delete }))
}

fn failed_key(value: &Value) -> (String, i64) {
    let key = value.get("Key").and_then(text).map_or_else(|| "?".to_owned(), |key| printable(&key));
    (key, value.get("SubCode").and_then(integer).unwrap_or(0))
}

fn truth(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| integer(value) == Some(1))
}
