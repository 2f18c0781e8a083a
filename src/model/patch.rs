//! What a change of a room consists of.

use std::sync::Arc;

use super::{AttributeChange, Fields, Room};

/// A change of a room by one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Creates it with what the call that makes a room takes along.
    Create(Arc<Room>),
    /// Destroys it; with what it is on record as, since a close says why.
    Destroy(Arc<Room>),
    /// Changes it in place.
    Patch(Patch),
}

/// A change in place, as one call takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// Sets and deletes attributes.
    Attributes(Vec<AttributeChange>),
    /// Sets other fields.
    Fields(Fields),
}

impl Patch {
    /// The attribute changes in it.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeChange] {
        match self {
            Self::Attributes(changes) => changes,
            Self::Fields(_) => &[],
        }
    }
}
