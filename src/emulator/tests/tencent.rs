//! A client of Tencent's service with its own UserSigs, and the checks of a request's URL, UserSig and body.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;

/// The SDKAppID of the tests.
pub(super) const SDK: u32 = 1_400_000_000;

/// The SecretKey of the tests.
pub(super) const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";

/// Returns the configuration of one application.
pub(super) fn tencent() -> EmulatorConfig {
    EmulatorConfig::new(vec![App { kind: LIVE, app_id: SDK, secret: Secret::new(KEY.to_owned()) }])
}

/// A client that calls Tencent's service as the administrator.
#[derive(Clone)]
pub(super) struct AdminClient(pub(super) TestClient);

/// The query of a request; tests change one parameter at a time. An empty parameter is left out.
pub(super) struct Url {
    pub(super) sdkappid: String,
    pub(super) identifier: String,
    pub(super) usersig: String,
    pub(super) random: String,
    pub(super) contenttype: String,
}

/// Returns a UserSig with these fields.
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

impl AdminClient {
    pub(super) fn new(settings: EmulatorConfig) -> Self {
        Self(TestClient::new(settings))
    }

    /// Sends a command for live rooms.
    pub(super) async fn send(&self, command: &str, body: &Value) -> Value {
        self.send_with(&format!("live_engine_http_srv/{command}"), body, Url::valid()).await
    }

    /// Sends a request with this URL.
    pub(super) async fn send_with(&self, path: &str, body: &Value, url: Url) -> Value {
        let uri = format!("/v4/{path}?{}", url.query());
        let (status, text) =
            self.0.exchange(&Method::POST, &uri, body.to_string()).await.expect("an answer");
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice(&text).expect("JSON")
    }

    pub(super) async fn code(&self, command: &str, body: Value) -> i64 {
        live_code(&self.send(command, &body).await)
    }

    /// Waits a second, so that the rate limit of an id allows it, and creates a room.
    pub(super) async fn create(&self, info: Value) -> i64 {
        tokio::time::advance(Duration::from_secs(1)).await;
        self.code("create_room", json!({"RoomInfo": info})).await
    }

    /// Creates a room with the required fields only.
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
        live_code(&self.send_with("im_open_login_svc/account_import", &body, Url::valid()).await)
    }

    pub(super) fn app(&self) -> AppStats {
        self.0.stats().app(LIVE, SDK)
    }
}

impl Url {
    /// Returns the valid query of the administrator.
    pub(super) fn valid() -> Self {
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
        let present = parts.into_iter().filter(|(_, value)| !value.is_empty());
        present.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

/// Returns the required fields of create_room.
pub(super) fn plain(id: &str) -> Value {
    json!({"RoomId": id, "RoomType": "Live", "SeatTemplate": "VideoDynamicGrid9Seats"})
}

/// Returns the code of an answer, and checks its other common fields.
pub(super) fn live_code(answer: &Value) -> i64 {
    let code = answer["ErrorCode"].as_i64().expect("a code");
    assert_eq!(answer["ActionStatus"], if code == 0 { "OK" } else { "FAIL" });
    assert_eq!(answer["ErrorInfo"].as_str().expect("a message").is_empty(), code == 0);
    assert!(answer["RequestId"].as_str().is_some_and(|id| id.starts_with("Id-")));
    code
}

async fn code_with(admin: &AdminClient, change: impl FnOnce(&mut Url)) -> i64 {
    let mut url = Url::valid();
    change(&mut url);
    live_code(
        &admin.send_with("live_engine_http_srv/get_room_info", &json!({"RoomId": "a"}), url).await,
    )
}

#[tokio::test(start_paused = true)]
async fn every_invalid_part_of_the_url_has_its_code() {
    let admin = AdminClient::new(tencent());
    assert_eq!(code_with(&admin, |_| ()).await, 100_004);
    assert_eq!(code_with(&admin, |url| url.sdkappid.clear()).await, 60_012);
    assert_eq!(code_with(&admin, |url| url.sdkappid = "x".into()).await, 60_006);
    assert_eq!(code_with(&admin, |url| url.sdkappid = "7".into()).await, 70_020);
    assert_eq!(code_with(&admin, |url| url.identifier.clear()).await, 60_004);
    assert_eq!(code_with(&admin, |url| url.usersig.clear()).await, 60_004);
    for random in ["", "-1", "4294967296", "x"] {
        assert_eq!(code_with(&admin, |url| url.random = random.into()).await, 60_002, "{random}");
    }
    assert_eq!(code_with(&admin, |url| url.random = "0".into()).await, 100_004);
    assert_eq!(code_with(&admin, |url| url.contenttype.clear()).await, 60_002);
    assert_eq!(code_with(&admin, |url| url.contenttype = "xml".into()).await, 60_002);
    assert_eq!(code_with(&admin, |url| url.identifier = "%zz".into()).await, 60_002);
    for path in ["live_engine_http_srv/get_room", "im_open_login_svc/get_room_info"] {
        assert_eq!(live_code(&admin.send_with(path, &json!({}), Url::valid()).await), 60_009);
    }
    let uri = format!("/v4/live_engine_http_srv/get_room_info?{}", Url::valid().query());
    let (_, text) = admin.0.exchange(&Method::GET, &uri, String::new()).await.expect("an answer");
    assert_eq!(live_code(&serde_json::from_slice(&text).expect("JSON")), 60_002);
    assert_eq!(admin.0.stats().rejected[&60_002], 8);
}

#[tokio::test(start_paused = true)]
async fn invalid_user_sigs_are_refused_with_their_codes() {
    let admin = AdminClient::new(tencent());
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
        assert_eq!(code_with(&admin, |url| url.usersig = sig).await, expected);
    }
    admin.0.emulator.advance(Duration::from_hours(100)).expect("advanced");
    assert_eq!(
        code_with(&admin, |_| ()).await,
        100_004,
        "its age was measured by the emulator's clock"
    );
}

#[tokio::test(start_paused = true)]
async fn only_configured_administrators_may_call() {
    let named =
        |name: &str| EmulatorConfig { administrators: [name.to_owned()].into(), ..tencent() };
    let admin = AdminClient::new(named("admin"));
    assert_eq!(code_with(&admin, |_| ()).await, 100_004);
    let admin = AdminClient::new(named("somebody"));
    assert_eq!(code_with(&admin, |_| ()).await, 60_010);
    let forged = user_sig("admin", SDK, START / 1000, 60, "other");
    assert_eq!(
        code_with(&admin, |url| url.usersig = forged).await,
        70_009,
        "the signature was not checked first"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_json_or_too_long_is_refused() {
    let admin = AdminClient::new(tencent());
    let uri = format!("/v4/live_engine_http_srv/get_room_info?{}", Url::valid().query());
    for (body, expected) in
        [("", 60_003), ("{", 60_003), ("[]", 100_002), ("{}", 100_002), ("{\"RoomId\":1}", 100_002)]
    {
        let sent = admin.0.exchange(&Method::POST, &uri, body.to_owned()).await;
        let answer: Value = serde_json::from_slice(&sent.expect("an answer").1).expect("JSON");
        assert_eq!(live_code(&answer), expected, "{body}");
    }
    let long = json!({"RoomId": "x".repeat(1 << 20)});
    assert_eq!(admin.code("get_room_info", long).await, 60_002);
}

#[tokio::test(start_paused = true)]
async fn more_than_200_calls_of_a_command_in_a_second_are_too_often() {
    let mut tight = tencent();
    tight.rate_limits.insert(Action::LiveDestroyRoom, 1);
    let admin = AdminClient::new(tight);
    for _ in 0..200 {
        assert_eq!(admin.code("get_room_info", json!({"RoomId": "a"})).await, 100_004);
        assert_eq!(admin.import("host").await, 0);
    }
    assert_eq!(admin.code("get_room_info", json!({"RoomId": "a"})).await, 60_019);
    assert_eq!(admin.import("host").await, 60_019);
    assert_eq!(admin.code("destroy_room", json!({"RoomId": "a"})).await, 100_004);
    assert_eq!(admin.code("destroy_room", json!({"RoomId": "a"})).await, 60_019);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(admin.code("get_room_info", json!({"RoomId": "a"})).await, 100_004);
    assert_eq!(admin.app().answered(Action::LiveGetRoomInfo, 60_019), 1);
}
