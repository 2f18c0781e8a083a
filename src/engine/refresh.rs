//! Queries the services for the rooms that a plan needs, and makes the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::session::SessionError;
use crate::applier::{Connections, Observers, Report, Stop, observe};
use crate::model::{
    Address, Clock, Desired, Holder, Observed, Plan, ProviderName, Recorded, Refresh, Refreshed,
    Scope, Timestamp,
};
use crate::planner::{self, PlanInputs, Purpose};

/// No room whose people may be disconnected.
static NO_EVICTIONS: BTreeSet<Address> = BTreeSet::new();

/// What a plan is made from.
pub(super) struct PlanContext<'a> {
    /// What the files declare.
    pub(super) desired: &'a Desired,
    /// What the state records.
    pub(super) recorded: &'a Recorded,
    /// What was observed, under the declared names.
    pub(super) observed: Observed,
    /// The rooms that the run is restricted to.
    pub(super) scope: &'a Scope,
    /// Rooms whose people may be disconnected.
    pub(super) evict: &'a BTreeSet<Address>,
    /// Another run that is changing the record.
    pub(super) in_progress: Option<&'a Holder>,
}

impl<'a> PlanContext<'a> {
    /// Returns a context without observations, evictions or another run.
    pub(super) fn new(desired: &'a Desired, recorded: &'a Recorded, scope: &'a Scope) -> Self {
        let (observed, evict) = (Observed::default(), &NO_EVICTIONS);
        Self { desired, recorded, observed, scope, evict, in_progress: None }
    }

    /// Queries the rooms of the scope that `mode` selects and that were not observed yet.
    pub(super) async fn refresh(
        &mut self,
        mode: Refresh,
        purpose: Purpose,
        observers: &Observers,
        clocks: &Clocks<'_>,
        reporting: (&Arc<dyn Report>, &Stop),
    ) {
        let due = self.due(mode, purpose, clocks);
        self.observe(due, observers, reporting).await;
    }

    /// Returns the rooms that `mode` selects.
    pub(super) fn due(&self, mode: Refresh, purpose: Purpose, clocks: &Clocks<'_>) -> Vec<Address> {
        let now = clocks.now(self.desired);
        planner::due(self.desired, self.recorded, mode, purpose, &|name| now[name])
    }

    /// Queries the rooms that are in the scope and were not observed yet.
    pub(super) async fn observe(
        &mut self,
        rooms: Vec<Address>,
        observers: &Observers,
        (events, stop): (&Arc<dyn Report>, &Stop),
    ) {
        let new = rooms.into_iter().filter(|address| self.observed.of(address).is_none());
        let new = new.filter(|address| self.is_in_scope(address));
        let (connected, others): (Vec<_>, Vec<_>) =
            new.partition(|address| observers.contains_key(&address.provider));
        for Address { provider, room: _ } in others {
            *self.observed.not_asked.entry(provider).or_default() += 1;
        }
        let observed = observe(observers, connected, events, stop).await;
        self.observed.rooms.extend(observed.rooms);
    }

    /// Returns whether a room or another side of it is in the scope: people at any side count.
    fn is_in_scope(&self, address: &Address) -> bool {
        let sides = self.recorded.rooms.get(address).map(|record| &record.sides);
        self.scope.selects(address)
            || sides.is_some_and(|it| it.others(address).any(|other| self.scope.selects(&other)))
    }

    /// Makes the plan.
    pub(super) fn plan(&self, refreshed: Refreshed) -> Plan {
        planner::plan(PlanInputs {
            desired: self.desired,
            recorded: self.recorded,
            observed: &self.observed,
            scope: self.scope,
            refreshed,
            evict: self.evict,
            in_progress: self.in_progress,
        })
    }
}

/// The clocks of the services: the clock of each connection, and the wall clock for other providers.
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

/// Returns the observations under the provider names that the files declare.
pub(super) fn as_declared(desired: &Desired, observed: Observed) -> Observed {
    let Observed { rooms, not_asked } = observed;
    let named = |address: &Address| planner::address_as_declared(desired, address);
    let rooms = rooms.into_iter().map(|(address, observation)| (named(&address), observation));
    Observed { rooms: rooms.collect(), not_asked }
}

/// Returns the scope of a run, resolved against the declared and recorded rooms.
///
/// # Errors
/// Returns an error if a pattern matches none of them.
pub(super) fn resolve_scope(
    scope: &Scope,
    desired: &Desired,
    recorded: &Recorded,
) -> Result<Scope, SessionError> {
    let declared = desired.rooms.iter().map(|room| &room.address);
    let scope = scope.clone().matched(declared.chain(recorded.rooms.keys()));
    scope.check()?;
    Ok(scope)
}
