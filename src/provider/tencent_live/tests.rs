//! The requests of the live rooms and the reading of their answers, over a scripted transport.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::model::{Attribute, People, Secret, Timestamp};
use crate::provider::http::{AllowedHosts, HttpRequest, ServiceUrl};
use crate::provider::tests::{SECRET, ScriptedTransport, TransportResult, access, body, response};

mod classification;
mod reading;
mod signing;

const SUCCESS: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"RequestId":"Id-8c98"}"#;

fn tencent(
    answers: impl IntoIterator<Item = TransportResult>,
) -> (TencentLive, Arc<ScriptedTransport>) {
    let (access, script) = access(answers);
    (TencentLive::new(access, "admin".to_owned()), script)
}

fn room(fields: &[(Field, Value)]) -> Arc<Room> {
    let attribute = Attribute { value: "v".into(), auto_delete: false };
    Arc::new(Room {
        name: Some("Lobby".into()),
        attributes: [("k", attribute)].into_iter().collect(),
        ..fields.iter().cloned().collect()
    })
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn everything() -> Vec<(Field, Value)> {
    vec![
        (Field::Owner, text("alice")),
        (Field::SeatTemplate, text("Karaoke")),
        (Field::TakeSeatMode, text("ApplyToTake")),
        (Field::MaxSeats, Value::Number(8)),
        (Field::MaxMembers, Value::Number(300)),
        (Field::CoverUrl, text("https://x/y.png")),
        (Field::Category, Value::Numbers([1, 2].into())),
        (Field::ActivityStatus, Value::Number(0)),
        (Field::Notice, text("hi")),
        (Field::Muted, Value::Flag(false)),
        (Field::Public, Value::Flag(true)),
        (Field::Unlimited, Value::Flag(true)),
    ]
}

fn set(key: &str) -> AttributeChange {
    AttributeChange::Set(
        key.into(),
        Attribute { value: format!("{key}!").into(), auto_delete: false },
    )
}

fn delete(key: &str) -> AttributeChange {
    AttributeChange::Delete(key.into())
}

fn attributes(changes: impl IntoIterator<Item = AttributeChange>) -> Operation {
    Operation::Patch(Patch::Attributes(changes.into_iter().collect()))
}

fn fields(fields: &[(Field, Value)]) -> Operation {
    Operation::Patch(Patch::Fields(fields.iter().cloned().collect()))
}

async fn change(operation: &Operation, answer: TransportResult) -> Result<Receipt, ApiError> {
    tencent([answer]).0.change(&RoomId::new("a/b"), operation).await
}

/// Returns the request of an operation.
async fn request(operation: Operation) -> HttpRequest {
    let (tencent, script) = tencent([response(200, SUCCESS)]);
    let receipt = tencent.change(&RoomId::new("a/b"), &operation).await.expect("done");
    assert_eq!(receipt, Receipt { request_id: Some("Id-8c98".to_owned()), ..Receipt::default() });
    let [request] = &script.sent()[..] else { panic!("{:?}", script.sent()) };
    request.clone()
}

/// Returns path and body of the request of an operation.
async fn sent(operation: Operation) -> (String, serde_json::Value) {
    let request = request(operation).await;
    assert_eq!(request.method, Method::Post);
    let body = serde_json::from_str(&body(&request)).expect("JSON");
    (request.url.path().to_owned(), body)
}

/// Returns the UserSig of a request.
fn usersig(request: &HttpRequest) -> String {
    let url = request.url.with_query(&request.query);
    let sig = url.query_pairs().find(|(name, _)| name == "usersig").expect("signed");
    sig.1.into_owned()
}

#[tokio::test]
async fn a_request_is_a_post_with_the_signature_in_the_query() {
    let sent = request(Operation::Destroy(Arc::default())).await;
    assert_eq!((sent.call, body(&sent)), (Call::LiveDestroyRoom, r#"{"RoomId":"a/b"}"#.to_owned()));
    let now = Timestamp::from_millis(1_615_186_943_000);
    let secret = Secret::new(SECRET.to_owned());
    let signed = UserSig::new(12345, &secret, "admin", std::time::Duration::from_hours(24), now)
        .expect("signed");
    assert_eq!(
        sent.target(),
        format!(
            "/v4/live_engine_http_srv/destroy_room?sdkappid=12345&identifier=admin&usersig={}\
             &random=1339180679&contenttype=json",
            signed.text
        )
    );
    assert_eq!(usersig(&sent), signed.text);
}

#[tokio::test]
async fn the_operator_is_percent_encoded_and_the_endpoints_path_is_kept() {
    let (mut access, script) = access([response(200, SUCCESS)]);
    let url = "http://127.0.0.1:1/proxy".parse().expect("a URL");
    let url = ServiceUrl::new(&url, is_vendor, &AllowedHosts::none());
    access.url = url.expect("loopback");
    let tencent = TencentLive::new(access, "a&b c*".to_owned());
    tencent.register("x").await.expect("done");
    let target = script.sent()[0].target();
    let start = "/proxy/v4/im_open_login_svc/account_import?sdkappid=12345&identifier=a%26b%20c*&";
    assert!(target.starts_with(start), "{target}");
}

#[tokio::test]
async fn a_create_sends_the_declared_fields_that_it_accepts() {
    let path = "/v4/live_engine_http_srv/create_room".to_owned();
    let bare = json!({"RoomInfo": {"RoomId": "a/b", "RoomType": "Live"}});
    assert_eq!(sent(Operation::Create(Arc::default())).await, (path.clone(), bare));
    let all = json!({"RoomInfo": {
        "RoomId": "a/b", "RoomType": "Live", "RoomName": "Lobby", "Owner_Account": "alice",
        "SeatTemplate": "Karaoke", "TakeSeatMode": "ApplyToTake", "MaxSeatCount": 8,
        "IsMessageDisabled": false, "IsPublicVisible": true, "CoverURL": "https://x/y.png",
        "Category": [1, 2], "ActivityStatus": 0, "IsUnlimitedRoomEnabled": true,
    }});
    assert_eq!(sent(Operation::Create(room(&everything()))).await, (path, all));
}

#[tokio::test]
async fn an_update_sends_fields_that_change_in_place() {
    let fixed = [Field::Owner, Field::SeatTemplate, Field::MaxSeats, Field::Unlimited];
    let (fixed, mut changed): (Vec<_>, Vec<_>) =
        everything().into_iter().partition(|(field, _)| fixed.contains(field));
    changed.push((Field::Name, text("Hall")));
    let path = "/v4/live_engine_http_srv/update_room_info".to_owned();
    let all = json!({"RoomInfo": {
        "RoomId": "a/b", "RoomName": "Hall", "MaxMemberCount": 300, "IsMessageDisabled": false,
        "CoverURL": "https://x/y.png", "Category": [1, 2], "ActivityStatus": 0,
        "IsPublicVisible": true, "TakeSeatMode": "ApplyToTake", "Notice": "hi",
    }});
    assert_eq!(sent(fields(&changed)).await, (path, all));
    for fixed in fixed {
        let (tencent, script) = tencent([response(200, SUCCESS)]);
        let refused = tencent.change(&RoomId::new("a"), &fields(&[fixed])).await;
        assert_eq!(refused.expect_err("not in place").class, ErrorClass::Fatal);
        assert_eq!(script.sent(), []);
    }
}

#[tokio::test]
async fn metadata_is_set_or_deleted_by_separate_calls() {
    let folder = "/v4/live_engine_http_srv/";
    let metadata = json!({"RoomId": "a/b", "Metadata": [
        {"Key": "b", "Value": "b!"}, {"Key": "a", "Value": "a!"},
    ]});
    let set_both = sent(attributes([set("b"), set("a")])).await;
    assert_eq!(set_both, (format!("{folder}set_room_metadata"), metadata));
    let keys = json!({"RoomId": "a/b", "Keys": ["b", "a"]});
    let delete_both = sent(attributes([delete("b"), delete("a")])).await;
    assert_eq!(delete_both, (format!("{folder}del_room_metadata"), keys));
    let (tencent, script) = tencent([response(200, SUCCESS)]);
    let mixed = tencent.change(&RoomId::new("a"), &attributes([set("a"), delete("b")])).await;
    let mixed = mixed.expect_err("no such call");
    assert_eq!((mixed.class, script.sent()), (ErrorClass::Fatal, Vec::new()));
}

#[tokio::test]
async fn queries_and_registration_send_the_documented_requests() {
    let info = response(200, r#"{"ErrorCode":0,"Response":{"RoomInfo":{}}}"#);
    let (tencent, script) = tencent([info.clone(), info, response(200, SUCCESS)]);
    let rooms = [RoomId::new("a"), RoomId::new("b")];
    assert_eq!(tencent.presences(&rooms).await.expect("read").len(), 2);
    tencent.attributes(&rooms[0]).await.expect("read");
    tencent.register("alice").await.expect("done");
    let sent: Vec<_> =
        script.sent().iter().map(|it| (it.call, it.url.path().to_owned(), body(it))).collect();
    let path = |name: &str| format!("/v4/live_engine_http_srv/{name}");
    let import = "/v4/im_open_login_svc/account_import".to_owned();
    assert_eq!(
        sent,
        [
            (Call::LiveGetRoomInfo, path("get_room_info"), r#"{"RoomId":"a"}"#.to_owned()),
            (Call::LiveGetRoomInfo, path("get_room_info"), r#"{"RoomId":"b"}"#.to_owned()),
            (
                Call::LiveGetRoomMetadata,
                path("get_room_metadata"),
                r#"{"RoomId":"a","Keys":[]}"#.to_owned()
            ),
            (Call::AccountImport, import, r#"{"UserID":"alice"}"#.to_owned()),
        ]
    );
    assert_eq!((tencent.people_call(), tencent.batch()), (Call::LiveGetRoomInfo, 1));
    assert_eq!(tencent.attributes_call(), Some(Call::LiveGetRoomMetadata));
    assert_eq!(tencent.register_call(), Some(Call::AccountImport));
}

#[tokio::test]
async fn the_user_of_a_create_is_its_owner_and_otherwise_the_operator() {
    let (tencent, _) = tencent([response(200, SUCCESS)]);
    let create = |owner: &str| Operation::Create(room(&[(Field::Owner, text(owner))]));
    let (owned, ours) = (create("alice"), create("admin"));
    let bare = Operation::Create(Arc::default());
    for (operation, user, before) in [
        (&owned, "alice", Some("alice")),
        (&ours, "admin", None),
        (&bare, "admin", None),
        (&Operation::Destroy(room(&[(Field::Owner, text("alice"))])), "admin", None),
        (&fields(&[(Field::Notice, text("hi"))]), "admin", None),
    ] {
        assert_eq!(tencent.user(Some(operation)), Some(user));
        assert_eq!(tencent.user_before(operation), before);
    }
    assert_eq!(tencent.user(None), Some("admin"));
}

#[tokio::test]
async fn a_probe_queries_an_absent_room_and_compares_the_clocks() {
    let answer = |body: &str| HttpResponse {
        status: 200,
        date: Some("Mon, 08 Mar 2021 07:02:33 GMT".to_owned()),
        body: body.as_bytes().to_vec(),
        ..HttpResponse::default()
    };
    for body in [r#"{"ActionStatus":"FAIL","ErrorCode":100004}"#, SUCCESS] {
        let (tencent, script) = tencent([Ok(answer(body))]);
        let clock = tencent.probe().await.expect("an answer").clock.expect("a date");
        assert_eq!(clock.service_ahead, 10);
        let [request] = &script.sent()[..] else { panic!("one request") };
        assert_eq!(self::body(request), r#"{"RoomId":"roomctl-check-no-such-room"}"#);
    }
    let refused = tencent([Ok(answer(r#"{"ErrorCode":70009}"#))]).0.probe().await;
    assert_eq!(refused.expect_err("refused").class, ErrorClass::Fatal);
}

#[test]
fn only_the_vendors_hosts_are_accepted() {
    for region in ["sgp", "kr", "jpn", "ger", "usa", "iidn"] {
        assert!(is_vendor(&format!("adminapi{region}.im.qcloud.com")), "{region}");
    }
    assert!(is_vendor("console.tim.qq.com"));
    for host in [
        "adminapi.im.qcloud.com",
        "adminapi1.im.qcloud.com",
        "adminapi-x.im.qcloud.com",
        "adminapisgp.x.im.qcloud.com",
        "adminapisgp.im.qcloud.com.example.com",
        "xadminapisgp.im.qcloud.com",
        "tim.qq.com",
        "xconsole.tim.qq.com",
        "console.tim.qq.com.example.com",
    ] {
        assert!(!is_vendor(host), "{host}");
    }
    assert!(
        ServiceUrl::new(
            &crate::provider::vendor_url(crate::model::Kind::TencentLive),
            is_vendor,
            &AllowedHosts::none()
        )
        .is_ok()
    );
}
