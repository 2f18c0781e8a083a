//! What the files declare.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use super::keyword::keyword_enum;
use super::{Address, Digest, OnConflict, Policy, Provider, ProviderName, Room, StateLocation};

/// Everything that the files declare, checked and resolved.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The providers by name.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// The location of the state; a path is relative to the folder of the file that declares it.
    pub state: StateLocation,
    /// The policy.
    pub policy: Policy,
    /// The rooms, sorted by address, each address once.
    pub rooms: Vec<DesiredRoom>,
    /// The files that were read, as they are recorded with each room.
    pub files: BTreeSet<Arc<str>>,
    /// The digest of all of the above, independent of the order in the files.
    pub config_digest: Digest,
    /// The providers that were renamed.
    pub moved: Vec<Moved>,
    /// The source of the rooms.
    pub from: DesiredFrom,
}

/// The source of the desired rooms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DesiredFrom {
    /// The files: a next life follows them.
    #[default]
    Files,
    /// The record: an approved next life is left unchanged.
    Record,
}

/// A renamed provider, whose records are moved to the new name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The name that the state's records may still have.
    pub from: ProviderName,
    /// The declared name.
    pub to: ProviderName,
}

/// One declared room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredRoom {
    /// Its address.
    pub address: Address,
    /// Its content.
    pub room: Arc<Room>,
    /// Its protection, and what happens when it is removed from the file.
    pub lifecycle: Lifecycle,
    /// The paths that `lifecycle.ignore_changes` names, sorted, each once.
    pub ignore_changes: Box<[Box<str>]>,
    /// What to do if it exists and we did not make it; `None`: as the policy specifies.
    pub on_conflict: Option<OnConflict>,
    /// The providers of the same room, if there are several.
    pub sides: Sides,
    /// The file that declares it: its path from the folder of the file that declares the providers.
    pub source: Arc<str>,
    /// The line of that file on which the room, or the entry that makes it, begins; `None` if it is not
    /// known.
    pub line: Option<NonZeroU32>,
}

/// The `lifecycle` of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Refuse to destroy the room, even after it is removed from the file.
    pub prevent_destroy: bool,
    /// What to do with the room when it is removed from the file.
    pub on_remove: OnRemove,
}

keyword_enum! {
    /// What to do with a room that is removed from the file.
    #[derive(Default)]
    OnRemove {
        /// Destroy it; an rtc room is closed.
        #[default]
        Destroy = "destroy",
        /// Remove it from the record, and leave the room itself unchanged.
        Forget = "forget",
    }
}

/// The providers of one room, such as the chat and the video of a live show; empty for a room of one
/// provider. It takes little memory when empty, since most rooms have one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides(Option<Arc<BTreeSet<ProviderName>>>);

impl Sides {
    /// Makes the sides of a room of these providers.
    #[must_use]
    pub fn new(providers: BTreeSet<ProviderName>) -> Self {
        Self((providers.len() > 1).then(|| Arc::new(providers)))
    }

    /// Returns all providers of the room, including its own; none if there is only one.
    pub fn iter(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.iter().flat_map(|sides| sides.iter())
    }

    /// Returns the other sides of the room at `address`.
    pub fn others<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = Address> + 'a {
        let others = self.iter().filter(|side| **side != address.provider);
        others.map(|side| Address::new(side.clone(), address.room.clone()))
    }

    /// Returns whether there is only one side.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_side_is_empty_and_others_excludes_the_own_side() {
        let name = |name: &str| ProviderName::new(name).expect("a name");
        assert!(Sides::new([name("chat")].into()).is_single());
        let sides = Sides::new([name("chat"), name("video")].into());
        let address: Address = "chat/show".parse().expect("an address");
        let others: Vec<String> = sides.others(&address).map(|it| it.to_string()).collect();
        assert_eq!((others, sides.is_single()), (vec!["video/show".to_owned()], false));
        assert_eq!(size_of::<Sides>(), size_of::<usize>());
    }
}
