//! Says in the log that a call is made again.

use std::time::Duration;

use tracing::info;

use crate::model::{RoomId, Trouble};

/// Logs at level `info` that a call is made again after a wait, so many attempts having failed.
pub(crate) fn log_retry(trouble: &Trouble, room: Option<&RoomId>, failed: u32, wait: Duration) {
    let (call, class, code) = (trouble.call, trouble.class, trouble.code);
    let room = room.map_or("", RoomId::as_str);
    info!(%call, room, failed, ?wait, ?class, code, "trying again: {}", trouble.message);
}
