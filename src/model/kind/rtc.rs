//! ZEGOCLOUD RTC (Video Call).

use super::{
    AttributeLimits, Call, Change, EmptyLife, Field, FieldSpec, IdSpec, KindSpec, OnOccupied,
    Origin, SecretSpec, Shape, Undeclared,
};

/// RTC rooms: created by their first user, ended with the last one or closed by a call.
pub(super) const SPEC: KindSpec = KindSpec {
    name: "rtc",
    service: "ZEGOCLOUD RTC",
    about: "ZEGOCLOUD RTC: video rooms (Video Call), created by their first user",
    starter: include_str!("rtc.yaml"),
    // No call changes a room; the fields are sent with the call that closes it.
    fields: &[
        FieldSpec::new(Field::CloseReason, Shape::Text { most: 256 }, Change::Record),
        FieldSpec::new(Field::CloseCallback, Shape::Flag, Change::Record),
    ],
    undeclared: Undeclared::TakenOut,
    reports_fields: false,
    unreadable: &[],
    calls: &[(Call::CloseRoom, 1), (Call::DescribeUserNum, 10)],
    // See the page of DescribeUserNum.
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
    // A room exists only while people are inside, so waiting for it to be empty would never close it.
    on_occupied: OnOccupied::Destroy,
    // The page of CloseRoom specifies no characters: only characters that no URL can contain are
    // refused.
    room_id: IdSpec {
        max_bytes: 128,
        allows: |c| !c.is_control(),
        doubtful: "",
        help: "ZEGOCLOUD RTC accepts up to 128 bytes without control characters; letters beyond ASCII are \
               two to four bytes each",
    },
    operator: None,
    secret: SecretSpec { name: "ServerSecret", digits: 32, variable: "ZEGO_SERVER_SECRET" },
    // The host is the same for all regions.
    vendor_host: "rtc-api.zego.im",
};
