//! The plan's digest: over what the files change against the record, and over nothing else.

use std::collections::BTreeMap;

use crate::model::{Action, Address, Digest, DigestEncoder, NextChange, Observed, Step};

use super::PlanInputs;
use super::builder::{self, PlanBuilder};

/// Returns the digest of what the files change against the record, in the scope. `builder` was built of
/// `inputs`; what was observed is left out, so that rooms that come and go do not make a reviewed plan
/// stale.
pub(super) fn of(builder: &PlanBuilder<'_>, inputs: PlanInputs<'_>) -> Digest {
    let PlanInputs {
        observed,
        scope,
        desired: _,
        recorded: _,
        evict: _,
        refreshed: _,
        in_progress: _,
    } = inputs;
    let mut encoder = DigestEncoder::new("roomctl plan 3");
    scope.encode(&mut encoder);
    if observed.rooms.is_empty() {
        write(&mut encoder, builder);
    } else {
        let not_asked = observed.not_asked.clone();
        let observed = &Observed { rooms: BTreeMap::new(), not_asked };
        write(&mut encoder, &builder::build(PlanInputs { observed, ..inputs }));
    }
    encoder.finish()
}

fn write(encoder: &mut DigestEncoder, builder: &PlanBuilder<'_>) {
    let held = builder.waiting.iter().chain(&builder.blocked).map(|held| &held.step);
    let steps = builder.steps.0.values().flatten().filter(|step| !changes_source_only(step));
    let mut steps: Vec<&Step> = steps.chain(held).collect();
    steps.sort_by(|a, b| a.address.cmp(&b.address));
    encoder.many(&steps, |encoder, step| write_step(encoder, step));
    let next = |step: &&Step| Some((step.address.clone(), step.next.as_deref()?.clone()));
    let next: Vec<(Address, NextChange)> = steps.iter().filter_map(next).collect();
    if !next.is_empty() {
        encoder.many(&next, |encoder, (address, change)| {
            let NextChange { before, after } = change;
            encoder.address(address);
            encoder.optional(before.as_deref(), DigestEncoder::room);
            encoder.optional(after.as_deref(), DigestEncoder::room);
        });
    }
}

/// Whether a step records another source file of a room, and nothing else.
fn changes_source_only(step: &Step) -> bool {
    let same = step
        .bookkeeping
        .as_ref()
        .is_some_and(|before| before.lifecycle == step.lifecycle && before.sides == step.sides);
    step.action == Action::Record && step.next.is_none() && same
}

/// The action, the reason, the changes and the calls follow from the rest; what others wrote and who is
/// inside is found out anew.
fn write_step(encoder: &mut DigestEncoder, step: &Step) {
    let Step {
        address,
        before,
        after,
        lifecycle,
        ignore_changes: _,
        on_conflict: _,
        sides,
        action: _,
        reason: _,
        changes: _,
        calls: _,
        source: _,
        line: _,
        people: _,
        on_occupied: _,
        weight: _,
        carried: _,
        instead: _,
        bookkeeping: _,
        next: _,
    } = step;
    encoder.address(address);
    encoder.optional(before.as_deref(), DigestEncoder::room);
    encoder.optional(after.as_deref(), DigestEncoder::room);
    encoder.lifecycle(*lifecycle);
    encoder.sides(sides);
}
