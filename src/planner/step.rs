//! Makes the steps of one room.

use std::sync::Arc;

use crate::model::{
    Action, Attributes, Bookkeeping, Call, Carried, DesiredFrom, Kind, NextChange, Origin, Patch,
    Reason, Room, Step, Weight,
};

use super::room_context::RoomContext;

impl RoomContext<'_> {
    /// Returns a step of this room. Its calls and its weight follow from the action and the changes.
    pub(super) fn step(
        &self,
        action: Action,
        reason: Reason,
        before: Option<Arc<Room>>,
        after: Option<Arc<Room>>,
        changes: Vec<Patch>,
    ) -> Step {
        let recorded = self.recorded.as_deref().map(|recorded| recorded.lifecycle);
        let sides = self.sides();
        Step {
            address: self.address.clone(),
            action,
            reason,
            before,
            after,
            calls: calls(self.kind(), action, &changes),
            changes,
            lifecycle: self.desired.map(|d| d.lifecycle).or(recorded).unwrap_or_default(),
            ignore_changes: self.ignore_changes().into(),
            on_conflict: self.on_conflict(),
            source: self.desired.map(|declared| declared.source.clone()),
            line: self.desired.and_then(|declared| declared.line),
            people: self.people(&sides),
            on_occupied: self.on_occupied(&sides),
            sides,
            weight: weight(action, reason),
            carried: Carried::Nothing,
            instead: None,
            bookkeeping: None,
            ownership_key: self.ownership().map(|ownership| ownership.key().clone()),
            next: self.next_change(action),
        }
    }

    /// Returns how a step changes the recorded next life. Only a plan from files changes it.
    fn next_change(&self, action: Action) -> Option<Box<NextChange>> {
        match (action, self.inputs.desired.from) {
            (Action::Update | Action::Record, DesiredFrom::Files) => {}
            (Action::Update | Action::Record, DesiredFrom::Record)
            | (
                Action::Create
                | Action::Recreate
                | Action::Replace
                | Action::Destroy
                | Action::Adopt
                | Action::Forget,
                _,
            ) => return None,
        }
        let recorded = self.recorded.as_deref()?;
        let waiting = recorded.waiting_next(self.kind());
        let declared = self.desired.map(|declared| &declared.room);
        let dropped = recorded.unfinished(self.kind());
        let dropped = dropped.filter(|room| action == Action::Record && declared != Some(room));
        let before = waiting.and_then(|next| next.room.as_ref()).or(dropped).cloned();
        let after = self.next.clone();
        let same = before == after && waiting.is_some() == after.is_some();
        (!same).then(|| Box::new(NextChange { before, after }))
    }

    /// Returns a step that makes the room as declared, with patches for what the creating call does not
    /// set.
    pub(super) fn make_step(&self, action: Action, reason: Reason) -> Step {
        let before = if action == Action::Replace { self.present() } else { None };
        let left = self.desired.map(|declared| {
            let made = declared.room.made_by_its_call(self.kind());
            if Arc::ptr_eq(&made, &declared.room) {
                return Vec::new();
            }
            made.patches_towards(self.kind(), &declared.room)
        });
        let step =
            self.step(action, reason, before, self.declared_room(), left.unwrap_or_default());
        Step { carried: self.carried(action), ..step }
    }

    /// Returns the attributes of others that a step sets again because it makes a new room.
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
        let mut others = recorded.others(&declared.room.attributes, read);
        if let Some(ownership) = self.ownership() {
            others.remove(ownership.key());
        }
        if others.is_empty() { Carried::Nothing } else { Carried::Known(others) }
    }

    /// Returns a step that changes the record only, if its bookkeeping or its next life differs from
    /// the file.
    pub(super) fn bookkeeping(&self) -> Option<Step> {
        let (declared, recorded) = (self.desired?, self.recorded.as_deref()?);
        let same = declared.lifecycle == recorded.lifecycle
            && declared.ignore_changes == recorded.ignore_changes
            && declared.sides == recorded.sides
            && declared.source == recorded.source
            && recorded.contested.is_none();
        let room = || Some(recorded.room.clone());
        if same {
            self.next_change(Action::Record)?;
            return Some(self.step(
                Action::Record,
                Reason::NextChanged,
                room(),
                room(),
                Vec::new(),
            ));
        }
        let before = Bookkeeping {
            lifecycle: recorded.lifecycle,
            ignore_changes: recorded.ignore_changes.clone(),
            sides: recorded.sides.clone(),
            source: recorded.source.clone(),
        };
        let step =
            self.step(Action::Record, Reason::BookkeepingChanged, room(), room(), Vec::new());
        Some(Step { bookkeeping: Some(Box::new(before)), ..step })
    }
}

/// Returns the calls that change something, in order.
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

/// Returns what a step counts for at the gate. Recreates before a room's earliest end count separately,
/// so that a wrong region is not filled with copies.
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
