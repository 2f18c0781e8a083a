//! Asks the services after the rooms that a plan needs, and makes the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::applier::{Connections, Observers, Report, Stop, observe};
use crate::model::{
    Address, Clock, Desired, Holder, Observed, Plan, ProviderName, Recorded, Refresh, Refreshed,
    Timestamp,
};
use crate::planner::{self, PlanInputs, Purpose};

/// What a plan is made from.
pub(super) struct Known<'a> {
    /// What the files declare.
    pub(super) desired: &'a Desired,
    /// What the state records.
    pub(super) recorded: &'a Recorded,
    /// What was observed, under the declared names.
    pub(super) observed: Observed,
    /// Rooms whose people may be disconnected.
    pub(super) evict: &'a BTreeSet<Address>,
    /// Another run that is changing the record.
    pub(super) in_progress: Option<&'a Holder>,
}

impl Known<'_> {
    /// Asks after the rooms that `mode` names and that were not observed yet.
    pub(super) async fn refresh(
        &mut self,
        mode: Refresh,
        purpose: Purpose,
        observers: &Observers,
        clocks: &Clocks<'_>,
        (events, stop): (&Arc<dyn Report>, &Stop),
    ) {
        let now = clocks.now(self.desired);
        let due = planner::due(self.desired, self.recorded, mode, purpose, &|name| now[name]);
        let new = due.into_iter().filter(|address| self.observed.of(address).is_none());
        let (connected, others): (Vec<_>, Vec<_>) =
            new.partition(|address| observers.contains_key(&address.provider));
        for Address { provider, room: _ } in others {
            *self.observed.not_asked.entry(provider).or_default() += 1;
        }
        let observed = observe(observers, connected, events, stop).await;
        self.observed.rooms.extend(observed.rooms);
    }

    /// Makes the plan.
    pub(super) fn plan(&self, refreshed: Refreshed) -> Plan {
        planner::plan(PlanInputs {
            desired: self.desired,
            recorded: self.recorded,
            observed: &self.observed,
            refreshed,
            evict: self.evict,
            in_progress: self.in_progress,
        })
    }
}

/// The clocks by which rooms live: that of each connection, and the wall clock for the others.
pub(super) struct Clocks<'a> {
    pub(super) wall: &'a dyn Clock,
    pub(super) connections: &'a Connections,
}

impl Clocks<'_> {
    fn now(&self, desired: &Desired) -> BTreeMap<ProviderName, Timestamp> {
        let wall = self.wall.now();
        let now =
            |name: &ProviderName| self.connections.get(name).map_or(wall, |it| it.clock.now());
        desired.providers.keys().map(|name| (name.clone(), now(name))).collect()
    }
}

/// What was observed, under the names that the files declare.
pub(super) fn as_declared(desired: &Desired, observed: Observed) -> Observed {
    let Observed { rooms, not_asked } = observed;
    let named = |address: &Address| planner::address_as_declared(desired, address);
    let rooms = rooms.into_iter().map(|(address, observation)| (named(&address), observation));
    Observed { rooms: rooms.collect(), not_asked }
}
