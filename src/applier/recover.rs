//! Looks up the rooms of calls with an unknown outcome until the outcome is known: in the run that sent
//! the call, or in the next run before it does anything else with the room.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::journal::JournalWriter;
use super::observe::{joined, observe_room};
use super::{Connection, Connections, Report, Stop};
use crate::model::{
    Address, ApiError, Event, LANDING, Landing, Observation, Observed, Pending, PendingKind,
    Recorded, RecordedRoom, SIGNATURE_ACCEPTED, Settled, settle,
};
use crate::state::{EarlierHolder, StateError, WriteStore};

/// The record after the pending calls were resolved, and what the lookups observed.
#[derive(Debug)]
pub struct Recovered {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// What was observed of the rooms with a pending call.
    pub observed: Observed,
}

/// The outcome of one pending call.
struct Resolution {
    address: Address,
    observation: Observation,
    record: Option<RecordedRoom>,
}

/// Resolves every call that is pending at a connected provider: waits while it may still take effect,
/// looks its room up, and records the outcome.
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
    let origin = CallOrigin::earlier(earlier);
    let open: Vec<OpenCall> = recorded
        .rooms
        .iter()
        .filter_map(|(address, record)| {
            let pending = record.pending.as_deref()?.clone();
            let connection = connections.get(&address.provider)?.clone();
            let (address, record) = (address.clone(), record.clone());
            Some(OpenCall { address, record, pending, connection, earlier, origin })
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
struct OpenCall {
    address: Address,
    record: RecordedRoom,
    pending: Pending,
    connection: Connection,
    /// The earlier holder of the lease that sent it; `None` if that run held no lease.
    earlier: Option<EarlierHolder>,
    origin: CallOrigin,
}

impl OpenCall {
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

/// Returns the record of a room that is missing after an open create of an earlier holder, while the service
/// may still accept that create; `None` if it need not be watched. A holder whose lease was taken over may
/// be suspended, and send its signed call when it resumes. A later holder may have released the lease
/// without a lookup of the room.
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
    /// The record in the call's intent.
    pub(super) record: &'a RecordedRoom,
    pub(super) pending: &'a Pending,
    pub(super) origin: CallOrigin,
}

/// Which run sent a call, with a time by the monotonic clock of this process.
#[derive(Clone, Copy, Debug)]
pub(super) enum CallOrigin {
    /// This run sent the call, at this time.
    ThisRun(Instant),
    /// An earlier run sent it; this run read its intent at this time.
    EarlierRun(Instant),
    /// An earlier holder of the lease sent it; all its calls have ended by this time.
    EarlierHolder(Instant),
}

/// Why the outcome of a call is still unknown.
pub(super) enum Unresolved {
    /// The room could not be looked up.
    Unread(ApiError),
    /// A stop was requested.
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
    /// Looks the room up, and waits while the call may still take effect. The wait is limited by the
    /// monotonic time since this process knows of the call, whatever the wall clock does.
    pub(super) async fn resolve(
        &self,
        connection: &Connection,
        stop: &Stop,
    ) -> Result<(Settled, Observation), Unresolved> {
        let application = &connection.provider.application;
        let mut waited = false;
        loop {
            let landing = self.origin.landing();
            let read = stop.or(observe_room(&*connection.client, self.address)).await;
            let observation = read.ok_or(Unresolved::Interrupted)?.map_err(Unresolved::Unread)?;
            let Self { address, record, pending, origin } = self;
            match settle(application, record, pending, Some(&observation), landing) {
                Settled::MayStillLand(until) => {
                    match origin {
                        CallOrigin::ThisRun(_) => tracing::debug!(%address, "{MAY_STILL_LAND}"),
                        CallOrigin::EarlierRun(_) | CallOrigin::EarlierHolder(_) => {
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

impl CallOrigin {
    /// Returns the origin of the calls that the previous run left open.
    fn earlier(holder: Option<EarlierHolder>) -> Self {
        match holder {
            Some(EarlierHolder { calls_ended, lease: _ }) => Self::EarlierHolder(calls_ended),
            None => Self::EarlierRun(Instant::now()),
        }
    }

    /// Waits until the calls of an earlier holder have ended; `rooms` is the number of rooms with such
    /// calls. Before that no lookup counts, whatever it finds. The wall clocks of two machines are never
    /// compared.
    async fn wait_for_end(self, rooms: u64, report: &Arc<dyn Report>, stop: &Stop) {
        let left = self.left();
        match self {
            Self::EarlierHolder(ended) if !left.is_zero() => {
                report.event(&Event::CallsAwaited(rooms, left));
                // After a stop no room is looked up either.
                let _ = stop.or(sleep_until(ended)).await;
            }
            Self::EarlierHolder(_) | Self::ThisRun(_) | Self::EarlierRun(_) => {}
        }
    }

    /// Returns whether the call may still take effect after a query that is sent now.
    fn landing(self) -> Landing {
        match self {
            Self::ThisRun(_) | Self::EarlierRun(_) | Self::EarlierHolder(_)
                if self.left().is_zero() =>
            {
                Landing::Over
            }
            Self::ThisRun(_) | Self::EarlierHolder(_) => Landing::NotOver,
            Self::EarlierRun(_) => Landing::ByClock,
        }
    }

    /// Returns how long to wait before the next query. `by_clock` is the wait by the wall clock: it is used
    /// once, for a call that another process sent.
    fn wait(self, by_clock: Duration, waited: bool) -> Duration {
        match self {
            Self::EarlierRun(_) if !waited => self.left().min(by_clock),
            Self::ThisRun(_) | Self::EarlierRun(_) | Self::EarlierHolder(_) => self.left(),
        }
    }

    fn left(self) -> Duration {
        let end = match self {
            Self::ThisRun(since) | Self::EarlierRun(since) => since + LANDING,
            Self::EarlierHolder(end) => end,
        };
        end.saturating_duration_since(Instant::now())
    }
}

/// Returns why a room that exists is left unchanged, and what the user can do.
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
