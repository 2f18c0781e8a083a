//! The checks of meaning on a room: a flat table, every one run, everything reported.

use std::sync::Arc;

use crate::model::{Field, Finding, Kind, Room};

use super::context::{ResolveContext, UnfitDefault};
use super::provider::DeclaredProvider;
use crate::config::diagnostics::{
    PathSegment, Reporter, index, key, kinds, listed, missing_key, suggestion,
};
use crate::config::raw::{self, RawValue, Text};
use crate::config::values::{self, doubtful, fault, holders, keeps_auto_delete, path, shown};
use crate::config::variables::KEYS;

/// A room with all that is known of it, as the checks see it.
pub(super) struct RoomInput<'a> {
    /// What the file says of it.
    pub raw: &'a raw::Room,
    /// What that comes to with the defaults, for each kind of its providers.
    pub by_kind: &'a [(Kind, Arc<Room>)],
    /// The providers that it names and that are declared.
    pub providers: &'a [&'a DeclaredProvider],
    /// What the rooms of its file stand on.
    pub context: &'a ResolveContext<'a>,
}

/// A check of one room.
type Check = fn(&RoomInput<'_>, &mut Reporter<'_>);

const CHECKS: &[Check] = &[
    id_is_taken,
    id_is_taken_everywhere,
    provider_is_known,
    providers_are_known,
    provider_is_named,
    keys_are_of_its_kinds,
    values_fit,
    defaults_fit,
    delay_is_there,
    seats_are_laid_out,
    attributes_are_few_and_small,
    attributes_are_sound,
    attributes_stay,
    variables_are_not_meant,
];

/// Checks a room.
pub(super) fn room(input: &RoomInput<'_>, mut reporter: Reporter<'_>) {
    for check in CHECKS {
        check(input, &mut reporter);
    }
}

impl RoomInput<'_> {
    /// The kinds of its providers, each once.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.by_kind.iter().map(|(kind, _)| *kind)
    }

    /// Whether nothing is unknown of its providers.
    fn kinds_are_known(&self) -> bool {
        let named = self.raw.providers.as_ref().map_or(self.providers.len(), Vec::len);
        let known = self.providers.len() == named && !self.providers.is_empty();
        known && self.providers.iter().all(|known| known.kind.is_some())
    }
}

fn id_is_taken(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(Text(id)) = &input.raw.id else {
        return reporter.missing(Vec::new(), missing_key("a room", "id"));
    };
    if id.is_empty() {
        let finding = Finding::error("room_id", "the id is empty").help("write the room's id");
        return reporter.at(vec![key("id")], finding);
    }
    for kind in input.kinds() {
        if let Some(message) = values::id_fault(kind, id) {
            let finding = Finding::error("room_id", format!("the id {message}"));
            reporter.at(vec![key("id")], finding.help(values::id_help(kind)));
        }
    }
}

fn id_is_taken_everywhere(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(Text(id)) = &input.raw.id else { return };
    let Some(doubtful) = doubtful(id) else { return };
    if !input.kinds().any(|kind| kind == Kind::Zim) {
        return;
    }
    let message =
        format!("the id holds {}, which only some pages of the vendor allow", shown(doubtful));
    let finding = Finding::warning("room_id_doubtful", message)
        .help("another character is safer; once the room is made, its id stays");
    reporter.at(vec![key("id")], finding);
}

fn provider_is_known(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let raw::Room { provider, providers, .. } = input.raw;
    if let (Some(_), Some(_)) = (provider, providers) {
        let finding = Finding::error("provider", "`provider` and `providers` stand both")
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
        let finding = Finding::error("provider", "`providers` names none")
            .help("name the providers that hold the room, or take the key out");
        reporter.missing(vec![key("providers")], finding);
    }
    for (at, Text(name)) in names.iter().enumerate() {
        let path = vec![key("providers"), index(at)];
        if names[..at].iter().any(|Text(earlier)| earlier == name) {
            let finding = Finding::error("provider", format!("`{name}` is named twice"))
                .help("take one of them out");
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
    let finding = Finding::error("unknown_provider", format!("no provider is named `{name}`"));
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

/// A field has to fit at least one of the kinds: each takes what it holds.
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
    let help = if field == Field::DestroyDelayTime && own.contains(&Kind::TencentLive) {
        "take it out: how long an empty room lives is set with Tencent, and said by the provider's \
         `dissolve_after`"
    } else {
        "take it out, or name a provider that holds it"
    };
    Finding::error("not_of_kind", message).help(help)
}

fn values_fit(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    for (kind, _) in input.by_kind {
        for field in kind.fields() {
            let raw = input.raw.raw_value(*field);
            if let Some((steps, finding)) = raw.and_then(|raw| fault(*kind, *field, raw)) {
                reporter.at(steps, finding);
            }
        }
    }
}

/// Tells of defaults that this room inherits and that its kind does not take.
fn defaults_fit(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    for UnfitDefault { kind, field, finding } in &input.context.defaults.unfit {
        let inherits = input.kinds().any(|own| own == *kind);
        if inherits && input.raw.raw_value(*field).is_none() {
            let message = format!("from `defaults`: {}", finding.message);
            let finding = Finding { message, ..finding.clone() };
            reporter.at(vec![key("id")], finding);
        }
    }
}

/// ZIM: without a DestroyDelayTime a room goes as soon as it is empty.
fn delay_is_there(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let zim = input.by_kind.iter().find(|(kind, _)| *kind == Kind::Zim);
    let bare = zim.is_some_and(|(_, room)| room.destroy_delay_time.is_none());
    if !bare || input.raw.destroy_delay_time.is_some() {
        return;
    }
    let finding = Finding::warning(
        "no_delay",
        "without `destroy_delay_time` the service destroys the room as soon as it is empty",
    )
    .help("write `destroy_delay_time: 1h` here, or in `defaults`");
    reporter.missing(vec![key("id")], finding);
}

/// Tencent: SeatTemplate is mandatory in the newest pages of create_room.
fn seats_are_laid_out(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let live = input.by_kind.iter().find(|(kind, _)| *kind == Kind::TencentLive);
    if live.is_none_or(|(_, room)| room.fields.of(Field::SeatTemplate).is_some()) {
        return;
    }
    let message = "without `seat_template` Tencent may refuse to make the room";
    let finding = Finding::warning("no_seat_template", message)
        .help("write `seat_template: VideoDynamicGrid9Seats`, or another, here or in `defaults`");
    reporter.missing(vec![key("id")], finding);
}

fn attributes_are_few_and_small(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
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
            values::attributes_within(*kind, &room.attributes, &known.limits, reporter);
        }
    }
}

fn attributes_are_sound(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    values::attributes_sound(input.raw.attributes.as_ref(), &[], reporter);
}

/// An attribute that goes with its user fits ZIM only: other kinds do not take it from a room that
/// has a ZIM side too, and a room without one cannot have it.
fn attributes_stay(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let Some(pairs) = &input.raw.attributes else { return };
    if input.kinds().any(keeps_auto_delete) || !input.kinds_are_known() {
        return;
    }
    let holders: Vec<Kind> = input.kinds().filter(|kind| kind.holds(Field::Attributes)).collect();
    if !holders.is_empty() {
        values::attributes_stay(pairs, &kinds(&holders), reporter);
    }
}

/// `${…}` is replaced in a few keys of the providers and in `state` only: in a room it would be sent as it stands.
fn variables_are_not_meant(input: &RoomInput<'_>, reporter: &mut Reporter<'_>) {
    let mut check = |text: &str, steps: &dyn Fn() -> Vec<PathSegment>| {
        if text.contains("${") {
            let help = format!("it works in {KEYS} only; the service gets it as it stands");
            let finding =
                Finding::warning("variable_not_replaced", "`${…}` is not replaced here").help(help);
            reporter.at(steps(), finding);
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
