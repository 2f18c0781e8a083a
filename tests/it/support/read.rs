//! Looking and planning, as `plan` does: with observers that cannot change anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roomctl::applier::{Connections, Observers, StopSwitch, observe};
use roomctl::model::{
    Address, Desired, Holder, Observed, Plan, ProviderName, Recorded, Refresh, Refreshed, Timestamp,
};
use roomctl::planner::{self, PlanInputs, Scope};
use roomctl::provider::{Observer, ReadOnly};
use roomctl::render::{self, Detail, View};
use roomctl::state::{ReadStore, StateError};

use super::{Fuse, World};

/// What a plan is made from, but for what is seen.
pub(crate) struct Ground<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) recorded: &'a Recorded,
    pub(crate) evict: &'a BTreeSet<Address>,
    pub(crate) in_progress: Option<&'a Holder>,
    pub(crate) mode: Refresh,
    pub(crate) scope: Scope,
}

impl World {
    /// Plans without changing anything.
    pub(crate) async fn plan(&self, desired: &Desired, mode: Refresh) -> Result<Plan, StateError> {
        let snapshot = self.store().read().await?;
        let connections = self.connect(desired, &Fuse::never());
        self.resume(&connections, &snapshot);
        let observers: Observers = connections
            .iter()
            .map(|(name, one)| {
                let eye: Arc<dyn Observer> = Arc::new(ReadOnly::new(one.client.clone()));
                (name.clone(), eye)
            })
            .collect();
        let (recorded, evict) = (&*snapshot.recorded, &BTreeSet::new());
        let in_progress = snapshot.in_progress.as_ref();
        let ground = Ground { desired, recorded, evict, in_progress, mode, scope: Scope::Plan };
        let observed = ground.look(Observed::default(), &observers, &connections).await;
        Ok(ground.plan(&observed, Refreshed::As(mode)))
    }
}

impl Ground<'_> {
    /// Asks after the rooms that are due and were not seen yet.
    pub(crate) async fn look(
        &self,
        seen: Observed,
        observers: &Observers,
        connections: &Connections,
    ) -> Observed {
        let mut observed = seen;
        let now = moments(connections);
        let due =
            planner::due(self.desired, self.recorded, self.mode, self.scope, &|name| now[name]);
        let wanted = |address: &Address| {
            observers.contains_key(&address.provider) && observed.of(address).is_none()
        };
        let addresses = due.into_iter().filter(wanted).collect();
        let (_switch, stop) = StopSwitch::new();
        let more = observe(observers, addresses, &stop).await;
        observed.rooms.extend(more.rooms);
        observed
    }

    pub(crate) fn plan(&self, observed: &Observed, refreshed: Refreshed) -> Plan {
        let Self { desired, recorded, evict, in_progress, mode: _, scope: _ } = *self;
        planner::plan(PlanInputs { desired, recorded, observed, evict, refreshed, in_progress })
    }
}

fn moments(connections: &Connections) -> BTreeMap<ProviderName, Timestamp> {
    connections.iter().map(|(name, one)| (name.clone(), one.clock.now())).collect()
}

/// A plan as the command prints it, without colour.
pub(crate) fn text(plan: &Plan) -> String {
    let mut out = Vec::new();
    let view = View { state: "rooms.state.json", detail: Detail::Fields };
    render::plan_text(&mut out, plan, &view).expect("rendered");
    plain(out)
}

/// A text without its colours.
pub(crate) fn plain(text: Vec<u8>) -> String {
    anstream::adapter::strip_str(&String::from_utf8(text).expect("UTF-8")).to_string()
}
