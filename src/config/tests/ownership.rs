//! Tests of `ownership_attribute`, which only providers set.

use super::world::{World, codes};
use crate::config::tests::agreement::parser_accepts;
use crate::config::tests::validator::schema_accepts;

fn with_chat(setting: &str, rooms: &str) -> String {
    format!(
        "version: 1\nproviders:\n  chat: {{kind: zim, app_id: 1, operator: admin, {setting}}}\ndefaults: {{destroy_delay_time: 1h}}\nrooms:\n{rooms}"
    )
}

#[test]
fn a_provider_sets_the_key_of_the_attribute() {
    let text = with_chat("ownership_attribute: managed_by", "  - {id: a}\n");
    let loaded = World::of(&[("rooms.yaml", &text)]).load(&["rooms.yaml"]);
    let provider = loaded.desired.providers.values().next().expect("a provider");
    let key = provider.application.ownership().map(|ownership| ownership.key().to_string());
    assert_eq!(key.as_deref(), Some("managed_by"));
    assert!(loaded.desired.rooms[0].room.attributes.is_empty(), "it is not declared");
    let other = with_chat("ownership_attribute: owner", "  - {id: a}\n");
    let other = World::of(&[("rooms.yaml", &other)]).load(&["rooms.yaml"]);
    assert_ne!(other.desired.config_digest, loaded.desired.config_digest);
    assert!(schema_accepts(&text) && parser_accepts(&text));
}

#[test]
fn each_mistake_of_the_setting_is_reported_at_its_place() {
    for (setting, reported) in [
        ("ownership_attribute: ''", "ownership_attribute 3:70"),
        ("ownership_attribute: seventeen_letters", "ownership_attribute 3:70"),
        ("ownership_attribute: 'a${ZEGO_SET}'", "variable_place 3:70"),
        ("ownership_attribute: 5", "wrong_type 3:70"),
        ("ownership_attribute: a, limits: {value_bytes: 35}", "ownership_attribute 3:70"),
        ("ownership_attribute: a, limits: {total_bytes: 36}", "ownership_attribute 3:70"),
        ("ownership_atribute: a", "unknown_key 3:49"),
    ] {
        assert_eq!(codes(&with_chat(setting, "  - {id: a}\n")), [reported], "{setting}");
    }
    let rtc = "version: 1\nproviders:\n  video: {kind: rtc, app_id: 1, ownership_attribute: by}\nrooms: []\n";
    assert_eq!(codes(rtc), ["not_of_kind 3:33"]);
}

#[test]
fn a_room_cannot_declare_or_ignore_the_ownership_attribute() {
    let owned = |rooms: &str| codes(&with_chat("ownership_attribute: by", rooms));
    assert_eq!(owned("  - {id: a, attributes: {by: me}}\n"), ["ownership_attribute 6:26"]);
    let ignoring = "  - {id: a, lifecycle: {ignore_changes: [attributes, attributes.by]}}\n";
    assert_eq!(owned(ignoring), ["ownership_attribute 6:54"]);
    let expanded = "  - {id: 'a${n}', for_each: {n: [by]}, attributes: {'${n}': x}}\n";
    assert_eq!(owned(expanded), ["ownership_attribute 6:40"]);
    let text = with_chat("ownership_attribute: by", "  - {id: a}\n");
    let inherited = text.replace("defaults: {", "defaults: {attributes: {by: me}, ");
    assert_eq!(codes(&inherited), ["ownership_attribute 6:10"]);
    // The other side of the room has no ownership attribute.
    let video = text.replace("defaults:", "  video: {kind: rtc, app_id: 2}\ndefaults:");
    let video = video.replace("{id: a}", "{id: a, providers: [chat, video], attributes: {by: me}}");
    assert_eq!(codes(&video), ["ownership_attribute 7:52"]);
}

#[test]
fn the_ownership_attribute_counts_towards_the_limits() {
    let rooms = "  - {id: a, attributes: {k: v, l: w}}\n";
    let limited = |limits: &str| {
        codes(&with_chat(&format!("ownership_attribute: by, limits: {{{limits}}}"), rooms))
    };
    assert_eq!(limited("attributes: 3, total_bytes: 42"), Vec::<String>::new());
    assert_eq!(limited("attributes: 2"), ["attribute_count 6:13"]);
    assert_eq!(limited("total_bytes: 41"), ["attribute_total 6:13"]);
    let text = with_chat("ownership_attribute: by, limits: {attributes: 2}", rooms);
    let world = World::of(&[("rooms.yaml", &text)]);
    let message = &world.findings(&["rooms.yaml"])[0].message;
    assert!(
        message.contains("3 attributes are too many, the ownership attribute included"),
        "{message}"
    );
}
