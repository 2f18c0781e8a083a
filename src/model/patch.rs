//! The changes of a room, one call each.

use std::sync::Arc;

use super::{AttributeChange, Fields, Room};

/// A change of a room by one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Creates it with the fields that the creating call sets.
    Create(Arc<Room>),
    /// Destroys it. It has the recorded room, since a close sends a reason.
    Destroy(Arc<Room>),
    /// Changes it in place.
    Patch(Patch),
}

/// A change in place by one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// Sets and deletes attributes.
    Attributes(Vec<AttributeChange>),
    /// Sets other fields.
    Fields(Fields),
}

impl Patch {
    /// Returns the attribute changes.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeChange] {
        match self {
            Self::Attributes(changes) => changes,
            Self::Fields(_) => &[],
        }
    }
}
