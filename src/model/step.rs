//! One step of a plan.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Address, Attributes, Call, Lifecycle, OnConflict, OnOccupied, Patch, People, Room, Sides,
};

/// The action of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Creates a room that is not recorded.
    Create,
    /// Creates a recorded room that vanished.
    Recreate,
    /// Changes a room in place.
    Update,
    /// Destroys a room and creates it again.
    Replace,
    /// Destroys a room.
    Destroy,
    /// Records an existing room as ours, and sets its declared attributes.
    Adopt,
    /// Removes a room from the record, without a call.
    Forget,
    /// Changes the record only, without a call.
    Record,
}

/// The reason of a step: a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Declared, and not recorded.
    NotRecorded,
    /// The service destroyed it after its earliest end.
    Vanished,
    /// The service does not have it, before its earliest end.
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
    /// The fields that are sent with a close differ from the recorded ones.
    CloseChanged,
    /// Recorded, and no longer declared.
    NotDeclared,
    /// It exists, was not made by us, and `on_conflict` is `adopt`.
    AlreadyExists,
    /// A replace destroyed it or it vanished, and the run ended before it was created again.
    ReplaceUnfinished,
    /// Only the lifecycle, the sides or the source file differs.
    BookkeepingChanged,
    /// The next life differs from the recorded one.
    NextChanged,
    /// Its provider, or that of another side, was renamed by `moved`.
    Moved,
}

/// What a step counts for at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// `max_destroy`: it ends a room's life, or removes it from the record.
    Counted,
    /// `max_recreate`: it recreates a room that vanished before its earliest end.
    Recreated,
    /// Nothing: the gate does not hold it back.
    Free,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The room.
    pub address: Address,
    /// The action.
    pub action: Action,
    /// The reason.
    pub reason: Reason,
    /// The room before the step, as far as it is known.
    pub before: Option<Arc<Room>>,
    /// The room after the step.
    pub after: Option<Arc<Room>>,
    /// The changes in place, one call each: of an update or adopt, or those after a create.
    pub changes: Vec<Patch>,
    /// The calls that change something, in order.
    pub calls: Vec<Call>,
    /// The lifecycle, as it will be recorded.
    pub lifecycle: Lifecycle,
    /// The paths that `lifecycle.ignore_changes` names, as they will be recorded.
    pub ignore_changes: Box<[Box<str>]>,
    /// What to do if a room that is to be created exists and we did not make it.
    pub on_conflict: OnConflict,
    /// The providers of the same room, as they will be recorded.
    pub sides: Sides,
    /// The source file as it will be recorded; `None` if the room is not declared, or only moved.
    pub source: Option<Arc<str>>,
    /// The line of that file, if it is known; never recorded.
    pub line: Option<NonZeroU32>,
    /// The people inside, on any side, when the service was queried.
    pub people: People,
    /// What happens to people inside if the step destroys the room.
    pub on_occupied: OnOccupied,
    /// What it counts for at the gate.
    pub weight: Weight,
    /// The attributes of others that a step that makes a room sets again.
    pub carried: Carried,
    /// For a replace: the changes in place, which are made instead while the replace is held back.
    pub instead: Option<Box<Step>>,
    /// For a step that changes bookkeeping only: what was recorded before.
    pub bookkeeping: Option<Box<Bookkeeping>>,
    /// The key of the ownership attribute in `before` and `after`, if the provider has one.
    pub ownership_key: Option<Arc<str>>,
    /// For an update or record: the changed next life, if it changes.
    pub next: Option<Box<NextChange>>,
}

/// A change of the room that is made after the present life of a recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextChange {
    /// The room that waited before; `None` if none did.
    pub before: Option<Arc<Room>>,
    /// The room that waits afterwards; `None` if none does.
    pub after: Option<Arc<Room>>,
}

/// The record of a room besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookkeeping {
    /// The lifecycle.
    pub lifecycle: Lifecycle,
    /// The paths that `lifecycle.ignore_changes` names.
    pub ignore_changes: Box<[Box<str>]>,
    /// The providers of the same room.
    pub sides: Sides,
    /// The source file.
    pub source: Arc<str>,
}

/// Attributes of others that are set again when a room is recreated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Carried {
    /// None.
    #[default]
    Nothing,
    /// Those that are read right before the destroy, since the room was not read yet.
    Unread,
    /// These, as far as they are known.
    Known(Attributes),
}

impl Step {
    /// Returns the room before and after the step as they are shown. The ownership attribute is left
    /// out, unless an update changes it.
    #[must_use]
    pub fn shown<'a>(&'a self) -> (Option<Cow<'a, Room>>, Option<Cow<'a, Room>>) {
        let key = self.hidden_key();
        let (before, after) = (self.before.as_deref(), self.after.as_deref());
        let shown = |room: Option<&'a Room>| room.map(|room| room.without_attribute(key));
        (shown(before), shown(after))
    }

    /// Returns the key of the attribute that is not shown.
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

    /// Returns whether the service is queried right before the step's first call, for people inside or
    /// attributes of others.
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
    /// Returns whether it adds a room to the application.
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

    /// Returns whether it makes a room, including a replace.
    #[must_use]
    pub const fn makes_room(self) -> bool {
        match self {
            Self::Create | Self::Recreate | Self::Replace => true,
            Self::Update | Self::Destroy | Self::Adopt | Self::Forget | Self::Record => false,
        }
    }

    /// Returns the code in JSON and on the terminal.
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
    /// Returns the stable code.
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

    /// Returns whether the reason is that something vanished; such steps are not part of the plan's
    /// digest.
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
