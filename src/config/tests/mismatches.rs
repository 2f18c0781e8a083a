//! Tests of keys of another kind, and of values that the kind does not accept.

use super::world::{World, codes};

/// Returns a file with a provider of each kind.
fn with_kinds(rooms: &str) -> String {
    format!(
        "version: 1\nproviders:\n  chat: {{kind: zim, app_id: 1, operator: admin}}\n  video: {{kind: rtc, app_id: 1}}\n  live: {{kind: tencent-live, app_id: 1, operator: admin}}\ndefaults: {{destroy_delay_time: 1h, seat_template: Karaoke}}\nrooms:\n{rooms}"
    )
}

/// Returns the cases whose first finding is not the expected one.
fn wrong<'a>(cases: impl IntoIterator<Item = (String, String, &'a str)>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (case, text, reported) in cases {
        let actual = codes(&text);
        let expected: Vec<&str> = reported.split(", ").filter(|it| !it.is_empty()).collect();
        if actual != expected {
            wrong.push(format!("{case}: {expected:?}, but {actual:?}"));
        }
    }
    wrong
}

#[test]
fn all_keys_and_values_of_other_kinds_are_reported() {
    let text = r#"version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: a/b, is_test: true, dissolve_after: 1h}
  video: {kind: rtc, app_id: 1, operator: admin, limits: {attributes: 3}, rate_limit: {CreateRoom: 1}}
  live: {kind: tencent-live, app_id: 1, dissolve_after: 9m, rate_limit: {CreateRoom: 1, ModifyRoomAttribute: 2}}
  more: {kind: zim, app_id: 1, operator: "a"}
defaults: {max_seats: 0, owner: ""}
rooms:
  - {id: "a/b", provider: chat, close: {reason: x}, owner: o, destroy_delay_time: 4h}
  - {id: "a\tb", provider: video, name: N, attributes: {k: v}, destroy_delay_time: 1h}
  - {id: "é", provider: live, destroy_delay_time: 1h, close: {callback: true}}
  - {id: c, providers: [chat, live], name: "12345678901234567890123456789012345678901234567890123456789012345", close: {}}
  - {id: d, provider: live, seat_template: Karoke, take_seat_mode: x, max_seats: 0, category: [1, 2, 3, 4], attributes: {k: {value: v, auto_delete: true}}}
  - {id: e, providers: [video, live], destroy_delay_time: 1h, category: [1, 4294967296], notice: "${X}"}
"#;
    let world = World::of(&[("rooms.yaml", text)]);
    insta::assert_snapshot!(world.shown(&world.findings(&["rooms.yaml"])));
}

#[test]
fn each_mismatch_of_a_room_is_reported_at_its_place() {
    let (long, longer) = ("x".repeat(65), "x".repeat(101));
    let (accents, url) = ("é".repeat(51), "x".repeat(201));
    let eleven: Vec<String> = (0..11).map(|n| format!("k{n}: v")).collect();
    let cases = [
        ("{id: a/b, provider: video}".to_owned(), ""),
        ("{id: a/b, provider: live}".to_owned(), ""),
        (format!("{{id: {}, provider: video}}", "x".repeat(129)), "room_id 8:10"),
        (format!("{{id: {}, provider: live}}", "x".repeat(49)), "room_id 8:10"),
        ("{id: \"a\\tb\", provider: video}".to_owned(), "room_id 8:10"),
        ("{id: é, provider: live}".to_owned(), "room_id 8:10"),
        ("{id: a/b, providers: [video, chat]}".to_owned(), "room_id 8:10"),
        ("{id: 'a,b', providers: [video, live]}".to_owned(), ""),
        ("{id: 'a,b', providers: [video, chat]}".to_owned(), "room_id_doubtful 8:10"),
        ("{id: a, provider: video, name: x}".to_owned(), "not_of_kind 8:30"),
        ("{id: a, provider: video, attributes: {}}".to_owned(), "not_of_kind 8:30"),
        ("{id: a, providers: [video, chat], name: x, attributes: {k: v}}".to_owned(), ""),
        ("{id: a, providers: [video, chat], muted: true}".to_owned(), "not_of_kind 8:39"),
        ("{id: a, provider: live, destroy_delay_time: 1h}".to_owned(), "not_of_kind 8:29"),
        ("{id: a, provider: chat, close: {}}".to_owned(), "not_of_kind 8:29"),
        (format!("{{id: a, provider: live, name: {long}}}"), ""),
        (format!("{{id: a, provider: live, name: {longer}}}"), "name_length 8:35"),
        (format!("{{id: a, providers: [chat, live], name: {long}}}"), "name_length 8:44"),
        (format!("{{id: a, provider: live, notice: {accents}}}"), "text_length 8:37"),
        (format!("{{id: a, provider: live, cover_url: {url}}}"), "text_length 8:40"),
        (format!("{{id: a, provider: live, owner: {}}}", "x".repeat(33)), "text_length 8:36"),
        ("{id: a, provider: live, owner: ''}".to_owned(), "empty 8:36"),
        (
            format!("{{id: a, provider: video, close: {{reason: {}}}}}", "x".repeat(257)),
            "text_length 8:46",
        ),
        ("{id: a, provider: video, close: {reson: x}}".to_owned(), "unknown_key 8:38"),
        ("{id: a, provider: video, close: {callback: 1}}".to_owned(), "wrong_type 8:48"),
        ("{id: a, provider: live, seat_template: karaoke}".to_owned(), "unknown_value 8:44"),
        ("{id: a, provider: live, take_seat_mode: \"\"}".to_owned(), "unknown_value 8:45"),
        ("{id: a, provider: live, max_seats: 0}".to_owned(), "out_of_range 8:40"),
        ("{id: a, provider: live, max_seats: 4294967296}".to_owned(), "out_of_range 8:40"),
        ("{id: a, provider: live, max_members: 0}".to_owned(), "out_of_range 8:42"),
        ("{id: a, provider: live, max_members: many}".to_owned(), "wrong_type 8:42"),
        ("{id: a, provider: live, max_members: '5'}".to_owned(), "wrong_type 8:42"),
        ("{id: a, provider: live, activity_status: 4294967296}".to_owned(), "out_of_range 8:46"),
        ("{id: a, provider: live, activity_status: -1}".to_owned(), "wrong_type 8:46"),
        ("{id: a, provider: live, category: [1, 2, 3, 4]}".to_owned(), "too_many 8:39"),
        ("{id: a, provider: live, category: [1, 4294967296]}".to_owned(), "out_of_range 8:43"),
        ("{id: a, provider: live, category: [1, x]}".to_owned(), "wrong_type 8:43"),
        ("{id: a, provider: live, category: 1}".to_owned(), "wrong_type 8:39"),
        ("{id: a, provider: live, muted: 'yes'}".to_owned(), "wrong_type 8:36"),
        ("{id: a, provider: live, notice: 5}".to_owned(), "wrong_type 8:37"),
        ("{id: a, provider: live, notice: '${X}'}".to_owned(), "variable_not_replaced 8:37"),
        (
            "{id: a, provider: live, attributes: {k: {value: v, auto_delete: true}}}".to_owned(),
            "not_of_kind 8:69",
        ),
        ("{id: a, provider: live, attributes: {k: {value: v, auto_delete: false}}}".to_owned(), ""),
        (
            "{id: a, providers: [live, chat], attributes: {k: {value: v, auto_delete: true}}}"
                .to_owned(),
            "",
        ),
        (
            format!("{{id: a, provider: live, attributes: {{{}}}}}", eleven.join(", ")),
            "attribute_count 8:29",
        ),
        (
            format!("{{id: a, provider: live, attributes: {{{}: v}}}}", "k".repeat(51)),
            "attribute_key 8:42",
        ),
        (
            format!("{{id: a, provider: live, attributes: {{k: {}}}}}", "x".repeat(2049)),
            "attribute_value 8:45",
        ),
        (
            format!(
                "{{id: a, provider: live, attributes: {{{}: {}}}}}",
                "k".repeat(50),
                "x".repeat(2048)
            ),
            "",
        ),
        (
            "{id: a, provider: live, lifecycle: {ignore_changes: [destroy_delay_time]}}".to_owned(),
            "unknown_path 8:58",
        ),
        ("{id: a, providers: [chat, nobody], muted: true}".to_owned(), "unknown_provider 8:31"),
    ];
    let cases = cases.into_iter().map(|(room, reported)| {
        let text = with_kinds(&format!("  - {room}\n"));
        (room, text, reported)
    });
    assert_eq!(wrong(cases), Vec::<String>::new());
}

#[test]
fn a_room_of_an_unknown_provider_is_checked_as_the_only_kind() {
    let room = |providers: &str| {
        format!(
            "version: 1\nproviders:\n{providers}rooms:\n  - {{id: a/b, provider: x, destroy_delay_time: 4h}}\n"
        )
    };
    let chat = "  it: {kind: zim, app_id: 1, operator: o}\n";
    let video = "  other: {kind: rtc, app_id: 1}\n";
    assert_eq!(
        codes(&room(chat)),
        ["room_id 5:10", "unknown_provider 5:25", "destroy_delay_time 5:48"]
    );
    assert_eq!(codes(&room(&format!("{chat}{video}"))), ["unknown_provider 6:25"]);
}

#[test]
fn each_mismatch_of_a_provider_is_reported_at_its_place() {
    let long = "x".repeat(33);
    let cases = [
        ("kind: zim, app_id: 1", "missing_key 3:8"),
        ("kind: tencent-live, app_id: 1", "missing_key 3:8"),
        ("kind: rtc, app_id: 1", ""),
        ("kind: zim, app_id: 1, colour: 1", "missing_key 3:8, unknown_key 3:30"),
        ("kind: rtc, app_id: 1, operator: o", "not_of_kind 3:30"),
        ("kind: rtc, app_id: 1, limits: {}", "not_of_kind 3:30"),
        ("kind: rtc, app_id: 1, dissolve_after: 1h", "not_of_kind 3:30"),
        ("kind: zim, app_id: 1, operator: o, is_test: true", "not_of_kind 3:43"),
        ("kind: tencent-live, app_id: 1, operator: o, is_test: true", "not_of_kind 3:52"),
        ("kind: rtc, app_id: 1, is_test: 1", "wrong_type 3:39"),
        ("kind: rtc, app_id: 1, is_test: 'true'", "wrong_type 3:39"),
        ("kind: rtc, app_id: 1, is_test: '${ZEGO_UNSET}'", "variable_place 3:39"),
        ("kind: rtc, app_id: 1, is_test: '${ZEGO_UNSET:-true}'", "variable_place 3:39"),
        ("kind: tencent-live, app_id: 1, operator: o, dissolve_after: 599", "dissolve_after 3:68"),
        ("kind: tencent-live, app_id: 1, operator: o, dissolve_after: 10m", ""),
        ("kind: tencent-live, app_id: 1, operator: o, dissolve_after: 86400", ""),
        ("kind: tencent-live, app_id: 1, operator: o, dissolve_after: 25h", "dissolve_after 3:68"),
        ("kind: tencent-live, app_id: 1, operator: o, dissolve_after: 1d", "dissolve_after 3:68"),
        (
            "kind: tencent-live, app_id: 1, operator: o, dissolve_after: 99999999999",
            "dissolve_after 3:68",
        ),
        ("kind: tencent-live, app_id: 1, operator: ''", "operator 3:49"),
        ("kind: tencent-live, app_id: 1, operator: \"a\\nb\"", "operator 3:49"),
        (&*format!("kind: tencent-live, app_id: 1, operator: {long}"), "operator 3:49"),
        (
            "kind: tencent-live, app_id: 1, operator: o, rate_limit: {CreateRoom: 1}",
            "unknown_key 3:65",
        ),
        ("kind: rtc, app_id: 1, rate_limit: {create_room: 1}", "unknown_key 3:43"),
        (
            "kind: trc, app_id: 1, operator: o, limits: {}",
            "unknown_value 3:14, not_of_kind 3:30, not_of_kind 3:43",
        ),
        ("kind: discord, app_id: 1, rate_limit: {x: 1}", "unknown_value 3:14"),
    ];
    let cases = cases.into_iter().map(|(provider, reported)| {
        let text = format!("version: 1\nproviders:\n  it: {{{provider}}}\nrooms: []\n");
        (provider.to_owned(), text, reported)
    });
    assert_eq!(wrong(cases), Vec::<String>::new());
}

#[test]
fn an_app_id_may_be_used_once_for_each_kind() {
    let text = |more: &str| with_kinds("  - {id: a, provider: chat}\n").replace("\ndefaults", more);
    assert_eq!(codes(&text("\ndefaults")), Vec::<String>::new());
    for more in ["{kind: rtc, app_id: 1}", "{kind: tencent-live, app_id: 1, operator: x}"] {
        let again = format!("\n  again: {more}\ndefaults");
        assert_eq!(codes(&text(&again)), ["same_application 6:3"]);
    }
}

#[test]
fn each_mismatch_of_the_defaults_is_reported_once() {
    let (long, longer) = ("x".repeat(65), "x".repeat(101));
    let both = "  - {id: a, provider: chat}\n  - {id: b, provider: live}\n";
    let chat = "providers: {it: {kind: zim, app_id: 1, operator: o}}";
    let video = "providers: {it: {kind: rtc, app_id: 1}}";
    let live = "providers: {it: {kind: tencent-live, app_id: 1, operator: o}}";
    let one = |providers: &str, defaults: &str| {
        format!("version: 1\n{providers}\ndefaults: {defaults}\nrooms:\n  - id: a\n")
    };
    let several = |defaults: &str| {
        with_kinds(both)
            .replace("seat_template: Karaoke", &format!("seat_template: Karaoke, {defaults}"))
    };
    let cases = [
        ("used", one(chat, "{destroy_delay_time: 1h}"), ""),
        ("unused", one(chat, "{destroy_delay_time: 1h, muted: true}"), "default_unused 3:36"),
        (
            "unused and wrong",
            one(chat, "{destroy_delay_time: 1h, max_seats: 0}"),
            "default_unused 3:36, out_of_range 3:47",
        ),
        ("unused by rtc", one(video, "{name: x}"), "default_unused 3:12"),
        ("unused close", one(live, "{seat_template: Karaoke, close: {}}"), "default_unused 3:36"),
        ("no template", one(live, "{}"), "no_seat_template 5:9"),
        ("wrong template", one(live, "{seat_template: x}"), "unknown_value 3:27"),
        ("no delay", one(chat, "{}"), "no_delay 5:9"),
        ("wrong for both", several(&format!("name: {longer}")), "name_length 6:66"),
        ("wrong for one", several(&format!("name: {long}")), "name_length 8:10"),
        ("own name", several(&format!("name: {long}")).replace("id: a,", "id: a, name: A,"), ""),
        (
            "too many for one",
            several(&format!("attributes: {{{}: v}}", "k".repeat(17))),
            "attribute_key 8:6",
        ),
    ];
    let cases = cases.map(|(case, text, reported)| (case.to_owned(), text, reported));
    assert_eq!(wrong(cases), Vec::<String>::new());
}
