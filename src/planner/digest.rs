//! The plan's digest: over the steps and what they assume, and over nothing else.

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::model::{
    Attribute, AttributeChange, Attributes, Digest, Fields, Lifecycle, OnRemove, Patch, Room, Step,
    Value,
};

/// Steps hashed together; part of the digest's definition.
const CHUNK: usize = 4096;

/// The digest of the steps, without those that are there because something vanished: a job that
/// brings rooms back does not make a reviewed plan stale.
///
/// Every field is written with its length before it, so that no two plans are written alike. Chunks
/// are hashed side by side, then their digests in order.
pub(super) fn of(steps: &[Step]) -> Digest {
    let reviewed: Vec<&Step> = steps.iter().filter(|step| !step.reason.is_vanishing()).collect();
    let chunks: Vec<[u8; 32]> = reviewed.par_chunks(CHUNK).map(chunk).collect();
    let mut whole = Sha256::new();
    whole.update(b"roomctl plan 1");
    for digest in &chunks {
        whole.update(digest);
    }
    Digest(whole.finalize().into())
}

fn chunk(steps: &[&Step]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    for step in steps {
        bytes.clear();
        write_step(&mut bytes, step);
        hash.update(&bytes);
    }
    hash.finalize().into()
}

/// Left out: who is inside and what others wrote, which a look finds out anew, what happens to them,
/// the weight and what is done instead, which follow from the rest, and what the bookkeeping was.
fn write_step(out: &mut Vec<u8>, step: &Step) {
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
    text(out, address.provider.as_str());
    text(out, address.room.as_str());
    text(out, action.as_str());
    text(out, reason.as_str());
    optional(out, before.as_deref(), room);
    optional(out, after.as_deref(), room);
    list(out, changes, patch);
    list(out, calls, |out, call| text(out, call.as_str()));
    let Lifecycle { prevent_destroy, on_remove } = lifecycle;
    flag(out, *prevent_destroy);
    flag(out, *on_remove == OnRemove::Forget);
    list(out, &sides.iter().collect::<Vec<_>>(), |out, side| text(out, side.as_str()));
    optional(out, source.as_deref(), text);
}

fn room(out: &mut Vec<u8>, room: &Room) {
    let Room { name, destroy_delay_time, attributes, fields } = room;
    optional(out, name.as_deref(), text);
    optional(out, destroy_delay_time.as_ref(), |out, delay| {
        out.extend(delay.as_seconds().to_le_bytes());
    });
    write_attributes(out, attributes);
    write_fields(out, fields);
}

fn write_fields(out: &mut Vec<u8>, fields: &Fields) {
    list(out, &fields.iter().collect::<Vec<_>>(), |out, (field, value)| {
        text(out, field.as_str());
        write_value(out, value);
    });
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Flag(yes) => flag(out, *yes),
        Value::Number(number) => out.extend(number.to_le_bytes()),
        Value::Text(words) => text(out, words),
        Value::Numbers(numbers) => {
            list(out, numbers, |out, number| out.extend(number.to_le_bytes()));
        }
    }
}

fn patch(out: &mut Vec<u8>, patch: &Patch) {
    match patch {
        Patch::Attributes(changes) => {
            flag(out, true);
            list(out, changes, change);
        }
        Patch::Fields(fields) => {
            flag(out, false);
            write_fields(out, fields);
        }
    }
}

fn write_attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    length(out, attributes.len());
    for (key, value) in attributes.iter() {
        text(out, key);
        attribute(out, value);
    }
}

fn attribute(out: &mut Vec<u8>, attribute: &Attribute) {
    let Attribute { value, auto_delete } = attribute;
    text(out, value);
    flag(out, *auto_delete);
}

fn change(out: &mut Vec<u8>, change: &AttributeChange) {
    text(out, change.key());
    match change {
        AttributeChange::Set(_, value) => optional(out, Some(value), attribute),
        AttributeChange::Delete(_) => optional(out, None, attribute),
    }
}

fn list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    length(out, items.len());
    for item in items {
        write(out, item);
    }
}

fn optional<T: ?Sized>(out: &mut Vec<u8>, value: Option<&T>, write: impl Fn(&mut Vec<u8>, &T)) {
    flag(out, value.is_some());
    if let Some(value) = value {
        write(out, value);
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn length(out: &mut Vec<u8>, length: usize) {
    out.extend((length as u64).to_le_bytes());
}

fn flag(out: &mut Vec<u8>, flag: bool) {
    out.push(u8::from(flag));
}
