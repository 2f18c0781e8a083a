//! ZIM's return codes, limits and answers, as the vendor documents them.

use super::*;

const MODIFY: &str = "ModifyRoomAttribute";

async fn code_with(client: &TestClient, change: impl FnOnce(&mut Signed)) -> i64 {
    let mut signed = client.signed();
    change(&mut signed);
    let query = "RoomId=lobby";
    code(&client.send(&Method::GET, "DestroyRoom", query, String::new(), signed).await)
}

#[tokio::test(start_paused = true)]
async fn every_invalid_public_parameter_has_its_code() {
    let client = TestClient::new(config());
    assert_eq!(code_with(&client, |_| ()).await, 660_300_001);
    assert_eq!(code_with(&client, |signed| signed.app = "x".into()).await, 100_000_001);
    assert_eq!(code_with(&client, |signed| signed.timestamp.clear()).await, 100_000_002);
    assert_eq!(code_with(&client, |signed| signed.timestamp = "now".into()).await, 100_000_003);
    assert_eq!(
        code_with(&client, |signed| signed.signature = Some("0".repeat(32))).await,
        100_000_005
    );
    assert_eq!(code_with(&client, |signed| signed.nonce = "short".into()).await, 100_000_005);
    assert_eq!(code_with(&client, |signed| signed.nonce = "z".repeat(16)).await, 100_000_005);
    assert_eq!(code_with(&client, |signed| signed.nonce.clear()).await, 100_000_008);
    assert_eq!(
        code_with(&client, |signed| signed.signature = Some(String::new())).await,
        100_000_009
    );
    assert_eq!(code_with(&client, |signed| signed.app = "1".into()).await, 100_000_010);
    assert_eq!(code_with(&client, |signed| signed.version.clear()).await, 100_000_013);
    assert_eq!(code_with(&client, |signed| signed.version = "1.0".into()).await, 100_000_014);
    assert_eq!(code(&client.get("", "").await), 100_000_006);
    assert_eq!(code(&client.get("ListRooms", "").await), 100_000_007);
    assert_eq!(code(&client.post("DestroyRoom", &json!({})).await), 100_000_007);
    assert_eq!(code(&client.get("DestroyRoom", "RoomId=%zz").await), 2);
    assert_eq!(client.stats().rejected[&100_000_005], 3);
}

#[tokio::test(start_paused = true)]
async fn a_signature_is_valid_for_ten_minutes_of_real_time() {
    let client = TestClient::new(config());
    client.emulator.advance(Duration::from_hours(3)).expect("advanced");
    for (off, expected) in
        [(-601, 100_000_004), (601, 100_000_004), (-600, 660_300_001), (600, 660_300_001)]
    {
        let timestamp = (START / 1000 + off).to_string();
        let code = code_with(&client, |signed| signed.timestamp = timestamp).await;
        assert_eq!(code, expected, "{off} s off");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nonce_is_accepted_once_in_ten_minutes() {
    let client = TestClient::new(config());
    let nonce = "4fd24687296dd9f3";
    let send = || code_with(&client, |signed| signed.nonce = nonce.into());
    assert_eq!(send().await, 660_300_001);
    assert_eq!(send().await, 100_000_005);
    tokio::time::advance(Duration::from_mins(10)).await;
    assert_eq!(send().await, 100_000_005);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(send().await, 660_300_001);
}

#[tokio::test(start_paused = true)]
async fn create_room_refuses_unknown_operators_existing_ids_and_excess_rooms() {
    let mut limited = config();
    limited.max_rooms = Some(2);
    let client = TestClient::new(limited);
    assert_eq!(client.create("lobby", 60).await, 660_500_002);
    client.register().await;
    assert_eq!(client.create("lobby", 60).await, 0);
    assert_eq!(client.create("lobby", 60).await, 660_300_014);
    assert_eq!(client.create("second", 60).await, 0);
    assert_eq!(client.create("lobby", 60).await, 660_300_014);
    assert_eq!(client.create("third", 60).await, 660_300_015);
    assert_eq!(code(&client.get("DestroyRoom", "RoomId=second").await), 0);
    assert_eq!(client.create("third", 60).await, 0);
    let app = client.app();
    assert_eq!(app.served(Action::CreateRoom), 3);
    assert_eq!(app.served(Action::DestroyRoom), 1);
    assert_eq!(app.answered(Action::CreateRoom, 660_300_014), 2);
}

#[tokio::test(start_paused = true)]
async fn invalid_parameters_of_create_room_are_refused() {
    let client = TestClient::with_operator(config()).await;
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
        assert_eq!(code(&client.post("CreateRoom", &body).await), 660_000_002, "{body}");
    }
    assert!(client.app().rooms.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_id_may_have_all_documented_characters() {
    let client = TestClient::with_operator(config()).await;
    assert_eq!(client.create("aZ9!#$%&()+-:;<=.>?@[]^_ ,{}|~", 60).await, 0);
    let encoded = "aZ9!%23$%25%26()+-:;%3C=.%3E?@[]%5E_%20,%7B%7D%7C~";
    assert_eq!(client.people(encoded).await, 660_300_008);
    assert_eq!(code(&client.get("DestroyRoom", &format!("RoomId={encoded}")).await), 0);
}

#[tokio::test(start_paused = true)]
async fn the_number_and_size_of_attributes_are_limited() {
    let client = TestClient::with_operator(config()).await;
    let create = async |id: &str, attributes: Vec<(String, usize)>| {
        let attribute =
            |(key, bytes): (String, usize)| json!({"Key": key, "Value": "x".repeat(bytes)});
        let attributes: Vec<_> = attributes.into_iter().map(attribute).collect();
        let body = json!({"FromUserId": "admin", "RoomId": id, "DestroyDelayTime": 60,
            "Attributes": attributes});
        code(&client.post("CreateRoom", &body).await)
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
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 60).await;
    let answer = client.attributes("lobby").await;
    assert_eq!(answer["Message"], "success");
    assert_eq!(answer["RequestId"].as_str().map(str::len), Some(19));
    assert_eq!(answer["AttributeSeq"], 2);
    let expected = json!([{"Key": "banner", "Value": "Hi!", "Seq": 2, "AutoDelete": 1},
        {"Key": "topic", "Value": "welcome", "Seq": 1, "AutoDelete": 0}]);
    assert_eq!(answer["Attributes"], expected);
    assert_eq!(code(&client.attributes("hall").await), 660_300_001);
    let nobody = json!({"FromUserId": "nobody", "RoomId": "lobby"});
    assert_eq!(code(&client.post("QueryRoomAttribute", &nobody).await), 660_500_002);
}

#[tokio::test(start_paused = true)]
async fn the_attributes_of_a_missing_room_may_be_empty() {
    let mut silent = config();
    silent.missing_room = MissingRoom::EmptyAnswer;
    let client = TestClient::with_operator(silent).await;
    let answer = client.attributes("hall").await;
    assert_eq!((code(&answer), &answer["Attributes"]), (0, &json!([])));
}

#[tokio::test(start_paused = true)]
async fn a_modify_changes_the_keys_one_by_one_in_order() {
    let mut tight = config();
    tight.attribute_limits.attributes = 2;
    let client = TestClient::with_operator(tight).await;
    client.create("lobby", 60).await;
    let set = |key: &str| json!({"Action": 0, "Key": key, "Value": "v"});
    let delete = |key: &str| json!({"Action": 1, "Key": key});
    let body = |attributes: Value| json!({"FromUserId": "admin", "RoomId": "lobby", "Attributes": attributes});
    let changes = json!([set("late"), delete("banner"), delete("gone"), set("new"), set("topic")]);
    let answer = client.post(MODIFY, &body(changes)).await;
    assert_eq!((code(&answer), &answer["AttributeSeq"]), (0, &json!(5)));
    let done =
        json!([{"Key": "banner", "Seq": 3}, {"Key": "new", "Seq": 4}, {"Key": "topic", "Seq": 5}]);
    assert_eq!(answer["SuccKeyList"], done);
    let refused = json!([{"SubCode": 660_000_012, "Key": "late"}, {"SubCode": 1, "Key": "gone"}]);
    assert_eq!(answer["ErrKeyList"], refused);

    let stops = json!([{"Action": 1, "Key": "gone", "StopOnError": 1}, delete("new")]);
    let answer = client.post(MODIFY, &body(stops)).await;
    assert_eq!((code(&answer), &answer["SuccKeyList"]), (0, &json!([])));
    assert_eq!(client.app().rooms[&room("lobby")].attributes.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_modify_changes_no_key() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 60).await;
    let body = |from: &str, id: &str, change: Value| json!({"FromUserId": from, "RoomId": id, "Attributes": [change]});
    let good = json!({"Action": 0, "Key": "a", "Value": "b"});
    let send = async |body: Value| code(&client.post(MODIFY, &body).await);
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
    assert_eq!(client.app().rooms[&room("lobby")].attribute_sequence, 2);
}

#[tokio::test(start_paused = true)]
async fn people_are_listed_in_pages() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 60).await;
    assert_eq!(client.people("hall").await, 660_300_001);
    assert_eq!(client.people("lobby").await, 660_300_008);
    client.emulator.enter(ZIM, APP, &room("lobby"), 250).expect("entered");
    let mut flag = String::new();
    let mut pages = Vec::new();
    for _ in 0..3 {
        let query = format!("RoomId=lobby&Limit=100&NextFlag={flag}");
        let answer = client.get("QueryRoomUserList", &query).await;
        assert_eq!((code(&answer), &answer["Count"]), (0, &json!(250)));
        pages.push(answer["UserList"].as_array().expect("a list").len());
        flag = answer["NextFlag"].as_str().expect("a flag").to_owned();
    }
    assert_eq!((pages, flag.as_str()), (vec![100, 100, 50], "0"));
    client.emulator.enter(ZIM, APP, &room("lobby"), 1).expect("entered");
    let answer = client.get("QueryRoomUserList", "RoomId=lobby&Mode=1&Limit=500").await;
    assert_eq!(
        (&answer["NextFlag"], answer["UserList"][0]["UserId"].as_str()),
        (&json!(""), Some("user-251"))
    );
    for bad in
        ["", "RoomId=", "RoomId=lobby&Limit=501", "RoomId=lobby&Mode=2", "RoomId=lobby&NextFlag=x"]
    {
        assert_eq!(code(&client.get("QueryRoomUserList", bad).await), 660_000_002, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_are_registered_once() {
    let client = TestClient::new(config());
    let users = |ids: &[String]| json!({"UserInfo": ids.iter().map(|id| json!({"UserId": id})).collect::<Vec<_>>()});
    let names = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>();
    let send = async |body: Value| client.post("UserRegister", &body).await;
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
    assert_eq!(client.app().users.len(), 101);
}

#[tokio::test(start_paused = true)]
async fn the_21st_call_of_an_action_in_a_second_is_too_often() {
    let client = TestClient::with_operator(config()).await;
    for _ in 0..19 {
        assert_eq!(client.people("hall").await, 660_300_001);
    }
    tokio::time::advance(Duration::from_millis(600)).await;
    assert_eq!(client.people("hall").await, 660_300_001);
    assert_eq!(client.people("hall").await, 660_300_005);
    assert_eq!(client.create("other", 60).await, 0);
    tokio::time::advance(Duration::from_millis(399)).await;
    assert_eq!(client.people("hall").await, 660_300_005);
    tokio::time::advance(Duration::from_millis(1)).await;
    for _ in 0..19 {
        assert_eq!(client.people("hall").await, 660_300_001);
    }
    assert_eq!(client.people("hall").await, 660_300_005);
    assert_eq!(client.app().busiest_second(Action::QueryRoomUserList), 23);
    for _ in 0..20 {
        client.post("UserRegister", &json!({})).await;
    }
    assert_eq!(code(&client.post("UserRegister", &json!({})).await), 660_700_001);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_refused() {
    let client = TestClient::with_operator(config()).await;
    let body = json!({"FromUserId": "x".repeat(1 << 20)});
    assert_eq!(code(&client.post("CreateRoom", &body).await), 100_000_012);
}
