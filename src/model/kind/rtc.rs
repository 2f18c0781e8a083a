//! ZEGOCLOUD RTC (Video Call).

use super::{
    AttributeLimits, Call, Change, EmptyLife, Field, FieldSpec, IdSpec, KindSpec, OnOccupied,
    Origin, SecretSpec, Shape, Undeclared,
};

/// RTC rooms: made by their first user, gone with the last one; a call closes them.
pub(super) const SPEC: KindSpec = KindSpec {
    name: "rtc",
    service: "ZEGOCLOUD RTC",
    about: "ZEGOCLOUD RTC: video rooms (Video Call), created by their first user",
    starter: include_str!("rtc.yaml"),
    // No call changes a room; the fields go along with a close.
    fields: &[
        FieldSpec::new(Field::CloseReason, Shape::Text { most: 256 }, Change::Record),
        FieldSpec::new(Field::CloseCallback, Shape::Flag, Change::Record),
    ],
    undeclared: Undeclared::TakenOut,
    reports_fields: false,
    unreadable: &[],
    calls: &[(Call::CloseRoom, 1), (Call::DescribeUserNum, 10)],
    // The page of DescribeUserNum.
    test_limits: &[(Call::DescribeUserNum, 1)],
    origin: Origin::FirstUser,
    destroy_call: Call::CloseRoom,
    people_call: Call::DescribeUserNum,
    fields_call: None,
    attribute_calls: None,
    attribute_limits: AttributeLimits {
        attributes: 0,
        key_bytes: 0,
        value_bytes: 0,
        total_bytes: 0,
    },
    drops_attributes: false,
    auto_delete: false,
    empty_life: EmptyLife::None,
    // A room exists only while people are inside.
    on_occupied: OnOccupied::Destroy,
    // The page of CloseRoom says nothing of characters: only those that can be in no URL are refused.
    room_id: IdSpec {
        max_bytes: 128,
        allows: |c| !c.is_control(),
        doubtful: "",
        help: "ZEGOCLOUD RTC accepts up to 128 bytes without control characters; letters beyond ASCII are \
               two to four bytes each",
    },
    operator: None,
    secret: SecretSpec { name: "ServerSecret", digits: 32, variable: "ZEGO_SERVER_SECRET" },
    // The same for all regions.
    vendor_host: "rtc-api.zego.im",
};
