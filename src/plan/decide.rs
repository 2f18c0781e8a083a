//! The one match: what becomes of a room, by what is declared, recorded and observed.

use crate::model::{
    Action, Attributes, DesiredRoom, HeldReason, Observation, OnConflict, Reason, RecordedRoom,
    Sighting,
};

use super::case::{Case, Decision, Verdict};
use super::{compare, diff};

/// Decides what becomes of one room.
///
/// The observation has three values besides "not asked": there, gone, and unread, which is neither.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    match (case.desired, case.recorded.as_deref(), case.observation) {
        (_, _, Some(Observation::Unread { why })) => Verdict::Unread(why.clone()).into(),
        (Some(_), None, None | Some(Observation::Gone)) => create(case),
        (Some(declared), None, Some(Observation::There(seen))) => exists(case, declared, seen),
        (Some(_), Some(recorded), Some(Observation::Gone)) => recreate(case, recorded),
        (Some(declared), Some(recorded), None | Some(Observation::There(_))) => {
            compare::compare(case, declared, recorded)
        }
        (None, Some(_), None | Some(Observation::There(_))) => {
            compare::take_down(case, Action::Destroy, Reason::NotDeclared)
        }
        (None, Some(_), Some(Observation::Gone)) => forget(case),
        (None, None, None | Some(Observation::Gone | Observation::There(_))) => {
            Verdict::LeaveAlone.into()
        }
    }
}

fn create(case: &Case<'_>) -> Decision {
    let after = case.wanted();
    Verdict::Step(case.step(Action::Create, Reason::NotRecorded, None, after, Vec::new())).into()
}

fn recreate(case: &Case<'_>, recorded: &RecordedRoom) -> Decision {
    let reason =
        if case.now >= recorded.earliest_end() { Reason::Vanished } else { Reason::VanishedEarly };
    Verdict::Step(case.step(Action::Recreate, reason, None, case.wanted(), Vec::new())).into()
}

fn forget(case: &Case<'_>) -> Decision {
    let before = case.present();
    Verdict::Step(case.step(Action::Forget, Reason::NotDeclared, before, None, Vec::new())).into()
}

/// A room that exists and that we did not make: never silently taken or overwritten.
fn exists(case: &Case<'_>, declared: &DesiredRoom, seen: &Sighting) -> Decision {
    match case.rules.policy.on_conflict {
        OnConflict::Fail => {
            let after = case.wanted();
            let step = case.step(Action::Create, Reason::AlreadyExists, None, after, Vec::new());
            Verdict::held(step, HeldReason::Conflict).into()
        }
        OnConflict::Adopt => adopt(case, declared, seen),
    }
}

fn adopt(case: &Case<'_>, declared: &DesiredRoom, seen: &Sighting) -> Decision {
    let set_earlier = Attributes::default();
    let sides = diff::Sides {
        wanted: &declared.room.attributes,
        set_earlier: &set_earlier,
        seen: Some(&seen.attributes),
    };
    let limit = case.provider.limits.attributes;
    let before = compare::as_far_as_known(sides.managed());
    let batches = sides.batches(limit);
    let step =
        case.step(Action::Adopt, Reason::AlreadyExists, Some(before), case.wanted(), batches);
    Decision {
        finding: compare::over_limit(case, sides.count_after()),
        verdict: Verdict::Step(step),
    }
}
