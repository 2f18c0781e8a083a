//! Fault injection: whether the work is done, and what the client receives.

use super::*;

const CREATE: &str = "CreateRoom";

fn with_fault(fault: Fault) -> TestClient {
    let mut bad = config();
    bad.faults = vec![FaultShare { fault, share: Share::ALL }];
    let client = TestClient::new(bad);
    // The operator is registered without a call, which would have the fault.
    let users = Change::Users { app: APP, ids: vec!["admin".to_owned()] };
    client.emulator.parts().1.world.apply(users);
    client
}

fn body() -> String {
    json!({"FromUserId": "admin", "RoomId": "lobby", "DestroyDelayTime": 60}).to_string()
}

async fn send(client: &TestClient) -> Option<(StatusCode, Vec<u8>)> {
    client.raw(&Method::POST, CREATE, "", body(), client.signed()).await
}

#[tokio::test(start_paused = true)]
async fn a_server_error_is_returned_with_or_without_the_work_done() {
    for (work, done) in [(Work::Done, true), (Work::NotDone, false)] {
        let client = with_fault(Fault::ServerError(work));
        let (status, _) = send(&client).await.expect("an answer");
        assert_eq!((status, client.has("lobby")), (StatusCode::INTERNAL_SERVER_ERROR, done));
    }
}

#[tokio::test(start_paused = true)]
async fn work_of_either_is_done_at_random() {
    let client = with_fault(Fault::Reset(Work::Either));
    let mut done = 0;
    for _ in 0..100 {
        assert!(send(&client).await.is_none());
        done += u32::from(client.has("lobby"));
        client.emulator.advance(Duration::from_mins(1)).expect("advanced");
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!((25..75).contains(&done), "done {done} times of 100");
}

#[tokio::test(start_paused = true)]
async fn busy_is_answered_without_the_work_done() {
    let client = with_fault(Fault::Busy);
    assert_eq!(code(&client.post(CREATE, &json!({})).await), 660_300_005);
    assert_eq!(code(&client.post("UserRegister", &json!({})).await), 660_700_001);
    assert!(!client.has("lobby"));
}

#[tokio::test(start_paused = true)]
async fn a_reset_cuts_the_connection_before_or_after_the_work() {
    for (kind, done) in [("reset-before", false), ("reset-after", true)] {
        let client = with_fault(kind.parse().expect("a fault"));
        assert!(send(&client).await.is_none());
        assert_eq!(client.has("lobby"), done, "{kind}");
        assert_eq!(client.app().calls[&Action::CreateRoom].arrivals.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_work_of_a_hanging_request_is_done_late_and_not_answered() {
    for (work, done) in [(Work::Done, true), (Work::NotDone, false)] {
        let client = with_fault(Fault::Hang(work));
        let send = send(&client);
        tokio::pin!(send);
        assert!(tokio::time::timeout(Duration::from_secs(8), &mut send).await.is_err());
        assert!(!client.has("lobby"));
        assert!(tokio::time::timeout(Duration::from_secs(2), &mut send).await.is_err());
        assert_eq!(client.has("lobby"), done);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_request_does_not_keep_the_emulator_open() {
    let client = with_fault(Fault::Hang(Work::Done));
    let weak = client.emulator.downgrade();
    assert!(tokio::time::timeout(Duration::from_secs(8), send(&client)).await.is_err());
    drop(client);
    assert!(weak.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn garbage_is_html_or_half_of_the_answer_with_the_work_done() {
    let client = with_fault(Fault::Garbage);
    let (mut pages, mut halves) = (0, 0);
    for _ in 0..20 {
        let (status, text) = send(&client).await.expect("an answer");
        assert_eq!(status, StatusCode::OK);
        assert!(serde_json::from_slice::<Value>(&text).is_err());
        if text.starts_with(b"<html>") {
            pages += 1;
        } else {
            halves += 1;
        }
        assert!(client.has("lobby"));
    }
    assert!(pages > 0 && halves > 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_has_no_fault() {
    let client = with_fault(Fault::Garbage);
    let mut signed = client.signed();
    signed.version = "1.0".into();
    let answer = client.send(&Method::POST, CREATE, "", body(), signed).await;
    assert_eq!(code(&answer), 100_000_014);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_latency_precedes_the_arrival_and_half_follows_the_work() {
    let latency = Duration::from_millis(200);
    let client = TestClient::new(EmulatorConfig { latency, ..config() });
    let start = Instant::now();
    client.people("hall").await;
    assert_eq!(start.elapsed(), latency);
    let arrived = client.app().calls[&Action::QueryRoomUserList].arrivals[0];
    assert_eq!(arrived - start, latency / 2);
}

#[tokio::test(start_paused = true)]
async fn jitter_adds_at_most_its_maximum() {
    let (latency, jitter) = (Duration::from_millis(100), Duration::from_millis(50));
    let client = TestClient::new(EmulatorConfig { latency, jitter, ..config() });
    let mut spans = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        client.people("hall").await;
        spans.push(start.elapsed());
    }
    // tokio's timer counts in milliseconds and rounds up, twice in one request.
    let slack = Duration::from_millis(2);
    assert!(spans.iter().all(|span| (latency..=latency + jitter + slack).contains(span)));
    assert!(spans.iter().max() > spans.iter().min());
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_faults() {
    let codes = async |seed| {
        let faults = vec!["busy=30%".parse().expect("a fault")];
        let client = TestClient::new(EmulatorConfig { faults, seed, ..config() });
        let mut codes = Vec::new();
        for _ in 0..40 {
            tokio::time::advance(Duration::from_secs(1)).await;
            codes.push(client.people("hall").await);
        }
        codes
    };
    assert_eq!(codes(1).await, codes(1).await);
    assert_ne!(codes(1).await, codes(2).await);
}

#[tokio::test(start_paused = true)]
async fn the_work_of_a_request_continues_after_the_client_disconnects() {
    let client =
        TestClient::with_operator(EmulatorConfig { latency: Duration::from_secs(2), ..config() })
            .await;
    assert!(tokio::time::timeout(Duration::from_millis(1), send(&client)).await.is_err());
    assert!(!client.has("lobby"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(client.has("lobby"));
}
