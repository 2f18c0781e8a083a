//! From a client to a transport and back, with the log listened to.

use std::io::Write;
use std::sync::Mutex;

use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::model::{
    Call, Endpoint, ErrorClass, Operation, ProviderName, RateShare, RoomId, SecretSource, Timestamp,
};
use crate::provider::Observer;
use crate::provider::http::{HttpRequest, HttpResponse, Sending, TokioClock};

const SECRET: &str = "9193cc662a4c0ec135ec71fb57194b38";
const LOOPBACK: &str = "http://127.0.0.1:1/";

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Says back what it was sent, as servers in distress do.
#[derive(Default)]
struct Echo(Mutex<Vec<String>>);

impl Transport for Echo {
    fn send(&self, request: HttpRequest) -> Sending<'_> {
        let target = request.target();
        let body = format!(
            r#"{{"Code":100000005,"RequestId":"r7","Message":"bad {target} of {SECRET}"}}"#
        );
        let proof = |part: &str| {
            let proof = part.strip_prefix("Signature=").or(part.strip_prefix("usersig="));
            proof.map(str::to_owned)
        };
        let signature = target.split('&').find_map(proof);
        self.0.lock().expect("no panic").push(signature.expect("signed"));
        let body = body.into_bytes();
        Box::pin(async move { Ok(HttpResponse { status: 200, body, ..HttpResponse::default() }) })
    }
}

fn provider() -> Provider {
    Provider {
        name: ProviderName::new("chat").expect("a name"),
        app_id: 1,
        application: Application::new(Kind::Zim, Some("admin".to_owned())),
        endpoint: Endpoint::Vendor,
        host: "zim-api.zego.im".into(),
        secret: SecretSource::Environment("ZEGO_SERVER_SECRET".to_owned()),
        rate_limits: [].into(),
        rate_share: RateShare(50),
        max_rooms: None,
        limits: Kind::Zim.attribute_limits(),
    }
}

fn echoed() -> (Client, Arc<Echo>) {
    let (echo, start) = (Arc::new(Echo::default()), Timestamp::from_millis(0));
    let client = connect_over(
        &provider(),
        &LOOPBACK.parse().expect("a URL"),
        Secret::new(SECRET.to_owned()),
        Clocks::same(Arc::new(TokioClock::starting_at(start))),
        &AllowedHosts::none(),
        Arc::clone(&echo) as Arc<dyn Transport>,
    );
    (client.expect("loopback"), echo)
}

/// Makes a call that changes something, and one that asks; both are refused.
async fn refused_twice(client: &Client) {
    let (room, destroy) = (RoomId::new("lobby"), Operation::Destroy(Arc::default()));
    let permit = client.permit(Call::DestroyRoom).await.expect("a permit");
    let error = client.attempt(permit, &room, &destroy).await.expect_err("refused");
    assert_eq!(error.class, ErrorClass::Fatal);
    client.observed_room(&room).await.expect_err("refused");
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_the_call_and_nothing_that_proves_us() {
    // Events that another test meets for the first time while a subscriber is set may not reach it.
    refused_twice(&echoed().0).await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let (client, echo) = echoed();
    refused_twice(&client).await;
    let logged = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("UTF-8");
    for told in ["DestroyRoom", "QueryRoomUserList", "lobby", "100000005", "r7", "took="] {
        assert!(logged.contains(told), "{told} in {logged}");
    }
    let signatures = echo.0.lock().expect("no panic").clone();
    assert_eq!(signatures.len(), 2);
    for hidden in [SECRET, "Signature", &signatures[0], &signatures[1]] {
        assert!(!logged.contains(hidden), "{hidden} in {logged}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_signed_anew() {
    let (client, echo) = echoed();
    for _ in 0..3 {
        client.people(&RoomId::new("lobby")).await.expect_err("refused");
    }
    let mut signatures = echo.0.lock().expect("no panic").clone();
    signatures.sort();
    signatures.dedup();
    assert_eq!(signatures.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_takes_the_share_of_the_limit() {
    let (client, _) = echoed();
    client.check().await.expect_err("refused");
    let start = tokio::time::Instant::now();
    for _ in 0..11 {
        drop(client.permit(Call::CreateRoom).await.expect("a permit"));
    }
    // The last permit comes a little ahead of its moment.
    assert!(start.elapsed() >= std::time::Duration::from_millis(970), "{:?}", start.elapsed());
}

fn of_kind(kind: Kind) -> Provider {
    let application = Application::new(kind, Some("admin".to_owned()));
    Provider { application, ..provider() }
}

#[tokio::test]
async fn credentials_go_only_where_they_may() {
    for kind in Kind::ALL {
        let connect_to = |url: &str, allowed: &[&str]| {
            let secret = Secret::new(SECRET.to_owned());
            let clock = Clocks::same(Arc::new(crate::provider::http::SystemClock));
            let url = url.parse().expect("a URL");
            connect(&of_kind(*kind), &url, secret, clock, &allowed.iter().collect()).err()
        };
        assert_eq!(connect_to(LOOPBACK, &[]), None);
        for other in Kind::ALL {
            assert_eq!(
                connect_to(vendor_url(*other).as_url().as_str(), &[]).is_none(),
                kind == other,
                "{other}"
            );
        }
        let refused = connect_to("https://example.com/", &[]).expect("refused").to_string();
        assert!(refused.contains("--allow-endpoint example.com"), "{refused}");
        assert_eq!(connect_to("https://example.com/", &["example.com"]), None);
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_asks_by_its_own_call_at_its_own_rate() {
    for kind in Kind::ALL {
        let (echo, start) = (Arc::new(Echo::default()), Timestamp::from_millis(0));
        let client = connect_over(
            &of_kind(*kind),
            &LOOPBACK.parse().expect("a URL"),
            Secret::new(SECRET.to_owned()),
            Clocks::same(Arc::new(TokioClock::starting_at(start))),
            &AllowedHosts::none(),
            Arc::clone(&echo) as Arc<dyn Transport>,
        );
        let client = client.expect("loopback");
        let error = client.check().await.expect_err("refused");
        assert_eq!(error.call, kind.people_call());
        let made: Vec<Call> = client.last_calls(Timestamp::from_millis(0)).into_keys().collect();
        assert_eq!(made, [kind.people_call()]);
    }
}
