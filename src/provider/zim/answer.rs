//! Reads ZIM's answers.

use serde_json::Value;

use crate::model::{Attribute, Attributes, People};
use crate::provider::envelope::Reply;
use crate::provider::http::printable;
use crate::provider::json::{integer, non_null, text};
use crate::provider::{AttributesRead, Receipt};

/// Reads the answer to a change.
pub(super) fn receipt(reply: &Reply) -> Receipt {
    Receipt {
        request_id: reply.request_id.clone(),
        attribute_sequence: sequence(reply),
        failed_keys: failed_keys(reply),
    }
}

/// Reads all attributes; `None` if one of them cannot be read.
pub(super) fn attributes(reply: &Reply) -> Option<AttributesRead> {
    let read = list(reply, "Attributes")?.iter().map(attribute);
    let attributes = read.collect::<Option<Vec<_>>>()?;
    let attributes: Attributes = attributes.into_iter().collect();
    Some(AttributesRead { attributes, sequence: sequence(reply) })
}

/// Reads who is inside. A NextFlag of `""` or `"0"` ends the paging: the vendor's page documents both.
pub(super) fn people(reply: &Reply) -> People {
    let listed = reply.fields.get("UserList").and_then(Value::as_array).map(Vec::len);
    let listed = listed.map(|listed| u64::try_from(listed).unwrap_or(u64::MAX));
    let counted = reply.fields.get("Count").and_then(integer);
    let counted = counted.and_then(|count| u64::try_from(count).ok());
    let Some(people) = counted.max(listed) else { return People::Unknown };
    let next = reply.fields.get("NextFlag").and_then(text).unwrap_or_default();
    match people {
        _ if !matches!(&*next, "" | "0") => People::AtLeast(people.max(1)),
        0 => People::Nobody,
        people => People::Count(people),
    }
}

/// Returns the sub-code of the one user in a registration; `None` if the user was registered.
pub(super) fn refused_user(reply: &Reply) -> Option<i64> {
    let refused = list(reply, "ErrorList").map(<[Value]>::first);
    match refused {
        Some(user) => Some(user?.get("SubCode").and_then(integer).unwrap_or(0)),
        None => Some(0),
    }
}

/// Returns the keys that were not changed; a list that cannot be read counts as one failed key.
fn failed_keys(reply: &Reply) -> Vec<(String, i64)> {
    let unread = || vec![("?".to_owned(), 0)];
    let listed = list(reply, "ErrKeyList");
    listed.map_or_else(unread, |failed| failed.iter().map(failed_key).collect())
}

fn sequence(reply: &Reply) -> Option<u64> {
    u64::try_from(integer(reply.fields.get("AttributeSeq")?)?).ok()
}

/// Returns a list, empty if it is absent; `None` if the value is not a list.
fn list<'a>(reply: &'a Reply, name: &str) -> Option<&'a [Value]> {
    match non_null(&reply.fields, name) {
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
