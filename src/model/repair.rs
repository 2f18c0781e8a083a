//! The effect of repairing or overwriting a state.

use super::{Address, Recorded, RecordedRoom};

/// What a repair or a push would write, compared with an earlier record: for a push the present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairPlan {
    /// The damage that was found and how it is repaired, one sentence each.
    pub found: Vec<String>,
    /// The name of the record that the rooms are compared with, such as a backup.
    pub compared_with: String,
    /// Rooms that are added.
    pub added: Vec<Address>,
    /// Rooms whose records differ.
    pub changed: Vec<Address>,
    /// Rooms that are removed: those that exist become unmanaged.
    pub lost: Vec<Address>,
    /// The serial of the state that would be written.
    pub serial: u64,
    /// The number of its rooms.
    pub rooms: usize,
}

impl RepairPlan {
    /// Compares the record that would be written, `after`, with `before`, which `compared_with` names.
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
