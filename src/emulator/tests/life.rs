//! When ZIM rooms end, and the configuration of the emulator.

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const ALMOST_AN_HOUR: Duration = Duration::from_millis(3_599_999);

fn advance(client: &TestClient, span: Duration) {
    client.emulator.advance(span).expect("advanced");
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_ends_after_its_delay() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 3600).await;
    advance(&client, ALMOST_AN_HOUR);
    assert!(client.has("lobby"));
    advance(&client, MILLISECOND);
    assert_eq!(client.people("lobby").await, 660_300_001);
    assert_eq!(code(&client.attributes("lobby").await), 660_300_001);
    assert_eq!(code(&client.get("DestroyRoom", "RoomId=lobby").await), 660_300_001);
    assert_eq!(client.create("lobby", 3600).await, 0);
    assert_eq!(client.app().rooms[&room("lobby")].attribute_sequence, 2);
}

#[tokio::test(start_paused = true)]
async fn a_room_without_a_delay_ends_a_millisecond_after_its_creation() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 0).await;
    assert_eq!(client.people("lobby").await, 660_300_008);
    tokio::time::advance(MILLISECOND).await;
    assert_eq!(client.people("lobby").await, 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn a_room_with_people_stays_and_ends_after_the_last_left() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 3600).await;
    let lobby = room("lobby");
    assert_eq!(client.emulator.enter(ZIM, APP, &lobby, 3).ok(), Some(3));
    advance(&client, 100 * HOUR);
    assert_eq!(client.people("lobby").await, 0);
    assert_eq!(client.emulator.leave(ZIM, APP, &lobby, Some(2)).ok(), Some(1));
    advance(&client, 100 * HOUR);
    assert_eq!(client.people("lobby").await, 0);
    assert_eq!(client.emulator.leave(ZIM, APP, &lobby, None).ok(), Some(0));
    advance(&client, ALMOST_AN_HOUR);
    assert_eq!(client.people("lobby").await, 660_300_008);
    advance(&client, MILLISECOND);
    assert_eq!(client.people("lobby").await, 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn entering_or_leaving_of_no_users_changes_nothing() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 3600).await;
    let before = client.app().rooms;
    advance(&client, MILLISECOND);
    client.emulator.enter(ZIM, APP, &room("lobby"), 0).expect("entered");
    client.emulator.leave(ZIM, APP, &room("lobby"), None).expect("left");
    assert_eq!(client.app().rooms, before);
}

#[tokio::test(start_paused = true)]
async fn attributes_are_deleted_when_the_last_user_leaves_unless_retained() {
    for (retention, expected) in [(Retention::UntilLeft, 0), (Retention::Always, 1)] {
        let client = TestClient::with_operator(EmulatorConfig { retention, ..config() }).await;
        client.create("lobby", 3600).await;
        let lobby = room("lobby");
        let attributes = || client.app().rooms[&lobby].attributes.len();
        client.emulator.enter(ZIM, APP, &lobby, 2).expect("entered");
        assert_eq!(attributes(), 2);
        client.emulator.leave(ZIM, APP, &lobby, Some(1)).expect("left");
        assert_eq!(attributes(), 1, "the auto-delete attribute was kept");
        client.emulator.leave(ZIM, APP, &lobby, Some(1)).expect("left");
        assert_eq!(attributes(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn rooms_that_ended_do_not_count_towards_the_quota() {
    let client = TestClient::with_operator(EmulatorConfig { max_rooms: Some(1), ..config() }).await;
    assert_eq!(client.create("a", 60).await, 0);
    assert_eq!(client.create("b", 60).await, 660_300_015);
    advance(&client, Duration::from_mins(1));
    assert_eq!(client.create("b", 60).await, 0);
    assert_eq!(client.app().rooms.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn applications_share_no_rooms() {
    let mut two = config();
    two.apps.push(App::with_own_secret(ZIM, 7));
    two.max_rooms = Some(1);
    let client = TestClient::with_operator(two).await;
    client.create("lobby", 60).await;
    let stats = client.stats();
    assert_eq!((stats.app(ZIM, APP).rooms.len(), stats.app(ZIM, 7).rooms.len()), (1, 0));
    assert!(matches!(
        client.emulator.enter(ZIM, 7, &room("lobby"), 1),
        Err(EmulatorError::NoSuchRoom { kind: ZIM, app: 7, .. })
    ));
    assert!(matches!(
        client.emulator.enter(ZIM, 8, &room("lobby"), 1),
        Err(EmulatorError::NoSuchApp { kind: ZIM, app: 8 })
    ));
    let mut other = client.signed();
    other.app = "7".into();
    let secret = App::with_own_secret(ZIM, 7).secret;
    let text = format!("7{}{}{}", other.nonce, secret.expose(), other.timestamp);
    other.signature = Some(hex::encode(Md5::digest(text)));
    let query = "RoomId=lobby";
    let answer = client.send(&Method::GET, "DestroyRoom", query, String::new(), other).await;
    assert_eq!(code(&answer), 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn duplicate_apps_and_faults_over_100_percent_are_refused() {
    let open = |config| Emulator::open(config, clock(), Data::Memory).err();
    let mut twice = config();
    twice.apps.push(App::with_own_secret(ZIM, APP));
    assert!(matches!(open(twice), Some(EmulatorError::DuplicateApp { kind: ZIM, app: APP })));
    let mut over = config();
    over.faults = ["busy=60%", "hang=50%"].map(|text| text.parse().expect("a fault")).into();
    let error = open(over).expect("refused").to_string();
    assert_eq!(error, "the shares of all faults add up to 110.0%, more than 100%");
}

#[tokio::test(start_paused = true)]
async fn advance_moves_the_emulators_clock() {
    let client = TestClient::new(config());
    advance(&client, 3 * HOUR);
    advance(&client, HOUR);
    assert_eq!(client.emulator.now(), client.clock.now().plus(4 * HOUR));
}
