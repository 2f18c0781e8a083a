//! Restricts a plan to the steps of a saved one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{
    Action, Address, Desired, Digest, Held, HeldReason, Lineage, Plan, Recorded, Room, SavedNext,
    SavedPlan, SavedStep, Step, Summary, Timestamp,
};

use super::ownership::OwnershipKeys;
use super::{as_declared, builder, estimate, gate};

/// The number of rooms that a refusal names.
const NAMED: usize = 10;

/// Why a saved plan, or one with an expected digest, is not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanRefusal {
    /// It was made from another state.
    #[error("the saved plan was made from {}, but this is {}: plan again", of(.saved.as_ref()), of(.current.as_ref()))]
    Lineage {
        /// The lineage of the saved plan.
        saved: Option<Lineage>,
        /// The lineage of the state.
        current: Option<Lineage>,
    },
    /// It was applied already.
    #[error("the saved plan {0} was applied already: plan again")]
    CarriedOut(String),
    /// It is older than allowed, or its time is in the future.
    #[error("the saved plan was made at {made}, which is not within `--max-plan-age {}s` of now ({now}): plan again", .most.as_secs())]
    Age {
        /// When it was made.
        made: Timestamp,
        /// When it was to be applied.
        now: Timestamp,
        /// How old it may be.
        most: Duration,
    },
    /// Rooms have other steps than in the saved plan.
    #[error("the saved plan no longer fits: {0}; plan again")]
    Differs(String),
    /// The plan has another digest than expected.
    #[error(
        "`--expect {expected}` was given, but the plan has {actual}: it is not the reviewed plan"
    )]
    Digest {
        /// The expected digest.
        expected: Digest,
        /// The digest of the plan.
        actual: Digest,
    },
}

/// Checks that a saved plan may be applied to this state now.
///
/// # Errors
/// Returns the reason if it may not.
pub fn check_saved(
    saved: &SavedPlan,
    recorded: &Recorded,
    max_age: Option<Duration>,
    now: Timestamp,
) -> Result<(), SavedPlanRefusal> {
    let SavedPlan { id, time, lineage, scope: _, steps: _ } = saved;
    if recorded.plans.contains(id) {
        return Err(SavedPlanRefusal::CarriedOut(id.clone()));
    }
    if *lineage != recorded.lineage {
        let (saved, current) = (lineage.clone(), recorded.lineage.clone());
        return Err(SavedPlanRefusal::Lineage { saved, current });
    }
    match max_age {
        Some(most) if now > time.plus(most) || *time > now.plus(most) => {
            Err(SavedPlanRefusal::Age { made: *time, now, most })
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns the rooms whose saved step starts from something else than the record: from an observation,
/// or from an earlier record. They have to be queried again.
#[must_use]
pub fn saved_as_read(saved: &SavedPlan, desired: &Desired, recorded: &Recorded) -> Vec<Address> {
    let recorded = &as_declared(desired, recorded).recorded;
    let is_read = |(address, step): &(&Address, &SavedStep)| {
        let SavedStep { action: _, before, after: _, next: _ } = step;
        let record = recorded.rooms.get(*address).map(|record| &*record.room);
        before.is_some() && record.is_some() && before.as_ref() != record
    };
    saved.steps.iter().filter(is_read).map(|(address, _)| address.clone()).collect()
}

/// Keeps the steps that are in both plans. `before` is compared with the record, `after` with the
/// files.
///
/// # Errors
/// Returns the rooms whose saved step differs from their step now.
pub fn restrict(
    plan: Plan,
    saved: &SavedPlan,
    desired: &Desired,
    recorded: &Recorded,
) -> Result<Plan, SavedPlanRefusal> {
    let declared = as_declared(desired, recorded);
    let recorded = &*declared.recorded;
    check_steps(&plan, saved, desired, recorded)?;
    let is_saved = |step: &Step| saved.steps.contains_key(&step.address);
    let (steps, left_out): (Vec<Step>, Vec<Step>) = plan.steps.into_iter().partition(is_saved);
    let Summary { unchanged, waiting, blocked, unread, asked, not_asked, .. } = plan.summary;
    Ok(Plan {
        gate: gate::evaluate(&steps, desired, recorded),
        summary: Summary {
            unchanged,
            waiting,
            blocked,
            unread,
            asked,
            not_asked,
            ..builder::count(&steps)
        },
        estimate: estimate::of(&steps, desired),
        steps,
        left_out,
        ..plan
    })
}

fn check_steps(
    plan: &Plan,
    saved: &SavedPlan,
    desired: &Desired,
    recorded: &Recorded,
) -> Result<(), SavedPlanRefusal> {
    let held = plan.waiting.iter().chain(&plan.blocked);
    let held = held.map(|Held { step, reason }| (&step.address, (step, Some(*reason))));
    let steps = plan.steps.iter().map(|step| (&step.address, (step, None)));
    let steps: BTreeMap<&Address, (&Step, Option<HeldReason>)> = held.chain(steps).collect();
    let unread: BTreeSet<&Address> = plan.unread.iter().map(|unread| &unread.address).collect();
    let mut reasons = Vec::new();
    for (address, step) in &saved.steps {
        let files = desired.rooms.binary_search_by(|room| room.address.cmp(address)).ok();
        let files = files.map(|at| &*desired.rooms[at].room);
        let record = recorded.rooms.get(address);
        let provider = desired.providers.get(&address.provider);
        let side = record.zip(provider).map(|(record, provider)| RecordedSide {
            room: &record.room,
            next: record.waiting_next(provider.kind()).and_then(|next| next.room.as_deref()),
        });
        let ownership = provider.and_then(|provider| provider.application.ownership());
        let key = ownership.map(|ownership| &**ownership.key());
        let own = OwnershipKeys { key, lineage: recorded.lineage.as_ref() };
        let reason = match steps.get(address) {
            _ if unread.contains(address) => None,
            Some((now, Some(HeldReason::NextLife))) if step.leaves_waiting(now) => None,
            Some((now, _)) => differs(step, now, (files, side.as_ref()), own),
            None if own.same(step.after.as_ref(), files) => None,
            None => Some("the files have changed"),
        };
        reasons.extend(reason.map(|reason| format!("{address}: {reason}")));
    }
    let more = reasons.len().saturating_sub(NAMED);
    reasons.truncate(NAMED);
    if reasons.is_empty() {
        return Ok(());
    }
    let more = if more > 0 { format!("; and {more} more rooms") } else { String::new() };
    Err(SavedPlanRefusal::Differs(format!("{}{more}", reasons.join("; "))))
}

/// The record of a room with which a saved step is compared.
struct RecordedSide<'a> {
    room: &'a Room,
    /// The room that waits for its next life.
    next: Option<&'a Room>,
}

/// Returns how a saved step differs from the step that the room has now.
fn differs(
    saved: &SavedStep,
    now: &Step,
    (files, recorded): (Option<&Room>, Option<&RecordedSide<'_>>),
    own: OwnershipKeys<'_>,
) -> Option<&'static str> {
    let SavedStep { action, before, after, next } = saved;
    let before = before.as_ref();
    let next = next.as_ref().map(|SavedNext { after }| after.as_ref());
    // A room that vanished is recreated as the next life that was approved.
    let after = match now.action {
        Action::Recreate => next.flatten().or(after.as_ref()),
        Action::Create
        | Action::Update
        | Action::Replace
        | Action::Destroy
        | Action::Adopt
        | Action::Forget
        | Action::Record => after.as_ref(),
    };
    let other_next = match (next, now.next.as_deref()) {
        _ if now.action == Action::Recreate => false,
        (None, change) => change.is_some(),
        (Some(next), Some(change)) => !own.same(next, change.after.as_deref()),
        (Some(next), None) => !own.same(next, recorded.and_then(|recorded| recorded.next)),
    };
    let is_other = !own.same(after, files) && !own.same(after, now.after.as_deref());
    if is_other || other_next {
        return Some("the files have changed");
    }
    let record = recorded.map(|recorded| recorded.room);
    let makes = matches!(action, Action::Create | Action::Recreate);
    // These steps neither change nor destroy what was there before: it is gone, or left to others.
    let leaves_before = matches!(now.action, Action::Recreate | Action::Forget);
    let is_same = own.same(before, record) || own.same(before, now.before.as_deref());
    if !(is_same || leaves_before || makes && before.is_none()) {
        let is_read = !own.same(now.before.as_deref(), record);
        return Some(if is_read {
            "the room at the service has changed"
        } else {
            "the record has changed"
        });
    }
    let fits = match (action, now.action) {
        (Action::Update | Action::Replace, Action::Recreate)
        | (Action::Destroy, Action::Forget) => true,
        (Action::Record, Action::Recreate) => next.is_some(),
        (saved, now) => *saved == now,
    };
    (!fits).then_some("another action is needed now")
}

impl SavedStep {
    /// Returns whether the step only records the same next life as the room that is held back now.
    fn leaves_waiting(&self, now: &Step) -> bool {
        let next = self.next.as_ref().and_then(|next| next.after.as_ref());
        next.is_some() && next == now.after.as_deref()
    }
}

fn of(lineage: Option<&Lineage>) -> String {
    lineage.map_or_else(|| "a new state".to_owned(), |lineage| format!("state {lineage}"))
}
