//! The values of fields: what they come to, and what is wrong with them for a kind of rooms.

use crate::model::{Delay, Field, Finding, Kind, Shape, Value};

use super::mirror::{Amount, Said};
use super::names::{shortened, suggestion};
use super::note::{Step, index, key};

/// A span as the file writes it; none where it is no span.
pub(super) fn delay(amount: &Amount) -> Option<Delay> {
    match amount {
        Amount::Number(seconds) => u32::try_from(*seconds).ok().map(Delay::from_seconds),
        Amount::Text(text) => text.parse().ok(),
    }
}

/// What a field comes to; none for the delay and the attributes, and for what is too large.
pub(super) fn value(said: Said<'_>) -> Option<Value> {
    match said {
        Said::Text(text) => Some(Value::Text(text.into())),
        Said::Number(number) => u32::try_from(number).ok().map(Value::Number),
        Said::Numbers(numbers) => {
            let numbers = numbers.iter().map(|number| u32::try_from(*number));
            numbers.collect::<Result<_, _>>().ok().map(Value::Numbers)
        }
        Said::Flag(flag) => Some(Value::Flag(flag)),
        Said::Delay(_) | Said::Attributes(_) => None,
    }
}

/// The steps to the value of a field.
pub(super) fn path(field: Field) -> Vec<Step> {
    field.as_str().split('.').map(key).collect()
}

/// A fault, and the steps to it.
pub(super) type Fault = (Vec<Step>, Finding);

/// What is wrong with what is said of `field`, in a room of this kind. Lengths are in bytes.
pub(super) fn fault(kind: Kind, field: Field, said: Said<'_>) -> Option<Fault> {
    let whole = |finding| (path(field), finding);
    match kind.shape(field)? {
        Shape::Text { most } => text_fault(kind, field, said, most).map(whole),
        Shape::Choice(words) => choice_fault(field, said, words).map(whole),
        Shape::Number { least } => {
            let Said::Number(number) = said else { return None };
            range_fault(field, number, least).map(whole)
        }
        Shape::Numbers { most } => numbers_fault(kind, field, said, most),
        Shape::Delay { most } => delay_fault(kind, field, said, most).map(whole),
        Shape::Flag | Shape::Attributes => None,
    }
}

fn text_fault(kind: Kind, field: Field, said: Said<'_>, most: usize) -> Option<Finding> {
    let Said::Text(text) = said else { return None };
    let wanted = kind.field(field).and_then(|spec| spec.not_empty);
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

fn choice_fault(field: Field, said: Said<'_>, words: &[&str]) -> Option<Finding> {
    let Said::Text(text) = said else { return None };
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

fn numbers_fault(kind: Kind, field: Field, said: Said<'_>, most: usize) -> Option<Fault> {
    let Said::Numbers(numbers) = said else { return None };
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

fn delay_fault(kind: Kind, field: Field, said: Said<'_>, most: u32) -> Option<Finding> {
    let Said::Delay(amount) = said else { return None };
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
