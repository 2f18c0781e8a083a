//! The fields of a room, and the values that they accept.

use std::fmt;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A part of a room that the file declares.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// Every field of every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the key in `rooms.yaml`, with a dot for a nested key.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

fields! {
    /// The display name.
    Name = "name",
    /// How long an empty room lives.
    DestroyDelayTime = "destroy_delay_time",
    /// RTC: the reason that users see when the room is closed.
    CloseReason = "close.reason",
    /// RTC: whether the service notifies our backend that the room was closed.
    CloseCallback = "close.callback",
    /// Tencent: Owner_Account.
    Owner = "owner",
    /// Tencent: SeatTemplate.
    SeatTemplate = "seat_template",
    /// Tencent: TakeSeatMode.
    TakeSeatMode = "take_seat_mode",
    /// Tencent: MaxSeatCount.
    MaxSeats = "max_seats",
    /// Tencent: MaxMemberCount.
    MaxMembers = "max_members",
    /// Tencent: CoverURL.
    CoverUrl = "cover_url",
    /// Tencent: Category.
    Category = "category",
    /// Tencent: ActivityStatus.
    ActivityStatus = "activity_status",
    /// Tencent: Notice.
    Notice = "notice",
    /// Tencent: IsMessageDisabled.
    Muted = "muted",
    /// Tencent: IsPublicVisible.
    Public = "public",
    /// Tencent: IsUnlimitedRoomEnabled.
    Unlimited = "unlimited",
    /// The attributes; Tencent calls them metadata.
    Attributes = "attributes",
}

/// The values that a field accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text of limited length.
    Text {
        /// The maximum number of bytes.
        most: usize,
    },
    /// One of these keywords.
    Choice(&'static [&'static str]),
    /// A whole number up to 4,294,967,295.
    Number {
        /// The minimum.
        least: u32,
    },
    /// A list of whole numbers.
    Numbers {
        /// The maximum length of the list.
        most: usize,
    },
    /// A boolean.
    Flag,
    /// A duration in seconds.
    Delay {
        /// The maximum, in seconds.
        most: u32,
    },
    /// Attributes, whose limits the provider sets.
    Attributes,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
