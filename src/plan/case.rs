//! One room as the decision sees it, and the steps that can be made of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{
    Action, Address, AttributeChange, DesiredRoom, Finding, Held, HeldReason, Observation,
    OnOccupied, People, Policy, Provider, Reason, RecordedRoom, Room, Settled, Sighting, Step,
    Timestamp, Weight, settle,
};

use super::join::Row;
use super::{diff, services};

/// What the user wants of all rooms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) policy: &'a Policy,
    pub(super) evict: &'a BTreeSet<Address>,
}

/// What is known of one room whose provider is declared.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    pub(super) address: &'a Address,
    pub(super) provider: &'a Provider,
    pub(super) rules: Rules<'a>,
    pub(super) desired: Option<&'a DesiredRoom>,
    pub(super) recorded: Option<Cow<'a, RecordedRoom>>,
    pub(super) observation: Option<&'a Observation>,
    pub(super) now: Timestamp,
}

/// What is to become of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is none of ours.
    LeaveAlone,
    /// It is as it should be.
    Keep,
    /// Something is to be done.
    Step(Step),
    /// Something is wanted and held back; what the record alone has to learn is not.
    Held(Held, Option<Step>),
    /// It could not be read: a sentence that says why.
    Unread(String),
}

/// A verdict, and what is worth a word about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) finding: Option<Finding>,
}

/// The attribute changes of a step, one call for each inner list.
pub(super) type Batches = Vec<Vec<AttributeChange>>;

impl<'a> Case<'a> {
    /// Makes a case of what is known, with an open call settled first.
    ///
    /// # Errors
    /// Returns a sentence where the outcome of the open call is still unknown.
    pub(super) fn settled(
        row: Row<'a>,
        provider: &'a Provider,
        rules: Rules<'a>,
        now: Timestamp,
    ) -> Result<Self, String> {
        let Row { address, desired, recorded, observation } = row;
        let recorded = match recorded {
            Some(record) => settled(record, desired, observation, now)?,
            None => None,
        };
        Ok(Self { address, provider, rules, desired, recorded, observation, now })
    }

    /// The room as it was seen, where it was.
    pub(super) fn sighting(&self) -> Option<&'a Sighting> {
        match self.observation {
            Some(Observation::There(sighting)) => Some(sighting),
            Some(Observation::Gone | Observation::Unread { .. }) | None => None,
        }
    }

    /// Who is inside, as far as it was asked.
    pub(super) fn people(&self) -> People {
        self.sighting().map_or(People::Unknown, |sighting| sighting.people)
    }

    /// What happens to people inside when the room is taken down.
    pub(super) fn on_occupied(&self) -> OnOccupied {
        let Rules { policy, evict } = self.rules;
        if evict.contains(self.address) { OnOccupied::Destroy } else { policy.on_occupied }
    }

    /// What the file declares.
    pub(super) fn wanted(&self) -> Option<Arc<Room>> {
        self.desired.map(|declared| declared.room.clone())
    }

    /// What there is: the record, with the attributes that we manage as the service has them.
    pub(super) fn present(&self) -> Option<Arc<Room>> {
        let recorded = self.recorded.as_deref()?;
        let Some(sighting) = self.sighting() else {
            return Some(recorded.room.clone());
        };
        let declared = self.desired.map(|declared| &declared.room.attributes);
        let read = diff::managed(&sighting.attributes, declared, &recorded.room.attributes);
        if read == recorded.room.attributes {
            return Some(recorded.room.clone());
        }
        Some(Arc::new(Room {
            name: recorded.room.name.clone(),
            destroy_delay_time: recorded.room.destroy_delay_time,
            attributes: read,
        }))
    }

    /// A step of this room; its calls and its weight follow from what it does.
    pub(super) fn step(
        &self,
        action: Action,
        reason: Reason,
        before: Option<Arc<Room>>,
        after: Option<Arc<Room>>,
        changes: Batches,
    ) -> Step {
        let kept = self.recorded.as_ref().is_some_and(|recorded| recorded.prevent_destroy);
        Step {
            address: self.address.clone(),
            action,
            reason,
            before,
            after,
            calls: services::calls(self.provider.kind, action, changes.len()),
            changes,
            prevent_destroy: self.desired.map_or(kept, |d| d.lifecycle.prevent_destroy),
            source: self.desired.map(|declared| declared.source.clone()),
            people: self.people(),
            weight: weight(action, reason),
        }
    }

    /// A step that changes the record only, where the record's bookkeeping is behind the file.
    pub(super) fn bookkeeping(&self) -> Option<Step> {
        let (declared, recorded) = (self.desired?, self.recorded.as_deref()?);
        let same = declared.lifecycle.prevent_destroy == recorded.prevent_destroy
            && declared.source == recorded.source;
        let room = || Some(recorded.room.clone());
        let step =
            || self.step(Action::Record, Reason::BookkeepingChanged, room(), room(), Vec::new());
        (!same).then(step)
    }
}

impl Verdict {
    /// Something that is wanted and held back.
    pub(super) fn held(step: Step, reason: HeldReason) -> Self {
        Self::Held(Held { step, reason }, None)
    }
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, finding: None }
    }
}

/// Whether a step counts towards `max_destroy`: it ends a room's life, or takes it out of the record,
/// or brings it back before its time had come (a wrong region must not empty the record).
fn weight(action: Action, reason: Reason) -> Weight {
    match (action, reason) {
        (Action::Destroy | Action::Replace | Action::Forget, _)
        | (Action::Recreate, Reason::VanishedEarly) => Weight::Counted,
        (
            Action::Create | Action::Recreate | Action::Update | Action::Adopt | Action::Record,
            _,
        ) => Weight::Free,
    }
}

fn settled<'a>(
    record: &'a RecordedRoom,
    desired: Option<&DesiredRoom>,
    observation: Option<&Observation>,
    now: Timestamp,
) -> Result<Option<Cow<'a, RecordedRoom>>, String> {
    let Some(pending) = record.pending.as_deref() else {
        return Ok(Some(Cow::Borrowed(record)));
    };
    match settle(record, pending, observation, now) {
        Settled::Kept(kept) => Ok(Some(Cow::Owned(kept))),
        Settled::Removed => Ok(None),
        Settled::NotOurs if desired.is_some() => Ok(None),
        Settled::NotOurs => Err(FOREIGN.to_owned()),
        Settled::MayStillLand(until) => {
            Err(format!("its last call may still take effect until {until}: plan again then"))
        }
        Settled::Unread(why) => Err(why),
    }
}

const FOREIGN: &str = "its create has an unknown outcome, and the room that exists now is not \
                       what was sent: `roomctl state rm` leaves it to its owner";
