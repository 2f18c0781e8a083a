//! The `defaults` of a file: what its rooms hold where they do not say otherwise.

use std::collections::BTreeMap;

use crate::model::{Field, Finding, Kind, Lifecycle, Room};

use super::attributes;
use super::context::{lifecycle, resolve};
use super::diagnostics::{Diagnostics, Part, Reporter, key};
use super::document::Document;
use super::provider::DeclaredProvider;
use super::raw;
use super::values::{FieldError, fault};
use super::words::kinds;

/// What the rooms of a file hold where they do not say otherwise, and their kind has it.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    /// The fields, of whatever kind.
    pub room: Room,
    /// How the rooms may be handled.
    pub lifecycle: Lifecycle,
    /// What some of the declared kinds take and others do not: told of the rooms that inherit it.
    pub unfit: Vec<UnfitDefault>,
}

/// A default that does not fit a kind.
#[derive(Clone, Debug)]
pub(super) struct UnfitDefault {
    pub kind: Kind,
    pub field: Field,
    pub finding: Finding,
}

/// Resolves the `defaults` of a file.
pub(super) fn defaults(
    document: &Document,
    known: &BTreeMap<Box<str>, DeclaredProvider>,
    diagnostics: &mut Diagnostics,
) -> Defaults {
    let Some(raw) = &document.head.defaults else { return Defaults::default() };
    let (file, reading) = (document.file, document.reading);
    let mut reporter = Reporter { diagnostics, file, part: Part::Head, reading };
    let declared = declared_kinds(known);
    keys_reach_a_room(raw, &declared, &mut reporter);
    attributes::sound(raw.attributes.as_ref(), &[key("defaults")], &mut reporter);
    Defaults {
        room: resolve(Field::ALL, &|field| raw.raw_value(field), &Room::default()),
        lifecycle: lifecycle(raw.lifecycle.as_ref(), Lifecycle::default()),
        unfit: unfit(raw, &declared, &mut reporter),
    }
}

/// The kinds of all declared providers; every kind where one of them is not known.
fn declared_kinds(known: &BTreeMap<Box<str>, DeclaredProvider>) -> Vec<Kind> {
    let declared = |kind: &&Kind| known.values().any(|it| it.kind == Some(**kind));
    if known.is_empty() || known.values().any(|it| it.kind.is_none()) {
        return Kind::ALL.to_vec();
    }
    Kind::ALL.iter().filter(declared).copied().collect()
}

/// A key that no declared kind has reaches no room at all. That is a warning: nothing is ignored
/// without a word, but a file of defaults may be shared by applications of several kinds.
fn keys_reach_a_room(raw: &raw::Defaults, declared: &[Kind], reporter: &mut Reporter<'_>) {
    for (name, field) in raw.keys() {
        if declared.iter().any(|kind| kind.holds(field)) {
            continue;
        }
        let message = format!(
            "no room takes `{name}` from `defaults`: {} rooms have it, and no provider is of that kind",
            holders(field)
        );
        let finding = Finding::warning("default_unused", message).help("take it out");
        reporter.at_key(vec![key("defaults"), key(name)], finding);
    }
}

/// The kinds whose rooms hold a field, as one part of a sentence.
pub(super) fn holders(field: Field) -> String {
    let holders: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.holds(field)).collect();
    kinds(&holders)
}

/// Tells of values that no kind takes, and returns those that some kinds do not.
fn unfit(raw: &raw::Defaults, declared: &[Kind], reporter: &mut Reporter<'_>) -> Vec<UnfitDefault> {
    let mut unfit = Vec::new();
    for field in Field::ALL {
        let Some(value) = raw.raw_value(*field) else { continue };
        let judge = |kinds: &[Kind]| -> Vec<(Kind, Option<FieldError>)> {
            let holding = kinds.iter().filter(|kind| kind.holds(*field));
            holding.map(|kind| (*kind, fault(*kind, *field, value))).collect()
        };
        let mut judged = judge(declared);
        if judged.is_empty() {
            judged = judge(Kind::ALL);
        }
        let all = judged.iter().all(|(_, fault)| fault.is_some());
        let found = judged.into_iter().filter_map(|(kind, fault)| Some((kind, fault?)));
        for (kind, (steps, finding)) in found {
            if all {
                reporter.at([vec![key("defaults")], steps].concat(), finding);
                break;
            }
            unfit.push(UnfitDefault { kind, field: *field, finding });
        }
    }
    unfit
}
