//! One room as the decision sees it, and the steps that can be made of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Action, Address, Attributes, Bookkeeping, Call, Carried, DesiredRoom, Finding, Held,
    HeldReason, Holder, Kind, Landing, Observation, Observed, ObservedRoom, OnOccupied, Origin,
    Patch, People, Policy, Provider, ProviderName, Reason, Recorded, RecordedRoom, Room, Settled,
    Sides, Step, Weight, settle,
};

use super::diff;
use super::join::Row;

/// What the user wants of all rooms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) policy: &'a Policy,
    pub(super) evict: &'a BTreeSet<Address>,
    /// Every provider, for rooms that several of them hold.
    pub(super) providers: &'a BTreeMap<ProviderName, Provider>,
    /// Everything that was observed, for the same rooms.
    pub(super) observed: &'a Observed,
    /// Everything that is recorded: a room may be recorded under another provider name.
    pub(super) recorded: &'a Recorded,
    /// The run that the open calls belong to, where it is under way.
    pub(super) in_progress: Option<&'a Holder>,
}

/// What is known of one room whose provider is declared.
#[derive(Clone, Debug)]
pub(super) struct RoomContext<'a> {
    pub(super) address: &'a Address,
    pub(super) provider: &'a Provider,
    pub(super) rules: Rules<'a>,
    pub(super) desired: Option<&'a DesiredRoom>,
    pub(super) recorded: Option<Cow<'a, RecordedRoom>>,
    pub(super) observation: Option<&'a Observation>,
    /// What is worth a word about how its open call was settled.
    pub(super) word: Option<Finding>,
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

impl<'a> RoomContext<'a> {
    /// Makes a room of what is known, with an open call settled first; where the provider was not
    /// asked for want of credentials, the record stands as it is.
    ///
    /// # Errors
    /// Returns a sentence where the outcome of the open call is still unknown.
    pub(super) fn settled(
        row: Row<'a>,
        provider: &'a Provider,
        rules: Rules<'a>,
    ) -> Result<Self, String> {
        let Row { address, desired, recorded, observation } = row;
        let recorded = match recorded {
            Some(record) if rules.observed.not_asked.contains_key(&address.provider) => {
                After { record: Some(Cow::Borrowed(record)), unproven: false }
            }
            Some(record) => settled(provider, record, observation)?,
            None => After::default(),
        };
        let After { record: recorded, unproven } = recorded;
        let word = unproven.then(|| of_unknown_origin(address));
        Ok(Self { address, provider, rules, desired, recorded, observation, word })
    }

    /// The room as it was seen, where it was.
    pub(super) fn observed_room(&self) -> Option<&'a ObservedRoom> {
        match self.observation {
            Some(Observation::There(observed_room)) => Some(observed_room),
            Some(Observation::Gone(_) | Observation::Unread { .. }) | None => None,
        }
    }

    /// Which service holds the room.
    pub(super) fn kind(&self) -> Kind {
        self.provider.kind()
    }

    /// The providers that hold the room: what the file says, or else what is recorded.
    fn sides(&self) -> Sides {
        let recorded = self.recorded.as_deref().map(|recorded| &recorded.sides);
        self.desired.map(|declared| &declared.sides).or(recorded).cloned().unwrap_or_default()
    }

    /// The other sides of the room whose providers are declared.
    fn others<'b>(&'b self, sides: &'b Sides) -> impl Iterator<Item = Address> + 'b {
        let declared = |other: &Address| self.rules.providers.contains_key(&other.provider);
        sides.others(self.address).filter(declared)
    }

    /// Who is inside, at any side, as far as it was asked.
    fn people(&self, sides: &Sides) -> People {
        let here =
            self.observed_room().map_or(People::Unknown, |observed_room| observed_room.people);
        let elsewhere = self.others(sides).map(|other| match self.rules.observed.of(&other) {
            Some(Observation::There(observed_room)) => observed_room.people,
            Some(Observation::Gone(_)) => People::Nobody,
            Some(Observation::Unread { .. }) | None => People::Unknown,
        });
        elsewhere.fold(here, People::and)
    }

    /// What happens to people inside when the room is taken down: as the policy says, or else as the
    /// kinds that hold it do; `--evict` of one side speaks for all.
    fn on_occupied(&self, sides: &Sides) -> OnOccupied {
        let Rules { policy, evict, providers, observed: _, recorded: _, in_progress: _ } =
            self.rules;
        if evict.contains(self.address) || sides.others(self.address).any(|it| evict.contains(&it))
        {
            return OnOccupied::Destroy;
        }
        let others = self.others(sides).filter_map(|other| providers.get(&other.provider));
        policy.on_occupied(others.map(Provider::kind).chain([self.kind()]))
    }

    /// What the file declares.
    pub(super) fn wanted(&self) -> Option<Arc<Room>> {
        self.desired.map(|declared| declared.room.clone())
    }

    /// What there is: the record, with what can be changed in place and the attributes that we manage
    /// as the service has them.
    pub(super) fn present(&self) -> Option<Arc<Room>> {
        let recorded = self.recorded.as_deref()?;
        let Some(observed_room) = self.observed_room() else {
            return Some(recorded.room.clone());
        };
        let declared = self.desired.map(|declared| &declared.room.attributes);
        let read = diff::managed(&observed_room.attributes, declared, &recorded.room.attributes);
        let room = &recorded.room;
        let told = diff::changeable(self.kind(), &observed_room.fields);
        if read == room.attributes && room.agrees(&told) {
            return Some(room.clone());
        }
        Some(Arc::new(Room { attributes: read, ..room.as_read(&told) }))
    }

    /// A step of this room; its calls and its weight follow from what it does.
    pub(super) fn step(
        &self,
        action: Action,
        reason: Reason,
        before: Option<Arc<Room>>,
        after: Option<Arc<Room>>,
        changes: Vec<Patch>,
    ) -> Step {
        let kept = self.recorded.as_deref().map(|recorded| recorded.lifecycle);
        let sides = self.sides();
        Step {
            address: self.address.clone(),
            action,
            reason,
            before,
            after,
            calls: calls(self.kind(), action, &changes),
            changes,
            lifecycle: self.desired.map(|d| d.lifecycle).or(kept).unwrap_or_default(),
            source: self.desired.map(|declared| declared.source.clone()),
            people: self.people(&sides),
            on_occupied: self.on_occupied(&sides),
            sides,
            weight: weight(action, reason),
            carried: Carried::Nothing,
            instead: None,
            bookkeeping: None,
        }
    }

    /// A step that makes the room as it is declared, with what the call that makes it leaves over.
    pub(super) fn making(&self, action: Action, reason: Reason) -> Step {
        let before = if action == Action::Replace { self.present() } else { None };
        let left = self.desired.map(|declared| {
            let made = declared.room.made_by_its_call(self.kind());
            if Arc::ptr_eq(&made, &declared.room) {
                return Vec::new();
            }
            made.patches_towards(self.kind(), &declared.room)
        });
        let step = self.step(action, reason, before, self.wanted(), left.unwrap_or_default());
        Step { carried: self.carried(action), ..step }
    }

    /// The attributes of others that a step sets again where it makes the room anew.
    fn carried(&self, action: Action) -> Carried {
        let (Some(declared), Some(recorded)) = (self.desired, self.recorded.as_deref()) else {
            return Carried::Nothing;
        };
        let read = match (action, self.observed_room()) {
            (Action::Replace, None) => return Carried::Unread,
            (Action::Replace, Some(observed_room)) => &observed_room.attributes,
            (
                Action::Create
                | Action::Recreate
                | Action::Update
                | Action::Destroy
                | Action::Adopt
                | Action::Forget
                | Action::Record,
                _,
            ) => &Attributes::EMPTY,
        };
        let others = recorded.others(&declared.room.attributes, read);
        if others.is_empty() { Carried::Nothing } else { Carried::Known(others) }
    }

    /// A step that changes the record only, where the record's bookkeeping is behind the file.
    pub(super) fn bookkeeping(&self) -> Option<Step> {
        let (declared, recorded) = (self.desired?, self.recorded.as_deref()?);
        let same = declared.lifecycle == recorded.lifecycle
            && declared.sides == recorded.sides
            && declared.source == recorded.source;
        if same {
            return None;
        }
        let room = || Some(recorded.room.clone());
        let before = Bookkeeping {
            lifecycle: recorded.lifecycle,
            sides: recorded.sides.clone(),
            source: recorded.source.clone(),
        };
        let step =
            self.step(Action::Record, Reason::BookkeepingChanged, room(), room(), Vec::new());
        Some(Step { bookkeeping: Some(Box::new(before)), ..step })
    }
}

impl Verdict {
    /// Something that is wanted and held back.
    pub(super) fn held(step: Step, reason: HeldReason) -> Self {
        Self::Held(Held { step, reason }, None)
    }
}

impl Decision {
    /// The same, with a word about it.
    pub(super) fn told(self, finding: Option<Finding>) -> Self {
        Self { finding, ..self }
    }
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, finding: None }
    }
}

/// The calls that change something, in order.
fn calls(kind: Kind, action: Action, changes: &[Patch]) -> Vec<Call> {
    let made = match kind.origin() {
        Origin::Call(call) => Some(call),
        Origin::FirstUser => None,
    };
    let destroyed = kind.destroy_call();
    let patched = changes.iter().filter_map(|patch| kind.patch_call(patch));
    match action {
        Action::Create | Action::Recreate => made.into_iter().chain(patched).collect(),
        Action::Replace => [destroyed].into_iter().chain(made).chain(patched).collect(),
        Action::Destroy => vec![destroyed],
        Action::Update | Action::Adopt => patched.collect(),
        Action::Forget | Action::Record => Vec::new(),
    }
}

/// What a step counts towards at the gate: rooms that are made anew before their time had come count
/// on their own, since a wrong region must not be filled with copies.
fn weight(action: Action, reason: Reason) -> Weight {
    match (action, reason) {
        (Action::Destroy | Action::Replace | Action::Forget, _) => Weight::Counted,
        (Action::Recreate, Reason::VanishedEarly) => Weight::Recreated,
        (
            Action::Create | Action::Recreate | Action::Update | Action::Adopt | Action::Record,
            _,
        ) => Weight::Free,
    }
}

/// A record once its open call is settled.
#[derive(Default)]
struct After<'a> {
    record: Option<Cow<'a, RecordedRoom>>,
    /// Whether nothing tells that the room is the one that was to be destroyed.
    unproven: bool,
}

fn settled<'a>(
    provider: &Provider,
    record: &'a RecordedRoom,
    observation: Option<&Observation>,
) -> Result<After<'a>, String> {
    let Some(pending) = record.pending.as_deref() else {
        return Ok(After { record: Some(Cow::Borrowed(record)), unproven: false });
    };
    let after = |record: Option<RecordedRoom>, unproven| {
        Ok(After { record: record.map(Cow::Owned), unproven })
    };
    match settle(&provider.application, record, pending, observation, Landing::ByClock) {
        Settled::Done(record) | Settled::NotDone(record) | Settled::Contested(record) => {
            after(Some(record), false)
        }
        Settled::Unproven(record) => after(Some(record), true),
        Settled::Gone(left) => after(left, false),
        Settled::MayStillLand(until) => {
            Err(format!("its last call may still take effect until {until}: plan again then"))
        }
        Settled::Unread(why) => Err(why),
    }
}

fn of_unknown_origin(address: &Address) -> Finding {
    let message = format!(
        "{address}: its destroy has an unknown outcome, and nothing tells whether the room that \
         exists now is the one that was to go"
    );
    Finding::warning("origin_unknown", message)
        .help("`roomctl state rm` leaves it to its owner; otherwise it is taken to be ours")
        .about(address)
}
