//! One room as the emulator keeps it, of each kind.

mod chat;
mod live;
mod video;

use crate::model::Timestamp;

pub(super) use chat::{AttributeRefusal, ChatRoom};
pub(super) use live::{LiveRoom, MetadataRefusal};
pub(super) use video::VideoRoom;

/// What rooms of every kind have in common: people, and an end.
pub(super) trait Room {
    /// When it is destroyed; none while it stays.
    fn end(&self) -> Option<Timestamp>;

    /// The number of people inside.
    fn people(&self) -> u64;
}
