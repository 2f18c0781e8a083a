//! Looks at rooms, many at once, through observers that cannot change anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::Stop;
use crate::model::{
    Address, ApiError, ErrorClass, Observation, Observed, ObservedRoom, ProviderName, RoomId,
};
use crate::provider::Observer;

/// What looks at each provider's rooms.
pub type Observers = BTreeMap<ProviderName, Arc<dyn Observer>>;

/// Looks under way at once at one provider: enough to hide three seconds of latency at 20 a second.
const LOOKS: usize = 64;

/// Looks at rooms. A provider that cannot be reached, or that answers that nothing will succeed, is
/// not asked again: its other rooms are unread for the same reason.
pub async fn observe(observers: &Observers, addresses: Vec<Address>, stop: &Stop) -> Observed {
    let mut by_provider: BTreeMap<ProviderName, Vec<Address>> = BTreeMap::new();
    for address in addresses {
        by_provider.entry(address.provider.clone()).or_default().push(address);
    }
    let mut providers = JoinSet::new();
    for (name, addresses) in by_provider {
        let (eye, stop) = (observers.get(&name).cloned(), stop.clone());
        providers.spawn(async move { provider(eye, addresses, &stop).await });
    }
    let mut observed = Observed::default();
    while let Some(answers) = providers.join_next().await {
        observed.rooms.extend(joined(answers));
    }
    observed
}

/// The rooms that were seen, with how they were seen.
pub fn observed_rooms(observed: &Observed) -> impl Iterator<Item = (&Address, &ObservedRoom)> {
    observed.rooms.iter().filter_map(|(address, observation)| match observation {
        Observation::There(observed_room) => Some((address, observed_room)),
        Observation::Gone(_) | Observation::Unread { .. } => None,
    })
}

/// Looks at one room.
pub(super) async fn look(eye: &dyn Observer, address: &Address) -> Result<Observation, ApiError> {
    eye.observed_room(&address.room).await
}

async fn provider(
    eye: Option<Arc<dyn Observer>>,
    addresses: Vec<Address>,
    stop: &Stop,
) -> Vec<(Address, Observation)> {
    let Some(eye) = eye else {
        let why = "its provider was not asked";
        return addresses.into_iter().map(|address| (address, unread(why))).collect();
    };
    let dead: Arc<Mutex<Option<String>>> = Arc::default();
    let groups: Vec<Vec<Address>> =
        addresses.chunks(eye.batch().max(1)).map(<[Address]>::to_vec).collect();
    let queue = Arc::new(Mutex::new(groups.into_iter()));
    let mut lookers = JoinSet::new();
    for _ in 0..LOOKS {
        let (eye, dead, queue, stop) = (eye.clone(), dead.clone(), queue.clone(), stop.clone());
        lookers.spawn(async move {
            let mut answers = Vec::new();
            loop {
                let Some(group) = queue.lock().await.next() else { return answers };
                answers.extend(together(&*eye, group, &dead, &stop).await);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(answers) = lookers.join_next().await {
        all.extend(joined(answers));
    }
    all
}

/// Looks at as many rooms as the service answers for at once.
async fn together(
    eye: &dyn Observer,
    group: Vec<Address>,
    dead: &Mutex<Option<String>>,
    stop: &Stop,
) -> Vec<(Address, Observation)> {
    let all = |group: Vec<Address>, why: &str| {
        group.into_iter().map(|address| (address, unread(why))).collect()
    };
    if let Some(why) = dead.lock().await.as_deref() {
        return all(group, why);
    }
    let rooms: Vec<RoomId> = group.iter().map(|address| address.room.clone()).collect();
    match stop.or(eye.observed_rooms(&rooms)).await {
        None => all(group, "the run was interrupted"),
        Some(Ok(seen)) => group.into_iter().zip(seen).collect(),
        Some(Err(api_error)) => {
            if is_dead(&api_error) {
                dead.lock().await.get_or_insert_with(|| api_error.to_string());
            }
            all(group, &api_error.to_string())
        }
    }
}

/// Whether a failed look means that no other look at this provider will succeed.
fn is_dead(api_error: &ApiError) -> bool {
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

fn unread(why: &str) -> Observation {
    Observation::Unread { why: why.to_owned() }
}

/// The answer of a task; a panic in it is a panic here.
pub(super) fn joined<T>(task: Result<T, tokio::task::JoinError>) -> T {
    match task {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
