//! ZEGOCLOUD ZIM (In-app Chat).

use super::{
    AttributeCalls, AttributeLimits, Call, Change, EmptyLife, Field, FieldSpec, IdSpec, KindSpec,
    MissingField, OnOccupied, OperatorSpec, Origin, SecretSpec, Shape, Undeclared,
};

/// ZIM rooms: created by a call, destroyed by the service after they were empty for their delay.
pub(super) const SPEC: KindSpec = KindSpec {
    name: "zim",
    service: "ZIM",
    about: "ZEGOCLOUD ZIM: chat rooms (In-app Chat), created by a call",
    starter: include_str!("zim.yaml"),
    // No call changes a name or a delay.
    fields: &[
        FieldSpec::new(Field::Name, Shape::Text { most: 64 }, Change::Replace),
        FieldSpec::new(Field::DestroyDelayTime, Shape::Delay { most: 10_800 }, Change::Replace)
            .if_missing(MissingField {
                code: "no_delay",
                message: "without `destroy_delay_time` the service destroys the room as soon as it is empty",
                help: "write `destroy_delay_time: 1h` here, or in `defaults`",
            }),
        FieldSpec::new(Field::Attributes, Shape::Attributes, Change::InPlace),
    ],
    undeclared: Undeclared::TakenOut,
    reports_fields: false,
    unreadable: &[Field::Name, Field::DestroyDelayTime],
    calls: &[
        (Call::CreateRoom, 20),
        (Call::DestroyRoom, 20),
        (Call::ModifyRoomAttribute, 20),
        (Call::QueryRoomAttribute, 20),
        (Call::QueryRoomUserList, 20),
        (Call::UserRegister, 20),
    ],
    test_limits: &[],
    origin: Origin::Call(Call::CreateRoom),
    destroy_call: Call::DestroyRoom,
    people_call: Call::QueryRoomUserList,
    fields_call: None,
    attribute_calls: Some(AttributeCalls {
        set: Call::ModifyRoomAttribute,
        delete: Call::ModifyRoomAttribute,
    }),
    // See the SDK guide; raised on request.
    attribute_limits: AttributeLimits {
        attributes: 20,
        key_bytes: 16,
        value_bytes: 1024,
        total_bytes: 5120,
    },
    drops_attributes: true,
    auto_delete: true,
    empty_life: EmptyLife::OfRoom,
    on_occupied: OnOccupied::Defer,
    room_id: ID,
    operator: Some(OperatorSpec { id: ID, registered_by: Some(Call::UserRegister) }),
    secret: SecretSpec { name: "ServerSecret", digits: 32, variable: "ZEGO_SERVER_SECRET" },
    // The host is the same for all regions.
    vendor_host: "zim-api.zego.im",
};

/// RoomId, and UserId with the same characters: letters, digits and certain marks. The pages differ; a
/// mark that any of them lists is accepted.
const ID: IdSpec = IdSpec {
    max_bytes: 32,
    allows: |c| c.is_ascii_alphanumeric() || is_in(MARKS, c) || is_in(DOUBTFUL, c),
    doubtful: DOUBTFUL,
    help: "ZIM accepts up to 32 bytes: letters, digits and ! # $ % & ( ) + - : ; < = . > ? @ [ ] ^ _ { and \
           spaces",
};

/// The marks that every page lists, besides letters and digits.
const MARKS: &str = "!#$%&()+-:;<=.>?@[]^_ {";

/// The marks that some pages list and others do not.
const DOUBTFUL: &str = ",}|~";

fn is_in(marks: &str, c: char) -> bool {
    marks.contains(c)
}
