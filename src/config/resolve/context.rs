//! The context in which the rooms of a file are resolved: its defaults, the providers, its name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Address, Attribute, Attributes, DesiredRoom, Field, Finding, Kind, Lifecycle, OnConflict,
    ProviderName, Room, RoomId, Sides, ValueRef,
};

use super::provider::{DeclaredProvider, check_declared};
use crate::config::decode::Document;
use crate::config::diagnostics::{Diagnostics, Part, Reporter, key};
use crate::config::raw::{self, AttributeValue, FullAttribute, Pairs, RawValue, Text};
use crate::config::values::{self, FieldError, delay, field_error, holders, value};

/// The context in which the rooms of one file are resolved.
pub(super) struct ResolveContext<'a> {
    /// Every declared provider.
    pub declared: &'a BTreeMap<Box<str>, DeclaredProvider>,
    /// The file's `defaults`.
    pub defaults: Defaults,
    /// The recorded path of the file.
    pub source: Arc<str>,
}

/// A room with the fields of each of its kinds.
pub(super) type RoomByKind = Vec<(Kind, Arc<Room>)>;

impl<'a> ResolveContext<'a> {
    /// Returns the declared providers of a room: those that it names, or else that of the defaults, or
    /// else the only one.
    pub(super) fn providers(&self, raw: &raw::Room) -> Vec<&'a DeclaredProvider> {
        match (&raw.provider, &raw.providers) {
            (Some(Text(one)), _) => self.declared.get(one).into_iter().collect(),
            (None, Some(several)) => {
                several.iter().filter_map(|Text(one)| self.declared.get(one)).collect()
            }
            (None, None) if self.defaults.provider.is_some() => {
                let default = self.defaults.provider.as_deref();
                default.and_then(|name| self.declared.get(name)).into_iter().collect()
            }
            (None, None) if self.declared.len() == 1 => self.declared.values().collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Resolves a room with the defaults, for each kind of its providers. Equal rooms share memory.
    pub(super) fn by_kind(&self, raw: &raw::Room, providers: &[&DeclaredProvider]) -> RoomByKind {
        let mut all = RoomByKind::with_capacity(1);
        let assumed = if providers.is_empty() { self.only_kind() } else { None };
        for kind in providers.iter().filter_map(|provider| provider.kind).chain(assumed) {
            if all.iter().any(|(earlier, _)| *earlier == kind) {
                continue;
            }
            let room = resolve(kind.fields(), &|field| raw.raw_value(field), &self.defaults.room);
            let room = if kind.spec().auto_delete { room } else { without_auto_delete(room) };
            let same = all.iter().find(|(_, earlier)| **earlier == room);
            let room = same.map_or_else(|| Arc::new(room), |(_, earlier)| Arc::clone(earlier));
            all.push((kind, room));
        }
        all
    }

    /// Returns the common kind of all declared providers, if there is one. It is assumed for a room
    /// whose provider is unknown.
    fn only_kind(&self) -> Option<Kind> {
        let mut kinds = self.declared.values().map(|provider| provider.kind);
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// Returns a room as declared at one of its providers.
    pub(super) fn declare(
        &self,
        raw: &raw::Room,
        id: &str,
        provider: &ProviderName,
        room: Arc<Room>,
        sides: &Sides,
    ) -> DesiredRoom {
        DesiredRoom {
            address: Address::new(provider.clone(), RoomId::new(id)),
            room,
            lifecycle: lifecycle(raw.lifecycle.as_ref(), self.defaults.lifecycle),
            ignore_changes: ignore_changes(raw.lifecycle.as_ref(), &self.defaults.ignore_changes),
            on_conflict: raw
                .lifecycle
                .as_ref()
                .and_then(|raw| raw.on_conflict)
                .or(self.defaults.on_conflict),
            sides: sides.clone(),
            source: Arc::clone(&self.source),
            line: None,
        }
    }
}

/// Resolves `fields`: a room's own values over the defaults.
pub(super) fn resolve<'a>(
    fields: impl Iterator<Item = Field>,
    raw: &dyn Fn(Field) -> Option<RawValue<'a>>,
    defaults: &Room,
) -> Room {
    let mut room = Room::default();
    for field in fields {
        match (field, raw(field)) {
            (_, Some(RawValue::Delay(amount))) => room.destroy_delay_time = delay(amount),
            (Field::DestroyDelayTime, _) => room.destroy_delay_time = defaults.destroy_delay_time,
            (_, Some(RawValue::Attributes(own))) => {
                room.attributes = attributes(own, &defaults.attributes);
            }
            (Field::Attributes, _) => room.attributes.clone_from(&defaults.attributes),
            (field, raw) => {
                let inherited = || defaults.value(field).map(ValueRef::to_value);
                if let Some(value) = raw.and_then(value).or_else(inherited) {
                    room.set(field, Some(value));
                }
            }
        }
    }
    room
}

/// Removes `auto_delete` attributes, which only some services support.
fn without_auto_delete(mut room: Room) -> Room {
    if room.attributes.iter().any(|(_, attribute)| attribute.auto_delete) {
        let kept = room.attributes.iter().filter(|(_, attribute)| !attribute.auto_delete);
        room.attributes = kept.map(|(key, attribute)| (key, attribute.clone())).collect();
        room.attributes.shrink_to_fit();
    }
    room
}

/// Returns a room's own attributes over those of the defaults.
fn attributes(own: &Pairs<AttributeValue>, defaults: &Attributes) -> Attributes {
    let inherited = defaults.iter().map(|(key, attribute)| (key, attribute.clone()));
    let own = own.0.iter().map(|(Text(key), value)| (&**key, attribute(value)));
    inherited.chain(own).collect()
}

fn attribute(value: &AttributeValue) -> Attribute {
    match value {
        AttributeValue::Text(Text(text)) => Attribute { value: text.clone(), auto_delete: false },
        AttributeValue::Full(FullAttribute { value, auto_delete }) => Attribute {
            value: value.as_ref().map(|Text(text)| text.clone()).unwrap_or_default(),
            auto_delete: auto_delete.unwrap_or_default(),
        },
    }
}

/// Returns a room's own lifecycle over that of the defaults.
pub(super) fn lifecycle(raw: Option<&raw::Lifecycle>, defaults: Lifecycle) -> Lifecycle {
    let Some(raw::Lifecycle { prevent_destroy, on_remove, ignore_changes: _, on_conflict: _ }) =
        raw
    else {
        return defaults;
    };
    Lifecycle {
        prevent_destroy: prevent_destroy.unwrap_or(defaults.prevent_destroy),
        on_remove: on_remove.unwrap_or(defaults.on_remove),
    }
}

/// Returns the ignored paths of a room: its own, or else those of the defaults.
fn ignore_changes(raw: Option<&raw::Lifecycle>, defaults: &[Box<str>]) -> Box<[Box<str>]> {
    let Some(paths) = raw.and_then(|raw| raw.ignore_changes.as_ref()) else {
        return defaults.into();
    };
    let paths: BTreeSet<&str> = paths.iter().map(|Text(path)| &**path).collect();
    paths.into_iter().map(Into::into).collect()
}

/// The values for rooms of a file that do not set them.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    /// The provider of the rooms that name none.
    pub provider: Option<Box<str>>,
    /// The fields of any kind.
    pub room: Room,
    /// The lifecycle.
    pub lifecycle: Lifecycle,
    /// The paths that `ignore_changes` names.
    pub ignore_changes: Box<[Box<str>]>,
    /// What to do with rooms that exist and that we did not make.
    pub on_conflict: Option<OnConflict>,
    /// Values that some of the declared kinds do not accept. They are reported for the rooms that
    /// inherit them.
    pub rejected: Vec<RejectedDefault>,
}

/// A default that a kind does not accept.
#[derive(Clone, Debug)]
pub(super) struct RejectedDefault {
    pub kind: Kind,
    pub field: Field,
    pub finding: Finding,
}

/// Resolves the `defaults` of a file.
pub(super) fn defaults(
    document: &Document,
    declared: &BTreeMap<Box<str>, DeclaredProvider>,
    diagnostics: &mut Diagnostics,
) -> Defaults {
    let Some(raw) = &document.head.defaults else { return Defaults::default() };
    let (file, reading) = (document.file, document.reading);
    let mut reporter = Reporter { diagnostics, file, part: Part::Head, reading };
    let kinds = declared_kinds(declared);
    keys_apply_to_a_kind(raw, &kinds, &mut reporter);
    let path = [key("defaults"), key("lifecycle")];
    values::check_ignored(raw.lifecycle.as_ref(), Field::ALL, &path, &mut reporter);
    values::check_attributes(raw.attributes.as_ref(), &[key("defaults")], &mut reporter);
    let provider = raw.provider.as_ref().map(|Text(name)| name.clone());
    if let Some(name) = &provider {
        let path = vec![key("defaults"), key("provider")];
        check_declared(name, declared, path, &mut reporter);
    }
    Defaults {
        provider,
        room: resolve(Field::ALL.iter().copied(), &|field| raw.raw_value(field), &Room::default()),
        lifecycle: lifecycle(raw.lifecycle.as_ref(), Lifecycle::default()),
        ignore_changes: ignore_changes(raw.lifecycle.as_ref(), &[]),
        on_conflict: raw.lifecycle.as_ref().and_then(|raw| raw.on_conflict),
        rejected: rejected(raw, &kinds, &mut reporter),
    }
}

/// Returns the kinds of all declared providers; every kind if one of them is unknown.
fn declared_kinds(known: &BTreeMap<Box<str>, DeclaredProvider>) -> Vec<Kind> {
    let declared = |kind: &&Kind| known.values().any(|it| it.kind == Some(**kind));
    if known.is_empty() || known.values().any(|it| it.kind.is_none()) {
        return Kind::ALL.to_vec();
    }
    Kind::ALL.iter().filter(declared).copied().collect()
}

/// Reports keys that no declared kind has. It is a warning because applications of several kinds may
/// share a file of defaults.
fn keys_apply_to_a_kind(raw: &raw::Defaults, declared: &[Kind], reporter: &mut Reporter<'_>) {
    for (name, field) in raw.keys() {
        if declared.iter().any(|kind| kind.holds(field)) {
            continue;
        }
        let message = format!(
            "`{name}` in `defaults` is unused: only {} rooms have it, and no provider is of that kind",
            holders(field)
        );
        let finding = Finding::warning("default_unused", message).help("remove it");
        reporter.at_key(vec![key("defaults"), key(name)], finding);
    }
}

/// Reports values that no kind accepts, and returns those that only some kinds accept.
fn rejected(
    raw: &raw::Defaults,
    declared: &[Kind],
    reporter: &mut Reporter<'_>,
) -> Vec<RejectedDefault> {
    let mut rejected = Vec::new();
    for field in Field::ALL {
        let Some(value) = raw.raw_value(*field) else { continue };
        let check = |kinds: &[Kind]| -> Vec<(Kind, Option<FieldError>)> {
            let holding = kinds.iter().filter(|kind| kind.holds(*field));
            holding.map(|kind| (*kind, field_error(*kind, *field, value))).collect()
        };
        let mut checked = check(declared);
        if checked.is_empty() {
            checked = check(Kind::ALL);
        }
        let all = checked.iter().all(|(_, error)| error.is_some());
        let found = checked.into_iter().filter_map(|(kind, error)| Some((kind, error?)));
        for (kind, (path, finding)) in found {
            if all {
                reporter.at([vec![key("defaults")], path].concat(), finding);
                break;
            }
            rejected.push(RejectedDefault { kind, field: *field, finding });
        }
    }
    rejected
}
