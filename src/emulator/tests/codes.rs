//! Every documented code can be reached, and the answers look as the pages show them.

use super::*;

const MODIFY: &str = "ModifyRoomAttribute";

async fn gate(hand: &Hand, spoil: impl FnOnce(&mut Signed)) -> i64 {
    let mut signed = hand.signed();
    spoil(&mut signed);
    let query = "RoomId=lobby";
    code(&hand.send(&Method::GET, "DestroyRoom", query, String::new(), signed).await)
}

#[tokio::test(start_paused = true)]
async fn the_gate_names_what_is_wrong() {
    let hand = Hand::new(config());
    assert_eq!(gate(&hand, |_| ()).await, 660_300_001);
    assert_eq!(gate(&hand, |signed| signed.app = "x".into()).await, 100_000_001);
    assert_eq!(gate(&hand, |signed| signed.timestamp.clear()).await, 100_000_002);
    assert_eq!(gate(&hand, |signed| signed.timestamp = "now".into()).await, 100_000_003);
    assert_eq!(gate(&hand, |signed| signed.signature = Some("0".repeat(32))).await, 100_000_005);
    assert_eq!(gate(&hand, |signed| signed.nonce = "short".into()).await, 100_000_005);
    assert_eq!(gate(&hand, |signed| signed.nonce = "z".repeat(16)).await, 100_000_005);
    assert_eq!(gate(&hand, |signed| signed.nonce.clear()).await, 100_000_008);
    assert_eq!(gate(&hand, |signed| signed.signature = Some(String::new())).await, 100_000_009);
    assert_eq!(gate(&hand, |signed| signed.app = "1".into()).await, 100_000_010);
    assert_eq!(gate(&hand, |signed| signed.version.clear()).await, 100_000_013);
    assert_eq!(gate(&hand, |signed| signed.version = "1.0".into()).await, 100_000_014);
    assert_eq!(code(&hand.get("", "").await), 100_000_006);
    assert_eq!(code(&hand.get("ListRooms", "").await), 100_000_007);
    assert_eq!(code(&hand.post("DestroyRoom", &json!({})).await), 100_000_007);
    assert_eq!(code(&hand.get("DestroyRoom", "RoomId=%zz").await), 2);
    assert_eq!(hand.stats().rejected[&100_000_005], 3);
}

#[tokio::test(start_paused = true)]
async fn a_signature_lives_ten_minutes_by_the_real_clock() {
    let hand = Hand::new(config());
    hand.emulator.advance(Duration::from_hours(3)).expect("advanced");
    for (off, expected) in
        [(-601, 100_000_004), (601, 100_000_004), (-600, 660_300_001), (600, 660_300_001)]
    {
        let timestamp = (START / 1000 + off).to_string();
        let told = gate(&hand, |signed| signed.timestamp = timestamp).await;
        assert_eq!(told, expected, "{off} s off");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nonce_is_good_once_in_ten_minutes() {
    let hand = Hand::new(config());
    let nonce = "4fd24687296dd9f3";
    let send = || gate(&hand, |signed| signed.nonce = nonce.into());
    assert_eq!(send().await, 660_300_001);
    assert_eq!(send().await, 100_000_005);
    tokio::time::advance(Duration::from_mins(10)).await;
    assert_eq!(send().await, 100_000_005);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(send().await, 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn create_room_refuses_what_its_page_refuses() {
    let mut limited = config();
    limited.max_rooms = Some(2);
    let hand = Hand::new(limited);
    assert_eq!(hand.create("lobby", 60).await, 660_500_002);
    hand.register().await;
    assert_eq!(hand.create("lobby", 60).await, 0);
    assert_eq!(hand.create("lobby", 60).await, 660_300_014);
    assert_eq!(hand.create("second", 60).await, 0);
    assert_eq!(hand.create("lobby", 60).await, 660_300_014);
    assert_eq!(hand.create("third", 60).await, 660_300_015);
    assert_eq!(code(&hand.get("DestroyRoom", "RoomId=second").await), 0);
    assert_eq!(hand.create("third", 60).await, 0);
    let app = hand.app();
    assert_eq!(app.served(Action::CreateRoom), 3);
    assert_eq!(app.served(Action::DestroyRoom), 1);
    assert_eq!(app.answered(Action::CreateRoom, 660_300_014), 2);
}

#[tokio::test(start_paused = true)]
async fn parameters_are_held_to_their_limits() {
    let hand = Hand::with_operator(config()).await;
    let long = "x".repeat(33);
    for body in [
        json!({"FromUserId": "admin"}),
        json!({"FromUserId": "admin", "RoomId": ""}),
        json!({"FromUserId": "admin", "RoomId": long}),
        json!({"FromUserId": "admin", "RoomId": "a/b"}),
        json!({"FromUserId": "admin", "RoomId": "ä"}),
        json!({"RoomId": "a"}),
        json!({"FromUserId": long, "RoomId": "a"}),
        json!({"FromUserId": "admin", "RoomId": "a", "RoomName": "x".repeat(65)}),
        json!({"FromUserId": "admin", "RoomId": "a", "DestroyDelayTime": 10_801}),
        json!({"FromUserId": "admin", "RoomId": "a", "DestroyDelayTime": -1}),
        json!({"FromUserId": "admin", "RoomId": "a", "DestroyDelayTime": "60"}),
        json!({"FromUserId": "admin", "RoomId": "a", "DestroyDelay": 60}),
        json!({"FromUserId": "admin", "RoomId": "a", "Attributes": [{"Key": "a"}]}),
        json!({"FromUserId": "admin", "RoomId": "a",
               "Attributes": [{"Key": "", "Value": ""}]}),
        json!({"FromUserId": "admin", "RoomId": "a",
               "Attributes": [{"Key": "a", "Value": "", "AutoDelete": 2}]}),
    ] {
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(code(&hand.post("CreateRoom", &body).await), 660_000_002, "{body}");
    }
    assert!(hand.app().rooms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_id_may_hold_what_any_page_allows() {
    let hand = Hand::with_operator(config()).await;
    assert_eq!(hand.create("aZ9!#$%&()+-:;<=.>?@[]^_ ,{}|~", 60).await, 0);
    let encoded = "aZ9!%23$%25%26()+-:;%3C=.%3E?@[]%5E_%20,%7B%7D%7C~";
    assert_eq!(hand.people(encoded).await, 660_300_008);
    assert_eq!(code(&hand.get("DestroyRoom", &format!("RoomId={encoded}")).await), 0);
}

#[tokio::test(start_paused = true)]
async fn attributes_are_held_to_number_and_size() {
    let hand = Hand::with_operator(config()).await;
    let create = async |id: &str, attributes: Vec<(String, usize)>| {
        let attribute =
            |(key, bytes): (String, usize)| json!({"Key": key, "Value": "x".repeat(bytes)});
        let attributes: Vec<_> = attributes.into_iter().map(attribute).collect();
        let body = json!({"FromUserId": "admin", "RoomId": id, "DestroyDelayTime": 60,
            "Attributes": attributes});
        code(&hand.post("CreateRoom", &body).await)
    };
    let keys = |count: usize| (10..10 + count).map(|n| (n.to_string(), 1)).collect();
    assert_eq!(create("a", keys(20)).await, 0);
    assert_eq!(create("b", keys(21)).await, 660_000_012);
    assert_eq!(create("c", vec![("k".repeat(16), 1024)]).await, 0);
    assert_eq!(create("d", vec![("k".repeat(17), 1)]).await, 660_000_012);
    assert_eq!(create("e", vec![("k".to_owned(), 1025)]).await, 660_000_012);
    let full = |last: usize| {
        let four = ["a", "b", "c", "d"].map(|key| (key.to_owned(), 1023));
        [&four[..], &[("e".to_owned(), last)]].concat()
    };
    assert_eq!(create("f", full(1023)).await, 0);
    assert_eq!(create("g", full(1024)).await, 660_000_012);
}

#[tokio::test(start_paused = true)]
async fn attributes_are_read_with_their_sequence() {
    let hand = Hand::with_operator(config()).await;
    hand.create("lobby", 60).await;
    let answer = hand.attributes("lobby").await;
    assert_eq!(answer["Message"], "success");
    assert_eq!(answer["RequestId"].as_str().map(str::len), Some(19));
    assert_eq!(answer["AttributeSeq"], 2);
    let expected = json!([{"Key": "banner", "Value": "Hi!", "Seq": 2, "AutoDelete": 1},
        {"Key": "topic", "Value": "welcome", "Seq": 1, "AutoDelete": 0}]);
    assert_eq!(answer["Attributes"], expected);
    assert_eq!(code(&hand.attributes("hall").await), 660_300_001);
    let nobody = json!({"FromUserId": "nobody", "RoomId": "lobby"});
    assert_eq!(code(&hand.post("QueryRoomAttribute", &nobody).await), 660_500_002);
}

#[tokio::test(start_paused = true)]
async fn a_missing_room_may_also_read_as_empty() {
    let mut silent = config();
    silent.missing_room = MissingRoom::EmptyAnswer;
    let hand = Hand::with_operator(silent).await;
    let answer = hand.attributes("hall").await;
    assert_eq!((code(&answer), &answer["Attributes"]), (0, &json!([])));
}

#[tokio::test(start_paused = true)]
async fn a_modify_goes_key_by_key_in_the_order_of_the_list() {
    let mut tight = config();
    tight.attribute_limits.attributes = 2;
    let hand = Hand::with_operator(tight).await;
    hand.create("lobby", 60).await;
    let set = |key: &str| json!({"Action": 0, "Key": key, "Value": "v"});
    let delete = |key: &str| json!({"Action": 1, "Key": key});
    let body = |attributes: Value| json!({"FromUserId": "admin", "RoomId": "lobby", "Attributes": attributes});
    let changes = json!([set("late"), delete("banner"), delete("gone"), set("new"), set("topic")]);
    let answer = hand.post(MODIFY, &body(changes)).await;
    assert_eq!((code(&answer), &answer["AttributeSeq"]), (0, &json!(5)));
    let done =
        json!([{"Key": "banner", "Seq": 3}, {"Key": "new", "Seq": 4}, {"Key": "topic", "Seq": 5}]);
    assert_eq!(answer["SuccKeyList"], done);
    let refused = json!([{"SubCode": 660_000_012, "Key": "late"}, {"SubCode": 1, "Key": "gone"}]);
    assert_eq!(answer["ErrKeyList"], refused);

    let stops = json!([{"Action": 1, "Key": "gone", "StopOnError": 1}, delete("new")]);
    let answer = hand.post(MODIFY, &body(stops)).await;
    assert_eq!((code(&answer), &answer["SuccKeyList"]), (0, &json!([])));
    assert_eq!(hand.app().rooms[&room("lobby")].attributes.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_modify_is_refused_whole_where_it_is_malformed() {
    let hand = Hand::with_operator(config()).await;
    hand.create("lobby", 60).await;
    let body = |from: &str, id: &str, change: Value| json!({"FromUserId": from, "RoomId": id, "Attributes": [change]});
    let good = json!({"Action": 0, "Key": "a", "Value": "b"});
    let send = async |body: Value| code(&hand.post(MODIFY, &body).await);
    assert_eq!(send(body("admin", "hall", good.clone())).await, 660_300_001);
    assert_eq!(send(body("nobody", "lobby", good)).await, 660_500_002);
    for bad in [
        json!({"Action": 2, "Key": "a", "Value": "b"}),
        json!({"Action": 0, "Key": "a"}),
        json!({"Action": 0, "Key": "", "Value": "b"}),
        json!({"Key": "a", "Value": "b"}),
    ] {
        assert_eq!(send(body("admin", "lobby", bad)).await, 660_000_002);
    }
    let none = json!({"FromUserId": "admin", "RoomId": "lobby", "Attributes": []});
    assert_eq!(send(none).await, 660_000_002);
    assert_eq!(hand.app().rooms[&room("lobby")].attribute_sequence, 2);
}

#[tokio::test(start_paused = true)]
async fn people_are_listed_page_by_page() {
    let hand = Hand::with_operator(config()).await;
    hand.create("lobby", 60).await;
    assert_eq!(hand.people("hall").await, 660_300_001);
    assert_eq!(hand.people("lobby").await, 660_300_008);
    hand.emulator.enter(ZIM, APP, &room("lobby"), 250).expect("entered");
    let mut flag = String::new();
    let mut pages = Vec::new();
    for _ in 0..3 {
        let query = format!("RoomId=lobby&Limit=100&NextFlag={flag}");
        let answer = hand.get("QueryRoomUserList", &query).await;
        assert_eq!((code(&answer), &answer["Count"]), (0, &json!(250)));
        pages.push(answer["UserList"].as_array().expect("a list").len());
        flag = answer["NextFlag"].as_str().expect("a flag").to_owned();
    }
    assert_eq!((pages, flag.as_str()), (vec![100, 100, 50], "0"));
    hand.emulator.enter(ZIM, APP, &room("lobby"), 1).expect("entered");
    let answer = hand.get("QueryRoomUserList", "RoomId=lobby&Mode=1&Limit=500").await;
    assert_eq!(
        (&answer["NextFlag"], answer["UserList"][0]["UserId"].as_str()),
        (&json!(""), Some("user-251"))
    );
    for bad in
        ["", "RoomId=", "RoomId=lobby&Limit=501", "RoomId=lobby&Mode=2", "RoomId=lobby&NextFlag=x"]
    {
        assert_eq!(code(&hand.get("QueryRoomUserList", bad).await), 660_000_002, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_are_registered_once() {
    let hand = Hand::new(config());
    let users = |ids: &[String]| json!({"UserInfo": ids.iter().map(|id| json!({"UserId": id})).collect::<Vec<_>>()});
    let names = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>();
    let send = async |body: Value| hand.post("UserRegister", &body).await;
    assert_eq!(code(&send(users(&names(100))).await), 0);
    assert_eq!(code(&send(users(&names(101))).await), 660_000_002);
    assert_eq!(code(&send(users(&[])).await), 660_000_002);
    assert_eq!(code(&send(users(&names(1))).await), 660_700_002);
    let both = send(users(&["u0".to_owned(), "admin".to_owned()])).await;
    assert_eq!(
        (code(&both), &both["ErrorList"]),
        (0, &json!([{"UserId": "u0", "SubCode": 660_700_002}]))
    );
    assert_eq!(
        code(&send(json!({"UserInfo": [{"UserId": "a", "UserName": "x".repeat(257)}]})).await),
        660_000_002
    );
    assert_eq!(hand.app().users.len(), 101);
}

#[tokio::test(start_paused = true)]
async fn the_twenty_first_in_a_second_comes_too_often() {
    let hand = Hand::with_operator(config()).await;
    for _ in 0..19 {
        assert_eq!(hand.people("hall").await, 660_300_001);
    }
    tokio::time::advance(Duration::from_millis(600)).await;
    assert_eq!(hand.people("hall").await, 660_300_001);
    assert_eq!(hand.people("hall").await, 660_300_005);
    assert_eq!(hand.create("other", 60).await, 0);
    tokio::time::advance(Duration::from_millis(399)).await;
    assert_eq!(hand.people("hall").await, 660_300_005);
    tokio::time::advance(Duration::from_millis(1)).await;
    for _ in 0..19 {
        assert_eq!(hand.people("hall").await, 660_300_001);
    }
    assert_eq!(hand.people("hall").await, 660_300_005);
    assert_eq!(hand.app().busiest_second(Action::QueryRoomUserList), 23);
    for _ in 0..20 {
        hand.post("UserRegister", &json!({})).await;
    }
    assert_eq!(code(&hand.post("UserRegister", &json!({})).await), 660_700_001);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_not_read() {
    let hand = Hand::with_operator(config()).await;
    let body = json!({"FromUserId": "x".repeat(1 << 20)});
    assert_eq!(code(&hand.post("CreateRoom", &body).await), 100_000_012);
}
