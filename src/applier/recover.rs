//! Looks up calls of unknown outcome until it is known what became of them: in the run that sent them,
//! and before anything else is done with their rooms in the next one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::journal::JournalWriter;
use super::observe::{joined, look};
use super::{Connection, Connections, Report, Stop};
use crate::model::{
    Address, ApiError, Event, LANDING, Landing, Observation, Observed, Pending, PendingKind,
    Recorded, RecordedRoom, SIGNATURE_ACCEPTED, Settled, settle,
};
use crate::state::{EarlierHolder, StateError, WriteStore};

/// The record after pending calls were resolved, and what the lookups observed.
#[derive(Debug)]
pub struct Recovered {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// What was observed of the rooms that had a call pending.
    pub observed: Observed,
}

/// What became of one pending call.
struct Resolution {
    address: Address,
    observation: Observation,
    record: Option<RecordedRoom>,
}

/// Looks up every call that is pending at a connected provider, records what became of it, and waits
/// if it may still take effect.
///
/// # Errors
/// Returns [`StateError`] if the record could not be written.
pub async fn recover(
    recorded: Arc<Recorded>,
    connections: &Connections,
    store: Arc<dyn WriteStore>,
    report: &Arc<dyn Report>,
    stop: &Stop,
) -> Result<Recovered, StateError> {
    let earlier = store.snapshot().earlier;
    let origin = Sent::earlier(earlier);
    let open: Vec<Open> = recorded
        .rooms
        .iter()
        .filter_map(|(address, record)| {
            let pending = record.pending.as_deref()?.clone();
            let connection = connections.get(&address.provider)?.clone();
            let (address, record) = (address.clone(), record.clone());
            Some(Open { address, record, pending, connection, earlier, origin })
        })
        .collect();
    if open.is_empty() {
        return Ok(Recovered { recorded, observed: Observed::default() });
    }
    let journal = JournalWriter::new(store);
    let awaited = open.iter().filter(|open| open.pending.absent_until.is_none()).count();
    if awaited > 0 {
        origin.wait_for_end(awaited as u64, report, stop).await;
    }
    report.event(&Event::ReadsStarted(open.len() as u64));
    let mut lookups = JoinSet::new();
    for open in open {
        let (journal, stop) = (journal.clone(), stop.clone());
        lookups.spawn(async move { open.resolve(&journal, &stop).await });
    }
    let mut recorded = recorded.as_ref().clone();
    let mut observed = Observed::default();
    while let Some(resolution) = lookups.join_next().await {
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

/// A call that an earlier run left pending.
struct Open {
    address: Address,
    record: RecordedRoom,
    pending: Pending,
    connection: Connection,
    /// The run that sent it, if it held a lease.
    earlier: Option<EarlierHolder>,
    origin: Sent,
}

impl Open {
    async fn resolve(self, journal: &JournalWriter, stop: &Stop) -> Result<Resolution, StateError> {
        let Self { address, record, pending, connection, earlier, origin } = self;
        let call = PendingCall { address: &address, record: &record, pending: &pending, origin };
        let (settled, observation) = match call.resolve(&connection, stop).await {
            Ok(settled) => settled,
            Err(unresolved) => {
                let observation = Observation::Unread { why: unresolved.to_string() };
                return Ok(Resolution { address, observation, record: Some(record) });
            }
        };
        let before = record.clone();
        let record = match settled {
            Settled::Done(record) | Settled::NotDone(record) => Some(record),
            Settled::Contested(record) | Settled::Unproven(record) => {
                tracing::warn!(%address, "{}", uncertain(&address, &record));
                Some(record)
            }
            Settled::Gone(left) => watched(&record, &pending, earlier, &observation).or(left),
            Settled::Foreign(left) => left,
            Settled::MayStillLand(_) | Settled::Unread(_) => {
                return Ok(Resolution { address, observation, record: Some(record) });
            }
        };
        if record.as_ref() != Some(&before) {
            journal.restore(&address, record.as_ref()).await?;
        }
        Ok(Resolution { address, observation, record })
    }
}

/// The record of a room that is missing after an open create of another holder, while the service may
/// still accept that create: a holder whose lease was taken over may be suspended, and send the signed call
/// once it goes on. The holder after it may have released the lease without having looked the room up.
fn watched(
    record: &RecordedRoom,
    pending: &Pending,
    earlier: Option<EarlierHolder>,
    observation: &Observation,
) -> Option<RecordedRoom> {
    let until = earlier.map(|_| pending.at.plus(SIGNATURE_ACCEPTED));
    let absent_until = pending.absent_until.or(until)?;
    let pending = Pending { absent_until: Some(absent_until), ..pending.clone() };
    let watched = RecordedRoom { pending: Some(Box::new(pending)), ..record.clone() };
    let is_create = record.pending.as_ref().is_some_and(|it| it.kind == PendingKind::Create);
    (is_create && watched.is_absent(Some(observation))).then_some(watched)
}

const MAY_STILL_LAND: &str = "waiting: its last call may still take effect";

/// A call whose outcome is unknown.
pub(super) struct PendingCall<'a> {
    pub(super) address: &'a Address,
    /// The record under the call's intent.
    pub(super) record: &'a RecordedRoom,
    pub(super) pending: &'a Pending,
    pub(super) origin: Sent,
}

/// Since when this process knows of a call, by a monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sent {
    /// This run sent it then.
    ByUs(Instant),
    /// An earlier run did; this one read of it then.
    Earlier(Instant),
    /// An earlier holder of a lease did: its calls have ended by then.
    EndedBy(Instant),
}

/// Why it is not known what became of a call.
pub(super) enum Unresolved {
    /// The room could not be looked up.
    Unread(ApiError),
    /// The run is to stop.
    Interrupted,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(api_error) => write!(f, "{api_error}"),
            Self::Interrupted => f.write_str("the run was interrupted"),
        }
    }
}

impl PendingCall<'_> {
    /// Looks the room up, and waits if the call may still take effect: never longer than that takes
    /// since this process knows of the call, whatever happens to the wall clock meanwhile.
    pub(super) async fn resolve(
        &self,
        connection: &Connection,
        stop: &Stop,
    ) -> Result<(Settled, Observation), Unresolved> {
        let application = &connection.provider.application;
        let mut waited = false;
        loop {
            let landing = self.origin.landing();
            let read = stop.or(look(&*connection.client, self.address)).await;
            let observation = read.ok_or(Unresolved::Interrupted)?.map_err(Unresolved::Unread)?;
            let Self { address, record, pending, origin } = self;
            match settle(application, record, pending, Some(&observation), landing) {
                Settled::MayStillLand(until) => {
                    match origin {
                        Sent::ByUs(_) => tracing::debug!(%address, "{MAY_STILL_LAND}"),
                        Sent::Earlier(_) | Sent::EndedBy(_) => {
                            tracing::warn!(%address, "{MAY_STILL_LAND}");
                        }
                    }
                    let by_clock = until.since(connection.clock.now());
                    let wait = origin.wait(by_clock, waited);
                    stop.or(sleep(wait)).await.ok_or(Unresolved::Interrupted)?;
                    waited = true;
                }
                settled @ (Settled::Done(_)
                | Settled::NotDone(_)
                | Settled::Gone(_)
                | Settled::Foreign(_)
                | Settled::Contested(_)
                | Settled::Unproven(_)
                | Settled::Unread(_)) => return Ok((settled, observation)),
            }
        }
    }
}

impl Sent {
    /// Returns that of the calls that the run before this one left open.
    fn earlier(holder: Option<EarlierHolder>) -> Self {
        match holder {
            Some(EarlierHolder { calls_ended, lease: _ }) => Self::EndedBy(calls_ended),
            None => Self::Earlier(Instant::now()),
        }
    }

    /// Waits until the calls of an earlier holder have ended, in so many rooms: no lookup counts before,
    /// whichever answer it gives. The wall clocks of two machines are never compared.
    async fn wait_for_end(self, rooms: u64, report: &Arc<dyn Report>, stop: &Stop) {
        let left = self.left();
        match self {
            Self::EndedBy(ended) if !left.is_zero() => {
                report.event(&Event::CallsAwaited(rooms, left));
                // Where the run is to stop, no room is looked up either.
                let _ = stop.or(sleep_until(ended)).await;
            }
            Self::EndedBy(_) | Self::ByUs(_) | Self::Earlier(_) => {}
        }
    }

    /// Whether a call may still take effect when a query is sent now.
    fn landing(self) -> Landing {
        match self {
            Self::ByUs(_) | Self::Earlier(_) | Self::EndedBy(_) if self.left().is_zero() => {
                Landing::Over
            }
            Self::ByUs(_) | Self::EndedBy(_) => Landing::NotOver,
            Self::Earlier(_) => Landing::ByClock,
        }
    }

    /// How long to wait before the next query, if the wall clock says `by_clock`: it is believed once,
    /// for a call that another process sent.
    fn wait(self, by_clock: Duration, waited: bool) -> Duration {
        match self {
            Self::Earlier(_) if !waited => self.left().min(by_clock),
            Self::ByUs(_) | Self::Earlier(_) | Self::EndedBy(_) => self.left(),
        }
    }

    fn left(self) -> Duration {
        let end = match self {
            Self::ByUs(since) | Self::Earlier(since) => since + LANDING,
            Self::EndedBy(end) => end,
        };
        end.saturating_duration_since(Instant::now())
    }
}

/// Why a room that exists is left as it is, and what to do.
pub(super) fn uncertain(address: &Address, record: &RecordedRoom) -> String {
    match &record.contested {
        Some(why) => format!(
            "a room exists whose origin is uncertain ({why}): `roomctl import {address}` takes it over, \
             `roomctl state rm {address}` leaves it to its owner"
        ),
        None => format!(
            "a room exists, and it is not known whether it is the one to destroy: the next apply plans \
             again, `roomctl state rm {address}` leaves it to its owner"
        ),
    }
}
