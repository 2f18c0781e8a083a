//! What a specification of a kind consists of.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{AttributeLimits, Call, Field, OnOccupied, Shape};

/// Everything that roomctl knows of one kind of room, from the vendor's pages.
#[derive(Debug)]
pub struct KindSpec {
    /// The name in `rooms.yaml`.
    pub name: &'static str,
    /// The vendor's name of the service.
    pub service: &'static str,
    /// One line on what the rooms are, for `init --help`.
    pub about: &'static str,
    /// The commented rooms.yaml that `init --kind` writes. It loads without findings.
    pub starter: &'static str,
    /// The fields that a room holds, in the order in which they are compared.
    pub fields: &'static [FieldSpec],
    /// What becomes of a field that the file no longer declares.
    pub undeclared: Undeclared,
    /// Whether a query reports a room's fields besides its attributes.
    pub reports_fields: bool,
    /// Fields that no query returns: they are assumed for a room that we did not make.
    pub unreadable: &'static [Field],
    /// Every call with the vendor's limit, in requests a second.
    pub calls: &'static [(Call, u32)],
    /// The lower limits of applications with `is_test: true`; empty if the kind has no such key.
    pub test_limits: &'static [(Call, u32)],
    /// How a room comes to be.
    pub origin: Origin,
    /// The call that ends a room's life.
    pub destroy_call: Call,
    /// The call that asks who is inside.
    pub people_call: Call,
    /// The call that changes fields in place, if any field but the attributes changes so.
    pub fields_call: Option<Call>,
    /// The calls that change attributes, if rooms have any.
    pub attribute_calls: Option<AttributeCalls>,
    /// What the service takes as attributes of one room if the file sets nothing else.
    pub attribute_limits: AttributeLimits,
    /// Whether the service may drop the attributes of a room while it is empty.
    pub drops_attributes: bool,
    /// Whether an attribute may go when the user who set it leaves (`auto_delete`).
    pub auto_delete: bool,
    /// How long a room lives while it is empty.
    pub empty_life: EmptyLife,
    /// What happens to people inside a room that is to be destroyed if the policy does not set it.
    pub on_occupied: OnOccupied,
    /// What a room's id may hold.
    pub room_id: IdSpec,
    /// The user in whose name calls are made, if the service wants one.
    pub operator: Option<OperatorSpec>,
    /// The application's secret.
    pub secret: SecretSpec,
    /// The vendor's own host, used if the file names none.
    pub vendor_host: &'static str,
}

/// What is known of one field of a kind.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// The field.
    pub field: Field,
    /// What it may be. Lengths are in bytes, as the services count them.
    pub shape: Shape,
    /// How a change of it reaches the service.
    pub change: Change,
    /// Whether the call that makes a room takes it along; if not, a call after it sets it.
    pub sent_by_create: bool,
    /// What it names, if the service refuses an empty text.
    pub not_empty: Option<&'static str>,
    /// The warning that a room without it gets, if any.
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
    /// By a call that leaves the room and its people as they are.
    InPlace,
    /// By destroying the room and creating it anew.
    Replace,
    /// Not at all until a later call: only the record is changed.
    Record,
}

/// What becomes of a field of a room that the file no longer declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeclared {
    /// It stays as it is at the service.
    Kept,
    /// It is taken out, as any other change of it reaches the service.
    TakenOut,
}

/// How a room comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By a call of ours.
    Call(Call),
    /// By the first user who logs in: no call makes it, and it is gone while nobody is inside.
    FirstUser,
}

/// The calls that change attributes: one call does both if they are the same.
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
    /// It does not: rooms come and go with their users.
    None,
    /// As the room's `destroy_delay_time` says.
    OfRoom,
    /// As the vendor's setting of the application says, which the provider repeats as
    /// `dissolve_after`.
    OfApplication {
        /// The vendor's default.
        default: Duration,
        /// What the vendor takes.
        range: RangeInclusive<Duration>,
    },
}

/// What an id may hold.
#[derive(Clone, Copy, Debug)]
pub struct IdSpec {
    /// The most bytes.
    pub max_bytes: usize,
    /// Whether the service takes a character, going by the most lenient of the vendor's pages.
    pub allows: fn(char) -> bool,
    /// The characters that only some of the vendor's pages list.
    pub doubtful: &'static str,
    /// What the service takes, in a sentence.
    pub help: &'static str,
}

/// The user in whose name calls are made.
#[derive(Clone, Copy, Debug)]
pub struct OperatorSpec {
    /// What the user's id may hold.
    pub id: IdSpec,
    /// The call that registers the user on the first apply; `None` if the application has to have
    /// the user already.
    pub registered_by: Option<Call>,
}

/// The application's secret.
#[derive(Clone, Copy, Debug)]
pub struct SecretSpec {
    /// What the vendor's console calls it.
    pub name: &'static str,
    /// How many hexadecimal digits it has.
    pub digits: usize,
    /// The environment variable that holds it if the file names none.
    pub variable: &'static str,
}

impl FieldSpec {
    /// A field that the call that makes a room takes along.
    pub(super) const fn new(field: Field, shape: Shape, change: Change) -> Self {
        Self { field, shape, change, sent_by_create: true, not_empty: None, if_missing: None }
    }

    /// The same, but set by a call after the one that makes the room.
    pub(super) const fn set_after_create(self) -> Self {
        Self { sent_by_create: false, ..self }
    }

    /// The same, with a warning for rooms without it.
    pub(super) const fn if_missing(self, warning: MissingField) -> Self {
        Self { if_missing: Some(warning), ..self }
    }

    /// The same, but refused while it is empty: `names` says what the text should name.
    pub(super) const fn not_empty(self, names: &'static str) -> Self {
        Self { not_empty: Some(names), ..self }
    }
}
