//! ZEGOCLOUD's return codes: of its gateway, of ZIM and of RTC.

/// A return code. <https://www.zegocloud.com/docs/zim-server/return-codes>, and the page of each RTC action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::emulator) enum Zego {
    Parameter,
    ReadOnly,
    Database,
    RtcInternal,
    RtcTooLong,
    RtcNoPermission,
    RtcTooOften,
    RtcRoomMissing,
    RtcRoomGone,
    AppIdFormat,
    TimestampEmpty,
    TimestampFormat,
    SignatureExpired,
    SignatureWrong,
    ActionEmpty,
    ActionUnsupported,
    NonceEmpty,
    SignatureEmpty,
    ServerSecret,
    Body,
    VersionEmpty,
    VersionUnsupported,
    ZimParameter,
    AttributeLimit,
    RoomMissing,
    TooOften,
    RoomEmpty,
    RoomExists,
    RoomQuota,
    OperatorUnknown,
    RegisterTooOften,
    UserExists,
}

impl Zego {
    /// The number on the wire.
    pub(in crate::emulator) const fn number(self) -> i64 {
        match self {
            Self::Parameter => 2,
            Self::ReadOnly | Self::RtcTooLong => 3,
            Self::Database => 105_001,
            Self::RtcInternal => 1,
            Self::RtcNoPermission => 9,
            Self::RtcTooOften => 206,
            Self::RtcRoomMissing => 5018,
            Self::RtcRoomGone => 5024,
            Self::AppIdFormat => 100_000_001,
            Self::TimestampEmpty => 100_000_002,
            Self::TimestampFormat => 100_000_003,
            Self::SignatureExpired => 100_000_004,
            Self::SignatureWrong => 100_000_005,
            Self::ActionEmpty => 100_000_006,
            Self::ActionUnsupported => 100_000_007,
            Self::NonceEmpty => 100_000_008,
            Self::SignatureEmpty => 100_000_009,
            Self::ServerSecret => 100_000_010,
            Self::Body => 100_000_012,
            Self::VersionEmpty => 100_000_013,
            Self::VersionUnsupported => 100_000_014,
            Self::ZimParameter => 660_000_002,
            Self::AttributeLimit => 660_000_012,
            Self::RoomMissing => 660_300_001,
            Self::TooOften => 660_300_005,
            Self::RoomEmpty => 660_300_008,
            Self::RoomExists => 660_300_014,
            Self::RoomQuota => 660_300_015,
            Self::OperatorUnknown => 660_500_002,
            Self::RegisterTooOften => 660_700_001,
            Self::UserExists => 660_700_002,
        }
    }

    /// What the answer says where nothing more exact is known.
    pub(in crate::emulator) const fn message(self) -> &'static str {
        match self {
            Self::Parameter => "input parameter error",
            Self::ReadOnly | Self::RtcNoPermission => {
                "the emulator's data is open for reading only"
            }
            Self::Database | Self::RtcInternal => "the emulator's data file cannot be written",
            Self::RtcTooLong => "input parameter too long",
            Self::RtcRoomMissing => "room has been destroyed or does not exist",
            Self::AppIdFormat => "AppId format error",
            Self::TimestampEmpty => "Timestamp is empty",
            Self::TimestampFormat => "Timestamp format error",
            Self::SignatureExpired => "signature expired",
            Self::SignatureWrong => "signature error",
            Self::ActionEmpty => "Action is empty",
            Self::ActionUnsupported => "unsupported Action",
            Self::NonceEmpty => "SignatureNonce is empty",
            Self::SignatureEmpty => "Signature is empty",
            Self::ServerSecret => "failed to get ServerSecret: no such AppId",
            Self::Body => "failed to read the HTTP body",
            Self::VersionEmpty => "SignatureVersion is empty",
            Self::VersionUnsupported => "unsupported SignatureVersion",
            Self::ZimParameter => "parameter error",
            Self::AttributeLimit => "room attributes exceed the limit",
            Self::RoomMissing | Self::RtcRoomGone => "room does not exist",
            Self::TooOften | Self::RegisterTooOften | Self::RtcTooOften => "frequency limit",
            Self::RoomEmpty => "room is empty",
            Self::RoomExists => "room already exists",
            Self::RoomQuota => "number of rooms exceeds the limit",
            Self::OperatorUnknown => "FromUserId is not registered",
            Self::UserExists => "user already exists",
        }
    }
}
