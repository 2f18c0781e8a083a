//! The outcome of a request, and the answer in the format of its service.

use serde::Serialize;

use crate::model::Kind;

use super::tencent_live::codes::Tencent;
use super::tencent_live::wire::{ReadMetadatum, RoomInfo};
use super::world::Change;
use super::zego::Zego;
use super::zim::wire::{ChangedKey, FailedKey, FailedUser, ListedUser, ReadAttribute};

/// The code of a success of every service.
pub(super) const SUCCESS: i64 = 0;

/// A return code of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Zego(Zego),
    Tencent(Tencent),
}

/// A request that was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The change; `None` if the request only reads.
    pub(super) change: Option<Change>,
    pub(super) payload: Payload,
}

/// A request that was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) payload: Payload,
}

/// The outcome of a request.
pub(super) type Outcome = Result<Accepted, Refusal>;

/// An answer in the format of its service.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// ZEGOCLOUD's answer: the payload's fields are beside the code.
    #[serde(rename_all = "PascalCase")]
    Zego {
        code: i64,
        message: String,
        request_id: String,
        #[serde(flatten)]
        payload: Payload,
    },
    /// Tencent's answer: the payload is in `Response`, which is left out if there is none.
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

/// The content of an answer besides its code.
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
        attributes: Vec<ReadAttribute>,
    },
    #[serde(rename_all = "PascalCase")]
    Modified {
        attribute_seq: u64,
        succ_key_list: Vec<ChangedKey>,
        err_key_list: Vec<FailedKey>,
    },
    #[serde(rename_all = "PascalCase")]
    People {
        count: u64,
        next_flag: String,
        user_list: Vec<ListedUser>,
    },
    #[serde(rename_all = "PascalCase")]
    Registered {
        error_list: Vec<FailedUser>,
    },
    /// RTC's counts, which are in `Data`.
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
        metadata: Vec<ReadMetadatum>,
    },
}

/// The answer of DescribeUserNum.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Counts {
    pub(super) user_count_list: Vec<Count>,
}

/// The number of people inside one RTC room.
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
    /// Returns an outcome in the format of `kind`; the request id is made of `bits`.
    pub(super) fn new(kind: Kind, outcome: Result<Payload, Refusal>, bits: u64) -> Self {
        match kind {
            Kind::Rtc | Kind::Zim => {
                let (code, message, payload) = parts(outcome, "success");
                Self::Zego { code, message, request_id: format!("{:019}", bits >> 1), payload }
            }
            Kind::TencentLive => {
                let (error_code, error_info, response) = parts(outcome, "");
                let action_status = if error_code == SUCCESS { "OK" } else { "FAIL" };
                let request_id = format!("Id-{bits:016x}-O-Seq-{}", bits % 100_000);
                Self::Tencent { action_status, error_info, error_code, request_id, response }
            }
        }
    }
}

fn parts(outcome: Result<Payload, Refusal>, success: &str) -> (i64, String, Payload) {
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

impl Accepted {
    pub(super) fn read(payload: Payload) -> Self {
        Self { change: None, payload }
    }

    pub(super) fn changed(change: Change, payload: Payload) -> Self {
        Self { change: Some(change), payload }
    }
}

impl Refusal {
    /// Returns a refusal with this message instead of the code's default.
    pub(super) fn with_message(code: impl Into<Code>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), payload: Payload::Nothing {} }
    }
}

impl<C: Into<Code>> From<C> for Refusal {
    fn from(code: C) -> Self {
        let code = code.into();
        Self::with_message(code, code.message())
    }
}

impl Code {
    /// Returns the code's number.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Zego(code) => code.number(),
            Self::Tencent(code) => code.number(),
        }
    }

    /// Returns the default message.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Zego(code) => code.message(),
            Self::Tencent(code) => code.message(),
        }
    }
}

impl From<Zego> for Code {
    fn from(code: Zego) -> Self {
        Self::Zego(code)
    }
}

impl From<Tencent> for Code {
    fn from(code: Tencent) -> Self {
        Self::Tencent(code)
    }
}
