//! What the data file holds of every kind, and that a file of an earlier version still opens.

use super::files::{Place, put};
use super::tencent::{KEY, SDK, Url, live_code, plain};
use super::*;

/// A service of every kind, the ZEGOCLOUD ones with the same id and secret.
fn all() -> EmulatorConfig {
    let app =
        |kind, app_id, secret: &str| App { kind, app_id, secret: Secret::new(secret.to_owned()) };
    EmulatorConfig::new(vec![app(ZIM, APP, SECRET), app(RTC, APP, SECRET), app(LIVE, SDK, KEY)])
}

fn open(data: Data) -> Desk {
    Desk(Hand::open(all(), data).expect("open"))
}

fn write(place: &Place) -> Desk {
    open(Data::File(place.path.clone()))
}

fn rooms(desk: &Desk) -> Vec<(BTreeMap<RoomId, RoomStats>, BTreeMap<RoomId, ClosingStats>)> {
    let stats = desk.0.stats();
    let apps = [stats.app(ZIM, APP), stats.app(RTC, APP), stats.app(LIVE, SDK)];
    apps.map(|app| (app.rooms, app.closings)).into()
}

/// Rooms of every kind: with people, without, closed, dissolved and about to be.
async fn fill(desk: &Desk) {
    let hand = &desk.0;
    hand.register().await;
    assert_eq!(hand.create("lobby", 3600).await, 0);
    for id in ["stage", "wing"] {
        hand.emulator.enter(RTC, APP, &room(id), 3).expect("entered");
    }
    assert_eq!(code(&hand.get("CloseRoom", "RoomId=wing&CustomReason=over").await), 0);
    assert_eq!(desk.import("host").await, 0);
    for id in ["show", "left", "gone"] {
        assert_eq!(desk.plain(id).await, 0);
    }
    let metadata = json!({"RoomId": "show", "Metadata": [{"Key": "a", "Value": "b"}]});
    assert_eq!(desk.code("set_room_metadata", metadata).await, 0);
    let update = json!({"RoomInfo": {"RoomId": "show", "Notice": "soon", "Category": [1]}});
    assert_eq!(desk.code("update_room_info", update).await, 0);
    hand.emulator.enter(LIVE, SDK, &room("left"), 1).expect("entered");
    hand.emulator.leave(LIVE, SDK, &room("left"), None).expect("left");
    assert_eq!(desk.code("destroy_room", json!({"RoomId": "gone"})).await, 0);
}

#[tokio::test(start_paused = true)]
async fn rooms_of_every_kind_outlive_the_process() {
    let place = Place::new();
    let desk = write(&place);
    fill(&desk).await;
    let before = rooms(&desk);
    assert_eq!(before.iter().map(|(rooms, _)| rooms.len()).sum::<usize>(), 4);
    drop(desk);
    // From the log alone, then from the snapshot alone.
    for _ in 0..2 {
        let desk = write(&place);
        assert_eq!(rooms(&desk), before);
        assert_eq!(desk.app().users, ["host".to_owned()].into());
        desk.0.emulator.fold().expect("folded");
    }
    let desk = write(&place);
    desk.0.emulator.advance(Duration::from_mins(31)).expect("advanced");
    assert_eq!(desk.app().rooms.keys().collect::<Vec<_>>(), [&room("show")]);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_the_first_version_still_opens() {
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
    let desk = write(&place);
    let app = desk.0.app();
    assert_eq!((app.rooms.len(), app.users.len()), (2, 1));
    let (a, b) = (&app.rooms[&room("a")], &app.rooms[&room("b")]);
    assert_eq!((a.name.as_deref(), a.attributes.len(), b.people), (Some("A"), 1, 5));
    assert_eq!(desk.plain("show").await, 0);
    assert_eq!(desk.app().rooms.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_only_reads_is_refused_by_each_service_in_its_own_words() {
    let place = Place::new();
    let desk = write(&place);
    desk.0.emulator.enter(RTC, APP, &room("stage"), 1).expect("entered");
    drop(desk);
    let desk = open(Data::ReadOnly(place.path.clone()));
    assert_eq!(code(&desk.0.get("CloseRoom", "RoomId=stage").await), 9);
    assert_eq!(desk.plain("show").await, 60_017);
    let entered = desk.0.emulator.enter(RTC, APP, &room("other"), 1);
    assert!(matches!(entered, Err(EmulatorError::ReadOnly)));
    assert_eq!(desk.code("get_room_info", json!({"RoomId": "show"})).await, 100_004);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_stored_is_an_internal_error() {
    let place = Place::new();
    let desk = write(&place);
    desk.0.emulator.enter(RTC, APP, &room("stage"), 1).expect("entered");
    let full = std::fs::OpenOptions::new().append(true).open("/dev/full");
    let mut file = full.expect("a full disk");
    desk.0.emulator.parts().0.swap(&mut file);
    assert_eq!(code(&desk.0.get("CloseRoom", "RoomId=stage").await), 1);
    let body = json!({"RoomInfo": plain("show")});
    let answer = desk.sent("live_engine_http_srv/create_room", &body, Url::good()).await;
    assert_eq!(live_code(&answer), 100_001);
    assert_eq!((rooms(&desk)[1].0.len(), desk.app().rooms.len()), (1, 0));
}
