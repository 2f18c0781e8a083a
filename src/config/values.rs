//! What a kind of rooms takes: ids, the values of fields, and attributes.

use crate::model::{AttributeLimits, Attributes, Delay, Field, Finding, Kind, Shape, Value};

use super::diagnostics::{
    PathSegment, Reporter, closest, index, key, kinds, missing_key, shortened, suggestion,
};
use super::raw::{Amount, AttributeValue, FullAttribute, Pairs, RawValue, Text};
use super::secrets::{names_secret, secret_key};

/// A span as the file writes it; none where it is no span.
pub(super) fn delay(amount: &Amount) -> Option<Delay> {
    match amount {
        Amount::Number(seconds) => u32::try_from(*seconds).ok().map(Delay::from_seconds),
        Amount::Text(text) => text.parse().ok(),
    }
}

/// What a field comes to; none for the delay and the attributes, and for what is too large.
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

/// The steps to the value of a field.
pub(super) fn path(field: Field) -> Vec<PathSegment> {
    field.as_str().split('.').map(key).collect()
}

/// A fault, and the steps to it.
pub(super) type FieldError = (Vec<PathSegment>, Finding);

/// What is wrong with what is said of `field`, in a room of this kind. Lengths are in bytes.
pub(super) fn fault(kind: Kind, field: Field, raw: RawValue<'_>) -> Option<FieldError> {
    let whole = |finding| (path(field), finding);
    match kind.shape(field) {
        Shape::Text { most } => text_fault(kind, field, raw, most).map(whole),
        Shape::Choice(words) => choice_fault(field, raw, words).map(whole),
        Shape::Number { least } => {
            let RawValue::Number(number) = raw else { return None };
            range_fault(field, number, least).map(whole)
        }
        Shape::Numbers { most } => numbers_fault(kind, field, raw, most),
        Shape::Delay { most } => delay_fault(kind, field, raw, most).map(whole),
        Shape::Flag | Shape::Attributes => None,
    }
}

fn text_fault(kind: Kind, field: Field, raw: RawValue<'_>, most: usize) -> Option<Finding> {
    let RawValue::Text(text) = raw else { return None };
    let wanted = match (kind, field) {
        (_, Field::Owner) => Some("the user who owns the room"),
        (Kind::TencentLive, Field::Name) => Some("a name"),
        _ => None,
    };
    if let (true, Some(wanted)) = (text.is_empty(), wanted) {
        let finding = Finding::error("empty", format!("`{field}` is empty"));
        return Some(finding.help(format!("write {wanted}, or take the key out")));
    }
    if text.len() <= most {
        return None;
    }
    let code = if field == Field::Name { "name_length" } else { "text_length" };
    let length = text.len();
    let message = format!("`{field}` is {length} bytes long, and {kind} rooms take {most} bytes");
    let help = "shorten it; letters beyond ASCII are two to four bytes each";
    Some(Finding::error(code, message).help(help))
}

fn choice_fault(field: Field, raw: RawValue<'_>, words: &[&str]) -> Option<Finding> {
    let RawValue::Text(text) = raw else { return None };
    if words.contains(&text) {
        return None;
    }
    let shown = shortened(text);
    let finding = Finding::error("unknown_value", format!("`{field}` cannot be `{shown}`"));
    Some(finding.help(suggestion(text, words)))
}

fn range_fault(field: Field, number: u64, least: u32) -> Option<Finding> {
    if (u64::from(least)..=u64::from(u32::MAX)).contains(&number) {
        return None;
    }
    let finding = Finding::error("out_of_range", format!("`{field}` cannot be {number}"));
    Some(finding.help(format!("write a whole number from {least} to {}", u32::MAX)))
}

fn numbers_fault(kind: Kind, field: Field, raw: RawValue<'_>, most: usize) -> Option<FieldError> {
    let RawValue::Numbers(numbers) = raw else { return None };
    if numbers.len() > most {
        let count = numbers.len();
        let message = format!("`{field}` has {count} items, and {kind} rooms take {most}");
        let finding = Finding::error("too_many", message);
        return Some((path(field), finding.help(format!("keep {most} of them"))));
    }
    numbers.iter().enumerate().find_map(|(at, number)| {
        let finding = range_fault(field, *number, 0)?;
        Some(([path(field), vec![index(at)]].concat(), finding))
    })
}

fn delay_fault(kind: Kind, field: Field, raw: RawValue<'_>, most: u32) -> Option<Finding> {
    let RawValue::Delay(amount) = raw else { return None };
    let message = match delay(amount) {
        Some(delay) if delay.as_seconds() <= most => return None,
        Some(delay) => format!("{} s is too long", delay.as_seconds()),
        None => format!("`{field}` is no span"),
    };
    let help = format!(
        "write whole seconds (`90`), or `90s`, `15m`, `3h`; {kind} rooms take {most} s at most"
    );
    Some(Finding::error("destroy_delay_time", message).help(help))
}

/// A share such as `30%`, from 0 to 100.
pub(super) fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%').filter(|it| it.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|percent| *percent <= 100)
}

/// The kind that a word names or was probably meant to name.
pub(super) fn kind_meant(word: &str) -> Option<Kind> {
    let near = closest(word, &kind_names())?;
    Kind::ALL.iter().copied().find(|kind| kind.as_str() == near)
}

/// Whether an application of this kind acts in the name of a user.
pub(super) const fn wants_operator(kind: Kind) -> bool {
    match kind {
        Kind::Rtc => false,
        Kind::Zim | Kind::TencentLive => true,
    }
}

pub(super) fn kind_names() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect()
}

/// Whether the service deletes attributes when the user who set them leaves: ZIM's AutoDelete.
pub(super) const fn keeps_auto_delete(kind: Kind) -> bool {
    match kind {
        Kind::Zim => true,
        Kind::Rtc | Kind::TencentLive => false,
    }
}

/// The kinds whose rooms hold a field, as one part of a sentence.
pub(super) fn holders(field: Field) -> String {
    let holders: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.holds(field)).collect();
    kinds(&holders)
}

/// The bytes that an id of a ZIM room, or of a user, may have.
const MOST_BYTES: usize = 32;

/// The bytes that an RTC room's id may have.
const MOST_BYTES_RTC: usize = 128;

/// The bytes that a Tencent room's id may have.
const MOST_BYTES_TENCENT: usize = 48;

/// The marks that every page of ZIM lists, besides letters and digits.
const MARKS: &str = "!#$%&()+-:;<=.>?@[]^_ {";

/// The marks that some pages of ZIM list and others do not.
const DOUBTFUL: &str = ",}|~";

/// What is wrong with a room's id, as the end of a sentence; none where the service takes it.
///
/// ZIM: at most 32 bytes of letters, digits and certain marks; we take what any page lists. RTC: at
/// most 128 bytes; the page of CloseRoom says nothing of characters, so only those that can be in no
/// URL are refused. Tencent: at most 48 bytes of printable ASCII.
pub(super) fn id_fault(kind: Kind, id: &str) -> Option<String> {
    let (takes, most): (fn(char) -> bool, usize) = match kind {
        Kind::Zim => (zim_takes, MOST_BYTES),
        Kind::Rtc => (|c| !c.is_control(), MOST_BYTES_RTC),
        Kind::TencentLive => (|c| matches!(c, ' '..='~'), MOST_BYTES_TENCENT),
    };
    held_against(kind, id, takes, most)
}

/// What is wrong with the id of the user in whose name rooms are made, as the end of a sentence.
///
/// ZIM: UserId, of the characters of a room's id. Tencent: UserID, whose page says the length only;
/// in the text that UserSig signs a control character would end it.
pub(super) fn operator_fault(kind: Kind, id: &str) -> Option<String> {
    let takes: fn(char) -> bool = match kind {
        Kind::Zim => zim_takes,
        Kind::Rtc | Kind::TencentLive => |c| !c.is_control(),
    };
    held_against(kind, id, takes, MOST_BYTES)
}

fn held_against(kind: Kind, id: &str, takes: fn(char) -> bool, most: usize) -> Option<String> {
    if id.is_empty() {
        return Some("is empty".to_owned());
    }
    if let Some(other) = id.chars().find(|c| !takes(*c)) {
        return Some(format!("holds {}, which {kind} does not take", shown(other)));
    }
    (id.len() > most).then(|| format!("is {} bytes long, and {kind} takes {most} bytes", id.len()))
}

/// How to mend a room's id.
pub(super) fn id_help(kind: Kind) -> &'static str {
    match kind {
        Kind::Zim => {
            "ZIM takes up to 32 bytes: letters, digits and \
             ! # $ % & ( ) + - : ; < = . > ? @ [ ] ^ _ { and spaces"
        }
        Kind::Rtc => {
            "ZEGOCLOUD RTC takes up to 128 bytes without control characters; letters beyond ASCII \
             are two to four bytes each"
        }
        Kind::TencentLive => "Tencent takes up to 48 bytes of printable ASCII",
    }
}

/// The first character of a ZIM id, a room's or a user's, that not every page of the vendor lists.
pub(super) fn doubtful(id: &str) -> Option<char> {
    id.chars().find(|c| DOUBTFUL.contains(*c))
}

fn zim_takes(c: char) -> bool {
    c.is_ascii_alphanumeric() || MARKS.contains(c) || DOUBTFUL.contains(c)
}

/// A character as it can be told: a space and control characters by name.
pub(super) fn shown(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_control() => format!("U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// Holds the attributes of a room, its defaults among them, against a provider's limits.
pub(super) fn attributes_within(
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
pub(super) fn attributes_sound(
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
pub(super) fn attributes_stay(
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
            .help("take it out; the attribute stays until it is taken out of the file");
        reporter.at(vec![key("attributes"), key(name), key("auto_delete")], finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_any_page_of_the_vendor_lists() {
        for (kind, id) in [
            (Kind::Zim, "aZ9!#$%&()+-:;<=.>?@[]^_"),
            (Kind::Zim, " ,{}|~"),
            (Kind::Zim, &*"x".repeat(32)),
            (Kind::Rtc, "a/b \"'*\\`é"),
            (Kind::Rtc, &*"x".repeat(128)),
            (Kind::TencentLive, " !\"/\\~"),
            (Kind::TencentLive, &*"x".repeat(48)),
        ] {
            assert_eq!(id_fault(kind, id), None, "{kind} {id}");
        }
        assert_eq!(doubtful("a,b"), Some(','));
        assert_eq!(doubtful("a.b {"), None);
    }

    #[test]
    fn refuses_the_rest() {
        let (zim, rtc, live) = (Kind::Zim, Kind::Rtc, Kind::TencentLive);
        for id in ["", "a/b", "a\"b", "a'b", "a*b", "a\\b", "a`b", "é", "a\tb", &"x".repeat(33)] {
            assert!(id_fault(zim, id).is_some(), "{id:?}");
        }
        for id in ["", "a\tb", "a\u{85}b", &"x".repeat(129), &"é".repeat(65)] {
            assert!(id_fault(rtc, id).is_some(), "{id:?}");
        }
        for id in ["", "a\tb", "é", "a\u{7f}", &"x".repeat(49)] {
            assert!(id_fault(live, id).is_some(), "{id:?}");
        }
    }

    #[test]
    fn operators_are_held_against_their_own_rules() {
        assert_eq!(operator_fault(Kind::TencentLive, "a/b é"), None);
        for (kind, id) in [
            (Kind::Zim, "a/b"),
            (Kind::Zim, ""),
            (Kind::TencentLive, ""),
            (Kind::TencentLive, "a\nb"),
            (Kind::TencentLive, &*"x".repeat(33)),
        ] {
            assert!(operator_fault(kind, id).is_some(), "{kind} {id:?}");
        }
    }
}
