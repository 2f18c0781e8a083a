//! Decides whether an existing room is the one that we made, by comparing an observation with what we
//! sent and last read.

use std::time::Duration;

use super::{
    Application, Attribute, Attributes, Field, Kind, ObservedRoom, Origin, Owner, People,
    RecordedRoom, Timestamp, Value, ValueRef, belongs_to,
};

/// The time after its create in which a room cannot have been emptied.
///
/// ZIM destroys a room once everybody has left it and its delay has passed, and may drop its attributes
/// in between (one page says "not retained by default", a release note "retained": see the notes on
/// limits in ZIM's pages). Attributes that a create sent are therefore present until somebody has
/// entered and left the room, which does not happen within a minute of a call from a server.
pub const CANNOT_BE_EMPTIED: Duration = Duration::from_mins(1);

/// The comparison of an existing room, after an open destroy, with what was last read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It is the same room.
    Same,
    /// It may be another room, for this reason.
    Other(String),
    /// There is nothing to compare.
    Nothing,
}

/// Returns why an existing room may not be the one that the open create of `record` made; `None` if
/// nothing that was observed contradicts it.
///
/// A value that others can change proves nothing once there was time to change it. An `auto_delete`
/// attribute may be missing at any time. Our lineage in the ownership attribute proves that the room is
/// ours, since there was an intent of ours.
pub(super) fn contradicts_create(
    application: &Application,
    record: &RecordedRoom,
    sent: Timestamp,
    observed_room: &ObservedRoom,
) -> Option<String> {
    if application.owner(&observed_room.attributes) == Owner::Ours {
        return None;
    }
    let kind = application.kind();
    let fresh = observed_room.at.since(sent) < CANNOT_BE_EMPTIED;
    let expected = record.sent_attributes(kind);
    let foreign = |(key, read): &(&str, &Attribute)| {
        expected.get(key).is_none_or(|sent| sent.value != read.value)
    };
    let foreign = observed_room.attributes.iter().filter(foreign).map(|(key, _)| key);
    let why = other_owner_or_seats(application, record, observed_room)
        .or_else(|| (fresh && is_renamed(record, observed_room)).then_some("it has another name"));
    if let Some(why) = why {
        return Some(why.to_owned());
    }
    if let Some(why) = named("it has attributes that were not sent", foreign) {
        return Some(why);
    }
    let lacking = lacking(&expected, &observed_room.attributes);
    let emptied = !fresh && may_be_emptied(kind, &expected, observed_room) && {
        let sent = u64::try_from(expected.len()).unwrap_or(u64::MAX);
        observed_room.attribute_sequence.is_none_or(|sequence| sequence >= sent)
    };
    if emptied { None } else { named("it lacks attributes that were sent", lacking.into_iter()) }
}

/// Compares an existing room, after an open destroy of `record`, with what was last read of it.
///
/// ZIM's count of attribute changes only grows while a room lives, so a lower one belongs to another
/// room. A lineage in the ownership attribute decides, since there is a record of ours.
pub(super) fn compare_with_last_read(
    application: &Application,
    record: &RecordedRoom,
    observed_room: &ObservedRoom,
) -> Comparison {
    let kind = application.kind();
    if kind.origin() == Origin::FirstUser {
        return Comparison::Same;
    }
    if application.owner(&observed_room.attributes) == Owner::Ours {
        return Comparison::Same;
    }
    if let (Some(other), Some(ownership)) =
        (record.other_owner(application, observed_room), application.ownership())
    {
        return Comparison::Other(belongs_to(ownership.key(), &other));
    }
    if let Some(why) = other_owner_or_seats(application, record, observed_room) {
        return Comparison::Other(why.to_owned());
    }
    let sequences = (record.attribute_sequence, observed_room.attribute_sequence);
    let counted = match sequences {
        (Some(before), Some(now)) if now < before => {
            return Comparison::Other("its attribute sequence restarted".to_owned());
        }
        (Some(before), Some(_)) => before > 0,
        (None, _) | (_, None) => false,
    };
    let expected = with_carried(&record.room.attributes, record.carried());
    let mut lacking = lacking(&expected, &observed_room.attributes);
    lacking.retain(|key| !record.ignores_attribute(key));
    let unknown = observed_room.attributes.iter().filter(|(key, _)| expected.get(key).is_none());
    let agrees = expected.iter().any(|(key, _)| observed_room.attributes.get(key).is_some());
    if agrees && lacking.is_empty() {
        return Comparison::Same;
    }
    let nothing_lacks = observed_room.attributes.is_empty() && lacking.is_empty();
    if nothing_lacks || may_be_emptied(kind, &expected, observed_room) {
        return if counted { Comparison::Same } else { Comparison::Nothing };
    }
    let other =
        named("it lacks attributes that were last read", lacking.into_iter()).or_else(|| {
            named("it has attributes that were not read before", unknown.map(|(key, _)| key))
        });
    other.map_or(Comparison::Nothing, Comparison::Other)
}

/// Returns whether the service has dropped all attributes that we set, as some services do while a room
/// is empty.
#[must_use]
pub fn dropped(kind: Kind, ours: &Attributes, observed_room: &ObservedRoom) -> bool {
    let gone = |(key, _)| observed_room.attributes.get(key).is_none();
    kind.drops_attributes()
        && observed_room.people == People::Nobody
        && !ours.is_empty()
        && ours.iter().all(gone)
}

/// Returns whether the room has no attributes at all, and may have lost the expected ones while it was
/// empty.
fn may_be_emptied(kind: Kind, expected: &Attributes, observed_room: &ObservedRoom) -> bool {
    observed_room.attributes.is_empty() && dropped(kind, expected, observed_room)
}

/// Returns the expected keys that are missing or have another value.
fn lacking<'a>(expected: &'a Attributes, read: &Attributes) -> Vec<&'a str> {
    let lacks = |(key, attribute): &(&str, &Attribute)| match read.get(key) {
        Some(read) => read.value != attribute.value,
        None => !attribute.auto_delete,
    };
    expected.iter().filter(lacks).map(|(key, _)| key).collect()
}

/// Returns our attributes and the carried ones of others; if both have a key, the carried one.
pub(super) fn with_carried(ours: &Attributes, carried: &Attributes) -> Attributes {
    let all = ours.iter().chain(carried.iter());
    all.map(|(key, attribute)| (key, attribute.clone())).collect()
}

/// Returns the difference if the room has another owner or seat template than ours, which cannot be
/// changed.
fn other_owner_or_seats(
    application: &Application,
    record: &RecordedRoom,
    observed_room: &ObservedRoom,
) -> Option<&'static str> {
    let sent = &record.room;
    let declared = sent.value(Field::Owner).and_then(ValueRef::as_text);
    let declared = declared.or(application.operator());
    let owner = observed_room.fields.of(Field::Owner).and_then(Value::as_text);
    if owner.is_some_and(|owner| declared != Some(owner)) {
        return Some("it has another owner");
    }
    let seats = observed_room.fields.of(Field::SeatTemplate);
    let sent = sent.value(Field::SeatTemplate);
    let other = sent.is_some_and(|sent| seats.is_some_and(|seats| seats.by_ref() != sent));
    other.then_some("it has another seat template")
}

/// Returns whether the reported name differs from the one that was sent.
fn is_renamed(record: &RecordedRoom, observed_room: &ObservedRoom) -> bool {
    let reported = observed_room.fields.of(Field::Name);
    let sent = record.room.value(Field::Name);
    sent.is_some_and(|sent| reported.is_some_and(|reported| reported.by_ref() != sent))
}

/// Returns a reason with the first few of its keys; `None` without keys.
fn named<'a>(why: &str, keys: impl Iterator<Item = &'a str>) -> Option<String> {
    const NAMED: usize = 3;
    let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    let rest = keys.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let first: Vec<&str> = keys.iter().take(NAMED).map(String::as_str).collect();
    (!first.is_empty()).then(|| format!("{why}: {}{more}", first.join(", ")))
}

#[cfg(test)]
pub(in crate::model) mod tests;
