//! How long the calls of a write's intents may be sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::state::{SendWindow, StateError};

use super::clock::{Moment, WindowClock};

/// How long after the sending of a write the calls of its intents may be sent.
pub(in crate::state) const SEND_WINDOW: Duration = Duration::from_secs(2);

/// The send window of one write.
#[derive(Debug)]
pub(in crate::state) struct WriteWindow {
    pub(in crate::state) sent: Moment,
    pub(in crate::state) clock: Arc<dyn WindowClock>,
    /// Why the lease is lost, if it is.
    pub(in crate::state) lost: watch::Receiver<Option<StateError>>,
}

impl SendWindow for WriteWindow {
    fn is_open(&self) -> bool {
        self.lost.borrow().is_none() && self.sent.is_within(SEND_WINDOW, self.clock.now())
    }
}
