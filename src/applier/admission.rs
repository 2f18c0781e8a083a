//! What a step waits for before it starts: the limit on alive rooms, and the sides of its room that are
//! destroyed first.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::step::StepEnd;
use super::{Connections, Run};
use crate::model::{
    Action, Address, ApprovedPlan, Held, Kind, NotTried, Observation, People, ProviderName,
    RecordedRoom, Step,
};

/// Limits the rooms of one provider that may be alive to the larger of their numbers before and after the
/// run, so that a run never needs more of the quota than its start or its end does.
#[derive(Clone, Copy, Debug)]
pub(super) struct AliveRooms {
    now: u64,
    before: u64,
    after: u64,
    max_rooms: u64,
}

impl AliveRooms {
    /// Starts with `before` rooms that may be alive, and `after` rooms once every step is done. A destroy
    /// that is not done raises `after`, up to `max_rooms`.
    pub(super) fn new(before: u64, after: u64, max_rooms: Option<u64>) -> Self {
        Self { now: before, before, after, max_rooms: max_rooms.unwrap_or(u64::MAX) }
    }

    /// Counts one more room, and returns true, if that does not exceed the limit.
    pub(super) fn admit(&mut self) -> bool {
        let admitted = self.now < self.before.max(self.after);
        if admitted {
            self.now += 1;
        }
        admitted
    }

    /// Notes that a room that was counted does not exist.
    pub(super) fn gone(&mut self) {
        self.now = self.now.saturating_sub(1);
    }

    /// Notes that a room that was to be destroyed still exists.
    pub(super) fn not_destroyed(&mut self) {
        self.after = self.after.saturating_add(1).min(self.max_rooms.max(self.after));
    }
}

/// Counts the rooms of one provider that may be alive before and after its steps.
pub(super) fn alive(name: &ProviderName, steps: &[Step], run: &Run) -> AliveRooms {
    let recorded = run.recorded.rooms.keys().filter(|address| address.provider == *name);
    let may_live = |address: &&Address| {
        let destroyed = |record: &RecordedRoom| {
            record.is_destroyed() && record.pending.is_none() && record.contested.is_none()
        };
        let destroyed = run.recorded.rooms.get(*address).is_some_and(destroyed);
        !destroyed && !matches!(run.observed.of(address), Some(Observation::Gone(_)))
    };
    let before = u64::try_from(recorded.filter(may_live).count()).unwrap_or(u64::MAX);
    let count = |wanted: fn(Action) -> bool| {
        u64::try_from(steps.iter().filter(|step| wanted(step.action)).count()).unwrap_or(u64::MAX)
    };
    let destroys = count(|action| action == Action::Destroy);
    let after = before.saturating_sub(destroys).saturating_add(count(Action::adds_room));
    let max_rooms = run.connections.get(name).and_then(|connection| connection.provider.max_rooms);
    AliveRooms::new(before, after, max_rooms)
}

/// The destroys of rooms with several sides, which depend on each other.
pub(super) struct SideDependencies(BTreeMap<Address, Side>);

/// A side that the plan destroys or holds back.
struct Side {
    kind: Option<Kind>,
    state: watch::Sender<SideState>,
}

/// The state of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SideState {
    /// Its step has not ended.
    Open,
    /// It is destroyed.
    Gone,
    /// Its destroy waits for people to leave.
    Waits(People),
    /// It is not destroyed for another reason.
    Stays,
}

impl SideDependencies {
    /// Collects the sides from a plan. Sides that the plan holds back are not destroyed.
    pub(super) fn new(plan: &ApprovedPlan, connections: &Connections) -> Self {
        let entry = |address: &Address, state: SideState| {
            let kind = connections.get(&address.provider).map(|it| it.provider.kind());
            (address.clone(), Side { kind, state: watch::Sender::new(state) })
        };
        let side = |step: &Step, state: SideState| {
            let taken_down = step.action == Action::Destroy && !step.sides.is_single();
            taken_down.then(|| entry(&step.address, state))
        };
        let left = plan.left().iter().map(|address| Some(entry(address, SideState::Stays)));
        let steps = plan.steps().iter().map(|step| side(step, SideState::Open));
        let held = plan.held().iter().map(|(step, _)| side(step, SideState::Stays));
        let waiting = plan.waiting().iter();
        let waiting =
            waiting.map(|Held { step, reason: _ }| side(step, SideState::Waits(step.people)));
        Self(steps.chain(held).chain(waiting).chain(left).flatten().collect())
    }

    /// Records how a step ended.
    pub(super) fn note_end(&self, step: &Step, end: &StepEnd) {
        let Some(side) = self.0.get(&step.address) else { return };
        side.state.send_replace(match end {
            StepEnd::Done(_) => SideState::Gone,
            StepEnd::Waiting(people, _) => SideState::Waits(*people),
            StepEnd::Failed(..) | StepEnd::NotTried(_) => SideState::Stays,
        });
    }

    /// Returns whether a side that is destroyed before this one is not known to be gone.
    pub(super) fn must_wait(&self, step: &Step) -> bool {
        self.earlier(step).any(|side| *side.state.borrow() != SideState::Gone)
    }

    /// Waits until the sides that are destroyed before this one are gone. The error is how the step ends
    /// if one of them is not.
    ///
    /// A side waits only for sides of kinds that start earlier, so there is no deadlock.
    pub(super) async fn earlier_sides(&self, step: &Step) -> Result<(), StepEnd> {
        for side in self.earlier(step) {
            let mut state = side.state.subscribe();
            let known = state.wait_for(|state| *state != SideState::Open).await.map(|state| *state);
            match known {
                Ok(SideState::Gone) => {}
                Ok(SideState::Waits(people)) => return Err(StepEnd::Waiting(people, None)),
                Ok(SideState::Open | SideState::Stays) | Err(_) => {
                    return Err(StepEnd::NotTried(NotTried::SideStays));
                }
            }
        }
        Ok(())
    }

    /// Returns the other sides of a step's room that are destroyed earlier.
    fn earlier(&self, step: &Step) -> impl Iterator<Item = &Side> {
        let this = self.0.get(&step.address).map(|side| side.kind);
        let others = step.sides.others(&step.address);
        others
            .filter_map(|other| self.0.get(&other))
            .filter(move |side| this.is_some_and(|kind| side.kind < kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_wait_for_destroys_at_the_limit() {
        let mut alive = AliveRooms::new(2, 2, None);
        assert!(!alive.admit());
        alive.gone();
        assert!(alive.admit());
        assert!(!alive.admit());
    }

    #[test]
    fn a_destroy_that_waits_raises_the_limit_up_to_max_rooms() {
        let mut alive = AliveRooms::new(2, 2, Some(3));
        alive.not_destroyed();
        assert!(alive.admit());
        alive.not_destroyed();
        assert!(!alive.admit());
    }

    #[test]
    fn max_rooms_never_lowers_the_limit() {
        let mut alive = AliveRooms::new(0, 5, Some(3));
        alive.not_destroyed();
        assert_eq!((0..9).filter(|_| alive.admit()).count(), 5);
    }
}
