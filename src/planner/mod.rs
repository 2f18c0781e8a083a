//! Compares what is declared with what is recorded and observed, and decides. Pure: no IO, no clock.

mod builder;
mod compare;
mod decide;
mod diff;
mod digest;
mod drift;
mod due;
mod estimate;
mod findings;
mod gate;
mod identity;
mod join;
mod moved;
mod ownership;
mod quota;
mod reconcile;
mod relocate;
mod room_context;
mod saved;
mod step;

pub use drift::drift;
pub use due::{Purpose, due};
pub use identity::{HostChange, IdentityError, identity};
pub use moved::{AsDeclared, address_as_declared, as_declared};
pub use ownership::owned;
pub use reconcile::{last_applied, unapplied};
pub use relocate::{Relocated, Relocation, RelocationError, relocate};
pub use saved::{SavedPlanRefusal, check_saved, restrict, saved_as_read};

use std::collections::BTreeSet;

use crate::model::{
    Address, Desired, Holder, Observed, Plan, Recorded, Refreshed, RunInProgress, Scope, StateRef,
    Step, Summary,
};

use builder::PlanBuilder;

/// Everything that a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInputs<'a> {
    /// What the files declare.
    pub desired: &'a Desired,
    /// What the state records.
    pub recorded: &'a Recorded,
    /// What the service answered.
    pub observed: &'a Observed,
    /// The rooms to plan for.
    pub scope: &'a Scope,
    /// Rooms whose people are disconnected in this run, regardless of the policy (`--evict`).
    pub evict: &'a BTreeSet<Address>,
    /// What was refreshed before planning.
    pub refreshed: Refreshed,
    /// The run whose open intents are in `recorded`, if it is still in flight.
    pub in_progress: Option<&'a Holder>,
}

/// Makes the plan: the steps, the steps that are held back, and the reasons.
///
/// Equal inputs give equal plans. The steps are ordered by action, then kind, then address: destroys,
/// replaces, updates, creates (including recreates), adopts, records, forgets. Those that make room go
/// first.
#[must_use]
pub fn plan(inputs: PlanInputs<'_>) -> Plan {
    let PlanInputs { desired, recorded, observed, scope, evict: _, refreshed, in_progress } =
        inputs;
    let declared = moved::as_declared(desired, recorded);
    let recorded = &*declared.recorded;
    let mut builder = builder::build(PlanInputs { recorded, ..inputs });
    let digest = digest::of(&builder, PlanInputs { recorded, ..inputs });
    moved::add_steps(&mut builder, &declared, desired, scope);
    let PlanBuilder {
        mut steps,
        waiting,
        mut blocked,
        unread,
        in_flight,
        findings: of_rooms,
        unchanged,
        alive,
        rooms,
    } = builder;
    blocked.extend(quota::hold_creates(&mut steps, &desired.providers, &alive));
    blocked.sort_by(|a, b| a.step.address.cmp(&b.step.address));
    let steps: Vec<Step> = steps.into_ordered();
    let mut findings = quota::below_recorded(&desired.providers, recorded);
    findings.extend(of_rooms.into_findings());
    Plan {
        emulated: desired.providers.values().any(crate::model::Provider::emulated),
        state: StateRef { lineage: recorded.lineage.clone(), serial: recorded.serial },
        config_digest: desired.config_digest,
        digest,
        scope: scope.partial(rooms.selected, rooms.all),
        gate: gate::evaluate(&steps, desired, recorded),
        summary: Summary {
            unchanged,
            waiting: waiting.len() as u64,
            blocked: blocked.len() as u64,
            unread: unread.len() as u64,
            asked: observed.rooms.len() as u64,
            not_asked: observed.not_asked.values().sum(),
            ..builder::count(&steps)
        },
        estimate: estimate::of(&steps, desired),
        steps,
        left_out: Vec::new(),
        waiting,
        blocked,
        unread,
        in_progress: in_progress.map(|by| RunInProgress { by: by.clone(), rooms: in_flight }),
        findings,
        refreshed,
    }
}

/// Returns the same files without any room, from which `destroy` plans. The gate refuses it as it
/// refuses `rooms: []`.
#[must_use]
pub fn nothing_desired(desired: Desired) -> Desired {
    Desired { rooms: Vec::new(), ..desired }
}

#[cfg(test)]
mod tests;
