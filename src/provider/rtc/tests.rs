//! The requests of RTC and the reading of its answers, over a scripted transport.

use std::sync::Arc;

use super::*;
use crate::model::{ErrorClass, People};
use crate::provider::http::{AllowedHosts, HttpRequest, HttpResponse, ServiceUrl, TransportError};
use crate::provider::tests::{ScriptedTransport, TransportResult, access, response};

const PUBLIC: &str = "AppId=12345&SignatureNonce=4fd24687296dd9f3&Timestamp=1615186943\
     &SignatureVersion=2.0&Signature=43e5cfcca828314675f91b001390566a";

const SUCCESS: &str =
    r#"{"Code":0,"Message":"success","RequestId":"TestRequestId1642755866616219000"}"#;

fn rtc(is_test: Option<bool>, answer: TransportResult) -> (Rtc, Arc<ScriptedTransport>) {
    let (access, script) = access([answer]);
    (Rtc::new(access, is_test), script)
}

fn ids(ids: &[&str]) -> Vec<RoomId> {
    ids.iter().map(|id| RoomId::new(id)).collect()
}

/// Returns a close with these declared fields.
fn close(fields: &[(Field, Value)]) -> Operation {
    Operation::Destroy(Arc::new(fields.iter().cloned().collect()))
}

async fn closed(operation: &Operation, answer: TransportResult) -> Result<Receipt, ApiError> {
    rtc(None, answer).0.change(&RoomId::new("show"), operation).await
}

/// Returns path and query of the request of a close.
async fn target(is_test: Option<bool>, operation: &Operation) -> String {
    let (rtc, script) = rtc(is_test, response(200, SUCCESS));
    rtc.change(&RoomId::new("live show#1"), operation).await.expect("done");
    let [HttpRequest { call: Call::CloseRoom, method: Method::Get, body: None, .. }] =
        &script.sent()[..]
    else {
        panic!("{:?}", script.sent());
    };
    script.sent()[0].target()
}

#[tokio::test]
async fn a_close_sends_reason_and_callback_only_if_declared() {
    let start = format!("/?Action=CloseRoom&{PUBLIC}&RoomId=live%20show%231");
    assert_eq!(target(None, &close(&[])).await, start);
    let reason = (Field::CloseReason, Value::Text("over & out: ciao è +1".into()));
    let declared = [reason, (Field::CloseCallback, Value::Flag(true))];
    assert_eq!(
        target(Some(true), &close(&declared)).await,
        format!(
            "{start}&CustomReason=over%20%26%20out%3A%20ciao%20%C3%A8%20%2B1\
             &RoomCloseCallback=true&IsTest=true"
        )
    );
    let without_callback = close(&[(Field::CloseCallback, Value::Flag(false))]);
    assert_eq!(target(Some(false), &without_callback).await, format!("{start}&IsTest=false"));
}

#[tokio::test]
async fn the_answer_to_a_close_is_classified() {
    let receipt = closed(&close(&[]), response(200, SUCCESS)).await.expect("done");
    assert_eq!(receipt.request_id.as_deref(), Some("TestRequestId1642755866616219000"));
    for (answer, class) in [
        (response(200, r#"{"Code":5018,"Message":"x"}"#), ErrorClass::Missing),
        (response(200, r#"{"Code":"206"}"#), ErrorClass::TooOften),
        (response(200, r#"{"Code":154}"#), ErrorClass::Unknown),
        (response(200, "<html>"), ErrorClass::Unknown),
        (response(502, "<html>"), ErrorClass::Unknown),
        (response(429, ""), ErrorClass::TooOften),
        (Err(TransportError::NotSent("no connection".to_owned())), ErrorClass::Retry),
        (Err(TransportError::Unknown("reset".to_owned())), ErrorClass::Unknown),
    ] {
        let error = closed(&close(&[]), answer.clone()).await.expect_err("no success");
        assert_eq!(error.class, class, "{answer:?}");
    }
}

#[tokio::test]
async fn operations_that_rtc_does_not_have_send_no_request() {
    let (rtc, script) = rtc(None, response(200, SUCCESS));
    let id = RoomId::new("show");
    let patch = crate::model::Patch::Fields(Fields::default());
    for operation in [Operation::Create(Arc::default()), Operation::Patch(patch)] {
        let error = rtc.change(&id, &operation).await.expect_err("no call");
        assert_eq!((error.class, error.code), (ErrorClass::Fatal, None));
        assert_eq!((rtc.user(Some(&operation)), rtc.user_before(&operation)), (None, None));
    }
    assert_eq!((rtc.attributes_call(), rtc.register_call()), (None, None));
    assert_eq!(rtc.attributes(&id).await, Ok(Some(AttributesRead::default())));
    assert_eq!(rtc.register("admin").await, Ok(()));
    assert_eq!(script.sent(), []);
}

#[tokio::test]
async fn ten_rooms_are_queried_by_one_request() {
    let answer = r#"{"Code":0,"Data":{"UserCountList":[]}}"#;
    let (rtc, script) = rtc(Some(false), response(200, answer));
    assert_eq!((rtc.people_call(), rtc.batch()), (Call::DescribeUserNum, 10));
    let rooms = ids(&["a", "b c", "d", "e", "f", "g", "h", "i", "j", "k"]);
    assert_eq!(rtc.presences(&rooms).await.expect("read").len(), 10);
    let [request] = &script.sent()[..] else { panic!("one request") };
    let list = "&RoomId%5B%5D=a&RoomId%5B%5D=b%20c&RoomId%5B%5D=d&RoomId%5B%5D=e&RoomId%5B%5D=f\
         &RoomId%5B%5D=g&RoomId%5B%5D=h&RoomId%5B%5D=i&RoomId%5B%5D=j&RoomId%5B%5D=k";
    assert_eq!(
        (request.method, request.target()),
        (Method::Get, format!("/?Action=DescribeUserNum&{PUBLIC}{list}&IsTest=false"))
    );
    let url = request.url.with_query(&request.query);
    let decoded: Vec<_> = url.query_pairs().filter(|(name, _)| name == "RoomId[]").collect();
    assert_eq!((decoded.len(), &*decoded[1].1), (10, "b c"));
}

async fn inside(rooms: &[&str], list: &str) -> Vec<People> {
    let answer = format!(r#"{{"Code":0,"Data":{{"UserCountList":{list}}}}}"#);
    let present = rtc(None, response(200, answer)).0.presences(&ids(rooms)).await.expect("read");
    let people = present.into_iter().map(|presence| {
        let Presence { people, fields } = presence.expect("RTC reports no room as missing");
        assert_eq!(fields, Fields::default());
        people
    });
    people.collect()
}

#[tokio::test]
async fn people_are_matched_by_room_and_unknown_if_missing_or_invalid() {
    let list = r#"[{"RoomId":"b","UserCount":0,"AdminUserCount":2},
        {"RoomId":"other","UserCount":9},{"RoomId":"a","UserCount":"2","AdminUserCount":1},
        {"RoomId":7,"UserCount":3},"?",{"UserCount":1},null]"#;
    assert_eq!(
        inside(&["a", "b", "c", "7"], list).await,
        [People::Count(2), People::Nobody, People::Unknown, People::Count(3)]
    );
    for (entry, people) in [
        ("", People::Unknown),
        (r#"{"RoomId":"a"}"#, People::Unknown),
        (r#"{"RoomId":"a","UserCount":null}"#, People::Unknown),
        (r#"{"RoomId":"a","UserCount":"many"}"#, People::Unknown),
        (r#"{"RoomId":"a","UserCount":-1}"#, People::Unknown),
        (r#"{"RoomId":"a","UserCount":0.5}"#, People::Unknown),
        (r#"{"RoomId":"a","UserCount":{}}"#, People::Unknown),
        (r#"{"RoomId":"A","UserCount":0}"#, People::Unknown),
        (r#"{"RoomId":"a","UserCount":"0"}"#, People::Nobody),
        (r#"{"RoomId":"a","UserCount":0},{"RoomId":"a","UserCount":4}"#, People::Count(4)),
        (r#"{"RoomId":"a","UserCount":0},{"RoomId":"a"}"#, People::Unknown),
    ] {
        assert_eq!(inside(&["a"], &format!("[{entry}]")).await, [people], "{entry}");
    }
}

#[tokio::test]
async fn an_answer_without_a_list_is_unreadable() {
    for body in [
        r#"{"Code":0}"#,
        r#"{"Code":0,"Data":null}"#,
        r#"{"Code":0,"Data":{}}"#,
        r#"{"Code":0,"Data":[]}"#,
        r#"{"Code":0,"Data":{"UserCountList":null}}"#,
        r#"{"Code":0,"Data":{"UserCountList":{"a":0}}}"#,
        r#"{"Code":0,"UserCountList":[{"RoomId":"a","UserCount":0}]}"#,
    ] {
        let error = rtc(None, response(200, body)).0.presences(&ids(&["a"])).await;
        assert_eq!(error.expect_err("unreadable").class, ErrorClass::Unknown, "{body}");
    }
}

#[tokio::test]
async fn a_probe_queries_an_absent_room_and_compares_the_clocks() {
    let answer = HttpResponse {
        status: 200,
        date: Some("Mon, 08 Mar 2021 07:02:33 GMT".to_owned()),
        body: br#"{"Code":0,"Data":{"UserCountList":[]}}"#.to_vec(),
        ..HttpResponse::default()
    };
    let (rtc, script) = rtc(Some(true), Ok(answer));
    let clock = rtc.probe().await.expect("an answer").clock.expect("a date");
    assert_eq!(clock.service_ahead, 10);
    let room = "&RoomId%5B%5D=roomctl-check-no-such-room&IsTest=true";
    assert_eq!(script.sent()[0].target(), format!("/?Action=DescribeUserNum&{PUBLIC}{room}"));
    let refused = super::tests::rtc(None, response(200, r#"{"Code":5018}"#)).0.probe().await;
    assert_eq!(refused.expect_err("no answer").class, ErrorClass::Unrecognised);
}

#[test]
fn only_the_vendors_hosts_are_accepted() {
    for host in ["rtc-api.zego.im", "rtc-api-sha.zego.im", "rtc-api-bom.zego.im"] {
        assert!(is_vendor(host), "{host}");
    }
    for host in ["zim-api.zego.im", "rtc-api-.zego.im", "rtc-api-a.b.zego.im", "rtc-apis.zego.im"] {
        assert!(!is_vendor(host), "{host}");
    }
    assert!(
        ServiceUrl::new(
            &crate::provider::vendor_url(crate::model::Kind::Rtc),
            is_vendor,
            &AllowedHosts::none()
        )
        .is_ok()
    );
}
