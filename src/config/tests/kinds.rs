//! Tests of valid files of every kind, alone and together.

use std::sync::Arc;
use std::time::Duration;

use super::world::{World, addresses};
use crate::config::{Loaded, starter};
use crate::model::{
    Application, Attribute, AttributeLimits, Call, Delay, DesiredRoom, Endpoint, Field, Kind,
    OnRemove, ProviderName, RateShare, Room, SecretSource, Value,
};

/// A file of all kinds.
const SHOW: &str = r#"
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin}
  video: {kind: rtc, app_id: 1, is_test: true, rate_limit: {DescribeUserNum: 5}}
  live: {kind: tencent-live, app_id: 1, operator: "the/boss", dissolve_after: 1h, rate_limit: {create_room: 5}, limits: {attributes: 2}}
defaults:
  name: Show
  destroy_delay_time: 1h
  attributes: {topic: hello, banner: {value: Hi, auto_delete: true}}
  close: {callback: true}
  seat_template: Karaoke
  lifecycle: {on_remove: forget}
rooms:
  - {id: a, provider: chat}
  - {id: b, provider: video, close: {reason: The end}}
  - {id: c, provider: live, muted: true, lifecycle: {on_remove: destroy}}
  - {id: d, providers: [video, chat], attributes: {topic: own}}
"#;

fn load(text: &str) -> Loaded {
    World::of(&[("rooms.yaml", text)]).load(&["rooms.yaml"])
}

fn room<'a>(loaded: &'a Loaded, address: &str) -> &'a DesiredRoom {
    let found = loaded.desired.rooms.iter().find(|it| it.address.to_string() == address);
    found.unwrap_or_else(|| panic!("no {address}"))
}

fn fields(fields: &[(Field, Value)]) -> Room {
    fields.iter().cloned().collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn name(text: &str) -> ProviderName {
    ProviderName::new(text).expect("a name")
}

fn attribute(value: &str) -> Attribute {
    Attribute { value: value.into(), auto_delete: false }
}

#[test]
fn every_starter_loads_without_findings_and_runs_on_the_emulator() {
    for (kind, provider, rooms) in [
        (Kind::Zim, "chat", ["chat/lobby", "chat/table-1"]),
        (Kind::Rtc, "video", ["video/backstage", "video/stage"]),
        (Kind::TencentLive, "live", ["live/main-stage", "live/open-mic"]),
    ] {
        let loaded = load(starter(kind));
        assert_eq!(
            (loaded.warnings.as_slice(), addresses(&loaded)),
            (&[][..], rooms.map(String::from).to_vec())
        );
        let provider = &loaded.desired.providers[&name(provider)];
        assert_eq!((provider.kind(), provider.app_id), (kind, 1));
        assert_eq!((&provider.endpoint, provider.rate_share), (&Endpoint::Emulator, RateShare(50)));
        let variable = kind.default_secret_variable().to_owned();
        assert_eq!(provider.secret, SecretSource::Environment(variable));
    }
}

#[test]
fn a_provider_resolves_the_keys_of_its_kind() {
    let desired = load(SHOW).desired;
    let provider = |it| &desired.providers[&name(it)];
    assert_eq!(
        provider("video").application,
        Application::new(Kind::Rtc, None).with_is_test(Some(true))
    );
    assert_eq!(provider("video").rate_limits, [(Call::DescribeUserNum, 5)].into());
    assert_eq!(provider("video").limits, Kind::Rtc.attribute_limits());
    let dissolve_after = Duration::from_hours(1);
    let application = Application::new(Kind::TencentLive, Some("the/boss".to_owned()))
        .with_dissolve_after(dissolve_after);
    assert_eq!(provider("live").application, application);
    assert_eq!(provider("live").rate_limits, [(Call::LiveCreateRoom, 5)].into());
    let limits = AttributeLimits { attributes: 2, ..Kind::TencentLive.attribute_limits() };
    assert_eq!(provider("live").limits, limits);
    for (it, variable) in [
        ("chat", "ZEGO_SERVER_SECRET"),
        ("video", "ZEGO_SERVER_SECRET"),
        ("live", "TENCENT_SECRET_KEY"),
    ] {
        assert_eq!(provider(it).secret, SecretSource::Environment(variable.to_owned()));
    }
}

#[test]
fn optional_keys_of_a_kind_default_to_the_service() {
    let loaded = load(
        "version: 1\nproviders:\n  video: {kind: rtc, app_id: 1, rate_limit: 7}\n  live: {kind: tencent-live, app_id: 1, operator: o}\nrooms: []\n",
    );
    let provider = |it| &loaded.desired.providers[&name(it)];
    assert_eq!(provider("video").application, Application::new(Kind::Rtc, None));
    assert_eq!(
        provider("video").rate_limits,
        [(Call::CloseRoom, 7), (Call::DescribeUserNum, 7)].into()
    );
    let application = Application::new(Kind::TencentLive, Some("o".to_owned()));
    assert_eq!(application.dissolve_after(), Some(Duration::from_mins(30)));
    assert_eq!(provider("live").application, application);
}

#[test]
fn variables_are_expanded_in_the_keys_of_a_kind() {
    let text = "version: 1\nproviders:\n  video: {kind: rtc, app_id: '${ZEGO_SET}'}\n  live: {kind: tencent-live, app_id: 1, operator: o, dissolve_after: '${ZEGO_UNSET:-24h}'}\nrooms: []\n";
    let desired = load(text).desired;
    let application = |it| &desired.providers[&name(it)].application;
    assert_eq!(desired.providers[&name("video")].app_id, 7);
    let dissolve_after = Duration::from_hours(24);
    let live = Application::new(Kind::TencentLive, Some("o".to_owned()))
        .with_dissolve_after(dissolve_after);
    assert_eq!(application("live"), &live);
}

#[test]
fn defaults_reach_the_rooms_whose_kind_has_them() {
    let loaded = load(SHOW);
    assert_eq!(loaded.warnings, []);
    let attributes = [
        ("topic", attribute("hello")),
        ("banner", Attribute { value: "Hi".into(), auto_delete: true }),
    ];
    let chat = Room {
        name: Some("Show".into()),
        destroy_delay_time: Some(Delay::from_seconds(3600)),
        attributes: attributes.into_iter().collect(),
        ..Room::default()
    };
    assert_eq!(*room(&loaded, "chat/a").room, chat);
    let close = [(Field::CloseReason, text("The end")), (Field::CloseCallback, Value::Flag(true))];
    let video = fields(&close);
    assert_eq!(*room(&loaded, "video/b").room, video);
    let live = Room {
        name: Some("Show".into()),
        attributes: [("topic", attribute("hello"))].into_iter().collect(),
        ..fields(&[(Field::SeatTemplate, text("Karaoke")), (Field::Muted, Value::Flag(true))])
    };
    assert_eq!(*room(&loaded, "live/c").room, live);
}

#[test]
fn each_side_of_a_room_has_the_fields_of_its_kind() {
    let loaded = load(SHOW);
    let (chat, video) = (room(&loaded, "chat/d"), room(&loaded, "video/d"));
    let sides = |it: &DesiredRoom| it.sides.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (sides(chat), sides(video)),
        (vec!["chat".to_owned(), "video".to_owned()], sides(chat))
    );
    assert!(room(&loaded, "chat/a").sides.is_single());
    assert_eq!(chat.room.attributes.get("topic"), Some(&attribute("own")));
    let close = fields(&[(Field::CloseCallback, Value::Flag(true))]);
    assert_eq!(*video.room, close);
}

#[test]
fn on_remove_is_set_by_a_room_or_the_defaults() {
    let loaded = load(SHOW);
    let on_remove = |it| room(&loaded, it).lifecycle.on_remove;
    assert_eq!((on_remove("chat/a"), on_remove("video/b")), (OnRemove::Forget, OnRemove::Forget));
    assert_eq!(on_remove("live/c"), OnRemove::Destroy);
}

#[test]
fn equal_rooms_share_memory() {
    let text = "version: 1\nproviders:\n  one: {kind: zim, app_id: 1, operator: o}\n  two: {kind: zim, app_id: 2, operator: o}\n  video: {kind: rtc, app_id: 1}\ndefaults: {destroy_delay_time: 1h}\nrooms:\n  - {id: a, providers: [one, two, video]}\n  - {id: b, providers: [two, one, video]}\n";
    let loaded = load(text);
    assert!(Arc::ptr_eq(&room(&loaded, "one/a").room, &room(&loaded, "two/a").room));
    assert!(!Arc::ptr_eq(&room(&loaded, "one/a").room, &room(&loaded, "video/a").room));
    assert_eq!(room(&loaded, "one/a").sides, room(&loaded, "video/b").sides);
}

#[test]
fn every_field_of_a_tencent_room_is_read() {
    let loaded = load(
        r#"
version: 1
providers: {live: {kind: tencent-live, app_id: 1, operator: o}}
rooms:
  - id: "a b/c"
    owner: u1
    seat_template: AudioSalon
    take_seat_mode: FreeToTake
    max_seats: 4294967295
    max_members: 1
    cover_url: https://x.example/c.png
    category: [0, 4294967295, 7]
    activity_status: 0
    notice: ""
    muted: false
    public: true
    unlimited: true
"#,
    );
    assert_eq!(loaded.warnings, []);
    let expected = fields(&[
        (Field::Owner, text("u1")),
        (Field::SeatTemplate, text("AudioSalon")),
        (Field::TakeSeatMode, text("FreeToTake")),
        (Field::MaxSeats, Value::Number(u32::MAX)),
        (Field::MaxMembers, Value::Number(1)),
        (Field::CoverUrl, text("https://x.example/c.png")),
        (Field::Category, Value::Numbers([0, u32::MAX, 7].into())),
        (Field::ActivityStatus, Value::Number(0)),
        (Field::Notice, text("")),
        (Field::Muted, Value::Flag(false)),
        (Field::Public, Value::Flag(true)),
        (Field::Unlimited, Value::Flag(true)),
    ]);
    assert_eq!(*room(&loaded, "live/a b/c").room, expected);
}

#[test]
fn the_digest_covers_every_field_of_a_kind() {
    let one = load(SHOW).desired.config_digest;
    for (from, to) in [
        ("is_test: true", "is_test: false"),
        ("is_test: true, ", ""),
        ("dissolve_after: 1h", "dissolve_after: 2h"),
        ("the/boss", "other"),
        ("The end", "End"),
        ("callback: true", "callback: false"),
        ("muted: true", "muted: false"),
        ("muted: true", "unlimited: true"),
        ("Karaoke", "AudioSalon"),
        ("on_remove: forget", "on_remove: destroy"),
        ("[video, chat]", "[video, live]"),
        ("limits: {attributes: 2}", "limits: {attributes: 3}"),
    ] {
        assert!(SHOW.contains(from), "{from}");
        assert_ne!(load(&SHOW.replace(from, to)).desired.config_digest, one, "{from} → {to}");
    }
    let other_order = SHOW.replace("[video, chat]", "[chat, video]");
    assert_eq!(load(&other_order).desired.config_digest, one);
}
