//! The metadata of a live room, and its limits.

use super::tencent::{SDK, live_code, tencent};
use super::*;

async fn show() -> AdminClient {
    let admin = AdminClient::new(tencent());
    assert_eq!(admin.plain("show").await, 0);
    admin
}

async fn set(admin: &AdminClient, entries: &[(&str, &str)]) -> i64 {
    let entries: Vec<_> =
        entries.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    admin.code("set_room_metadata", json!({"RoomId": "show", "Metadata": entries})).await
}

async fn read(admin: &AdminClient, keys: Value) -> Value {
    let answer = admin.send("get_room_metadata", &json!({"RoomId": "show", "Keys": keys})).await;
    assert_eq!(live_code(&answer), 0);
    answer["Response"]["Metadata"].clone()
}

async fn delete(admin: &AdminClient, keys: Value) -> i64 {
    admin.code("del_room_metadata", json!({"RoomId": "show", "Keys": keys})).await
}

#[tokio::test(start_paused = true)]
async fn keys_are_set_read_and_deleted() {
    let admin = show().await;
    assert_eq!(set(&admin, &[("topic", "welcome"), ("lang", "en")]).await, 0);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(set(&admin, &[("topic", "bye")]).await, 0);
    let set_time = START / 1000 + 1;
    let (lang, topic) = (
        json!({"Key": "lang", "Value": "en", "SetTime": set_time}),
        json!({"Key": "topic", "Value": "bye", "SetTime": set_time + 5}),
    );
    assert_eq!(read(&admin, json!([])).await, json!([lang, topic]));
    assert_eq!(read(&admin, json!(["topic", "none"])).await, json!([topic]));
    assert_eq!(delete(&admin, json!(["topic", "none"])).await, 0);
    assert_eq!(delete(&admin, json!(["topic", "none"])).await, 100_503);
    assert_eq!(read(&admin, json!([])).await, json!([lang]));
    assert_eq!(admin.app().rooms[&room("show")].attributes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_keys_is_limited() {
    let admin = show().await;
    for n in 0..10 {
        assert_eq!(set(&admin, &[(&n.to_string(), "v")]).await, 0);
    }
    assert_eq!(set(&admin, &[("0", "new"), ("10", "v")]).await, 100_500);
    assert_eq!(
        read(&admin, json!(["0"])).await[0]["Value"],
        "v",
        "a refused request changed a key"
    );
    assert_eq!(set(&admin, &[("0", "new")]).await, 0);
    assert_eq!(delete(&admin, json!(["9"])).await, 0);
    assert_eq!(set(&admin, &[("10", "v")]).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_length_of_keys_and_values_is_limited() {
    let admin = show().await;
    let (key, value) = ("k".repeat(50), "v".repeat(2048));
    assert_eq!(set(&admin, &[(&key, &value)]).await, 0);
    assert_eq!(set(&admin, &[("a", ""), (&"k".repeat(51), "v")]).await, 100_504);
    assert_eq!(set(&admin, &[("a", ""), ("b", &"v".repeat(2049))]).await, 100_501);
    assert_eq!(admin.app().rooms[&room("show")].attributes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_total_length_of_the_metadata_is_limited() {
    let admin = show().await;
    let value = "v".repeat(2047);
    for key in ["a", "b", "c", "d", "e", "f", "g"] {
        assert_eq!(set(&admin, &[(key, &value)]).await, 0);
    }
    assert_eq!(set(&admin, &[("h", &"v".repeat(2048))]).await, 100_502);
    assert_eq!(set(&admin, &[("h", &value)]).await, 0);
    assert_eq!(set(&admin, &[("i", "")]).await, 100_502);
}

#[tokio::test(start_paused = true)]
async fn malformed_requests_are_refused() {
    let admin = show().await;
    for (command, body) in [
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": []})),
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": [{"Key": "", "Value": "v"}]})),
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": [{"Key": "a"}]})),
        ("set_room_metadata", json!({"RoomId": "show", "Metadata": [{"Key": "a", "Value": 1}]})),
        ("get_room_metadata", json!({"RoomId": "show"})),
        ("del_room_metadata", json!({"RoomId": "show", "Keys": []})),
        ("del_room_metadata", json!({"RoomId": "show", "Keys": "a"})),
    ] {
        assert_eq!(admin.code(command, body.clone()).await, 100_002, "{command} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_is_kept_in_an_empty_room_and_deleted_with_the_room() {
    let admin = show().await;
    assert_eq!(set(&admin, &[("topic", "welcome")]).await, 0);
    admin.0.emulator.enter(LIVE, SDK, &room("show"), 1).expect("entered");
    admin.0.emulator.leave(LIVE, SDK, &room("show"), None).expect("left");
    assert_eq!(read(&admin, json!([])).await.as_array().map(Vec::len), Some(1));
    assert_eq!(admin.code("destroy_room", json!({"RoomId": "show"})).await, 0);
    assert_eq!(admin.plain("show").await, 0);
    assert_eq!(read(&admin, json!([])).await, json!([]));
}
