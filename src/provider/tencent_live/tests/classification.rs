//! How answers are classified.

use super::*;
use crate::provider::http::TransportError;

/// Returns the class of the error of every call with this answer; `None` for a success.
async fn classes(answer: &TransportResult) -> Vec<Option<ErrorClass>> {
    let id = RoomId::new("a");
    let operations = [
        Operation::Create(Arc::default()),
        Operation::Destroy(Arc::default()),
        fields(&[(Field::Notice, text("hi"))]),
        attributes([set("a")]),
        attributes([delete("a")]),
    ];
    let mut classes = Vec::new();
    for operation in &operations {
        classes.push(change(operation, answer.clone()).await.err());
    }
    let tencent = tencent([answer.clone()]).0;
    classes.push(tencent.presences(std::slice::from_ref(&id)).await.err());
    classes.push(tencent.attributes(&id).await.err());
    classes.push(tencent.register("alice").await.err());
    classes.into_iter().map(|error| error.map(|error| error.class)).collect()
}

#[tokio::test]
async fn an_answer_that_is_not_tencents_has_an_unknown_outcome() {
    let (unknown, retry) = (Some(ErrorClass::Unknown), Some(ErrorClass::Retry));
    for (status, body) in [
        (200, ""),
        (200, "<html>"),
        (200, "{}"),
        (200, r#"{"ActionStatus":"OK"}"#),
        (200, r#"{"ActionStatus":"FAIL","ErrorInfo":"x"}"#),
        (200, r#"{"ActionStatus":"FAIL","ErrorCode":0}"#),
        (200, r#"{"ActionStatus":null,"ErrorCode":0}"#),
        (200, r#"{"ActionStatus":"OK","ErrorCode":null}"#),
        (200, r#"{"ActionStatus":"OK","ErrorCode":0.5}"#),
        (200, r#"{"Code":0}"#),
        (302, ""),
        (404, r#"{"ActionStatus":"OK","ErrorCode":0}"#),
    ] {
        assert_eq!(classes(&response(status, body)).await, [unknown; 8], "{status} {body}");
    }
    let unfinished = [[unknown; 5].as_slice(), &[retry; 3]].concat();
    for body in ["", r#"{"ActionStatus":"OK","ErrorCode":0}"#, r#"{"ErrorCode":60007}"#] {
        assert_eq!(classes(&response(502, body)).await, unfinished, "{body}");
    }
    let often = Some(ErrorClass::TooOften);
    assert_eq!(classes(&response(429, "")).await, [often; 8]);
    let not_sent = Err(TransportError::NotSent("no connection".to_owned()));
    assert_eq!(classes(&not_sent).await, [retry; 8]);
    let reset = Err(TransportError::Unknown("reset".to_owned()));
    assert_eq!(classes(&reset).await, [unknown; 8]);
}

#[tokio::test]
async fn an_error_code_counts_with_any_action_status() {
    for status in ["OK", "FAIL", ""] {
        let body = format!(r#"{{"ActionStatus":"{status}","ErrorCode":"60026","ErrorInfo":"x"}}"#);
        assert_eq!(classes(&response(200, &body)).await, [Some(ErrorClass::Fatal); 8], "{status}");
        assert_eq!(classes(&response(403, &body)).await, [Some(ErrorClass::Fatal); 8], "{status}");
    }
}

#[tokio::test]
async fn an_error_has_the_services_message_code_and_request_id() {
    let body = r#"{"ActionStatus":"FAIL","ErrorCode":100012,"ErrorInfo":"slow.","RequestId":"r9"}"#;
    let error = change(&Operation::Create(Arc::default()), response(200, body)).await;
    let error = error.expect_err("refused");
    assert_eq!(
        error.to_string(),
        "create_room: slow: one room is created at most once a second (code 100012, request r9)"
    );
    assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(1)));
}

#[tokio::test]
async fn a_delete_of_missing_keys_succeeds() {
    let body = r#"{"ActionStatus":"FAIL","ErrorCode":100503,"ErrorInfo":"no key","RequestId":"r"}"#;
    let done = change(&attributes([delete("a")]), response(200, body)).await.expect("done");
    assert_eq!(done.request_id.as_deref(), Some("r"));
    let set = change(&attributes([set("a")]), response(200, body)).await.expect_err("refused");
    assert_eq!(set.class, ErrorClass::Refused);
    let failed =
        change(&attributes([delete("a")]), response(500, body)).await.expect_err("unknown");
    assert_eq!(failed.class, ErrorClass::Unknown);
}

#[tokio::test]
async fn an_expired_signature_reports_the_clock_difference() {
    let answer = HttpResponse {
        status: 200,
        date: Some("Mon, 08 Mar 2021 07:22:23 GMT".to_owned()),
        body: br#"{"ActionStatus":"FAIL","ErrorCode":70001,"ErrorInfo":"expired"}"#.to_vec(),
        ..HttpResponse::default()
    };
    let error = change(&Operation::Destroy(Arc::default()), Ok(answer)).await;
    let message = error.expect_err("refused").message;
    assert!(message.ends_with("is 1200 s behind the service's"), "{message}");
}
