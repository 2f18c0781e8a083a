//! Credentials and endpoints of a real service, and the messages if they are missing or wrong.

use super::served::{SECRET, Served};
use super::test_dir::{THREE_ROOMS, TestDir};

const REAL: (&str, &str) = ("ZIM_ENDPOINT", "vendor");

#[test]
fn plan_without_credentials_reports_that_it_did_not_refresh() {
    let dir = TestDir::with(THREE_ROOMS);
    let plan = dir.run_with(&[REAL], "plan").exits(0);
    plan.stdout_has("Not refreshed: no credentials")
        .stdout_has("ZEGO_SERVER_SECRET")
        .stdout_has("3 to create");
    dir.run_with(&[REAL], "plan --refresh never")
        .exits(0)
        .stdout_has("Not refreshed: `refresh: never`");
    for refresh in ["due", "all"] {
        let refused = dir.run_with(&[REAL], &format!("plan --refresh {refresh}")).exits(1);
        refused.stderr_has("ZEGO_SERVER_SECRET is not set");
    }
}

#[test]
fn apply_without_credentials_fails_before_any_call() {
    let dir = TestDir::with(THREE_ROOMS);
    let loopback = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    loopback.set_nonblocking(true).expect("a listener that does not block");
    let url = format!("http://{}", loopback.local_addr().expect("its address"));
    let here = [("ZIM_ENDPOINT", url.as_str())];
    for command in ["apply --auto-approve", "import --all-declared"] {
        dir.run_with(&here, command).exits(1).stderr_has("ZEGO_SERVER_SECRET is not set");
    }
    assert!(loopback.accept().is_err(), "a call was made");
    assert!(!dir.holds("rooms.state.json"), "a state was written");
}

#[test]
fn a_secret_file_is_read_without_its_trailing_newline() {
    let dir = TestDir::with(&THREE_ROOMS.replace("operator:", "secret_file: secret, operator:"));
    let served = Served::start(&dir, "");
    let here = [("ZIM_ENDPOINT", served.url.as_str())];
    dir.run_with(&here, "check").exits(1).stdout_has("secret");
    dir.write("secret", &format!("{SECRET}\n"));
    dir.run_with(&here, "check").exits(0).stdout_has("answers to a signed query");
}

#[test]
fn check_reports_valid_wrong_and_missing_secrets() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    let valid = served.run(&dir, "check").exits(0);
    let valid = valid.stdout_has("answers to a signed query").stdout_has("clock");
    valid.stdout_has("CreateRoom: at most 20 calls per second");
    let wrong =
        [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", "another-secret-of-no-app")];
    let failed =
        dir.run_with(&wrong, "check").exits(1).stdout_has("FAILED").stdout_has("100000005");
    failed.output_lacks("a second");
    dir.run_with(&[REAL], "check").exits(1).stdout_has("ZEGO_SERVER_SECRET is not set");
    dir.run("check").exits(0);
}

#[test]
fn check_reports_whether_the_operator_is_registered() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    for _ in 0..2 {
        served.run(&dir, "check").exits(0).stdout_has("operator `admin`: not registered");
    }
    let json = served.run(&dir, "check --format json").exits(0).document();
    assert_eq!(json["providers"][0]["operator"], "admin");
    assert_eq!(json["providers"][0]["operator_known"], false);
    served.run(&dir, "apply -y").exits(0);
    served.run(&dir, "check").exits(0).stdout_has("operator `admin`: the service accepts calls");
    let json = served.run(&dir, "check --format json").exits(0).document();
    assert_eq!(json["providers"][0]["operator_known"], true);
    let missing = dir.run_with(&[REAL], "check --format json").exits(1).document();
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
    let dir = TestDir::with(LIVE);
    for (administrator, known, code) in [("boss", true, 0), ("somebody", false, 1)] {
        let served = Served::start(&dir, &format!("--administrator {administrator}"));
        let here = [("ZIM_ENDPOINT", served.url.as_str()), ("TENCENT_SECRET_KEY", SECRET)];
        let ran = dir.run_with(&here, "check --format json").exits(code);
        assert_eq!(ran.document()["providers"][0]["operator_known"], known, "{ran}");
    }
}

#[test]
fn credentials_are_not_sent_to_a_host_named_only_by_a_file() {
    let dir = TestDir::with(THREE_ROOMS);
    let elsewhere = [("ZIM_ENDPOINT", "https://rooms.example"), ("ZEGO_SERVER_SECRET", SECRET)];
    for command in ["plan --refresh all", "apply --auto-approve", "check"] {
        let refused = dir.run_with(&elsewhere, command).exits(1);
        refused.stderr_has("--allow-endpoint rooms.example").output_lacks(SECRET);
    }
    let plain = [("ZIM_ENDPOINT", "http://rooms.example"), ("ZEGO_SERVER_SECRET", SECRET)];
    dir.run_with(&plain, "apply --auto-approve --allow-endpoint rooms.example").exits(1);
}

#[test]
fn a_wrong_secret_stops_the_run_with_the_services_message() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    let wrong =
        [("ZIM_ENDPOINT", served.url.as_str()), ("ZEGO_SERVER_SECRET", "another-secret-of-no-app")];
    let ran = dir.run_with(&wrong, "apply --auto-approve --concurrency 1").exits(1);
    let ran = ran.stdout_has("signature error").stdout_has("ServerSecret").stdout_has("100000005");
    ran.stdout_has("request ").stdout_has("fix the configuration").output_lacks("another-secret");
    dir.run("state list --state rooms.state.json").output_lacks("chat/");
}

#[test]
fn only_variables_with_allowed_prefixes_are_expanded() {
    let dir = TestDir::with(&THREE_ROOMS.replace("operator: admin", "operator: '${HOME}'"));
    dir.run_with(&[("HOME", "/root/private")], "validate").exits(1).output_lacks("/root/private");
}
