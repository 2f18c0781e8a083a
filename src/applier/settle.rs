//! Looks a call of unknown outcome up until it is known what became of it: in the run that sent it, and
//! in the next one.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::observe::look;
use super::{Connection, Stop};
use crate::model::{
    Address, ApiError, LANDING, Landing, Observation, Pending, RecordedRoom, Settled, settle,
};

const MAY_STILL_LAND: &str = "waiting: its last call may still take effect";

/// A call whose outcome is unknown.
pub(super) struct Unsettled<'a> {
    pub(super) address: &'a Address,
    /// The record under the call's intent.
    pub(super) record: &'a RecordedRoom,
    pub(super) pending: &'a Pending,
    pub(super) origin: Sent,
}

/// Since when this process knows of a call, by a clock that is never set back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sent {
    /// This run sent it then.
    ByUs(Instant),
    /// An earlier run did; this one met it then.
    Earlier(Instant),
}

/// Why it is not known what became of a call.
pub(super) enum Unsure {
    /// The room could not be looked up.
    Unread(ApiError),
    /// The run is to stop.
    Interrupted,
}

impl fmt::Display for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(api_error) => write!(f, "{api_error}"),
            Self::Interrupted => f.write_str("the run was interrupted"),
        }
    }
}

impl Unsettled<'_> {
    /// Looks, and waits where the call may still take effect: never longer than that takes since this
    /// process knows of the call, wherever the wall clock is set meanwhile.
    pub(super) async fn settle(
        &self,
        connection: &Connection,
        stop: &Stop,
    ) -> Result<(Settled, Observation), Unsure> {
        let application = &connection.provider.application;
        let mut waited = false;
        loop {
            let landing = self.origin.landing();
            let looked = stop.or(look(&*connection.client, self.address)).await;
            let observation = looked.ok_or(Unsure::Interrupted)?.map_err(Unsure::Unread)?;
            let Self { address, record, pending, origin } = self;
            match settle(application, record, pending, Some(&observation), landing) {
                Settled::MayStillLand(until) => {
                    match origin {
                        Sent::ByUs(_) => tracing::debug!(%address, "{MAY_STILL_LAND}"),
                        Sent::Earlier(_) => tracing::warn!(%address, "{MAY_STILL_LAND}"),
                    }
                    let by_clock = until.since(connection.clock.now());
                    let wait = origin.wait(by_clock, waited);
                    stop.or(sleep(wait)).await.ok_or(Unsure::Interrupted)?;
                    waited = true;
                }
                settled @ (Settled::Done(_)
                | Settled::NotDone(_)
                | Settled::Gone(_)
                | Settled::Contested(_)
                | Settled::Unproven(_)
                | Settled::Unread(_)) => return Ok((settled, observation)),
            }
        }
    }
}

impl Sent {
    /// Whether a call may still take effect when a query is sent now.
    fn landing(self) -> Landing {
        match self {
            Self::ByUs(_) | Self::Earlier(_) if self.left().is_zero() => Landing::Over,
            Self::ByUs(_) => Landing::NotOver,
            Self::Earlier(_) => Landing::ByClock,
        }
    }

    /// How long to wait before the next query, where the wall clock says `by_clock`: it is believed
    /// once, of a call that another process sent.
    fn wait(self, by_clock: Duration, waited: bool) -> Duration {
        match self {
            Self::Earlier(_) if !waited => self.left().min(by_clock),
            Self::ByUs(_) | Self::Earlier(_) => self.left(),
        }
    }

    fn left(self) -> Duration {
        let (Self::ByUs(since) | Self::Earlier(since)) = self;
        (since + LANDING).saturating_duration_since(Instant::now())
    }
}
