//! Who calls Tencent's service in the tests: UserSigs made by hand, and every way to spoil a request.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;

/// Tencent's SDKAppID and SecretKey of the tests.
pub(super) const SDK: u32 = 1_400_000_000;
pub(super) const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";

/// A friendly service.
pub(super) fn tencent() -> EmulatorConfig {
    EmulatorConfig::new(vec![App { kind: LIVE, app_id: SDK, secret: Secret::new(KEY.to_owned()) }])
}

/// An administrator's desk, with an emulator before it.
#[derive(Clone)]
pub(super) struct Desk(pub(super) Hand);

/// The query, to be spoilt one part at a time. An empty part is left out.
pub(super) struct Url {
    pub(super) sdkappid: String,
    pub(super) identifier: String,
    pub(super) usersig: String,
    pub(super) random: String,
    pub(super) contenttype: String,
}

/// A UserSig of these fields.
pub(super) fn user_sig(identifier: &str, app: u32, time: i64, expire: i64, key: &str) -> String {
    let text = format!(
        "TLS.identifier:{identifier}\nTLS.sdkappid:{app}\nTLS.time:{time}\nTLS.expire:{expire}\n"
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key");
    mac.update(text.as_bytes());
    let sig = STANDARD.encode(mac.finalize().into_bytes());
    let ticket = json!({"TLS.ver": "2.0", "TLS.identifier": identifier, "TLS.sdkappid": app,
        "TLS.expire": expire, "TLS.time": time, "TLS.sig": sig});
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(ticket.to_string().as_bytes()).expect("packed");
    let packed = STANDARD.encode(encoder.finish().expect("packed"));
    packed.replace('+', "*").replace('/', "-").replace('=', "_")
}

impl Desk {
    pub(super) fn new(settings: EmulatorConfig) -> Self {
        Self(Hand::new(settings))
    }

    /// Sends a command for live rooms.
    pub(super) async fn send(&self, command: &str, body: &Value) -> Value {
        self.sent(&format!("live_engine_http_srv/{command}"), body, Url::good()).await
    }

    /// Sends anything.
    pub(super) async fn sent(&self, path: &str, body: &Value, url: Url) -> Value {
        let uri = format!("/v4/{path}?{}", url.query());
        let (status, text) =
            self.0.exchange(&Method::POST, &uri, body.to_string()).await.expect("an answer");
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice(&text).expect("JSON")
    }

    pub(super) async fn code(&self, command: &str, body: Value) -> i64 {
        live_code(&self.send(command, &body).await)
    }

    /// Creates a room a second after whatever came before, so that its id may be created.
    pub(super) async fn create(&self, info: Value) -> i64 {
        tokio::time::advance(Duration::from_secs(1)).await;
        self.code("create_room", json!({"RoomInfo": info})).await
    }

    /// Creates a room with no more than it has to have.
    pub(super) async fn plain(&self, id: &str) -> i64 {
        self.create(plain(id)).await
    }

    pub(super) async fn info(&self, id: &str) -> Value {
        let answer = self.send("get_room_info", &json!({"RoomId": id})).await;
        assert_eq!(live_code(&answer), 0);
        answer["Response"]["RoomInfo"].clone()
    }

    pub(super) async fn import(&self, user: &str) -> i64 {
        let body = json!({"UserID": user, "Nick": "A name"});
        live_code(&self.sent("im_open_login_svc/account_import", &body, Url::good()).await)
    }

    pub(super) fn app(&self) -> AppStats {
        self.0.stats().app(LIVE, SDK)
    }
}

impl Url {
    /// The administrator's, all well.
    pub(super) fn good() -> Self {
        Self {
            sdkappid: SDK.to_string(),
            identifier: "admin".to_owned(),
            usersig: user_sig("admin", SDK, START / 1000, 86_400, KEY),
            random: "4294967295".to_owned(),
            contenttype: "json".to_owned(),
        }
    }

    pub(super) fn query(&self) -> String {
        let Self { sdkappid, identifier, usersig, random, contenttype } = self;
        let parts = [
            ("sdkappid", sdkappid),
            ("identifier", identifier),
            ("usersig", usersig),
            ("random", random),
            ("contenttype", contenttype),
        ];
        let there = parts.into_iter().filter(|(_, value)| !value.is_empty());
        there.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

/// What create_room has to be told at least.
pub(super) fn plain(id: &str) -> Value {
    json!({"RoomId": id, "RoomType": "Live", "SeatTemplate": "VideoDynamicGrid9Seats"})
}

/// The code of an answer whose envelope is well.
pub(super) fn live_code(answer: &Value) -> i64 {
    let code = answer["ErrorCode"].as_i64().expect("a code");
    assert_eq!(answer["ActionStatus"], if code == 0 { "OK" } else { "FAIL" });
    assert_eq!(answer["ErrorInfo"].as_str().expect("words").is_empty(), code == 0);
    assert!(answer["RequestId"].as_str().is_some_and(|id| id.starts_with("Id-")));
    code
}

async fn gate(desk: &Desk, spoil: impl FnOnce(&mut Url)) -> i64 {
    let mut url = Url::good();
    spoil(&mut url);
    live_code(&desk.sent("live_engine_http_srv/get_room_info", &json!({"RoomId": "a"}), url).await)
}

#[tokio::test(start_paused = true)]
async fn the_url_is_held_to_its_parts() {
    let desk = Desk::new(tencent());
    assert_eq!(gate(&desk, |_| ()).await, 100_004);
    assert_eq!(gate(&desk, |url| url.sdkappid.clear()).await, 60_012);
    assert_eq!(gate(&desk, |url| url.sdkappid = "x".into()).await, 60_006);
    assert_eq!(gate(&desk, |url| url.sdkappid = "7".into()).await, 70_020);
    assert_eq!(gate(&desk, |url| url.identifier.clear()).await, 60_004);
    assert_eq!(gate(&desk, |url| url.usersig.clear()).await, 60_004);
    for random in ["", "-1", "4294967296", "x"] {
        assert_eq!(gate(&desk, |url| url.random = random.into()).await, 60_002, "{random}");
    }
    assert_eq!(gate(&desk, |url| url.random = "0".into()).await, 100_004);
    assert_eq!(gate(&desk, |url| url.contenttype.clear()).await, 60_002);
    assert_eq!(gate(&desk, |url| url.contenttype = "xml".into()).await, 60_002);
    assert_eq!(gate(&desk, |url| url.identifier = "%zz".into()).await, 60_002);
    for path in ["live_engine_http_srv/get_room", "im_open_login_svc/get_room_info"] {
        assert_eq!(live_code(&desk.sent(path, &json!({}), Url::good()).await), 60_009);
    }
    let uri = format!("/v4/live_engine_http_srv/get_room_info?{}", Url::good().query());
    let (_, text) = desk.0.exchange(&Method::GET, &uri, String::new()).await.expect("an answer");
    assert_eq!(live_code(&serde_json::from_slice(&text).expect("JSON")), 60_002);
    assert_eq!(desk.0.stats().rejected[&60_002], 8);
}

#[tokio::test(start_paused = true)]
async fn a_user_sig_is_checked_whatever_it_claims() {
    let desk = Desk::new(tencent());
    let now = START / 1000;
    let sign =
        |identifier: &str, app, time, expire, key| user_sig(identifier, app, time, expire, key);
    for (sig, expected) in [
        (sign("admin", SDK, now - 60, 60, KEY), 100_004),
        (sign("admin", SDK, now - 61, 60, KEY), 70_001),
        (sign("admin", SDK, now, 60, "other"), 70_009),
        (sign("other", SDK, now, 60, KEY), 70_013),
        (sign("admin", 7, now, 60, KEY), 70_014),
        ("xxx".to_owned(), 70_003),
    ] {
        assert_eq!(gate(&desk, |url| url.usersig = sig).await, expected);
    }
    desk.0.emulator.advance(Duration::from_hours(100)).expect("advanced");
    assert_eq!(gate(&desk, |_| ()).await, 100_004, "its age goes by the real clock");
}

#[tokio::test(start_paused = true)]
async fn only_administrators_may_call_where_they_are_named() {
    let named =
        |name: &str| EmulatorConfig { administrators: [name.to_owned()].into(), ..tencent() };
    let desk = Desk::new(named("admin"));
    assert_eq!(gate(&desk, |_| ()).await, 100_004);
    let desk = Desk::new(named("somebody"));
    assert_eq!(gate(&desk, |_| ()).await, 60_010);
    let forged = user_sig("admin", SDK, START / 1000, 60, "other");
    assert_eq!(gate(&desk, |url| url.usersig = forged).await, 70_009, "the signature comes first");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_json_and_not_too_long() {
    let desk = Desk::new(tencent());
    let uri = format!("/v4/live_engine_http_srv/get_room_info?{}", Url::good().query());
    for (body, expected) in
        [("", 60_003), ("{", 60_003), ("[]", 100_002), ("{}", 100_002), ("{\"RoomId\":1}", 100_002)]
    {
        let sent = desk.0.exchange(&Method::POST, &uri, body.to_owned()).await;
        let answer: Value = serde_json::from_slice(&sent.expect("an answer").1).expect("JSON");
        assert_eq!(live_code(&answer), expected, "{body}");
    }
    let long = json!({"RoomId": "x".repeat(1 << 20)});
    assert_eq!(desk.code("get_room_info", long).await, 60_002);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_of_each_command_in_a_second() {
    let mut tight = tencent();
    tight.rate_limits.insert(Action::LiveDestroyRoom, 1);
    let desk = Desk::new(tight);
    for _ in 0..200 {
        assert_eq!(desk.code("get_room_info", json!({"RoomId": "a"})).await, 100_004);
        assert_eq!(desk.import("host").await, 0);
    }
    assert_eq!(desk.code("get_room_info", json!({"RoomId": "a"})).await, 60_019);
    assert_eq!(desk.import("host").await, 60_019);
    assert_eq!(desk.code("destroy_room", json!({"RoomId": "a"})).await, 100_004);
    assert_eq!(desk.code("destroy_room", json!({"RoomId": "a"})).await, 60_019);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(desk.code("get_room_info", json!({"RoomId": "a"})).await, 100_004);
    assert_eq!(desk.app().answered(Action::LiveGetRoomInfo, 60_019), 1);
}
