//! The one match that decides on a room, by what is declared, recorded and observed.

use crate::model::{
    Action, Attributes, DesiredRoom, Finding, HeldReason, Observation, ObservedRoom, OnConflict,
    OnRemove, OnVanish, Origin, Owner, Reason, RecordedRoom, Timestamp, belongs_to,
};

use super::room_context::{Decision, RoomContext, Verdict};
use super::{compare, diff};

/// Decides on one room.
///
/// An observation has three values besides "not queried": there, gone and unread. Unread is neither of
/// the others.
pub(super) fn decide(room: &RoomContext<'_>) -> Decision {
    let decision = uncertain(room).or_else(|| unfinished(room)).unwrap_or_else(|| usual(room));
    Decision { finding: decision.finding.or_else(|| room.finding.clone()), ..decision }
}

/// Decides on a room whose origin is uncertain: it is left as it is, whatever is declared, until it is
/// gone.
fn uncertain(room: &RoomContext<'_>) -> Option<Decision> {
    let why = room.uncertainty()?;
    match (room.observation, room.desired) {
        (Some(Observation::Unread { .. }), _) | (Some(Observation::Gone(_)), None) => return None,
        (Some(Observation::Gone(_)), Some(_)) => return Some(create(room)),
        (None | Some(Observation::There(_)), _) => {}
    }
    let step = if room.desired.is_some() {
        room.make_step(Action::Create, Reason::AlreadyExists)
    } else {
        room.step(Action::Destroy, Reason::NotDeclared, room.present(), None, Vec::new())
    };
    let message = format!("{}: a room exists whose origin is uncertain: {why}", room.address);
    let finding = Finding::warning("contested", message).about(room.address);
    Some(Decision::from(Verdict::held(step, HeldReason::Contested)).with_finding(Some(finding)))
}

/// Decides on a room that a replace destroyed and did not recreate: if it exists now, others made it.
fn unfinished(room: &RoomContext<'_>) -> Option<Decision> {
    if !room.recorded.as_deref()?.is_destroyed() {
        return None;
    }
    match (room.observation, room.desired) {
        (Some(Observation::Unread { .. }), _) => None,
        (_, None) => Some(forget(room)),
        (Some(Observation::There(seen)), Some(declared)) => Some(exists(room, declared, seen)),
        (None | Some(Observation::Gone(_)), Some(_)) => {
            let step = room.make_step(Action::Recreate, Reason::ReplaceUnfinished);
            Some(Verdict::Step(step).into())
        }
    }
}

fn usual(room: &RoomContext<'_>) -> Decision {
    match (room.desired, room.recorded.as_deref(), room.observation) {
        (_, _, Some(Observation::Unread { why })) => Verdict::Unread(why.clone()).into(),
        (Some(_), None, None | Some(Observation::Gone(_))) => create(room),
        (Some(declared), None, Some(Observation::There(seen))) => match room.kind().origin() {
            Origin::Call(_) => exists(room, declared, seen),
            Origin::FirstUser => create(room),
        },
        (Some(declared), Some(recorded), Some(Observation::Gone(at))) => {
            match room.inputs.desired.policy.on_vanish {
                OnVanish::Recreate => recreate(room, recorded, *at),
                OnVanish::Ignore => leave_vanished(room, declared, recorded),
            }
        }
        (Some(declared), Some(recorded), None | Some(Observation::There(_))) => {
            compare::compare(room, declared, recorded)
        }
        (None, Some(recorded), None | Some(Observation::There(_))) => {
            match recorded.lifecycle.on_remove {
                OnRemove::Destroy => compare::destroy(room),
                OnRemove::Forget => forget(room),
            }
        }
        (None, Some(_), Some(Observation::Gone(_))) => forget(room),
        (None, None, None | Some(Observation::Gone(_) | Observation::There(_))) => {
            Verdict::LeaveAlone.into()
        }
    }
}

fn create(room: &RoomContext<'_>) -> Decision {
    Verdict::Step(room.make_step(Action::Create, Reason::NotRecorded)).into()
}

/// Recreates a room that the service no longer had when it was queried, at the time `at`.
fn recreate(room: &RoomContext<'_>, recorded: &RecordedRoom, at: Timestamp) -> Decision {
    let end = recorded.earliest_end(&room.provider.application);
    let early = end.is_some_and(|end| at < end);
    let reason = if early { Reason::VanishedEarly } else { Reason::Vanished };
    Verdict::Step(room.make_step(Action::Recreate, reason)).into()
}

/// Leaves a room gone and recorded: at most its bookkeeping and its next life are updated.
fn leave_vanished(
    room: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Decision {
    let waits = room.waiting_room(recorded).is_some()
        && recorded.room.replaced_for(room.kind(), &declared.room).is_some();
    let room = &room.with_next(waits.then(|| declared.room.clone()));
    let message = format!("{} vanished and is not recreated: `on_vanish: ignore`", room.address);
    let finding = Finding::warning("vanished_ignored", message)
        .help(
            "`on_vanish: recreate` creates it again, `roomctl state rm` removes it from the record",
        )
        .about(room.address);
    compare::as_recorded(room).with_finding(Some(finding))
}

fn forget(room: &RoomContext<'_>) -> Decision {
    let before = room.present();
    Verdict::Step(room.step(Action::Forget, Reason::NotDeclared, before, None, Vec::new())).into()
}

/// Decides on a room that exists and that we did not make. It is never adopted or overwritten without
/// consent.
fn exists(room: &RoomContext<'_>, declared: &DesiredRoom, seen: &ObservedRoom) -> Decision {
    match (room.on_conflict(), room.owner(seen)) {
        (OnConflict::Adopt, Owner::Unknown | Owner::Ours) => adopt(room, declared, seen),
        (OnConflict::Fail, owner) | (OnConflict::Adopt, owner @ Owner::Other(_)) => {
            conflict(room, &owner)
        }
    }
}

fn conflict(room: &RoomContext<'_>, owner: &Owner) -> Decision {
    let step = room.make_step(Action::Create, Reason::AlreadyExists);
    let finding = recorded_elsewhere(room).or_else(|| owner_finding(room, owner));
    let reason = match owner {
        Owner::Other(_) => HeldReason::OtherState,
        Owner::Unknown | Owner::Ours => HeldReason::Conflict,
    };
    Decision::from(Verdict::held(step, reason)).with_finding(finding)
}

/// Returns a warning about an existing room whose ownership attribute names its owner.
fn owner_finding(room: &RoomContext<'_>, owner: &Owner) -> Option<Finding> {
    let (key, address) = (room.ownership()?.key(), room.address);
    let (code, message, help) = match owner {
        Owner::Unknown => return None,
        Owner::Ours => (
            "own_lineage",
            format!("its ownership attribute `{key}` contains the lineage of this state"),
            format!("its record was lost: `roomctl import {address}` records it again"),
        ),
        Owner::Other(other) => (
            "other_lineage",
            belongs_to(key, other),
            "after a lost state, `roomctl import --all-declared` takes over its rooms".to_owned(),
        ),
    };
    Some(Finding::warning(code, format!("{address}: {message}")).help(help).about(address))
}

/// Returns a warning if the room is recorded under another provider name of the same application.
fn recorded_elsewhere(room: &RoomContext<'_>) -> Option<Finding> {
    let other = room.inputs.recorded.elsewhere(room.address, room.provider)?;
    let message = format!("{} is recorded as {other}, in the same application", room.address);
    Some(Finding::warning("recorded_elsewhere", message).about(room.address).help(format!(
        "a renamed provider needs `moved: [{{from: {}, to: {}}}]`",
        other.provider, room.address.provider
    )))
}

fn adopt(room: &RoomContext<'_>, declared: &DesiredRoom, seen: &ObservedRoom) -> Decision {
    let set_earlier = Attributes::default();
    let attributes = diff::AttributeDiff {
        declared: &declared.room.attributes,
        set_earlier: &set_earlier,
        seen: Some(&seen.attributes),
    };
    let limit = room.provider.limits.attributes;
    let kind = room.kind();
    let before = compare::known_content(kind, attributes.managed(), &declared.room, seen);
    let changes = before.field_patch(kind, &declared.room).into_iter();
    let changes = changes.chain(attributes.batches(kind, limit)).collect();
    let step = room.step(
        Action::Adopt,
        Reason::AlreadyExists,
        Some(before),
        room.declared_room(),
        changes,
    );
    Decision {
        finding: compare::over_limit(room, attributes.count_after())
            .or_else(|| compare::fields_drifted(room, &declared.room)),
        verdict: Verdict::Step(step),
    }
}
