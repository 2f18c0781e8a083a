//! Tests of what valid files resolve to.

use std::collections::BTreeMap;

use super::world::{World, addresses, with_rooms};
use crate::config::starter;
use crate::model::{
    AttributeLimits, Call, Delay, Endpoint, GateLimit, Kind, OnConflict, OnOccupied, OnVanish,
    Policy, Provider, ProviderName, RateShare, Refresh, Replace, SecretSource,
};

const FULL: &str = r#"
version: 1
providers:
  chat:
    kind: zim
    app_id: ${ZEGO_SET:-1}
    operator: ${ZEGO_UNSET:-admin}
    endpoint: ${ZIM_ENDPOINT:-emulator}
    secret_file: keys/secret
    rate_limit: {CreateRoom: 5, DestroyRoom: 6}
    rate_share: 50%
    max_rooms: 500
    limits: {attributes: 3, key_bytes: 20}
  plain: {kind: zim, app_id: 9, operator: o, rate_limit: 10}
state: "${ZIM_NAME:-a}-$${b}.json"
policy: {refresh: all, on_conflict: adopt, on_vanish: ignore, on_occupied: destroy, replace: on_next_vanish, max_destroy: 5, max_recreate: 0%}
defaults:
  destroy_delay_time: 1h
  attributes: {topic: hello, mode: {value: m, auto_delete: true}}
  lifecycle: {prevent_destroy: true}
rooms:
  - {id: b, provider: chat, attributes: {topic: own}, lifecycle: {on_remove: destroy}}
  - {id: a, providers: [plain, chat], name: A, destroy_delay_time: 90, lifecycle: {prevent_destroy: false}}
"#;

#[test]
fn the_starter_loads_without_findings() {
    let world = World::of(&[("rooms.yaml", starter(Kind::Zim))]);
    let loaded = world.load(&["rooms.yaml"]);
    assert_eq!(loaded.warnings, []);
    assert_eq!(addresses(&loaded), ["chat/lobby", "chat/table-1"]);
    assert_eq!(loaded.desired.state, world.path("rooms.state.json").into());
    let provider = &loaded.desired.providers[&name("chat")];
    assert_eq!((&provider.endpoint, provider.rate_share), (&Endpoint::Emulator, RateShare(50)));
}

#[test]
fn every_setting_of_a_provider_is_resolved() {
    let world = World::of(&[("rooms.yaml", FULL)]);
    let desired = world.load(&["rooms.yaml"]).desired;
    let expected = Provider {
        name: name("chat"),
        app_id: 7,
        application: crate::model::Application::new(Kind::Zim, Some("admin".to_owned())),
        endpoint: Endpoint::Emulator,
        host: "emulator".into(),
        secret: SecretSource::File(world.path("keys/secret")),
        rate_limits: BTreeMap::from([(Call::CreateRoom, 5), (Call::DestroyRoom, 6)]),
        rate_share: RateShare(50),
        max_rooms: Some(500),
        limits: AttributeLimits { attributes: 3, key_bytes: 20, ..Kind::Zim.attribute_limits() },
    };
    assert_eq!(desired.providers[&name("chat")], expected);
    let plain = &desired.providers[&name("plain")];
    assert_eq!(plain.secret, SecretSource::Environment("ZEGO_SERVER_SECRET".to_owned()));
    assert_eq!(plain.endpoint, Endpoint::Vendor);
    assert_eq!(plain.rate_limits.len(), Kind::Zim.calls().len());
    assert_eq!(plain.rate_share, RateShare(100));
}

#[test]
fn policy_and_state_are_resolved() {
    let world = World::of(&[("rooms.yaml", FULL)]);
    let desired = world.load(&["rooms.yaml"]).desired;
    let expected = Policy {
        refresh: Refresh::All,
        on_conflict: OnConflict::Adopt,
        on_vanish: OnVanish::Ignore,
        on_occupied: Some(OnOccupied::Destroy),
        replace: Replace::OnNextVanish,
        max_destroy: GateLimit::Count(5),
        max_recreate: GateLimit::Percent(0),
    };
    assert_eq!(desired.policy, expected);
    assert_eq!(desired.state, world.path("a-${b}.json").into());
}

#[test]
fn defaults_reach_the_rooms_and_their_own_values_override_them() {
    let world = World::of(&[("rooms.yaml", FULL)]);
    let loaded = world.load(&["rooms.yaml"]);
    assert_eq!(addresses(&loaded), ["chat/a", "chat/b", "plain/a"]);
    let [a, b, same] = &loaded.desired.rooms[..] else { panic!("three rooms") };
    assert_eq!(a.room, same.room);
    assert_eq!(a.room.destroy_delay_time, Some(Delay::from_seconds(90)));
    assert_eq!(b.room.destroy_delay_time, Some(Delay::from_seconds(3600)));
    assert!(!a.lifecycle.prevent_destroy && b.lifecycle.prevent_destroy);
    let value = |key| b.room.attributes.get(key).map(|it| (&*it.value, it.auto_delete));
    assert_eq!(value("topic"), Some(("own", false)));
    assert_eq!(value("mode"), Some(("m", true)));
}

#[test]
fn a_room_without_a_delay_gets_a_warning() {
    let text = with_rooms("  - id: a\n").replace("defaults: {destroy_delay_time: 1h}\n", "");
    let world = World::of(&[("rooms.yaml", &text)]);
    let warnings = world.load(&["rooms.yaml"]).warnings;
    let place = warnings[0].place.as_ref().expect("a place");
    assert_eq!((warnings[0].code, place.line, place.column), ("no_delay", 5, 9));
}

#[test]
fn an_empty_list_of_rooms_means_no_rooms() {
    let none = with_rooms("").replace("rooms:\n", "rooms: []\n");
    let world = World::of(&[("rooms.yaml", &none)]);
    assert_eq!(world.load(&["rooms.yaml"]).desired.rooms, []);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_accepted() {
    let text = format!("\u{feff}{}", with_rooms("  - id: a\n  - id: b\n").replace('\n', "\r\n"));
    let world = World::of(&[("rooms.yaml", &text)]);
    assert_eq!(addresses(&world.load(&["rooms.yaml"])), ["chat/a", "chat/b"]);
}

#[test]
fn a_brace_in_the_first_column_is_accepted() {
    let text = "version: 1\nproviders: {\n  chat: {kind: zim, app_id: 1, operator: a}\n}\nrooms: [\n  {id: a, destroy_delay_time: 1h}\n]\n";
    let world = World::of(&[("rooms.yaml", text)]);
    assert_eq!(addresses(&world.load(&["rooms.yaml"])), ["chat/a"]);
}

#[test]
fn json_is_accepted() {
    let text = r#"{"version": 1, "providers": {"chat": {"kind": "zim", "app_id": 1, "operator": "a"}},
"rooms": [{"id": "a", "destroy_delay_time": 60, "attributes": {"k": "\u0041"}}]}"#;
    let world = World::of(&[("rooms.yaml", text)]);
    assert_eq!(addresses(&world.load(&["rooms.yaml"])), ["chat/a"]);
}

#[test]
fn anchors_are_expanded() {
    let rooms = "  - {id: a, attributes: &all {k: v}}\n  - {id: b, attributes: *all}\n";
    let world = World::of(&[("rooms.yaml", &with_rooms(rooms))]);
    let desired = world.load(&["rooms.yaml"]).desired;
    assert_eq!(desired.rooms[0].room, desired.rooms[1].room);
}

#[test]
fn the_digest_depends_on_the_meaning_only() {
    let digest =
        |text: &str| World::of(&[("rooms.yaml", text)]).load(&["rooms.yaml"]).desired.config_digest;
    let one = digest(&with_rooms("  - {id: a, name: A}\n  - {id: b, destroy_delay_time: 60m}\n"));
    let same = "rooms:\n- id: b\n- name: A\n  id: a\ndefaults: {destroy_delay_time: 3600}\nproviders:\n  chat: {operator: admin, secret_env: OTHER, app_id: 1, kind: zim}\nstate: other.json\nversion: 1\n";
    assert_eq!(digest(same), one);
    for (from, to) in [
        ("name: A", "name: B"),
        ("id: a", "id: c"),
        ("admin", "root"),
        ("app_id: 1", "app_id: 2"),
        ("3600", "3601"),
        ("version: 1", "version: 1\npolicy: {max_destroy: 31%}"),
        ("version: 1", "version: 1\npolicy: {max_recreate: 31%}"),
        ("version: 1", "version: 1\nmoved: [{from: talk, to: chat}]"),
        ("- id: b", "- id: b\n  lifecycle: {prevent_destroy: true}"),
        ("- id: b", "- id: b\n  attributes: {k: v}"),
    ] {
        assert_ne!(digest(&same.replace(from, to)), one, "{from} → {to}");
    }
}

fn name(text: &str) -> ProviderName {
    ProviderName::new(text).expect("a name")
}
