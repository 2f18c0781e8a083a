//! Several services at once: one id for a ZIM and an RTC application, and what fault injection does to each.

use super::tencent::{KEY, SDK, Url, live_code, plain};
use super::*;

const OTHER: &str = "ffffffffffffffffffffffffffffffff";

/// A service of every kind, two of them with the same id and different secrets.
fn all() -> EmulatorConfig {
    let app =
        |kind, app_id, secret: &str| App { kind, app_id, secret: Secret::new(secret.to_owned()) };
    EmulatorConfig::new(vec![app(ZIM, APP, SECRET), app(RTC, APP, OTHER), app(LIVE, SDK, KEY)])
}

/// Signs with RTC's secret.
fn signed(hand: &Hand) -> Signed {
    let mut signed = hand.signed();
    let text = format!("{APP}{}{OTHER}{}", signed.nonce, signed.timestamp);
    signed.signature = Some(hex::encode(Md5::digest(text)));
    signed
}

async fn close(hand: &Hand, id: &str, signed: Signed) -> Option<(StatusCode, Vec<u8>)> {
    hand.raw(&Method::GET, "CloseRoom", &format!("RoomId={id}"), String::new(), signed).await
}

fn answer(sent: Option<(StatusCode, Vec<u8>)>) -> Value {
    serde_json::from_slice(&sent.expect("an answer").1).expect("JSON")
}

fn has(hand: &Hand, kind: Kind, app: u32) -> bool {
    hand.stats().app(kind, app).rooms.contains_key(&room("lobby"))
}

#[tokio::test(start_paused = true)]
async fn one_id_stands_for_two_applications_with_nothing_in_common() {
    let hand = Hand::with_operator(all()).await;
    assert_eq!(hand.create("lobby", 3600).await, 0);
    assert!(has(&hand, ZIM, APP) && !has(&hand, RTC, APP));
    hand.emulator.enter(RTC, APP, &room("lobby"), 2).expect("entered");
    assert_eq!(hand.people("lobby").await, 660_300_008, "nobody is in the chat room");
    let wrong = answer(close(&hand, "lobby", hand.signed()).await);
    assert_eq!(code(&wrong), 100_000_005, "the action decides which secret counts");
    assert_eq!(code(&answer(close(&hand, "lobby", signed(&hand)).await)), 0);
    assert!(has(&hand, ZIM, APP) && !has(&hand, RTC, APP));
    let stats = hand.stats();
    assert_eq!(stats.app(RTC, APP).served(Action::CloseRoom), 1);
    assert_eq!(stats.app(ZIM, APP).served(Action::CloseRoom), 0);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_is_unknown() {
    let hand = Hand::new(config());
    let closed = hand.get("CloseRoom", "RoomId=lobby").await;
    assert_eq!(code(&closed), 100_000_010);
    let entered = hand.emulator.enter(RTC, APP, &room("lobby"), 1);
    assert!(matches!(entered, Err(EmulatorError::NoSuchApp { kind: RTC, app: APP })));
    let desk = Desk(hand);
    assert_eq!(desk.code("get_room_info", json!({"RoomId": "lobby"})).await, 70_020);
}

#[tokio::test(start_paused = true)]
async fn where_an_id_has_two_kinds_the_kind_has_to_be_said() {
    let hand = Hand::with_operator(all()).await;
    hand.create("lobby", 3600).await;
    let enter = async |body: &str| {
        let sent = hand.exchange(&Method::POST, "/emulator/enter", body.to_owned()).await;
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
    assert_eq!(status, StatusCode::NOT_FOUND, "the one app of that id has no such room: {text}");
}

#[tokio::test(start_paused = true)]
async fn it_tells_of_every_service_and_of_no_secret() {
    let hand = Hand::new(all());
    let told = hand.emulator.describe();
    for part in [
        "zim, app ids: 12345;",
        "rtc, app ids: 12345;",
        "tencent-live, app ids: 1400000000;",
        "GET  /?Action=CloseRoom  1 per second",
        "GET  /?Action=DescribeUserNum  10 per second",
        "POST /v4/live_engine_http_srv/create_room  200 per second",
        "POST /v4/im_open_login_svc/account_import  200 per second",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let debugged = format!("{:?}", hand.emulator);
    for secret in [SECRET, OTHER, KEY] {
        assert!(!told.contains(secret) && !debugged.contains(secret));
    }
    assert!(!Hand::new(config()).emulator.describe().contains("rtc"));
}

#[tokio::test(start_paused = true)]
async fn own_secrets_have_the_vendors_lengths() {
    for (kind, length) in [(ZIM, 32), (RTC, 32), (LIVE, 64)] {
        let App { kind: its, app_id, secret } = App::with_own_secret(kind, 7);
        assert_eq!((its, app_id, secret.expose().len()), (kind, 7, length));
    }
}

fn struck(kind: &str) -> Hand {
    let faults = vec![format!("{kind}=100%").parse().expect("a fault")];
    let hand = Hand::new(EmulatorConfig { faults, ..all() });
    hand.emulator.enter(RTC, APP, &room("lobby"), 2).expect("entered");
    hand
}

async fn create(hand: &Hand) -> Option<(StatusCode, Vec<u8>)> {
    let uri = format!("/v4/live_engine_http_srv/create_room?{}", Url::good().query());
    hand.exchange(&Method::POST, &uri, json!({"RoomInfo": plain("lobby")}).to_string()).await
}

#[tokio::test(start_paused = true)]
async fn busy_is_each_services_own_code() {
    let hand = struck("busy");
    assert_eq!(code(&answer(close(&hand, "lobby", signed(&hand)).await)), 206);
    assert_eq!(live_code(&answer(create(&hand).await)), 60_019);
    assert!(has(&hand, RTC, APP) && !has(&hand, LIVE, SDK));
}

#[tokio::test(start_paused = true)]
async fn a_reset_comes_before_or_after_the_work_of_any_service() {
    for (kind, done) in [("reset-before", false), ("reset-after", true)] {
        let hand = struck(kind);
        assert!(close(&hand, "lobby", signed(&hand)).await.is_none());
        assert!(create(&hand).await.is_none());
        assert_eq!((has(&hand, RTC, APP), has(&hand, LIVE, SDK)), (!done, done), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_and_server_errors_strike_any_service() {
    let hand = struck("garbage");
    for sent in [close(&hand, "lobby", signed(&hand)).await, create(&hand).await] {
        let (status, text) = sent.expect("an answer");
        assert_eq!(status, StatusCode::OK);
        assert!(serde_json::from_slice::<Value>(&text).is_err());
    }
    assert!(!has(&hand, RTC, APP) && has(&hand, LIVE, SDK));
    let hand = struck("500");
    for sent in [close(&hand, "lobby", signed(&hand)).await, create(&hand).await] {
        assert_eq!(sent.expect("an answer").0, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[tokio::test(start_paused = true)]
async fn what_hangs_lands_late_at_any_service() {
    for fault in [Fault::Hang(Work::Done), Fault::Hang(Work::NotDone)] {
        let faults = vec![FaultShare { fault, share: Share::ALL }];
        let hand = Hand::new(EmulatorConfig { faults, ..all() });
        let late = create(&hand);
        tokio::pin!(late);
        assert!(tokio::time::timeout(Duration::from_secs(8), &mut late).await.is_err());
        assert!(!has(&hand, LIVE, SDK));
        assert!(tokio::time::timeout(Duration::from_secs(2), &mut late).await.is_err());
        assert_eq!(has(&hand, LIVE, SDK), fault == Fault::Hang(Work::Done));
    }
}
