//! The data file with rooms of every kind, and the compatibility with its first version.

use super::files::{Place, put};
use super::tencent::{KEY, SDK, Url, live_code, plain};
use super::*;

/// Returns the configuration of one application of each kind; those of ZEGOCLOUD have the same id and
/// secret.
fn all() -> EmulatorConfig {
    let app =
        |kind, app_id, secret: &str| App { kind, app_id, secret: Secret::new(secret.to_owned()) };
    EmulatorConfig::new(vec![app(ZIM, APP, SECRET), app(RTC, APP, SECRET), app(LIVE, SDK, KEY)])
}

fn open(data: Data) -> AdminClient {
    AdminClient(TestClient::open(all(), data).expect("open"))
}

fn write(place: &Place) -> AdminClient {
    open(Data::File(place.path.clone()))
}

fn rooms(
    admin: &AdminClient,
) -> Vec<(BTreeMap<RoomId, RoomStats>, BTreeMap<RoomId, ClosingStats>)> {
    let stats = admin.0.stats();
    let apps = [stats.app(ZIM, APP), stats.app(RTC, APP), stats.app(LIVE, SDK)];
    apps.map(|app| (app.rooms, app.closings)).into()
}

/// Creates rooms of every kind: with people, empty, closed, dissolved, and with a scheduled end.
async fn fill(admin: &AdminClient) {
    let client = &admin.0;
    client.register().await;
    assert_eq!(client.create("lobby", 3600).await, 0);
    for id in ["stage", "wing"] {
        client.emulator.enter(RTC, APP, &room(id), 3).expect("entered");
    }
    assert_eq!(code(&client.get("CloseRoom", "RoomId=wing&CustomReason=over").await), 0);
    assert_eq!(admin.import("host").await, 0);
    for id in ["show", "left", "gone"] {
        assert_eq!(admin.plain(id).await, 0);
    }
    let metadata = json!({"RoomId": "show", "Metadata": [{"Key": "a", "Value": "b"}]});
    assert_eq!(admin.code("set_room_metadata", metadata).await, 0);
    let update = json!({"RoomInfo": {"RoomId": "show", "Notice": "soon", "Category": [1]}});
    assert_eq!(admin.code("update_room_info", update).await, 0);
    client.emulator.enter(LIVE, SDK, &room("left"), 1).expect("entered");
    client.emulator.leave(LIVE, SDK, &room("left"), None).expect("left");
    assert_eq!(admin.code("destroy_room", json!({"RoomId": "gone"})).await, 0);
}

#[tokio::test(start_paused = true)]
async fn rooms_of_every_kind_are_restored_from_log_and_snapshot() {
    let place = Place::new();
    let admin = write(&place);
    fill(&admin).await;
    let before = rooms(&admin);
    assert_eq!(before.iter().map(|(rooms, _)| rooms.len()).sum::<usize>(), 4);
    drop(admin);
    // First from the log only, then from the snapshot only.
    for _ in 0..2 {
        let admin = write(&place);
        assert_eq!(rooms(&admin), before);
        assert_eq!(admin.app().users, ["host".to_owned()].into());
        admin.0.emulator.fold().expect("folded");
    }
    let admin = write(&place);
    admin.0.emulator.advance(Duration::from_mins(31)).expect("advanced");
    assert_eq!(admin.app().rooms.keys().collect::<Vec<_>>(), [&room("show")]);
}

#[tokio::test(start_paused = true)]
async fn a_data_file_of_the_first_version_is_read() {
    let place = Place::new();
    put(
        &place.path,
        br#"{"version":1,"serial":3,"world":[
{"ahead":{"milliseconds":300000}},
{"users":{"app":12345,"ids":["admin"]}},
{"room":{"app":12345,"id":"a","room":{"name":"A","delay":3600,"sequence":1,"attributes":{"topic":{"value":"hi","auto_delete":false,"sequence":1}},"inside":{"nobody_yet":{"since":"2021-03-08T07:02:23.000Z"}}}}}
]}
"#,
    );
    put(
        &place.log(),
        br#"{"serial":4,"change":{"room":{"app":12345,"id":"b","room":{"name":null,"delay":60,"sequence":0,"attributes":{},"inside":{"people":5}}}}}
{"serial":5,"change":{"gone":{"app":12345,"id":"c"}}}
"#,
    );
    let admin = write(&place);
    let app = admin.0.app();
    assert_eq!((app.rooms.len(), app.users.len()), (2, 1));
    let (a, b) = (&app.rooms[&room("a")], &app.rooms[&room("b")]);
    assert_eq!((a.name.as_deref(), a.attributes.len(), b.people), (Some("A"), 1, 5));
    assert_eq!(admin.plain("show").await, 0);
    assert_eq!(admin.app().rooms.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_read_only_data_is_refused_with_a_code_of_the_service() {
    let place = Place::new();
    let admin = write(&place);
    admin.0.emulator.enter(RTC, APP, &room("stage"), 1).expect("entered");
    drop(admin);
    let admin = open(Data::ReadOnly(place.path.clone()));
    assert_eq!(code(&admin.0.get("CloseRoom", "RoomId=stage").await), 9);
    assert_eq!(admin.plain("show").await, 60_017);
    let entered = admin.0.emulator.enter(RTC, APP, &room("other"), 1);
    assert!(matches!(entered, Err(EmulatorError::ReadOnly)));
    assert_eq!(admin.code("get_room_info", json!({"RoomId": "show"})).await, 100_004);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_stored_is_an_internal_error() {
    let place = Place::new();
    let admin = write(&place);
    admin.0.emulator.enter(RTC, APP, &room("stage"), 1).expect("entered");
    let full = std::fs::OpenOptions::new().append(true).open("/dev/full");
    let mut file = full.expect("a full disk");
    admin.0.emulator.parts().0.swap(&mut file);
    assert_eq!(code(&admin.0.get("CloseRoom", "RoomId=stage").await), 1);
    let body = json!({"RoomInfo": plain("show")});
    let answer = admin.send_with("live_engine_http_srv/create_room", &body, Url::valid()).await;
    assert_eq!(live_code(&answer), 100_001);
    assert_eq!((rooms(&admin)[1].0.len(), admin.app().rooms.len()), (1, 0));
}
