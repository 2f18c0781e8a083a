//! The checks of meaning on a room: a flat table, every one run, everything told.

use crate::model::{AttributeLimits, Attributes, Finding};

use super::ground::delay;
use super::mirror::{self, Amount, AttributeValue, FullAttribute, Pairs, Text};
use super::names::{listed, names_secret, suggestion};
use super::note::{Sink, Step, index, key};
use super::room_id;
use super::rooms::Subject;
use super::words::{missing_key, secret_key};

/// A check of one room.
type Check = fn(&Subject<'_>, &mut Sink<'_>);

const CHECKS: &[Check] = &[
    id_is_taken,
    id_is_taken_everywhere,
    provider_is_known,
    providers_are_known,
    provider_is_named,
    name_is_short,
    delay_is_short,
    delay_is_there,
    attributes_are_few_and_small,
    attributes_are_sound,
    variables_are_not_meant,
];

/// The longest that a service keeps an empty room. ZIM: DestroyDelayTime, 10,800 s.
const LONGEST_DELAY: u32 = 10_800;

/// The bytes of a room's name. ZIM: RoomName, 64.
const LONGEST_NAME: usize = 64;

/// Checks a room.
pub(super) fn room(subject: &Subject<'_>, mut sink: Sink<'_>) {
    for check in CHECKS {
        check(subject, &mut sink);
    }
}

/// Checks what a file's `defaults` say by themselves.
pub(super) fn defaults(said: &mirror::Defaults, sink: &mut Sink<'_>) {
    let mirror::Defaults { name, destroy_delay_time, attributes, lifecycle: _ } = said;
    let inside = vec![key("defaults")];
    check_name(name.as_ref(), &inside, sink);
    check_delay(destroy_delay_time.as_ref(), &inside, sink);
    check_attributes(attributes.as_ref(), &inside, sink);
}

fn id_is_taken(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(Text(id)) = &subject.said.id else {
        return sink.missing(Vec::new(), missing_key("a room", "id"));
    };
    if let Some(message) = room_id::fault(id) {
        let finding = Finding::error("room_id", format!("the id {message}")).help(
            "ZIM takes up to 32 letters, digits and ! # $ % & ( ) + - : ; < = . > ? @ [ ] ^ _",
        );
        sink.at(vec![key("id")], finding);
    }
}

fn id_is_taken_everywhere(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(Text(id)) = &subject.said.id else { return };
    let Some(doubtful) = room_id::doubtful(id) else { return };
    let message = format!(
        "the id holds {}, which only some pages of the vendor allow",
        room_id::shown(doubtful)
    );
    let finding = Finding::warning("room_id_doubtful", message)
        .help("another character is safer; once the room is made, its id stays");
    sink.at(vec![key("id")], finding);
}

fn provider_is_known(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let mirror::Room { provider, providers, .. } = subject.said;
    if let (Some(_), Some(_)) = (provider, providers) {
        let finding = Finding::error("provider", "`provider` and `providers` stand both")
            .help("keep one of them");
        sink.at_key(vec![key("providers")], finding);
    }
    if let Some(Text(name)) = provider {
        check_provider(name, subject, vec![key("provider")], sink);
    }
}

fn providers_are_known(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(names) = &subject.said.providers else { return };
    if names.is_empty() {
        let finding = Finding::error("provider", "`providers` names none")
            .help("name the providers that hold the room, or take the key out");
        sink.missing(vec![key("providers")], finding);
    }
    for (at, Text(name)) in names.iter().enumerate() {
        let path = vec![key("providers"), index(at)];
        if names[..at].iter().any(|Text(earlier)| earlier == name) {
            let finding = Finding::error("provider", format!("`{name}` is named twice"))
                .help("take one of them out");
            sink.at(path, finding);
        } else {
            check_provider(name, subject, path, sink);
        }
    }
}

fn check_provider(name: &str, subject: &Subject<'_>, path: Vec<Step>, sink: &mut Sink<'_>) {
    if subject.known.is_empty() || subject.known.contains_key(name) {
        return;
    }
    let names: Vec<&str> = subject.known.keys().map(|name| &**name).collect();
    let finding = Finding::error("unknown_provider", format!("no provider is named `{name}`"));
    sink.at(path, finding.help(suggestion(name, &names)));
}

fn provider_is_named(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let mirror::Room { provider, providers, .. } = subject.said;
    if provider.is_some() || providers.is_some() || subject.known.len() < 2 {
        return;
    }
    let names: Vec<&str> = subject.known.keys().map(|name| &**name).collect();
    let finding =
        Finding::error("missing_key", "a room needs `provider` where several are declared")
            .help(format!("write `provider: NAME`, one of {}", listed(&names)));
    sink.missing(Vec::new(), finding);
}

fn name_is_short(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    check_name(subject.said.name.as_ref(), &[], sink);
}

fn check_name(name: Option<&Text>, inside: &[Step], sink: &mut Sink<'_>) {
    let Some(Text(name)) = name.filter(|Text(name)| name.len() > LONGEST_NAME) else { return };
    let message =
        format!("the name is {} bytes long, and the service takes {LONGEST_NAME}", name.len());
    let finding = Finding::error("name_length", message)
        .help("shorten it; letters beyond ASCII are two to four bytes each");
    sink.at([inside, &[key("name")]].concat(), finding);
}

fn delay_is_short(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    check_delay(subject.said.destroy_delay_time.as_ref(), &[], sink);
}

fn check_delay(amount: Option<&Amount>, inside: &[Step], sink: &mut Sink<'_>) {
    let Some(amount) = amount else { return };
    let message = match delay(amount) {
        Some(delay) if delay.as_seconds() <= LONGEST_DELAY => return,
        Some(delay) => format!("{} s is too long", delay.as_seconds()),
        None => "`destroy_delay_time` is no span".to_owned(),
    };
    let finding = Finding::error("destroy_delay_time", message).help(
        "write whole seconds (`90`), or `90s`, `15m`, `3h`; the service takes 10800 s at most",
    );
    sink.at([inside, &[key("destroy_delay_time")]].concat(), finding);
}

fn delay_is_there(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    if subject.room.destroy_delay_time.is_some() || subject.said.destroy_delay_time.is_some() {
        return;
    }
    let finding = Finding::warning(
        "no_delay",
        "without `destroy_delay_time` the service destroys the room as soon as it is empty",
    )
    .help("write `destroy_delay_time: 1h` here, or in `defaults`");
    sink.missing(vec![key("id")], finding);
}

fn attributes_are_few_and_small(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    for (at, known) in subject.providers.iter().enumerate() {
        if subject.providers[..at].iter().all(|earlier| earlier.limits != known.limits) {
            within(&subject.room.attributes, &known.limits, sink);
        }
    }
}

/// Holds the attributes of a room, its defaults among them, against a provider's limits.
fn within(attributes: &Attributes, limits: &AttributeLimits, sink: &mut Sink<'_>) {
    let AttributeLimits { attributes: most, key_bytes, value_bytes, total_bytes } = *limits;
    if attributes.len() > most {
        let message =
            format!("{} attributes are too many: the service takes {most}", attributes.len());
        sink.at_key(vec![key("attributes")], too_much("attribute_count", message, "attributes"));
    }
    for (name, attribute) in attributes.iter() {
        let path = || vec![key("attributes"), key(name)];
        if name.len() > key_bytes {
            let message = format!(
                "the key `{name}` is {} bytes long, and the service takes {key_bytes}",
                name.len()
            );
            sink.at_key(path(), too_much("attribute_key", message, "key_bytes"));
        }
        let length = attribute.value.len();
        if length > value_bytes {
            let message =
                format!("the value is {length} bytes long, and the service takes {value_bytes}");
            sink.at(path(), too_much("attribute_value", message, "value_bytes"));
        }
    }
    let total = attributes.total_bytes();
    if total > total_bytes {
        let message = format!(
            "the attributes are {total} bytes together, and the service takes {total_bytes}"
        );
        sink.at_key(vec![key("attributes")], too_much("attribute_total", message, "total_bytes"));
    }
}

fn too_much(code: &'static str, message: String, limit: &str) -> Finding {
    Finding::error(code, message).help(format!(
        "shorten, or raise the provider's `limits.{limit}` where the vendor has raised yours"
    ))
}

fn attributes_are_sound(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    check_attributes(subject.said.attributes.as_ref(), &[], sink);
}

fn check_attributes(pairs: Option<&Pairs<AttributeValue>>, inside: &[Step], sink: &mut Sink<'_>) {
    for (Text(name), value) in pairs.map_or(&[][..], |pairs| &pairs.0) {
        let path = || [inside, &[key("attributes"), key(name)]].concat();
        if names_secret(name) {
            sink.at_key(path(), secret_key(name));
        }
        if name.is_empty() {
            let finding = Finding::error("attribute_key", "an attribute's key is empty");
            sink.at_key(path(), finding.help("give it a name"));
        }
        if let AttributeValue::Full(FullAttribute { value: None, .. }) = value {
            sink.missing(path(), missing_key("an attribute", "value"));
        }
    }
}

/// `${…}` is replaced in `providers` and `state` only: in a room it would be sent as it stands.
fn variables_are_not_meant(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let mirror::Room { id, name, .. } = subject.said;
    for (field, text) in [("id", id), ("name", name)] {
        if text.as_ref().is_some_and(|Text(text)| text.contains("${")) {
            let finding = Finding::warning("variable_not_replaced", "`${…}` is not replaced here")
                .help("it works in `providers` and `state` only; the service gets it as it stands");
            sink.at(vec![key(field)], finding);
        }
    }
}
