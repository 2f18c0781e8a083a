//! The rooms that we made, as the state records them: the only inventory of rooms.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Address, Application, Attributes, Field, Kind, Lifecycle, Observation, Provider, ProviderName,
    Room, Sides, Timestamp,
};

/// The record of everything that we made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The lineage of the state; `None` if no state was written yet.
    pub lineage: Option<Lineage>,
    /// A number that every save increments.
    pub serial: u64,
    /// The applications that the rooms belong to.
    pub providers: BTreeMap<ProviderName, ProviderIdentity>,
    /// The rooms.
    pub rooms: BTreeMap<Address, RecordedRoom>,
    /// The ids of the last 100 saved plans that were applied completely, oldest first.
    pub plans: Vec<String>,
    /// The location to which `state migrate` moved the record: it is kept there, and this one is no
    /// longer written.
    pub moved_to: Option<Box<str>>,
}

/// Identifies a state and its later versions: a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lineage(pub String);

/// The host that is recorded for a provider on the built-in emulator.
pub const EMULATOR_HOST: &str = "emulator";

/// The application in which a provider's rooms were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// The kind of the service.
    pub kind: Kind,
    /// The application at that service.
    pub app_id: u32,
    /// The host that answered (on loopback with its port), or [`EMULATOR_HOST`]; `None` in a record of
    /// format version 1, which did not contain it.
    pub host: Option<Box<str>>,
}

/// The record of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRoom {
    /// What we last sent and is known to have taken effect; under a pending create, what was sent.
    pub room: Arc<Room>,
    /// The parts of `room` that we never sent and that cannot be read.
    pub assumed: Assumed,
    /// When the create was sent; for a room that we did not make, when it was recorded.
    pub created: Timestamp,
    /// When the room was last seen.
    pub last_seen: Option<Timestamp>,
    /// When the room was last seen with people inside.
    pub last_seen_with_people: Option<Timestamp>,
    /// The service's sequence of attribute changes when last read.
    pub attribute_sequence: Option<u64>,
    /// The service's id of the request that made or last changed the room.
    pub request_id: Option<Box<str>>,
    /// The file that declared it.
    pub source: Arc<str>,
    /// Its lifecycle, which applies even after the room is removed from the file.
    pub lifecycle: Lifecycle,
    /// The providers of the same room, if there are several.
    pub sides: Sides,
    /// The paths that `lifecycle.ignore_changes` names.
    pub ignore_changes: Box<[Box<str>]>,
    /// A call whose outcome is not known yet.
    pub pending: Option<Box<Pending>>,
    /// Why it is uncertain whether the existing room is ours. It is blocked until `import` or `state
    /// rm` decides.
    pub contested: Option<Box<str>>,
    /// What the room becomes after its present life.
    pub next: Option<Box<NextLife>>,
}

/// What a room becomes after its present life: approved, and not done yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextLife {
    /// The room to make; `None` if it is to be forgotten.
    pub room: Option<Arc<Room>>,
    /// Attributes of others in the room that a replace destroyed, which its create sets again.
    pub carried: Attributes,
    /// When a replace destroyed the room; `None` if it is still alive.
    pub destroyed: Option<Timestamp>,
}

/// The parts of a record that we never sent and that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// The name.
    pub name: bool,
    /// The delay.
    pub destroy_delay_time: bool,
}

/// A call whose outcome is not known yet. It is looked up before anything else is done with its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What the call does.
    pub kind: PendingKind,
    /// When it was sent, or was about to be sent.
    pub at: Timestamp,
    /// The room after the call; `None` for a destroy.
    pub room: Option<Arc<Room>>,
    /// For a create by an earlier lease holder whose room was missing: until when the service may still
    /// accept it. That holder may be suspended, and send the signed call when it resumes. Until then
    /// each run looks the room up, which counts as not recorded unless it exists.
    pub absent_until: Option<Timestamp>,
}

/// What a pending call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PendingKind {
    /// Creates the room.
    Create,
    /// Changes the room in place.
    Update,
    /// Destroys the room.
    Destroy,
}

impl Recorded {
    /// Returns the address under which a room of `provider` is recorded at another provider name of the
    /// same application.
    #[must_use]
    pub fn elsewhere(&self, address: &Address, provider: &Provider) -> Option<Address> {
        let same = |identity: &ProviderIdentity| {
            (identity.kind, identity.app_id) == (provider.kind(), provider.app_id)
        };
        let others = self
            .providers
            .iter()
            .filter(|(name, identity)| **name != address.provider && same(identity));
        let mut others = others.map(|(name, _)| Address::new(name.clone(), address.room.clone()));
        others.find(|other| self.rooms.contains_key(other))
    }
}

impl Pending {
    /// Makes a call with a pending outcome.
    #[must_use]
    pub fn new(kind: PendingKind, at: Timestamp, room: Option<Arc<Room>>) -> Self {
        Self { kind, at, room, absent_until: None }
    }
}

impl RecordedRoom {
    /// Returns whether the room was missing after an open create of an earlier lease holder, and by
    /// this observation still is. It counts as not recorded, and each run looks it up.
    #[must_use]
    pub fn is_absent(&self, observation: Option<&Observation>) -> bool {
        let until = self.pending.as_deref().and_then(|pending| pending.absent_until);
        until.is_some_and(|until| match observation {
            None => true,
            Some(Observation::Gone(at)) => *at < until,
            Some(Observation::Unread { .. } | Observation::There(_)) => false,
        })
    }

    /// Returns the latest of three times: the create, the last observation, and the pending call.
    #[must_use]
    pub fn last_known(&self) -> Timestamp {
        let pending = self.pending.as_ref().map(|pending| pending.at);
        let seen = self.last_seen.max(self.last_seen_with_people);
        seen.max(pending).map_or(self.created, |last| last.max(self.created))
    }

    /// Returns the earliest time at which the service may have destroyed the room; `None` if its users
    /// create and end it.
    #[must_use]
    pub fn earliest_end(&self, application: &Application) -> Option<Timestamp> {
        Some(self.end_after(application.empty_life(&self.room)?))
    }

    /// Returns the earliest time at which the service may have destroyed the room if it keeps empty
    /// rooms for `empty_life`.
    #[must_use]
    pub fn end_after(&self, empty_life: Duration) -> Timestamp {
        let alive = self.last_seen_with_people.map_or(self.created, |seen| seen.max(self.created));
        alive.plus(empty_life)
    }
}

impl ProviderIdentity {
    /// Returns the application of a provider of the file.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        let host = Some(provider.host.clone());
        Self { kind: provider.kind(), app_id: provider.app_id, host }
    }
}

impl ProviderIdentity {
    /// Returns whether it is the built-in emulator.
    #[must_use]
    pub fn is_emulated(&self) -> bool {
        self.host.as_deref() == Some(EMULATOR_HOST)
    }
}

impl Assumed {
    /// Returns what is assumed of a room of this kind that we did not make.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        let unreadable = |field| kind.spec().unreadable.contains(&field);
        Self {
            name: unreadable(Field::Name),
            destroy_delay_time: unreadable(Field::DestroyDelayTime),
        }
    }

    /// Returns whether anything is assumed.
    #[must_use]
    pub fn any(self) -> bool {
        self.name || self.destroy_delay_time
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
