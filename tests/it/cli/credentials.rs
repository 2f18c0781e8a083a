//! Credentials and endpoints of a real service, and the messages if they are missing or wrong.

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Served};

const REAL: (&str, &str) = ("ZIM_ENDPOINT", "vendor");

#[test]
fn plan_without_credentials_reports_that_it_did_not_refresh() {
    let desk = Desk::with(THREE_ROOMS);
    let plan = desk.run_with(&[REAL], "plan").ends(0);
    plan.prints("Not refreshed: no credentials").prints("ZEGO_SERVER_SECRET").prints("3 to create");
    desk.run_with(&[REAL], "plan --refresh never")
        .ends(0)
        .prints("Not refreshed: `refresh: never`");
    for refresh in ["due", "all"] {
        let refused = desk.run_with(&[REAL], &format!("plan --refresh {refresh}")).ends(1);
        refused.says("ZEGO_SERVER_SECRET is not set");
    }
}

#[test]
fn apply_without_credentials_fails_before_any_call() {
    let desk = Desk::with(THREE_ROOMS);
    let loopback = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    loopback.set_nonblocking(true).expect("a listener that does not block");
    let url = format!("http://{}", loopback.local_addr().expect("its address"));
    let here = [("ZIM_ENDPOINT", url.as_str())];
    for command in ["apply --auto-approve", "import --all-declared"] {
        desk.run_with(&here, command).ends(1).says("ZEGO_SERVER_SECRET is not set");
    }
    assert!(loopback.accept().is_err(), "a call was made");
    assert!(!desk.holds("rooms.state.json"), "a state was written");
}

#[test]
fn a_secret_file_is_read_without_its_trailing_newline() {
    let desk = Desk::with(&THREE_ROOMS.replace("operator:", "secret_file: secret, operator:"));
    let served = Served::start(&desk, "");
    let here = [("ZIM_ENDPOINT", served.url.as_str())];
    desk.run_with(&here, "check").ends(1).prints("secret");
    desk.write("secret", &format!("{SECRET}\n"));
    desk.run_with(&here, "check").ends(0).prints("answers to a signed query");
}

#[test]
fn check_reports_valid_wrong_and_missing_secrets() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    let valid = served.run(&desk, "check").ends(0);
    let valid = valid.prints("answers to a signed query").prints("clock");
    valid.prints("CreateRoom: at most 20 calls per second");
    let wrong =
        [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", "another-secret-of-no-app")];
    let failed = desk.run_with(&wrong, "check").ends(1).prints("FAILED").prints("100000005");
    failed.keeps_from("a second");
    desk.run_with(&[REAL], "check").ends(1).prints("ZEGO_SERVER_SECRET is not set");
    desk.run("check").ends(0);
}

#[test]
fn check_reports_whether_the_operator_is_registered() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    for _ in 0..2 {
        served.run(&desk, "check").ends(0).prints("operator `admin`: not registered");
    }
    let json = served.run(&desk, "check --format json").ends(0).document();
    assert_eq!(json["providers"][0]["operator"], "admin");
    assert_eq!(json["providers"][0]["operator_known"], false);
    served.run(&desk, "apply -y").ends(0);
    served.run(&desk, "check").ends(0).prints("operator `admin`: the service accepts calls");
    let json = served.run(&desk, "check --format json").ends(0).document();
    assert_eq!(json["providers"][0]["operator_known"], true);
    let missing = desk.run_with(&[REAL], "check --format json").ends(1).document();
    assert_eq!(missing["providers"][0]["operator_known"], serde_json::Value::Null);
}

const LIVE: &str = "\
version: 1
providers:
  live: {kind: tencent-live, app_id: 1, operator: boss, endpoint: '${ZIM_ENDPOINT}'}
rooms: []
";

#[test]
fn check_reports_whether_the_operator_is_an_administrator() {
    let desk = Desk::with(LIVE);
    for (administrator, known, code) in [("boss", true, 0), ("somebody", false, 1)] {
        let served = Served::start(&desk, &format!("--administrator {administrator}"));
        let here = [("ZIM_ENDPOINT", served.url.as_str()), ("TENCENT_SECRET_KEY", SECRET)];
        let ran = desk.run_with(&here, "check --format json").ends(code);
        assert_eq!(ran.document()["providers"][0]["operator_known"], known, "{ran}");
    }
}

#[test]
fn credentials_are_not_sent_to_a_host_named_only_by_a_file() {
    let desk = Desk::with(THREE_ROOMS);
    let elsewhere = [("ZIM_ENDPOINT", "https://rooms.example"), ("ZEGO_SERVER_SECRET", SECRET)];
    for command in ["plan --refresh all", "apply --auto-approve", "check"] {
        let refused = desk.run_with(&elsewhere, command).ends(1);
        refused.says("--allow-endpoint rooms.example").keeps_from(SECRET);
    }
    let plain = [("ZIM_ENDPOINT", "http://rooms.example"), ("ZEGO_SERVER_SECRET", SECRET)];
    desk.run_with(&plain, "apply --auto-approve --allow-endpoint rooms.example").ends(1);
}

#[test]
fn a_wrong_secret_stops_the_run_with_the_services_message() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    let wrong =
        [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", "another-secret-of-no-app")];
    let ran = desk.run_with(&wrong, "apply --auto-approve --concurrency 1").ends(1);
    let ran = ran.prints("signature error").prints("ServerSecret").prints("100000005");
    ran.prints("request ").prints("fix the configuration").keeps_from("another-secret");
    desk.run("state list --state rooms.state.json").keeps_from("chat/");
}

#[test]
fn only_variables_with_allowed_prefixes_are_expanded() {
    let desk = Desk::with(&THREE_ROOMS.replace("operator: admin", "operator: '${HOME}'"));
    desk.run_with(&[("HOME", "/root/private")], "validate").ends(1).keeps_from("/root/private");
}
