//! The position of a room in all files.

use crate::model::DesiredRoom;

use crate::config::diagnostics::{Diagnostics, EntryPart, Location, Part, Reading, Reporter, key};
use crate::config::expand::Entry;

/// The position of a room: the number of its file, its number in the file, and its number among the
/// rooms of the same entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) struct RoomPosition {
    pub(super) file: usize,
    pub(super) item: usize,
    pub(super) number: usize,
}

/// A room with its position.
pub(in crate::config) type PositionedRoom = (DesiredRoom, RoomPosition);

/// An entry with `for_each` and its position.
pub(in crate::config) type PositionedEntry = (Entry, RoomPosition);

impl RoomPosition {
    pub(super) fn reporter(self, diagnostics: &mut Diagnostics, reading: Reading) -> Reporter<'_> {
        let Self { file, item, number: _ } = self;
        Reporter { diagnostics, file, part: Part::Item(item), reading }
    }

    /// Returns the position of the room or entry in the order of all files.
    pub(super) fn entry(self) -> (usize, usize) {
        (self.file, self.item)
    }

    /// Returns the location of the room's id.
    pub(super) fn id(self) -> Location {
        let Self { file, item, number: _ } = self;
        let (part, entry) = (Part::Item(item), EntryPart::Value);
        Location::Path { file, part, path: vec![key("id")], entry }
    }
}
