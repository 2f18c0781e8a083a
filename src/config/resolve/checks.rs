//! The checks of meaning on a room: a flat table, every one run, everything reported.

use std::sync::Arc;

use crate::model::{EmptyLife, Field, Finding, Kind, MissingField, Room};

use super::context::{ResolveContext, UnfitDefault};
use super::provider::DeclaredProvider;
use crate::config::diagnostics::{
    PathSegment, Reporter, index, key, kinds, listed, missing_key, suggestion,
};
use crate::config::raw::{self, RawValue, Text};
use crate::config::values::{self, doubtful, field_error, holders, path, shown};
use crate::config::variables::KEYS;

/// A room as the checks see it.
pub(super) struct RoomInput<'a> {
    /// The room as the file has it.
    pub raw: &'a raw::Room,
    /// The room with the defaults, for each kind of its providers.
    pub by_kind: &'a [(Kind, Arc<Room>)],
    /// The providers that it names and that are declared.
    pub providers: &'a [&'a DeclaredProvider],
    /// What the rooms of its file are resolved against.
    pub context: &'a ResolveContext<'a>,
}

/// A check of one room.
type Check = fn(&RoomInput<'_>, &mut Reporter<'_>);

const CHECKS: &[Check] = &[
    id_is_valid,
    id_is_portable,
    provider_is_known,
    providers_are_known,
    provider_is_named,
    keys_are_of_its_kinds,
    values_are_valid,
    defaults_are_valid,
    recommended_fields_are_set,
    attributes_are_within_limits,
    attributes_are_valid,
    auto_delete_is_supported,
    variables_are_not_used,
];

/// Checks a room.
pub(super) fn room(input: &RoomInput<'_>, mut reporter: Reporter<'_>) {
    for check in CHECKS {
        check(input, &mut reporter);
    }
}

impl RoomInput<'_> {
    /// Returns the kinds of its providers, each once.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.by_kind.iter().map(|(kind, _)| *kind)
    }

    /// Returns whether the kinds of all its providers are known.
    fn kinds_are_known(&self) -> bool {
        let named = self.raw.providers.as_ref().map_or(self.providers.len(), Vec::len);
        let known = self.providers.len() == named && !self.providers.is_empty();
        known && self.providers.iter().all(|known| known.kind.is_some())
    }
}

fn id_is_valid(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(Text(id)) = &input.raw.id else {
        return reporter.missing(Vec::new(), missing_key("a room", "id"));
    };
    if id.is_empty() {
        let finding = Finding::error("room_id", "the id is empty").help("write the room's id");
        return reporter.at(vec![key("id")], finding);
    }
    for kind in input.kinds() {
        if let Some(message) = values::id_error(kind, id) {
            let finding = Finding::error("room_id", format!("the id {message}"));
            reporter.at(vec![key("id")], finding.help(kind.spec().room_id.help));
        }
    }
}

fn id_is_portable(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(Text(id)) = &input.raw.id else { return };
    let mut kinds = input.kinds();
    let Some(doubtful) = kinds.find_map(|kind| doubtful(&kind.spec().room_id, id)) else { return };
    let message =
        format!("the id contains {}, which only some pages of the vendor allow", shown(doubtful));
    let finding = Finding::warning("room_id_doubtful", message)
        .help("another character is safer; a room's id cannot be changed later");
    reporter.at(vec![key("id")], finding);
}

fn provider_is_known(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let raw::Room { provider, providers, .. } = input.raw;
    if let (Some(_), Some(_)) = (provider, providers) {
        let finding =
            Finding::error("provider", "`provider` and `providers` are mutually exclusive")
                .help("keep one of them");
        reporter.at_key(vec![key("providers")], finding);
    }
    if let Some(Text(name)) = provider {
        check_provider(name, input, vec![key("provider")], reporter);
    }
}

fn providers_are_known(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(names) = &input.raw.providers else { return };
    if names.is_empty() {
        let finding = Finding::error("provider", "`providers` is empty")
            .help("name the providers that hold the room, or remove the key");
        reporter.missing(vec![key("providers")], finding);
    }
    for (at, Text(name)) in names.iter().enumerate() {
        let path = vec![key("providers"), index(at)];
        if names[..at].iter().any(|Text(earlier)| earlier == name) {
            let finding = Finding::error("provider", format!("duplicate provider `{name}`"))
                .help("remove one of them");
            reporter.at(path, finding);
        } else {
            check_provider(name, input, path, reporter);
        }
    }
}

fn check_provider(
    name: &str,
    input: &RoomInput<'_>,
    path: Vec<PathSegment>,
    reporter: &mut Reporter<'_>,
) {
    if input.context.declared.is_empty() || input.context.declared.contains_key(name) {
        return;
    }
    let names: Vec<&str> = input.context.declared.keys().map(|name| &**name).collect();
    let finding = Finding::error("unknown_provider", format!("unknown provider `{name}`"));
    reporter.at(path, finding.help(suggestion(name, &names)));
}

fn provider_is_named(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let raw::Room { provider, providers, .. } = input.raw;
    if provider.is_some() || providers.is_some() || input.context.declared.len() < 2 {
        return;
    }
    let names: Vec<&str> = input.context.declared.keys().map(|name| &**name).collect();
    let finding =
        Finding::error("missing_key", "a room needs `provider` where several are declared")
            .help(format!("write `provider: NAME`, one of {}", listed(&names)));
    reporter.missing(Vec::new(), finding);
}

/// A field must fit at least one of the kinds: each takes the fields that it has.
fn keys_are_of_its_kinds(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    if !input.kinds_are_known() {
        return;
    }
    for (name, field) in input.raw.keys() {
        if !input.kinds().any(|kind| kind.holds(field)) {
            reporter.at_key(vec![key(name)], not_of_kind(input, name, field));
        }
    }
}

fn not_of_kind(input: &RoomInput<'_>, name: &str, field: Field) -> Finding {
    let own: Vec<Kind> = input.kinds().collect();
    let message = format!("{} rooms have no `{name}`: {} rooms do", kinds(&own), holders(field));
    let of_application = |kind: &&Kind| {
        matches!(kind.spec().empty_life, EmptyLife::OfApplication { default: _, range: _ })
    };
    let help = match own.iter().find(of_application) {
        Some(kind) if field == Field::DestroyDelayTime => format!(
            "remove it: how long an empty room lives is set with {}, and declared by the provider's \
             `dissolve_after`",
            kind.service()
        ),
        Some(_) | None => "remove it, or use a provider whose kind has it".to_owned(),
    };
    Finding::error("not_of_kind", message).help(help)
}

fn values_are_valid(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    for (kind, _) in input.by_kind {
        for field in kind.fields() {
            let raw = input.raw.raw_value(field);
            if let Some((at, finding)) = raw.and_then(|raw| field_error(*kind, field, raw)) {
                reporter.at(at, finding);
            }
        }
    }
}

/// Reports defaults that this room inherits and that its kind does not accept.
fn defaults_are_valid(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    for UnfitDefault { kind, field, finding } in &input.context.defaults.unfit {
        let inherits = input.kinds().any(|own| own == *kind);
        if inherits && input.raw.raw_value(*field).is_none() {
            let message = format!("from `defaults`: {}", finding.message);
            let finding = Finding { message, ..finding.clone() };
            reporter.at(vec![key("id")], finding);
        }
    }
}

/// Warns of fields that are missing and that a room of its kind should have.
fn recommended_fields_are_set(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    for (kind, room) in input.by_kind {
        for spec in kind.spec().fields {
            let raw = input.raw.raw_value(spec.field);
            let is_set = room.value(spec.field).is_some() || raw.is_some();
            if let Some(MissingField { code, message, help }) = spec.if_missing.filter(|_| !is_set)
            {
                reporter.missing(vec![key("id")], Finding::warning(code, message).help(help));
            }
        }
    }
}

fn attributes_are_within_limits(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let providers = input.providers;
    for (at, known) in providers.iter().enumerate() {
        let same = |earlier: &&DeclaredProvider| {
            (earlier.kind, earlier.limits) == (known.kind, known.limits)
        };
        if providers[..at].iter().any(same) {
            continue;
        }
        let room = input.by_kind.iter().find(|(kind, _)| known.kind == Some(*kind));
        if let Some((kind, room)) = room.filter(|(kind, _)| kind.holds(Field::Attributes)) {
            values::check_attribute_limits(*kind, &room.attributes, &known.limits, reporter);
        }
    }
}

fn attributes_are_valid(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    values::check_attributes(input.raw.attributes.as_ref(), &[], reporter);
}

/// Only ZIM deletes attributes with their user: other kinds leave them to the ZIM side of a room, and a
/// room without one cannot have them.
fn auto_delete_is_supported(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(pairs) = &input.raw.attributes else { return };
    if input.kinds().any(|kind| kind.spec().auto_delete) || !input.kinds_are_known() {
        return;
    }
    let holders: Vec<Kind> = input.kinds().filter(|kind| kind.holds(Field::Attributes)).collect();
    if !holders.is_empty() {
        values::check_auto_delete(pairs, &kinds(&holders), reporter);
    }
}

/// `${…}` is replaced in a few keys of the providers and in `state` only: in a room it is sent literally.
fn variables_are_not_used(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let mut check = |text: &str, at: &dyn Fn() -> Vec<PathSegment>| {
        if text.contains("${") {
            let help = format!("it works in {KEYS} only; the service gets it literally");
            let finding =
                Finding::warning("variable_not_replaced", "`${…}` is not replaced here").help(help);
            reporter.at(at(), finding);
        }
    };
    if let Some(Text(id)) = &input.raw.id {
        check(id, &|| vec![key("id")]);
    }
    for field in Field::ALL {
        if let Some(RawValue::Text(text)) = input.raw.raw_value(*field) {
            check(text, &|| path(*field));
        }
    }
}
