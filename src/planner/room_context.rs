//! One room with everything that a decision on it needs.

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::{
    Address, DesiredRoom, Finding, Held, HeldReason, Kind, Landing, Observation, ObservedRoom,
    OnConflict, OnOccupied, People, Provider, RecordedRoom, Room, Settled, Sides, Step, settle,
};

use super::PlanInputs;
use super::diff;
use super::join::Row;

/// What is known of one room whose provider is declared.
#[derive(Clone, Debug)]
pub(super) struct RoomContext<'a> {
    pub(super) address: &'a Address,
    pub(super) provider: &'a Provider,
    pub(super) inputs: PlanInputs<'a>,
    pub(super) desired: Option<&'a DesiredRoom>,
    pub(super) recorded: Option<Cow<'a, RecordedRoom>>,
    pub(super) observation: Option<&'a Observation>,
    /// A finding about how its open call was resolved.
    pub(super) finding: Option<Finding>,
    /// The room that is to wait for the next life.
    pub(super) next: Option<Arc<Room>>,
}

/// The decision on one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not managed: neither declared nor recorded.
    LeaveAlone,
    /// Unchanged.
    Keep,
    /// The room has a step.
    Step(Step),
    /// The step is held back. The second step, if any, is done meanwhile.
    Held(Held, Option<Box<Step>>),
    /// The room could not be read, with the reason as a sentence.
    Unread(String),
}

/// A verdict with a finding about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) finding: Option<Finding>,
}

impl<'a> RoomContext<'a> {
    /// Returns the context after resolving an open call. If the provider was not queried because its
    /// credentials are missing, the record is used unchanged.
    ///
    /// # Errors
    /// Returns a sentence if the outcome of the open call is still unknown.
    pub(super) fn settled(
        row: Row<'a>,
        provider: &'a Provider,
        inputs: PlanInputs<'a>,
    ) -> Result<Self, String> {
        let Row { address, desired, recorded, observation } = row;
        let of_state = recorded;
        let settled = match of_state {
            Some(record) if inputs.observed.not_asked.contains_key(&address.provider) => {
                SettledRecord { record: Some(Cow::Borrowed(record)), unproven: false }
            }
            Some(record) if desired.is_none() && record.is_absent(observation) => {
                SettledRecord::default()
            }
            Some(record) => settle_record(provider, record, observation)?,
            None => SettledRecord::default(),
        };
        let SettledRecord { record: recorded, unproven } = settled;
        let finding = unproven.then(|| unknown_origin(address));
        let finding = finding.or_else(|| recreated_by_others(address, of_state?, observation?));
        let next = None;
        Ok(Self { address, provider, inputs, desired, recorded, observation, finding, next })
    }

    /// Returns the room as it was observed, if it exists.
    pub(super) fn observed_room(&self) -> Option<&'a ObservedRoom> {
        match self.observation {
            Some(Observation::There(observed_room)) => Some(observed_room),
            Some(Observation::Gone(_) | Observation::Unread { .. }) | None => None,
        }
    }

    /// Returns the recorded room that waits for the next life.
    pub(super) fn waiting_room<'b>(&self, recorded: &'b RecordedRoom) -> Option<&'b Arc<Room>> {
        recorded.waiting_next(self.kind())?.room.as_ref()
    }

    /// Returns the context with another room to wait for the next life.
    pub(super) fn with_next(&self, next: Option<Arc<Room>>) -> Self {
        Self { next, ..self.clone() }
    }

    /// Returns the kind of the room.
    pub(super) fn kind(&self) -> Kind {
        self.provider.kind()
    }

    /// Returns the providers that have the room: as declared, or else as recorded.
    pub(super) fn sides(&self) -> Sides {
        let recorded = self.recorded.as_deref().map(|recorded| &recorded.sides);
        self.desired.map(|declared| &declared.sides).or(recorded).cloned().unwrap_or_default()
    }

    /// Returns the other sides of the room whose providers are declared.
    fn others<'b>(&'b self, sides: &'b Sides) -> impl Iterator<Item = Address> + 'b {
        let declared =
            |other: &Address| self.inputs.desired.providers.contains_key(&other.provider);
        sides.others(self.address).filter(declared)
    }

    /// Returns the people inside on all sides that were queried.
    pub(super) fn people(&self, sides: &Sides) -> People {
        let here =
            self.observed_room().map_or(People::Unknown, |observed_room| observed_room.people);
        let elsewhere = self.others(sides).map(|other| match self.inputs.observed.of(&other) {
            Some(Observation::There(observed_room)) => observed_room.people,
            Some(Observation::Gone(_)) => People::Nobody,
            Some(Observation::Unread { .. }) | None => People::Unknown,
        });
        elsewhere.fold(here, People::and)
    }

    /// Returns what happens to people inside when the room is destroyed: as the policy specifies, or
    /// else by the kinds of its sides. `--evict` of one side applies to all.
    pub(super) fn on_occupied(&self, sides: &Sides) -> OnOccupied {
        let PlanInputs {
            desired,
            evict,
            recorded: _,
            observed: _,
            scope: _,
            refreshed: _,
            in_progress: _,
        } = self.inputs;
        if evict.contains(self.address) || sides.others(self.address).any(|it| evict.contains(&it))
        {
            return OnOccupied::Destroy;
        }
        let others = self.others(sides).filter_map(|other| desired.providers.get(&other.provider));
        desired.policy.on_occupied(others.map(Provider::kind).chain([self.kind()]))
    }

    /// Returns what to do if the room exists and we did not make it: as the room's `lifecycle`
    /// specifies, or else the policy.
    pub(super) fn on_conflict(&self) -> OnConflict {
        let of_room = self.desired.and_then(|declared| declared.on_conflict);
        of_room.unwrap_or(self.inputs.desired.policy.on_conflict)
    }

    /// Returns the paths that are not compared: as declared, or else as recorded.
    pub(super) fn ignore_changes(&self) -> &[Box<str>] {
        let recorded = || self.recorded.as_deref().map(|recorded| &recorded.ignore_changes);
        self.desired.map(|declared| &declared.ignore_changes).or_else(recorded).map_or(&[], |it| it)
    }

    /// Returns the declared room and its observation with the ignored paths unchanged; `None` if no
    /// path is ignored. A room that is not recorded keeps the observed values of these paths.
    pub(super) fn with_ignored(&self) -> Option<(DesiredRoom, Option<Observation>)> {
        let declared = self.desired.filter(|declared| !declared.ignore_changes.is_empty())?;
        let paths = &declared.ignore_changes;
        let own = self.ownership_keys().key;
        let (room, observation) = match (self.recorded.as_deref(), self.observed_room()) {
            (Some(recorded), seen) => {
                let unchanged = |seen: &ObservedRoom| {
                    let recorded = recorded.room.without_attribute(own);
                    let seen = seen.unchanged_at(self.kind(), paths, &recorded);
                    Observation::There(seen.into_owned())
                };
                let observation = seen.map(unchanged).or_else(|| self.observation.cloned());
                (declared.room.with_paths_of(paths, &recorded.room), observation)
            }
            (None, Some(seen)) => {
                (declared.room.with_paths_as_read(paths, seen), self.observation.cloned())
            }
            (None, None) => return None,
        };
        let room = match own {
            Some(key) => room.with_attribute_of(key, &declared.room.attributes),
            None => room,
        };
        Some((DesiredRoom { room: Arc::new(room), ..declared.clone() }, observation))
    }

    /// Returns the room as declared.
    pub(super) fn declared_room(&self) -> Option<Arc<Room>> {
        self.desired.map(|declared| declared.room.clone())
    }

    /// Returns the present room: the record, with the changeable fields and the managed attributes as
    /// the service has them.
    pub(super) fn present(&self) -> Option<Arc<Room>> {
        let recorded = self.recorded.as_deref()?;
        let Some(observed_room) = self.observed_room() else {
            return Some(recorded.room.clone());
        };
        let declared = self.desired.map(|declared| &declared.room.attributes);
        let read = diff::managed(&observed_room.attributes, declared, &recorded.room.attributes);
        let room = &recorded.room;
        let reported = diff::changeable(self.kind(), &observed_room.fields);
        if read == room.attributes && room.agrees(&reported) {
            return Some(room.clone());
        }
        Some(Arc::new(Room { attributes: read, ..room.as_read(&reported) }))
    }
}

impl Verdict {
    /// Returns the decision that holds a step back.
    pub(super) fn held(step: Step, reason: HeldReason) -> Self {
        Self::Held(Held { step, reason }, None)
    }
}

impl Decision {
    /// Returns the same decision with a finding about it.
    pub(super) fn with_finding(self, finding: Option<Finding>) -> Self {
        Self { finding, ..self }
    }
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, finding: None }
    }
}

/// A record after its open call was resolved.
#[derive(Default)]
struct SettledRecord<'a> {
    record: Option<Cow<'a, RecordedRoom>>,
    /// Whether no evidence shows that the room is the one that was to be destroyed.
    unproven: bool,
}

/// Resolves the open call of a record, if it has one.
fn settle_record<'a>(
    provider: &Provider,
    record: &'a RecordedRoom,
    observation: Option<&Observation>,
) -> Result<SettledRecord<'a>, String> {
    let Some(pending) = record.pending.as_deref() else {
        return Ok(SettledRecord { record: Some(Cow::Borrowed(record)), unproven: false });
    };
    let after = |record: Option<RecordedRoom>, unproven| {
        Ok(SettledRecord { record: record.map(Cow::Owned), unproven })
    };
    match settle(&provider.application, record, pending, observation, Landing::ByClock) {
        Settled::Done(record) | Settled::NotDone(record) | Settled::Contested(record) => {
            after(Some(record), false)
        }
        Settled::Unproven(record) => after(Some(record), true),
        Settled::Gone(left) | Settled::Foreign(left) => after(left, false),
        Settled::MayStillLand(until) => {
            Err(format!("its last call may still take effect until {until}: plan again then"))
        }
        Settled::Unread(why) => Err(why),
    }
}

/// Returns a warning that the room is not the one that we made.
fn recreated_by_others(
    address: &Address,
    record: &RecordedRoom,
    observation: &Observation,
) -> Option<Finding> {
    let Observation::There(room) = observation else { return None };
    record.was_recreated_by_others(room).then(|| {
        let message = format!(
            "{address} was recreated by someone else: its attribute sequence restarted, and its name and \
             delay cannot be read"
        );
        Finding::warning("made_anew", message)
            .help("`roomctl state rm` leaves it to its owner; otherwise it is treated as ours")
            .about(address)
    })
}

fn unknown_origin(address: &Address) -> Finding {
    let message = format!(
        "{address}: its destroy has an unknown outcome, and it is not known whether the existing room is \
         the one to destroy"
    );
    Finding::warning("origin_unknown", message)
        .help("`roomctl state rm` leaves it to its owner; otherwise it is treated as ours")
        .about(address)
}
