//! Each fault does what it says: whether the work was done, and what the client sees.

use super::*;

const CREATE: &str = "CreateRoom";

fn struck(fault: Fault) -> Hand {
    let mut bad = config();
    bad.faults = vec![FaultShare { fault, share: Share::ALL }];
    let hand = Hand::new(bad);
    // The operator is registered where nothing goes wrong.
    let users = Change::Users { app: APP, ids: vec!["admin".to_owned()] };
    hand.emulator.parts().1.world.apply(users);
    hand
}

fn body() -> String {
    json!({"FromUserId": "admin", "RoomId": "lobby", "DestroyDelayTime": 60}).to_string()
}

async fn send(hand: &Hand) -> Option<(StatusCode, Vec<u8>)> {
    hand.raw(&Method::POST, CREATE, "", body(), hand.signed()).await
}

#[tokio::test(start_paused = true)]
async fn a_server_error_says_nothing_of_the_work() {
    for (work, done) in [(Work::Done, true), (Work::NotDone, false)] {
        let hand = struck(Fault::ServerError(work));
        let (status, _) = send(&hand).await.expect("an answer");
        assert_eq!((status, hand.has("lobby")), (StatusCode::INTERNAL_SERVER_ERROR, done));
    }
}

#[tokio::test(start_paused = true)]
async fn either_is_sometimes_the_one_and_sometimes_the_other() {
    let hand = struck(Fault::Reset(Work::Either));
    let mut done = 0;
    for _ in 0..100 {
        assert!(send(&hand).await.is_none());
        done += u32::from(hand.has("lobby"));
        hand.emulator.advance(Duration::from_mins(1)).expect("advanced");
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!((25..75).contains(&done), "{done}");
}

#[tokio::test(start_paused = true)]
async fn busy_is_known_not_to_be_done() {
    let hand = struck(Fault::Busy);
    assert_eq!(code(&hand.post(CREATE, &json!({})).await), 660_300_005);
    assert_eq!(code(&hand.post("UserRegister", &json!({})).await), 660_700_001);
    assert!(!hand.has("lobby"));
}

#[tokio::test(start_paused = true)]
async fn a_reset_cuts_the_connection_before_or_after_the_work() {
    for (kind, done) in [("reset-before", false), ("reset-after", true)] {
        let hand = struck(kind.parse().expect("a fault"));
        assert!(send(&hand).await.is_none());
        assert_eq!(hand.has("lobby"), done, "{kind}");
        assert_eq!(hand.app().calls[&Action::CreateRoom].arrivals.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_hangs_lands_late_and_is_never_answered_in_time() {
    for (work, done) in [(Work::Done, true), (Work::NotDone, false)] {
        let hand = struck(Fault::Hang(work));
        let send = send(&hand);
        tokio::pin!(send);
        assert!(tokio::time::timeout(Duration::from_secs(8), &mut send).await.is_err());
        assert!(!hand.has("lobby"));
        assert!(tokio::time::timeout(Duration::from_secs(2), &mut send).await.is_err());
        assert_eq!(hand.has("lobby"), done);
    }
}

#[tokio::test(start_paused = true)]
async fn what_hangs_does_not_keep_an_emulator_open() {
    let hand = struck(Fault::Hang(Work::Done));
    let weak = hand.emulator.downgrade();
    assert!(tokio::time::timeout(Duration::from_secs(8), send(&hand)).await.is_err());
    drop(hand);
    assert!(weak.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn garbage_is_html_or_half_of_the_answer_to_work_that_was_done() {
    let hand = struck(Fault::Garbage);
    let (mut pages, mut halves) = (0, 0);
    for _ in 0..20 {
        let (status, text) = send(&hand).await.expect("an answer");
        assert_eq!(status, StatusCode::OK);
        assert!(serde_json::from_slice::<Value>(&text).is_err());
        if text.starts_with(b"<html>") {
            pages += 1;
        } else {
            halves += 1;
        }
        assert!(hand.has("lobby"));
    }
    assert!(pages > 0 && halves > 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_well_is_struck_by_nothing() {
    let hand = struck(Fault::Garbage);
    let mut signed = hand.signed();
    signed.version = "1.0".into();
    let answer = hand.send(&Method::POST, CREATE, "", body(), signed).await;
    assert_eq!(code(&answer), 100_000_014);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_latency_comes_before_the_arrival_and_half_after_the_work() {
    let latency = Duration::from_millis(200);
    let hand = Hand::new(EmulatorConfig { latency, ..config() });
    let start = Instant::now();
    hand.people("hall").await;
    assert_eq!(start.elapsed(), latency);
    let arrived = hand.app().calls[&Action::QueryRoomUserList].arrivals[0];
    assert_eq!(arrived - start, latency / 2);
}

#[tokio::test(start_paused = true)]
async fn jitter_adds_no_more_than_it_may() {
    let (latency, jitter) = (Duration::from_millis(100), Duration::from_millis(50));
    let hand = Hand::new(EmulatorConfig { latency, jitter, ..config() });
    let mut spans = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        hand.people("hall").await;
        spans.push(start.elapsed());
    }
    // tokio's timer counts in milliseconds and rounds up, twice in one request.
    let slack = Duration::from_millis(2);
    assert!(spans.iter().all(|span| (latency..=latency + jitter + slack).contains(span)));
    assert!(spans.iter().max() > spans.iter().min());
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_faults() {
    let day = async |seed| {
        let faults = vec!["busy=30%".parse().expect("a fault")];
        let hand = Hand::new(EmulatorConfig { faults, seed, ..config() });
        let mut codes = Vec::new();
        for _ in 0..40 {
            tokio::time::advance(Duration::from_secs(1)).await;
            codes.push(hand.people("hall").await);
        }
        codes
    };
    assert_eq!(day(1).await, day(1).await);
    assert_ne!(day(1).await, day(2).await);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_asked_for_goes_on_when_it_hangs_up() {
    let hand =
        Hand::with_operator(EmulatorConfig { latency: Duration::from_secs(2), ..config() }).await;
    assert!(tokio::time::timeout(Duration::from_millis(1), send(&hand)).await.is_err());
    assert!(!hand.has("lobby"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(hand.has("lobby"));
}
