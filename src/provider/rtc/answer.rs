//! Reads what RTC's answers hold.

use serde_json::Value;

use crate::model::{People, RoomId};
use crate::provider::envelope::Answered;
use crate::provider::json::{people as counted, text};

/// Who is inside each of `rooms`, whatever the order of the answer; nothing where it holds no list.
///
/// A room that the list does not name is unknown, not empty: an answer may be short. AdminUserCount
/// is left out: it is part of UserCount where the service counts administrators as users.
pub(super) fn people(answered: &Answered, rooms: &[RoomId]) -> Option<Vec<People>> {
    let listed = answered.fields.get("Data")?.get("UserCountList")?.as_array()?;
    let inside = |room: &RoomId| {
        let is_it =
            |entry: &&Value| entry.get("RoomId").and_then(text).as_deref() == Some(room.as_str());
        let named = listed.iter().filter(is_it);
        counted(named.map(|entry| entry.get("UserCount").unwrap_or(&Value::Null)))
    };
    Some(rooms.iter().map(inside).collect())
}
