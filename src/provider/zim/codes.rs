//! ZIM's return codes: what each one means for each call, and what to do about it.
//!
//! <https://www.zegocloud.com/docs/zim-server/return-codes>

use crate::model::{Call, Class, Effect};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A return code that is known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// The code of a number.
            pub(super) fn of(number: i64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Every known code with its number.
            #[cfg(test)]
            pub(super) const ALL: &'static [(i64, Self)] = &[$(($number, Self::$name),)*];
        }
    };
}

codes! {
    /// The request failed; the server may be busy.
    Failed = 1,
    /// A parameter is wrong.
    Parameter = 2,
    /// Verification failed.
    Verification = 3,
    /// More requests than the service takes.
    Overload = 7,
    /// A database failed.
    Database = 105_001,
    /// The host in the header is wrong.
    Host = 100_000_000,
    /// AppId is no number.
    AppIdFormat = 100_000_001,
    /// There is no Timestamp.
    NoTimestamp = 100_000_002,
    /// Timestamp is no number.
    TimestampFormat = 100_000_003,
    /// Timestamp is too far from the service's clock.
    SignatureExpired = 100_000_004,
    /// The signature is wrong.
    SignatureWrong = 100_000_005,
    /// There is no Action.
    NoAction = 100_000_006,
    /// The action is not known here.
    UnknownAction = 100_000_007,
    /// There is no SignatureNonce.
    NoNonce = 100_000_008,
    /// There is no Signature.
    NoSignature = 100_000_009,
    /// The gateway has no secret for this AppId.
    NoServerSecret = 100_000_010,
    /// The gateway has no configuration for this AppId.
    NoAppConfiguration = 100_000_011,
    /// The gateway could not read the body.
    BodyUnread = 100_000_012,
    /// There is no SignatureVersion.
    NoSignatureVersion = 100_000_013,
    /// The SignatureVersion is not supported.
    SignatureVersion = 100_000_014,
    /// The gateway failed.
    Gateway = 100_000_015,
    /// The application is not in production.
    NotInProduction = 100_000_016,
    /// The service is not enabled for the application.
    NotEnabled = 100_000_017,
    /// ZIM failed.
    Internal = 660_000_001,
    /// A parameter is wrong.
    ZimParameter = 660_000_002,
    /// ZIM failed in another way.
    InternalToo = 660_000_003,
    /// A parameter is refused.
    ParameterRefused = 660_000_012,
    /// The application's plan does not have this.
    Plan = 660_000_028,
    /// The user is not registered.
    UserNotRegistered = 660_200_001,
    /// The room does not exist.
    RoomMissing = 660_300_001,
    /// Too many requests for the application.
    TooOftenApp = 660_300_005,
    /// Too many requests for the room.
    TooOftenRoom = 660_300_006,
    /// The query did not come to an end.
    QueryFailed = 660_300_007,
    /// The room exists, and nobody is inside.
    RoomEmpty = 660_300_008,
    /// The room exists already.
    RoomExists = 660_300_014,
    /// The application has as many rooms as it may have.
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
    /// The user does not exist either.
    UserMissingToo = 660_700_015,
}

impl Code {
    /// What the caller of `call` does about this code.
    pub(super) fn class(self, call: Call) -> Class {
        match self {
            Self::Failed
            | Self::Database
            | Self::BodyUnread
            | Self::Gateway
            | Self::Internal
            | Self::InternalToo
            | Self::QueryFailed => unfinished(call),
            Self::Overload | Self::TooOftenApp | Self::TooOftenRoom | Self::TooOftenRegister => {
                Class::TooOften
            }
            Self::SignatureExpired => Class::SignAgain,
            Self::Verification
            | Self::Host
            | Self::AppIdFormat
            | Self::NoTimestamp
            | Self::TimestampFormat
            | Self::SignatureWrong
            | Self::NoAction
            | Self::UnknownAction
            | Self::NoNonce
            | Self::NoSignature
            | Self::NoServerSecret
            | Self::NoAppConfiguration
            | Self::NoSignatureVersion
            | Self::SignatureVersion
            | Self::NotInProduction
            | Self::NotEnabled
            | Self::Plan => Class::Fatal,
            Self::Parameter
            | Self::ZimParameter
            | Self::ParameterRefused
            | Self::ContentRefused => Class::Refused,
            Self::OperatorUnknown
            | Self::UserNotRegistered
            | Self::UserMissing
            | Self::UserMissingToo
                if call == Call::UserRegister =>
            {
                Class::Refused
            }
            Self::OperatorUnknown
            | Self::UserNotRegistered
            | Self::UserMissing
            | Self::UserMissingToo => Class::OperatorUnknown,
            Self::RoomMissing => among(OF_A_ROOM, call, Class::Missing),
            Self::RoomExists => among(&[Call::CreateRoom], call, Class::Exists),
            Self::RoomEmpty => {
                among(&[Call::CreateRoom, Call::QueryRoomUserList], call, Class::Exists)
            }
            Self::UserExists => among(&[Call::UserRegister], call, Class::Exists),
            Self::RoomQuota => among(&[Call::CreateRoom], call, Class::Quota),
        }
    }

    /// What the user can do about it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Failed
            | Self::Overload
            | Self::Database
            | Self::BodyUnread
            | Self::Gateway
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
            Self::Verification | Self::SignatureWrong => {
                "check that the secret is the ServerSecret of this `app_id`"
            }
            Self::NoServerSecret | Self::NoAppConfiguration | Self::AppIdFormat => {
                "check `app_id`, and that `endpoint` is of the region of this application"
            }
            Self::Host => "check `endpoint`",
            Self::UnknownAction => {
                "check that `endpoint` is ZIM's (`zim-api…`) and that nothing on the way changes it"
            }
            Self::NoTimestamp
            | Self::TimestampFormat
            | Self::NoAction
            | Self::NoNonce
            | Self::NoSignature
            | Self::NoSignatureVersion
            | Self::SignatureVersion => {
                "the request arrived cut: something between here and the service changes it"
            }
            Self::SignatureExpired => {
                "set this machine's clock: it must be within 10 minutes of the service's"
            }
            Self::NotInProduction => {
                "the application is not in production: switch it over in the vendor's console"
            }
            Self::NotEnabled => {
                "In-app Chat is not enabled for this application: enable it in the vendor's console"
            }
            Self::Plan => "the application's plan does not have this: see the vendor's console",
            Self::UserNotRegistered
            | Self::OperatorUnknown
            | Self::UserMissing
            | Self::UserMissingToo => "the `operator` is not registered: `apply` registers him",
            Self::UserExists => "the user is registered already",
            Self::RoomMissing => "the room does not exist",
            Self::RoomEmpty => "the room exists, and nobody is inside",
            Self::RoomExists => "a room of this id exists",
            Self::RoomQuota => {
                "destroy rooms, raise the application's plan, or set `max_rooms` to see it earlier"
            }
        }
    }
}

/// Something failed inside the service, perhaps after the change was made.
pub(super) fn unfinished(call: Call) -> Class {
    match call.effect() {
        Effect::Reads | Effect::RepeatSafe => Class::Retry,
        Effect::ChangesRoom => Class::Unknown,
    }
}

/// A code that makes sense as an answer to some calls only.
fn among(calls: &[Call], call: Call, class: Class) -> Class {
    if calls.contains(&call) { class } else { Class::Unrecognised }
}

/// The calls that are about a room that exists.
const OF_A_ROOM: &[Call] = &[
    Call::DestroyRoom,
    Call::ModifyRoomAttribute,
    Call::QueryRoomAttribute,
    Call::QueryRoomUserList,
];

#[cfg(test)]
mod tests;
