//! RTC rooms: there while people are inside, counted in batches, closed one a second.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rtc() -> EmulatorConfig {
    EmulatorConfig::new(vec![App {
        kind: RTC,
        app_id: APP,
        secret: Secret::new(SECRET.to_owned()),
    }])
}

fn app(hand: &Hand) -> AppStats {
    hand.stats().app(RTC, APP)
}

fn enter(hand: &Hand, id: &str, users: u64) {
    hand.emulator.enter(RTC, APP, &room(id), users).expect("entered");
}

/// Closes a room a second after whatever came before.
async fn close(hand: &Hand, query: &str) -> i64 {
    tokio::time::advance(SECOND).await;
    code(&hand.get("CloseRoom", query).await)
}

async fn count(hand: &Hand, query: &str) -> i64 {
    code(&hand.get("DescribeUserNum", query).await)
}

#[tokio::test(start_paused = true)]
async fn a_room_appears_with_its_first_user_and_goes_with_its_last() {
    let hand = Hand::new(rtc());
    let leave = |users| hand.emulator.leave(RTC, APP, &room("stage"), users);
    assert!(matches!(leave(None), Err(EmulatorError::NoSuchRoom { kind: RTC, app: APP, .. })));
    enter(&hand, "stage", 0);
    assert!(app(&hand).rooms.is_empty());
    enter(&hand, "stage", 3);
    hand.emulator.advance(Duration::from_hours(1000)).expect("advanced");
    assert_eq!(leave(Some(1)).ok(), Some(2));
    assert_eq!(app(&hand).rooms[&room("stage")].people, 2);
    assert_eq!(leave(None).ok(), Some(0));
    assert!(app(&hand).rooms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn people_are_counted_as_the_page_shows() {
    let hand = Hand::new(rtc());
    enter(&hand, "room1", 2);
    let answer = hand.get("DescribeUserNum", "RoomId[]=room1&RoomId%5B%5D=none").await;
    assert_eq!((code(&answer), &answer["Message"]), (0, &json!("success")));
    assert!(answer["RequestId"].is_string());
    let list = json!({"UserCountList": [
        {"RoomId": "room1", "UserCount": 2, "AdminUserCount": 0},
        {"RoomId": "none", "UserCount": 0, "AdminUserCount": 0}]});
    assert_eq!(answer["Data"], list);
}

#[tokio::test(start_paused = true)]
async fn a_count_is_held_to_ten_rooms() {
    let hand = Hand::new(rtc());
    let ids =
        |count: usize| (0..count).map(|n| format!("RoomId[]={n}")).collect::<Vec<_>>().join("&");
    assert_eq!(count(&hand, &ids(10)).await, 0);
    assert_eq!(count(&hand, &ids(11)).await, 2);
    assert_eq!(count(&hand, "").await, 2);
    assert_eq!(count(&hand, "RoomId=a").await, 2);
    assert_eq!(count(&hand, "RoomId[]=").await, 2);
    assert_eq!(count(&hand, &format!("RoomId[]={}", "x".repeat(128))).await, 0);
    assert_eq!(count(&hand, &format!("RoomId[]={}", "x".repeat(129))).await, 3);
    assert_eq!(count(&hand, "RoomId[]=a&IsTest=true").await, 0);
    assert_eq!(count(&hand, "RoomId[]=a&IsTest=1").await, 2);
    assert_eq!(code(&hand.post("DescribeUserNum", &json!({})).await), 100_000_007);
}

#[tokio::test(start_paused = true)]
async fn a_close_throws_everybody_out_and_is_remembered() {
    let hand = Hand::new(rtc());
    enter(&hand, "stage", 300);
    assert_eq!(
        close(&hand, "RoomId=stage&CustomReason=the%20end%21&RoomCloseCallback=true").await,
        0
    );
    assert!(app(&hand).rooms.is_empty());
    let told = ClosingStats { reason: Some("the end!".to_owned()), callback: true };
    assert_eq!(app(&hand).closings[&room("stage")], told);
    enter(&hand, "stage", 1);
    assert_eq!(close(&hand, "RoomId=stage").await, 0);
    let told = ClosingStats { reason: None, callback: false };
    assert_eq!(app(&hand).closings[&room("stage")], told);
}

#[tokio::test(start_paused = true)]
async fn a_missing_room_is_told_both_ways() {
    let hand = Hand::new(rtc());
    let codes = [close(&hand, "RoomId=room-1").await, close(&hand, "RoomId=room-2").await];
    assert_eq!(codes, [5024, 5018]);
    assert!(app(&hand).closings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_close_is_held_to_its_page() {
    let hand = Hand::new(rtc());
    enter(&hand, "a", 1);
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
        assert_eq!(close(&hand, &query).await, expected, "{query}");
    }
    let id = "x".repeat(128);
    enter(&hand, &id, 1);
    assert_eq!(close(&hand, &format!("RoomId={id}&IsTest=false")).await, 0);
    assert_eq!(code(&hand.post("CloseRoom", &json!({})).await), 100_000_007);
}

#[tokio::test(start_paused = true)]
async fn one_close_a_second_over_all_rooms_and_ten_counts() {
    let hand = Hand::new(rtc());
    enter(&hand, "a", 1);
    enter(&hand, "b", 1);
    assert_eq!(close(&hand, "RoomId=a").await, 0);
    tokio::time::advance(Duration::from_millis(999)).await;
    assert_eq!(code(&hand.get("CloseRoom", "RoomId=b").await), 206);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(code(&hand.get("CloseRoom", "RoomId=b").await), 0);
    for _ in 0..10 {
        assert_eq!(count(&hand, "RoomId[]=a").await, 0);
    }
    assert_eq!(count(&hand, "RoomId[]=a").await, 206);
    assert_eq!(app(&hand).answered(Action::CloseRoom, 206), 1);
    assert_eq!(app(&hand).busiest_second(Action::CloseRoom), 2);
}
