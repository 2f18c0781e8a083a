//! Decides on every room and collects the steps, held steps and findings.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::model::{
    Action, Address, Held, Kind, Observation, Provider, ProviderName, Step, Summary, Unread,
};

use super::PlanInputs;
use super::decide::decide;
use super::findings::FindingCollector;
use super::join::{Join, Row};
use super::room_context::{Decision, RoomContext, Verdict};

/// The number of rooms that one parallel task decides on.
const GROUP: usize = 16_384;

/// The decisions on all rooms, before they are compared with any limit.
#[derive(Default)]
pub(super) struct PlanBuilder<'a> {
    pub(super) steps: Steps,
    pub(super) waiting: Vec<Held>,
    pub(super) blocked: Vec<Held>,
    pub(super) unread: Vec<Unread>,
    /// Rooms with an open call of another run that is still in flight.
    pub(super) in_flight: Vec<Address>,
    pub(super) findings: FindingCollector,
    pub(super) unchanged: u64,
    /// The number of our rooms that may be alive after the plan, without creates and recreates.
    pub(super) alive: BTreeMap<&'a ProviderName, u64>,
    /// The number of rooms that are declared or recorded.
    pub(super) rooms: RoomCount,
}

/// The number of rooms, and how many of them are in the scope.
#[derive(Clone, Copy, Default)]
pub(super) struct RoomCount {
    pub(super) selected: u64,
    pub(super) all: u64,
}

/// Steps by phase and kind, each list sorted by address.
#[derive(Default)]
pub(super) struct Steps(pub(super) BTreeMap<(Phase, Kind), Vec<Step>>);

/// The order in which steps start: those that remove rooms go first, to make room for creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Destroy,
    Replace,
    Update,
    Create,
    Adopt,
    Record,
    Forget,
}

/// Decides on every room, in the order of the addresses. Groups of rooms run in parallel.
pub(super) fn build(inputs: PlanInputs<'_>) -> PlanBuilder<'_> {
    let rows: Vec<Row<'_>> = Join::new(inputs.desired, inputs.recorded, inputs.observed).collect();
    let groups = rows.par_chunks(GROUP);
    let parts: Vec<PlanBuilder<'_>> = groups.map(|rows| PlanBuilder::of(rows, inputs)).collect();
    let mut whole = PlanBuilder::default();
    for part in parts {
        whole.append(part);
    }
    whole
}

/// Counts the steps by action.
pub(super) fn count(steps: &[Step]) -> Summary {
    let mut summary = Summary::default();
    for step in steps {
        let count = match step.action {
            Action::Create => &mut summary.create,
            Action::Recreate => &mut summary.recreate,
            Action::Update => &mut summary.update,
            Action::Replace => &mut summary.replace,
            Action::Destroy => &mut summary.destroy,
            Action::Adopt => &mut summary.adopt,
            Action::Forget => &mut summary.forget,
            Action::Record => &mut summary.record,
        };
        *count += 1;
    }
    summary
}

impl<'a> PlanBuilder<'a> {
    fn of(rows: &[Row<'a>], inputs: PlanInputs<'a>) -> Self {
        let mut builder = Self::default();
        for row in rows {
            let is_selected = inputs.scope.selects(row.address);
            builder.rooms.add(row, is_selected);
            match inputs.desired.providers.get(&row.address.provider) {
                Some(provider) if is_selected => builder.decide(row, provider, inputs),
                Some(provider) => builder.leave_out(row, provider),
                None => builder.findings.undeclared(row),
            }
        }
        builder
    }

    fn decide(&mut self, row: &Row<'a>, provider: &'a Provider, inputs: PlanInputs<'a>) {
        if inputs.in_progress.is_some() && row.recorded.is_some_and(|it| it.pending.is_some()) {
            *self.alive.entry(&provider.name).or_default() += 1;
            self.in_flight.push(row.address.clone());
            return;
        }
        match RoomContext::settled(*row, provider, inputs) {
            Ok(room) => match room.with_ignored() {
                None => self.add(&room, provider, decide(&room)),
                Some((desired, observation)) => {
                    let (desired, observation) = (Some(&desired), observation.as_ref());
                    let room = RoomContext { desired, observation, ..room.clone() };
                    self.add(&room, provider, decide(&room));
                }
            },
            Err(why) => self.add_unsettled(row, provider, why),
        }
    }

    /// Adds a room outside the scope, which counts as alive if it is recorded.
    fn leave_out(&mut self, row: &Row<'a>, provider: &'a Provider) {
        if row.recorded.is_some() {
            *self.alive.entry(&provider.name).or_default() += 1;
        }
    }

    /// Appends a builder whose rooms follow these in order.
    fn append(&mut self, later: Self) {
        let Self {
            steps,
            waiting,
            blocked,
            unread,
            in_flight,
            findings,
            unchanged,
            alive,
            rooms: RoomCount { selected, all },
        } = later;
        self.steps.append(steps);
        self.waiting.extend(waiting);
        self.blocked.extend(blocked);
        self.unread.extend(unread);
        self.in_flight.extend(in_flight);
        self.findings.append(findings);
        self.unchanged += unchanged;
        self.rooms.selected += selected;
        self.rooms.all += all;
        for (provider, count) in alive {
            *self.alive.entry(provider).or_default() += count;
        }
    }

    fn add(&mut self, room: &RoomContext<'_>, provider: &'a Provider, decision: Decision) {
        let Decision { verdict, finding } = decision;
        if let Some(finding) = finding {
            self.findings.add(finding);
        }
        if is_alive_after(room, &verdict) {
            *self.alive.entry(&provider.name).or_default() += 1;
        }
        let kind = room.kind();
        match verdict {
            Verdict::LeaveAlone => {}
            Verdict::Keep => self.unchanged += 1,
            Verdict::Step(step) => self.steps.add(kind, step),
            Verdict::Held(held, bookkeeping) => {
                self.hold(held);
                if let Some(step) = bookkeeping {
                    self.steps.add(kind, *step);
                }
            }
            Verdict::Unread(why) => {
                self.unread.push(Unread { address: room.address.clone(), why });
            }
        }
    }

    fn hold(&mut self, held: Held) {
        use crate::model::HeldReason::{
            Conflict, Contested, MaxRooms, NextLife, Occupied, OtherState, PreventDestroy,
        };
        match held.reason {
            Occupied(_) | NextLife => self.waiting.push(held),
            PreventDestroy | MaxRooms(_) | Conflict | OtherState | Contested => {
                self.blocked.push(held);
            }
        }
    }

    /// Adds a room with an open call: nothing is planned for it before the outcome of the call is
    /// known.
    fn add_unsettled(&mut self, row: &Row<'a>, provider: &'a Provider, why: String) {
        *self.alive.entry(&provider.name).or_default() += 1;
        self.unread.push(Unread { address: row.address.clone(), why });
    }
}

impl RoomCount {
    fn add(&mut self, row: &Row<'_>, is_selected: bool) {
        if row.desired.is_some() || row.recorded.is_some() {
            self.all += 1;
            self.selected += u64::from(is_selected);
        }
    }
}

impl Steps {
    /// Returns all steps in the order in which they start.
    pub(super) fn into_ordered(self) -> Vec<Step> {
        let mut lists = self.0.into_values();
        let mut ordered = lists.next().unwrap_or_default();
        lists.for_each(|list| ordered.extend(list));
        ordered
    }

    fn append(&mut self, later: Self) {
        for (key, list) in later.0 {
            self.0.entry(key).or_default().extend(list);
        }
    }

    fn add(&mut self, kind: Kind, step: Step) {
        self.0.entry((Phase::of(step.action), kind)).or_default().push(step);
    }
}

impl Phase {
    pub(super) fn of(action: Action) -> Self {
        match action {
            Action::Destroy => Self::Destroy,
            Action::Replace => Self::Replace,
            Action::Update => Self::Update,
            Action::Create | Action::Recreate => Self::Create,
            Action::Adopt => Self::Adopt,
            Action::Record => Self::Record,
            Action::Forget => Self::Forget,
        }
    }
}

/// Returns whether a room of ours may be alive after the plan, not counting creates and recreates.
fn is_alive_after(room: &RoomContext<'_>, verdict: &Verdict) -> bool {
    let is_gone = matches!(room.observation, Some(Observation::Gone(_)));
    match verdict {
        Verdict::LeaveAlone => false,
        Verdict::Keep => !is_gone,
        Verdict::Held(..) | Verdict::Unread(_) => room.recorded.is_some(),
        Verdict::Step(step) => match step.action {
            Action::Update | Action::Replace | Action::Adopt => true,
            Action::Record => !is_gone,
            Action::Create | Action::Recreate | Action::Destroy | Action::Forget => false,
        },
    }
}
