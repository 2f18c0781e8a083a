//! Where a room is among all files.

use crate::model::DesiredRoom;

use crate::config::diagnostics::{Diagnostics, EntryPart, Location, Part, Reading, Reporter, key};
use crate::config::expand::Entry;

/// Where a room is: the number of its file, its own number there, and its number among the rooms that
/// the same entry makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) struct RoomPosition {
    pub(super) file: usize,
    pub(super) item: usize,
    pub(super) number: usize,
}

/// A room, and where it is.
pub(in crate::config) type PositionedRoom = (DesiredRoom, RoomPosition);

/// An entry with `for_each`, and where it is.
pub(in crate::config) type PositionedEntry = (Entry, RoomPosition);

impl RoomPosition {
    pub(super) fn reporter(self, diagnostics: &mut Diagnostics, reading: Reading) -> Reporter<'_> {
        let Self { file, item, number: _ } = self;
        Reporter { diagnostics, file, part: Part::Item(item), reading }
    }

    /// Where the room that is written out, or the entry, begins in the order of all files.
    pub(super) fn entry(self) -> (usize, usize) {
        (self.file, self.item)
    }

    /// The location of the room's id.
    pub(super) fn id(self) -> Location {
        let Self { file, item, number: _ } = self;
        let (part, entry) = (Part::Item(item), EntryPart::Value);
        Location::Path { file, part, path: vec![key("id")], entry }
    }
}
