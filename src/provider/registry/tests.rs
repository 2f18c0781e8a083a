//! Clients that are connected over a fake transport.

use std::sync::Mutex;

use super::*;
use crate::model::{Call, Endpoint, ProviderName, RateShare, RoomId, SecretSource, Timestamp};
use crate::provider::Observer;
use crate::provider::http::{HttpRequest, HttpResponse, Sending, TokioClock};

const SECRET: &str = "9193cc662a4c0ec135ec71fb57194b38";
const LOOPBACK: &str = "http://127.0.0.1:1/";

/// Refuses every request, and records its signature.
#[derive(Default)]
struct Refusal(Mutex<Vec<String>>);

impl Transport for Refusal {
    fn send(&self, request: HttpRequest) -> Sending<'_> {
        let target = request.target();
        let signature_of = |part: &str| {
            let value = part.strip_prefix("Signature=").or(part.strip_prefix("usersig="));
            value.map(str::to_owned)
        };
        let signature = target.split('&').find_map(signature_of);
        self.0.lock().expect("no panic").push(signature.expect("signed"));
        let body = br#"{"Code":100000005,"RequestId":"r7","Message":"bad"}"#.to_vec();
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

fn refused() -> (Client, Arc<Refusal>) {
    let (refusal, start) = (Arc::new(Refusal::default()), Timestamp::from_millis(0));
    let client = connect_over(
        &provider(),
        &LOOPBACK.parse().expect("a URL"),
        Secret::new(SECRET.to_owned()),
        Clocks::same(Arc::new(TokioClock::starting_at(start))),
        &AllowedHosts::none(),
        Arc::clone(&refusal) as Arc<dyn Transport>,
    );
    (client.expect("loopback"), refusal)
}

#[tokio::test(start_paused = true)]
async fn every_attempt_has_a_new_signature() {
    let (client, refusal) = refused();
    for _ in 0..3 {
        client.people(&RoomId::new("lobby")).await.expect_err("refused");
    }
    let mut signatures = refusal.0.lock().expect("no panic").clone();
    signatures.sort();
    signatures.dedup();
    assert_eq!(signatures.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_uses_the_configured_share_of_the_rate_limit() {
    let (client, _) = refused();
    client.check().await.expect_err("refused");
    let start = tokio::time::Instant::now();
    for _ in 0..11 {
        drop(client.permit(Call::CreateRoom).await.expect("a permit"));
    }
    // The last permit is granted up to 25 ms before it is valid.
    assert!(start.elapsed() >= std::time::Duration::from_millis(970), "{:?}", start.elapsed());
}

fn of_kind(kind: Kind) -> Provider {
    let application = Application::new(kind, Some("admin".to_owned()));
    Provider { application, ..provider() }
}

#[tokio::test]
async fn credentials_are_sent_only_to_allowed_hosts() {
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
async fn a_check_uses_the_people_call_of_the_kind() {
    for kind in Kind::ALL {
        let (refusal, start) = (Arc::new(Refusal::default()), Timestamp::from_millis(0));
        let client = connect_over(
            &of_kind(*kind),
            &LOOPBACK.parse().expect("a URL"),
            Secret::new(SECRET.to_owned()),
            Clocks::same(Arc::new(TokioClock::starting_at(start))),
            &AllowedHosts::none(),
            Arc::clone(&refusal) as Arc<dyn Transport>,
        );
        let client = client.expect("loopback");
        let error = client.check().await.expect_err("refused");
        assert_eq!(error.call, kind.people_call());
        let made: Vec<Call> = client.last_calls(Timestamp::from_millis(0)).into_keys().collect();
        assert_eq!(made, [kind.people_call()]);
    }
}
