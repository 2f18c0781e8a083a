//! Planning as `plan`, `apply` and `destroy` share it: whom to ask, look, plan, show.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::args::{Format, PlanningArgs};
use super::connect::{self, Connected};
use super::console::Console;
use super::exit::{Exit, Stopped};
use crate::applier::{Connections, Observers, Stop, observe};
use crate::model::{
    Address, Desired, Holder, Observed, Plan, ProviderName, Recorded, Refresh, Refreshed, Timestamp,
};
use crate::planner::{self, PlanInputs, Scope};
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
    /// Another run that is under way.
    pub(super) in_progress: Option<&'a Holder>,
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
) -> Result<Refreshed, Stopped> {
    let mode = refresh(args, desired);
    match args.refresh {
        Some(Refresh::Due | Refresh::All) => connected.require_credentials()?,
        Some(Refresh::Never) | None => {}
    }
    let none = connected.connections.is_empty() && !connected.missing.is_empty();
    Ok(if none { Refreshed::NoCredentials } else { Refreshed::As(mode) })
}

impl Ground<'_> {
    /// Asks after the rooms that `mode` names and that were not seen yet.
    pub(super) async fn look(
        &mut self,
        mode: Refresh,
        scope: Scope,
        observers: &Observers,
        connections: &Connections,
        stop: &Stop,
    ) {
        let now = times(self.desired, connections);
        let due = planner::due(self.desired, self.recorded, mode, scope, &|name| now[name]);
        let new = due.into_iter().filter(|address| self.observed.of(address).is_none());
        let (reachable, others): (Vec<_>, Vec<_>) =
            new.partition(|address| observers.contains_key(&address.provider));
        for Address { provider, room: _ } in others {
            *self.observed.not_asked.entry(provider).or_default() += 1;
        }
        let seen = observe(observers, reachable, stop).await;
        self.observed.rooms.extend(seen.rooms);
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

/// What was seen, under the names that the files declare.
pub(super) fn as_declared(desired: &Desired, observed: Observed) -> Observed {
    let Observed { rooms, not_asked } = observed;
    let named = |address: &Address| planner::address_as_declared(desired, address);
    let rooms = rooms.into_iter().map(|(address, seen)| (named(&address), seen));
    Observed { rooms: rooms.collect(), not_asked }
}

/// Shows a plan on stdout; under `--quiet`, nothing where nothing is to be done.
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
        Format::Text if console.is_quiet() && plan.has_nothing_to_do() => Ok(()),
        Format::Text => console.print(|out| render::plan_text(out, plan, &view)),
    }
}

/// How a plan by itself ends a command, but for the gate: unread rooms leave it partly done.
pub(super) fn unread(plan: &Plan) -> Exit {
    if plan.unread.is_empty() { Exit::Done } else { Exit::Partly }
}

/// How what is blocked ends an apply.
pub(super) fn blocked(plan: &Plan) -> Exit {
    if plan.blocked.is_empty() { Exit::Done } else { Exit::Refused }
}

/// The time now at each provider: the built-in emulator runs ahead of the others.
fn times(desired: &Desired, connections: &Connections) -> BTreeMap<ProviderName, Timestamp> {
    let now = |name: &ProviderName| {
        connections.get(name).map_or_else(connect::now, |connection| connection.clock.now())
    };
    desired.providers.keys().map(|name| (name.clone(), now(name))).collect()
}
