//! The ownership attribute: every declared room gets it, as if the file declared it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::model::{
    Attribute, Desired, DesiredRoom, Lineage, ObservedRoom, Owner, Ownership, Provider,
    ProviderName, Room, belongs_to,
};

use super::room_context::RoomContext;

/// Returns the files for the state of this lineage: the rooms of a provider with an ownership attribute
/// have the lineage in it. Without a state there is no lineage, and the files are unchanged.
#[must_use]
pub fn owned<'a>(desired: &'a Desired, lineage: Option<&Lineage>) -> Cow<'a, Desired> {
    let has_owner = |provider: &Provider| provider.application.ownership().is_some();
    let lineage = lineage.filter(|_| desired.providers.values().any(has_owner));
    let Some(lineage) = lineage else { return Cow::Borrowed(desired) };
    let of_lineage = |provider: &Provider| Provider {
        application: provider.application.clone().of_lineage(lineage),
        ..provider.clone()
    };
    let providers = desired.providers.iter();
    let providers = providers.map(|(name, provider)| (name.clone(), of_lineage(provider)));
    let providers = providers.collect();
    let owned = |declared: &DesiredRoom| mark(&providers, declared.clone());
    let Desired { providers: _, state, policy, rooms, files, config_digest, moved, from } = desired;
    Cow::Owned(Desired {
        rooms: rooms.par_iter().map(owned).collect(),
        state: state.clone(),
        policy: policy.clone(),
        files: files.clone(),
        config_digest: *config_digest,
        moved: moved.clone(),
        from: *from,
        providers,
    })
}

/// Returns the room with the ownership attribute of its provider, if the provider has one.
pub(super) fn mark(
    providers: &BTreeMap<ProviderName, Provider>,
    declared: DesiredRoom,
) -> DesiredRoom {
    let provider = providers.get(&declared.address.provider);
    match provider.and_then(|provider| provider.application.ownership()) {
        Some(ownership) => DesiredRoom { room: ownership.mark(&declared.room), ..declared },
        None => declared,
    }
}

/// Distinguishes ownership attributes from the others.
#[derive(Clone, Copy)]
pub(super) struct OwnershipKeys<'a> {
    /// The key of the provider's ownership attribute, if it has one.
    pub(super) key: Option<&'a str>,
    /// The lineage of the state, if there is one.
    pub(super) lineage: Option<&'a Lineage>,
}

impl OwnershipKeys<'_> {
    /// Returns the room without its ownership attribute.
    pub(super) fn strip<'r>(&self, room: &'r Room) -> Cow<'r, Room> {
        room.without_attribute(self.key)
    }

    /// Returns the room before a step whose result is `after`, without its ownership attribute. An
    /// attribute of an earlier `ownership` setting, which holds our lineage too and is removed by the
    /// step, is left out as well.
    pub(super) fn strip_before<'r>(&self, before: &'r Room, after: Option<&Room>) -> Cow<'r, Room> {
        let stays = |key: &str| after.is_some_and(|after| after.attributes.get(key).is_some());
        let is_earlier = |key: &str, attribute: &Attribute| {
            self.lineage.is_some_and(|lineage| *attribute.value == lineage.0) && !stays(key)
        };
        let is_own =
            |key: &str, attribute: &Attribute| Some(key) == self.key || is_earlier(key, attribute);
        if !before.attributes.iter().any(|(key, attribute)| is_own(key, attribute)) {
            return Cow::Borrowed(before);
        }
        let others = before.attributes.iter().filter(|(key, attribute)| !is_own(key, attribute));
        let attributes = others.map(|(key, attribute)| (key, attribute.clone())).collect();
        Cow::Owned(Room { attributes, ..before.clone() })
    }

    /// Returns whether two rooms are equal without their ownership attributes.
    pub(super) fn same(&self, one: Option<&Room>, other: Option<&Room>) -> bool {
        one.map(|room| self.strip(room)) == other.map(|room| self.strip(room))
    }

    /// Returns whether the attributes of two rooms differ in ownership attributes only.
    pub(super) fn differ_alone(&self, recorded: &Room, declared: &Room) -> bool {
        let before = self.strip_before(recorded, Some(declared));
        before.attributes == self.strip(declared).attributes
    }
}

impl RoomContext<'_> {
    /// Returns the ownership attribute of the room's provider.
    pub(super) fn ownership(&self) -> Option<&Ownership> {
        self.provider.application.ownership()
    }

    /// Returns the keys that distinguish ownership attributes from the others.
    pub(super) fn ownership_keys(&self) -> OwnershipKeys<'_> {
        OwnershipKeys {
            key: self.ownership().map(|ownership| &**ownership.key()),
            lineage: self.inputs.recorded.lineage.as_ref(),
        }
    }

    /// Returns why it is uncertain that the existing recorded room is ours; `None` if there is no
    /// evidence against it, or if its ownership attribute holds our lineage.
    pub(super) fn uncertainty(&self) -> Option<Cow<'_, str>> {
        let recorded = self.recorded.as_deref()?;
        let application = &self.provider.application;
        let contested = || recorded.contested.as_deref().map(Cow::Borrowed);
        let Some(observed_room) = self.observed_room() else { return contested() };
        let other = recorded.other_owner(application, observed_room);
        match (other, application.owner(&observed_room.attributes), self.ownership()) {
            (Some(other), _, Some(ownership)) if !recorded.is_destroyed() => {
                Some(Cow::Owned(belongs_to(ownership.key(), &other)))
            }
            (None, Owner::Ours, _) => None,
            (Some(_) | None, Owner::Unknown | Owner::Ours | Owner::Other(_), _) => contested(),
        }
    }

    /// Returns the owner of a room that exists and is not recorded.
    pub(super) fn owner(&self, observed_room: &ObservedRoom) -> Owner {
        self.provider.application.owner(&observed_room.attributes)
    }
}
