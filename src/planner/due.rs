//! Which rooms to query before planning.

use crate::model::{
    Address, Desired, DesiredRoom, Observed, OnConflict, OnOccupied, Origin, Provider,
    ProviderName, Recorded, RecordedRoom, Refresh, Replace, Timestamp,
};

use super::join::{Join, Row};
use super::moved::as_declared;

/// What the observations are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `plan`: under `all` it also queries declared rooms that are not recorded, so that a conflict
    /// shows in review.
    Plan,
    /// `apply`: a create detects a conflict by itself, unless it would adopt the room.
    Apply,
    /// Only recorded rooms are queried.
    Record,
}

/// Returns the rooms to query, sorted by address.
///
/// Under `due` these are:
/// - recorded rooms whose earliest end has passed, and rooms with a pending call, an uncertain origin, or
///   attributes of others that are still to be set;
/// - rooms to be destroyed or replaced under `on_occupied: defer`, if they were last seen with people
///   inside or have other sides; those sides are queried too;
/// - rooms that would be replaced for a field that the service reports, since it may be as declared
///   already;
/// - if the provider has an ownership attribute, all rooms to be destroyed or replaced, since another
///   state may have taken them over.
///
/// Under `on_conflict: adopt` of the policy or of a room, unless nothing is queried, also the declared
/// rooms that are not recorded, so that the plan shows whether each is created or adopted.
#[must_use]
pub fn due(
    desired: &Desired,
    recorded: &Recorded,
    mode: Refresh,
    purpose: Purpose,
    now: &dyn Fn(&ProviderName) -> Timestamp,
) -> Vec<Address> {
    let nothing = Observed::default();
    let declared = as_declared(desired, recorded);
    let rows = Join::new(desired, &declared.recorded, &nothing);
    let mut others = Vec::new();
    let mut is_queried = |row: &Row<'_>| {
        let Some(provider) = desired.providers.get(&row.address.provider) else { return false };
        match (mode, row.recorded) {
            (Refresh::Never, _) => false,
            (Refresh::Due | Refresh::All, None) => {
                let of_room = row.desired.and_then(|declared| declared.on_conflict);
                let adopts = of_room.unwrap_or(desired.policy.on_conflict) == OnConflict::Adopt;
                let is_queried = match purpose {
                    Purpose::Plan => adopts || mode == Refresh::All,
                    Purpose::Apply => adopts,
                    Purpose::Record => false,
                };
                is_queried && provider.kind().origin() != Origin::FirstUser
            }
            (Refresh::All, Some(_)) => true,
            (Refresh::Due, Some(record)) => {
                let destroyed = || {
                    is_destroyed(desired, provider, row.desired, record)
                        && defers_while_occupied(desired, provider, record)
                };
                let has_other_sides = !record.sides.is_single()
                    && destroyed()
                    && add_others(&mut others, row.address, record, desired);
                has_other_sides
                    || is_due(provider, record, now(&provider.name))
                    || provider.kind().reports_fields()
                        && is_replaced(provider, row.desired, record)
                    || was_last_seen_with_people(record) && destroyed()
                    || provider.application.ownership().is_some()
                        && is_destroyed(desired, provider, row.desired, record)
            }
        }
    };
    let mut due: Vec<Address> =
        rows.filter(|row| is_queried(row)).map(|row| row.address.clone()).collect();
    if !others.is_empty() {
        due.extend(others);
        due.sort();
        due.dedup();
    }
    due
}

/// Adds the other sides of a room that is to be destroyed, since people there count for it. Returns
/// whether it has any.
fn add_others(
    others: &mut Vec<Address>,
    address: &Address,
    record: &RecordedRoom,
    desired: &Desired,
) -> bool {
    let declared = |other: &Address| desired.providers.contains_key(&other.provider);
    let before = others.len();
    others.extend(record.sides.others(address).filter(declared));
    others.len() > before
}

fn is_due(provider: &Provider, record: &RecordedRoom, now: Timestamp) -> bool {
    let over = record.earliest_end(&provider.application).is_some_and(|end| now >= end);
    let carries = !record.carried().is_empty() && !record.is_destroyed();
    over || record.pending.is_some() || record.contested.is_some() || carries
}

/// Returns whether a destroy of the room is deferred while people are inside.
fn defers_while_occupied(desired: &Desired, provider: &Provider, record: &RecordedRoom) -> bool {
    let sides = record.sides.iter().filter_map(|side| desired.providers.get(side));
    let kinds = sides.map(Provider::kind).chain([provider.kind()]);
    desired.policy.on_occupied(kinds) == OnOccupied::Defer
}

/// Returns whether people were inside when the room was last seen.
fn was_last_seen_with_people(record: &RecordedRoom) -> bool {
    record.last_seen_with_people.is_some() && record.last_seen == record.last_seen_with_people
}

/// Returns whether the room is to be destroyed, or replaced now.
fn is_destroyed(
    desired: &Desired,
    provider: &Provider,
    declared: Option<&DesiredRoom>,
    record: &RecordedRoom,
) -> bool {
    let replaced = || match desired.policy.replace {
        Replace::Now => is_replaced(provider, declared, record),
        Replace::OnNextVanish => false,
    };
    declared.is_none() || replaced()
}

/// Returns whether the room is to be replaced.
fn is_replaced(provider: &Provider, desired: Option<&DesiredRoom>, record: &RecordedRoom) -> bool {
    desired.is_some_and(|declared| {
        let differs = |room| record.room.replaced_for(provider.kind(), room).is_some();
        let ignored = &declared.ignore_changes;
        differs(&declared.room)
            && (ignored.is_empty() || differs(&declared.room.with_paths_of(ignored, &record.room)))
    })
}
