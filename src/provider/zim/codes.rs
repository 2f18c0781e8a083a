//! ZIM's return codes: what each one means for each call, and what to do about it.
//!
//! <https://www.zegocloud.com/docs/zim-server/return-codes>

use crate::model::{Call, ErrorClass};
use crate::provider::codes::{Verdict, among, codes, unfinished};
use crate::provider::zego::gateway;

codes! {
    /// The request failed; the server may be busy.
    Failed = 1,
    /// A parameter is wrong.
    Parameter = 2,
    /// Verification failed.
    Verification = 3,
    /// More requests than the service accepts.
    Overload = 7,
    /// A database failed.
    Database = 105_001,
    /// ZIM failed.
    Internal = 660_000_001,
    /// A parameter is wrong.
    ZimParameter = 660_000_002,
    /// ZIM failed, by another code.
    InternalToo = 660_000_003,
    /// A parameter is refused.
    ParameterRefused = 660_000_012,
    /// The application's plan does not include this.
    Plan = 660_000_028,
    /// The user is not registered.
    UserNotRegistered = 660_200_001,
    /// The room does not exist.
    RoomMissing = 660_300_001,
    /// Too many requests for the application.
    TooOftenApp = 660_300_005,
    /// Too many requests for the room.
    TooOftenRoom = 660_300_006,
    /// The query failed.
    QueryFailed = 660_300_007,
    /// The room exists, and nobody is inside.
    RoomEmpty = 660_300_008,
    /// The room exists already.
    RoomExists = 660_300_014,
    /// The number of rooms exceeds the application's quota.
    RoomQuota = 660_300_015,
    /// The content is refused.
    ContentRefused = 660_400_001,
    /// The operator is not known.
    OperatorUnknown = 660_500_002,
    /// Too many registrations.
    TooOftenRegister = 660_700_001,
    /// The user is registered already.
    UserExists = 660_700_002,
    /// The user does not exist.
    UserMissing = 660_700_012,
    /// The user does not exist, by another code.
    UserMissingToo = 660_700_015,
}

/// Returns the verdict on a code; `None` if it is unknown.
pub(super) fn verdict(number: i64, call: Call, _: &str) -> Option<Verdict> {
    let own = |code: Code| Verdict { class: code.class(call), advice: code.advice(), pause: None };
    Code::of(number).map(own).or_else(|| gateway::verdict(number, call))
}

impl Code {
    /// Returns what the caller of `call` does.
    fn class(self, call: Call) -> ErrorClass {
        match self {
            Self::Failed
            | Self::Database
            | Self::Internal
            | Self::InternalToo
            | Self::QueryFailed => unfinished(call),
            Self::Overload | Self::TooOftenApp | Self::TooOftenRoom | Self::TooOftenRegister => {
                ErrorClass::TooOften
            }
            Self::Verification | Self::Plan => ErrorClass::Fatal,
            Self::Parameter
            | Self::ZimParameter
            | Self::ParameterRefused
            | Self::ContentRefused => ErrorClass::Refused,
            Self::OperatorUnknown
            | Self::UserNotRegistered
            | Self::UserMissing
            | Self::UserMissingToo
                if call == Call::UserRegister =>
            {
                ErrorClass::Refused
            }
            Self::OperatorUnknown
            | Self::UserNotRegistered
            | Self::UserMissing
            | Self::UserMissingToo => ErrorClass::OperatorUnknown,
            Self::RoomMissing => among(ON_EXISTING_ROOM, call, ErrorClass::Missing),
            Self::RoomExists => among(&[Call::CreateRoom], call, ErrorClass::Exists),
            Self::RoomEmpty => {
                among(&[Call::CreateRoom, Call::QueryRoomUserList], call, ErrorClass::Exists)
            }
            Self::UserExists => among(&[Call::UserRegister], call, ErrorClass::Exists),
            Self::RoomQuota => among(&[Call::CreateRoom], call, ErrorClass::Quota),
        }
    }

    /// Returns what the user can do.
    fn advice(self) -> &'static str {
        match self {
            Self::Failed
            | Self::Overload
            | Self::Database
            | Self::Internal
            | Self::InternalToo
            | Self::QueryFailed => "the service is busy or failing: try again later",
            Self::TooOftenApp | Self::TooOftenRoom | Self::TooOftenRegister => {
                "another program may use the same limit: lower `rate_share` or `rate_limit`"
            }
            Self::Parameter | Self::ZimParameter | Self::ParameterRefused => {
                "the service refuses a value of this room"
            }
            Self::ContentRefused => "the service refuses a text of this room",
            Self::Verification => "check that the secret is the ServerSecret of this `app_id`",
            Self::Plan => {
                "the application's plan does not include this: check the vendor's console"
            }
            Self::UserNotRegistered
            | Self::OperatorUnknown
            | Self::UserMissing
            | Self::UserMissingToo => "the `operator` is not registered: `apply` registers it",
            Self::UserExists => "the user is registered already",
            Self::RoomMissing => "the room does not exist",
            Self::RoomEmpty => "the room exists and is empty",
            Self::RoomExists => "a room of this id exists",
            Self::RoomQuota => {
                "destroy rooms, raise the application's plan, or set `max_rooms` to see it earlier"
            }
        }
    }
}

/// The calls that need an existing room.
const ON_EXISTING_ROOM: &[Call] = &[
    Call::DestroyRoom,
    Call::ModifyRoomAttribute,
    Call::QueryRoomAttribute,
    Call::QueryRoomUserList,
];

#[cfg(test)]
mod tests;
