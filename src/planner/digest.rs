//! The plan's digest: over the steps and what they assume, and over nothing else.

use crate::model::{Digest, DigestEncoder, Step};

/// Returns the digest of the steps, without those that are there because something vanished: a job
/// that brings rooms back does not make a reviewed plan stale.
pub(super) fn of(steps: &[Step]) -> Digest {
    let reviewed: Vec<&Step> = steps.iter().filter(|step| !step.reason.is_vanishing()).collect();
    let mut encoder = DigestEncoder::new("roomctl plan 2");
    encoder.many(&reviewed, |encoder, step| write_step(encoder, step));
    encoder.finish()
}

/// Left out: who is inside and what others wrote, which a query finds out anew, what happens to them,
/// the weight and what is done instead, which follow from the rest, and what the bookkeeping was.
fn write_step(encoder: &mut DigestEncoder, step: &Step) {
    let Step {
        address,
        action,
        reason,
        before,
        after,
        changes,
        calls,
        lifecycle,
        sides,
        source,
        people: _,
        on_occupied: _,
        weight: _,
        carried: _,
        instead: _,
        bookkeeping: _,
    } = step;
    encoder.address(address);
    encoder.text(action.as_str());
    encoder.text(reason.as_str());
    encoder.optional(before.as_deref(), DigestEncoder::room);
    encoder.optional(after.as_deref(), DigestEncoder::room);
    encoder.list(changes.iter(), DigestEncoder::patch);
    encoder.list(calls.iter(), |encoder, call| encoder.text(call.as_str()));
    encoder.lifecycle(*lifecycle);
    encoder.sides(sides);
    encoder.optional(source.as_deref(), DigestEncoder::text);
}
