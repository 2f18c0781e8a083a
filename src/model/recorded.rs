//! What the state says we made: the only inventory there is.

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
    /// Which line of states this one belongs to; `None` if no state was written yet.
    pub lineage: Option<Lineage>,
    /// Grows by one with every save.
    pub serial: u64,
    /// The applications that the rooms belong to.
    pub providers: BTreeMap<ProviderName, ProviderIdentity>,
    /// The rooms.
    pub rooms: BTreeMap<Address, RecordedRoom>,
    /// The ids of the last 100 saved plans that were carried out completely, oldest first.
    pub plans: Vec<String>,
    /// Where the record was moved to by `state migrate`: it is kept there, and this one is written no
    /// more.
    pub moved_to: Option<Box<str>>,
}

/// Tells one line of states from another: a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lineage(pub String);

/// The host of a provider that the built-in emulator answers for.
pub const EMULATOR_HOST: &str = "emulator";

/// Which application a provider's rooms were made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// Which service it is.
    pub kind: Kind,
    /// The application at that service.
    pub app_id: u32,
    /// The host that answers (on loopback with its port), or [`EMULATOR_HOST`]; `None` in a record of
    /// format version 1, which did not hold it.
    pub host: Option<Box<str>>,
}

/// The record of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRoom {
    /// What we last sent and what is known to have arrived; under a pending create, what was sent.
    pub room: Arc<Room>,
    /// What of `room` was never sent by us and cannot be read.
    pub assumed: Assumed,
    /// When the create was sent; for a room that we did not make, when it was taken into the record.
    pub created: Timestamp,
    /// When the room was last seen.
    pub last_seen: Option<Timestamp>,
    /// When the room was last seen with people inside.
    pub last_seen_with_people: Option<Timestamp>,
    /// The service's count of attribute changes when last read.
    pub attribute_sequence: Option<u64>,
    /// The service's id of the request that made or last changed the room.
    pub request_id: Option<Box<str>>,
    /// The file that declared it.
    pub source: Arc<str>,
    /// Holds also when the room is taken out of the file.
    pub lifecycle: Lifecycle,
    /// The providers that hold the same room, if there are several.
    pub sides: Sides,
    /// The paths that `lifecycle.ignore_changes` names.
    pub ignore_changes: Box<[Box<str>]>,
    /// A call whose outcome is not known yet.
    pub pending: Option<Box<Pending>>,
    /// Why it is uncertain whether the room that exists is ours: it is blocked until `import` or
    /// `state rm` decides.
    pub contested: Option<Box<str>>,
    /// What the room becomes once its present life is over.
    pub next: Option<Box<NextLife>>,
}

/// What a room becomes once its present life is over: approved, and not done yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextLife {
    /// The room that is to be made; `None` if it is to be forgotten.
    pub room: Option<Arc<Room>>,
    /// Attributes that others wrote into the room that a replace destroyed: its create sets them again.
    pub carried: Attributes,
    /// When a replace destroyed the room; `None` where its present life goes on.
    pub destroyed: Option<Timestamp>,
}

/// What of a record was never sent by us and cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// The name.
    pub name: bool,
    /// The delay.
    pub destroy_delay_time: bool,
}

/// A call whose outcome is not known yet: looked up before anything else is done with its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What the call does.
    pub kind: PendingKind,
    /// When it was sent, or was about to be.
    pub at: Timestamp,
    /// What the room is once the call is done; none for a destroy.
    pub room: Option<Arc<Room>>,
    /// Of a create whose room was found missing after a takeover: until when the service may still
    /// accept it. The holder that signed it may be suspended, and send it once it goes on. Each run looks
    /// the room up until then; it counts as not recorded, unless it has appeared.
    pub absent_until: Option<Timestamp>,
}

/// What a pending call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PendingKind {
    /// It creates the room.
    Create,
    /// It changes the room in place.
    Update,
    /// It destroys the room.
    Destroy,
}

impl Recorded {
    /// The address under which a room of `provider` is recorded at another provider name of the same
    /// application.
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
    /// A call whose outcome is not known yet.
    #[must_use]
    pub fn new(kind: PendingKind, at: Timestamp, room: Option<Arc<Room>>) -> Self {
        Self { kind, at, room, absent_until: None }
    }
}

impl RecordedRoom {
    /// Whether the room was found missing after an open create of an earlier holder, and by this
    /// observation still is: it counts as not recorded, and is looked up by each run.
    #[must_use]
    pub fn is_absent(&self, observation: Option<&Observation>) -> bool {
        let until = self.pending.as_deref().and_then(|pending| pending.absent_until);
        until.is_some_and(|until| match observation {
            None => true,
            Some(Observation::Gone(at)) => *at < until,
            Some(Observation::Unread { .. } | Observation::There(_)) => false,
        })
    }

    /// When something was last known of the room, or was about to be done with it.
    #[must_use]
    pub fn last_known(&self) -> Timestamp {
        let pending = self.pending.as_ref().map(|pending| pending.at);
        let seen = self.last_seen.max(self.last_seen_with_people);
        seen.max(pending).map_or(self.created, |last| last.max(self.created))
    }

    /// The earliest moment at which the service may have destroyed the room by itself; `None` if
    /// its rooms come and go by themselves.
    #[must_use]
    pub fn earliest_end(&self, application: &Application) -> Option<Timestamp> {
        Some(self.end_after(application.empty_life(&self.room)?))
    }

    /// The earliest moment at which the service may have destroyed the room by itself, where it keeps
    /// an empty room for so long.
    #[must_use]
    pub fn end_after(&self, empty_life: Duration) -> Timestamp {
        let alive = self.last_seen_with_people.map_or(self.created, |seen| seen.max(self.created));
        alive.plus(empty_life)
    }
}

impl ProviderIdentity {
    /// The application that a provider of the file is.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        let host = Some(provider.host.clone());
        Self { kind: provider.kind(), app_id: provider.app_id, host }
    }
}

impl ProviderIdentity {
    /// Whether it is the built-in emulator.
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

    /// Whether anything is assumed.
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
