//! What comes in and goes out: the bodies of the requests and answers, as the vendor's pages show them.

use serde::{Deserialize, Serialize};

/// A body of CreateRoom. A field that the page does not show is refused: it would be a misspelt one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateRoom {
    pub(super) from_user_id: String,
    pub(super) room_id: String,
    pub(super) room_name: Option<String>,
    pub(super) destroy_delay_time: Option<u32>,
    #[serde(default)]
    pub(super) attributes: Vec<NewAttribute>,
}

/// An attribute of a new room.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NewAttribute {
    pub(super) key: String,
    pub(super) value: String,
    #[serde(default)]
    pub(super) auto_delete: u8,
}

/// A body of QueryRoomAttribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct QueryRoomAttribute {
    pub(super) from_user_id: String,
    pub(super) room_id: String,
}

/// A body of ModifyRoomAttribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ModifyRoomAttribute {
    pub(super) from_user_id: String,
    pub(super) room_id: String,
    pub(super) attributes: Vec<AttributeAction>,
}

/// One change of an attribute: 0 sets, 1 deletes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AttributeAction {
    pub(super) action: u8,
    pub(super) key: String,
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) auto_delete: u8,
    #[serde(default)]
    pub(super) stop_on_error: u8,
}

/// A body of UserRegister.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UserRegister {
    pub(super) user_info: Vec<UserInfo>,
}

/// A user to register.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserInfo {
    #[serde(rename = "UserId")]
    pub(super) id: String,
    #[serde(rename = "UserName")]
    pub(super) name: Option<String>,
    #[serde(rename = "UserAvatar")]
    pub(super) avatar: Option<String>,
}

/// An answer: ZIM's payload stands beside the code.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) request_id: String,
    #[serde(flatten)]
    pub(super) payload: Payload,
}

/// What an answer holds besides.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Payload {
    Nothing {},
    #[serde(rename_all = "PascalCase")]
    Created {
        attribute_seq: u64,
    },
    #[serde(rename_all = "PascalCase")]
    Attributes {
        attribute_seq: u64,
        attributes: Vec<AttributeTold>,
    },
    #[serde(rename_all = "PascalCase")]
    Modified {
        attribute_seq: u64,
        succ_key_list: Vec<KeyDone>,
        err_key_list: Vec<KeyRefused>,
    },
    #[serde(rename_all = "PascalCase")]
    People {
        count: u64,
        next_flag: String,
        user_list: Vec<UserTold>,
    },
    #[serde(rename_all = "PascalCase")]
    Registered {
        error_list: Vec<UserRefused>,
    },
}

/// An attribute as it is read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeTold {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) seq: u64,
    pub(super) auto_delete: u8,
}

/// A key that was changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyDone {
    pub(super) key: String,
    pub(super) seq: u64,
}

/// A key that was not changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyRefused {
    pub(super) sub_code: i64,
    pub(super) key: String,
}

/// Someone inside.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserTold {
    pub(super) user_id: String,
    pub(super) user_name: String,
}

/// A user that was not registered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserRefused {
    pub(super) user_id: String,
    pub(super) sub_code: i64,
}
