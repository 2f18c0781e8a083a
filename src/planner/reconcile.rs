//! The desired rooms of `reconcile`: the recorded rooms as they were last applied. The files give the
//! providers and the policy; their changes of rooms are only counted.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{
    Address, Desired, DesiredFrom, DesiredRoom, Finding, Held, HeldReason, Kind, NextLife,
    Observation, Observed, PendingKind, Recorded, RecordedRoom, Refresh, Refreshed, Room, Scope,
};

use super::ownership::mark;
use super::{PlanInputs, as_declared, plan};

/// Returns the files with the recorded rooms in place of the declared ones.
///
/// A room is desired as it was last applied. After the end of its present life it is desired as `next`
/// specifies: as the room of an approved replace, or not at all after an approved destroy. The
/// resulting plan has no destroy and no replace, because only rooms that were observed to be gone are
/// not desired. A room that is recreated gets the ownership attribute of its provider.
#[must_use]
pub fn last_applied(desired: &Desired, recorded: &Recorded, observed: &Observed) -> Desired {
    let declared = as_declared(desired, recorded);
    let rooms = declared.recorded.rooms.iter();
    let rooms = rooms.filter_map(|(address, record)| {
        let provider = desired.providers.get(&address.provider)?;
        let observation = observed.of(address);
        let room = room_now(provider.kind(), record, observation)?;
        let desired_room = DesiredRoom {
            address: address.clone(),
            room,
            lifecycle: record.lifecycle,
            ignore_changes: record.ignore_changes.clone(),
            on_conflict: None,
            sides: record.sides.clone(),
            source: record.source.clone(),
            line: None,
        };
        let is_made = matches!(observation, Some(Observation::Gone(_))) || record.is_destroyed();
        Some(if is_made { mark(&desired.providers, desired_room) } else { desired_room })
    });
    Desired {
        rooms: rooms.collect(),
        providers: desired.providers.clone(),
        state: desired.state.clone(),
        policy: desired.policy.clone(),
        files: desired.files.clone(),
        config_digest: desired.config_digest,
        moved: desired.moved.clone(),
        from: DesiredFrom::Record,
    }
}

/// Returns a warning with the number of rooms that the files would change compared with what was last
/// approved; `None` if there are none.
#[must_use]
pub fn unapplied(desired: &Desired, recorded: &Recorded) -> Option<Finding> {
    let declared = as_declared(desired, recorded);
    let plan = plan(PlanInputs {
        desired,
        recorded: &as_approved(&declared.recorded),
        observed: &Observed::default(),
        evict: &BTreeSet::new(),
        refreshed: Refreshed::As(Refresh::Never),
        in_progress: None,
        scope: &Scope::default(),
    });
    let held = plan.waiting.iter().chain(&plan.blocked);
    let held = held.filter(|Held { step: _, reason }| *reason != HeldReason::Contested);
    let steps = plan.steps.iter().chain(held.map(|held| &held.step));
    let rooms: BTreeSet<&Address> = steps.map(|step| &step.address).collect();
    let message = match rooms.len() {
        0 => return None,
        1 => "1 unapplied change in the files: left for apply".to_owned(),
        more => format!("{more} unapplied changes in the files: left for apply"),
    };
    Some(Finding::warning("unapplied_changes", message))
}

/// Returns the room that a record asks for now; `None` if an approved destroy is complete. A room that
/// was made in part is to be completed. A room that exists while a call is open is only changed in
/// place, since anything else would end its life.
fn room_now(
    kind: Kind,
    record: &RecordedRoom,
    observation: Option<&Observation>,
) -> Option<Arc<Room>> {
    let is_gone = matches!(observation, Some(Observation::Gone(_)));
    let is_there = matches!(observation, Some(Observation::There(_)));
    let is_open = |kind| record.pending.as_ref().is_some_and(|pending| pending.kind == kind);
    let begins = |next: &&NextLife| {
        next.destroyed.is_some() || is_gone && record.waiting_next(kind).is_some()
    };
    let whole = record.unfinished(kind).unwrap_or(&record.room);
    match record.next.as_deref() {
        Some(_) if is_there && record.pending.is_some() => Some(whole.clone()),
        Some(next) if begins(&next) => next.room.clone(),
        None if is_gone && is_open(PendingKind::Destroy) => None,
        None if record.is_absent(observation) => None,
        Some(_) | None => Some(whole.clone()),
    }
}

/// Returns the record as if every approved next life had begun.
fn as_approved(recorded: &Recorded) -> Cow<'_, Recorded> {
    if recorded.rooms.values().all(|record| record.next.is_none()) {
        return Cow::Borrowed(recorded);
    }
    let begun = |(address, record): (&Address, &RecordedRoom)| {
        let identity = recorded.providers.get(&address.provider);
        let waiting = identity.and_then(|identity| record.waiting_next(identity.kind));
        let destroyed = record.next.as_deref().filter(|next| next.destroyed.is_some());
        let room = match destroyed.or(waiting) {
            None => {
                let unfinished = identity.and_then(|identity| record.unfinished(identity.kind));
                unfinished.unwrap_or(&record.room).clone()
            }
            Some(NextLife { room, carried: _, destroyed: _ }) => room.clone()?,
        };
        Some((address.clone(), RecordedRoom { room, next: None, ..record.clone() }))
    };
    let rooms = recorded.rooms.iter().filter_map(begun).collect();
    Cow::Owned(Recorded {
        rooms,
        lineage: recorded.lineage.clone(),
        serial: recorded.serial,
        providers: recorded.providers.clone(),
        plans: recorded.plans.clone(),
        moved_to: recorded.moved_to.clone(),
    })
}
