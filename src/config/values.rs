//! The values that a kind of rooms accepts: ids, fields and attributes.

use crate::model::{
    AttributeLimits, Attributes, Delay, Field, Finding, IdSpec, Kind, Lineage, RoomPath, Shape,
    Value,
};

use super::diagnostics::{
    PathSegment, Reporter, closest, index, key, kinds, missing_key, shortened, suggestion,
};
use super::raw::{Amount, AttributeValue, FullAttribute, Lifecycle, Pairs, RawValue, Text};
use super::secrets::{names_secret, secret_key};

/// Parses a duration; `None` if it is not one.
pub(super) fn delay(amount: &Amount) -> Option<Delay> {
    match amount {
        Amount::Number(seconds) => u32::try_from(*seconds).ok().map(Delay::from_seconds),
        Amount::Text(text) => text.parse().ok(),
    }
}

/// Converts a raw value; `None` for a delay, for attributes, and for a number that is too large.
pub(super) fn value(raw: RawValue<'_>) -> Option<Value> {
    match raw {
        RawValue::Text(text) => Some(Value::Text(text.into())),
        RawValue::Number(number) => u32::try_from(number).ok().map(Value::Number),
        RawValue::Numbers(numbers) => {
            let numbers = numbers.iter().map(|number| u32::try_from(*number));
            numbers.collect::<Result<_, _>>().ok().map(Value::Numbers)
        }
        RawValue::Flag(flag) => Some(Value::Flag(flag)),
        RawValue::Delay(_) | RawValue::Attributes(_) => None,
    }
}

/// Returns the path to the value of a field.
pub(super) fn path(field: Field) -> Vec<PathSegment> {
    field.as_str().split('.').map(key).collect()
}

/// A finding about a field, with the path to its value.
pub(super) type FieldError = (Vec<PathSegment>, Finding);

/// Checks the value of `field` for a room of this kind. Lengths are in bytes.
pub(super) fn field_error(kind: Kind, field: Field, raw: RawValue<'_>) -> Option<FieldError> {
    let whole = |finding| (path(field), finding);
    match kind.shape(field)? {
        Shape::Text { most } => text_error(kind, field, raw, most).map(whole),
        Shape::Choice(choices) => choice_error(field, raw, choices).map(whole),
        Shape::Number { least } => {
            let RawValue::Number(number) = raw else { return None };
            range_error(field, number, least).map(whole)
        }
        Shape::Numbers { most } => numbers_error(kind, field, raw, most),
        Shape::Delay { most } => delay_error(kind, field, raw, most).map(whole),
        Shape::Flag | Shape::Attributes => None,
    }
}

fn text_error(kind: Kind, field: Field, raw: RawValue<'_>, most: usize) -> Option<Finding> {
    let RawValue::Text(text) = raw else { return None };
    let required = kind.field(field).and_then(|spec| spec.not_empty);
    if let (true, Some(required)) = (text.is_empty(), required) {
        let finding = Finding::error("empty", format!("`{field}` is empty"));
        return Some(finding.help(format!("write {required}, or remove the key")));
    }
    if text.len() <= most {
        return None;
    }
    let code = if field == Field::Name { "name_length" } else { "text_length" };
    let length = text.len();
    let message = format!("`{field}` is {length} bytes long; {kind} rooms accept at most {most}");
    let help = "shorten it; letters beyond ASCII are two to four bytes each";
    Some(Finding::error(code, message).help(help))
}

fn choice_error(field: Field, raw: RawValue<'_>, choices: &[&str]) -> Option<Finding> {
    let RawValue::Text(text) = raw else { return None };
    if choices.contains(&text) {
        return None;
    }
    let shown = shortened(text);
    let finding = Finding::error("unknown_value", format!("`{field}`: invalid value `{shown}`"));
    Some(finding.help(suggestion(text, choices)))
}

fn range_error(field: Field, number: u64, least: u32) -> Option<Finding> {
    if (u64::from(least)..=u64::from(u32::MAX)).contains(&number) {
        return None;
    }
    let finding = Finding::error("out_of_range", format!("`{field}`: {number} is out of range"));
    Some(finding.help(format!("write a whole number from {least} to {}", u32::MAX)))
}

fn numbers_error(kind: Kind, field: Field, raw: RawValue<'_>, most: usize) -> Option<FieldError> {
    let RawValue::Numbers(numbers) = raw else { return None };
    if numbers.len() > most {
        let count = numbers.len();
        let message = format!("`{field}` has {count} items; {kind} rooms accept at most {most}");
        let finding = Finding::error("too_many", message);
        return Some((path(field), finding.help(format!("keep {most} of them"))));
    }
    numbers.iter().enumerate().find_map(|(at, number)| {
        let finding = range_error(field, *number, 0)?;
        Some(([path(field), vec![index(at)]].concat(), finding))
    })
}

fn delay_error(kind: Kind, field: Field, raw: RawValue<'_>, most: u32) -> Option<Finding> {
    let RawValue::Delay(amount) = raw else { return None };
    let message = match delay(amount) {
        Some(delay) if delay.as_seconds() <= most => return None,
        Some(delay) => format!("{} s is too long", delay.as_seconds()),
        None => format!("`{field}` is not a duration"),
    };
    let help = format!(
        "write whole seconds (`90`), or `90s`, `15m`, `3h`; {kind} rooms accept at most {most} s"
    );
    Some(Finding::error("destroy_delay_time", message).help(help))
}

/// Parses a percentage such as `30%`, from 0 to 100.
pub(super) fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%').filter(|it| it.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|percent| *percent <= 100)
}

/// Returns the kind of this name, or the nearest one if it is a misspelling.
pub(super) fn nearest_kind(name: &str) -> Option<Kind> {
    let near = closest(name, &kind_names())?;
    Kind::ALL.iter().copied().find(|kind| kind.as_str() == near)
}

pub(super) fn kind_names() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect()
}

/// Returns the kinds with a field, as one part of a sentence.
pub(super) fn holders(field: Field) -> String {
    let holders: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.holds(field)).collect();
    kinds(&holders)
}

/// Returns what is wrong with a room's id, as the end of a sentence; `None` if the service accepts it.
pub(super) fn id_error(kind: Kind, id: &str) -> Option<String> {
    check_id(kind, id, &kind.spec().room_id)
}

/// Returns what is wrong with an operator's id, as the end of a sentence; `None` if the service accepts
/// it.
pub(super) fn operator_error(kind: Kind, id: &str) -> Option<String> {
    check_id(kind, id, &kind.spec().operator?.id)
}

fn check_id(kind: Kind, id: &str, spec: &IdSpec) -> Option<String> {
    let IdSpec { max_bytes, allows, doubtful: _, help: _ } = *spec;
    if id.is_empty() {
        return Some("is empty".to_owned());
    }
    if let Some(other) = id.chars().find(|c| !allows(*c)) {
        return Some(format!("contains {}, which {kind} does not accept", shown(other)));
    }
    (id.len() > max_bytes)
        .then(|| format!("is {} bytes long; {kind} accepts at most {max_bytes}", id.len()))
}

/// Returns the first character of an id that is not on all pages of the vendor.
pub(super) fn doubtful(spec: &IdSpec, id: &str) -> Option<char> {
    id.chars().find(|c| spec.doubtful.contains(*c))
}

/// Returns a character for a message: a space and control characters by name.
pub(super) fn shown(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_control() => format!("U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// Checks the attributes of a room, including the defaults and the ownership attribute with the key
/// `own`, against a provider's limits.
pub(super) fn check_attribute_limits(
    kind: Kind,
    attributes: &Attributes,
    own: Option<&str>,
    limits: &AttributeLimits,
    reporter: &mut Reporter<'_>,
) {
    let AttributeLimits { attributes: most, key_bytes, value_bytes, total_bytes } = *limits;
    let own = own.filter(|own| attributes.get(own).is_none());
    let included = if own.is_some() { ", the ownership attribute included" } else { "" };
    let count = attributes.len() + usize::from(own.is_some());
    if count > most {
        let message = format!(
            "{count} attributes are too many{included}: {kind} rooms accept at most {most}"
        );
        reporter
            .at_key(vec![key("attributes")], too_much("attribute_count", message, "attributes"));
    }
    for (name, attribute) in attributes.iter() {
        let path = || vec![key("attributes"), key(name)];
        let takes = |bytes| format!("{kind} rooms accept at most {bytes}");
        let length = name.len();
        if length > key_bytes {
            let message = format!("the key `{name}` is {length} bytes long; {}", takes(key_bytes));
            reporter.at_key(path(), too_much("attribute_key", message, "key_bytes"));
        }
        let length = attribute.value.len();
        if length > value_bytes {
            let message = format!("the value is {length} bytes long; {}", takes(value_bytes));
            reporter.at(path(), too_much("attribute_value", message, "value_bytes"));
        }
    }
    let total = attributes.total_bytes() + own.map_or(0, |own| own.len() + Lineage::BYTES);
    if total > total_bytes {
        let message = format!(
            "the attributes are {total} bytes in total{included}; {kind} rooms accept at most \
             {total_bytes}"
        );
        reporter
            .at_key(vec![key("attributes")], too_much("attribute_total", message, "total_bytes"));
    }
}

fn too_much(code: &'static str, message: String, limit: &str) -> Finding {
    Finding::error(code, message).help(format!(
        "shorten it, or raise the provider's `limits.{limit}` if the vendor has raised yours"
    ))
}

/// Checks attributes for mistakes that do not depend on the kind.
pub(super) fn check_attributes(
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

/// Reports paths of `ignore_changes` that are neither one of `fields` nor an attribute.
pub(super) fn check_ignored(
    lifecycle: Option<&Lifecycle>,
    fields: &[Field],
    inside: &[PathSegment],
    reporter: &mut Reporter<'_>,
) {
    let paths = lifecycle.and_then(|lifecycle| lifecycle.ignore_changes.as_deref());
    for (at, Text(path)) in paths.unwrap_or_default().iter().enumerate() {
        if RoomPath::parse(path).is_some_and(|path| fields.contains(&path.field())) {
            continue;
        }
        let message = format!("`ignore_changes` cannot name `{}`", shortened(path));
        let finding = Finding::error("unknown_path", message).help(path_suggestion(path, fields));
        reporter.at([inside, &[key("ignore_changes"), index(at)]].concat(), finding);
    }
}

fn path_suggestion(path: &str, fields: &[Field]) -> String {
    let attributes = Field::Attributes.as_str();
    match path.split_once('.') {
        Some((first, name)) if !name.is_empty() && fields.contains(&Field::Attributes) => {
            if closest(first, &[attributes]).is_some() {
                return format!("did you mean `{attributes}.{}`?", shortened(name));
            }
        }
        Some(_) | None => {}
    }
    let names: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
    suggestion(path, &names)
}

/// Reports `auto_delete` attributes in a room if none of its services supports them.
pub(super) fn check_auto_delete(
    pairs: &Pairs<AttributeValue>,
    kinds: &str,
    reporter: &mut Reporter<'_>,
) {
    for (Text(name), value) in &pairs.0 {
        let AttributeValue::Full(FullAttribute { value: _, auto_delete: Some(true) }) = value
        else {
            continue;
        };
        let message = format!("{kinds} rooms have no `auto_delete`: zim rooms do");
        let finding = Finding::error("not_of_kind", message)
            .help("remove it; the attribute stays until it is removed from the file");
        reporter.at(vec![key("attributes"), key(name), key("auto_delete")], finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_with_characters_that_any_page_of_the_vendor_lists_are_valid() {
        for (kind, id) in [
            (Kind::Zim, "aZ9!#$%&()+-:;<=.>?@[]^_"),
            (Kind::Zim, " ,{}|~"),
            (Kind::Zim, &*"x".repeat(32)),
            (Kind::Rtc, "a/b \"'*\\`é"),
            (Kind::Rtc, &*"x".repeat(128)),
            (Kind::TencentLive, " !\"/\\~"),
            (Kind::TencentLive, &*"x".repeat(48)),
        ] {
            assert_eq!(id_error(kind, id), None, "{kind} {id}");
        }
        assert_eq!(doubtful(&Kind::Zim.spec().room_id, "a,b"), Some(','));
        assert_eq!(doubtful(&Kind::Zim.spec().room_id, "a.b {"), None);
    }

    #[test]
    fn other_ids_are_invalid() {
        let (zim, rtc, live) = (Kind::Zim, Kind::Rtc, Kind::TencentLive);
        for id in ["", "a/b", "a\"b", "a'b", "a*b", "a\\b", "a`b", "é", "a\tb", &"x".repeat(33)] {
            assert!(id_error(zim, id).is_some(), "{id:?}");
        }
        for id in ["", "a\tb", "a\u{85}b", &"x".repeat(129), &"é".repeat(65)] {
            assert!(id_error(rtc, id).is_some(), "{id:?}");
        }
        for id in ["", "a\tb", "é", "a\u{7f}", &"x".repeat(49)] {
            assert!(id_error(live, id).is_some(), "{id:?}");
        }
    }

    #[test]
    fn operator_ids_are_checked_by_the_rules_of_their_kind() {
        assert_eq!(operator_error(Kind::TencentLive, "a/b é"), None);
        for (kind, id) in [
            (Kind::Zim, "a/b"),
            (Kind::Zim, ""),
            (Kind::TencentLive, ""),
            (Kind::TencentLive, "a\nb"),
            (Kind::TencentLive, &*"x".repeat(33)),
        ] {
            assert!(operator_error(kind, id).is_some(), "{kind} {id:?}");
        }
    }
}
