//! The entries that name the providers of a record: applications, hosts, renames.

use crate::applier::Connections;
use crate::model::{Desired, Moved, Provider, ProviderIdentity, ProviderName, Recorded};
use crate::planner::AsDeclared;
use crate::state::Entry;

/// The connections under the declared names, and under those that they were renamed from: a call that
/// is still open may be recorded there.
pub(super) fn with_old_names(desired: &Desired, connections: &Connections) -> Connections {
    let mut all = connections.clone();
    for Moved { from, to } in &desired.moved {
        if let Some(connection) = connections.get(to) {
            all.insert(from.clone(), connection.clone());
        }
    }
    all
}

/// The entries of rooms that were moved, in one append: each is recorded under its new address before
/// it is removed from the old one, so that it is never unrecorded.
pub(super) fn moves(desired: &Desired, declared: &AsDeclared<'_>) -> Vec<Entry> {
    let AsDeclared { recorded, moved, removed } = declared;
    let new = desired.moved.iter().filter(|moved| removed.contains(&moved.from));
    let new = new.filter_map(|moved| desired.providers.get(&moved.to));
    let mut entries: Vec<Entry> = new
        .map(|provider| Entry::Provider(provider.name.clone(), ProviderIdentity::of(provider)))
        .collect();
    for (address, old) in moved {
        let Some(record) = recorded.rooms.get(address) else { continue };
        let (address, record) = (address.clone(), record.clone());
        let removed = (address != *old).then(|| Entry::Removed(old.clone()));
        entries.push(if record.pending.is_some() {
            Entry::Intent(address, record)
        } else {
            Entry::Result(address, record)
        });
        entries.extend(removed);
    }
    entries.extend(removed.iter().cloned().map(Entry::ProviderRemoved));
    entries
}

/// The entries of the applications that `used` or recorded rooms belong to, where the record has none
/// or another one of them.
pub(super) fn identities(
    desired: &Desired,
    recorded: &Recorded,
    used: impl Fn(&ProviderName) -> bool,
) -> Vec<Entry> {
    let of = |(name, provider): (&ProviderName, &Provider)| {
        let identity = ProviderIdentity::of(provider);
        let new = recorded.providers.get(name) != Some(&identity)
            && (used(name) || recorded.rooms.keys().any(|address| address.provider == *name));
        new.then(|| Entry::Provider(name.clone(), identity))
    };
    desired.providers.iter().filter_map(of).collect()
}
