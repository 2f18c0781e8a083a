//! Whom to ask before planning.

use crate::model::{
    Address, Desired, DesiredRoom, Observed, OnOccupied, Provider, ProviderName, Recorded,
    RecordedRoom, Refresh, Timestamp,
};

use super::diff;
use super::join::{Join, Row};

/// What the answers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `plan`: under `all` the declared rooms that are not recorded are asked after too, so that a
    /// conflict shows before the merge.
    Plan,
    /// `apply`: a create finds out by itself.
    Apply,
}

/// Tells which rooms are to be asked after, in the order of the addresses.
///
/// Under `due`: recorded rooms whose earliest end has passed, rooms with something assumed or
/// pending, and rooms that are to be destroyed or replaced and were last seen with people inside.
#[must_use]
pub fn due(
    desired: &Desired,
    recorded: &Recorded,
    mode: Refresh,
    scope: Scope,
    now: &dyn Fn(&ProviderName) -> Timestamp,
) -> Vec<Address> {
    let nothing = Observed::default();
    let rows = Join::new(desired, recorded, &nothing);
    let asked = |row: &Row<'_>| {
        let Some(provider) = desired.providers.get(&row.address.provider) else { return false };
        match (mode, row.recorded) {
            (Refresh::Never, _) | (Refresh::Due, None) => false,
            (Refresh::All, None) => scope == Scope::Plan,
            (Refresh::All, Some(_)) => true,
            (Refresh::Due, Some(record)) => {
                is_due(record, now(&provider.name))
                    || desired.policy.on_occupied == OnOccupied::Defer
                        && was_occupied(record)
                        && goes(provider, row.desired, record)
            }
        }
    };
    rows.filter(asked).map(|row| row.address.clone()).collect()
}

fn is_due(record: &RecordedRoom, now: Timestamp) -> bool {
    now >= record.earliest_end() || record.assumed.any() || record.pending.is_some()
}

/// Whether people were inside when the room was last seen.
fn was_occupied(record: &RecordedRoom) -> bool {
    record.last_seen_with_people.is_some() && record.last_seen == record.last_seen_with_people
}

/// Whether the room is to be destroyed or replaced.
fn goes(provider: &Provider, desired: Option<&DesiredRoom>, record: &RecordedRoom) -> bool {
    desired.is_none_or(|declared| {
        diff::replacing(provider.kind, &record.room, &declared.room).is_some()
    })
}
