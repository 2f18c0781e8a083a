//! No secret, signature or signed query is written to a stream, a log, the state or another file.

mod recording_proxy;

use crate::cli::served::Served;
use crate::cli::test_dir::{CommandResult, TestDir, files_below};
use recording_proxy::{Behaviour, RecordingProxy};

/// The secret of every service; no other text in the tests contains it.
const SECRET: &str = "5ecre7-0f-th3-t3st-th47-n0b0dy-5h0u1d-533";

/// One room of each kind.
const ROOMS: &str = "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: '${ZIM_ENDPOINT}', rate_limit: 20}
  live: {kind: tencent-live, app_id: 1, operator: administrator, endpoint: '${ZIM_ENDPOINT}'}
  video: {kind: rtc, app_id: 1, endpoint: '${ZIM_ENDPOINT}'}
rooms:
  - id: lobby
    provider: chat
    name: Lobby
    destroy_delay_time: 1h
    attributes: {topic: welcome}
  - id: show
    provider: live
    owner: host
    seat_template: AudioSalon
    notice: hello
    attributes: {topic: news}
  - {id: call, provider: video, close: {reason: over}}
";

/// Returns everything that the runs printed or wrote, each text with its stream or file name.
fn written(dir: &TestDir, runs: &[CommandResult]) -> Vec<(String, String)> {
    let mut written: Vec<(String, String)> = Vec::new();
    for ran in runs {
        written.push(("stdout".to_owned(), ran.stdout.clone()));
        written.push(("stderr".to_owned(), ran.stderr.clone()));
    }
    for name in files_below(&dir.path(".")) {
        written.push((name.clone(), dir.read(&name)));
    }
    written
}

/// Asserts that no output or file contains the secret, or a signature that the proxy recorded.
#[track_caller]
fn assert_no_leak(dir: &TestDir, runs: &[CommandResult], proxy: &RecordingProxy) {
    let (signatures, user_sigs) = (proxy.signatures(), proxy.user_sigs());
    assert!(!signatures.is_empty(), "the proxy recorded no signature: no call reached it");
    assert!(!user_sigs.is_empty(), "the proxy recorded no UserSig: no call reached it");
    for (place, text) in written(dir, runs) {
        assert!(!text.contains(SECRET), "{place} contains the secret:\n{text}");
        assert_no_signed_query(&place, &text);
        for signature in signatures.iter().chain(&user_sigs) {
            assert!(!text.contains(signature), "{place} contains a signature:\n{text}");
        }
    }
}

#[track_caller]
fn assert_no_signed_query(place: &str, text: &str) {
    for proof in ["Signature=", "usersig="] {
        assert!(!text.contains(proof), "{place} contains a signed query:\n{text}");
    }
}

/// The environment of a run: the endpoint and the secret of every service, and the log level `trace`.
fn variables(url: &str) -> [(&str, &str); 4] {
    [
        ("ZIM_ENDPOINT", url),
        ("ZEGO_SERVER_SECRET", SECRET),
        ("TENCENT_SECRET_KEY", SECRET),
        ("ROOMCTL_LOG", "trace"),
    ]
}

/// Runs the commands that call a service, with log level `trace`, once with each log format.
fn run_all_commands(dir: &TestDir, url: &str) -> Vec<CommandResult> {
    let mut runs = Vec::new();
    for line in [
        "check",
        "apply --auto-approve",
        "plan --refresh all",
        "plan --refresh all --format json",
        "state show live/show --format json",
        "destroy --auto-approve --allow-destroy 3",
    ] {
        for log in ["text", "json"] {
            runs.push(dir.run_with(&variables(url), &format!("{line} --log-format {log}")));
        }
    }
    runs
}

#[test]
fn successful_runs_leak_no_secret() {
    let dir = TestDir::with(ROOMS);
    let served = Served::start_with(&dir, SECRET, "--data world.json");
    let proxy = RecordingProxy::start(Behaviour::Forward(served.address()));
    let runs = run_all_commands(&dir, &proxy.url);
    for call in ["CreateRoom", "create_room", "account_import", "DescribeUserNum", "CloseRoom"] {
        assert!(runs.iter().any(|ran| ran.stderr.contains(call)), "{call} was not logged");
    }
    assert!(runs[2].stdout.contains("Applied: 3 created."), "{}", runs[2]);
    assert!(runs[10].stdout.contains("3 destroyed"), "{}", runs[10]);
    assert_no_leak(&dir, &runs, &proxy);
}

#[test]
fn runs_on_the_built_in_emulator_leak_no_secret() {
    let dir = TestDir::with(&ROOMS.replace("'${ZIM_ENDPOINT}'", "emulator"));
    let runs = run_all_commands(&dir, "");
    for (place, text) in written(&dir, &runs) {
        assert!(!text.contains(SECRET), "{place} contains the secret:\n{text}");
        assert_no_signed_query(&place, &text);
    }
}

#[test]
fn runs_with_a_wrong_secret_leak_no_secret() {
    let dir = TestDir::with(ROOMS);
    let served = Served::start(&dir, "");
    let proxy = RecordingProxy::start(Behaviour::Forward(served.address()));
    let runs = run_all_commands(&dir, &proxy.url);
    for code in ["100000005", "70009"] {
        assert!(runs[0].stdout.contains(code), "{code}: {}", runs[0]);
    }
    // The log of a failed call names the call, the room, the service's answer and the duration.
    let create =
        runs[2].stderr.lines().find(|line| line.contains("call=CreateRoom room=\"lobby\" took="));
    let create =
        create.unwrap_or_else(|| panic!("the failed CreateRoom call was not logged: {}", runs[2]));
    for part in ["DEBUG", "code=100000005", "request_id=", "class=Fatal"] {
        assert!(create.contains(part), "{part}: {create}");
    }
    assert_no_leak(&dir, &runs, &proxy);
}

#[test]
fn an_html_answer_that_quotes_the_request_leaks_no_secret() {
    assert_no_leak_against(Behaviour::Echo { status: "200 OK", json: false });
}

#[test]
fn an_error_page_that_quotes_the_request_leaks_no_secret() {
    assert_no_leak_against(Behaviour::Echo { status: "404 Not Found", json: false });
}

#[test]
fn a_service_error_message_that_quotes_the_request_leaks_no_secret() {
    assert_no_leak_against(Behaviour::Echo { status: "200 OK", json: true });
}

#[test]
fn a_redirect_that_repeats_the_query_leaks_no_secret() {
    assert_no_leak_against(Behaviour::Redirect);
}

#[test]
fn closed_connections_leak_no_secret() {
    assert_no_leak_against(Behaviour::Close);
}

fn assert_no_leak_against(behaviour: Behaviour) {
    let dir = TestDir::with(ROOMS);
    let proxy = RecordingProxy::start(behaviour);
    let runs = ["check --log-format json", "apply --auto-approve", "plan --refresh all"]
        .map(|line| dir.run_with(&variables(&proxy.url), line));
    assert_no_leak(&dir, &runs, &proxy);
}
