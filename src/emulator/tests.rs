//! Tests of the emulator through its requests, which are signed here, and its JSON answers.

mod both;
mod codes;
mod faults;
mod files;
mod life;
mod live;
mod metadata;
mod persisted;
mod rtc;
mod socket;
#[path = "../../tests/it/support/stats.rs"]
mod stats;
mod tencent;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use self::stats::{AppStats, CallLog, ClosingStats, RoomStats, Stats};
use self::tencent::AdminClient;
use super::world::Change;
use super::*;
use crate::model::{Clock, Kind, RoomId, Secret, Timestamp};
use crate::{emulator, model};

const ZIM: Kind = Kind::Zim;
const RTC: Kind = Kind::Rtc;
const LIVE: Kind = Kind::TencentLive;
const APP: u32 = 12345;
const SECRET: &str = "9193cc662a4c0ec135ec71fb57194b38";
const START: i64 = 1_615_186_943_000;

/// A wall clock that advances with tokio's clock, which the tests pause.
struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START).plus(self.0.elapsed())
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock(Instant::now()))
}

fn config() -> EmulatorConfig {
    EmulatorConfig::new(vec![App {
        kind: ZIM,
        app_id: APP,
        secret: Secret::new(SECRET.to_owned()),
    }])
}

fn room(id: &str) -> RoomId {
    RoomId::new(id)
}

/// A client of one emulator.
#[derive(Clone)]
struct TestClient {
    emulator: Emulator,
    clock: Arc<dyn Clock>,
    log: Arc<CallLog>,
    calls: Arc<AtomicU64>,
}

/// The public parameters of a request, valid by default; tests change one at a time.
struct Signed {
    app: String,
    nonce: String,
    timestamp: String,
    version: String,
    signature: Option<String>,
}

impl TestClient {
    fn new(config: EmulatorConfig) -> Self {
        Self::open(config, Data::Memory).expect("an emulator")
    }

    fn open(config: EmulatorConfig, data: Data) -> Result<Self, EmulatorError> {
        let (clock, (log, config)) = (clock(), CallLog::attached_to(config));
        let emulator = Emulator::open(config, clock.clone(), data)?;
        Ok(Self { emulator, clock, log: Arc::new(log), calls: Arc::default() })
    }

    /// Returns a client whose operator is registered.
    async fn with_operator(config: EmulatorConfig) -> Self {
        let client = Self::new(config);
        client.register().await;
        client
    }

    async fn register(&self) {
        let users = json!({"UserInfo": [{"UserId": "admin"}]});
        assert_eq!(code(&self.post("UserRegister", &users).await), 0);
    }

    fn signed(&self) -> Signed {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Signed {
            app: APP.to_string(),
            nonce: format!("{call:016x}"),
            timestamp: self.clock.now().as_seconds().to_string(),
            version: "2.0".to_owned(),
            signature: None,
        }
    }

    async fn get(&self, action: &str, query: &str) -> Value {
        self.send(&Method::GET, action, query, String::new(), self.signed()).await
    }

    async fn post(&self, action: &str, body: &Value) -> Value {
        self.send(&Method::POST, action, "", body.to_string(), self.signed()).await
    }

    async fn send(
        &self,
        method: &Method,
        action: &str,
        query: &str,
        body: String,
        signed: Signed,
    ) -> Value {
        let (status, text) =
            self.raw(method, action, query, body, signed).await.expect("an answer");
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Sends a signed request. Returns status and body; `None` if the connection was cut.
    async fn raw(
        &self,
        method: &Method,
        action: &str,
        query: &str,
        body: String,
        signed: Signed,
    ) -> Option<(StatusCode, Vec<u8>)> {
        self.exchange(method, &format!("/?Action={action}&{}&{query}", signed.query()), body).await
    }

    /// Sends a request to a URI. Returns status and body; `None` if the connection was cut.
    async fn exchange(
        &self,
        method: &Method,
        uri: &str,
        body: String,
    ) -> Option<(StatusCode, Vec<u8>)> {
        let request = Request::builder().method(method).uri(uri).body(Body::from(body));
        let response =
            self.emulator.router().oneshot(request.expect("a request")).await.expect("infallible");
        assert_eq!(response.headers()["x-roomctl-emulator"], "1");
        let (status, cut) = (response.status(), response.extensions().get::<Cut>().is_some());
        let text = to_bytes(response.into_body(), usize::MAX).await;
        assert_eq!(text.is_err(), cut);
        text.ok().map(|text| (status, text.to_vec()))
    }

    async fn create(&self, id: &str, delay: u32) -> i64 {
        let body = json!({"FromUserId": "admin", "RoomId": id, "DestroyDelayTime": delay,
            "Attributes": [{"Key": "topic", "Value": "welcome"},
                           {"Key": "banner", "Value": "Hi!", "AutoDelete": 1}]});
        code(&self.post("CreateRoom", &body).await)
    }

    async fn attributes(&self, id: &str) -> Value {
        self.post("QueryRoomAttribute", &json!({"FromUserId": "admin", "RoomId": id})).await
    }

    async fn people(&self, id: &str) -> i64 {
        code(&self.get("QueryRoomUserList", &format!("RoomId={id}")).await)
    }

    fn has(&self, id: &str) -> bool {
        self.app().rooms.contains_key(&room(id))
    }

    fn stats(&self) -> Stats {
        self.log.stats(&self.emulator)
    }

    fn app(&self) -> AppStats {
        self.stats().app(ZIM, APP)
    }
}

impl Signed {
    fn query(&self) -> String {
        let Self { app, nonce, timestamp, version, signature } = self;
        let digest = Md5::digest(format!("{app}{nonce}{SECRET}{timestamp}"));
        let signature = signature.clone().unwrap_or_else(|| hex::encode(digest));
        format!(
            "AppId={app}&SignatureNonce={nonce}&Timestamp={timestamp}&SignatureVersion={version}\
             &Signature={signature}"
        )
    }
}

fn code(answer: &Value) -> i64 {
    answer["Code"].as_i64().expect("a code")
}
