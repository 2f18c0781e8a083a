//! What becomes of a state that is repaired, or overwritten.

use super::{Address, Recorded, RecordedRoom};

/// What a repair or a push would write, against what there was.
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

impl RepairPlan {
    /// Compares what would be written with what it is compared with.
    #[must_use]
    pub fn between(
        found: Vec<String>,
        compared_with: String,
        before: &Recorded,
        after: &Recorded,
    ) -> Self {
        type Differs = fn(Option<&RecordedRoom>, &RecordedRoom) -> bool;
        let differing = |is: Differs, of: &Recorded, other: &Recorded| {
            let rooms =
                of.rooms.iter().filter(|(address, record)| is(other.rooms.get(address), record));
            rooms.map(|(address, _)| address.clone()).collect::<Vec<Address>>()
        };
        Self {
            found,
            compared_with,
            added: differing(|before, _| before.is_none(), after, before),
            changed: differing(|before, now| before.is_some_and(|it| it != now), after, before),
            lost: differing(|after, _| after.is_none(), before, after),
            serial: after.serial,
            rooms: after.rooms.len(),
        }
    }
}
