//! Says in the log that a call is made again.

use std::time::Duration;

use tracing::info;

use crate::model::{ApiError, RoomId};

/// Logs at level `info` that a call is made again after a wait, so many attempts having failed.
pub(crate) fn log_retry(api_error: &ApiError, room: Option<&RoomId>, failed: u32, wait: Duration) {
    let (call, class, code) = (api_error.call, api_error.class, api_error.code);
    let room = room.map_or("", RoomId::as_str);
    info!(%call, room, failed, ?wait, ?class, code, "trying again: {}", api_error.message);
}
