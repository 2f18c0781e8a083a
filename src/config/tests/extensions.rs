//! Tests of keys that begin with `x-`, and of the provider of a file's defaults.

use super::world::{World, addresses, codes, with_rooms};

#[test]
fn keys_that_begin_with_x_are_ignored_and_may_define_anchors() {
    let text = with_rooms("  - {id: a, attributes: *shared}\n  - {id: b, attributes: *shared}\n");
    let text = text.replace(
        "version: 1\n",
        "version: 1\nx-shared: &shared {topic: welcome}\nx-other: [1, {a: ~}]\n",
    );
    let loaded = World::of(&[("rooms.yaml", &text)]).load(&["rooms.yaml"]);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let topic = loaded.desired.rooms[1].room.attributes.get("topic").map(|it| &*it.value);
    assert_eq!(topic, Some("welcome"));
    let plain = with_rooms("  - {id: a}\n") + "x-notes: they follow the rooms\n";
    assert_eq!(codes(&plain), Vec::<String>::new());
}

#[test]
fn mistakes_beside_extension_keys_are_found() {
    let text = with_rooms("  - {id: a, nmae: b}\n");
    let text = text.replace("version: 1\n", "version: 1\nx-a: 1\nx-a: 2\nxa: 3\n");
    assert_eq!(codes(&text), ["duplicate_key 3:1", "unknown_key 4:1", "unknown_key 9:13"]);
    let text = with_rooms("  - {id: a, x-a: b}\n");
    assert_eq!(codes(&text), ["unknown_key 6:13"], "only keys of the file are ignored");
}

/// Returns a file with two providers and these defaults.
fn two_providers(defaults: &str, rooms: &str) -> String {
    format!(
        "version: 1\nproviders:\n  chat: {{kind: zim, app_id: 1, operator: a}}\n  video: {{kind: rtc, app_id: 1}}\ndefaults: {defaults}\nrooms:\n{rooms}"
    )
}

#[test]
fn the_defaults_can_set_the_provider_of_the_rooms_of_their_file() {
    let text = two_providers(
        "{provider: video}",
        "  - {id: a}\n  - {id: b, provider: chat, destroy_delay_time: 1h}\n",
    );
    let more = "version: 1\ndefaults: {provider: chat, destroy_delay_time: 1h}\nrooms: [{id: c}, {id: d, providers: [chat, video]}]\n";
    let world = World::of(&[("rooms.yaml", &text), ("more.yaml", more)]);
    let loaded = world.load(&["rooms.yaml", "more.yaml"]);
    assert_eq!(addresses(&loaded), ["chat/b", "chat/c", "chat/d", "video/a", "video/d"]);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn an_unknown_provider_of_the_defaults_is_reported_once() {
    let text = two_providers("{provider: vdieo}", "  - {id: a}\n  - {id: b}\n");
    assert_eq!(codes(&text), ["unknown_provider 5:22"]);
    assert_eq!(codes(&two_providers("{provider: 5}", "  - {id: a}\n"))[0], "wrong_type 5:22");
    let both = two_providers("{}", "  - {id: a}\n");
    assert_eq!(codes(&both), ["missing_key 7:6"]);
}
