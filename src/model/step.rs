//! One step of a plan.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Address, Attributes, Call, Lifecycle, OnConflict, OnOccupied, Patch, People, Room, Sides,
};

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Makes a room that is not recorded.
    Create,
    /// Makes a recorded room again that vanished.
    Recreate,
    /// Changes a room in place.
    Update,
    /// Destroys a room and makes it anew.
    Replace,
    /// Destroys a room.
    Destroy,
    /// Records a room that exists as ours, and brings its attributes in line.
    Adopt,
    /// Takes a room out of the record, without a call.
    Forget,
    /// Changes the record only, without a call.
    Record,
}

/// Why a step is there: a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Declared, and not recorded.
    NotRecorded,
    /// The service destroyed it after its time.
    Vanished,
    /// The service does not have it, though its time had not come.
    VanishedEarly,
    /// The file's name differs from the recorded one.
    NameChanged,
    /// The file's delay differs from the recorded one.
    DelayChanged,
    /// The file's attributes differ from the recorded ones.
    AttributesChanged,
    /// Only the ownership attribute differs from the recorded one, or is not recorded.
    OwnershipChanged,
    /// The service's attributes differ from the recorded ones.
    AttributesDrifted,
    /// Other fields of the file differ from the recorded ones.
    FieldsChanged,
    /// Other fields at the service differ from the recorded ones.
    FieldsDrifted,
    /// What goes along with a close differs from what is recorded.
    CloseChanged,
    /// Recorded, and no longer declared.
    NotDeclared,
    /// It exists, was not made by us, and the policy says to adopt it.
    AlreadyExists,
    /// A replace destroyed it or it vanished, and the run was cut short before it made it anew.
    ReplaceUnfinished,
    /// Only the lifecycle, the sides or the source file differs.
    BookkeepingChanged,
    /// Another room is to be made once the present life is over.
    NextChanged,
    /// Its provider was renamed, or that of another side: `moved`.
    Moved,
}

/// What a step counts towards at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// `max_destroy`: it ends a room's life, or takes it out of the record.
    Counted,
    /// `max_recreate`: it makes a room anew that is gone before its time.
    Recreated,
    /// Nothing: it goes on whatever the gate says.
    Free,
}

/// One step of a plan: everything about it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The room.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// What there is, as far as it is known.
    pub before: Option<Arc<Room>>,
    /// What there will be.
    pub after: Option<Arc<Room>>,
    /// The changes in place, a call for each: of an update or adopt, or what a create leaves over.
    pub changes: Vec<Patch>,
    /// The calls that change something, in order.
    pub calls: Vec<Call>,
    /// How the room may be handled, as it will be recorded.
    pub lifecycle: Lifecycle,
    /// The paths that `lifecycle.ignore_changes` names, as they will be recorded.
    pub ignore_changes: Box<[Box<str>]>,
    /// What to do if a room that is to be created exists, and we did not make it.
    pub on_conflict: OnConflict,
    /// The providers that hold the same room, as they will be recorded.
    pub sides: Sides,
    /// The source file as it will be recorded; `None` if the room is not declared, or only moved.
    pub source: Option<Arc<str>>,
    /// The line of that file, where it is known; never recorded.
    pub line: Option<NonZeroU32>,
    /// Who was inside, at any side, when the service was queried.
    pub people: People,
    /// What happens to people inside, where the step takes the room down.
    pub on_occupied: OnOccupied,
    /// What it counts towards at the gate.
    pub weight: Weight,
    /// Of a step that makes a room anew: the attributes of others that it sets again.
    pub carried: Carried,
    /// Of a replace: what changes in place, done instead where the room may not be made anew now.
    pub instead: Option<Box<Step>>,
    /// Of a step that changes bookkeeping only: what is recorded before it.
    pub bookkeeping: Option<Box<Bookkeeping>>,
    /// The key of the ownership attribute in `before` and `after`, if the provider has one.
    pub ownership_key: Option<Arc<str>>,
    /// Of an update or record: another room that waits for the next life, if it changes that.
    pub next: Option<Box<NextChange>>,
}

/// A change of the room that is made once the present life of a recorded one is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextChange {
    /// The room that waited; `None` if none did.
    pub before: Option<Arc<Room>>,
    /// The room that waits from now on; `None` if none does.
    pub after: Option<Arc<Room>>,
}

/// What is recorded of a room besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookkeeping {
    /// How the room may be handled.
    pub lifecycle: Lifecycle,
    /// The paths that `lifecycle.ignore_changes` names.
    pub ignore_changes: Box<[Box<str>]>,
    /// The providers that hold the same room.
    pub sides: Sides,
    /// The source file.
    pub source: Arc<str>,
}

/// Attributes of others that are set again where a room is made anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Carried {
    /// None.
    #[default]
    Nothing,
    /// Those that are there right before the destroy: the room was not read yet.
    Unread,
    /// These, as far as is known.
    Known(Attributes),
}

impl Step {
    /// The room before and after the step as they are shown. Every room has the ownership attribute: it
    /// is left out unless it is what an update changes.
    #[must_use]
    pub fn shown<'a>(&'a self) -> (Option<Cow<'a, Room>>, Option<Cow<'a, Room>>) {
        let key = self.hidden_key();
        let (before, after) = (self.before.as_deref(), self.after.as_deref());
        let shown = |room: Option<&'a Room>| room.map(|room| room.without_attribute(key));
        (shown(before), shown(after))
    }

    /// The key of the attribute that is not shown.
    #[must_use]
    pub fn hidden_key<'a>(&'a self) -> Option<&'a str> {
        let key = self.ownership_key.as_deref()?;
        let of = |room: Option<&'a Room>| room?.attributes.get(key);
        let (before, after) = (of(self.before.as_deref()), of(self.after.as_deref()));
        let is_shown = match self.action {
            Action::Update | Action::Record => before != after,
            Action::Adopt => before.is_some() && before != after,
            Action::Create
            | Action::Recreate
            | Action::Replace
            | Action::Destroy
            | Action::Forget => false,
        };
        (!is_shown).then_some(key)
    }

    /// Whether the service is asked something right before the step's first call: who is inside, or
    /// what others wrote into the room.
    #[must_use]
    pub fn asks_first(&self) -> bool {
        match self.action {
            Action::Replace => true,
            Action::Destroy => self.on_occupied == OnOccupied::Defer,
            Action::Create
            | Action::Recreate
            | Action::Update
            | Action::Adopt
            | Action::Forget
            | Action::Record => false,
        }
    }
}

impl Action {
    /// Whether it needs place for one more room.
    #[must_use]
    pub const fn adds_room(self) -> bool {
        match self {
            Self::Create | Self::Recreate => true,
            Self::Update
            | Self::Replace
            | Self::Destroy
            | Self::Adopt
            | Self::Forget
            | Self::Record => false,
        }
    }

    /// Whether it makes a room, in the place of another one or not.
    #[must_use]
    pub const fn makes_room(self) -> bool {
        match self {
            Self::Create | Self::Recreate | Self::Replace => true,
            Self::Update | Self::Destroy | Self::Adopt | Self::Forget | Self::Record => false,
        }
    }

    /// The code in JSON and on the terminal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Recreate => "recreate",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Destroy => "destroy",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
            Self::Record => "record",
        }
    }
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotRecorded => "not_recorded",
            Self::Vanished => "vanished",
            Self::VanishedEarly => "vanished_early",
            Self::NameChanged => "name_changed",
            Self::DelayChanged => "delay_changed",
            Self::AttributesChanged => "attributes_changed",
            Self::OwnershipChanged => "ownership_changed",
            Self::AttributesDrifted => "attributes_drifted",
            Self::FieldsChanged => "fields_changed",
            Self::FieldsDrifted => "fields_drifted",
            Self::CloseChanged => "close_changed",
            Self::NotDeclared => "not_declared",
            Self::AlreadyExists => "already_exists",
            Self::ReplaceUnfinished => "replace_unfinished",
            Self::BookkeepingChanged => "bookkeeping_changed",
            Self::NextChanged => "next_changed",
            Self::Moved => "moved",
        }
    }

    /// Whether the step is there because something vanished: such steps are outside the plan's digest.
    #[must_use]
    pub const fn is_vanishing(self) -> bool {
        match self {
            Self::Vanished | Self::VanishedEarly => true,
            Self::NotRecorded
            | Self::NameChanged
            | Self::DelayChanged
            | Self::AttributesChanged
            | Self::OwnershipChanged
            | Self::AttributesDrifted
            | Self::FieldsChanged
            | Self::FieldsDrifted
            | Self::CloseChanged
            | Self::NotDeclared
            | Self::AlreadyExists
            | Self::ReplaceUnfinished
            | Self::BookkeepingChanged
            | Self::NextChanged
            | Self::Moved => false,
        }
    }
}
