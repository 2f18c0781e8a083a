//! An RTC room in the emulator: it exists while people are inside.

use crate::model::Timestamp;

use crate::emulator::room_table::Room;

/// An RTC room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::emulator) struct VideoRoom {
    pub(in crate::emulator) people: u64,
}

impl Room for VideoRoom {
    fn end(&self) -> Option<Timestamp> {
        None
    }

    fn people(&self) -> u64 {
        self.people
    }
}

impl VideoRoom {
    /// Adds `users` to the people inside.
    pub(in crate::emulator) fn enter(&mut self, users: u64) {
        self.people = self.people.saturating_add(users);
    }

    /// Removes `users` from the people inside.
    pub(in crate::emulator) fn leave(&mut self, users: u64) {
        self.people = self.people.saturating_sub(users);
    }
}
