//! What a journal changes, over the state that it builds on.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::model::{Address, ProviderIdentity, ProviderName, Recorded, RecordedRoom};

use super::Entry;

/// The changes of a journal: its size, and the cost of an entry, do not depend on the state's size.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    /// What each changed room's record is now; none where it has none any more.
    rooms: BTreeMap<Address, Option<RecordedRoom>>,
    /// The applications that were added.
    providers: BTreeMap<ProviderName, ProviderIdentity>,
}

impl Overlay {
    /// Adds an entry: the last one of a room holds.
    pub(super) fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Intent(address, record) | Entry::Result(address, record) => {
                self.rooms.insert(address, Some(record));
            }
            Entry::Removed(address) => {
                self.rooms.insert(address, None);
            }
            Entry::Provider(name, identity) => {
                self.providers.insert(name, identity);
            }
        }
    }

    /// Whether `base` is any different with these changes.
    pub(super) fn changes(&self, base: &Recorded) -> bool {
        let Self { rooms, providers } = self;
        rooms.iter().any(|(address, record)| base.rooms.get(address) != record.as_ref())
            || providers.iter().any(|(name, identity)| base.providers.get(name) != Some(identity))
    }

    /// The number of rooms of `base` whose record is different with these changes.
    pub(super) fn changed_rooms(&self, base: &Recorded) -> usize {
        let Self { rooms, providers: _ } = self;
        let differs = |(address, record): &(&Address, &Option<RecordedRoom>)| {
            base.rooms.get(address) != record.as_ref()
        };
        rooms.iter().filter(differs).count()
    }

    /// Makes these changes.
    pub(super) fn apply(self, base: &mut Recorded) {
        let Self { rooms, providers } = self;
        for (address, record) in rooms {
            match record {
                Some(record) => base.rooms.insert(address, record),
                None => base.rooms.remove(&address),
            };
        }
        base.providers.extend(providers);
    }

    /// The providers of `base` with these changes.
    pub(super) fn providers(&self, base: &Recorded) -> BTreeMap<ProviderName, ProviderIdentity> {
        let mut providers = base.providers.clone();
        providers
            .extend(self.providers.iter().map(|(name, identity)| (name.clone(), identity.clone())));
        providers
    }

    /// The rooms of `base` with these changes, sorted, without copying them.
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
