//! The owners of the rooms that an import finds, and which of these rooms it takes over.

use std::collections::BTreeMap;

use super::session::SessionError;
use crate::applier::Connections;
use crate::model::{Address, DesiredRoom, Lineage, Observation, Observed, Owner, Recorded};
use crate::state::Found;

/// Rooms of another state that an import takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeOver {
    /// The lineage of the other state.
    pub lineage: Lineage,
    /// The rooms.
    pub rooms: Vec<Address>,
    /// Whether our state is new, and continues that lineage.
    pub is_continued: bool,
}

/// The owners of the rooms that exist and whose provider has an ownership attribute.
pub(super) struct Owners(BTreeMap<Address, Owner>);

impl Owners {
    pub(super) fn of(
        rooms: &[&DesiredRoom],
        observed: &Observed,
        connections: &Connections,
    ) -> Self {
        let owner = |address: &Address| {
            let application = &connections.get(&address.provider)?.provider.application;
            let ownership = application.ownership()?;
            match observed.of(address)? {
                Observation::There(seen) => Some(ownership.owner(&seen.attributes)),
                Observation::Gone(_) | Observation::Unread { .. } => None,
            }
        };
        let owners =
            rooms.iter().filter_map(|room| Some((room.address.clone(), owner(&room.address)?)));
        Self(owners.collect())
    }

    /// Returns the rooms of other states, each with its lineage.
    pub(super) fn others(&self) -> impl Iterator<Item = (Address, Lineage)> {
        self.0.iter().filter_map(|(address, owner)| match owner {
            Owner::Other(lineage) => Some((address.clone(), lineage.clone())),
            Owner::Unknown | Owner::Ours => None,
        })
    }

    /// Returns the other state whose rooms are taken over: the named one, or, if our state has no rooms
    /// because it was lost, the only one that was found.
    ///
    /// # Errors
    /// Returns an error if the named one was not found, or if several were found and none is named.
    pub(super) fn taken(
        &self,
        named: Option<&Lineage>,
        recorded: &Recorded,
        ours: &Lineage,
    ) -> Result<Option<Lineage>, SessionError> {
        let mut found: BTreeMap<Lineage, u64> = BTreeMap::new();
        for (_, lineage) in self.others() {
            *found.entry(lineage).or_default() += 1;
        }
        match named {
            Some(named) if found.contains_key(named) => return Ok(Some(named.clone())),
            Some(named) if named == ours => return Ok(None),
            Some(named) => return Err(SessionError::LineageNotFound(named.clone())),
            None => {}
        }
        let is_lost = recorded.rooms.is_empty();
        if is_lost && found.len() > 1 {
            return Err(SessionError::SeveralLineages(found));
        }
        Ok(found.into_keys().next().filter(|_| is_lost))
    }

    /// Returns the rooms of the other state `lineage`, for the approver.
    pub(super) fn take_over(&self, lineage: &Lineage, state: Found) -> TakeOver {
        let rooms = self.others().filter(|(_, it)| it == lineage).map(|(address, _)| address);
        let is_continued = state == Found::New;
        TakeOver { lineage: lineage.clone(), rooms: rooms.collect(), is_continued }
    }

    /// Returns the rooms that belong neither to us nor to the state whose rooms are taken over.
    pub(super) fn left_out(&self, taken: Option<&Lineage>) -> LeftOut {
        let is_left_out = |owner: &Owner| match owner {
            Owner::Ours => false,
            Owner::Other(lineage) => Some(lineage) != taken,
            Owner::Unknown => true,
        };
        let left_out = self.0.iter().filter(|(_, owner)| is_left_out(owner));
        left_out.map(|(address, owner)| (address.clone(), owner.clone())).collect()
    }
}

/// The rooms that an import leaves out, with their owners.
pub(super) type LeftOut = BTreeMap<Address, Owner>;
