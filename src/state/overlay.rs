//! The changes of a journal, as an overlay on the state that it builds on.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::model::{Address, ProviderIdentity, ProviderName, Recorded, RecordedRoom};

use super::Entry;

/// How many ids of saved plans are kept.
const PLANS: usize = 100;

/// The changes of a journal. Their size, and the cost of an entry, do not depend on the size of the
/// state.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    /// What each changed room's record is now; `None` if it is no longer recorded.
    rooms: BTreeMap<Address, Option<RecordedRoom>>,
    /// The identity of each changed provider; `None` if the provider was removed.
    providers: BTreeMap<ProviderName, Option<ProviderIdentity>>,
    /// The ids of the saved plans that were carried out, oldest first.
    plans: Vec<String>,
}

impl Overlay {
    /// Adds an entry. The last entry of a room counts.
    pub(super) fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Intent(address, record) | Entry::Result(address, record) => {
                self.rooms.insert(address, Some(record));
            }
            Entry::Removed(address) => {
                self.rooms.insert(address, None);
            }
            Entry::Provider(name, identity) => {
                self.providers.insert(name, Some(identity));
            }
            Entry::ProviderRemoved(name) => {
                self.providers.insert(name, None);
            }
            Entry::PlanCarriedOut(id) => self.plans.push(id),
        }
    }

    /// Returns whether there are no changes.
    pub(super) fn is_empty(&self) -> bool {
        let Self { rooms, providers, plans } = self;
        rooms.is_empty() && providers.is_empty() && plans.is_empty()
    }

    /// Returns the entries that make these changes, one for each room.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let Self { rooms, providers, plans } = self;
        let plans = plans.iter().cloned().map(Entry::PlanCarriedOut);
        let room = |(address, record): (&Address, &Option<RecordedRoom>)| match record {
            Some(record) => recorded(address, record),
            None => Entry::Removed(address.clone()),
        };
        let named = |(name, identity): (&ProviderName, &Option<ProviderIdentity>)| match identity {
            Some(identity) => provider((name, identity)),
            None => Entry::ProviderRemoved(name.clone()),
        };
        providers.iter().map(named).chain(rooms.iter().map(room)).chain(plans)
    }

    /// Returns the added providers, and each changed room's record; `None` if it is no longer
    /// recorded.
    pub(super) fn into_changes(
        self,
    ) -> (BTreeMap<ProviderName, ProviderIdentity>, BTreeMap<Address, Option<RecordedRoom>>) {
        let Self { rooms, providers, plans: _ } = self;
        let named = providers.into_iter().filter_map(|(name, identity)| Some((name, identity?)));
        (named.collect(), rooms)
    }

    /// Returns what each changed room's record is now; `None` if it is no longer recorded.
    #[cfg(feature = "postgres")]
    pub(super) fn changed(&self) -> impl Iterator<Item = (&Address, Option<&RecordedRoom>)> {
        self.rooms.iter().map(|(address, record)| (address, record.as_ref()))
    }

    /// Returns whether these changes make `base` differ.
    pub(super) fn changes(&self, base: &Recorded) -> bool {
        let Self { rooms, providers, plans } = self;
        plans.iter().any(|id| !base.plans.contains(id))
            || rooms.iter().any(|(address, record)| base.rooms.get(address) != record.as_ref())
            || providers
                .iter()
                .any(|(name, identity)| base.providers.get(name) != identity.as_ref())
    }

    /// Returns the number of rooms of `base` whose records these changes make differ.
    pub(super) fn changed_rooms(&self, base: &Recorded) -> usize {
        let Self { rooms, providers: _, plans: _ } = self;
        let differs = |(address, record): &(&Address, &Option<RecordedRoom>)| {
            base.rooms.get(address) != record.as_ref()
        };
        rooms.iter().filter(differs).count()
    }

    /// Applies these changes to `base`.
    pub(super) fn apply(self, base: &mut Recorded) {
        base.plans = self.plans(base);
        let Self { rooms, providers, plans: _ } = self;
        for (address, record) in rooms {
            match record {
                Some(record) => base.rooms.insert(address, record),
                None => base.rooms.remove(&address),
            };
        }
        for (name, identity) in providers {
            match identity {
                Some(identity) => base.providers.insert(name, identity),
                None => base.providers.remove(&name),
            };
        }
    }

    /// Returns the ids of the saved plans of `base` that were carried out, with these; at most
    /// [`PLANS`], the newest.
    pub(super) fn plans(&self, base: &Recorded) -> Vec<String> {
        let earlier = &base.plans;
        let new = self.plans.iter().filter(|id| !earlier.contains(id));
        let all: Vec<&String> = earlier.iter().chain(new).collect();
        let first = all.len().saturating_sub(PLANS);
        all[first..].iter().map(|id| (*id).clone()).collect()
    }

    /// Returns the providers of `base` with these changes.
    pub(super) fn providers(&self, base: &Recorded) -> BTreeMap<ProviderName, ProviderIdentity> {
        let mut providers = base.providers.clone();
        for (name, identity) in &self.providers {
            match identity {
                Some(identity) => providers.insert(name.clone(), identity.clone()),
                None => providers.remove(name),
            };
        }
        providers
    }

    /// Returns the rooms of `base` with these changes, sorted by address, without copying them.
    pub(super) fn rooms<'a>(
        &'a self,
        base: &'a Recorded,
    ) -> impl Iterator<Item = (&'a Address, &'a RecordedRoom)> {
        let mut kept = base.rooms.iter().peekable();
        let mut changed = self.rooms.iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let order = match (kept.peek(), changed.peek()) {
                    (None, None) => return None,
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (Some((kept, _)), Some((changed, _))) => kept.cmp(changed),
                };
                if order == Ordering::Less {
                    return kept.next();
                }
                if order == Ordering::Equal {
                    kept.next();
                }
                if let Some((address, Some(record))) = changed.next() {
                    return Some((address, record));
                }
            }
        })
    }
}

/// Returns the entries that produce a whole record.
pub(super) fn entries(all: &Recorded) -> impl Iterator<Item = Entry> + '_ {
    let rooms = all.rooms.iter().map(|(address, record)| recorded(address, record));
    let plans = all.plans.iter().cloned().map(Entry::PlanCarriedOut);
    all.providers.iter().map(provider).chain(rooms).chain(plans)
}

fn provider((name, identity): (&ProviderName, &ProviderIdentity)) -> Entry {
    Entry::Provider(name.clone(), identity.clone())
}

fn recorded(address: &Address, record: &RecordedRoom) -> Entry {
    let (address, record) = (address.clone(), record.clone());
    if record.pending.is_some() {
        Entry::Intent(address, record)
    } else {
        Entry::Result(address, record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_plan_ids_are_kept_without_duplicates() {
        let mut base = Recorded::default();
        let carried_out = |base: &mut Recorded, n: usize| {
            let mut overlay = Overlay::default();
            overlay.add(Entry::PlanCarriedOut(n.to_string()));
            assert!(!overlay.is_empty());
            overlay.apply(base);
        };
        (0..=PLANS).chain([PLANS]).for_each(|n| carried_out(&mut base, n));
        let kept: Vec<String> = (1..=PLANS).map(|n| n.to_string()).collect();
        assert_eq!(base.plans, kept);
    }
}
