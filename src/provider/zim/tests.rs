//! The requests of ZIM and the reading of its answers, over a scripted transport.

use std::sync::Arc;

use super::*;
use crate::model::{Attribute, Delay};
use crate::provider::http::{
    AllowedHosts, HttpRequest, HttpResponse, Sending, ServiceUrl, Transport, TransportError,
};
use crate::provider::tests::{SECRET, ScriptedTransport, TransportResult, access, body, response};

const SIGNATURE: &str = "43e5cfcca828314675f91b001390566a";

fn zim(answer: TransportResult) -> (Zim, Arc<ScriptedTransport>) {
    let (access, script) = access([answer]);
    (Zim::new(access, "admin".to_owned()), script)
}

fn room() -> Arc<Room> {
    let attribute = |value: &str, auto_delete| Attribute { value: value.into(), auto_delete };
    let attributes = [("topic", attribute("hi", false)), ("zeal", attribute("é", true))];
    Arc::new(Room {
        name: Some("Lobby".into()),
        destroy_delay_time: Some(Delay::from_seconds(60)),
        attributes: attributes.into_iter().collect(),
        ..Room::default()
    })
}

fn destroy() -> Operation {
    Operation::Destroy(Arc::default())
}

const SUCCESS: &str = r#"{"Code":0,"Message":"success","RequestId":"r1","AttributeSeq":2}"#;

/// Returns the request of an operation.
async fn request(id: &str, operation: Operation) -> HttpRequest {
    let (zim, script) = zim(response(200, SUCCESS));
    zim.change(&RoomId::new(id), &operation).await.expect("done");
    script.sent().pop().expect("sent")
}

const PUBLIC: &str = "AppId=12345&SignatureNonce=4fd24687296dd9f3&Timestamp=1615186943\
     &SignatureVersion=2.0&Signature=43e5cfcca828314675f91b001390566a";

#[tokio::test]
async fn a_create_is_a_post_with_the_public_parameters_in_the_query() {
    let sent = request("lobby", Operation::Create(room())).await;
    assert_eq!(
        (sent.method, sent.target()),
        (Method::Post, format!("/?Action=CreateRoom&{PUBLIC}"))
    );
    assert_eq!(
        body(&sent),
        r#"{"FromUserId":"admin","RoomId":"lobby","RoomName":"Lobby","DestroyDelayTime":60,"Attributes":[{"Key":"topic","Value":"hi","AutoDelete":0},{"Key":"zeal","Value":"é","AutoDelete":1}]}"#
    );
    let bare = request("a#b", Operation::Create(Arc::new(Room::default()))).await;
    assert_eq!(body(&bare), r#"{"FromUserId":"admin","RoomId":"a#b"}"#);
}

#[tokio::test]
async fn a_destroy_is_a_get_with_a_percent_encoded_id() {
    let sent = request("!#$%&()+-:;<=.>?@[]^_ ,{}|~é", destroy()).await;
    assert_eq!((sent.method, &sent.body), (Method::Get, &None));
    assert_eq!(
        sent.target(),
        format!(
            "/?Action=DestroyRoom&{PUBLIC}&RoomId=%21%23%24%25%26%28%29%2B-%3A%3B%3C%3D.%3E%3F%40\
             %5B%5D%5E_%20%2C%7B%7D%7C~%C3%A9"
        )
    );
    let url = sent.url.with_query(&sent.query);
    let decoded = url.query_pairs().find(|(name, _)| name == "RoomId").expect("there");
    assert_eq!(decoded.1, "!#$%&()+-:;<=.>?@[]^_ ,{}|~é");
}

#[tokio::test]
async fn one_modify_sets_and_deletes_attributes() {
    let new = Attribute { value: "v".into(), auto_delete: true };
    let changes = vec![AttributeChange::Set("a".into(), new), AttributeChange::Delete("b".into())];
    let sent = request("lobby", Operation::Patch(Patch::Attributes(changes))).await;
    assert_eq!(
        body(&sent),
        r#"{"FromUserId":"admin","RoomId":"lobby","Attributes":[{"Action":0,"Key":"a","Value":"v","AutoDelete":1,"StopOnError":0},{"Action":1,"Key":"b","StopOnError":0}]}"#
    );
}

#[tokio::test]
async fn the_debug_output_of_a_request_has_no_query() {
    let sent = request("lobby", destroy()).await;
    let shown = format!("{sent:?}");
    assert!(!shown.contains("lobby") && !shown.contains(SIGNATURE), "{shown}");
}

#[tokio::test]
async fn queries_and_registration_send_the_documented_requests() {
    let (zim, script) = zim(response(200, SUCCESS));
    let id = RoomId::new("a b");
    zim.people(&id).await.expect("read");
    zim.attributes(&id).await.expect("read");
    zim.register("admin").await.expect("done");
    let sent = script.sent();
    let page = "RoomId=a%20b&Mode=0&NextFlag=&Limit=100";
    assert_eq!(sent[0].target(), format!("/?Action=QueryRoomUserList&{PUBLIC}&{page}"));
    assert_eq!(body(&sent[1]), r#"{"FromUserId":"admin","RoomId":"a b"}"#);
    assert_eq!(body(&sent[2]), r#"{"UserInfo":[{"UserId":"admin"}]}"#);
}

async fn people(body: &str) -> Result<Option<People>, ApiError> {
    zim(response(200, body)).0.people(&RoomId::new("lobby")).await
}

#[tokio::test]
async fn people_are_read_from_codes_and_counts() {
    for (body, expected) in [
        (r#"{"Code":660300001,"Message":"no"}"#, None),
        (r#"{"Code":660300008,"Message":"empty"}"#, Some(People::Nobody)),
        (r#"{"Code":0,"Count":2,"NextFlag":"0","UserList":[{},{}]}"#, Some(People::Count(2))),
        (r#"{"Code":"0","Count":"2","NextFlag":0}"#, Some(People::Count(2))),
        (r#"{"Code":0,"UserList":[{}],"NextFlag":""}"#, Some(People::Count(1))),
        (r#"{"Code":0,"Count":100,"NextFlag":"1"}"#, Some(People::AtLeast(100))),
        (r#"{"Code":0,"Count":0,"UserList":[]}"#, Some(People::Nobody)),
        (r#"{"Code":0}"#, Some(People::Unknown)),
        (r#"{"Code":0,"Count":-1}"#, Some(People::Unknown)),
    ] {
        assert_eq!(people(body).await, Ok(expected), "{body}");
    }
}

async fn attributes(body: &str) -> Result<Option<AttributesRead>, ApiError> {
    zim(response(200, body)).0.attributes(&RoomId::new("lobby")).await
}

#[tokio::test]
async fn attributes_are_read_tolerantly() {
    let body = r#"{"Code":0,"AttributeSeq":"10","Attributes":[
        {"Key":"1","Value":"a","Seq":9,"AutoDelete":0},{"Key":"2","Value":7,"AutoDelete":"1"},
        {"Key":"3","AutoDelete":true}]}"#;
    let read = attributes(body).await.expect("read").expect("there");
    let seen: Vec<_> =
        read.attributes.iter().map(|(key, a)| (key, &*a.value, a.auto_delete)).collect();
    assert_eq!(seen, [("1", "a", false), ("2", "7", true), ("3", "", true)]);
    assert_eq!(read.sequence, Some(10));
    assert_eq!(attributes(r#"{"Code":660300001}"#).await, Ok(None));
    for none in
        [r#"{"Code":0}"#, r#"{"Code":0,"Attributes":null}"#, r#"{"Code":0,"Attributes":[]}"#]
    {
        assert_eq!(attributes(none).await, Ok(Some(AttributesRead::default())), "{none}");
    }
}

#[tokio::test]
async fn unreadable_attributes_are_an_error() {
    for body in [
        r#"{"Code":0,"Attributes":{"a":"b"}}"#,
        r#"{"Code":0,"Attributes":[{"Value":"b"}]}"#,
        r#"{"Code":0,"Attributes":[{"Key":"a","Value":{}}]}"#,
        r#"{"Code":0,"Attributes":["a"]}"#,
    ] {
        let error = attributes(body).await.expect_err("unreadable");
        assert_eq!(error.class, ErrorClass::Unknown, "{body}");
    }
}

async fn change(answer: TransportResult) -> Result<Receipt, ApiError> {
    zim(answer).0.change(&RoomId::new("lobby"), &Operation::Create(room())).await
}

#[tokio::test]
async fn a_success_with_an_error_list_returns_the_failed_keys() {
    let body =
        r#"{"Code":0,"RequestId":7,"AttributeSeq":3,"ErrKeyList":[{"SubCode":1,"Key":"a"},{}]}"#;
    let receipt = change(response(200, body)).await.expect("done");
    assert_eq!(receipt.request_id.as_deref(), Some("7"));
    assert_eq!(receipt.attribute_sequence, Some(3));
    assert_eq!(receipt.failed_keys, [("a".to_owned(), 1), ("?".to_owned(), 0)]);
    let odd = change(response(200, r#"{"Code":0,"ErrKeyList":"a"}"#)).await.expect("done");
    assert_eq!(odd.failed_keys, [("?".to_owned(), 0)]);
}

#[tokio::test]
async fn an_answer_that_is_not_zims_has_an_unknown_outcome() {
    for (status, body, words) in [
        (200, "", "nothing in it"),
        (200, "<html>\n<h1>Sign in</h1>", "`<html> <h1>Sign in</h1>`"),
        (200, r#"{"Code":0,"Message":"suc"#, r#"`{"Code":0,"Message":"suc`"#),
        (200, r#"{"Message":"hello"}"#, "`hello`"),
        (200, "[]", "`[]`"),
        (404, r#"{"Code":0}"#, "HTTP 404"),
        (403, "forbidden", "`forbidden`"),
        (302, "", "redirect (HTTP 302)"),
        (502, "<html>Bad Gateway", "(HTTP 502), `<html>Bad Gateway`"),
        (500, r#"{"Code":0,"Message":"success"}"#, "(HTTP 500)"),
    ] {
        let error = change(response(status, body)).await.expect_err("no answer");
        assert_eq!((error.class, error.code), (ErrorClass::Unknown, None), "{status} {body}");
        assert!(error.message.contains(words), "{}", error.message);
    }
    let coded = change(response(500, r#"{"Code":660300014,"RequestId":"r1"}"#)).await;
    let coded = coded.expect_err("no answer");
    assert_eq!((coded.class, coded.code), (ErrorClass::Unknown, Some(660_300_014)));
    let read = zim(response(503, "")).0.people(&RoomId::new("lobby")).await;
    assert_eq!(read.expect_err("no answer").class, ErrorClass::Retry);
}

#[tokio::test]
async fn status_429_is_too_often_with_retry_after() {
    let answer = HttpResponse {
        status: 429,
        retry_after: Some("3".to_owned()),
        body: b"slow down".to_vec(),
        ..HttpResponse::default()
    };
    let error = change(Ok(answer)).await.expect_err("refused");
    assert_eq!(error.class, ErrorClass::TooOften);
    assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(3)));
}

#[tokio::test]
async fn an_error_has_the_services_message_advice_code_and_request_id() {
    let body = r#"{"Code":100000005,"Message":"signature error.","RequestId":"r9"}"#;
    for status in [200, 401] {
        let error = change(response(status, body)).await.expect_err("refused");
        assert_eq!(error.class, ErrorClass::Fatal);
        assert_eq!(
            error.to_string(),
            "CreateRoom: signature error: check that the secret is the ServerSecret of this \
             `app_id` (code 100000005, request r9)"
        );
    }
    let unknown = change(response(200, r#"{"Code":4711}"#)).await.expect_err("refused");
    assert_eq!(unknown.class, ErrorClass::Unrecognised);
}

#[tokio::test]
async fn an_expired_signature_reports_the_clock_difference() {
    let answer = HttpResponse {
        status: 200,
        date: Some("Mon, 08 Mar 2021 07:22:23 GMT".to_owned()),
        body: br#"{"Code":100000004,"Message":"signature expired"}"#.to_vec(),
        ..HttpResponse::default()
    };
    let error = change(Ok(answer)).await.expect_err("refused");
    assert_eq!(error.class, ErrorClass::SignAgain);
    assert!(error.message.ends_with("is 1200 s behind the service's"), "{}", error.message);
}

#[tokio::test]
async fn an_unsent_request_is_retried_and_a_reset_is_unknown() {
    let refused = change(Err(TransportError::NotSent("no connection".to_owned()))).await;
    assert_eq!(refused.expect_err("no answer").class, ErrorClass::Retry);
    let reset = change(Err(TransportError::Unknown("reset".to_owned()))).await;
    assert_eq!(reset.expect_err("no answer").class, ErrorClass::Unknown);
}

#[tokio::test]
async fn no_error_contains_the_secret_or_signature() {
    let query = format!("Action=CreateRoom&{PUBLIC}");
    let page = query.replace('&', "&amp;");
    for body in [
        format!("<p>{query}</p>"),
        format!("<p>{page}</p>"),
        format!(r#"{{"Code":100000005,"Message":"{SIGNATURE} is not of {SECRET}"}}"#),
        format!(r#"{{"Code":9,"Message":"\u001b[31m{PUBLIC}"}}"#),
    ] {
        for status in [200, 429, 500] {
            let error = change(response(status, &body)).await.expect_err("refused");
            let output = format!("{error} {error:?}");
            for hidden in [SECRET, SIGNATURE, "4fd24687296dd9f3", "\u{1b}"] {
                assert!(!output.contains(hidden), "{output}");
            }
        }
    }
}

#[tokio::test]
async fn a_registration_succeeds_if_the_user_exists() {
    for (body, expected) in [
        (r#"{"Code":0,"ErrorList":[]}"#, None),
        (r#"{"Code":660700002,"Message":"exists"}"#, None),
        (r#"{"Code":0,"ErrorList":[{"UserId":"admin","SubCode":660700002}]}"#, None),
        (
            r#"{"Code":0,"ErrorList":[{"UserId":"admin","SubCode":660000002}]}"#,
            Some(ErrorClass::Refused),
        ),
        (r#"{"Code":0,"ErrorList":[{}]}"#, Some(ErrorClass::Unrecognised)),
        (r#"{"Code":660700001}"#, Some(ErrorClass::TooOften)),
    ] {
        let registered = zim(response(200, body)).0.register("admin").await;
        assert_eq!(registered.err().map(|error| error.class), expected, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_times_out() {
    struct Hangs;
    impl Transport for Hangs {
        fn send(&self, _: HttpRequest) -> Sending<'_> {
            Box::pin(std::future::pending())
        }
    }
    let (mut access, _) = access([response(200, SUCCESS)]);
    access.transport = Arc::new(Hangs);
    let zim = Zim::new(access, "admin".to_owned());
    let outcome = zim.change(&RoomId::new("lobby"), &destroy()).await;
    let error = outcome.expect_err("no answer");
    assert_eq!(error.class, ErrorClass::Unknown);
    assert_eq!(error.message, "no answer from 127.0.0.1:1 within 10 s");
}

#[test]
fn only_the_vendors_hosts_are_accepted() {
    for host in ["zim-api.zego.im", "zim-api-sha.zego.im", "zim-api-sgp.zego.im"] {
        assert!(is_vendor(host), "{host}");
    }
    for host in [
        "zego.im",
        "zim-api.zego.im.example.com",
        "zim-apix.zego.im",
        "zim-api-.zego.im",
        "zim-api-a.b.zego.im",
        "zim-api.example.zego.im",
        "xzim-api.zego.im",
        "rtc-api.zego.im",
    ] {
        assert!(!is_vendor(host), "{host}");
    }
    let url = ServiceUrl::new(
        &crate::provider::vendor_url(crate::model::Kind::Zim),
        is_vendor,
        &AllowedHosts::none(),
    );
    assert!(url.is_ok());
}
