//! The bodies of ZIM's requests and the parts of its answers, as the vendor documents them.

use serde::{Deserialize, Serialize};

/// A body of CreateRoom. A field that is not documented is refused.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct CreateRoom {
    pub(in crate::emulator) from_user_id: String,
    pub(in crate::emulator) room_id: String,
    pub(in crate::emulator) room_name: Option<String>,
    pub(in crate::emulator) destroy_delay_time: Option<u32>,
    #[serde(default)]
    pub(in crate::emulator) attributes: Vec<NewAttribute>,
}

/// An attribute of a new room.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct NewAttribute {
    pub(in crate::emulator) key: String,
    pub(in crate::emulator) value: String,
    #[serde(default)]
    pub(in crate::emulator) auto_delete: u8,
}

/// A body of QueryRoomAttribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct QueryRoomAttribute {
    pub(in crate::emulator) from_user_id: String,
    pub(in crate::emulator) room_id: String,
}

/// A body of ModifyRoomAttribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct ModifyRoomAttribute {
    pub(in crate::emulator) from_user_id: String,
    pub(in crate::emulator) room_id: String,
    pub(in crate::emulator) attributes: Vec<AttributeAction>,
}

/// One change of an attribute: 0 sets, 1 deletes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct AttributeAction {
    pub(in crate::emulator) action: u8,
    pub(in crate::emulator) key: String,
    pub(in crate::emulator) value: Option<String>,
    #[serde(default)]
    pub(in crate::emulator) auto_delete: u8,
    #[serde(default)]
    pub(in crate::emulator) stop_on_error: u8,
}

/// A body of UserRegister.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::emulator) struct UserRegister {
    pub(in crate::emulator) user_info: Vec<UserInfo>,
}

/// A user to register.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::emulator) struct UserInfo {
    #[serde(rename = "UserId")]
    pub(in crate::emulator) id: String,
    #[serde(rename = "UserName")]
    pub(in crate::emulator) name: Option<String>,
    #[serde(rename = "UserAvatar")]
    pub(in crate::emulator) avatar: Option<String>,
}

/// An attribute in the answer of QueryRoomAttribute.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct ReadAttribute {
    pub(in crate::emulator) key: String,
    pub(in crate::emulator) value: String,
    pub(in crate::emulator) seq: u64,
    pub(in crate::emulator) auto_delete: u8,
}

/// A key that was changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct ChangedKey {
    pub(in crate::emulator) key: String,
    pub(in crate::emulator) seq: u64,
}

/// A key that was not changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct FailedKey {
    pub(in crate::emulator) sub_code: i64,
    pub(in crate::emulator) key: String,
}

/// A user inside.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct ListedUser {
    pub(in crate::emulator) user_id: String,
    pub(in crate::emulator) user_name: String,
}

/// A user that was not registered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct FailedUser {
    pub(in crate::emulator) user_id: String,
    pub(in crate::emulator) sub_code: i64,
}
