//! Goes through all rooms once and sorts what was decided of each.

use std::collections::BTreeMap;

use crate::model::{
    Action, Finding, Held, Kind, Provider, ProviderName, Step, Summary, Timestamp, Unread,
};

use super::Inputs;
use super::case::{Case, Decision, Verdict};
use super::decide::decide;
use super::join::{Join, Row};

/// How many findings of one code are told one by one.
const TOLD: u64 = 100;

/// What was decided, room by room, before anything is counted against anything.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) steps: Steps,
    pub(super) waiting: Vec<Held>,
    pub(super) blocked: Vec<Held>,
    pub(super) unread: Vec<Unread>,
    pub(super) notes: Notes,
    pub(super) unchanged: u64,
    /// Rooms of ours that may be alive afterwards, without creates and recreates.
    pub(super) alive: BTreeMap<&'a ProviderName, u64>,
}

/// Steps by phase and kind, each list in the order of the addresses.
#[derive(Default)]
pub(super) struct Steps(pub(super) BTreeMap<(Phase, Kind), Vec<Step>>);

/// When steps start: first those that make room.
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

/// What is worth a word, and how many more of the same kind there are.
#[derive(Default)]
pub(super) struct Notes {
    told: Vec<Finding>,
    counts: BTreeMap<&'static str, u64>,
    undeclared: BTreeMap<ProviderName, u64>,
}

/// Decides of every room, in the order of the addresses.
pub(super) fn draft(inputs: Inputs<'_>) -> Draft<'_> {
    let Inputs { desired, recorded, observed, now, asked: _, evict } = inputs;
    let clock = |(name, provider)| (name, (provider, now(name)));
    let providers: BTreeMap<&ProviderName, (&Provider, Timestamp)> =
        desired.providers.iter().map(clock).collect();
    let mut draft = Draft::default();
    for row in Join::new(desired, recorded, observed) {
        match providers.get(&row.address.provider) {
            None => draft.notes.undeclared(&row),
            Some((provider, now)) => {
                match Case::settled(row, provider, &desired.policy, evict, *now) {
                    Ok(case) => draft.take(&case, decide(&case)),
                    Err(why) => draft.open(row, provider, why),
                }
            }
        }
    }
    draft
}

/// Counts the steps by action.
pub(super) fn count(steps: &[Step], unchanged: u64, waiting: &[Held]) -> Summary {
    let mut summary = Summary { unchanged, waiting: waiting.len() as u64, ..Summary::default() };
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

impl<'a> Draft<'a> {
    fn take(&mut self, case: &Case<'a>, decision: Decision) {
        let Decision { verdict, finding } = decision;
        self.notes.add(finding);
        if stays(case, &verdict) {
            *self.alive.entry(&case.provider.name).or_default() += 1;
        }
        let kind = case.provider.kind;
        match verdict {
            Verdict::LeaveAlone => {}
            Verdict::Keep => self.unchanged += 1,
            Verdict::Step(step) => self.steps.add(kind, step),
            Verdict::Held(held, bookkeeping) => {
                self.hold(held);
                if let Some(step) = bookkeeping {
                    self.steps.add(kind, step);
                }
            }
            Verdict::Unread(why) => {
                self.unread.push(Unread { address: case.address.clone(), why });
            }
        }
    }

    fn hold(&mut self, held: Held) {
        use crate::model::HeldReason::{Conflict, MaxRooms, Occupied, PreventDestroy};
        match held.reason {
            Occupied(_) => self.waiting.push(held),
            PreventDestroy | MaxRooms(_) | Conflict => self.blocked.push(held),
        }
    }

    /// A room with an open call: nothing is done with it before the call's outcome is known.
    fn open(&mut self, row: Row<'a>, provider: &'a Provider, why: String) {
        *self.alive.entry(&provider.name).or_default() += 1;
        self.unread.push(Unread { address: row.address.clone(), why });
    }
}

impl Steps {
    /// All steps in the order in which they start.
    pub(super) fn into_ordered(self) -> Vec<Step> {
        let mut lists = self.0.into_values();
        let mut ordered = lists.next().unwrap_or_default();
        lists.for_each(|list| ordered.extend(list));
        ordered
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

impl Notes {
    fn add(&mut self, finding: Option<Finding>) {
        let Some(finding) = finding else { return };
        let count = self.counts.entry(finding.code).or_default();
        *count += 1;
        if *count <= TOLD {
            self.told.push(finding);
        }
    }

    fn undeclared(&mut self, row: &Row<'_>) {
        if row.recorded.is_some() {
            *self.undeclared.entry(row.address.provider.clone()).or_default() += 1;
        }
    }

    /// The findings: in the order of the addresses, then what was not told one by one.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let Self { mut told, counts, undeclared } = self;
        for (code, count) in counts {
            let rest = count.saturating_sub(TOLD);
            if rest > 0 {
                told.push(Finding::warning(code, format!("the same of {rest} more rooms")));
            }
        }
        told.extend(undeclared.into_iter().map(|(name, count)| undeclared_provider(&name, count)));
        told
    }
}

fn undeclared_provider(name: &ProviderName, count: u64) -> Finding {
    let rooms = if count == 1 {
        "1 recorded room is".to_owned()
    } else {
        format!("{count} recorded rooms are")
    };
    let message = format!("the provider `{name}` is no longer declared: {rooms} left as they are");
    Finding::warning("provider_not_declared", message).help(format!(
        "declare `{name}` again to keep or destroy them, or take them out of the record with \
         `roomctl state rm`"
    ))
}

/// Whether a room of ours may be alive after the plan, creates and recreates left out.
fn stays(case: &Case<'_>, verdict: &Verdict) -> bool {
    match verdict {
        Verdict::LeaveAlone => false,
        Verdict::Keep => true,
        Verdict::Held(..) | Verdict::Unread(_) => case.recorded.is_some(),
        Verdict::Step(step) => match step.action {
            Action::Update | Action::Replace | Action::Adopt | Action::Record => true,
            Action::Create | Action::Recreate | Action::Destroy | Action::Forget => false,
        },
    }
}
