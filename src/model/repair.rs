//! What becomes of a state that is repaired.

use super::Address;

/// What a repair would write, against what there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairPlan {
    /// What was found, and what is done about it; a sentence each.
    pub found: Vec<String>,
    /// What the rooms are compared with.
    pub compared_with: String,
    /// Rooms that were not there.
    pub added: Vec<Address>,
    /// Rooms whose records differ.
    pub changed: Vec<Address>,
    /// Rooms that were there: where they live they become unmanaged.
    pub lost: Vec<Address>,
    /// The serial of the state that would be written.
    pub serial: u64,
    /// How many rooms it would have.
    pub rooms: usize,
}
