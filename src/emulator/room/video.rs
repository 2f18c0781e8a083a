//! An RTC room as the emulator keeps it: it is there while people are inside.

use crate::model::Timestamp;

use super::Room;

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
    /// Lets `users` more in.
    pub(in crate::emulator) fn enter(&mut self, users: u64) {
        self.people = self.people.saturating_add(users);
    }

    /// Lets `users` out.
    pub(in crate::emulator) fn leave(&mut self, users: u64) {
        self.people = self.people.saturating_sub(users);
    }
}
