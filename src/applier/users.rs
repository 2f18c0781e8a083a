//! Has the users known whom the next steps need, while earlier steps are under way: a create would
//! else hold its place in the rate limit for as long as that takes.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::model::{Operation, Step};
use crate::provider::Client;

/// The registrations under way for steps that have not started. Dropped, they are given up.
pub(super) struct Users {
    client: Option<Arc<Client>>,
    in_flight: JoinSet<()>,
    /// How many steps were looked at.
    seen: usize,
}

impl Users {
    pub(super) fn new(client: Option<Arc<Client>>) -> Self {
        Self { client, in_flight: JoinSet::new(), seen: 0 }
    }

    /// Asks for nobody any more: no further step starts.
    pub(super) fn give_up(&mut self) {
        self.client = None;
        self.in_flight.abort_all();
    }

    /// Looks at the steps up to `end` that were not looked at yet.
    pub(super) fn look_ahead(&mut self, steps: &[Step], end: usize) {
        let Some(client) = &self.client else { return };
        let end = end.min(steps.len());
        for step in steps.get(self.seen..end).unwrap_or_default() {
            let made = step.action.makes_room().then(|| step.after.clone()).flatten();
            if let Some(room) = made {
                let (client, operation) = (client.clone(), Operation::Create(room));
                // What became of it is kept by the client, and told to the step that needs it.
                self.in_flight.spawn(async move { drop(client.prepare(&operation).await) });
            }
        }
        self.seen = self.seen.max(end);
        while self.in_flight.try_join_next().is_some() {}
    }
}
