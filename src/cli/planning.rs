//! Planning as `plan`, `apply` and `destroy` share it: whom to ask, look, plan, show.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::args::{Format, PlanningArgs};
use super::connect::{self, Connected};
use super::console::Console;
use super::exit::{Exit, Stopped};
use crate::apply::{Connections, Eyes, Stop, observe};
use crate::model::{
    Address, Asked, Desired, HeldReason, Observed, Plan, ProviderName, Recorded, Refresh, Timestamp,
};
use crate::plan::{self, Inputs, Scope};
use crate::render::{self, Detail, View};

/// What a plan is made from.
pub(super) struct Ground<'a> {
    /// What the files say.
    pub(super) desired: &'a Desired,
    /// What the state says.
    pub(super) recorded: &'a Recorded,
    /// What was seen already.
    pub(super) observed: Observed,
    /// Rooms whose people may be thrown out.
    pub(super) evict: &'a BTreeSet<Address>,
}

/// Whom to ask: as the command line says, or else the policy.
pub(super) fn refresh(args: &PlanningArgs, desired: &Desired) -> Refresh {
    args.refresh.unwrap_or(desired.policy.refresh)
}

/// Whether the service is asked; without credentials that is an error only where it was ordered.
pub(super) fn asked(
    args: &PlanningArgs,
    desired: &Desired,
    connected: &Connected,
) -> Result<Asked, Stopped> {
    let mode = refresh(args, desired);
    match args.refresh {
        Some(Refresh::Due | Refresh::All) => connected.require_credentials()?,
        Some(Refresh::Never) | None => {}
    }
    let none = connected.connections.is_empty() && !connected.missing.is_empty();
    Ok(if none { Asked::NoCredentials } else { Asked::Yes(mode) })
}

impl Ground<'_> {
    /// Asks after the rooms that `mode` names and that were not seen yet.
    pub(super) async fn look(
        &mut self,
        mode: Refresh,
        scope: Scope,
        eyes: &Eyes,
        connections: &Connections,
        stop: &Stop,
    ) {
        let now = moments(self.desired, connections);
        let at = |name: &ProviderName| moment(&now, name);
        let due = plan::due(self.desired, self.recorded, mode, scope, &at);
        let wanted = |address: &Address| {
            eyes.contains_key(&address.provider) && self.observed.of(address).is_none()
        };
        let addresses = due.into_iter().filter(wanted).collect();
        let seen = observe(eyes, addresses, stop).await;
        self.observed.rooms.extend(seen.rooms);
    }

    /// Makes the plan.
    pub(super) fn plan(&self, asked: Asked, connections: &Connections) -> Plan {
        let now = moments(self.desired, connections);
        plan::plan(Inputs {
            desired: self.desired,
            recorded: self.recorded,
            observed: &self.observed,
            now: &|name| moment(&now, name),
            asked,
            evict: self.evict,
        })
    }
}

/// Shows a plan on stdout.
pub(super) fn show(
    plan: &Plan,
    args: &PlanningArgs,
    state: &Path,
    console: &Console,
) -> Result<(), Stopped> {
    let state = state.display().to_string();
    let detail = if args.diff { Detail::Unified } else { Detail::Fields };
    let view = View { state: &state, detail };
    match args.format {
        Format::Json => console.document(|out| render::plan_json(out, plan)),
        Format::Text => console.print(|out| render::plan_text(out, plan, &view)),
    }
}

/// How a plan by itself ends a command, but for the gate: unread rooms leave it partly done.
pub(super) fn unread(plan: &Plan) -> Exit {
    if plan.unread.is_empty() { Exit::Done } else { Exit::Partly }
}

/// How what is blocked ends an apply: a conflict is not done, protection and quota refuse.
pub(super) fn blocked(plan: &Plan) -> Exit {
    let ends = plan.blocked.iter().map(|held| match held.reason {
        HeldReason::Conflict => Exit::Partly,
        HeldReason::PreventDestroy | HeldReason::MaxRooms(_) => Exit::Refused,
        HeldReason::Occupied(_) => Exit::Done,
    });
    ends.fold(Exit::Done, Exit::or)
}

/// The time now at each provider; all that a plan knows of time.
fn moments(desired: &Desired, connections: &Connections) -> BTreeMap<ProviderName, Timestamp> {
    let now = |name: &ProviderName| {
        connections.get(name).map_or_else(connect::now, |connection| connection.clock.now())
    };
    desired.providers.keys().map(|name| (name.clone(), now(name))).collect()
}

fn moment(moments: &BTreeMap<ProviderName, Timestamp>, name: &ProviderName) -> Timestamp {
    moments.get(name).copied().unwrap_or_else(connect::now)
}
