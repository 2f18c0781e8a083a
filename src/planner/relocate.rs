//! Moves records to other addresses, as `state mv` does after a provider was renamed.

use std::collections::BTreeMap;

use crate::model::{
    Address, Provider, ProviderIdentity, ProviderName, Recorded, RecordedRoom, Sides,
};

use super::identity::{HostChange, IdentityError, same_application, same_host};

/// What is moved to another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// Every room of a renamed provider.
    Provider {
        /// The old name.
        from: ProviderName,
        /// The new one.
        to: ProviderName,
    },
    /// One room.
    Room {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
    },
}

/// A record after a relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The record, with its serial unchanged.
    pub recorded: Recorded,
    /// The old address of each moved room, with the new one.
    pub rooms: BTreeMap<Address, Address>,
}

/// Why a record cannot be moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelocationError {
    /// Both addresses are the same.
    #[error("the old address and the new one are the same")]
    Same,
    /// The room is not recorded.
    #[error("{0} is not recorded: `roomctl state list` lists the recorded rooms")]
    NotRecorded(Address),
    /// No room of the provider is recorded.
    #[error("no room of `{0}` is recorded: `roomctl state list` lists the recorded rooms")]
    NoRooms(ProviderName),
    /// The id of the room differs.
    #[error(
        "{from} and {to} are different rooms: the service identifies a room by its id, which cannot \
         change. Only the provider's name may differ"
    )]
    OtherRoom {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
    },
    /// A room is recorded at the new address.
    #[error("{0} is recorded already: remove the wrong record with `roomctl state rm` first")]
    Taken(Address),
    /// In the record the new name is another application.
    #[error(
        "`{from}` and `{to}` are recorded as different applications: {}, and {}",
        named(recorded),
        named(other)
    )]
    OtherApplication {
        /// The old name.
        from: ProviderName,
        /// The new one.
        to: ProviderName,
        /// The application of the old name.
        recorded: Box<ProviderIdentity>,
        /// The application of the new name.
        other: Box<ProviderIdentity>,
    },
    /// In the file the new name is another application.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Moves the records of rooms between two names of one application: kind, app id and host must be
/// equal, in the record and in what the file declares under the new name. No room is lost or replaced.
///
/// # Errors
/// Returns [`RelocationError`] if a room is not recorded, its new address is taken, or the names are
/// not of one application.
pub fn relocate(
    recorded: &Recorded,
    relocation: &Relocation,
    declared: &BTreeMap<ProviderName, Provider>,
) -> Result<Relocated, RelocationError> {
    let rooms = addresses(recorded, relocation)?;
    let (from, to) = relocation.providers();
    if from == to {
        return Err(RelocationError::Same);
    }
    if let Some(taken) = rooms.values().find(|new| recorded.rooms.contains_key(*new)) {
        return Err(RelocationError::Taken(taken.clone()));
    }
    let providers = providers(recorded, (from, to), &rooms, declared)?;
    let move_room = |(old, record): (&Address, &RecordedRoom)| {
        let new = rooms.get(old).unwrap_or(old).clone();
        let sides = match relocation {
            Relocation::Provider { .. } => renamed(&record.sides, from, to),
            Relocation::Room { from: room, to: _ } if room.room == old.room => {
                renamed(&record.sides, from, to)
            }
            Relocation::Room { .. } => record.sides.clone(),
        };
        (new, RecordedRoom { sides, ..record.clone() })
    };
    let all = recorded.rooms.iter().map(move_room).collect();
    let recorded = Recorded { rooms: all, providers, ..without_rooms(recorded) };
    Ok(Relocated { recorded, rooms })
}

impl Relocation {
    fn providers(&self) -> (&ProviderName, &ProviderName) {
        match self {
            Self::Provider { from, to } => (from, to),
            Self::Room { from, to } => (&from.provider, &to.provider),
        }
    }
}

/// Returns the rooms that are moved, each with its new address.
fn addresses(
    recorded: &Recorded,
    relocation: &Relocation,
) -> Result<BTreeMap<Address, Address>, RelocationError> {
    match relocation {
        Relocation::Provider { from, to } => {
            let of = recorded.rooms.keys().filter(|address| address.provider == *from);
            let new = |old: &Address| (old.clone(), Address::new(to.clone(), old.room.clone()));
            let rooms: BTreeMap<_, _> = of.map(new).collect();
            if rooms.is_empty() { Err(RelocationError::NoRooms(from.clone())) } else { Ok(rooms) }
        }
        Relocation::Room { from, to } if from.room != to.room => {
            Err(RelocationError::OtherRoom { from: from.clone(), to: to.clone() })
        }
        Relocation::Room { from, to } if recorded.rooms.contains_key(from) => {
            Ok(BTreeMap::from([(from.clone(), to.clone())]))
        }
        Relocation::Room { from, to: _ } => Err(RelocationError::NotRecorded(from.clone())),
    }
}

/// Returns the recorded applications, including the new name, and the old name as long as it has rooms.
fn providers(
    recorded: &Recorded,
    (from, to): (&ProviderName, &ProviderName),
    rooms: &BTreeMap<Address, Address>,
    declared: &BTreeMap<ProviderName, Provider>,
) -> Result<BTreeMap<ProviderName, ProviderIdentity>, RelocationError> {
    let mut providers = recorded.providers.clone();
    let has_rooms = |name: &ProviderName| {
        recorded.rooms.keys().any(|it| it.provider == *name && !rooms.contains_key(it))
    };
    let Some(made) = recorded.providers.get(from) else { return Ok(providers) };
    if let Some(provider) = declared.get(to) {
        same_application(from, made, provider)?;
        same_host(from, made, provider, HostChange::Refused)?;
    }
    match recorded.providers.get(to).filter(|_| has_rooms(to)) {
        Some(other) if is_another(made, other) => {
            return Err(RelocationError::OtherApplication {
                from: from.clone(),
                to: to.clone(),
                recorded: Box::new(made.clone()),
                other: Box::new(other.clone()),
            });
        }
        Some(ProviderIdentity { host: Some(_), .. }) => {}
        Some(ProviderIdentity { host: None, .. }) | None => {
            providers.insert(to.clone(), made.clone());
        }
    }
    if !has_rooms(from) {
        providers.remove(from);
    }
    Ok(providers)
}

/// Returns whether two recorded applications differ. An unknown host matches any.
fn is_another(one: &ProviderIdentity, other: &ProviderIdentity) -> bool {
    let hosts = one.host.as_ref().zip(other.host.as_ref());
    (one.kind, one.app_id) != (other.kind, other.app_id) || hosts.is_some_and(|(a, b)| a != b)
}

fn renamed(sides: &Sides, from: &ProviderName, to: &ProviderName) -> Sides {
    let new = |side: &ProviderName| if side == from { to.clone() } else { side.clone() };
    Sides::new(sides.iter().map(new).collect())
}

fn without_rooms(recorded: &Recorded) -> Recorded {
    let Recorded { lineage, serial, providers: _, rooms: _, plans, moved_to } = recorded;
    Recorded {
        lineage: lineage.clone(),
        serial: *serial,
        providers: BTreeMap::new(),
        rooms: BTreeMap::new(),
        plans: plans.clone(),
        moved_to: moved_to.clone(),
    }
}

fn named(identity: &ProviderIdentity) -> String {
    let ProviderIdentity { kind, app_id, host } = identity;
    let host = host.as_deref().unwrap_or("an unknown host");
    format!("kind {kind}, app {app_id}, at {host}")
}
