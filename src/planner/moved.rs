//! Renamed providers: the record under the names that the files declare, and the steps that show it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Action, Address, Carried, Desired, Finding, Moved, OnConflict, People, Provider, ProviderName,
    Reason, Recorded, RecordedRoom, RoomId, Scope, Sides, Step, Weight,
};

use super::builder::{Phase, PlanBuilder};

/// The number of twice-recorded addresses that are listed.
const MAX_LISTED: usize = 100;

/// A record under the names that the files declare.
#[derive(Clone, Debug)]
pub struct AsDeclared<'a> {
    /// The record.
    pub recorded: Cow<'a, Recorded>,
    /// The rooms whose record changed, by new address, with the old one. Both are equal if only the
    /// name of another side changed.
    pub moved: BTreeMap<Address, Address>,
    /// The old names that are in the record.
    pub removed: BTreeSet<ProviderName>,
}

/// Returns the record under the names that the files declare, by `moved`. It is unchanged if none of
/// the old names is recorded.
#[must_use]
pub fn as_declared<'a>(desired: &Desired, recorded: &'a Recorded) -> AsDeclared<'a> {
    let known = |moved: &&Moved| is_known(recorded, &moved.from);
    let renamed: Renamed<'_> =
        desired.moved.iter().filter(known).map(|Moved { from, to }| (from, to)).collect();
    if renamed.is_empty() {
        let recorded = Cow::Borrowed(recorded);
        return AsDeclared { recorded, moved: BTreeMap::new(), removed: BTreeSet::new() };
    }
    let mut whole = Recorded { rooms: BTreeMap::new(), ..recorded.clone() };
    for (from, to) in &renamed {
        if let Some(identity) = whole.providers.remove(*from) {
            whole.providers.entry((*to).clone()).or_insert(identity);
        }
    }
    let mut moved = BTreeMap::new();
    for (old, record) in &recorded.rooms {
        let (address, sides) = (new_address(&renamed, old), new_sides(&renamed, &record.sides));
        if address != *old || sides.is_some() {
            moved.insert(address.clone(), old.clone());
        }
        let sides = sides.unwrap_or_else(|| record.sides.clone());
        whole.rooms.insert(address, RecordedRoom { sides, ..record.clone() });
    }
    let removed = renamed.into_keys().cloned().collect();
    AsDeclared { recorded: Cow::Owned(whole), moved, removed }
}

/// Returns the new address of a record, by `moved`.
#[must_use]
pub fn address_as_declared(desired: &Desired, address: &Address) -> Address {
    let renamed = desired.moved.iter().map(|Moved { from, to }| (from, to)).collect();
    new_address(&renamed, address)
}

/// Returns a finding for each room that is recorded under the old name and the new one with different
/// records, since neither is known to be right. Equal records are the result of an interrupted move.
pub(super) fn recorded_twice(desired: &Desired, recorded: &Recorded) -> Vec<Finding> {
    let renamed: Renamed<'_> = desired.moved.iter().map(|Moved { from, to }| (from, to)).collect();
    let twice = |old: &Address, record: &RecordedRoom| {
        let new = new_address(&renamed, old);
        let other = recorded.rooms.get(&new).filter(|_| new != *old)?;
        let sides =
            |it: &RecordedRoom| new_sides(&renamed, &it.sides).unwrap_or_else(|| it.sides.clone());
        let same = RecordedRoom { sides: sides(record), ..record.clone() }
            == RecordedRoom { sides: sides(other), ..other.clone() };
        (!same).then(|| {
            let message = format!("{old} is moved to {new}, and both are recorded");
            Finding::error("moved_twice", message).about(&new).help(format!(
                "remove the wrong one from the record: `roomctl state rm {old}`, or `roomctl state rm \
                 {new}`"
            ))
        })
    };
    renamed
        .keys()
        .flat_map(|from| rooms_of(recorded, from))
        .filter_map(|(old, record)| twice(old, record))
        .take(MAX_LISTED)
        .collect()
}

/// Returns whether rooms of a provider of this name are recorded.
pub(super) fn has_rooms(recorded: &Recorded, provider: &ProviderName) -> bool {
    rooms_of(recorded, provider).next().is_some()
}

/// Marks the record step of every moved room as moved, or adds one. Rooms outside the scope are moved
/// too, since a name is moved as a whole.
pub(super) fn add_steps(
    builder: &mut PlanBuilder<'_>,
    declared: &AsDeclared<'_>,
    desired: &Desired,
    scope: &Scope,
) {
    if declared.moved.is_empty() {
        return;
    }
    builder.unchanged -= unchanged(builder, declared, desired, scope);
    let mut added: BTreeMap<_, Vec<Step>> = BTreeMap::new();
    for address in declared.moved.keys() {
        let provider = desired.providers.get(&address.provider);
        let record = declared.recorded.rooms.get(address);
        let (Some(provider), Some(record)) = (provider, record) else { continue };
        let key = (Phase::Record, provider.kind());
        let records = builder.steps.0.entry(key).or_default();
        match records.binary_search_by(|step| step.address.cmp(address)) {
            Ok(at) => records[at].reason = Reason::Moved,
            Err(_) => added.entry(key).or_default().push(step(address, record, provider)),
        }
    }
    for (key, steps) in added {
        let records = builder.steps.0.entry(key).or_default();
        records.extend(steps);
        records.sort_by(|a, b| a.address.cmp(&b.address));
    }
}

/// Returns how many of the moved rooms were counted as unchanged: they are declared, and have no other
/// entry in the plan.
fn unchanged(
    builder: &PlanBuilder<'_>,
    declared: &AsDeclared<'_>,
    desired: &Desired,
    scope: &Scope,
) -> u64 {
    let steps = builder.steps.0.values().flatten();
    let held = builder.waiting.iter().chain(&builder.blocked).map(|held| &held.step);
    let unread = builder.unread.iter().map(|unread| &unread.address);
    let others: BTreeSet<&Address> =
        steps.chain(held).map(|step| &step.address).chain(unread).collect();
    let is_declared = |address: &Address| {
        desired.rooms.binary_search_by(|room| room.address.cmp(address)).is_ok()
    };
    let moved = declared.moved.keys().filter(|address| scope.selects(address));
    moved.filter(|address| !others.contains(address) && is_declared(address)).count() as u64
}

/// Returns the step of a room whose record is moved and otherwise unchanged.
fn step(address: &Address, record: &RecordedRoom, provider: &Provider) -> Step {
    Step {
        address: address.clone(),
        action: Action::Record,
        reason: Reason::Moved,
        before: Some(record.room.clone()),
        after: Some(record.room.clone()),
        changes: Vec::new(),
        calls: Vec::new(),
        lifecycle: record.lifecycle,
        ignore_changes: record.ignore_changes.clone(),
        on_conflict: OnConflict::default(),
        sides: record.sides.clone(),
        source: None,
        line: None,
        people: People::Unknown,
        on_occupied: provider.kind().on_occupied(),
        weight: Weight::Free,
        carried: Carried::default(),
        instead: None,
        bookkeeping: None,
        ownership_key: provider.application.ownership().map(|it| it.key().clone()),
        next: None,
    }
}

/// The old names with the new ones.
type Renamed<'a> = BTreeMap<&'a ProviderName, &'a ProviderName>;

fn is_known(recorded: &Recorded, name: &ProviderName) -> bool {
    recorded.providers.contains_key(name) || has_rooms(recorded, name)
}

fn rooms_of<'a>(
    recorded: &'a Recorded,
    provider: &'a ProviderName,
) -> impl Iterator<Item = (&'a Address, &'a RecordedRoom)> {
    let first = Address::new(provider.clone(), RoomId::new(""));
    let rooms = recorded.rooms.range(first..);
    rooms.take_while(move |(address, _)| address.provider == *provider)
}

fn new_address(renamed: &Renamed<'_>, address: &Address) -> Address {
    let Address { provider, room } = address;
    let provider = renamed.get(provider).copied().unwrap_or(provider);
    Address::new(provider.clone(), room.clone())
}

/// Returns the sides of a room under their new names; `None` if no name changes.
fn new_sides(renamed: &Renamed<'_>, sides: &Sides) -> Option<Sides> {
    if !sides.iter().any(|side| renamed.contains_key(side)) {
        return None;
    }
    let new = |side| renamed.get(side).copied().unwrap_or(side);
    Some(Sides::new(sides.iter().map(|side| new(side).clone()).collect()))
}
