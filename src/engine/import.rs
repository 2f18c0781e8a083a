//! `import`: records rooms that exist and that the files declare.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::{identities, moves, with_old_names};
use super::owners::{LeftOut, Owners, TakeOver};
use super::refresh::resolve_scope;
use super::session::{Closed, Connector, Lock, Opened, Session, SessionError, while_locked};
use crate::applier::{self, Connections, imported, observe};
use crate::model::{
    Address, Desired, DesiredRoom, Finding, Lineage, Observation, Observed, Owner, Partial,
    ProviderName, Recorded, RecordedRoom, Scope,
};
use crate::planner;
use crate::state::Entry;

/// What to import.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// Which rooms are selected.
    pub selection: Selection,
    /// The scope: selected rooms outside it are left out.
    pub scope: Scope,
    /// How the lock is taken.
    pub lock: Lock,
}

/// Which rooms to import.
#[derive(Clone, Debug)]
pub enum Selection {
    /// The named rooms, including those of uncertain origin.
    Named(BTreeSet<Address>),
    /// Every declared room that is not recorded. If its provider has an ownership attribute, only if that
    /// holds the lineage of this state or of the state whose rooms are taken over.
    AllDeclared {
        /// The other state whose rooms are taken over. If none is named and this state has no rooms, the
        /// only one that is found.
        lineage: Option<Lineage>,
    },
}

/// Approves what is imported before it is recorded.
pub trait ImportApprover<E> {
    /// Checks the entries before they are recorded.
    ///
    /// # Errors
    /// Returns why they must not be recorded.
    fn accept(&self, entries: &[Entry]) -> Result<(), E>;

    /// Consents to taking over the rooms of the only other state that was found. Called before anything is
    /// recorded.
    fn take_over(&self, rooms: &TakeOver) -> impl Future<Output = Result<(), E>>;
}

/// The result of an import.
pub struct Imported<E> {
    /// The rooms that were queried.
    pub rooms: Vec<(Address, ImportResult)>,
    /// The scope, if it is not all rooms.
    pub scope: Option<Partial>,
    /// The recorded rooms that belonged to another state.
    pub taken_over: BTreeMap<Address, Lineage>,
    /// The declared rooms that were left out because their origin is uncertain, each with the reason.
    pub contested: Vec<(Address, Box<str>)>,
    /// Warnings about the providers' hosts.
    pub hosts: Vec<Finding>,
    /// Whether the connections were closed and the journal folded into the state.
    pub closed: Result<(), E>,
}

/// The result for one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportResult {
    /// It exists, and is recorded with name and delay as declared.
    Assumed,
    /// It exists, and is recorded as it was read.
    Read,
    /// It exists, and was left out: it belongs to another state.
    OtherState(Lineage),
    /// It exists, and was left out: it has no ownership attribute that identifies its state.
    Unmarked,
    /// It does not exist.
    Missing,
    /// It could not be read.
    Unread(String),
}

/// Queries rooms and records those that exist. `approver` checks the entries before they are written.
///
/// # Errors
/// Returns an error if nothing was recorded: the state is locked, damaged or of another application, a
/// room is not declared or recorded already, the rooms belong to several other states, or `approver`
/// refused.
pub async fn import<C, A>(
    session: &Session<'_, C>,
    request: ImportRequest,
    approver: &A,
) -> Result<Imported<C::Error>, C::Error>
where
    C: Connector,
    A: ImportApprover<C::Error>,
{
    let ImportRequest { selection, scope, lock } = request;
    let work = async |opened: &Opened| {
        let work = work(session, (&selection, &scope), opened, approver);
        while_locked(&opened.store, work).await
    };
    let Closed { done, closed } = session.run(lock, work).await?;
    let Done { rooms, scope, taken_over, contested, hosts } = done;
    Ok(Imported { rooms, scope, taken_over, contested, hosts, closed })
}

impl ImportResult {
    /// Returns the result for a room that is left out because of its owner.
    fn left_out(owner: &Owner) -> Self {
        match owner {
            Owner::Other(lineage) => Self::OtherState(lineage.clone()),
            Owner::Unknown | Owner::Ours => Self::Unmarked,
        }
    }
}

/// The result for each room.
type Results = Vec<(Address, ImportResult)>;

/// What the work under the lock returns.
struct Done {
    rooms: Results,
    scope: Option<Partial>,
    taken_over: BTreeMap<Address, Lineage>,
    contested: Vec<(Address, Box<str>)>,
    hosts: Vec<Finding>,
}

async fn work<C, A>(
    session: &Session<'_, C>,
    (selection, scope): (&Selection, &Scope),
    opened: &Opened,
    approver: &A,
) -> Result<Done, C::Error>
where
    C: Connector,
    A: ImportApprover<C::Error>,
{
    let Session { desired, store: _, connector: _, clock: _, stop, events, host_change: _ } =
        session;
    let Opened { store, connected, hosts } = opened;
    let connections = &connected.connections;
    let lineage = store.lineage().map_err(SessionError::State)?;
    let desired = &*planner::owned(desired, Some(&lineage));
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
    selection.check(&rooms, recorded, &observed, connections)?;
    let owners = Owners::of(&rooms, &observed, connections);
    let (taken, left_out) = match selection {
        Selection::Named(_) => (None, LeftOut::new()),
        Selection::AllDeclared { lineage: named } => {
            let taken = owners.taken(named.as_ref(), recorded, &lineage)?;
            if let (Some(taken), None) = (&taken, named) {
                approver.take_over(&owners.take_over(taken, store.snapshot().found)).await?;
            }
            let left_out = owners.left_out(taken.as_ref());
            (taken, left_out)
        }
    };
    let (rooms, imported) = results(&rooms, &observed, connections, &left_out);
    if let Some(taken) = taken {
        store.continue_lineage(taken).map_err(SessionError::State)?;
    }
    let mut taken_over: BTreeMap<Address, Lineage> = owners.others().collect();
    taken_over.retain(|address, _| !left_out.contains_key(address));
    let used = |name: &ProviderName| imported.iter().any(|(address, _)| address.provider == *name);
    let mut entries = moves(desired, &declared);
    entries.extend(identities(desired, recorded, used));
    entries.extend(imported.into_iter().map(|(address, record)| Entry::Result(address, record)));
    approver.accept(&entries)?;
    if !entries.is_empty() {
        store.check().await.map_err(SessionError::State)?;
        store.append(entries).await.map_err(SessionError::State)?;
    }
    let mut contested = selection.left_out(desired, recorded);
    contested.retain(|(address, _)| scope.selects(address));
    let all: BTreeSet<&Address> =
        desired.rooms.iter().map(|room| &room.address).chain(recorded.rooms.keys()).collect();
    let scope = scope.partial_of(all.into_iter());
    Ok(Done { rooms, scope, taken_over, contested, hosts: hosts.clone() })
}

impl Selection {
    /// Returns the declared rooms to query. A room of uncertain origin is selected only if it is named:
    /// it is recorded, and may belong to another owner.
    fn rooms<'a>(
        &self,
        desired: &'a Desired,
        recorded: &Recorded,
    ) -> Result<Vec<&'a DesiredRoom>, SessionError> {
        let is_open = |address: &Address| {
            recorded.rooms.get(address).is_none_or(|record| record.pending.is_some())
        };
        let is_contested = |address: &Address| contested(recorded, address).is_some();
        let has_owner = |address: &Address| {
            let provider = desired.providers.get(&address.provider);
            provider.is_some_and(|provider| provider.application.ownership().is_some())
        };
        match self {
            Self::AllDeclared { lineage: _ } => {
                Ok(desired.rooms.iter().filter(|room| is_open(&room.address)).collect())
            }
            Self::Named(addresses) => addresses
                .iter()
                .map(|address| {
                    let room = declared_room(desired, address)
                        .ok_or_else(|| SessionError::NotDeclared(address.clone()))?;
                    if is_open(address) || is_contested(address) || has_owner(address) {
                        Ok(room)
                    } else {
                        Err(SessionError::AlreadyRecorded(address.clone()))
                    }
                })
                .collect(),
        }
    }

    /// Refuses a named room that is recorded already, unless its call is pending, its origin is uncertain,
    /// or another state has taken it over.
    fn check(
        &self,
        rooms: &[&DesiredRoom],
        recorded: &Recorded,
        observed: &Observed,
        connections: &Connections,
    ) -> Result<(), SessionError> {
        match self {
            Self::AllDeclared { lineage: _ } => return Ok(()),
            Self::Named(_) => {}
        }
        for DesiredRoom { address, .. } in rooms.iter().copied() {
            let Some(record) = recorded.rooms.get(address) else { continue };
            let seen = match (observed.of(address), connections.get(&address.provider)) {
                (Some(Observation::There(seen)), Some(connection)) => Some((seen, connection)),
                (Some(_) | None, _) => None,
            };
            let is_other = seen.is_some_and(|(seen, connection)| {
                record.other_owner(&connection.provider.application, seen).is_some()
            });
            if record.pending.is_none() && record.contested.is_none() && !is_other {
                return Err(SessionError::AlreadyRecorded(address.clone()));
            }
        }
        Ok(())
    }

    /// Returns the declared rooms that are imported only if they are named, and why their origin is
    /// uncertain.
    fn left_out(&self, desired: &Desired, recorded: &Recorded) -> Vec<(Address, Box<str>)> {
        let left_out = |room: &DesiredRoom| {
            let why = contested(recorded, &room.address)?;
            Some((room.address.clone(), why.into()))
        };
        match self {
            Self::Named(_) => Vec::new(),
            Self::AllDeclared { lineage: _ } => desired.rooms.iter().filter_map(left_out).collect(),
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

/// Returns the result for each room, and the records of those that are imported.
fn results(
    rooms: &[&DesiredRoom],
    observed: &Observed,
    connections: &Connections,
    left_out: &LeftOut,
) -> (Results, Vec<(Address, RecordedRoom)>) {
    let (mut results, mut records) = (Vec::new(), Vec::new());
    for room in rooms {
        let address = &room.address;
        let connection = connections.get(&address.provider);
        let result = match (observed.of(address), connection) {
            (Some(Observation::There(observed)), Some(connection)) => {
                if let Some(owner) = left_out.get(address) {
                    results.push((address.clone(), ImportResult::left_out(owner)));
                    continue;
                }
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
