//! What the files say.

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
    /// Where the state is kept; a path is resolved against the folder of the file that says it.
    pub state: StateLocation,
    /// The policy.
    pub policy: Policy,
    /// The rooms, sorted by address, each address once.
    pub rooms: Vec<DesiredRoom>,
    /// The files that were read, as they are recorded with each room.
    pub files: BTreeSet<Arc<str>>,
    /// The digest of all of the above, the same whatever the order in the files.
    pub config_digest: Digest,
    /// The providers that were renamed.
    pub moved: Vec<Moved>,
    /// What the rooms are taken from.
    pub from: DesiredFrom,
}

/// What the desired rooms are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DesiredFrom {
    /// The files: what waits for a room's next life follows them.
    #[default]
    Files,
    /// The record: what was approved for a room's next life goes on waiting.
    Record,
}

/// A provider that was renamed: its records follow.
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
    /// Where it is.
    pub address: Address,
    /// What it holds.
    pub room: Arc<Room>,
    /// How it may be handled.
    pub lifecycle: Lifecycle,
    /// The paths that `lifecycle.ignore_changes` names, sorted, each once.
    pub ignore_changes: Box<[Box<str>]>,
    /// What to do if it exists and we did not make it; `None`: as the policy says.
    pub on_conflict: Option<OnConflict>,
    /// The providers that hold the same room, if there are several.
    pub sides: Sides,
    /// The file that declares it: its path from the folder of the file that declares the providers.
    pub source: Arc<str>,
    /// The line of that file on which it begins, or the entry that makes it; `None` where it is not known.
    pub line: Option<NonZeroU32>,
}

/// The `lifecycle` of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Refuse to destroy the room, also when it is taken out of the file.
    pub prevent_destroy: bool,
    /// What to do with the room when it is taken out of the file.
    pub on_remove: OnRemove,
}

keyword_enum! {
    /// What to do with a room that is taken out of the file.
    #[derive(Default)]
    OnRemove {
        /// Destroy it; an rtc room is closed.
        #[default]
        Destroy = "destroy",
        /// Take it out of the record, and leave the room itself alone.
        Forget = "forget",
    }
}

/// The providers that hold one room, such as the chat and the video of a live show; nothing for a
/// room that one provider holds. Thin: most rooms have one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides(Option<Arc<BTreeSet<ProviderName>>>);

impl Sides {
    /// The sides of a room that these providers hold.
    #[must_use]
    pub fn new(providers: BTreeSet<ProviderName>) -> Self {
        Self((providers.len() > 1).then(|| Arc::new(providers)))
    }

    /// All providers that hold the room, its own among them; nothing if there is one.
    pub fn iter(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.iter().flat_map(|sides| sides.iter())
    }

    /// The other sides of the room at `address`.
    pub fn others<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = Address> + 'a {
        let others = self.iter().filter(|side| **side != address.provider);
        others.map(|side| Address::new(side.clone(), address.room.clone()))
    }

    /// Whether there is one side only.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_is_none_and_the_others_are_those_at_other_providers() {
        let name = |name: &str| ProviderName::new(name).expect("a name");
        assert!(Sides::new([name("chat")].into()).is_single());
        let sides = Sides::new([name("chat"), name("video")].into());
        let address: Address = "chat/show".parse().expect("an address");
        let others: Vec<String> = sides.others(&address).map(|it| it.to_string()).collect();
        assert_eq!((others, sides.is_single()), (vec!["video/show".to_owned()], false));
        assert_eq!(size_of::<Sides>(), size_of::<usize>());
    }
}
