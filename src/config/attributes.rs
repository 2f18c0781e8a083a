//! The checks of attributes: how they are named, how many and how long they are.

use crate::model::{AttributeLimits, Attributes, Finding, Kind};

use super::diagnostics::{PathSegment, Reporter, key};
use super::names::names_secret;
use super::raw::{AttributeValue, FullAttribute, Pairs, Text};
use super::words::{missing_key, secret_key};

/// Holds the attributes of a room, its defaults among them, against a provider's limits.
pub(super) fn within(
    kind: Kind,
    attributes: &Attributes,
    limits: &AttributeLimits,
    reporter: &mut Reporter<'_>,
) {
    let AttributeLimits { attributes: most, key_bytes, value_bytes, total_bytes } = *limits;
    if attributes.len() > most {
        let count = attributes.len();
        let message = format!("{count} attributes are too many: {kind} rooms take {most}");
        reporter
            .at_key(vec![key("attributes")], too_much("attribute_count", message, "attributes"));
    }
    for (name, attribute) in attributes.iter() {
        let path = || vec![key("attributes"), key(name)];
        let takes = |bytes| format!("and {kind} rooms take {bytes} bytes");
        let length = name.len();
        if length > key_bytes {
            let message = format!("the key `{name}` is {length} bytes long, {}", takes(key_bytes));
            reporter.at_key(path(), too_much("attribute_key", message, "key_bytes"));
        }
        let length = attribute.value.len();
        if length > value_bytes {
            let message = format!("the value is {length} bytes long, {}", takes(value_bytes));
            reporter.at(path(), too_much("attribute_value", message, "value_bytes"));
        }
    }
    let total = attributes.total_bytes();
    if total > total_bytes {
        let message = format!(
            "the attributes are {total} bytes together, and {kind} rooms take {total_bytes} bytes"
        );
        reporter
            .at_key(vec![key("attributes")], too_much("attribute_total", message, "total_bytes"));
    }
}

fn too_much(code: &'static str, message: String, limit: &str) -> Finding {
    Finding::error(code, message).help(format!(
        "shorten, or raise the provider's `limits.{limit}` where the vendor has raised yours"
    ))
}

/// Checks what attributes are by themselves, whatever the kind.
pub(super) fn sound(
    pairs: Option<&Pairs<AttributeValue>>,
    inside: &[PathSegment],
    reporter: &mut Reporter<'_>,
) {
    for (Text(name), value) in pairs.map_or(&[][..], |pairs| &pairs.0) {
        let path = || [inside, &[key("attributes"), key(name)]].concat();
        if names_secret(name) {
            reporter.at_key(path(), secret_key(name));
        }
        if name.is_empty() {
            let finding = Finding::error("attribute_key", "an attribute's key is empty");
            reporter.at_key(path(), finding.help("give it a name"));
        }
        if let AttributeValue::Full(FullAttribute { value: None, .. }) = value {
            reporter.missing(path(), missing_key("an attribute", "value"));
        }
    }
}

/// Tells of attributes that are to go with their user, where no service of the room does that.
pub(super) fn stay(pairs: &Pairs<AttributeValue>, kinds: &str, reporter: &mut Reporter<'_>) {
    for (Text(name), value) in &pairs.0 {
        let AttributeValue::Full(FullAttribute { value: _, auto_delete: Some(true) }) = value
        else {
            continue;
        };
        let message = format!("{kinds} rooms have no `auto_delete`: zim rooms do");
        let finding = Finding::error("not_of_kind", message)
            .help("take it out; the attribute stays until it is taken out of the file");
        reporter.at(vec![key("attributes"), key(name), key("auto_delete")], finding);
    }
}
