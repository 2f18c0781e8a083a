//! RTC's return codes: what each one means for each call, and what to do about it.
//!
//! <https://www.zegocloud.com/article/9811>

use crate::model::{Call, ErrorClass};
use crate::provider::codes::{Verdict, among, codes, unfinished};
use crate::provider::zego::gateway;

codes! {
    /// The request failed; the server may be busy.
    Failed = 1,
    /// A parameter is wrong.
    Parameter = 2,
    /// A parameter is too long.
    ParameterTooLong = 3,
    /// The parameters could not be decoded.
    DecodeFailed = 8,
    /// The application may not use this interface.
    Forbidden = 9,
    /// The room does not exist.
    RoomMissing = 104,
    /// The service is busy.
    Busy = 154,
    /// Too many requests for the application.
    TooOftenApp = 206,
    /// Too many requests for the room.
    TooOftenRoom = 207,
    /// The room has been destroyed or does not exist.
    RoomDestroyed = 5_018,
    /// The room does not exist.
    RoomAbsent = 5_024,
    /// The room, or the user in it, does not exist.
    RoomUnknown = 50_001,
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
            Self::Failed | Self::Busy => unfinished(call),
            Self::Parameter | Self::ParameterTooLong | Self::DecodeFailed => ErrorClass::Refused,
            Self::Forbidden => ErrorClass::Fatal,
            Self::TooOftenApp | Self::TooOftenRoom => ErrorClass::TooOften,
            Self::RoomMissing | Self::RoomDestroyed | Self::RoomAbsent | Self::RoomUnknown => {
                among(&[Call::CloseRoom], call, ErrorClass::Missing)
            }
        }
    }

    /// Returns what the user can do.
    fn advice(self) -> &'static str {
        match self {
            Self::Failed | Self::Busy => "the service is busy or failing: try again later",
            Self::Parameter => "the service refuses a value of this room",
            Self::DecodeFailed => {
                "the service could not decode the request: check the room's id and reason"
            }
            Self::ParameterTooLong => {
                "a value of this room is too long: an id has at most 128 bytes, `close.reason` 256"
            }
            Self::Forbidden => {
                "the application has no permission for this: ask the vendor to enable the server API for it"
            }
            Self::TooOftenApp | Self::TooOftenRoom => {
                "another program may use the same limit: lower `rate_share` or `rate_limit`"
            }
            Self::RoomMissing | Self::RoomDestroyed | Self::RoomAbsent | Self::RoomUnknown => {
                "the room does not exist"
            }
        }
    }
}

#[cfg(test)]
mod tests;
