//! Reads rooms concurrently, through observers that cannot change anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::{Report, Stop};
use crate::model::{
    Address, ApiError, ErrorClass, Event, Observation, Observed, ObservedRoom, ProviderName, RoomId,
};
use crate::provider::Observer;

/// The observer of each provider.
pub type Observers = BTreeMap<ProviderName, Arc<dyn Observer>>;

/// How many queries to one provider are in flight at once: enough to hide three seconds of latency at 20
/// queries per second.
const IN_FLIGHT: usize = 64;

/// Reads rooms, and reports how many were read. After an error that ends all queries to a provider, it is
/// not queried again: its other rooms are unread for the same reason.
pub async fn observe(
    observers: &Observers,
    addresses: Vec<Address>,
    report: &Arc<dyn Report>,
    stop: &Stop,
) -> Observed {
    let mut observed = Observed::default();
    if addresses.is_empty() {
        return observed;
    }
    report.event(&Event::ReadsStarted(addresses.len() as u64));
    let mut by_provider: BTreeMap<ProviderName, Vec<Address>> = BTreeMap::new();
    for address in addresses {
        by_provider.entry(address.provider.clone()).or_default().push(address);
    }
    let mut providers = JoinSet::new();
    for (name, addresses) in by_provider {
        let reader = observers.get(&name).cloned();
        let (report, stop) = (report.clone(), stop.clone());
        providers.spawn(async move { provider(reader, addresses, &report, &stop).await });
    }
    while let Some(answers) = providers.join_next().await {
        observed.rooms.extend(joined(answers));
    }
    report.event(&Event::ReadsEnded);
    observed
}

/// Returns the rooms that exist, with what was observed of them.
pub fn observed_rooms(observed: &Observed) -> impl Iterator<Item = (&Address, &ObservedRoom)> {
    observed.rooms.iter().filter_map(|(address, observation)| match observation {
        Observation::There(observed_room) => Some((address, observed_room)),
        Observation::Gone(_) | Observation::Unread { .. } => None,
    })
}

/// Reads one room.
pub(super) async fn observe_room(
    observer: &dyn Observer,
    address: &Address,
) -> Result<Observation, ApiError> {
    observer.observed_room(&address.room).await
}

/// Reads the rooms of one provider; `None` if it was not connected.
async fn provider(
    observer: Option<Arc<dyn Observer>>,
    addresses: Vec<Address>,
    report: &Arc<dyn Report>,
    stop: &Stop,
) -> Vec<(Address, Observation)> {
    let Some(observer) = observer else {
        report.event(&Event::RoomsRead(addresses.len() as u64));
        return unread(addresses, "its provider was not asked");
    };
    let failed: Arc<Mutex<Option<String>>> = Arc::default();
    let batches: Vec<Vec<Address>> =
        addresses.chunks(observer.batch().max(1)).map(<[Address]>::to_vec).collect();
    let queue = Arc::new(Mutex::new(batches.into_iter()));
    let mut readers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (observer, failed, queue) = (observer.clone(), failed.clone(), queue.clone());
        let (report, stop) = (report.clone(), stop.clone());
        readers.spawn(async move {
            let mut answers = Vec::new();
            loop {
                let Some(batch) = queue.lock().await.next() else { return answers };
                let rooms = batch.len() as u64;
                answers.extend(read(&*observer, batch, &failed, &stop).await);
                report.event(&Event::RoomsRead(rooms));
            }
        });
    }
    let mut all = Vec::new();
    while let Some(answers) = readers.join_next().await {
        all.extend(joined(answers));
    }
    all
}

/// Reads the rooms of one query.
async fn read(
    observer: &dyn Observer,
    batch: Vec<Address>,
    failed: &Mutex<Option<String>>,
    stop: &Stop,
) -> Vec<(Address, Observation)> {
    if let Some(why) = failed.lock().await.as_deref() {
        return unread(batch, why);
    }
    let rooms: Vec<RoomId> = batch.iter().map(|address| address.room.clone()).collect();
    match stop.or(observer.observed_rooms(&rooms)).await {
        None => unread(batch, "the run was interrupted"),
        Some(Ok(observations)) => batch.into_iter().zip(observations).collect(),
        Some(Err(api_error)) => {
            let why = api_error.to_string();
            if ends_reads(&api_error) {
                failed.lock().await.get_or_insert_with(|| why.clone());
            }
            unread(batch, &why)
        }
    }
}

/// Returns whether no further query to this provider will succeed after this error.
fn ends_reads(api_error: &ApiError) -> bool {
    match api_error.class {
        ErrorClass::Fatal | ErrorClass::Stopped => true,
        ErrorClass::Retry => api_error.code.is_none(),
        ErrorClass::TooOften
        | ErrorClass::SignAgain
        | ErrorClass::OperatorUnknown
        | ErrorClass::Missing
        | ErrorClass::Exists
        | ErrorClass::Taken
        | ErrorClass::Quota
        | ErrorClass::Unknown
        | ErrorClass::Unrecognised
        | ErrorClass::Refused => false,
    }
}

fn unread(addresses: Vec<Address>, why: &str) -> Vec<(Address, Observation)> {
    let unread = |address| (address, Observation::Unread { why: why.to_owned() });
    addresses.into_iter().map(unread).collect()
}

/// Returns the result of a task, and propagates its panic.
pub(super) fn joined<T>(task: Result<T, tokio::task::JoinError>) -> T {
    match task {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
