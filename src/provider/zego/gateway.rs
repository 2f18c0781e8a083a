//! The return codes of the gateway in front of all of ZEGOCLOUD's services.
//!
//! <https://www.zegocloud.com/docs/zim-server/return-codes>

use crate::model::{Call, ErrorClass};
use crate::provider::codes::{Verdict, codes, unfinished};

codes! {
    /// The host in the header is wrong.
    Host = 100_000_000,
    /// AppId is not a number.
    AppIdFormat = 100_000_001,
    /// There is no Timestamp.
    NoTimestamp = 100_000_002,
    /// Timestamp is not a number.
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
}

/// Returns the verdict on a code of the gateway; `None` if it is not one of its codes.
pub(in crate::provider) fn verdict(number: i64, call: Call) -> Option<Verdict> {
    let code = Code::of(number)?;
    Some(Verdict { class: code.class(call), advice: code.advice(), pause: None })
}

impl Code {
    fn class(self, call: Call) -> ErrorClass {
        match self {
            Self::BodyUnread | Self::Gateway => unfinished(call),
            Self::SignatureExpired => ErrorClass::SignAgain,
            Self::Host
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
            | Self::NotEnabled => ErrorClass::Fatal,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::BodyUnread | Self::Gateway => "the service is busy or failing: try again later",
            Self::SignatureWrong => "check that the secret is the ServerSecret of this `app_id`",
            Self::NoServerSecret | Self::NoAppConfiguration | Self::AppIdFormat => {
                "check `app_id`, and that `endpoint` is of the region of this application"
            }
            Self::Host => "check `endpoint`",
            Self::UnknownAction => {
                "check that `endpoint` is this service's (ZIM's begin with `zim-api`, RTC's with \
                 `rtc-api`) and that no proxy alters the request"
            }
            Self::NoTimestamp
            | Self::TimestampFormat
            | Self::NoAction
            | Self::NoNonce
            | Self::NoSignature
            | Self::NoSignatureVersion
            | Self::SignatureVersion => {
                "the request arrived truncated: check for a proxy that alters requests"
            }
            Self::SignatureExpired => {
                "set this machine's clock: it must be within 10 minutes of the service's"
            }
            Self::NotInProduction => {
                "the application is not in production: switch it over in the vendor's console"
            }
            Self::NotEnabled => {
                "the service (In-app Chat for ZIM, Video Call for RTC) is not enabled for this \
                 application: enable it in the vendor's console"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_same_class_for_all_services() {
        assert_eq!(Code::ALL.len(), 18);
        for (number, code) in Code::ALL {
            let class = |call| verdict(*number, call).expect("known").class;
            let (write, read) = match number {
                100_000_012 | 100_000_015 => (ErrorClass::Unknown, ErrorClass::Retry),
                100_000_004 => (ErrorClass::SignAgain, ErrorClass::SignAgain),
                _ => (ErrorClass::Fatal, ErrorClass::Fatal),
            };
            assert_eq!((class(Call::CreateRoom), class(Call::CloseRoom)), (write, write));
            assert_eq!((class(Call::UserRegister), class(Call::DescribeUserNum)), (read, read));
            assert!(!code.advice().is_empty() && !code.advice().ends_with('.'));
        }
        assert_eq!(verdict(100_000_018, Call::CloseRoom), None);
    }
}
