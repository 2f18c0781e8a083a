//! A secret, and whatever was signed with it, reaches no stream, log, state or file.

mod wire;

use crate::cli::desk::{Desk, Ran, files_below};
use crate::cli::served::Served;
use wire::{Behaviour, Wire};

/// A secret that nothing else looks like.
const SECRET: &str = "5ecre7-0f-th3-t3st-th47-n0b0dy-5h0u1d-533";

/// A room of each kind.
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

/// Everything that a run told or wrote, by where.
fn told(desk: &Desk, runs: &[Ran]) -> Vec<(String, String)> {
    let mut told: Vec<(String, String)> = Vec::new();
    for ran in runs {
        told.push(("stdout".to_owned(), ran.stdout.clone()));
        told.push(("stderr".to_owned(), ran.stderr.clone()));
    }
    for name in files_below(&desk.path(".")) {
        told.push((name.clone(), desk.read(&name)));
    }
    told
}

/// Holds what was told against the secret and everything that was signed on the wire.
#[track_caller]
fn nothing_leaks(desk: &Desk, runs: &[Ran], wire: &Wire) {
    let (signatures, user_sigs) = (wire.signatures(), wire.user_sigs());
    assert!(!signatures.is_empty(), "nothing was signed: the test saw no call");
    assert!(!user_sigs.is_empty(), "no UserSig was sent: the test saw no call");
    for (place, text) in told(desk, runs) {
        assert!(!text.contains(SECRET), "the secret stands in {place}:\n{text}");
        no_signed_query(&place, &text);
        for signature in signatures.iter().chain(&user_sigs) {
            assert!(!text.contains(signature), "a signature stands in {place}:\n{text}");
        }
    }
}

#[track_caller]
fn no_signed_query(place: &str, text: &str) {
    for proof in ["Signature=", "usersig="] {
        assert!(!text.contains(proof), "a signed query stands in {place}:\n{text}");
    }
}

/// Where every service is, the secret of all of them, and everything logged.
fn variables(url: &str) -> [(&str, &str); 4] {
    [
        ("ZIM_ENDPOINT", url),
        ("ZEGO_SERVER_SECRET", SECRET),
        ("TENCENT_SECRET_KEY", SECRET),
        ("ROOMCTL_LOG", "trace"),
    ]
}

/// Runs the commands that talk to a service, with everything logged, as text and as JSON.
fn run_everything(desk: &Desk, url: &str) -> Vec<Ran> {
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
            runs.push(desk.run_with(&variables(url), &format!("{line} --log-format {log}")));
        }
    }
    runs
}

#[test]
fn nothing_leaks_where_all_goes_well() {
    let desk = Desk::with(ROOMS);
    let served = Served::start_with(&desk, SECRET, "--data world.json");
    let wire = Wire::start(Behaviour::Forward(served.address()));
    let runs = run_everything(&desk, &wire.url);
    for call in ["CreateRoom", "create_room", "account_import", "DescribeUserNum", "CloseRoom"] {
        assert!(runs.iter().any(|ran| ran.stderr.contains(call)), "{call} was not logged");
    }
    assert!(runs[2].stdout.contains("Applied: 3 created."), "{}", runs[2]);
    assert!(runs[10].stdout.contains("3 destroyed"), "{}", runs[10]);
    nothing_leaks(&desk, &runs, &wire);
}

#[test]
fn nothing_leaks_on_the_built_in_emulator() {
    let desk = Desk::with(&ROOMS.replace("'${ZIM_ENDPOINT}'", "emulator"));
    let runs = run_everything(&desk, "");
    for (place, text) in told(&desk, &runs) {
        assert!(!text.contains(SECRET), "the secret stands in {place}:\n{text}");
        no_signed_query(&place, &text);
    }
}

#[test]
fn nothing_leaks_where_the_secret_is_wrong() {
    let desk = Desk::with(ROOMS);
    let served = Served::start(&desk, "");
    let wire = Wire::start(Behaviour::Forward(served.address()));
    let runs = run_everything(&desk, &wire.url);
    for code in ["100000005", "70009"] {
        assert!(runs[0].stdout.contains(code), "{code}: {}", runs[0]);
    }
    // What is asked where a call fails: which call, for which room, what was answered, how long it took.
    let create =
        runs[2].stderr.lines().find(|line| line.contains("call=CreateRoom room=\"lobby\" took="));
    let create = create.unwrap_or_else(|| panic!("no such call was logged: {}", runs[2]));
    for part in ["DEBUG", "code=100000005", "request_id=", "class=Fatal"] {
        assert!(create.contains(part), "{part}: {create}");
    }
    nothing_leaks(&desk, &runs, &wire);
}

#[test]
fn nothing_leaks_where_a_gateway_answers_html_with_the_whole_request_in_it() {
    leaks_nothing_against(Behaviour::Mirror { status: "200 OK", json: false });
}

#[test]
fn nothing_leaks_where_a_gateway_refuses_with_the_whole_request_in_it() {
    leaks_nothing_against(Behaviour::Mirror { status: "404 Not Found", json: false });
}

#[test]
fn nothing_leaks_where_the_services_own_words_hold_the_request() {
    leaks_nothing_against(Behaviour::Mirror { status: "200 OK", json: true });
}

#[test]
fn nothing_leaks_where_a_redirect_takes_the_query_along() {
    leaks_nothing_against(Behaviour::Redirect);
}

#[test]
fn nothing_leaks_where_connections_are_cut() {
    leaks_nothing_against(Behaviour::Cut);
}

fn leaks_nothing_against(behaviour: Behaviour) {
    let desk = Desk::with(ROOMS);
    let wire = Wire::start(behaviour);
    let runs = ["check --log-format json", "apply --auto-approve", "plan --refresh all"]
        .map(|line| desk.run_with(&variables(&wire.url), line));
    nothing_leaks(&desk, &runs, &wire);
}
