//! The bodies of ZIM's requests.
//!
//! <https://www.zegocloud.com/docs/zim-server/room/create-a-room> and the pages of the other calls.

use serde::Serialize;

use crate::model::{AttributeChange, Room, RoomId};

/// The body of CreateRoom.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateRoom<'a> {
    from_user_id: &'a str,
    room_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destroy_delay_time: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<NewAttribute<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewAttribute<'a> {
    key: &'a str,
    value: &'a str,
    auto_delete: u8,
}

/// The body of QueryRoomAttribute.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueryRoomAttribute<'a> {
    pub(super) from_user_id: &'a str,
    pub(super) room_id: &'a str,
}

/// The body of ModifyRoomAttribute.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ModifyRoomAttribute<'a> {
    from_user_id: &'a str,
    room_id: &'a str,
    attributes: Vec<ChangedAttribute<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChangedAttribute<'a> {
    action: u8,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_delete: Option<u8>,
    stop_on_error: u8,
}

/// The body of UserRegister.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserRegister<'a> {
    user_info: [User<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct User<'a> {
    user_id: &'a str,
}

impl<'a> CreateRoom<'a> {
    /// Returns the body that creates `room` with the id `id`.
    pub(super) fn new(operator: &'a str, id: &'a RoomId, room: &'a Room) -> Self {
        let Room { name, destroy_delay_time, attributes, fields: _ } = room;
        let new = |(key, attribute): (&'a str, &'a crate::model::Attribute)| NewAttribute {
            key,
            value: &attribute.value,
            auto_delete: attribute.auto_delete.into(),
        };
        Self {
            from_user_id: operator,
            room_id: id.as_str(),
            room_name: name.as_deref(),
            destroy_delay_time: destroy_delay_time.map(crate::model::Delay::as_seconds),
            attributes: attributes.iter().map(new).collect(),
        }
    }
}

impl<'a> ModifyRoomAttribute<'a> {
    /// Returns the body that changes attributes of the room `id`. A change that fails does not stop the
    /// others.
    pub(super) fn new(operator: &'a str, id: &'a RoomId, changes: &'a [AttributeChange]) -> Self {
        let attributes = changes.iter().map(ChangedAttribute::new).collect();
        Self { from_user_id: operator, room_id: id.as_str(), attributes }
    }
}

impl<'a> ChangedAttribute<'a> {
    fn new(change: &'a AttributeChange) -> Self {
        let (action, value, auto_delete) = match change {
            AttributeChange::Set(_, attribute) => {
                (0, Some(&*attribute.value), Some(u8::from(attribute.auto_delete)))
            }
            AttributeChange::Delete(_) => (1, None, None),
        };
        Self { action, key: change.key(), value, auto_delete, stop_on_error: 0 }
    }
}

impl<'a> UserRegister<'a> {
    /// Returns the body that registers one user.
    pub(super) fn new(user_id: &'a str) -> Self {
        Self { user_info: [User { user_id }] }
    }
}
