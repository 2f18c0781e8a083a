//! The bodies of Tencent's requests and the parts of its answers, as the vendor documents them. A field
//! that is not documented is refused.

use serde::{Deserialize, Serialize};

/// A body of create_room.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct NewRoom {
    pub(in crate::emulator) room_info: NewInfo,
}

/// The fields of create_room.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct NewInfo {
    pub(in crate::emulator) room_id: String,
    pub(in crate::emulator) room_type: String,
    pub(in crate::emulator) seat_template: String,
    pub(in crate::emulator) room_name: Option<String>,
    #[serde(rename = "Owner_Account")]
    pub(in crate::emulator) owner_account: Option<String>,
    pub(in crate::emulator) take_seat_mode: Option<String>,
    pub(in crate::emulator) max_seat_count: Option<u32>,
    pub(in crate::emulator) is_message_disabled: Option<bool>,
    pub(in crate::emulator) is_public_visible: Option<bool>,
    #[serde(rename = "CoverURL")]
    pub(in crate::emulator) cover_url: Option<String>,
    pub(in crate::emulator) category: Option<Vec<i64>>,
    pub(in crate::emulator) activity_status: Option<i64>,
    pub(in crate::emulator) is_unlimited_room_enabled: Option<bool>,
}

/// A body of update_room_info.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct ChangedRoom {
    pub(in crate::emulator) room_info: ChangedInfo,
}

/// The fields of update_room_info.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct ChangedInfo {
    pub(in crate::emulator) room_id: String,
    pub(in crate::emulator) room_name: Option<String>,
    pub(in crate::emulator) max_member_count: Option<u32>,
    pub(in crate::emulator) is_message_disabled: Option<bool>,
    #[serde(rename = "CoverURL")]
    pub(in crate::emulator) cover_url: Option<String>,
    pub(in crate::emulator) category: Option<Vec<i64>>,
    pub(in crate::emulator) activity_status: Option<i64>,
    pub(in crate::emulator) is_public_visible: Option<bool>,
    pub(in crate::emulator) take_seat_mode: Option<String>,
    pub(in crate::emulator) notice: Option<String>,
}

/// A body of destroy_room and get_room_info.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct OneRoom {
    pub(in crate::emulator) room_id: String,
}

/// A body of set_room_metadata.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct SetMetadata {
    pub(in crate::emulator) room_id: String,
    pub(in crate::emulator) metadata: Vec<SetMetadatum>,
}

/// A key to set.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct SetMetadatum {
    pub(in crate::emulator) key: String,
    pub(in crate::emulator) value: String,
}

/// A body of get_room_metadata and del_room_metadata.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct Keys {
    pub(in crate::emulator) room_id: String,
    pub(in crate::emulator) keys: Vec<String>,
}

/// A body of account_import.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "nick and face URL must be strings, and no call reads them")]
pub(in crate::emulator) struct AccountImport {
    #[serde(rename = "UserID")]
    pub(in crate::emulator) user_id: String,
    pub(in crate::emulator) nick: Option<String>,
    pub(in crate::emulator) face_url: Option<String>,
}

/// A live room in the answer of get_room_info.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct RoomInfo {
    pub(in crate::emulator) room_id: String,
    pub(in crate::emulator) room_type: &'static str,
    pub(in crate::emulator) room_name: String,
    #[serde(rename = "Owner_Account")]
    pub(in crate::emulator) owner_account: String,
    pub(in crate::emulator) seat_template: String,
    pub(in crate::emulator) take_seat_mode: String,
    pub(in crate::emulator) max_seat_count: u32,
    pub(in crate::emulator) max_member_count: u32,
    pub(in crate::emulator) is_message_disabled: bool,
    pub(in crate::emulator) is_public_visible: bool,
    pub(in crate::emulator) is_unlimited_room_enabled: bool,
    #[serde(rename = "CoverURL")]
    pub(in crate::emulator) cover_url: String,
    pub(in crate::emulator) category: Vec<i64>,
    pub(in crate::emulator) activity_status: i64,
    pub(in crate::emulator) notice: String,
    /// In seconds.
    pub(in crate::emulator) create_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::emulator) member_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::emulator) online_count: Option<u64>,
}

/// A key of the metadata in the answer of get_room_metadata.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct ReadMetadatum {
    pub(in crate::emulator) key: String,
    pub(in crate::emulator) value: String,
    /// In seconds.
    pub(in crate::emulator) set_time: i64,
}
