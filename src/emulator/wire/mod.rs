//! What comes in and goes out, as the vendors' pages show it.

mod live;
mod zim;

use serde::Serialize;

use crate::model::Kind;

use super::code::SUCCESS;
use super::work::Refusal;

pub(super) use live::{
    AccountImport, ChangedInfo, ChangedRoom, Keys, MetadatumTold, NewInfo, NewRoom, OneRoom,
    RoomInfo, SetMetadata, SetMetadatum,
};
pub(super) use zim::{
    AttributeAction, AttributeTold, CreateRoom, KeyDone, KeyRefused, ModifyRoomAttribute,
    NewAttribute, QueryRoomAttribute, UserInfo, UserRefused, UserRegister, UserTold,
};

/// An answer in its service's envelope.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// ZEGOCLOUD's: the payload stands beside the code.
    #[serde(rename_all = "PascalCase")]
    Zego {
        code: i64,
        message: String,
        request_id: String,
        #[serde(flatten)]
        payload: Payload,
    },
    /// Tencent's: the payload stands under `Response`, which is absent where there is none.
    #[serde(rename_all = "PascalCase")]
    Tencent {
        action_status: &'static str,
        error_info: String,
        error_code: i64,
        request_id: String,
        #[serde(skip_serializing_if = "Payload::is_nothing")]
        response: Payload,
    },
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
    /// RTC's stand under `Data`.
    #[serde(rename_all = "PascalCase")]
    Counted {
        data: Counts,
    },
    #[serde(rename_all = "PascalCase")]
    Live {
        room_info: Box<RoomInfo>,
    },
    #[serde(rename_all = "PascalCase")]
    Metadata {
        metadata: Vec<MetadatumTold>,
    },
}

/// What DescribeUserNum tells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Counts {
    pub(super) user_count_list: Vec<Count>,
}

/// How many are inside one RTC room.
#[derive(Debug, Serialize)]
pub(super) struct Count {
    #[serde(rename = "RoomId")]
    pub(super) id: String,
    #[serde(rename = "UserCount")]
    pub(super) users: u64,
    #[serde(rename = "AdminUserCount")]
    pub(super) admins: u64,
}

impl Answer {
    /// Words an outcome as `kind`'s service does; `bits` make the request's id.
    pub(super) fn new(kind: Kind, outcome: Result<Payload, Refusal>, bits: u64) -> Self {
        match kind {
            Kind::Rtc | Kind::Zim => {
                let (code, message, payload) = told(outcome, "success");
                Self::Zego { code, message, request_id: format!("{:019}", bits >> 1), payload }
            }
            Kind::TencentLive => {
                let (error_code, error_info, response) = told(outcome, "");
                let action_status = if error_code == SUCCESS { "OK" } else { "FAIL" };
                let request_id = format!("Id-{bits:016x}-O-Seq-{}", bits % 100_000);
                Self::Tencent { action_status, error_info, error_code, request_id, response }
            }
        }
    }
}

fn told(outcome: Result<Payload, Refusal>, success: &str) -> (i64, String, Payload) {
    match outcome {
        Ok(payload) => (SUCCESS, success.to_owned(), payload),
        Err(Refusal { code, message, payload }) => (code.number(), message, payload),
    }
}

impl Payload {
    fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing {})
    }
}
