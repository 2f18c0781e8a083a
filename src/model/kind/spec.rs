//! The parts of the specification of a kind.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{AttributeLimits, Call, Field, OnOccupied, Shape};

/// The specification of one kind of room, from the vendor's pages.
#[derive(Debug)]
pub struct KindSpec {
    /// The name in `rooms.yaml`.
    pub name: &'static str,
    /// The vendor's name of the service.
    pub service: &'static str,
    /// One line about the rooms, for `init --help`.
    pub about: &'static str,
    /// The commented rooms.yaml that `init --kind` writes. It loads without findings.
    pub starter: &'static str,
    /// The fields of a room, in the order in which they are compared.
    pub fields: &'static [FieldSpec],
    /// What happens to a field that the file no longer declares.
    pub undeclared: Undeclared,
    /// Whether a query reports a room's fields besides its attributes.
    pub reports_fields: bool,
    /// Fields that no query returns: they are assumed for a room that we did not make.
    pub unreadable: &'static [Field],
    /// Every call with the vendor's limit, in requests a second.
    pub calls: &'static [(Call, u32)],
    /// The lower limits of applications with `is_test: true`; empty if the kind has no such key.
    pub test_limits: &'static [(Call, u32)],
    /// How a room is created.
    pub origin: Origin,
    /// The call that destroys or closes a room.
    pub destroy_call: Call,
    /// The call that queries the people inside.
    pub people_call: Call,
    /// The call that changes fields in place, if any field except the attributes changes in place.
    pub fields_call: Option<Call>,
    /// The calls that change attributes, if rooms have any.
    pub attribute_calls: Option<AttributeCalls>,
    /// The limits for the attributes of one room, unless the file sets others.
    pub attribute_limits: AttributeLimits,
    /// Whether the service may drop the attributes of a room while it is empty.
    pub drops_attributes: bool,
    /// Whether an attribute may be deleted when the user who set it leaves (`auto_delete`).
    pub auto_delete: bool,
    /// How long a room lives while it is empty.
    pub empty_life: EmptyLife,
    /// What happens to people inside a room that is to be destroyed, unless the policy sets it.
    pub on_occupied: OnOccupied,
    /// What a room's id may contain.
    pub room_id: IdSpec,
    /// The user in whose name calls are made, if the service needs one.
    pub operator: Option<OperatorSpec>,
    /// The application's secret.
    pub secret: SecretSpec,
    /// The vendor's host, unless the file names another.
    pub vendor_host: &'static str,
}

/// The specification of one field of a kind.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// The field.
    pub field: Field,
    /// The values that it accepts. Lengths are in bytes, as the services count them.
    pub shape: Shape,
    /// How a change of it reaches the service.
    pub change: Change,
    /// Whether the call that makes a room sets it; if not, a later call does.
    pub sent_by_create: bool,
    /// What the text names, if the service refuses an empty one.
    pub not_empty: Option<&'static str>,
    /// The warning for a room without it, if any.
    pub if_missing: Option<MissingField>,
}

/// A warning about a field that a room should have.
#[derive(Clone, Copy, Debug)]
pub struct MissingField {
    /// The stable code.
    pub code: &'static str,
    /// What happens without the field.
    pub message: &'static str,
    /// What to write.
    pub help: &'static str,
}

/// How a changed field reaches the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By a call that changes the room in place.
    InPlace,
    /// By destroying the room and creating it again.
    Replace,
    /// Not until a later call sends it: only the record is changed.
    Record,
}

/// What happens to a field that the file no longer declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeclared {
    /// It keeps its value at the service.
    Kept,
    /// It is unset by the same call as any other change of it.
    TakenOut,
}

/// How a room is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By a call of ours.
    Call(Call),
    /// By the first user who logs in. No call creates it, and it does not exist while nobody is inside.
    FirstUser,
}

/// The calls that change attributes; one call does both if they are equal.
#[derive(Clone, Copy, Debug)]
pub struct AttributeCalls {
    /// Sets attributes.
    pub set: Call,
    /// Deletes attributes.
    pub delete: Call,
}

/// How long a room lives while it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmptyLife {
    /// It does not exist while empty: its users create and end it.
    None,
    /// For the room's `destroy_delay_time`.
    OfRoom,
    /// For the time that is configured at the vendor for the application, which the provider repeats as
    /// `dissolve_after`.
    OfApplication {
        /// The vendor's default.
        default: Duration,
        /// The range that the vendor accepts.
        range: RangeInclusive<Duration>,
    },
}

/// What an id may contain.
#[derive(Clone, Copy, Debug)]
pub struct IdSpec {
    /// The maximum number of bytes.
    pub max_bytes: usize,
    /// Whether the service accepts a character, by the most lenient of the vendor's pages.
    pub allows: fn(char) -> bool,
    /// The characters that only some of the vendor's pages list.
    pub doubtful: &'static str,
    /// What the service accepts, in a sentence.
    pub help: &'static str,
}

/// The user in whose name calls are made.
#[derive(Clone, Copy, Debug)]
pub struct OperatorSpec {
    /// What the user's id may contain.
    pub id: IdSpec,
    /// The call that registers the user on the first apply; `None` if the user must already exist in
    /// the application.
    pub registered_by: Option<Call>,
}

/// The application's secret.
#[derive(Clone, Copy, Debug)]
pub struct SecretSpec {
    /// Its name in the vendor's console.
    pub name: &'static str,
    /// The number of hexadecimal digits.
    pub digits: usize,
    /// The environment variable that holds it, unless the file names another.
    pub variable: &'static str,
}

impl FieldSpec {
    /// Makes a field that the call that makes a room sets.
    pub(super) const fn new(field: Field, shape: Shape, change: Change) -> Self {
        Self { field, shape, change, sent_by_create: true, not_empty: None, if_missing: None }
    }

    /// Returns the field, set by a call after the one that makes the room.
    pub(super) const fn set_after_create(self) -> Self {
        Self { sent_by_create: false, ..self }
    }

    /// Returns the field, with a warning for rooms without it.
    pub(super) const fn if_missing(self, warning: MissingField) -> Self {
        Self { if_missing: Some(warning), ..self }
    }

    /// Returns the field, refused if empty; `names` is what the text should name.
    pub(super) const fn not_empty(self, names: &'static str) -> Self {
        Self { not_empty: Some(names), ..self }
    }
}
