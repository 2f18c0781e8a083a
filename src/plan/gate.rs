//! The gate between plan and apply: when destroys and replaces are held back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Desired, Gate, GateLimit, Recorded, Refusal, RefusalKind, Step, Weight};

/// How many files are named one by one.
const NAMED: usize = 3;

/// Tells why the counted steps are held back, if they are.
pub(super) fn judge(steps: &[Step], desired: &Desired, recorded: &Recorded) -> Gate {
    let counted = steps.iter().filter(|step| step.weight == Weight::Counted).count() as u64;
    let rules = [
        too_many(counted, desired.policy.max_destroy, recorded.rooms.len() as u64),
        nothing_desired(counted, desired),
        file_not_read(steps, &desired.files, recorded),
    ];
    Gate { refusals: rules.into_iter().flatten().collect(), counted }
}

fn too_many(counted: u64, max_destroy: GateLimit, recorded: u64) -> Option<Refusal> {
    let most = max_destroy.of(recorded, 1);
    let rule = match max_destroy {
        GateLimit::Count(count) => format!("max_destroy: {count}"),
        GateLimit::Percent(percent) => format!("max_destroy: {percent}%"),
    };
    let message = || {
        format!(
            "{} destroyed, replaced, forgotten or brought back before their time, and `{rule}` of \
             {recorded} recorded allows {most}",
            rooms(counted, "would be")
        )
    };
    (counted > most).then(|| Refusal { kind: RefusalKind::MaxDestroy, message: message() })
}

fn nothing_desired(counted: u64, desired: &Desired) -> Option<Refusal> {
    let message = || format!("no room at all is declared, and {} go", rooms(counted, "would"));
    (desired.rooms.is_empty() && counted > 0)
        .then(|| Refusal { kind: RefusalKind::NothingDesired, message: message() })
}

/// A room whose file was not read in this run is not taken for one that was taken out of it.
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
            "{} go whose file {verb} not read in this run: {}; a forgotten `-f`?",
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
