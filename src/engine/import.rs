//! `import`: records rooms that exist and that the files declare.

use std::collections::BTreeSet;

use super::identity::{identities, moves, with_old_names};
use super::refresh::resolve_scope;
use super::session::{Closed, Connector, Lock, Opened, Session, SessionError, while_locked};
use crate::applier::{self, Connections, imported, observe};
use crate::model::{
    Address, Desired, DesiredRoom, Finding, Observation, Observed, Partial, ProviderName, Recorded,
    RecordedRoom, Scope,
};
use crate::planner;
use crate::state::Entry;

/// What to import.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// Which rooms.
    pub selection: Selection,
    /// Which of them: those in the scope.
    pub scope: Scope,
    /// How the lock is taken.
    pub lock: Lock,
}

/// Which rooms to import.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These, also where their origin is uncertain.
    Named(BTreeSet<Address>),
    /// Every declared room that is not recorded.
    AllDeclared,
}

/// An import that came to its end.
pub struct Imported<E> {
    /// The rooms that were asked after.
    pub rooms: Vec<(Address, ImportResult)>,
    /// The scope, if it is not all rooms.
    pub scope: Option<Partial>,
    /// The declared rooms that were left out because their origin is uncertain, and why it is.
    pub contested: Vec<(Address, Box<str>)>,
    /// Warnings about the providers' hosts.
    pub hosts: Vec<Finding>,
    /// Whether the connections were closed and the journal folded into the state.
    pub closed: Result<(), E>,
}

/// What became of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportResult {
    /// It exists, and is recorded with name and delay as declared.
    Assumed,
    /// It exists, and is recorded as it was read.
    Read,
    /// It does not exist.
    Missing,
    /// It could not be read.
    Unread(String),
}

/// Asks after rooms and records those that exist. `accept` sees the entries before they are written.
///
/// # Errors
/// Returns an error if nothing was recorded: the state is locked, damaged or of another application, a
/// room is not declared or recorded already, or `accept` refused.
pub async fn import<C: Connector>(
    session: &Session<'_, C>,
    request: ImportRequest,
    accept: impl FnOnce(&[Entry]) -> Result<(), C::Error>,
) -> Result<Imported<C::Error>, C::Error> {
    let ImportRequest { selection, scope, lock } = request;
    let work = async |opened: &Opened| {
        while_locked(&opened.store, work(session, (&selection, &scope), opened, accept)).await
    };
    let Closed { done, closed } = session.run(lock, work).await?;
    let Done { rooms, scope, contested, hosts } = done;
    Ok(Imported { rooms, scope, contested, hosts, closed })
}

/// What became of each room.
type Results = Vec<(Address, ImportResult)>;

/// What the work under the lock returns.
struct Done {
    rooms: Results,
    scope: Option<Partial>,
    contested: Vec<(Address, Box<str>)>,
    hosts: Vec<Finding>,
}

async fn work<C: Connector>(
    session: &Session<'_, C>,
    (selection, scope): (&Selection, &Scope),
    opened: &Opened,
    accept: impl FnOnce(&[Entry]) -> Result<(), C::Error>,
) -> Result<Done, C::Error> {
    let Session { desired, store: _, connector: _, clock: _, stop, events, host_change: _ } =
        session;
    let Opened { store, connected, hosts } = opened;
    let connections = &connected.connections;
    let before = planner::as_declared(desired, &store.snapshot().recorded);
    let scope = resolve_scope(scope, desired, &before.recorded)?;
    let recorded = store.snapshot().recorded.clone();
    let all = with_old_names(desired, connections);
    let recovered = applier::recover(recorded, &all, store.clone(), events, stop)
        .await
        .map_err(SessionError::State)?;
    let declared = planner::as_declared(desired, &recovered.recorded);
    let recorded = &*declared.recorded;
    let mut rooms = selection.rooms(desired, recorded)?;
    rooms.retain(|room| scope.selects(&room.address));
    let addresses = rooms.iter().map(|room| room.address.clone()).collect();
    let observed = observe(&applier::observers(connections), addresses, events, stop).await;
    let (rooms, imported) = results(&rooms, &observed, connections);
    let used = |name: &ProviderName| imported.iter().any(|(address, _)| address.provider == *name);
    let mut entries = moves(desired, &declared);
    entries.extend(identities(desired, recorded, used));
    entries.extend(imported.into_iter().map(|(address, record)| Entry::Result(address, record)));
    accept(&entries)?;
    if !entries.is_empty() {
        store.check().await.map_err(SessionError::State)?;
        store.append(entries).await.map_err(SessionError::State)?;
    }
    let mut contested = selection.left_out(desired, recorded);
    contested.retain(|(address, _)| scope.selects(address));
    let all: BTreeSet<&Address> =
        desired.rooms.iter().map(|room| &room.address).chain(recorded.rooms.keys()).collect();
    let scope = scope.partial_of(all.into_iter());
    Ok(Done { rooms, scope, contested, hosts: hosts.clone() })
}

impl Selection {
    /// The declared rooms to ask after. A room whose origin is uncertain is taken only if it is named:
    /// it is recorded, and may be somebody else's.
    fn rooms<'a>(
        &self,
        desired: &'a Desired,
        recorded: &Recorded,
    ) -> Result<Vec<&'a DesiredRoom>, SessionError> {
        let is_open = |address: &Address| {
            recorded.rooms.get(address).is_none_or(|record| record.pending.is_some())
        };
        let is_contested = |address: &Address| contested(recorded, address).is_some();
        match self {
            Self::AllDeclared => {
                Ok(desired.rooms.iter().filter(|room| is_open(&room.address)).collect())
            }
            Self::Named(addresses) => addresses
                .iter()
                .map(|address| {
                    let room = declared_room(desired, address)
                        .ok_or_else(|| SessionError::NotDeclared(address.clone()))?;
                    if is_open(address) || is_contested(address) {
                        Ok(room)
                    } else {
                        Err(SessionError::AlreadyRecorded(address.clone()))
                    }
                })
                .collect(),
        }
    }

    /// The declared rooms that have to be named to be imported, and why their origin is uncertain.
    fn left_out(&self, desired: &Desired, recorded: &Recorded) -> Vec<(Address, Box<str>)> {
        let left_out = |room: &DesiredRoom| {
            let why = contested(recorded, &room.address)?;
            Some((room.address.clone(), why.into()))
        };
        match self {
            Self::Named(_) => Vec::new(),
            Self::AllDeclared => desired.rooms.iter().filter_map(left_out).collect(),
        }
    }
}

fn contested<'a>(recorded: &'a Recorded, address: &Address) -> Option<&'a str> {
    recorded.rooms.get(address)?.contested.as_deref()
}

fn declared_room<'a>(desired: &'a Desired, address: &Address) -> Option<&'a DesiredRoom> {
    let at = desired.rooms.binary_search_by(|room| room.address.cmp(address)).ok()?;
    desired.rooms.get(at)
}

/// What became of each room, and the records of those that exist.
fn results(
    rooms: &[&DesiredRoom],
    observed: &Observed,
    connections: &Connections,
) -> (Results, Vec<(Address, RecordedRoom)>) {
    let (mut results, mut records) = (Vec::new(), Vec::new());
    for room in rooms {
        let address = &room.address;
        let connection = connections.get(&address.provider);
        let result = match (observed.of(address), connection) {
            (Some(Observation::There(observed)), Some(connection)) => {
                let record = imported(connection.provider.kind(), room, observed);
                let assumed = record.assumed.any();
                records.push((address.clone(), record));
                if assumed { ImportResult::Assumed } else { ImportResult::Read }
            }
            (Some(Observation::Gone(_)), _) => ImportResult::Missing,
            (Some(Observation::Unread { why }), _) => ImportResult::Unread(why.clone()),
            (Some(Observation::There(_)), None) | (None, _) => {
                ImportResult::Unread("its provider was not asked".to_owned())
            }
        };
        results.push((address.clone(), result));
    }
    (results, records)
}
