//! The gate between plan and apply: when destroys, replaces and recreates are held back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Address, Desired, Gate, GateLimit, Recorded, Refusal, RefusalKind, Step, Weight,
};

/// The number of files that a refusal names.
const NAMED: usize = 3;

/// Returns the refusals: of steps that end a room's life or its record, and of steps that recreate
/// rooms before their time. Each group has separate limits.
pub(super) fn evaluate(steps: &[Step], desired: &Desired, recorded: &Recorded) -> Gate {
    let count = |weight: Weight| steps.iter().filter(|step| step.weight == weight).count() as u64;
    let (counted, recreated) = (count(Weight::Counted), count(Weight::Recreated));
    if counted == 0 && recreated == 0 {
        return Gate::default();
    }
    let recorded_rooms = of_declared_providers(desired, recorded);
    let rules = [
        too_many_destroys(counted, desired.policy.max_destroy, recorded_rooms),
        nothing_desired(counted, desired),
        file_not_read(steps, &desired.files, recorded),
        too_many_recreates(recreated, desired.policy.max_recreate, recorded_rooms),
    ];
    Gate { refusals: rules.into_iter().flatten().collect(), counted, recreated }
}

/// Returns the number of recorded rooms with a declared provider, of which a percentage is taken.
fn of_declared_providers(desired: &Desired, recorded: &Recorded) -> u64 {
    let declared = |address: &&Address| desired.providers.contains_key(&address.provider);
    recorded.rooms.keys().filter(declared).count() as u64
}

fn too_many_destroys(counted: u64, max_destroy: GateLimit, recorded: u64) -> Option<Refusal> {
    let most = max_destroy.of(recorded, 1);
    let message = || {
        let allowed = allowed("max_destroy", max_destroy, recorded, most);
        format!("{} destroyed, replaced or forgotten, but {allowed}", rooms(counted, "would be"))
    };
    (counted > most).then(|| Refusal { kind: RefusalKind::MaxDestroy, message: message() })
}

/// Refuses to recreate many rooms that are gone before their time: perhaps the queried application or
/// region is not the one in which they were made.
fn too_many_recreates(recreated: u64, max_recreate: GateLimit, recorded: u64) -> Option<Refusal> {
    let most = max_recreate.of(recorded, 3);
    let message = || {
        let (gone, their, would) = match recreated {
            1 => ("is gone", "its", "it"),
            _ => ("are gone", "their", "they"),
        };
        let allowed = allowed("max_recreate", max_recreate, recorded, most);
        format!(
            "{} before {their} time: {would} would be recreated, but {allowed} (wrong region or \
             application?)",
            rooms(recreated, gone)
        )
    };
    (recreated > most).then(|| Refusal { kind: RefusalKind::MaxRecreate, message: message() })
}

fn allowed(key: &str, limit: GateLimit, recorded: u64, most: u64) -> String {
    let recorded = match recorded {
        1 => "1 recorded room".to_owned(),
        more => format!("{more} recorded rooms"),
    };
    match limit {
        GateLimit::Count(count) => format!("`{key}: {count}` allows {most}"),
        GateLimit::Percent(percent) => format!("`{key}: {percent}%` of {recorded} allows {most}"),
    }
}

fn nothing_desired(counted: u64, desired: &Desired) -> Option<Refusal> {
    let message = || {
        format!("no rooms are declared, and {} be destroyed or forgotten", rooms(counted, "would"))
    };
    (desired.rooms.is_empty() && counted > 0)
        .then(|| Refusal { kind: RefusalKind::NothingDesired, message: message() })
}

/// Refuses to remove rooms whose file was not read in this run: a missing `-f` does not mean that the
/// file no longer declares them.
fn file_not_read(
    steps: &[Step],
    files: &BTreeSet<Arc<str>>,
    recorded: &Recorded,
) -> Option<Refusal> {
    let was_read = |source: &Arc<str>| files.contains(source);
    if recorded.rooms.values().all(|room| was_read(&room.source)) {
        return None;
    }
    let mut unread = BTreeMap::<&str, u64>::new();
    for step in steps.iter().filter(|s| s.weight == Weight::Counted && s.source.is_none()) {
        let source = recorded.rooms.get(&step.address).map(|room| &room.source);
        if let Some(source) = source.filter(|source| !was_read(source)) {
            *unread.entry(source).or_default() += 1;
        }
    }
    let count: u64 = unread.values().sum();
    let message = || {
        let verb = if unread.len() == 1 { "was" } else { "were" };
        format!(
            "{} be destroyed or forgotten whose file {verb} not read in this run: {}; is a `-f` missing?",
            rooms(count, "would"),
            names(&unread)
        )
    };
    (count > 0).then(|| Refusal { kind: RefusalKind::FileNotRead, message: message() })
}

fn names(files: &BTreeMap<&str, u64>) -> String {
    let named: Vec<String> = files.keys().take(NAMED).map(|file| format!("`{file}`")).collect();
    let rest = files.len() - named.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn rooms(count: u64, verb: &str) -> String {
    let noun = if count == 1 { "room" } else { "rooms" };
    format!("{count} {noun} {verb}")
}
