//! Settles the calls that an earlier run left open, before anything else is done with their rooms.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::ledger::Ledger;
use super::observe::{joined, look};
use super::{Connection, Connections, Stop};
use crate::model::{
    Address, Assumed, Kind, LANDING, Landing, Observation, Observed, Pending, Recorded,
    RecordedRoom, Room, Settled, Sighting, Timestamp, settle,
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
    stop: &Stop,
) -> Result<Recovered, StateError> {
    let ledger = Ledger::new(store);
    let mut looks = JoinSet::new();
    for (address, record) in &recorded.rooms {
        let connection = connections.get(&address.provider);
        if let (Some(pending), Some(connection)) = (&record.pending, connection) {
            let open = Open {
                address: address.clone(),
                record: record.clone(),
                pending: pending.as_ref().clone(),
                connection: connection.clone(),
            };
            let (ledger, stop) = (ledger.clone(), stop.clone());
            looks.spawn(async move { open.resolve(&ledger, &stop).await });
        }
    }
    if looks.is_empty() {
        return Ok(Recovered { recorded, observed: Observed::default() });
    }
    let mut recorded = recorded.as_ref().clone();
    let mut observed = Observed::default();
    while let Some(resolution) = looks.join_next().await {
        let Resolution { address, observation, record } = joined(resolution)?;
        match record {
            Some(record) => recorded.rooms.insert(address.clone(), record),
            None => recorded.rooms.remove(&address),
        };
        observed.rooms.insert(address, observation);
    }
    Ok(Recovered { recorded: Arc::new(recorded), observed })
}

/// A call that is open.
struct Open {
    address: Address,
    record: RecordedRoom,
    pending: Pending,
    connection: Connection,
}

impl Open {
    async fn resolve(self, ledger: &Ledger, stop: &Stop) -> Result<Resolution, StateError> {
        let mut landing = Landing::ByClock;
        loop {
            let observation = self.look(stop).await;
            let application = &self.connection.provider.application;
            match settle(application, &self.record, &self.pending, Some(&observation), landing) {
                Settled::Kept(record) => return self.keep(record, observation, ledger).await,
                Settled::Removed => {
                    ledger.remove(&self.address).await?;
                    return Ok(Resolution { address: self.address, observation, record: None });
                }
                Settled::MayStillLand(until) => {
                    let address = &self.address;
                    tracing::warn!(%address, "waiting: its last call may still take effect");
                    let wait = wait_until(until, self.connection.clock.now());
                    if stop.or(wait).await.is_none() {
                        return Ok(self.left_open(observation));
                    }
                    landing = Landing::Over;
                }
                Settled::Unread(_) | Settled::NotOurs => return Ok(self.left_open(observation)),
            }
        }
    }

    async fn look(&self, stop: &Stop) -> Observation {
        match stop.or(look(&*self.connection.client, &self.address)).await {
            Some(Ok(observation)) => observation,
            Some(Err(trouble)) => Observation::Unread { why: trouble.to_string() },
            None => Observation::Unread { why: "the run was interrupted".to_owned() },
        }
    }

    async fn keep(
        self,
        record: RecordedRoom,
        observation: Observation,
        ledger: &Ledger,
    ) -> Result<Resolution, StateError> {
        ledger.record(&self.address, &record).await?;
        Ok(Resolution { address: self.address, observation, record: Some(record) })
    }

    fn left_open(self, observation: Observation) -> Resolution {
        Resolution { address: self.address, observation, record: Some(self.record) }
    }
}

/// The record of a room of this kind that exists and is taken over: what changes in place is as it
/// was read, and the rest is taken to be as in `record`.
pub(super) fn adopted(kind: Kind, record: &RecordedRoom, sighting: &Sighting) -> RecordedRoom {
    let mut adopted = record.seen(sighting);
    let declared = &record.room;
    let read = declared.attributes.iter().filter_map(|(key, _)| {
        sighting.attributes.get(key).map(|attribute| (key, attribute.clone()))
    });
    let mut known = Room { attributes: read.collect(), ..Room::default() };
    for (field, value) in sighting.fields.iter().filter(|(it, _)| declared.value(*it).is_some()) {
        known.set(field, Some(value.clone()));
    }
    adopted.room = Arc::new(declared.with_changeable_of(kind, &known));
    adopted.assumed = Assumed::of(kind);
    adopted.created = sighting.at;
    adopted.pending = None;
    adopted
}

/// Waits from `now` until a moment at which nothing more may land: never longer than that takes,
/// also where a clock was set back meanwhile.
pub(super) async fn wait_until(until: Timestamp, now: Timestamp) {
    tokio::time::sleep(until.since(now).min(LANDING)).await;
}
