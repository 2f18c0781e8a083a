//! The bodies of Tencent's requests, and Tencent's names of the fields.
//!
//! <https://www.tencentcloud.com/document/product/647/63401> and the pages of the other calls.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Attribute, Change, Field, Fields, Kind, Room, RoomId, Value};

/// The body of create_room and of update_room_info.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WithRoomInfo<'a> {
    room_info: RoomInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RoomInfo<'a> {
    room_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_type: Option<&'static str>,
    #[serde(flatten)]
    fields: BTreeMap<&'static str, Value>,
}

/// The body of destroy_room and of get_room_info.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfRoom<'a> {
    pub(super) room_id: &'a str,
}

/// The body of set_room_metadata.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetMetadata<'a> {
    pub(super) room_id: &'a str,
    pub(super) metadata: Vec<Metadata<'a>>,
}

/// One key of a room's metadata.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata<'a> {
    key: &'a str,
    value: &'a str,
}

/// The body of get_room_metadata, where no keys means all, and of del_room_metadata.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfKeys<'a> {
    pub(super) room_id: &'a str,
    pub(super) keys: Vec<&'a str>,
}

/// The body of account_import. It does not change the nickname and face.
#[derive(Serialize)]
pub(super) struct AccountImport<'a> {
    #[serde(rename = "UserID")]
    pub(super) user_id: &'a str,
}

/// Returns Tencent's name of a field of RoomInfo; `None` if RoomInfo does not have the field.
pub(super) const fn name(field: Field) -> Option<&'static str> {
    match field {
        Field::Name => Some("RoomName"),
        Field::Owner => Some("Owner_Account"),
        Field::SeatTemplate => Some("SeatTemplate"),
        Field::TakeSeatMode => Some("TakeSeatMode"),
        Field::MaxSeats => Some("MaxSeatCount"),
        Field::MaxMembers => Some("MaxMemberCount"),
        Field::CoverUrl => Some("CoverURL"),
        Field::Category => Some("Category"),
        Field::ActivityStatus => Some("ActivityStatus"),
        Field::Notice => Some("Notice"),
        Field::Muted => Some("IsMessageDisabled"),
        Field::Public => Some("IsPublicVisible"),
        Field::Unlimited => Some("IsUnlimitedRoomEnabled"),
        Field::DestroyDelayTime | Field::CloseReason | Field::CloseCallback | Field::Attributes => {
            None
        }
    }
}

impl<'a> WithRoomInfo<'a> {
    /// Returns the body that creates `room` with the id `id`, with the declared fields that create_room
    /// accepts.
    pub(super) fn create(id: &'a RoomId, room: &Room) -> Self {
        let kind = Kind::TencentLive;
        let taken = kind.fields().filter(|field| kind.made_with(*field));
        let declared = |field: Field| Some((name(field)?, room.value(field)?.to_value()));
        let fields = taken.filter_map(declared).collect();
        Self { room_info: RoomInfo { room_id: id.as_str(), room_type: Some("Live"), fields } }
    }

    /// Returns the body that sets `fields` of the room `id`. The error is a field that update_room_info does
    /// not accept.
    pub(super) fn update(id: &'a RoomId, fields: &Fields) -> Result<Self, Field> {
        let taken = |field| {
            let changes = Kind::TencentLive.change_of(field) == Some(Change::InPlace);
            name(field).filter(|_| changes).ok_or(field)
        };
        let named = |(field, value): (Field, &Value)| Ok((taken(field)?, value.clone()));
        let fields = fields.iter().map(named).collect::<Result<_, Field>>()?;
        Ok(Self { room_info: RoomInfo { room_id: id.as_str(), room_type: None, fields } })
    }
}

impl<'a> Metadata<'a> {
    /// Returns the entry for a key.
    pub(super) fn new(key: &'a str, attribute: &'a Attribute) -> Self {
        let Attribute { value, auto_delete: _ } = attribute;
        Self { key, value }
    }
}
