//! The checks of meaning on a room: a flat table, every one run, everything told.

use crate::model::{EmptyLife, Field, Finding, Kind, MissingField};

use super::attributes;
use super::defaults::{Unfit, holders};
use super::mirror::{self, Said, Text};
use super::names::{listed, suggestion};
use super::note::{Sink, Step, index, key};
use super::provider::Known;
use super::room_id;
use super::rooms::Subject;
use super::values::{fault, path};
use super::variables::KEYS;
use super::words::{kinds, missing_key};

/// A check of one room.
type Check = fn(&Subject<'_>, &mut Sink<'_>);

const CHECKS: &[Check] = &[
    id_is_taken,
    id_is_taken_everywhere,
    provider_is_known,
    providers_are_known,
    provider_is_named,
    keys_are_of_its_kinds,
    values_fit,
    defaults_fit,
    recommended_fields_are_set,
    attributes_are_few_and_small,
    attributes_are_sound,
    attributes_stay,
    variables_are_not_meant,
];

/// Checks a room.
pub(super) fn room(subject: &Subject<'_>, mut sink: Sink<'_>) {
    for check in CHECKS {
        check(subject, &mut sink);
    }
}

impl Subject<'_> {
    /// The kinds of its providers, each once.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.reduced.iter().map(|(kind, _)| *kind)
    }

    /// Whether nothing is unknown of its providers.
    fn kinds_are_known(&self) -> bool {
        let named = self.said.providers.as_ref().map_or(self.providers.len(), Vec::len);
        let known = self.providers.len() == named && !self.providers.is_empty();
        known && self.providers.iter().all(|known| known.kind.is_some())
    }
}

fn id_is_taken(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(Text(id)) = &subject.said.id else {
        return sink.missing(Vec::new(), missing_key("a room", "id"));
    };
    if id.is_empty() {
        let finding = Finding::error("room_id", "the id is empty").help("write the room's id");
        return sink.at(vec![key("id")], finding);
    }
    for kind in subject.kinds() {
        if let Some(message) = room_id::fault(kind, id) {
            let finding = Finding::error("room_id", format!("the id {message}"));
            sink.at(vec![key("id")], finding.help(kind.spec().room_id.help));
        }
    }
}

fn id_is_taken_everywhere(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(Text(id)) = &subject.said.id else { return };
    let mut kinds = subject.kinds();
    let Some(doubtful) = kinds.find_map(|kind| room_id::doubtful(&kind.spec().room_id, id)) else {
        return;
    };
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
    if subject.ground.known.is_empty() || subject.ground.known.contains_key(name) {
        return;
    }
    let names: Vec<&str> = subject.ground.known.keys().map(|name| &**name).collect();
    let finding = Finding::error("unknown_provider", format!("no provider is named `{name}`"));
    sink.at(path, finding.help(suggestion(name, &names)));
}

fn provider_is_named(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let mirror::Room { provider, providers, .. } = subject.said;
    if provider.is_some() || providers.is_some() || subject.ground.known.len() < 2 {
        return;
    }
    let names: Vec<&str> = subject.ground.known.keys().map(|name| &**name).collect();
    let finding =
        Finding::error("missing_key", "a room needs `provider` where several are declared")
            .help(format!("write `provider: NAME`, one of {}", listed(&names)));
    sink.missing(Vec::new(), finding);
}

/// A field has to fit at least one of the kinds: each takes what it holds.
fn keys_are_of_its_kinds(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    if !subject.kinds_are_known() {
        return;
    }
    for (name, field) in subject.said.keys() {
        if !subject.kinds().any(|kind| kind.holds(field)) {
            sink.at_key(vec![key(name)], not_of_kind(subject, name, field));
        }
    }
}

fn not_of_kind(subject: &Subject<'_>, name: &str, field: Field) -> Finding {
    let own: Vec<Kind> = subject.kinds().collect();
    let message = format!("{} rooms have no `{name}`: {} rooms do", kinds(&own), holders(field));
    let of_application = |kind: &&Kind| {
        matches!(kind.spec().empty_life, EmptyLife::OfApplication { default: _, range: _ })
    };
    let help = match own.iter().find(of_application) {
        Some(kind) if field == Field::DestroyDelayTime => format!(
            "take it out: how long an empty room lives is set with {}, and said by the provider's \
             `dissolve_after`",
            kind.service()
        ),
        Some(_) | None => "take it out, or name a provider that holds it".to_owned(),
    };
    Finding::error("not_of_kind", message).help(help)
}

fn values_fit(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    for (kind, _) in subject.reduced {
        for field in kind.fields() {
            let said = subject.said.said(field);
            if let Some((steps, finding)) = said.and_then(|said| fault(*kind, field, said)) {
                sink.at(steps, finding);
            }
        }
    }
}

/// Tells of defaults that this room inherits and that its kind does not take.
fn defaults_fit(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    for Unfit { kind, field, finding } in &subject.ground.defaults.unfit {
        let inherits = subject.kinds().any(|own| own == *kind);
        if inherits && subject.said.said(*field).is_none() {
            let message = format!("from `defaults`: {}", finding.message);
            let finding = Finding { message, ..finding.clone() };
            sink.at(vec![key("id")], finding);
        }
    }
}

/// Warns of fields that are left out, and that a room of its kind should have.
fn recommended_fields_are_set(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    for (kind, room) in subject.reduced {
        for spec in kind.spec().fields {
            let set = room.value(spec.field).is_some() || subject.said.said(spec.field).is_some();
            if let Some(MissingField { code, message, help }) = spec.if_missing.filter(|_| !set) {
                sink.missing(vec![key("id")], Finding::warning(code, message).help(help));
            }
        }
    }
}

fn attributes_are_few_and_small(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let providers = subject.providers;
    for (at, known) in providers.iter().enumerate() {
        let same = |earlier: &&Known| (earlier.kind, earlier.limits) == (known.kind, known.limits);
        if providers[..at].iter().any(same) {
            continue;
        }
        let room = subject.reduced.iter().find(|(kind, _)| known.kind == Some(*kind));
        if let Some((kind, room)) = room.filter(|(kind, _)| kind.holds(Field::Attributes)) {
            attributes::within(*kind, &room.attributes, &known.limits, sink);
        }
    }
}

fn attributes_are_sound(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    attributes::sound(subject.said.attributes.as_ref(), &[], sink);
}

/// An attribute that goes with its user fits ZIM only: other kinds do not take it from a room that
/// has a ZIM side too, and a room without one cannot have it.
fn attributes_stay(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(pairs) = &subject.said.attributes else { return };
    if subject.kinds().any(|kind| kind.spec().auto_delete) || !subject.kinds_are_known() {
        return;
    }
    let holders: Vec<Kind> = subject.kinds().filter(|kind| kind.holds(Field::Attributes)).collect();
    if !holders.is_empty() {
        attributes::stay(pairs, &kinds(&holders), sink);
    }
}

/// `${…}` is replaced in a few keys of the providers and in `state` only: in a room it would be sent as it stands.
fn variables_are_not_meant(subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let mut check = |text: &str, steps: &dyn Fn() -> Vec<Step>| {
        if text.contains("${") {
            let help = format!("it works in {KEYS} only; the service gets it as it stands");
            let finding =
                Finding::warning("variable_not_replaced", "`${…}` is not replaced here").help(help);
            sink.at(steps(), finding);
        }
    };
    if let Some(Text(id)) = &subject.said.id {
        check(id, &|| vec![key("id")]);
    }
    for field in Field::ALL {
        if let Some(Said::Text(text)) = subject.said.said(*field) {
            check(text, &|| path(*field));
        }
    }
}
