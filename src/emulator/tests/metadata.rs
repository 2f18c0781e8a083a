//! A live room's metadata: at each limit, and one above it.

use super::tencent::{SDK, live_code, tencent};
use super::*;

async fn show() -> Desk {
    let desk = Desk::new(tencent());
    assert_eq!(desk.plain("show").await, 0);
    desk
}

async fn set(desk: &Desk, entries: &[(&str, &str)]) -> i64 {
    let entries: Vec<_> =
        entries.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    desk.code("set_room_metadata", json!({"RoomId": "show", "Metadata": entries})).await
}

async fn read(desk: &Desk, keys: Value) -> Value {
    let answer = desk.send("get_room_metadata", &json!({"RoomId": "show", "Keys": keys})).await;
    assert_eq!(live_code(&answer), 0);
    answer["Response"]["Metadata"].clone()
}

async fn delete(desk: &Desk, keys: Value) -> i64 {
    desk.code("del_room_metadata", json!({"RoomId": "show", "Keys": keys})).await
}

#[tokio::test(start_paused = true)]
async fn keys_are_set_read_and_deleted() {
    let desk = show().await;
    assert_eq!(set(&desk, &[("topic", "welcome"), ("lang", "en")]).await, 0);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(set(&desk, &[("topic", "bye")]).await, 0);
    let made = START / 1000 + 1;
    let (lang, topic) = (
        json!({"Key": "lang", "Value": "en", "SetTime": made}),
        json!({"Key": "topic", "Value": "bye", "SetTime": made + 5}),
    );
    assert_eq!(read(&desk, json!([])).await, json!([lang, topic]));
    assert_eq!(read(&desk, json!(["topic", "none"])).await, json!([topic]));
    assert_eq!(delete(&desk, json!(["topic", "none"])).await, 0);
    assert_eq!(delete(&desk, json!(["topic", "none"])).await, 100_503);
    assert_eq!(read(&desk, json!([])).await, json!([lang]));
    assert_eq!(desk.app().rooms[&room("show")].attributes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_keys_is_limited() {
    let desk = show().await;
    for n in 0..10 {
        assert_eq!(set(&desk, &[(&n.to_string(), "v")]).await, 0);
    }
    assert_eq!(set(&desk, &[("0", "new"), ("10", "v")]).await, 100_500);
    assert_eq!(read(&desk, json!(["0"])).await[0]["Value"], "v", "nothing was changed");
    assert_eq!(set(&desk, &[("0", "new")]).await, 0);
    assert_eq!(delete(&desk, json!(["9"])).await, 0);
    assert_eq!(set(&desk, &[("10", "v")]).await, 0);
}

#[tokio::test(start_paused = true)]
async fn keys_and_values_are_limited() {
    let desk = show().await;
    let (key, value) = ("k".repeat(50), "v".repeat(2048));
    assert_eq!(set(&desk, &[(&key, &value)]).await, 0);
    assert_eq!(set(&desk, &[("a", ""), (&"k".repeat(51), "v")]).await, 100_504);
    assert_eq!(set(&desk, &[("a", ""), ("b", &"v".repeat(2049))]).await, 100_501);
    assert_eq!(desk.app().rooms[&room("show")].attributes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_of_it_together_is_limited() {
    let desk = show().await;
    let value = "v".repeat(2047);
    for key in ["a", "b", "c", "d", "e", "f", "g"] {
        assert_eq!(set(&desk, &[(key, &value)]).await, 0);
    }
    assert_eq!(set(&desk, &[("h", &"v".repeat(2048))]).await, 100_502);
    assert_eq!(set(&desk, &[("h", &value)]).await, 0);
    assert_eq!(set(&desk, &[("i", "")]).await, 100_502);
}

#[tokio::test(start_paused = true)]
async fn what_is_malformed_is_refused() {
    let desk = show().await;
    for (command, body) in [
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": []})),
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": [{"Key": "", "Value": "v"}]})),
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": [{"Key": "a"}]})),
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": [{"Key": "a", "Value": 1}]})),
        ("get_room_metadata", json!({"RoomId": "show"})),
        ("del_room_metadata", json!({"RoomId": "show", "Keys": []})),
        ("del_room_metadata", json!({"RoomId": "show", "Keys": "a"})),
    ] {
        assert_eq!(desk.code(command, body.clone()).await, 100_002, "{command} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_stays_when_everybody_leaves_and_goes_with_the_room() {
    let desk = show().await;
    assert_eq!(set(&desk, &[("topic", "welcome")]).await, 0);
    desk.0.emulator.enter(LIVE, SDK, &room("show"), 1).expect("entered");
    desk.0.emulator.leave(LIVE, SDK, &room("show"), None).expect("left");
    assert_eq!(read(&desk, json!([])).await.as_array().map(Vec::len), Some(1));
    assert_eq!(desk.code("destroy_room", json!({"RoomId": "show"})).await, 0);
    assert_eq!(desk.plain("show").await, 0);
    assert_eq!(read(&desk, json!([])).await, json!([]));
}
