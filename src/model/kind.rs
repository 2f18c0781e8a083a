//! What a kind of room can hold, which of it changes in place, its calls and their limits.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AttributeChange, AttributeLimits, Call, Field, OnOccupied, Patch, Shape};

/// A kind of room: which service holds it. In the order in which steps start: what people watch is
/// closed before the chat beside it is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A ZEGOCLOUD RTC (Video Call) room.
    Rtc,
    /// A Tencent live room (`live_engine_http_srv`).
    TencentLive,
    /// A ZEGOCLOUD ZIM (In-app Chat) room.
    Zim,
}

/// How a changed field reaches the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By a call that leaves the room and its people as they are.
    InPlace,
    /// By destroying the room and creating it anew.
    Replace,
    /// Not at all until a later call: only the record learns it.
    Record,
}

/// How a room comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By a call of ours.
    Call(Call),
    /// By the first user who logs in: no call makes it, and it is gone while nobody is inside.
    FirstUser,
}

/// The seat layouts that Tencent's pages list.
const SEAT_TEMPLATES: &[&str] = &[
    "VideoDynamicGrid9Seats",
    "VideoDynamicFloat7Seats",
    "VideoFixedGrid9Seats",
    "VideoFixedFloat7Seats",
    "VideoLandscape4Seat",
    "AudioSalon",
    "Karaoke",
];

impl Kind {
    /// Every kind that this version knows, in the order in which a user meets them.
    pub const ALL: &'static [Self] = &[Self::Zim, Self::Rtc, Self::TencentLive];

    /// The name in `rooms.yaml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rtc => "rtc",
            Self::Zim => "zim",
            Self::TencentLive => "tencent-live",
        }
    }

    /// The vendor's name of the service.
    #[must_use]
    pub const fn service(self) -> &'static str {
        match self {
            Self::Rtc => "ZEGOCLOUD RTC",
            Self::Zim => "ZIM",
            Self::TencentLive => "Tencent",
        }
    }

    /// The fields that a room of this kind holds.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Rtc => &[Field::CloseReason, Field::CloseCallback],
            Self::Zim => &[Field::Name, Field::DestroyDelayTime, Field::Attributes],
            Self::TencentLive => &[
                Field::Name,
                Field::Owner,
                Field::SeatTemplate,
                Field::TakeSeatMode,
                Field::MaxSeats,
                Field::MaxMembers,
                Field::CoverUrl,
                Field::Category,
                Field::ActivityStatus,
                Field::Notice,
                Field::Muted,
                Field::Public,
                Field::Unlimited,
                Field::Attributes,
            ],
        }
    }

    /// Whether a room of this kind holds `field`.
    #[must_use]
    pub fn holds(self, field: Field) -> bool {
        self.fields().contains(&field)
    }

    /// What a field of this kind may be. Lengths are in bytes, as the services count them.
    #[must_use]
    pub const fn shape(self, field: Field) -> Shape {
        match (self, field) {
            (_, Field::DestroyDelayTime) => Shape::Delay { most: 10_800 },
            (_, Field::Attributes) => Shape::Attributes,
            (_, Field::CloseReason) => Shape::Text { most: 256 },
            (Self::TencentLive, Field::Name) | (_, Field::Notice) => Shape::Text { most: 100 },
            (Self::Rtc | Self::Zim, Field::Name) => Shape::Text { most: 64 },
            (_, Field::Owner) => Shape::Text { most: 32 },
            (_, Field::CoverUrl) => Shape::Text { most: 200 },
            (_, Field::SeatTemplate) => Shape::Choice(SEAT_TEMPLATES),
            (_, Field::TakeSeatMode) => Shape::Choice(&["FreeToTake", "ApplyToTake"]),
            (_, Field::MaxSeats | Field::MaxMembers) => Shape::Number { least: 1 },
            (_, Field::ActivityStatus) => Shape::Number { least: 0 },
            (_, Field::Category) => Shape::Numbers { most: 3 },
            (_, Field::CloseCallback | Field::Muted | Field::Public | Field::Unlimited) => {
                Shape::Flag
            }
        }
    }

    /// How a change of `field` reaches the service.
    ///
    /// ZIM has no call that changes a name or a delay; RTC has none that changes anything, and what
    /// is said of a close goes along with it; Tencent's update_room_info lists what it changes.
    #[must_use]
    pub const fn change_of(self, field: Field) -> Change {
        match (self, field) {
            (Self::Rtc, _) => Change::Record,
            (Self::Zim, Field::Attributes) => Change::InPlace,
            (Self::Zim, _)
            | (
                Self::TencentLive,
                Field::Owner | Field::SeatTemplate | Field::MaxSeats | Field::Unlimited,
            ) => Change::Replace,
            (Self::TencentLive, _) => Change::InPlace,
        }
    }

    /// Whether a field that the file no longer declares stays as it is at the service: Tencent has
    /// defaults of its own for what is not set, and no call that takes a value back.
    #[must_use]
    pub const fn keeps_undeclared(self) -> bool {
        match self {
            Self::TencentLive => true,
            Self::Rtc | Self::Zim => false,
        }
    }

    /// Whether a look tells a room's fields besides its attributes.
    #[must_use]
    pub const fn tells_fields(self) -> bool {
        match self {
            Self::TencentLive => true,
            Self::Rtc | Self::Zim => false,
        }
    }

    /// Whether the call that makes a room takes `field` along; the others need a call after it.
    #[must_use]
    pub const fn made_with(self, field: Field) -> bool {
        match (self, field) {
            (Self::TencentLive, Field::Notice | Field::MaxMembers | Field::Attributes) => false,
            (Self::Rtc | Self::Zim | Self::TencentLive, _) => true,
        }
    }

    /// The calls of this kind's service with the vendor's limit for each, in requests a second.
    #[must_use]
    pub const fn calls(self) -> &'static [(Call, u32)] {
        match self {
            Self::Rtc => &[(Call::CloseRoom, 1), (Call::DescribeUserNum, 10)],
            Self::Zim => &[
                (Call::CreateRoom, 20),
                (Call::DestroyRoom, 20),
                (Call::ModifyRoomAttribute, 20),
                (Call::QueryRoomAttribute, 20),
                (Call::QueryRoomUserList, 20),
                (Call::UserRegister, 20),
            ],
            Self::TencentLive => &[
                (Call::LiveCreateRoom, 200),
                (Call::LiveDestroyRoom, 200),
                (Call::LiveGetRoomInfo, 200),
                (Call::LiveUpdateRoomInfo, 200),
                (Call::LiveSetRoomMetadata, 200),
                (Call::LiveGetRoomMetadata, 200),
                (Call::LiveDelRoomMetadata, 200),
                (Call::AccountImport, 200),
            ],
        }
    }

    /// How a room comes to be.
    #[must_use]
    pub const fn origin(self) -> Origin {
        match self {
            Self::Rtc => Origin::FirstUser,
            Self::Zim => Origin::Call(Call::CreateRoom),
            Self::TencentLive => Origin::Call(Call::LiveCreateRoom),
        }
    }

    /// The call that ends a room's life.
    #[must_use]
    pub const fn destroy_call(self) -> Call {
        match self {
            Self::Rtc => Call::CloseRoom,
            Self::Zim => Call::DestroyRoom,
            Self::TencentLive => Call::LiveDestroyRoom,
        }
    }

    /// The call that asks who is inside.
    #[must_use]
    pub const fn people_call(self) -> Call {
        match self {
            Self::Rtc => Call::DescribeUserNum,
            Self::Zim => Call::QueryRoomUserList,
            Self::TencentLive => Call::LiveGetRoomInfo,
        }
    }

    /// The call that carries out a patch; none where nothing of this kind changes in place.
    #[must_use]
    pub fn patch_call(self, patch: &Patch) -> Option<Call> {
        match (self, patch) {
            (Self::Rtc, _) | (Self::Zim, Patch::Fields(_)) => None,
            (Self::Zim, Patch::Attributes(_)) => Some(Call::ModifyRoomAttribute),
            (Self::TencentLive, Patch::Fields(_)) => Some(Call::LiveUpdateRoomInfo),
            (Self::TencentLive, Patch::Attributes(changes)) => Some(match changes.first() {
                Some(AttributeChange::Delete(_)) => Call::LiveDelRoomMetadata,
                Some(AttributeChange::Set(..)) | None => Call::LiveSetRoomMetadata,
            }),
        }
    }

    /// Whether one call both sets and deletes attributes.
    #[must_use]
    pub const fn mixes_attribute_changes(self) -> bool {
        match self {
            Self::Rtc | Self::Zim => true,
            Self::TencentLive => false,
        }
    }

    /// Whether the service may drop the attributes of a room while it is empty.
    #[must_use]
    pub const fn drops_attributes(self) -> bool {
        match self {
            Self::Rtc | Self::TencentLive => false,
            Self::Zim => true,
        }
    }

    /// What happens to people inside a room that is to be destroyed, where the policy says nothing.
    ///
    /// An RTC room exists only while people are inside, and Tencent does not reliably tell.
    #[must_use]
    pub const fn on_occupied(self) -> OnOccupied {
        match self {
            Self::Rtc | Self::TencentLive => OnOccupied::Destroy,
            Self::Zim => OnOccupied::Defer,
        }
    }

    /// What the service takes as attributes of one room, where the file says nothing else.
    ///
    /// ZIM: the SDK guide; raised on request. Tencent: the pages of room metadata.
    #[must_use]
    pub const fn attribute_limits(self) -> AttributeLimits {
        match self {
            Self::Rtc => {
                AttributeLimits { attributes: 0, key_bytes: 0, value_bytes: 0, total_bytes: 0 }
            }
            Self::Zim => AttributeLimits {
                attributes: 20,
                key_bytes: 16,
                value_bytes: 1024,
                total_bytes: 5120,
            },
            Self::TencentLive => AttributeLimits {
                attributes: 10,
                key_bytes: 50,
                value_bytes: 2048,
                total_bytes: 16_384,
            },
        }
    }

    /// How many hexadecimal digits the vendor's secrets have.
    #[must_use]
    pub const fn secret_digits(self) -> usize {
        match self {
            Self::Rtc | Self::Zim => 32,
            Self::TencentLive => 64,
        }
    }

    /// The environment variable that holds the secret where the file names none.
    #[must_use]
    pub const fn default_secret_variable(self) -> &'static str {
        match self {
            Self::Rtc | Self::Zim => "ZEGO_SERVER_SECRET",
            Self::TencentLive => "TENCENT_SECRET_KEY",
        }
    }

    /// The vendor's own host, where the file names none: ZEGOCLOUD's is the same for all regions,
    /// Tencent's is China's, since an application lives at one site.
    #[must_use]
    pub const fn vendor_host(self) -> &'static str {
        match self {
            Self::Rtc => "rtc-api.zego.im",
            Self::Zim => "zim-api.zego.im",
            Self::TencentLive => "console.tim.qq.com",
        }
    }
}

/// How long an empty Tencent room lives, where the file says nothing else: Tencent sets it, from 10
/// minutes to 24 hours.
pub const DISSOLVE_AFTER: Duration = Duration::from_mins(30);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
