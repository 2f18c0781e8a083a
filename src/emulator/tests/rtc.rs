//! RTC rooms: they exist while people are inside, are counted in batches, and closed once a second.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rtc() -> EmulatorConfig {
    EmulatorConfig::new(vec![App {
        kind: RTC,
        app_id: APP,
        secret: Secret::new(SECRET.to_owned()),
    }])
}

fn app(client: &TestClient) -> AppStats {
    client.stats().app(RTC, APP)
}

fn enter(client: &TestClient, id: &str, users: u64) {
    client.emulator.enter(RTC, APP, &room(id), users).expect("entered");
}

/// Waits a second for the rate limit, and closes a room.
async fn close(client: &TestClient, query: &str) -> i64 {
    tokio::time::advance(SECOND).await;
    code(&client.get("CloseRoom", query).await)
}

async fn count(client: &TestClient, query: &str) -> i64 {
    code(&client.get("DescribeUserNum", query).await)
}

#[tokio::test(start_paused = true)]
async fn a_room_exists_from_its_first_user_to_its_last() {
    let client = TestClient::new(rtc());
    let leave = |users| client.emulator.leave(RTC, APP, &room("stage"), users);
    assert!(matches!(leave(None), Err(EmulatorError::NoSuchRoom { kind: RTC, app: APP, .. })));
    enter(&client, "stage", 0);
    assert!(app(&client).rooms.is_empty());
    enter(&client, "stage", 3);
    client.emulator.advance(Duration::from_hours(1000)).expect("advanced");
    assert_eq!(leave(Some(1)).ok(), Some(2));
    assert_eq!(app(&client).rooms[&room("stage")].people, 2);
    assert_eq!(leave(None).ok(), Some(0));
    assert!(app(&client).rooms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn people_are_counted_in_the_documented_format() {
    let client = TestClient::new(rtc());
    enter(&client, "room1", 2);
    let answer = client.get("DescribeUserNum", "RoomId[]=room1&RoomId%5B%5D=none").await;
    assert_eq!((code(&answer), &answer["Message"]), (0, &json!("success")));
    assert!(answer["RequestId"].is_string());
    let list = json!({"UserCountList": [
        {"RoomId": "room1", "UserCount": 2, "AdminUserCount": 0},
        {"RoomId": "none", "UserCount": 0, "AdminUserCount": 0}]});
    assert_eq!(answer["Data"], list);
}

#[tokio::test(start_paused = true)]
async fn a_count_of_more_than_ten_or_invalid_rooms_is_refused() {
    let client = TestClient::new(rtc());
    let ids =
        |count: usize| (0..count).map(|n| format!("RoomId[]={n}")).collect::<Vec<_>>().join("&");
    assert_eq!(count(&client, &ids(10)).await, 0);
    assert_eq!(count(&client, &ids(11)).await, 2);
    assert_eq!(count(&client, "").await, 2);
    assert_eq!(count(&client, "RoomId=a").await, 2);
    assert_eq!(count(&client, "RoomId[]=").await, 2);
    assert_eq!(count(&client, &format!("RoomId[]={}", "x".repeat(128))).await, 0);
    assert_eq!(count(&client, &format!("RoomId[]={}", "x".repeat(129))).await, 3);
    assert_eq!(count(&client, "RoomId[]=a&IsTest=true").await, 0);
    assert_eq!(count(&client, "RoomId[]=a&IsTest=1").await, 2);
    assert_eq!(code(&client.post("DescribeUserNum", &json!({})).await), 100_000_007);
}

#[tokio::test(start_paused = true)]
async fn a_close_removes_the_room_and_records_its_parameters() {
    let client = TestClient::new(rtc());
    enter(&client, "stage", 300);
    assert_eq!(
        close(&client, "RoomId=stage&CustomReason=the%20end%21&RoomCloseCallback=true").await,
        0
    );
    assert!(app(&client).rooms.is_empty());
    let closing = ClosingStats { reason: Some("the end!".to_owned()), callback: true };
    assert_eq!(app(&client).closings[&room("stage")], closing);
    enter(&client, "stage", 1);
    assert_eq!(close(&client, "RoomId=stage").await, 0);
    let closing = ClosingStats { reason: None, callback: false };
    assert_eq!(app(&client).closings[&room("stage")], closing);
}

#[tokio::test(start_paused = true)]
async fn a_missing_room_has_both_documented_codes() {
    let client = TestClient::new(rtc());
    let codes = [close(&client, "RoomId=room-1").await, close(&client, "RoomId=room-2").await];
    assert_eq!(codes, [5024, 5018]);
    assert!(app(&client).closings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn invalid_parameters_of_a_close_are_refused() {
    let client = TestClient::new(rtc());
    enter(&client, "a", 1);
    let long = |count: usize| "%C3%A4".repeat(count);
    for (query, expected) in [
        ("RoomId=".to_owned(), 2),
        (String::new(), 2),
        (format!("RoomId={}", "x".repeat(129)), 3),
        (format!("RoomId=a&CustomReason={}x", long(128)), 3),
        ("RoomId=a&RoomCloseCallback=1".to_owned(), 2),
        ("RoomId=a&RoomCloseCallback=True".to_owned(), 2),
        ("RoomId=a&IsTest=yes".to_owned(), 2),
        (format!("RoomId=a&RoomCloseCallback=false&CustomReason={}", long(128)), 0),
    ] {
        assert_eq!(close(&client, &query).await, expected, "{query}");
    }
    let id = "x".repeat(128);
    enter(&client, &id, 1);
    assert_eq!(close(&client, &format!("RoomId={id}&IsTest=false")).await, 0);
    assert_eq!(code(&client.post("CloseRoom", &json!({})).await), 100_000_007);
}

#[tokio::test(start_paused = true)]
async fn closes_and_counts_over_their_limits_are_too_often() {
    let client = TestClient::new(rtc());
    enter(&client, "a", 1);
    enter(&client, "b", 1);
    assert_eq!(close(&client, "RoomId=a").await, 0);
    tokio::time::advance(Duration::from_millis(999)).await;
    assert_eq!(code(&client.get("CloseRoom", "RoomId=b").await), 206);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(code(&client.get("CloseRoom", "RoomId=b").await), 0);
    for _ in 0..10 {
        assert_eq!(count(&client, "RoomId[]=a").await, 0);
    }
    assert_eq!(count(&client, "RoomId[]=a").await, 206);
    assert_eq!(app(&client).answered(Action::CloseRoom, 206), 1);
    assert_eq!(app(&client).busiest_second(Action::CloseRoom), 2);
}
