//! What became of steps that others wait for: a room's video side goes before its chat side.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::Connections;
use super::step::End;
use crate::model::{Action, Address, ApprovedPlan, Held, Kind, NotTried, People, Step};

/// The destroys of rooms that have several sides.
pub(super) struct SideDependencies(BTreeMap<Address, Side>);

/// One side that is to go, or was to.
struct Side {
    kind: Option<Kind>,
    fate: watch::Sender<Fate>,
}

/// What became of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is not known yet.
    Open,
    /// It is gone.
    Gone,
    /// It waits for people to leave.
    Waits(People),
    /// It stays for another reason.
    Stays,
}

impl SideDependencies {
    /// The side_dependencies of a plan's steps: what it holds back stays.
    pub(super) fn new(plan: &ApprovedPlan, connections: &Connections) -> Self {
        let entry = |address: &Address, fate: Fate| {
            let kind = connections.get(&address.provider).map(|it| it.provider.kind());
            (address.clone(), Side { kind, fate: watch::Sender::new(fate) })
        };
        let side = |step: &Step, fate: Fate| {
            let taken_down = step.action == Action::Destroy && !step.sides.is_single();
            taken_down.then(|| entry(&step.address, fate))
        };
        let left = plan.left().iter().map(|address| Some(entry(address, Fate::Stays)));
        let steps = plan.steps().iter().map(|step| side(step, Fate::Open));
        let held = plan.held().iter().map(|(step, _)| side(step, Fate::Stays));
        let waiting = plan.waiting().iter();
        let waiting = waiting.map(|Held { step, reason: _ }| side(step, Fate::Waits(step.people)));
        Self(steps.chain(held).chain(waiting).chain(left).flatten().collect())
    }

    /// Tells what became of a step.
    pub(super) fn tell(&self, step: &Step, end: &End) {
        let Some(side) = self.0.get(&step.address) else { return };
        side.fate.send_replace(match end {
            End::Done(_) => Fate::Gone,
            End::Waiting(people, _) => Fate::Waits(*people),
            End::Failed(..) | End::NotTried(_) => Fate::Stays,
        });
    }

    /// Whether a side that goes before this one is not known to be gone.
    pub(super) fn is_held_up(&self, step: &Step) -> bool {
        self.earlier(step).any(|side| *side.fate.borrow() != Fate::Gone)
    }

    /// Waits until the sides that go before this one are gone. The error is how the step ends where
    /// one of them is not.
    ///
    /// A side waits only for sides of kinds that start earlier, so no two wait for each other.
    pub(super) async fn earlier_sides(&self, step: &Step) -> Result<(), End> {
        for side in self.earlier(step) {
            let mut fate = side.fate.subscribe();
            let known = fate.wait_for(|fate| *fate != Fate::Open).await.map(|fate| *fate);
            match known {
                Ok(Fate::Gone) => {}
                Ok(Fate::Waits(people)) => return Err(End::Waiting(people, None)),
                Ok(Fate::Open | Fate::Stays) | Err(_) => {
                    return Err(End::NotTried(NotTried::SideStays));
                }
            }
        }
        Ok(())
    }

    /// The other sides of a step's room that start earlier.
    fn earlier(&self, step: &Step) -> impl Iterator<Item = &Side> {
        let this = self.0.get(&step.address).map(|side| side.kind);
        let others = step.sides.others(&step.address);
        others
            .filter_map(|other| self.0.get(&other))
            .filter(move |side| this.is_some_and(|kind| side.kind < kind))
    }
}
