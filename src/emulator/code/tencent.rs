//! Tencent's return codes: of its REST gateway, of UserSig and of live rooms.

/// A return code. <https://www.tencentcloud.com/document/product/1047/34348>, and the page of each command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::emulator) enum Tencent {
    Http,
    Json,
    Caller,
    SdkAppId,
    Command,
    SdkAppIdMissing,
    Forbidden,
    TooOften,
    SigExpired,
    SigWrong,
    SigUnreadable,
    SigOfAnother,
    SigForAnotherApp,
    AppUnknown,
    AccountUnknown,
    Internal,
    Parameter,
    RoomTaken,
    RoomMissing,
    NotLive,
    RoomExists,
    ChatGroup,
    CreateTooOften,
    MetadataCount,
    MetadataValue,
    MetadataTotal,
    MetadataKeysMissing,
    MetadataKey,
}

impl Tencent {
    /// The number on the wire.
    pub(in crate::emulator) const fn number(self) -> i64 {
        match self {
            Self::Http => 60_002,
            Self::Json => 60_003,
            Self::Caller => 60_004,
            Self::SdkAppId => 60_006,
            Self::Command => 60_009,
            Self::SdkAppIdMissing => 60_012,
            Self::Forbidden => 60_017,
            Self::TooOften => 60_019,
            Self::SigExpired => 70_001,
            Self::SigWrong => 70_003,
            Self::SigUnreadable => 70_009,
            Self::SigOfAnother => 70_013,
            Self::SigForAnotherApp => 70_014,
            Self::AppUnknown => 70_020,
            Self::AccountUnknown => 70_107,
            Self::Internal => 100_001,
            Self::Parameter => 100_002,
            Self::RoomTaken => 100_003,
            Self::RoomMissing => 100_004,
            Self::NotLive => 100_006,
            Self::RoomExists => 100_010,
            Self::ChatGroup => 100_011,
            Self::CreateTooOften => 100_012,
            Self::MetadataCount => 100_500,
            Self::MetadataValue => 100_501,
            Self::MetadataTotal => 100_502,
            Self::MetadataKeysMissing => 100_503,
            Self::MetadataKey => 100_504,
        }
    }

    /// What the answer says where nothing more exact is known.
    pub(in crate::emulator) const fn message(self) -> &'static str {
        match self {
            Self::Http => "the HTTP request cannot be parsed: check its URL",
            Self::Json => "the JSON of the request cannot be parsed",
            Self::Caller => "identifier or usersig is missing",
            Self::SdkAppId => "sdkappid is no application's id",
            Self::Command => "no such command",
            Self::SdkAppIdMissing => "sdkappid is missing",
            Self::Forbidden => "the emulator's data is open for reading only",
            Self::TooOften => "too many requests",
            Self::SigExpired => "usersig expired",
            Self::SigWrong => "usersig is not signed with the application's key",
            Self::SigUnreadable => "usersig cannot be read",
            Self::SigOfAnother => "usersig was made for another identifier",
            Self::SigForAnotherApp => "usersig was made for another sdkappid",
            Self::AppUnknown => "sdkappid not found",
            Self::AccountUnknown => "the account does not exist: import it first",
            Self::Internal => "internal server error",
            Self::Parameter => "invalid parameter",
            Self::RoomTaken => "the room id is taken by another owner",
            Self::RoomMissing => "the room does not exist",
            Self::NotLive => "the room is not a live room",
            Self::RoomExists => "the room exists, and its owner is the same",
            Self::ChatGroup => "the room id is taken by a Chat group",
            Self::CreateTooOften => "this room id may be created once a second",
            Self::MetadataCount => "too many metadata keys",
            Self::MetadataValue => "a metadata value is too long",
            Self::MetadataTotal => "the metadata is too long",
            Self::MetadataKeysMissing => "none of the metadata keys exists",
            Self::MetadataKey => "a metadata key is too long",
        }
    }
}
