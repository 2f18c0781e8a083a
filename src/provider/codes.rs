//! What the services' tables of return codes have in common.

use std::time::Duration;

use crate::model::{Call, Effect, ErrorClass};

/// What a code means as the answer to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What the caller does.
    pub(super) class: ErrorClass,
    /// What the user can do: appended to the service's message.
    pub(super) advice: &'static str,
    /// The minimum wait before a retry.
    pub(super) pause: Option<Duration>,
}

/// Makes an enum of return codes, each with its number.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A known return code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Returns the code of a number.
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
pub(super) use codes;

/// Returns the class of a failure inside the service, which may have made the change.
pub(super) fn unfinished(call: Call) -> ErrorClass {
    match call.effect() {
        Effect::Reads | Effect::RepeatSafe => ErrorClass::Retry,
        Effect::ChangesRoom => ErrorClass::Unknown,
    }
}

/// Returns the class of a code that makes sense as an answer to some calls only.
pub(super) fn among(calls: &[Call], call: Call, class: ErrorClass) -> ErrorClass {
    if calls.contains(&call) { class } else { ErrorClass::Unrecognised }
}
