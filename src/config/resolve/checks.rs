//! The semantic checks of a room: a flat table, of which every check runs and reports.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{EmptyLife, Field, Finding, Kind, MissingField, Room, RoomPath};

use super::context::{RejectedDefault, ResolveContext};
use super::provider::{DeclaredProvider, check_declared};
use crate::config::diagnostics::{PathSegment, Reporter, index, key, kinds, listed, missing_key};
use crate::config::raw::{self, Pairs, RawValue, Text};
use crate::config::values::{self, doubtful, field_error, holders, path, shown};
use crate::config::variables::KEYS;

/// The input of the checks of one room.
pub(super) struct RoomInput<'a> {
    /// The room as in the file.
    pub raw: &'a raw::Room,
    /// The room with the defaults, for each kind of its providers.
    pub by_kind: &'a [(Kind, Arc<Room>)],
    /// The declared providers that it names.
    pub providers: &'a [&'a DeclaredProvider],
    /// The context of the rooms of its file.
    pub context: &'a ResolveContext<'a>,
    /// How the room was made.
    pub origin: RoomOrigin,
}

/// How a room was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RoomOrigin {
    /// Written in the file.
    Written,
    /// Made by an entry with `for_each`.
    Expanded,
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
    ownership_is_not_declared,
    attributes_are_valid,
    attributes_stay_apart,
    auto_delete_is_supported,
    ignored_paths_are_known,
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
        .help("use another character: a room's id cannot be changed later");
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
        check_declared(name, input.context.declared, vec![key("provider")], reporter);
    }
}

fn providers_are_known(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(names) = &input.raw.providers else { return };
    if names.is_empty() {
        let finding = Finding::error("provider", "`providers` is empty")
            .help("list the providers of the room, or remove the key");
        reporter.missing(vec![key("providers")], finding);
    }
    for (at, Text(name)) in names.iter().enumerate() {
        let path = vec![key("providers"), index(at)];
        if names[..at].iter().any(|Text(earlier)| earlier == name) {
            let finding = Finding::error("provider", format!("duplicate provider `{name}`"))
                .help("remove one of them");
            reporter.at(path, finding);
        } else {
            check_declared(name, input.context.declared, path, reporter);
        }
    }
}

fn provider_is_named(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let raw::Room { provider, providers, .. } = input.raw;
    let default = &input.context.defaults.provider;
    let has_one = provider.is_some() || providers.is_some() || default.is_some();
    if has_one || input.context.declared.len() < 2 {
        return;
    }
    let names: Vec<&str> = input.context.declared.keys().map(|name| &**name).collect();
    let help = format!(
        "write `provider: NAME`, one of {}, or `defaults: {{provider: NAME}}` for the whole file",
        listed(&names)
    );
    let finding =
        Finding::error("missing_key", "a room needs `provider` if several are declared").help(help);
    reporter.missing(Vec::new(), finding);
}

/// Reports fields that none of the kinds has. Each kind gets the fields that it has.
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
    for RejectedDefault { kind, field, finding } in &input.context.defaults.rejected {
        let inherits = input.kinds().any(|own| own == *kind);
        if inherits && input.raw.raw_value(*field).is_none() {
            let message = format!("from `defaults`: {}", finding.message);
            let finding = Finding { message, ..finding.clone() };
            reporter.at(vec![key("id")], finding);
        }
    }
}

/// Warns about missing fields that a room of its kind should have.
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
            (earlier.kind, earlier.limits, &earlier.ownership_key)
                == (known.kind, known.limits, &known.ownership_key)
        };
        if providers[..at].iter().any(same) {
            continue;
        }
        let room = input.by_kind.iter().find(|(kind, _)| known.kind == Some(*kind));
        if let Some((kind, room)) = room.filter(|(kind, _)| kind.holds(Field::Attributes)) {
            let own = known.ownership_key.as_deref();
            values::check_attribute_limits(*kind, &room.attributes, own, &known.limits, reporter);
        }
    }
}

/// Reports a room that declares the ownership attribute or leaves it to others, since roomctl sets it.
fn ownership_is_not_declared(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let keys = input.providers.iter().filter_map(|known| known.ownership_key.as_deref());
    let keys: BTreeSet<&str> = keys.collect();
    for own in keys {
        let message = format!("`{own}` is the provider's `ownership_attribute`");
        let finding = |message| Finding::error("ownership_attribute", message);
        let pairs = input.raw.attributes.as_ref().map_or(&[][..], |pairs| &pairs.0);
        if pairs.iter().any(|(Text(name), _)| &**name == own) {
            let finding = finding(message).help("remove it: roomctl writes it into every room");
            reporter.at_key(vec![key("attributes"), key(own)], finding);
        } else if input.context.defaults.room.attributes.get(own).is_some() {
            let finding = finding(format!("from `defaults`: {message}"))
                .help("remove it from `defaults`: roomctl writes it into every room");
            reporter.at(vec![key("id")], finding);
        }
        let ignored = input.raw.lifecycle.as_ref().and_then(|it| it.ignore_changes.as_deref());
        for (at, Text(path)) in ignored.unwrap_or_default().iter().enumerate() {
            if RoomPath::parse(path) == Some(RoomPath::Attribute(own)) {
                let message = format!(
                    "`ignore_changes` cannot name `{own}`, the provider's `ownership_attribute`"
                );
                let path = vec![key("lifecycle"), key("ignore_changes"), index(at)];
                reporter.at(path, finding(message).help("remove it"));
            }
        }
    }
}

fn attributes_are_valid(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    values::check_attributes(input.raw.attributes.as_ref(), &[], reporter);
}

/// Reports equal attribute keys in a room of an entry. In a written room they are a syntax error.
fn attributes_stay_apart(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let (RoomOrigin::Expanded, Some(Pairs(pairs))) = (input.origin, &input.raw.attributes) else {
        return;
    };
    let mut keys: Vec<&str> = pairs.iter().map(|(Text(name), _)| &**name).collect();
    keys.sort_unstable();
    if let Some([name, ..]) = keys.windows(2).find(|two| two[0] == two[1]) {
        let message = format!("`attributes` has two keys `{name}`");
        let finding = Finding::error("duplicate_key", message).help("remove one of them");
        reporter.at_key(vec![key("attributes")], finding);
    }
}

/// Reports `auto_delete` attributes of a room without a ZIM side, since only ZIM supports them. The other
/// kinds of a room with a ZIM side ignore them.
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

/// Reports ignored paths that are fields of none of its kinds.
fn ignored_paths_are_known(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let held = |field: &Field| !input.kinds_are_known() || input.kinds().any(|it| it.holds(*field));
    let fields: Vec<Field> = Field::ALL.iter().copied().filter(held).collect();
    let lifecycle = input.raw.lifecycle.as_ref();
    values::check_ignored(lifecycle, &fields, &[key("lifecycle")], reporter);
}

/// Warns about `${…}` in a room without `for_each`, where it is sent literally: it is replaced only in a few
/// keys of the providers, in `state`, and in entries with `for_each`.
fn variables_are_not_used(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    match input.origin {
        RoomOrigin::Written => {}
        RoomOrigin::Expanded => return,
    }
    let mut check = |text: &str, at: &dyn Fn() -> Vec<PathSegment>| {
        if text.contains("${") {
            let help = format!(
                "it works in {KEYS}, and in rooms with `for_each`; here the service receives it literally"
            );
            let finding =
                Finding::warning("variable_not_replaced", "`${…}` is not replaced here").help(help);
            reporter.missing(at(), finding);
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
