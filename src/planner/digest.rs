//! The digest of a plan: it covers what the files change against the record, and nothing else.

use std::collections::BTreeMap;

use crate::model::{Action, Digest, DigestEncoder, NextChange, Observed, Reason, Recorded, Step};

use super::PlanInputs;
use super::builder::{self, PlanBuilder};
use super::ownership::OwnershipKeys;

/// Returns the digest of what the files change against the record, in the scope. `builder` was built
/// from `inputs`. Observations are left out, so that rooms that vanish or appear do not make a reviewed
/// plan stale.
pub(super) fn of(builder: &PlanBuilder<'_>, inputs: PlanInputs<'_>) -> Digest {
    let PlanInputs {
        observed,
        scope,
        desired: _,
        recorded,
        evict: _,
        refreshed: _,
        in_progress: _,
    } = inputs;
    let mut encoder = DigestEncoder::new("roomctl plan 3");
    scope.encode(&mut encoder);
    if observed.rooms.is_empty() {
        write(&mut encoder, builder, recorded);
    } else {
        let not_asked = observed.not_asked.clone();
        let observed = &Observed { rooms: BTreeMap::new(), not_asked };
        write(&mut encoder, &builder::build(PlanInputs { observed, ..inputs }), recorded);
    }
    encoder.finish()
}

fn write(encoder: &mut DigestEncoder, builder: &PlanBuilder<'_>, recorded: &Recorded) {
    let held = builder.waiting.iter().chain(&builder.blocked).map(|held| &held.step);
    let steps = builder.steps.0.values().flatten().filter(|step| !changes_source_only(step));
    let steps = steps.filter(|step| step.reason != Reason::OwnershipChanged);
    let mut steps: Vec<&Step> = steps.chain(held).collect();
    steps.sort_by(|a, b| a.address.cmp(&b.address));
    encoder.many(&steps, |encoder, step| write_step(encoder, step, recorded));
    let next = steps.iter().filter_map(|step| Some((*step, step.next.as_deref()?)));
    let next: Vec<(&Step, &NextChange)> = next.collect();
    if !next.is_empty() {
        encoder.many(&next, |encoder, (step, change)| {
            let NextChange { before, after } = change;
            let own = own_keys(step, recorded);
            let [before, after] =
                [before, after].map(|room| room.as_deref().map(|room| own.strip(room)));
            encoder.address(&step.address);
            encoder.optional(before.as_deref(), DigestEncoder::room);
            encoder.optional(after.as_deref(), DigestEncoder::room);
        });
    }
}

fn own_keys<'a>(step: &'a Step, recorded: &'a Recorded) -> OwnershipKeys<'a> {
    OwnershipKeys { key: step.ownership_key.as_deref(), lineage: recorded.lineage.as_ref() }
}

/// Returns whether a step records another source file of a room, and nothing else.
fn changes_source_only(step: &Step) -> bool {
    let same = step
        .bookkeeping
        .as_ref()
        .is_some_and(|before| before.lifecycle == step.lifecycle && before.sides == step.sides);
    step.action == Action::Record && step.next.is_none() && same
}

/// Writes one step. Its action, reason, changes and calls follow from the rest. Left out are attributes
/// of others and people inside, which every run refreshes, and the ownership attribute, which is not
/// declared.
fn write_step(encoder: &mut DigestEncoder, step: &Step, recorded: &Recorded) {
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
        ownership_key: _,
        next: _,
    } = step;
    let own = own_keys(step, recorded);
    let before = before.as_deref().map(|before| own.strip_before(before, after.as_deref()));
    let after = after.as_deref().map(|after| own.strip(after));
    encoder.address(address);
    encoder.optional(before.as_deref(), DigestEncoder::room);
    encoder.optional(after.as_deref(), DigestEncoder::room);
    encoder.lifecycle(*lifecycle);
    encoder.sides(sides);
}
