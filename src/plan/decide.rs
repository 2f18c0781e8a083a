//! The one match: what becomes of a room, by what is declared, recorded and observed.

use crate::model::{
    Action, Attributes, DesiredRoom, Finding, HeldReason, Observation, OnConflict, OnRemove,
    Origin, Reason, RecordedRoom, Sighting, Timestamp,
};

use super::case::{Case, Decision, Verdict};
use super::{compare, diff};

/// Decides what becomes of one room.
///
/// The observation has three values besides "not asked": there, gone, and unread, which is neither.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    let decision = uncertain(case).or_else(|| unfinished(case)).unwrap_or_else(|| usual(case));
    Decision { finding: decision.finding.or_else(|| case.word.clone()), ..decision }
}

/// A room whose origin is uncertain: left as it is whatever is declared, until it is gone.
fn uncertain(case: &Case<'_>) -> Option<Decision> {
    let why = case.recorded.as_deref()?.contested.as_deref()?;
    match (case.observation, case.desired) {
        (Some(Observation::Unread { .. }), _) | (Some(Observation::Gone(_)), None) => return None,
        (Some(Observation::Gone(_)), Some(_)) => return Some(create(case)),
        (None | Some(Observation::There(_)), _) => {}
    }
    let step = if case.desired.is_some() {
        case.making(Action::Create, Reason::AlreadyExists)
    } else {
        case.step(Action::Destroy, Reason::NotDeclared, case.present(), None, Vec::new())
    };
    let message = format!("{}: a room exists whose origin is uncertain: {why}", case.address);
    let finding = Finding::warning("contested", message).about(case.address);
    Some(Decision::from(Verdict::held(step, HeldReason::Contested)).told(Some(finding)))
}

/// A room that a replace destroyed and did not make anew: what exists now is somebody else's.
fn unfinished(case: &Case<'_>) -> Option<Decision> {
    if !case.recorded.as_deref()?.is_destroyed() {
        return None;
    }
    match (case.observation, case.desired) {
        (Some(Observation::Unread { .. }), _) => None,
        (_, None) => Some(forget(case)),
        (Some(Observation::There(seen)), Some(declared)) => Some(exists(case, declared, seen)),
        (None | Some(Observation::Gone(_)), Some(_)) => {
            let step = case.making(Action::Recreate, Reason::ReplaceUnfinished);
            Some(Verdict::Step(step).into())
        }
    }
}

fn usual(case: &Case<'_>) -> Decision {
    match (case.desired, case.recorded.as_deref(), case.observation) {
        (_, _, Some(Observation::Unread { why })) => Verdict::Unread(why.clone()).into(),
        (Some(_), None, None | Some(Observation::Gone(_))) => create(case),
        (Some(declared), None, Some(Observation::There(seen))) => match case.kind().origin() {
            Origin::Call(_) => exists(case, declared, seen),
            Origin::FirstUser => create(case),
        },
        (Some(_), Some(recorded), Some(Observation::Gone(at))) => recreate(case, recorded, *at),
        (Some(declared), Some(recorded), None | Some(Observation::There(_))) => {
            compare::compare(case, declared, recorded)
        }
        (None, Some(recorded), None | Some(Observation::There(_))) => {
            match recorded.lifecycle.on_remove {
                OnRemove::Destroy => compare::take_down(case),
                OnRemove::Forget => forget(case),
            }
        }
        (None, Some(_), Some(Observation::Gone(_))) => forget(case),
        (None, None, None | Some(Observation::Gone(_) | Observation::There(_))) => {
            Verdict::LeaveAlone.into()
        }
    }
}

fn create(case: &Case<'_>) -> Decision {
    Verdict::Step(case.making(Action::Create, Reason::NotRecorded)).into()
}

/// A room that the service did not have any more when it was asked, `at` that time.
fn recreate(case: &Case<'_>, recorded: &RecordedRoom, at: Timestamp) -> Decision {
    let end = recorded.earliest_end(&case.provider.application);
    let early = end.is_some_and(|end| at < end);
    let reason = if early { Reason::VanishedEarly } else { Reason::Vanished };
    Verdict::Step(case.making(Action::Recreate, reason)).into()
}

fn forget(case: &Case<'_>) -> Decision {
    let before = case.present();
    Verdict::Step(case.step(Action::Forget, Reason::NotDeclared, before, None, Vec::new())).into()
}

/// A room that exists and that we did not make: never silently taken or overwritten.
fn exists(case: &Case<'_>, declared: &DesiredRoom, seen: &Sighting) -> Decision {
    match case.rules.policy.on_conflict {
        OnConflict::Fail => {
            let step = case.making(Action::Create, Reason::AlreadyExists);
            let held = Verdict::held(step, HeldReason::Conflict);
            Decision::from(held).told(recorded_elsewhere(case))
        }
        OnConflict::Adopt => adopt(case, declared, seen),
    }
}

/// A warning where the room is recorded under another provider name of the same application.
fn recorded_elsewhere(case: &Case<'_>) -> Option<Finding> {
    let other = case.rules.recorded.elsewhere(case.address, case.provider)?;
    let message = format!("{} is recorded as {other}, in the same application", case.address);
    Some(Finding::warning("recorded_elsewhere", message).about(case.address).help(format!(
        "a provider that was renamed needs `moved: [{{from: {}, to: {}}}]`",
        other.provider, case.address.provider
    )))
}

fn adopt(case: &Case<'_>, declared: &DesiredRoom, seen: &Sighting) -> Decision {
    let set_earlier = Attributes::default();
    let attributes = diff::AttributeDiff {
        wanted: &declared.room.attributes,
        set_earlier: &set_earlier,
        seen: Some(&seen.attributes),
    };
    let limit = case.provider.limits.attributes;
    let kind = case.kind();
    let before = compare::as_far_as_known(kind, attributes.managed(), &declared.room, seen);
    let changes = before.field_patch(kind, &declared.room).into_iter();
    let changes = changes.chain(attributes.batches(kind, limit)).collect();
    let step =
        case.step(Action::Adopt, Reason::AlreadyExists, Some(before), case.wanted(), changes);
    Decision {
        finding: compare::over_limit(case, attributes.count_after())
            .or_else(|| compare::fixed(case, &declared.room)),
        verdict: Verdict::Step(step),
    }
}
