//! Several services in one emulator: applications with the same id, and faults of each service.

use super::tencent::{KEY, SDK, Url, live_code, plain};
use super::*;

const OTHER: &str = "ffffffffffffffffffffffffffffffff";

/// Returns the configuration of one application of each kind; two have the same id and different secrets.
fn all() -> EmulatorConfig {
    let app =
        |kind, app_id, secret: &str| App { kind, app_id, secret: Secret::new(secret.to_owned()) };
    EmulatorConfig::new(vec![app(ZIM, APP, SECRET), app(RTC, APP, OTHER), app(LIVE, SDK, KEY)])
}

/// Signs with RTC's secret.
fn signed(client: &TestClient) -> Signed {
    let mut signed = client.signed();
    let text = format!("{APP}{}{OTHER}{}", signed.nonce, signed.timestamp);
    signed.signature = Some(hex::encode(Md5::digest(text)));
    signed
}

async fn close(client: &TestClient, id: &str, signed: Signed) -> Option<(StatusCode, Vec<u8>)> {
    client.raw(&Method::GET, "CloseRoom", &format!("RoomId={id}"), String::new(), signed).await
}

fn answer(sent: Option<(StatusCode, Vec<u8>)>) -> Value {
    serde_json::from_slice(&sent.expect("an answer").1).expect("JSON")
}

fn has(client: &TestClient, kind: Kind, app: u32) -> bool {
    client.stats().app(kind, app).rooms.contains_key(&room("lobby"))
}

#[tokio::test(start_paused = true)]
async fn a_zim_and_an_rtc_application_with_the_same_id_share_nothing() {
    let client = TestClient::with_operator(all()).await;
    assert_eq!(client.create("lobby", 3600).await, 0);
    assert!(has(&client, ZIM, APP) && !has(&client, RTC, APP));
    client.emulator.enter(RTC, APP, &room("lobby"), 2).expect("entered");
    assert_eq!(client.people("lobby").await, 660_300_008, "people entered the chat room");
    let wrong = answer(close(&client, "lobby", client.signed()).await);
    assert_eq!(code(&wrong), 100_000_005, "the secret of the other service was accepted");
    assert_eq!(code(&answer(close(&client, "lobby", signed(&client)).await)), 0);
    assert!(has(&client, ZIM, APP) && !has(&client, RTC, APP));
    let stats = client.stats();
    assert_eq!(stats.app(RTC, APP).served(Action::CloseRoom), 1);
    assert_eq!(stats.app(ZIM, APP).served(Action::CloseRoom), 0);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_is_unknown() {
    let client = TestClient::new(config());
    let closed = client.get("CloseRoom", "RoomId=lobby").await;
    assert_eq!(code(&closed), 100_000_010);
    let entered = client.emulator.enter(RTC, APP, &room("lobby"), 1);
    assert!(matches!(entered, Err(EmulatorError::NoSuchApp { kind: RTC, app: APP })));
    let admin = AdminClient(client);
    assert_eq!(admin.code("get_room_info", json!({"RoomId": "lobby"})).await, 70_020);
}

#[tokio::test(start_paused = true)]
async fn the_kind_is_required_if_two_applications_have_the_same_id() {
    let client = TestClient::with_operator(all()).await;
    client.create("lobby", 3600).await;
    let enter = async |body: &str| {
        let sent = client.exchange(&Method::POST, "/emulator/enter", body.to_owned()).await;
        let (status, text) = sent.expect("an answer");
        (status, String::from_utf8(text).expect("text"))
    };
    for body in [r#"{"room":"lobby"}"#, r#"{"app_id":12345,"room":"lobby"}"#] {
        let (status, text) = enter(body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains("`kind`"), "{text}");
    }
    assert_eq!(enter(r#"{"app_id":7,"room":"lobby"}"#).await.0, StatusCode::NOT_FOUND);
    assert_eq!(enter(r#"{"kind":"chat","room":"lobby"}"#).await.0, StatusCode::BAD_REQUEST);
    for body in
        [r#"{"kind":"rtc","room":"lobby"}"#, r#"{"kind":"zim","app_id":12345,"room":"lobby"}"#]
    {
        assert_eq!(enter(body).await, (StatusCode::OK, r#"{"people":1}"#.to_owned()), "{body}");
    }
    let (status, text) = enter(r#"{"app_id":1400000000,"room":"lobby"}"#).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "the app with that id has no such room: {text}");
}

#[tokio::test(start_paused = true)]
async fn the_description_lists_every_service_and_no_secret() {
    let client = TestClient::new(all());
    let description = client.emulator.describe();
    for part in [
        "zim, app ids: 12345;",
        "rtc, app ids: 12345;",
        "tencent-live, app ids: 1400000000;",
        "GET  /?Action=CloseRoom  1 per second",
        "GET  /?Action=DescribeUserNum  10 per second",
        "POST /v4/live_engine_http_srv/create_room  200 per second",
        "POST /v4/im_open_login_svc/account_import  200 per second",
    ] {
        assert!(description.contains(part), "{part} is missing in {description}");
    }
    let debugged = format!("{:?}", client.emulator);
    for secret in [SECRET, OTHER, KEY] {
        assert!(!description.contains(secret) && !debugged.contains(secret));
    }
    assert!(!TestClient::new(config()).emulator.describe().contains("rtc"));
}

#[tokio::test(start_paused = true)]
async fn the_emulators_secrets_have_the_vendors_lengths() {
    for (kind, length) in [(ZIM, 32), (RTC, 32), (LIVE, 64)] {
        let App { kind: app_kind, app_id, secret } = App::with_own_secret(kind, 7);
        assert_eq!((app_kind, app_id, secret.expose().len()), (kind, 7, length));
    }
}

fn with_fault(kind: &str) -> TestClient {
    let faults = vec![format!("{kind}=100%").parse().expect("a fault")];
    let client = TestClient::new(EmulatorConfig { faults, ..all() });
    client.emulator.enter(RTC, APP, &room("lobby"), 2).expect("entered");
    client
}

async fn create(client: &TestClient) -> Option<(StatusCode, Vec<u8>)> {
    let uri = format!("/v4/live_engine_http_srv/create_room?{}", Url::valid().query());
    client.exchange(&Method::POST, &uri, json!({"RoomInfo": plain("lobby")}).to_string()).await
}

#[tokio::test(start_paused = true)]
async fn busy_has_the_code_of_the_service() {
    let client = with_fault("busy");
    assert_eq!(code(&answer(close(&client, "lobby", signed(&client)).await)), 206);
    assert_eq!(live_code(&answer(create(&client).await)), 60_019);
    assert!(has(&client, RTC, APP) && !has(&client, LIVE, SDK));
}

#[tokio::test(start_paused = true)]
async fn a_reset_happens_before_or_after_the_work_of_any_service() {
    for (kind, done) in [("reset-before", false), ("reset-after", true)] {
        let client = with_fault(kind);
        assert!(close(&client, "lobby", signed(&client)).await.is_none());
        assert!(create(&client).await.is_none());
        assert_eq!((has(&client, RTC, APP), has(&client, LIVE, SDK)), (!done, done), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_and_server_errors_are_injected_into_any_service() {
    let client = with_fault("garbage");
    for sent in [close(&client, "lobby", signed(&client)).await, create(&client).await] {
        let (status, text) = sent.expect("an answer");
        assert_eq!(status, StatusCode::OK);
        assert!(serde_json::from_slice::<Value>(&text).is_err());
    }
    assert!(!has(&client, RTC, APP) && has(&client, LIVE, SDK));
    let client = with_fault("500");
    for sent in [close(&client, "lobby", signed(&client)).await, create(&client).await] {
        assert_eq!(sent.expect("an answer").0, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[tokio::test(start_paused = true)]
async fn the_work_of_a_hanging_request_is_done_late_by_any_service() {
    for fault in [Fault::Hang(Work::Done), Fault::Hang(Work::NotDone)] {
        let faults = vec![FaultShare { fault, share: Share::ALL }];
        let client = TestClient::new(EmulatorConfig { faults, ..all() });
        let late = create(&client);
        tokio::pin!(late);
        assert!(tokio::time::timeout(Duration::from_secs(8), &mut late).await.is_err());
        assert!(!has(&client, LIVE, SDK));
        assert!(tokio::time::timeout(Duration::from_secs(2), &mut late).await.is_err());
        assert_eq!(has(&client, LIVE, SDK), fault == Fault::Hang(Work::Done));
    }
}
