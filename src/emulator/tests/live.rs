//! Tencent's live rooms: their fields, codes, answers, and when they end.

use super::tencent::{SDK, live_code, plain, tencent};
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const ALMOST_A_SECOND: Duration = Duration::from_millis(999);
const ALMOST_HALF_AN_HOUR: Duration = Duration::from_millis(1_799_999);
const MOMENT: Duration = Duration::from_millis(1);

fn with(field: &str, value: Value) -> Value {
    let mut info = plain("show");
    info[field] = value;
    info
}

#[tokio::test(start_paused = true)]
async fn a_room_is_read_as_it_was_created() {
    let admin = AdminClient::new(tencent());
    assert_eq!(admin.import("host").await, 0);
    let fields = json!({"RoomId": "show", "RoomType": "Live", "SeatTemplate": "Karaoke",
        "RoomName": "A show", "Owner_Account": "host", "TakeSeatMode": "ApplyToTake",
        "MaxSeatCount": 4, "IsMessageDisabled": true, "IsPublicVisible": false,
        "CoverURL": "https://x/y.png", "Category": [1, 2, 3], "ActivityStatus": 7,
        "IsUnlimitedRoomEnabled": true});
    assert_eq!(admin.create(fields.clone()).await, 0);
    let mut info = admin.info("show").await;
    assert_eq!(info["CreateTime"], START / 1000 + 1);
    for (field, value) in fields.as_object().expect("an object") {
        assert_eq!(&info[field], value, "{field}");
    }
    assert_eq!((&info["MemberCount"], &info["Notice"]), (&json!(0), &json!("")));
    assert_eq!(info["MaxMemberCount"].take(), 0);
    let stats = &admin.app().rooms[&room("show")];
    let live = stats.live.as_ref().expect("a live room");
    assert_eq!((stats.name.as_deref(), live.owner.as_str()), (Some("A show"), "host"));
    assert_eq!((live.max_seats, live.muted, live.public, live.unlimited), (4, true, false, true));
}

#[tokio::test(start_paused = true)]
async fn fields_that_are_left_out_have_defaults() {
    let admin = AdminClient::new(tencent());
    assert_eq!(admin.plain("show").await, 0);
    let info = admin.info("show").await;
    assert_eq!((&info["RoomName"], &info["Owner_Account"]), (&json!("show"), &json!("admin")));
    assert_eq!(
        (&info["IsPublicVisible"], &info["IsMessageDisabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!((&info["MaxSeatCount"], &info["TakeSeatMode"]), (&json!(9), &json!("FreeToTake")));
}

#[tokio::test(start_paused = true)]
async fn invalid_missing_and_unknown_fields_are_refused() {
    let admin = AdminClient::new(tencent());
    for (field, good, bad) in [
        ("RoomId", json!("~".repeat(48)), json!("~".repeat(49))),
        ("RoomId", json!("a b"), json!("a\u{7f}")),
        ("RoomId", json!("a"), json!("ä")),
        ("RoomId", json!("b"), json!("")),
        ("RoomType", json!("Live"), json!("live")),
        ("SeatTemplate", json!("VideoLandscape4Seat"), json!("VideoLandscape4Seats")),
        ("SeatTemplate", json!("AudioSalon"), json!(null)),
        ("RoomName", json!("x".repeat(100)), json!("x".repeat(101))),
        ("Owner_Account", json!("admin"), json!("x".repeat(33))),
        ("Owner_Account", json!("admin"), json!("")),
        ("TakeSeatMode", json!("FreeToTake"), json!(1)),
        ("TakeSeatMode", json!("ApplyToTake"), json!("Free")),
        ("MaxSeatCount", json!(9), json!("9")),
        ("MaxSeatCount", json!(9), json!(-1)),
        ("IsMessageDisabled", json!(true), json!("true")),
        ("IsPublicVisible", json!(true), json!(1)),
        ("CoverURL", json!("x".repeat(200)), json!("x".repeat(201))),
        ("Category", json!([1, 2, 3]), json!([1, 2, 3, 4])),
        ("Category", json!([]), json!(["1"])),
        ("ActivityStatus", json!(1), json!("1")),
        ("IsUnlimitedRoomEnabled", json!(false), json!("no")),
    ] {
        assert_eq!(admin.create(with(field, bad)).await, 100_002, "{field}");
        assert!(admin.app().rooms.is_empty());
        let good = with(field, good);
        assert_eq!(admin.create(good.clone()).await, 0, "{field}");
        assert_eq!(admin.code("destroy_room", json!({"RoomId": good["RoomId"]})).await, 0);
    }
    for field in ["Notice", "MaxMemberCount", "Metadata", "room_name"] {
        assert_eq!(admin.create(with(field, json!("x"))).await, 100_002, "{field}");
    }
    for field in ["RoomId", "RoomType", "SeatTemplate"] {
        let mut info = plain("show");
        info.as_object_mut().expect("an object").remove(field);
        assert_eq!(admin.create(info).await, 100_002, "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_code_for_a_taken_id_depends_on_its_owner() {
    let admin =
        AdminClient::new(EmulatorConfig { chat_groups: [room("group")].into(), ..tencent() });
    admin.import("host").await;
    assert_eq!(admin.plain("show").await, 0);
    assert_eq!(admin.plain("show").await, 100_010);
    assert_eq!(admin.create(with("Owner_Account", json!("admin"))).await, 100_010);
    assert_eq!(admin.create(with("Owner_Account", json!("host"))).await, 100_003);
    assert_eq!(admin.plain("group").await, 100_011);
    assert_eq!(admin.code("destroy_room", json!({"RoomId": "group"})).await, 100_006);
}

#[tokio::test(start_paused = true)]
async fn an_owner_must_be_imported_or_the_caller() {
    for (unknown_owner, code) in
        [(UnknownOwner::NoAccount, 70_107), (UnknownOwner::InvalidParameter, 100_002)]
    {
        let admin = AdminClient::new(EmulatorConfig { unknown_owner, ..tencent() });
        assert_eq!(admin.create(with("Owner_Account", json!("host"))).await, code);
        assert_eq!((admin.import("host").await, admin.import("host").await), (0, 0));
        assert_eq!(admin.create(with("Owner_Account", json!("host"))).await, 0);
        assert_eq!(admin.app().users, ["host".to_owned()].into());
        assert_eq!(
            (admin.import("").await, admin.import(&"x".repeat(33)).await),
            (100_002, 100_002)
        );
        assert_eq!(admin.import(&"x".repeat(32)).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_create_of_an_id_in_a_second_is_refused() {
    let admin = AdminClient::new(tencent());
    let create = async |id: &str| admin.code("create_room", json!({"RoomInfo": plain(id)})).await;
    assert_eq!(create("show").await, 0);
    assert_eq!(create("other").await, 0);
    assert_eq!(admin.code("destroy_room", json!({"RoomId": "show"})).await, 0);
    assert_eq!(create("show").await, 100_012);
    tokio::time::advance(ALMOST_A_SECOND).await;
    assert_eq!(create("show").await, 100_012);
    tokio::time::advance(MOMENT).await;
    assert_eq!(create("show").await, 0);
    assert_eq!(create("other").await, 100_010);
    assert_eq!(create("other").await, 100_012);
    let unknown = with("Owner_Account", json!("host"));
    assert_eq!(admin.create(unknown.clone()).await, 100_003);
    assert_eq!(admin.code("create_room", json!({"RoomInfo": unknown})).await, 100_012);
    admin.0.emulator.advance(SECOND).expect("advanced");
    assert_eq!(create("show").await, 100_012, "the limit used the emulator's clock");
}

#[tokio::test(start_paused = true)]
async fn every_command_reports_a_missing_room() {
    let admin = AdminClient::new(tencent());
    for (command, body) in [
        ("destroy_room", json!({"RoomId": "show"})),
        ("get_room_info", json!({"RoomId": "show"})),
        ("update_room_info", json!({"RoomInfo": {"RoomId": "show"}})),
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": [{"Key": "a", "Value": "b"}]})),
        ("get_room_metadata", json!({"RoomId": "show", "Keys": []})),
        ("del_room_metadata", json!({"RoomId": "show", "Keys": ["a"]})),
    ] {
        assert_eq!(admin.code(command, body).await, 100_004, "{command}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_changes_only_the_given_fields() {
    let admin = AdminClient::new(tencent());
    admin.plain("show").await;
    let update = async |mut info: Value| {
        info["RoomId"] = json!("show");
        admin.code("update_room_info", json!({"RoomInfo": info})).await
    };
    let changes = json!({"RoomName": "New", "MaxMemberCount": 50, "IsMessageDisabled": true,
        "CoverURL": "x", "Category": [4], "ActivityStatus": 2, "IsPublicVisible": false,
        "TakeSeatMode": "ApplyToTake", "Notice": "x".repeat(100)});
    let mut expected = admin.info("show").await;
    for (field, value) in changes.as_object().expect("an object") {
        assert_eq!(update(json!({field: value})).await, 0, "{field}");
        expected[field] = value.clone();
        assert_eq!(admin.info("show").await, expected, "{field}");
    }
    for bad in [
        json!({"Notice": "x".repeat(101)}),
        json!({"RoomName": "x".repeat(101)}),
        json!({"CoverURL": "x".repeat(201)}),
        json!({"Category": [1, 2, 3, 4]}),
        json!({"TakeSeatMode": "Free"}),
        json!({"MaxMemberCount": "9"}),
        json!({"Owner_Account": "admin"}),
        json!({"RoomType": "Live"}),
        json!({"SeatTemplate": "Karaoke"}),
        json!({"MaxSeatCount": 3}),
        json!({"IsUnlimitedRoomEnabled": true}),
    ] {
        assert_eq!(update(bad.clone()).await, 100_002, "{bad}");
    }
    assert_eq!(admin.info("show").await, expected);
}

#[tokio::test(start_paused = true)]
async fn people_are_reported_in_the_configured_field() {
    for (head_count, field) in [
        (HeadCount::MemberCount, Some("MemberCount")),
        (HeadCount::OnlineCount, Some("OnlineCount")),
        (HeadCount::Omitted, None),
    ] {
        let admin = AdminClient::new(EmulatorConfig { head_count, ..tencent() });
        admin.plain("show").await;
        admin.0.emulator.enter(LIVE, SDK, &room("show"), 3).expect("entered");
        let info = admin.info("show").await;
        for one in ["MemberCount", "OnlineCount"] {
            assert_eq!(info.get(one), (field == Some(one)).then_some(&json!(3)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_content_has_no_response_field() {
    let admin = AdminClient::new(tencent());
    admin.plain("show").await;
    let answer = admin.send("destroy_room", &json!({"RoomId": "show"})).await;
    assert_eq!(live_code(&answer), 0);
    let mut fields: Vec<_> = answer.as_object().expect("an object").keys().collect();
    fields.sort();
    assert_eq!(fields, ["ActionStatus", "ErrorCode", "ErrorInfo", "RequestId"]);
    assert!(admin.app().rooms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_room_is_dissolved_half_an_hour_after_the_last_user_left() {
    let admin = AdminClient::new(tencent());
    let (show, emulator) = (room("show"), &admin.0.emulator);
    let advance = |span| emulator.advance(span).expect("advanced");
    admin.plain("show").await;
    admin.plain("quiet").await;
    advance(100 * HALF_AN_HOUR);
    assert_eq!(emulator.enter(LIVE, SDK, &show, 2).ok(), Some(2));
    assert_eq!(emulator.leave(LIVE, SDK, &show, Some(1)).ok(), Some(1));
    advance(100 * HALF_AN_HOUR);
    assert_eq!(emulator.leave(LIVE, SDK, &show, None).ok(), Some(0));
    advance(ALMOST_HALF_AN_HOUR);
    emulator.enter(LIVE, SDK, &show, 1).expect("still there");
    advance(HALF_AN_HOUR);
    emulator.leave(LIVE, SDK, &show, None).expect("left");
    advance(ALMOST_HALF_AN_HOUR);
    assert_eq!(admin.info("show").await["RoomId"], "show");
    advance(MOMENT);
    assert_eq!(admin.code("get_room_info", json!({"RoomId": "show"})).await, 100_004);
    assert_eq!(admin.app().rooms.len(), 1, "the room that no one entered was dissolved too");
    let gone = emulator.enter(LIVE, SDK, &show, 1);
    assert!(matches!(gone, Err(EmulatorError::NoSuchRoom { kind: LIVE, app: SDK, .. })));
}

#[tokio::test(start_paused = true)]
async fn each_application_has_its_own_dissolve_time() {
    let admin =
        AdminClient::new(EmulatorConfig { dissolve_after: [(SDK, SECOND)].into(), ..tencent() });
    admin.plain("show").await;
    admin.0.emulator.enter(LIVE, SDK, &room("show"), 1).expect("entered");
    admin.0.emulator.leave(LIVE, SDK, &room("show"), None).expect("left");
    assert_eq!(admin.app().rooms[&room("show")].empty, Some(admin.0.emulator.now().plus(SECOND)));
    admin.0.emulator.advance(SECOND).expect("advanced");
    assert!(admin.app().rooms.is_empty());
    assert_eq!(admin.plain("show").await, 0);
}
