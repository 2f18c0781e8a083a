//! Rooms of every kind in every command, and the fields and values that a kind rejects.

use serde_json::{Value, json};

use super::served::Served;
use super::test_dir::{CommandResult, TestDir};

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
fn applied() -> TestDir {
    let dir = TestDir::with(EACH);
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
    dir
}

/// Returns the step of one room from a plan's document.
#[track_caller]
fn step(plan: &CommandResult, address: &str) -> Value {
    let document = plan.document();
    let steps = document["steps"].as_array().expect("steps");
    let found = steps.iter().find(|step| step["address"] == address);
    found.unwrap_or_else(|| panic!("no step of {address}\n{plan}")).clone()
}

#[test]
fn the_starter_file_of_each_kind_applies_and_converges() {
    for kind in ["zim", "rtc", "tencent-live"] {
        let dir = TestDir::empty();
        dir.run(&format!("init --kind {kind}")).exits(0);
        dir.run("validate").exits(0).stdout_has("Valid: 2 rooms.").output_lacks("warning");
        dir.run("plan --detailed-exitcode").exits(2).stdout_has("2 to create");
        dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 2 created.");
        for refresh in ["never", "due", "all"] {
            let again = dir.run(&format!("plan --detailed-exitcode --refresh {refresh}")).exits(0);
            again.stdout_has("No changes: 2 rooms");
        }
    }
}

#[test]
fn a_plan_uses_the_field_names_of_the_file() {
    let plan = TestDir::with(EACH).run("plan --format json").exits(0);
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
    let dir = applied();
    dir.edit("category: [1, 2]", "category: [3]");
    dir.edit("reason: over", "reason: done");
    dir.edit("topic: welcome", "topic: hello");
    let plan = dir.run("plan --format json").exits(0);
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
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 2 updated, 1 recorded.");
    dir.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: ");
    let shown = dir.run("state show video/call").exits(0);
    shown.stdout_has("close.reason           \"done\"");
}

#[test]
fn a_field_that_cannot_change_in_place_is_replaced() {
    let dir = applied();
    dir.edit("owner: host", "owner: guest");
    let plan = dir.run("plan").exits(0);
    plan.stdout_has("-/+ replace  live/show  fields_changed")
        .stdout_has("owner  \"host\" → \"guest\"");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 replaced.");
    dir.run("plan --refresh all --detailed-exitcode").exits(0);
}

#[test]
fn drift_is_repaired_in_place_or_only_reported() {
    let dir = applied();
    let another = "--state another.state.json --auto-approve";
    dir.run("import --all-declared --state another.state.json").exits(0);
    let ours = dir.read("rooms.yaml");
    dir.edit("owner: host", "owner: guest");
    dir.run(&format!("apply {another}")).exits(0).stdout_has("Applied: 1 replaced.");
    dir.edit("notice: Hello", "notice: Bye");
    dir.run(&format!("apply {another}")).exits(0).stdout_has("Applied: 1 updated.");
    dir.write("rooms.yaml", &ours);
    let warning = "live/show: the service reports another owner than the file declares, which cannot change in place";
    let repaired = dir.run("apply --auto-approve --refresh all").exits(0).stdout_has(warning);
    let repaired = repaired
        .stdout_has("~ update   live/show  fields_drifted")
        .stdout_has("\"Bye\" → \"Hello\"");
    repaired.output_lacks("guest").stdout_has("Applied: 1 updated.");
    dir.run("plan --refresh all --detailed-exitcode")
        .exits(0)
        .stdout_has(warning)
        .stdout_has("No changes: ");
}

#[test]
fn state_show_prints_the_record_of_each_kind() {
    let dir = applied();
    let live = dir.run("state show live/show").exits(0);
    let live = live.stdout_has("seat_template          \"AudioSalon\"").stdout_has("[1, 2]");
    live.stdout_has("attributes.topic       \"news\"").stdout_has("muted                  true");
    let document = dir.run("state show live/show --format json").exits(0).document();
    assert_eq!(document["room"]["category"], json!([1, 2]), "{document}");
    let document = dir.run("state show video/call --format json").exits(0).document();
    assert_eq!(document["room"]["close"], json!({"reason": "over", "callback": true}));
    let list = dir.run("state list").exits(0);
    assert_eq!(list.stdout.lines().collect::<Vec<_>>(), ADDRESSES);
}

#[test]
fn rooms_of_each_kind_are_imported() {
    let dir = applied();
    for address in ADDRESSES {
        dir.run(&format!("state rm {address} --auto-approve")).exits(0);
        dir.run(&format!("import {address}")).exits(0).stdout_has("Import: 1 recorded");
    }
    dir.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: ");
}

#[test]
fn check_prints_the_limits_of_each_kind() {
    let checked = TestDir::with(EACH).run("check").exits(0);
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
    let dir = applied();
    for address in ADDRESSES {
        let entered = dir.run(&format!("emulator enter {address} --users 3")).exits(0);
        entered.stderr_has(&format!("{address}: 3 entered"));
    }
    dir.run("emulator advance 3h").exits(0);
    dir.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms, ");
    for address in ADDRESSES {
        dir.run(&format!("emulator leave {address}")).exits(0).stderr_has("all users left");
    }
    dir.run("emulator advance 90m").exits(0);
    let due = dir.run("plan --refresh all").exits(0);
    let due = due
        .stdout_has("1 to recreate")
        .stdout_has("+ recreate chat/hall")
        .output_lacks("live/show");
    due.output_lacks("video/call");
    dir.run("emulator advance 1h").exits(0);
    dir.run("apply --auto-approve --refresh all").exits(0).stdout_has("Applied: 2 recreated.");
    dir.run("emulator leave video/call").exits(1).stderr_has("does not exist");
    dir.run("emulator enter live/nowhere").exits(1).stderr_has("does not exist");
    dir.run("emulator enter video/call").exits(0);
}

#[test]
fn an_occupied_video_room_is_destroyed_unless_on_occupied_defers() {
    let dir = applied();
    dir.edit("policy: {max_destroy: 3}", "policy: {max_destroy: 3, on_occupied: defer}");
    dir.edit("  - {id: call, provider: video, close: {reason: over, callback: true}}\n", "");
    dir.run("emulator enter video/call --users 2").exits(0);
    let waits = dir.run("apply --auto-approve").exits(0);
    waits.stdout_has("video/call: destroy waits: 2 people inside").stdout_has("1 waiting.");
    dir.edit(", on_occupied: defer", "");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 destroyed.");
    dir.run("emulator leave video/call").exits(1).stderr_has("does not exist");
}

#[test]
fn an_unreachable_provider_does_not_stop_the_others() {
    let dir = TestDir::with(EACH);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = format!("http://{}", port.local_addr().expect("its address"));
    drop(port);
    let unreachable = [("TENCENT_ENDPOINT", closed.as_str()), ("TENCENT_SECRET_KEY", SECRET_KEY)];
    let applied = dir.run_with(&unreachable, "apply --auto-approve").exits(5);
    let applied = applied.stdout_has("live/show: create failed").stdout_has("Connection refused");
    applied.stdout_has("Applied: 2 created; 1 failed.").output_lacks(SECRET_KEY);
    let list = dir.run("state list").exits(0);
    assert_eq!(list.stdout, "chat/hall\nvideo/call\n");
    let unread = dir.run_with(&unreachable, "plan --refresh all").exits(5);
    unread.stdout_has("live/show").stdout_has("Connection refused");
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
        let dir = TestDir::with(&marked.replace('¦', ""));
        let invalid = dir.run("validate").exits(1).stderr_has(message);
        invalid.stderr_has(&format!("--> rooms.yaml:{}\n", marked_location(&marked)));
        dir.run("apply --auto-approve").exits(1).stderr_has("nothing was done");
        assert!(!dir.holds("rooms.state.json"), "{old}");
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
    let dir = TestDir::with(EACH);
    let served = Served::start_with(&dir, SECRET_KEY, "");
    let with = |secret: &str, line: &str| {
        let url = ("TENCENT_ENDPOINT", served.url.as_str());
        dir.run_with(&[url, ("TENCENT_SECRET_KEY", secret)], line)
    };
    for secret in ["two words", "\"quoted\""] {
        let refused = with(secret, "apply --auto-approve").exits(1).output_lacks(secret);
        refused
            .stderr_has("TENCENT_SECRET_KEY")
            .stderr_has("64 hexadecimal digits")
            .stderr_has("`live`");
        assert!(!dir.holds("rooms.state.json"), "a state was written");
    }
    let warned =
        with("sh0rt-of-the-64-digits", "check").exits(1).stdout_has("70009").output_lacks("sh0rt");
    warned
        .stderr_has("WARN")
        .stderr_has("does not look like the SecretKey (64 hexadecimal digits)");
    with(SECRET_KEY, "check").exits(0).output_lacks("WARN");
    with(SECRET_KEY, "apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
}
