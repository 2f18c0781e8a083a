//! The life of rooms: they end when they were empty long enough.

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const MOMENT: Duration = Duration::from_millis(1);
const ALMOST_AN_HOUR: Duration = Duration::from_millis(3_599_999);

fn advance(hand: &Hand, span: Duration) {
    hand.emulator.advance(span).expect("advanced");
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_ends_after_its_delay() {
    let hand = Hand::with_operator(config()).await;
    hand.create("lobby", 3600).await;
    advance(&hand, ALMOST_AN_HOUR);
    assert!(hand.has("lobby"));
    advance(&hand, MOMENT);
    assert_eq!(hand.people("lobby").await, 660_300_001);
    assert_eq!(code(&hand.attributes("lobby").await), 660_300_001);
    assert_eq!(code(&hand.get("DestroyRoom", "RoomId=lobby").await), 660_300_001);
    assert_eq!(hand.create("lobby", 3600).await, 0);
    assert_eq!(hand.app().rooms[&room("lobby")].attribute_sequence, 2);
}

#[tokio::test(start_paused = true)]
async fn a_room_without_a_delay_ends_as_time_moves_on() {
    let hand = Hand::with_operator(config()).await;
    hand.create("lobby", 0).await;
    assert_eq!(hand.people("lobby").await, 660_300_008);
    tokio::time::advance(MOMENT).await;
    assert_eq!(hand.people("lobby").await, 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn people_keep_a_room_and_their_leaving_starts_the_countdown() {
    let hand = Hand::with_operator(config()).await;
    hand.create("lobby", 3600).await;
    let lobby = room("lobby");
    assert_eq!(hand.emulator.enter(ZIM, APP, &lobby, 3).ok(), Some(3));
    advance(&hand, 100 * HOUR);
    assert_eq!(hand.people("lobby").await, 0);
    assert_eq!(hand.emulator.leave(ZIM, APP, &lobby, Some(2)).ok(), Some(1));
    advance(&hand, 100 * HOUR);
    assert_eq!(hand.people("lobby").await, 0);
    assert_eq!(hand.emulator.leave(ZIM, APP, &lobby, None).ok(), Some(0));
    advance(&hand, ALMOST_AN_HOUR);
    assert_eq!(hand.people("lobby").await, 660_300_008);
    advance(&hand, MOMENT);
    assert_eq!(hand.people("lobby").await, 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn entering_and_leaving_of_nobody_changes_nothing() {
    let hand = Hand::with_operator(config()).await;
    hand.create("lobby", 3600).await;
    let before = hand.app().rooms;
    advance(&hand, MOMENT);
    hand.emulator.enter(ZIM, APP, &room("lobby"), 0).expect("entered");
    hand.emulator.leave(ZIM, APP, &room("lobby"), None).expect("left");
    assert_eq!(hand.app().rooms, before);
}

#[tokio::test(start_paused = true)]
async fn attributes_go_with_the_last_user_unless_they_are_retained() {
    for (retention, expected) in [(Retention::UntilLeft, 0), (Retention::Always, 1)] {
        let hand = Hand::with_operator(EmulatorConfig { retention, ..config() }).await;
        hand.create("lobby", 3600).await;
        let lobby = room("lobby");
        let left = || hand.app().rooms[&lobby].attributes.len();
        hand.emulator.enter(ZIM, APP, &lobby, 2).expect("entered");
        assert_eq!(left(), 2);
        hand.emulator.leave(ZIM, APP, &lobby, Some(1)).expect("left");
        assert_eq!(left(), 1, "the auto-delete one goes with whoever leaves");
        hand.emulator.leave(ZIM, APP, &lobby, Some(1)).expect("left");
        assert_eq!(left(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn rooms_that_ended_make_room_in_the_quota() {
    let hand = Hand::with_operator(EmulatorConfig { max_rooms: Some(1), ..config() }).await;
    assert_eq!(hand.create("a", 60).await, 0);
    assert_eq!(hand.create("b", 60).await, 660_300_015);
    advance(&hand, Duration::from_mins(1));
    assert_eq!(hand.create("b", 60).await, 0);
    assert_eq!(hand.app().rooms.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn applications_have_nothing_in_common() {
    let mut two = config();
    two.apps.push(App::with_own_secret(ZIM, 7));
    two.max_rooms = Some(1);
    let hand = Hand::with_operator(two).await;
    hand.create("lobby", 60).await;
    let stats = hand.stats();
    assert_eq!((stats.app(ZIM, APP).rooms.len(), stats.app(ZIM, 7).rooms.len()), (1, 0));
    assert!(matches!(
        hand.emulator.enter(ZIM, 7, &room("lobby"), 1),
        Err(EmulatorError::NoSuchRoom { kind: ZIM, app: 7, .. })
    ));
    assert!(matches!(
        hand.emulator.enter(ZIM, 8, &room("lobby"), 1),
        Err(EmulatorError::NoSuchApp { kind: ZIM, app: 8 })
    ));
    let mut other = hand.signed();
    other.app = "7".into();
    let secret = App::with_own_secret(ZIM, 7).secret;
    let text = format!("7{}{}{}", other.nonce, secret.expose(), other.timestamp);
    other.signature = Some(hex::encode(Md5::digest(text)));
    let query = "RoomId=lobby";
    let answer = hand.send(&Method::GET, "DestroyRoom", query, String::new(), other).await;
    assert_eq!(code(&answer), 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn settings_that_contradict_themselves_are_refused() {
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
async fn the_emulator_is_the_clock_of_its_world() {
    let hand = Hand::new(config());
    advance(&hand, 3 * HOUR);
    advance(&hand, HOUR);
    assert_eq!(hand.emulator.now(), hand.clock.now().plus(4 * HOUR));
}
