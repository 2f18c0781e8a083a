//! `drift`: its output, its exit codes, and that it writes nothing.

use super::served::{SECRET, Served};
use super::test_dir::{THREE_ROOMS, TestDir, files_below};

const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
rooms:
- {id: short, destroy_delay_time: 15m, attributes: {topic: welcome}}
- {id: long, destroy_delay_time: 3h}
";

#[test]
fn vanished_rooms_are_listed_with_exit_code_2() {
    let dir = TestDir::with(ROOMS);
    dir.run("apply --auto-approve").exits(0);
    let line = "No drift: 2 rooms, 2 asked, on the built-in emulator.";
    dir.run("drift").exits(0).stdout_has(line);
    assert_eq!(dir.run("drift --quiet").exits(0).stdout, "");
    dir.run("emulator advance 16m").exits(0);
    let drift = dir.run("drift").exits(2);
    drift
        .stdout_has("~ chat/short  vanished\n")
        .stdout_has("Drift: 1 of 2 rooms differ (1 vanished)");
    dir.run("drift --refresh never").exits(0).stdout_has("2 rooms, 0 asked");
    let json = dir.run("drift --format json").exits(2).document();
    assert_eq!(json["drift"][0]["address"], "chat/short");
    assert_eq!(json["drift"][0]["kind"], "vanished");
    assert_eq!(json["drift"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["summary"]["in_sync"], 1);
}

#[test]
fn drift_writes_no_file() {
    let dir = TestDir::with(ROOMS);
    dir.run("apply --auto-approve").exits(0);
    dir.run("emulator advance 16m").exits(0);
    let folder = dir.path(".");
    let contents = || {
        let files = files_below(&folder);
        files.into_iter().map(|name| (dir.read(&name), name)).collect::<Vec<_>>()
    };
    let before = contents();
    dir.run("drift").exits(2);
    assert_eq!(contents(), before);
}

#[test]
fn an_unreachable_service_gives_unread_rooms_and_exit_code_5() {
    let dir = TestDir::empty();
    let served = Served::start(&dir, "");
    dir.write("rooms.yaml", &ROOMS.replace("endpoint: emulator", "endpoint: \"${ZIM_ENDPOINT}\""));
    served.run(&dir, "apply --auto-approve").exits(0);
    let url = served.url.clone();
    drop(served);
    let variables = [("ZIM_ENDPOINT", &*url), ("ZEGO_SERVER_SECRET", SECRET)];
    let drift = dir.run_with(&variables, "drift").exits(5);
    drift.stdout_has("Drift: none in what could be read of 2 rooms").output_lacks("No drift");
}

#[test]
fn a_room_recreated_by_another_client_is_updated_with_a_warning() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    let apply = "apply --auto-approve --refresh all";
    served.run(&dir, apply).exits(0);
    dir.edit("topic: today", "topic: tomorrow");
    served.run(&dir, apply).exits(0).stdout_has("1 updated");
    let ours = dir.read("rooms.yaml");
    dir.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    served.run(&dir, &format!("{apply} --state theirs.json")).exits(0).stdout_has("3 adopted");
    dir.edit("name: News, attributes: {topic: tomorrow}", "name: Theirs, attributes: {topic: x}");
    let theirs = format!("{apply} --state theirs.json --allow-destroy 1");
    served.run(&dir, &theirs).exits(0).stdout_has("1 replaced");
    dir.write("rooms.yaml", &ours);

    let warning = "warning: chat/news was recreated by someone else";
    served
        .run(&dir, "plan --refresh all")
        .exits(0)
        .stdout_has(warning)
        .stdout_has("attributes_drifted");
    served.run(&dir, "explain chat/news").exits(0).stdout_has(warning);
    served.run(&dir, "state show chat/news").exits(0).output_lacks("assumed");
    served.run(&dir, apply).exits(0).stdout_has(warning).stdout_has("1 updated");
    // The room is ours from now on, but its name and delay are unknown.
    served
        .run(&dir, "plan --refresh all")
        .exits(0)
        .stdout_has("No changes")
        .output_lacks("recreated by someone else");
    served.run(&dir, "state show chat/news").exits(0).stdout_has("assumed");
}

#[test]
fn drift_without_credentials_is_an_error() {
    let dir = TestDir::empty();
    dir.write("rooms.yaml", &ROOMS.replace("endpoint: emulator", "endpoint: \"${ZIM_ENDPOINT}\""));
    let real = [("ZIM_ENDPOINT", "http://127.0.0.1:9")];
    for line in ["drift", "drift --refresh all", "drift --refresh due"] {
        let drift = dir.run_with(&real, line).exits(1).stderr_has("ZEGO_SERVER_SECRET is not set");
        assert_eq!(drift.stdout, "");
    }
    dir.run_with(&real, "drift --refresh never").exits(0).stdout_has("0 asked");
}

#[test]
fn drift_and_reconcile_report_a_missing_state() {
    let dir = TestDir::with(ROOMS);
    for line in ["drift", "reconcile"] {
        dir.run(line).exits(0).stdout_has("there is no state yet: no room is recorded");
    }
    dir.run("apply --auto-approve").exits(0);
    for line in ["drift", "reconcile"] {
        dir.run(line).exits(0).output_lacks("no state yet");
    }
}
