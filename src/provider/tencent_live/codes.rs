//! Tencent's return codes: what each one means for each call, and what to do about it.
//!
//! <https://www.tencentcloud.com/document/product/1047/34348>, and the page of each call.

use std::time::Duration;

use crate::model::{Call, ErrorClass};
use crate::provider::codes::{Verdict, among, codes, unfinished};

codes! {
    /// The request could not be read.
    RequestUnread = 60_002,
    /// The body is not JSON.
    BodyUnread = 60_003,
    /// The account or the signature in the query is wrong.
    AccountOrSignature = 60_004,
    /// The account or the signature in the query is wrong, by another code.
    AccountOrSignatureToo = 60_005,
    /// The SDKAppID is not valid.
    AppInvalid = 60_006,
    /// Too many requests of this call.
    TooOftenCall = 60_007,
    /// The service did not answer in time.
    TimedOut = 60_008,
    /// The call does not exist.
    CallUnknown = 60_009,
    /// The caller is not an administrator.
    NotAdministrator = 60_010,
    /// Too many requests of the application.
    TooOftenApp = 60_011,
    /// There is no SDKAppID.
    NoApp = 60_012,
    /// Looking the account up took too long.
    AccountTimedOut = 60_014,
    /// An account is of the wrong type.
    AccountType = 60_015,
    /// The application is disabled.
    AppDisabled = 60_016,
    /// The request is disabled.
    RequestDisabled = 60_017,
    /// Too many requests.
    TooOften = 60_018,
    /// Too many requests, by another code.
    TooOftenToo = 60_019,
    /// The package has expired.
    PackageExpired = 60_020,
    /// This machine's address may not call.
    AddressRefused = 60_021,
    /// The application may not call.
    AppRefused = 60_025,
    /// The application belongs to another site.
    WrongSite = 60_026,
    /// The UserSig has expired.
    SignatureExpired = 70_001,
    /// The UserSig cannot be read.
    SignatureUnread = 70_003,
    /// The UserSig is wrong.
    SignatureWrong = 70_009,
    /// The UserSig belongs to another user.
    SignatureOfUser = 70_013,
    /// The UserSig belongs to another application.
    SignatureOfApp = 70_014,
    /// There is no key for the application.
    NoKey = 70_016,
    /// The application does not exist.
    AppMissing = 70_020,
    /// The account is on a block list.
    AccountBlocked = 70_051,
    /// The account was not imported.
    AccountUnknown = 70_107,
    /// The service took too long.
    AccountsBusy = 70_169,
    /// The service failed.
    AccountsFailed = 70_500,
    /// The service failed.
    Internal = 100_001,
    /// A parameter is wrong.
    Parameter = 100_002,
    /// Another owner has a room of this id.
    RoomTaken = 100_003,
    /// The room does not exist.
    RoomMissing = 100_004,
    /// No permission, or not a live room.
    NotPermitted = 100_006,
    /// The package does not include this.
    Package = 100_007,
    /// The same owner has a room of this id.
    RoomExists = 100_010,
    /// A Chat group has this id.
    GroupExists = 100_011,
    /// A room is created at most once a second.
    TooSoon = 100_012,
    /// The room is refused.
    RoomRefused = 100_013,
    /// The room is refused for another reason.
    RoomRefusedToo = 100_015,
    /// A text is refused.
    Content = 100_026,
    /// Too many keys.
    MetadataCount = 100_500,
    /// A value is too long.
    MetadataValue = 100_501,
    /// The metadata as a whole is too long.
    MetadataTotal = 100_502,
    /// None of the keys to delete exists.
    MetadataMissing = 100_503,
    /// A key is too long.
    MetadataKey = 100_504,
}

/// The code of a delete that has nothing to delete.
pub(super) const NOTHING_TO_DELETE: i64 = 100_503;

/// How long a create waits if the room was created twice in a second.
const CREATE_PAUSE: Duration = Duration::from_secs(1);

/// Returns the verdict on a code; `None` if it is unknown.
pub(super) fn verdict(number: i64, call: Call, message: &str) -> Option<Verdict> {
    let code = Code::of(number)?;
    let of_owner = code == Code::Parameter && call == Call::LiveCreateRoom && of_owner(message);
    let code = if of_owner { Code::AccountUnknown } else { code };
    let pause = (code == Code::TooSoon).then_some(CREATE_PAUSE);
    Some(Verdict { class: code.class(call), advice: code.advice(), pause })
}

/// Returns whether the message reports an invalid owner's account: the owner was not imported.
fn of_owner(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["invalid", "owner", "account"].iter().all(|word| message.contains(word))
}

impl Code {
    /// Returns what the caller of `call` does.
    ///
    /// All four codes of the rate limit mean that the call was not done, and slow it down.
    fn class(self, call: Call) -> ErrorClass {
        match self {
            Self::TooOftenCall | Self::TooOftenApp | Self::TooOften | Self::TooOftenToo => {
                ErrorClass::TooOften
            }
            Self::AccountTimedOut | Self::AccountsBusy | Self::AccountsFailed | Self::Internal => {
                unfinished(call)
            }
            Self::TimedOut => ErrorClass::Unknown,
            // Only this room waits.
            Self::TooSoon => ErrorClass::Retry,
            Self::AccountOrSignature | Self::AccountOrSignatureToo | Self::SignatureExpired => {
                ErrorClass::SignAgain
            }
            Self::AccountUnknown if call == Call::AccountImport => ErrorClass::Refused,
            Self::AccountUnknown => ErrorClass::OperatorUnknown,
            Self::RoomMissing => among(ON_EXISTING_ROOM, call, ErrorClass::Missing),
            Self::RoomExists => among(&[Call::LiveCreateRoom], call, ErrorClass::Exists),
            Self::RoomTaken | Self::GroupExists => {
                among(&[Call::LiveCreateRoom], call, ErrorClass::Taken)
            }
            Self::Parameter
            | Self::NotPermitted
            | Self::RoomRefused
            | Self::RoomRefusedToo
            | Self::Content
            | Self::MetadataCount
            | Self::MetadataValue
            | Self::MetadataTotal
            | Self::MetadataMissing
            | Self::MetadataKey => ErrorClass::Refused,
            Self::RequestUnread
            | Self::BodyUnread
            | Self::AppInvalid
            | Self::CallUnknown
            | Self::NotAdministrator
            | Self::NoApp
            | Self::AccountType
            | Self::AppDisabled
            | Self::RequestDisabled
            | Self::PackageExpired
            | Self::AddressRefused
            | Self::AppRefused
            | Self::WrongSite
            | Self::SignatureUnread
            | Self::SignatureWrong
            | Self::SignatureOfUser
            | Self::SignatureOfApp
            | Self::NoKey
            | Self::AppMissing
            | Self::AccountBlocked
            | Self::Package => ErrorClass::Fatal,
        }
    }

    /// Returns what the user can do.
    fn advice(self) -> &'static str {
        match self {
            Self::TooOftenCall | Self::TooOftenApp | Self::TooOften | Self::TooOftenToo => {
                "another program may use the same limit: lower `rate_share` or `rate_limit`"
            }
            Self::AccountTimedOut
            | Self::AccountsBusy
            | Self::AccountsFailed
            | Self::Internal
            | Self::TimedOut => "the service is busy or failing: try again later",
            Self::TooSoon => "one room is created at most once a second",
            Self::AccountOrSignature | Self::AccountOrSignatureToo => {
                "check that `operator` is an administrator of the application, and that the secret \
                 (TENCENT_SECRET_KEY, or what `secret_env` or `secret_file` names) is its SecretKey"
            }
            Self::SignatureExpired => "set this machine's clock: a signature is valid for a day",
            Self::SignatureUnread
            | Self::SignatureWrong
            | Self::SignatureOfUser
            | Self::SignatureOfApp => {
                "check that the secret (TENCENT_SECRET_KEY, or what `secret_env` or `secret_file` \
                 names) is the SecretKey of this SDKAppID (`app_id`)"
            }
            Self::AppInvalid | Self::NoApp | Self::NoKey | Self::AppMissing => {
                "check that `app_id` is the SDKAppID, and that `endpoint` is the host of its region"
            }
            Self::WrongSite => {
                "the application is of another region: set the provider's `endpoint:` to its host, \
                 https://console.tim.qq.com/ (China) or https://adminapisgp.im.qcloud.com/ (Singapore; \
                 Seoul kr, Tokyo jpn, Frankfurt ger, Silicon Valley usa, Jakarta iidn instead of sgp)"
            }
            Self::CallUnknown => {
                "check that `endpoint` is Tencent's host without a path, and that no proxy alters the \
                 request"
            }
            Self::RequestUnread | Self::BodyUnread | Self::AccountType => {
                "the request arrived truncated: check for a proxy that alters requests"
            }
            Self::NotAdministrator => {
                "make the `operator` an administrator of the application in the vendor's console"
            }
            Self::AppDisabled | Self::RequestDisabled | Self::AppRefused => {
                "the application has no permission for this: check the vendor's console"
            }
            Self::PackageExpired => "the application's package has expired: renew it",
            Self::AddressRefused => {
                "add this machine's address to the allowed addresses in the vendor's console"
            }
            Self::AccountBlocked => "remove the `operator` from the application's block list",
            Self::AccountUnknown => "the account is not imported: `apply` imports it",
            Self::Parameter => "the service refuses a value of this room",
            Self::RoomTaken => "a room of another owner has this id: choose another",
            Self::RoomMissing => "the room does not exist",
            Self::NotPermitted => {
                "the `operator` has no permission for this, or the room with this id is not a live room"
            }
            Self::Package => {
                "the application's package does not include live rooms: buy one that does"
            }
            Self::RoomExists => "a room of this id and this owner exists",
            Self::GroupExists => "a Chat group has this id: choose another",
            Self::RoomRefused | Self::RoomRefusedToo => "the service refuses this room",
            Self::Content => "the service refuses a text of this room",
            Self::MetadataCount => "a room has at most 10 attributes, including those of others",
            Self::MetadataValue => "an attribute's value has at most 2048 bytes",
            Self::MetadataTotal => "the attributes of a room have at most 16384 bytes together",
            Self::MetadataMissing => "none of these attributes exists",
            Self::MetadataKey => "an attribute's key has at most 50 bytes",
        }
    }
}

/// The calls that need an existing room.
const ON_EXISTING_ROOM: &[Call] = &[
    Call::LiveDestroyRoom,
    Call::LiveGetRoomInfo,
    Call::LiveUpdateRoomInfo,
    Call::LiveSetRoomMetadata,
    Call::LiveGetRoomMetadata,
    Call::LiveDelRoomMetadata,
];

#[cfg(test)]
mod tests;
