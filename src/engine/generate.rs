//! `import --generate`: reads which of the given ids are rooms, and their content. It records nothing.

use std::collections::BTreeSet;

use super::session::{Access, Connector, Session, SessionError, read};
use crate::applier::{self, observe};
use crate::model::{
    Address, Field, Finding, Observation, ObservedRoom, ProviderName, Room, RoomId,
};
use crate::provider::SignatureLife;

/// Which ids are queried.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// The provider of the rooms.
    pub provider: ProviderName,
    /// The ids.
    pub ids: BTreeSet<RoomId>,
}

/// The result of a generate.
pub struct Generated<E> {
    /// The result for each id, sorted by id.
    pub rooms: Vec<(RoomId, GenerateResult)>,
    /// Warnings about the providers' hosts.
    pub hosts: Vec<Finding>,
    /// Whether the connections were closed.
    pub closed: Result<(), E>,
}

/// The result for one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerateResult {
    /// The room exists, with this content.
    Exists(Box<Room>),
    /// The files declare it already: it was not queried.
    Declared,
    /// It does not exist.
    Missing,
    /// It could not be read.
    Unread(String),
}

/// Queries the ids. Like `import`, it registers the operator if the service requires it to read attributes.
///
/// # Errors
/// Returns an error if the state cannot be read or belongs to another application, or if a stop was
/// requested before every id was queried.
pub async fn generate<C: Connector>(
    session: &Session<'_, C>,
    request: GenerateRequest,
) -> Result<Generated<C::Error>, C::Error> {
    let Session { desired, store, connector, clock: _, stop, events, host_change: _ } = session;
    let GenerateRequest { provider, ids } = request;
    let snapshot = read(*store).await?;
    let hosts = session.check_identity(&snapshot)?;
    let connected = connector.connect(Access::Changes).await?;
    session.resume(&connected, &snapshot, SignatureLife::Usual);
    let address = |id: &RoomId| Address::new(provider.clone(), id.clone());
    let is_declared = |id: &&RoomId| {
        let address = address(id);
        desired.rooms.binary_search_by(|room| room.address.cmp(&address)).is_ok()
    };
    let addresses = ids.iter().filter(|id| !is_declared(id)).map(address).collect();
    let observers = applier::observers(&connected.connections);
    let mut observed = observe(&observers, addresses, events, stop).await;
    let closed = connector.close().await;
    if stop.is_wanted() {
        return Err(SessionError::Interrupted { before: "every id was looked up" }.into());
    }
    let result = |id: &RoomId| match observed.rooms.remove(&address(id)) {
        None => GenerateResult::Declared,
        Some(Observation::Gone(_)) => GenerateResult::Missing,
        Some(Observation::Unread { why }) => GenerateResult::Unread(why),
        Some(Observation::There(room)) => GenerateResult::Exists(Box::new(as_declared(room))),
    };
    let mut result = result;
    let rooms = ids.iter().map(|id| (id.clone(), result(id))).collect();
    Ok(Generated { rooms, hosts, closed })
}

/// Returns a room as a file would declare it.
fn as_declared(observed: ObservedRoom) -> Room {
    let ObservedRoom { at: _, people: _, attributes, attribute_sequence: _, fields } = observed;
    let mut room = Room { attributes, ..Room::default() };
    for (field, value) in fields.iter().filter(|(field, _)| *field != Field::Attributes) {
        room.set(field, Some(value.clone()));
    }
    room
}
