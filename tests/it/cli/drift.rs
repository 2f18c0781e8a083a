//! `drift`: its output, its exit codes, and that it writes nothing.

use super::desk::{Desk, THREE_ROOMS, files_below};
use super::served::{SECRET, Served};

const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
rooms:
- {id: short, destroy_delay_time: 15m, attributes: {topic: welcome}}
- {id: long, destroy_delay_time: 3h}
";

#[test]
fn vanished_rooms_are_listed_with_exit_code_2() {
    let desk = Desk::with(ROOMS);
    desk.run("apply --auto-approve").ends(0);
    let line = "No drift: 2 rooms, 2 asked, on the built-in emulator.";
    desk.run("drift").ends(0).prints(line);
    assert_eq!(desk.run("drift --quiet").ends(0).stdout, "");
    desk.run("emulator advance 16m").ends(0);
    let drift = desk.run("drift").ends(2);
    drift.prints("~ chat/short  vanished\n").prints("Drift: 1 of 2 rooms differ (1 vanished)");
    desk.run("drift --refresh never").ends(0).prints("2 rooms, 0 asked");
    let json = desk.run("drift --format json").ends(2).document();
    assert_eq!(json["drift"][0]["address"], "chat/short");
    assert_eq!(json["drift"][0]["kind"], "vanished");
    assert_eq!(json["drift"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["summary"]["in_sync"], 1);
}

#[test]
fn drift_writes_no_file() {
    let desk = Desk::with(ROOMS);
    desk.run("apply --auto-approve").ends(0);
    desk.run("emulator advance 16m").ends(0);
    let folder = desk.path(".");
    let contents = || {
        let files = files_below(&folder);
        files.into_iter().map(|name| (desk.read(&name), name)).collect::<Vec<_>>()
    };
    let before = contents();
    desk.run("drift").ends(2);
    assert_eq!(contents(), before);
}

#[test]
fn an_unreachable_service_gives_unread_rooms_and_exit_code_5() {
    let desk = Desk::empty();
    let served = Served::start(&desk, "");
    desk.write("rooms.yaml", &ROOMS.replace("endpoint: emulator", "endpoint: \"${ZIM_ENDPOINT}\""));
    served.run(&desk, "apply --auto-approve").ends(0);
    let url = served.url.clone();
    drop(served);
    let variables = [("ZIM_ENDPOINT", &*url), ("ZEGO_SERVER_SECRET", SECRET)];
    let drift = desk.run_with(&variables, "drift").ends(5);
    drift.prints("Drift: none in what could be read of 2 rooms").keeps_from("No drift");
}

#[test]
fn a_room_recreated_by_another_client_is_updated_with_a_warning() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    let apply = "apply --auto-approve --refresh all";
    served.run(&desk, apply).ends(0);
    desk.edit("topic: today", "topic: tomorrow");
    served.run(&desk, apply).ends(0).prints("1 updated");
    let ours = desk.read("rooms.yaml");
    desk.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    served.run(&desk, &format!("{apply} --state theirs.json")).ends(0).prints("3 adopted");
    desk.edit("name: News, attributes: {topic: tomorrow}", "name: Theirs, attributes: {topic: x}");
    let theirs = format!("{apply} --state theirs.json --allow-destroy 1");
    served.run(&desk, &theirs).ends(0).prints("1 replaced");
    desk.write("rooms.yaml", &ours);

    let warning = "warning: chat/news was recreated by someone else";
    served.run(&desk, "plan --refresh all").ends(0).prints(warning).prints("attributes_drifted");
    served.run(&desk, "explain chat/news").ends(0).prints(warning);
    served.run(&desk, "state show chat/news").ends(0).keeps_from("assumed");
    served.run(&desk, apply).ends(0).prints(warning).prints("1 updated");
    // The room is ours from now on, but its name and delay are unknown.
    served
        .run(&desk, "plan --refresh all")
        .ends(0)
        .prints("No changes")
        .keeps_from("recreated by someone else");
    served.run(&desk, "state show chat/news").ends(0).prints("assumed");
}

#[test]
fn drift_without_credentials_is_an_error() {
    let desk = Desk::empty();
    desk.write("rooms.yaml", &ROOMS.replace("endpoint: emulator", "endpoint: \"${ZIM_ENDPOINT}\""));
    let real = [("ZIM_ENDPOINT", "http://127.0.0.1:9")];
    for line in ["drift", "drift --refresh all", "drift --refresh due"] {
        let drift = desk.run_with(&real, line).ends(1).says("ZEGO_SERVER_SECRET is not set");
        assert_eq!(drift.stdout, "");
    }
    desk.run_with(&real, "drift --refresh never").ends(0).prints("0 asked");
}

#[test]
fn drift_and_reconcile_report_a_missing_state() {
    let desk = Desk::with(ROOMS);
    for line in ["drift", "reconcile"] {
        desk.run(line).ends(0).prints("there is no state yet: no room is recorded");
    }
    desk.run("apply --auto-approve").ends(0);
    for line in ["drift", "reconcile"] {
        desk.run(line).ends(0).keeps_from("no state yet");
    }
}
