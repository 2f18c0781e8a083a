//! Tencent's live rooms (`live_engine_http_srv`).

use std::time::Duration;

use super::{
    AttributeCalls, AttributeLimits, Call, Change, EmptyLife, Field, FieldSpec, IdSpec, KindSpec,
    MissingField, OnOccupied, OperatorSpec, Origin, SecretSpec, Shape, Undeclared,
};

/// Tencent's live rooms: created by a call, dissolved by the service some time after they became empty.
pub(super) const SPEC: KindSpec = KindSpec {
    name: "tencent-live",
    service: "Tencent",
    about: "Tencent: live rooms, created by a call",
    starter: include_str!("tencent-live.yaml"),
    // The fields that change in place are those on the page of update_room_info.
    fields: &[
        FieldSpec::new(Field::Name, Shape::Text { most: 100 }, Change::InPlace).not_empty("a name"),
        FieldSpec::new(Field::Owner, Shape::Text { most: 32 }, Change::Replace)
            .not_empty("the user who owns the room"),
        // Mandatory on the newest pages of create_room.
        FieldSpec::new(Field::SeatTemplate, Shape::Choice(SEAT_TEMPLATES), Change::Replace)
            .if_missing(MissingField {
                code: "no_seat_template",
                message: "without `seat_template` Tencent may refuse to create the room",
                help: "write `seat_template: VideoDynamicGrid9Seats`, or another, here or in `defaults`",
            }),
        FieldSpec::new(Field::TakeSeatMode, Shape::Choice(TAKE_SEAT_MODES), Change::InPlace),
        FieldSpec::new(Field::MaxSeats, Shape::Number { least: 1 }, Change::Replace),
        FieldSpec::new(Field::MaxMembers, Shape::Number { least: 1 }, Change::InPlace)
            .set_after_create(),
        FieldSpec::new(Field::CoverUrl, Shape::Text { most: 200 }, Change::InPlace),
        FieldSpec::new(Field::Category, Shape::Numbers { most: 3 }, Change::InPlace),
        FieldSpec::new(Field::ActivityStatus, Shape::Number { least: 0 }, Change::InPlace),
        FieldSpec::new(Field::Notice, Shape::Text { most: 100 }, Change::InPlace)
            .set_after_create(),
        FieldSpec::new(Field::Muted, Shape::Flag, Change::InPlace),
        FieldSpec::new(Field::Public, Shape::Flag, Change::InPlace),
        FieldSpec::new(Field::Unlimited, Shape::Flag, Change::Replace),
        FieldSpec::new(Field::Attributes, Shape::Attributes, Change::InPlace).set_after_create(),
    ],
    // The service has defaults for unset fields, and no call unsets a field.
    undeclared: Undeclared::Kept,
    reports_fields: true,
    unreadable: &[],
    calls: &[
        (Call::LiveCreateRoom, 200),
        (Call::LiveDestroyRoom, 200),
        (Call::LiveGetRoomInfo, 200),
        (Call::LiveUpdateRoomInfo, 200),
        (Call::LiveSetRoomMetadata, 200),
        (Call::LiveGetRoomMetadata, 200),
        (Call::LiveDelRoomMetadata, 200),
        (Call::AccountImport, 200),
    ],
    test_limits: &[],
    origin: Origin::Call(Call::LiveCreateRoom),
    destroy_call: Call::LiveDestroyRoom,
    people_call: Call::LiveGetRoomInfo,
    fields_call: Some(Call::LiveUpdateRoomInfo),
    attribute_calls: Some(AttributeCalls {
        set: Call::LiveSetRoomMetadata,
        delete: Call::LiveDelRoomMetadata,
    }),
    // See the pages of room metadata.
    attribute_limits: AttributeLimits {
        attributes: 10,
        key_bytes: 50,
        value_bytes: 2048,
        total_bytes: 16_384,
    },
    drops_attributes: false,
    auto_delete: false,
    empty_life: EmptyLife::OfApplication {
        default: Duration::from_mins(30),
        range: Duration::from_mins(10)..=Duration::from_hours(24),
    },
    // The service does not reliably report the people inside.
    on_occupied: OnOccupied::Destroy,
    room_id: IdSpec {
        max_bytes: 48,
        allows: |c| matches!(c, ' '..='~'),
        doubtful: "",
        help: "Tencent accepts up to 48 bytes of printable ASCII",
    },
    // The page of UserID specifies the length only. A control character would end the id in the text
    // that UserSig signs.
    operator: Some(OperatorSpec {
        id: IdSpec {
            max_bytes: 32,
            allows: |c| !c.is_control(),
            doubtful: "",
            help: "Tencent accepts up to 32 bytes without control characters",
        },
        registered_by: None,
    }),
    secret: SecretSpec { name: "SecretKey", digits: 64, variable: "TENCENT_SECRET_KEY" },
    // The host of the China site, since an application belongs to one site.
    vendor_host: "console.tim.qq.com",
};

/// The seat layouts that the pages list.
const SEAT_TEMPLATES: &[&str] = &[
    "VideoDynamicGrid9Seats",
    "VideoDynamicFloat7Seats",
    "VideoFixedGrid9Seats",
    "VideoFixedFloat7Seats",
    "VideoLandscape4Seat",
    "AudioSalon",
    "Karaoke",
];

const TAKE_SEAT_MODES: &[&str] = &["FreeToTake", "ApplyToTake"];
