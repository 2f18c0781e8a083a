//! Rooms of every kind in every command, and the fields and values that a kind rejects.

use serde_json::{Value, json};

use super::desk::{Desk, Ran};
use super::served::Served;

/// A room of each kind; on the built-in emulator unless a variable sets another endpoint.
const EACH: &str = "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: '${ZIM_ENDPOINT:-emulator}'}
  live:
    kind: tencent-live
    app_id: 1
    operator: administrator
    endpoint: '${TENCENT_ENDPOINT:-emulator}'
    dissolve_after: 2h
  video: {kind: rtc, app_id: 1, endpoint: '${ZEGO_RTC_ENDPOINT:-emulator}'}
policy: {max_destroy: 3}
rooms:
  - {id: hall, provider: chat, name: Hall, destroy_delay_time: 1h, attributes: {topic: welcome}}
  - id: show
    provider: live
    name: Show
    owner: host
    seat_template: AudioSalon
    category: [1, 2]
    notice: Hello
    muted: true
    attributes: {topic: news}
  - {id: call, provider: video, close: {reason: over, callback: true}}
";

const ADDRESSES: [&str; 3] = ["chat/hall", "live/show", "video/call"];

/// A secret in the format of Tencent's SecretKey.
const SECRET_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Returns a folder in which [`EACH`] is applied.
fn applied() -> Desk {
    let desk = Desk::with(EACH);
    desk.run("apply --auto-approve").ends(0).prints("Applied: 3 created.");
    desk
}

/// Returns the step of one room from a plan's document.
#[track_caller]
fn step(plan: &Ran, address: &str) -> Value {
    let document = plan.document();
    let steps = document["steps"].as_array().expect("steps");
    let found = steps.iter().find(|step| step["address"] == address);
    found.unwrap_or_else(|| panic!("no step of {address}\n{plan}")).clone()
}

#[test]
fn the_starter_file_of_each_kind_applies_and_converges() {
    for kind in ["zim", "rtc", "tencent-live"] {
        let desk = Desk::empty();
        desk.run(&format!("init --kind {kind}")).ends(0);
        desk.run("validate").ends(0).prints("Valid: 2 rooms.").keeps_from("warning");
        desk.run("plan --detailed-exitcode").ends(2).prints("2 to create");
        desk.run("apply --auto-approve").ends(0).prints("Applied: 2 created.");
        for refresh in ["never", "due", "all"] {
            let again = desk.run(&format!("plan --detailed-exitcode --refresh {refresh}")).ends(0);
            again.prints("No changes: 2 rooms");
        }
    }
}

#[test]
fn a_plan_uses_the_field_names_of_the_file() {
    let plan = Desk::with(EACH).run("plan --format json").ends(0);
    let live = step(&plan, "live/show");
    let expected = [
        ("owner", json!("host")),
        ("seat_template", json!("AudioSalon")),
        ("category", json!([1, 2])),
        ("notice", json!("Hello")),
        ("muted", json!(true)),
    ];
    for (field, value) in expected {
        assert_eq!(live["after"][field], value, "{live}");
    }
    assert_eq!(
        live["after"].get("public"),
        None,
        "`public` is in the plan but not declared: {live}"
    );
    assert_eq!(live["calls"], json!(["create_room", "update_room_info", "set_room_metadata"]));
    let video = step(&plan, "video/call");
    assert_eq!(video["after"]["close"], json!({"reason": "over", "callback": true}));
    assert_eq!(video["calls"], json!([]));
    assert_eq!(video["note"], "no call creates it: it appears when its first user logs in");
    let chat = step(&plan, "chat/hall");
    assert_eq!((chat.get("note"), &chat["calls"]), (None, &json!(["CreateRoom"])));
}

#[test]
fn a_change_is_an_update_or_a_record_step() {
    let desk = applied();
    desk.edit("category: [1, 2]", "category: [3]");
    desk.edit("reason: over", "reason: done");
    desk.edit("topic: welcome", "topic: hello");
    let plan = desk.run("plan --format json").ends(0);
    let expected = [
        ("chat/hall", "update", "attributes_changed", json!(["ModifyRoomAttribute"])),
        ("live/show", "update", "fields_changed", json!(["update_room_info"])),
        ("video/call", "record", "close_changed", json!([])),
    ];
    for (address, action, reason, calls) in expected {
        let step = step(&plan, address);
        assert_eq!((&step["action"], &step["reason"]), (&json!(action), &json!(reason)), "{step}");
        assert_eq!(step["calls"], calls, "{step}");
    }
    desk.run("apply --auto-approve").ends(0).prints("Applied: 2 updated, 1 recorded.");
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: ");
    let shown = desk.run("state show video/call").ends(0);
    shown.prints("close.reason           \"done\"");
}

#[test]
fn a_field_that_cannot_change_in_place_is_replaced() {
    let desk = applied();
    desk.edit("owner: host", "owner: guest");
    let plan = desk.run("plan").ends(0);
    plan.prints("-/+ replace  live/show  fields_changed").prints("owner  \"host\" → \"guest\"");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 replaced.");
    desk.run("plan --refresh all --detailed-exitcode").ends(0);
}

#[test]
fn drift_is_repaired_in_place_or_only_reported() {
    let desk = applied();
    let another = "--state another.state.json --auto-approve";
    desk.run("import --all-declared --state another.state.json").ends(0);
    let ours = desk.read("rooms.yaml");
    desk.edit("owner: host", "owner: guest");
    desk.run(&format!("apply {another}")).ends(0).prints("Applied: 1 replaced.");
    desk.edit("notice: Hello", "notice: Bye");
    desk.run(&format!("apply {another}")).ends(0).prints("Applied: 1 updated.");
    desk.write("rooms.yaml", &ours);
    let warning = "live/show: the service reports another owner than the file declares, and only a new room could have it";
    let repaired = desk.run("apply --auto-approve --refresh all").ends(0).prints(warning);
    let repaired =
        repaired.prints("~ update   live/show  fields_drifted").prints("\"Bye\" → \"Hello\"");
    repaired.keeps_from("guest").prints("Applied: 1 updated.");
    desk.run("plan --refresh all --detailed-exitcode")
        .ends(0)
        .prints(warning)
        .prints("No changes: ");
}

#[test]
fn state_show_prints_the_record_of_each_kind() {
    let desk = applied();
    let live = desk.run("state show live/show").ends(0);
    let live = live.prints("seat_template          \"AudioSalon\"").prints("[1, 2]");
    live.prints("attributes.topic       \"news\"").prints("muted                  true");
    let document = desk.run("state show live/show --format json").ends(0).document();
    assert_eq!(document["room"]["category"], json!([1, 2]), "{document}");
    let document = desk.run("state show video/call --format json").ends(0).document();
    assert_eq!(document["room"]["close"], json!({"reason": "over", "callback": true}));
    let list = desk.run("state list").ends(0);
    assert_eq!(list.stdout.lines().collect::<Vec<_>>(), ADDRESSES);
}

#[test]
fn rooms_of_each_kind_are_imported() {
    let desk = applied();
    for address in ADDRESSES {
        desk.run(&format!("state rm {address} --auto-approve")).ends(0);
        desk.run(&format!("import {address}")).ends(0).prints("Import: 1 recorded");
    }
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: ");
}

#[test]
fn check_prints_the_limits_of_each_kind() {
    let checked = Desk::with(EACH).run("check").ends(0);
    for text in [
        "chat (zim, app 1)",
        "live (tencent-live, app 1)",
        "video (rtc, app 1)",
        "CreateRoom: at most 20 calls per second",
        "create_room: at most 200 calls per second",
        "CloseRoom: at most 1 calls per second",
        "DescribeUserNum: at most 10 calls per second",
    ] {
        assert!(checked.stdout.contains(text), "no {text}\n{checked}");
    }
}

#[test]
fn people_keep_rooms_alive_according_to_their_kind() {
    let desk = applied();
    for address in ADDRESSES {
        let entered = desk.run(&format!("emulator enter {address} --users 3")).ends(0);
        entered.says(&format!("{address}: 3 entered"));
    }
    desk.run("emulator advance 3h").ends(0);
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: 3 rooms, ");
    for address in ADDRESSES {
        desk.run(&format!("emulator leave {address}")).ends(0).says("all users left");
    }
    desk.run("emulator advance 90m").ends(0);
    let due = desk.run("plan --refresh all").ends(0);
    let due = due.prints("1 to recreate").prints("+ recreate chat/hall").keeps_from("live/show");
    due.keeps_from("video/call");
    desk.run("emulator advance 1h").ends(0);
    desk.run("apply --auto-approve --refresh all").ends(0).prints("Applied: 2 recreated.");
    desk.run("emulator leave video/call").ends(1).says("does not exist");
    desk.run("emulator enter live/nowhere").ends(1).says("does not exist");
    desk.run("emulator enter video/call").ends(0);
}

#[test]
fn an_occupied_video_room_is_destroyed_unless_on_occupied_defers() {
    let desk = applied();
    desk.edit("policy: {max_destroy: 3}", "policy: {max_destroy: 3, on_occupied: defer}");
    desk.edit("  - {id: call, provider: video, close: {reason: over, callback: true}}\n", "");
    desk.run("emulator enter video/call --users 2").ends(0);
    let waits = desk.run("apply --auto-approve").ends(0);
    waits.prints("video/call: destroy waits: 2 people inside").prints("1 waiting.");
    desk.edit(", on_occupied: defer", "");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 destroyed.");
    desk.run("emulator leave video/call").ends(1).says("does not exist");
}

#[test]
fn an_unreachable_provider_does_not_stop_the_others() {
    let desk = Desk::with(EACH);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = format!("http://{}", port.local_addr().expect("its address"));
    drop(port);
    let unreachable = [("TENCENT_ENDPOINT", closed.as_str()), ("TENCENT_SECRET_KEY", SECRET_KEY)];
    let applied = desk.run_with(&unreachable, "apply --auto-approve").ends(5);
    let applied = applied.prints("live/show: create failed").prints("Connection refused");
    applied.prints("Applied: 2 created; 1 failed.").keeps_from(SECRET_KEY);
    let list = desk.run("state list").ends(0);
    assert_eq!(list.stdout, "chat/hall\nvideo/call\n");
    let unread = desk.run_with(&unreachable, "plan --refresh all").ends(5);
    unread.prints("live/show").prints("Connection refused");
}

#[test]
fn fields_and_values_that_a_kind_rejects_are_located() {
    let long = format!("name: ¦{}", "é".repeat(51));
    // The original text, its replacement with `¦` at the reported location, and the message.
    let cases = [
        ("    dissolve_after: 2h", "    ¦is_test: true", "tencent-live has no `is_test`: rtc does"),
        (
            "kind: rtc,",
            "kind: rtc, ¦operator: me,",
            "rtc has no `operator`: zim and tencent-live do",
        ),
        (
            "operator: admin,",
            "operator: admin, ¦dissolve_after: 1h,",
            "zim has no `dissolve_after`",
        ),
        (
            "owner: host",
            "¦destroy_delay_time: 1h",
            "tencent-live rooms have no `destroy_delay_time`",
        ),
        ("name: Show", &long, "102 bytes long; tencent-live rooms accept at most 100"),
        ("[1, 2]", "¦[1, 2, 3, 4]", "`category` has 4 items; tencent-live rooms accept at most 3"),
        ("AudioSalon", "¦AudioSaloon", "`seat_template`: invalid value `AudioSaloon`"),
        ("close: {", "¦name: Call, close: {", "rtc rooms have no `name`"),
        ("name: Hall,", "name: Hall, ¦close: {reason: x},", "zim rooms have no `close`"),
        (
            "provider: chat,",
            "providers: [chat, video], ¦owner: me,",
            "zim and rtc rooms have no `owner`",
        ),
    ];
    for (old, new, message) in cases {
        assert!(EACH.contains(old), "{old}");
        let marked = EACH.replacen(old, new, 1);
        let desk = Desk::with(&marked.replace('¦', ""));
        let invalid = desk.run("validate").ends(1).says(message);
        invalid.says(&format!("--> rooms.yaml:{}\n", marked_location(&marked)));
        desk.run("apply --auto-approve").ends(1).says("nothing was done");
        assert!(!desk.holds("rooms.state.json"), "{old}");
    }
}

/// Returns the line and column of `¦`, from 1.
fn marked_location(text: &str) -> String {
    let (before, _) = text.split_once('¦').expect("a mark");
    let line = before.rsplit('\n').next().unwrap_or_default();
    format!("{}:{}", before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[test]
fn an_invalid_tencent_secret_is_an_error_or_a_warning() {
    let desk = Desk::with(EACH);
    let served = Served::start_with(&desk, SECRET_KEY, "");
    let with = |secret: &str, line: &str| {
        let url = ("TENCENT_ENDPOINT", served.url.as_str());
        desk.run_with(&[url, ("TENCENT_SECRET_KEY", secret)], line)
    };
    for secret in ["two words", "\"quoted\""] {
        let refused = with(secret, "apply --auto-approve").ends(1).keeps_from(secret);
        refused.says("TENCENT_SECRET_KEY").says("64 hexadecimal digits").says("`live`");
        assert!(!desk.holds("rooms.state.json"), "a state was written");
    }
    let warned =
        with("sh0rt-of-the-64-digits", "check").ends(1).prints("70009").keeps_from("sh0rt");
    warned.says("WARN").says("does not look like the SecretKey (64 hexadecimal digits)");
    with(SECRET_KEY, "check").ends(0).keeps_from("WARN");
    with(SECRET_KEY, "apply --auto-approve").ends(0).prints("Applied: 3 created.");
}
