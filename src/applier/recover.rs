//! Settles the calls that an earlier run left open, before anything else is done with their rooms.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::change::uncertain;
use super::ledger::Ledger;
use super::observe::joined;
use super::settle::{Sent, Unsettled};
use super::{Connection, Connections, Report, Stop};
use crate::model::{
    Address, Assumed, Event, Kind, Observation, Observed, ObservedRoom, Pending, Recorded,
    RecordedRoom, Room, Settled,
};
use crate::state::{StateError, WriteStore};

/// The record after what was open is settled, and what was seen on the way.
#[derive(Debug)]
pub struct Recovered {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// What was seen of the rooms that had something open.
    pub observed: Observed,
}

/// What became of one open call.
struct Resolution {
    address: Address,
    observation: Observation,
    record: Option<RecordedRoom>,
}

/// Looks up every call that is open at a connected provider, writes down what became of it, and
/// waits where it may still land.
///
/// # Errors
/// Returns [`StateError`] where the record could not be written.
pub async fn recover(
    recorded: Arc<Recorded>,
    connections: &Connections,
    store: Arc<dyn WriteStore>,
    report: &Arc<dyn Report>,
    stop: &Stop,
) -> Result<Recovered, StateError> {
    let ledger = Ledger::new(store);
    let mut looks = JoinSet::new();
    let met = Instant::now();
    for (address, record) in &recorded.rooms {
        let connection = connections.get(&address.provider);
        if let (Some(pending), Some(connection)) = (&record.pending, connection) {
            let open = Open {
                address: address.clone(),
                record: record.clone(),
                pending: pending.as_ref().clone(),
                connection: connection.clone(),
                met,
            };
            let (ledger, stop) = (ledger.clone(), stop.clone());
            looks.spawn(async move { open.resolve(&ledger, &stop).await });
        }
    }
    if looks.is_empty() {
        return Ok(Recovered { recorded, observed: Observed::default() });
    }
    report.event(&Event::ReadsStarted(looks.len() as u64));
    let mut recorded = recorded.as_ref().clone();
    let mut observed = Observed::default();
    while let Some(resolution) = looks.join_next().await {
        let Resolution { address, observation, record } = joined(resolution)?;
        report.event(&Event::RoomsRead(1));
        match record {
            Some(record) => recorded.rooms.insert(address.clone(), record),
            None => recorded.rooms.remove(&address),
        };
        observed.rooms.insert(address, observation);
    }
    report.event(&Event::ReadsEnded);
    Ok(Recovered { recorded: Arc::new(recorded), observed })
}

/// A call that is open.
struct Open {
    address: Address,
    record: RecordedRoom,
    pending: Pending,
    connection: Connection,
    /// When this run met it.
    met: Instant,
}

impl Open {
    async fn resolve(self, ledger: &Ledger, stop: &Stop) -> Result<Resolution, StateError> {
        let Self { address, record, pending, connection, met } = self;
        let origin = Sent::Earlier(met);
        let unsettled = Unsettled { address: &address, record: &record, pending: &pending, origin };
        let (settled, observation) = match unsettled.settle(&connection, stop).await {
            Ok(settled) => settled,
            Err(unsure) => {
                let observation = Observation::Unread { why: unsure.to_string() };
                return Ok(Resolution { address, observation, record: Some(record) });
            }
        };
        let record = match settled {
            Settled::Done(record) | Settled::NotDone(record) => Some(record),
            Settled::Contested(record) | Settled::Unproven(record) => {
                tracing::warn!(%address, "{}", uncertain(&address, &record));
                Some(record)
            }
            Settled::Gone(left) => left,
            Settled::MayStillLand(_) | Settled::Unread(_) => {
                return Ok(Resolution { address, observation, record: Some(record) });
            }
        };
        ledger.restore(&address, record.as_ref()).await?;
        Ok(Resolution { address, observation, record })
    }
}

/// The record of a room of this kind that exists and is taken over: what changes in place is as it
/// was read, and the rest is taken to be as in `record`.
pub(super) fn adopted(
    kind: Kind,
    record: &RecordedRoom,
    observed_room: &ObservedRoom,
) -> RecordedRoom {
    let mut adopted = record.seen(observed_room);
    let declared = &record.room;
    let read = declared.attributes.iter().filter_map(|(key, _)| {
        observed_room.attributes.get(key).map(|attribute| (key, attribute.clone()))
    });
    let mut known = Room { attributes: read.collect(), ..Room::default() };
    for (field, value) in
        observed_room.fields.iter().filter(|(it, _)| declared.value(*it).is_some())
    {
        known.set(field, Some(value.clone()));
    }
    adopted.room = Arc::new(declared.with_changeable_of(kind, &known));
    adopted.assumed = Assumed::of(kind);
    adopted.created = observed_room.at;
    adopted.pending = None;
    adopted.contested = None;
    adopted
}
