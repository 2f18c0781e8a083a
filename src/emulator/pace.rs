//! How often one live room may be created.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::traffic::Passage;

const WINDOW: Duration = Duration::from_secs(1);

/// The rooms that were created, or were to be, in the last second.
#[derive(Debug, Default)]
pub(super) struct Pace {
    rooms: BTreeSet<(u32, String)>,
    order: VecDeque<(Instant, u32, String)>,
}

impl Pace {
    /// Lets a create through where the second before it saw none of the same room. A refused one does not
    /// count.
    pub(super) fn create(&mut self, app: u32, id: &str, at: Instant) -> Passage {
        while self.order.front().is_some_and(|(then, _, _)| at.duration_since(*then) >= WINDOW) {
            if let Some((_, app, id)) = self.order.pop_front() {
                self.rooms.remove(&(app, id));
            }
        }
        if !self.rooms.insert((app, id.to_owned())) {
            return Passage::TooOften;
        }
        self.order.push_back((at, app, id.to_owned()));
        Passage::Free
    }
}
