//! Compares what is declared with what is recorded and observed, and decides. Pure: no IO, no clock.

mod case;
mod compare;
mod decide;
mod diff;
mod digest;
mod draft;
mod due;
mod estimate;
mod gate;
mod identity;
mod join;
mod notes;
mod quota;

pub use due::{Scope, due};
pub use identity::{IdentityError, identity};

use std::collections::BTreeSet;

use crate::model::{
    Address, Asked, Desired, Observed, Plan, ProviderName, Recorded, StateRef, Step, Timestamp,
};

use draft::Draft;

/// Everything that a plan is made from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// What the files say.
    pub desired: &'a Desired,
    /// What the state says we made.
    pub recorded: &'a Recorded,
    /// What the service answered.
    pub observed: &'a Observed,
    /// The time at each provider: the built-in emulator runs ahead of the others.
    pub now: &'a dyn Fn(&ProviderName) -> Timestamp,
    /// Rooms whose people are thrown out in this run, whatever the policy says (`--evict`).
    pub evict: &'a BTreeSet<Address>,
    /// Whether the service was asked.
    pub asked: Asked,
}

/// Makes the plan: what would be done, what would not, and why.
///
/// Equal inputs give equal plans. The steps start with those that make room: destroys, replaces,
/// updates, creates (recreates among them), then adopts, records and forgets, by kind and address
/// within each.
#[must_use]
pub fn plan(inputs: Inputs<'_>) -> Plan {
    let Inputs { desired, recorded, observed: _, now: _, evict: _, asked } = inputs;
    let Draft { mut steps, waiting, mut blocked, unread, notes, unchanged, alive } =
        draft::draft(inputs);
    blocked.extend(quota::hold(&mut steps, &desired.providers, &alive));
    blocked.sort_by(|a, b| a.step.address.cmp(&b.step.address));
    let steps: Vec<Step> = steps.into_ordered();
    let mut findings = quota::below_recorded(&desired.providers, recorded);
    findings.extend(notes.into_findings());
    Plan {
        emulated: desired.providers.values().any(crate::model::Provider::emulated),
        state: StateRef { lineage: recorded.lineage.clone(), serial: recorded.serial },
        config_digest: desired.config_digest,
        digest: digest::of(&steps),
        gate: gate::judge(&steps, desired, recorded),
        summary: draft::count(&steps, unchanged, &waiting),
        estimate: estimate::of(&steps, desired),
        steps,
        waiting,
        blocked,
        unread,
        findings,
        asked,
    }
}

/// The same files with no room in them: what `destroy` plans from. The gate asks, as for `rooms: []`.
#[must_use]
pub fn nothing_desired(desired: Desired) -> Desired {
    Desired { rooms: Vec::new(), ..desired }
}

#[cfg(test)]
mod tests;
