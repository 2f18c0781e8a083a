//! The journal entries about providers: applications, hosts, renames.

use crate::applier::Connections;
use crate::model::{Desired, Moved, Provider, ProviderIdentity, ProviderName, Recorded};
use crate::planner::AsDeclared;
use crate::state::Entry;

/// Returns the connections under their declared names and under the names that they were renamed from: an
/// open call may be recorded under the old name.
pub(super) fn with_old_names(desired: &Desired, connections: &Connections) -> Connections {
    let mut all = connections.clone();
    for Moved { from, to } in &desired.moved {
        if let Some(connection) = connections.get(to) {
            all.insert(from.clone(), connection.clone());
        }
    }
    all
}

/// Returns the entries of rooms that were moved, for one append. Each room is recorded under its new address
/// before it is removed from the old one, so that it is never unrecorded.
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

/// Returns an entry for each provider that is `used` or has recorded rooms and whose application is not
/// recorded or has changed.
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
