//! A transport with scripted answers, and properties of all services: no answer makes them panic or
//! disclose a secret.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value;

use super::access::Access;
use super::http::{
    AllowedHosts, Fixed, HttpRequest, HttpResponse, Sending, ServiceUrl, Transport, TransportError,
};
use super::rtc::Rtc;
use super::tencent_live::TencentLive;
use super::zim::Zim;
use super::*;
use crate::model::{
    Attribute, AttributeChange, Clock, Field, Patch, Room, Secret, Timestamp, Value as FieldValue,
};

pub(super) const SECRET: &str = "9193cc662a4c0ec135ec71fb57194b38";

/// The result of one request.
pub(super) type TransportResult = Result<HttpResponse, TransportError>;

/// Records the requests, and answers from a list; the last answer is repeated.
pub(super) struct ScriptedTransport {
    answers: Mutex<VecDeque<TransportResult>>,
    pub(super) sent: Mutex<Vec<HttpRequest>>,
}

impl ScriptedTransport {
    /// Returns the requests that were sent.
    pub(super) fn sent(&self) -> Vec<HttpRequest> {
        self.sent.lock().expect("no panic").clone()
    }
}

impl Transport for ScriptedTransport {
    fn send(&self, request: HttpRequest) -> Sending<'_> {
        self.sent.lock().expect("no panic").push(request);
        let mut answers = self.answers.lock().expect("no panic");
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { next.expect("an answer") })
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_615_186_943_000)
    }
}

/// Returns the access to an application with the id 12345 whose service gives these answers. The clock is
/// fixed at 1,615,186,943 s.
pub(super) fn access(
    answers: impl IntoIterator<Item = TransportResult>,
) -> (Access, Arc<ScriptedTransport>) {
    let answers = Mutex::new(answers.into_iter().collect());
    let script = Arc::new(ScriptedTransport { answers, sent: Mutex::default() });
    let access = Access {
        app_id: 12345,
        secret: Secret::new(SECRET.to_owned()),
        url: ServiceUrl::new(
            &"http://127.0.0.1:1/".parse().expect("a URL"),
            |_| false,
            &AllowedHosts::none(),
        )
        .expect("loopback"),
        transport: Arc::clone(&script) as Arc<dyn Transport>,
        clock: Arc::new(FixedClock),
        random: Arc::new(Fixed([0x4f, 0xd2, 0x46, 0x87, 0x29, 0x6d, 0xd9, 0xf3])),
    };
    (access, script)
}

/// Returns a response with this status and body.
#[expect(clippy::unnecessary_wraps, reason = "one of the outcomes of a transport")]
pub(super) fn response(status: u16, body: impl AsRef<[u8]>) -> TransportResult {
    Ok(HttpResponse { status, body: body.as_ref().to_vec(), ..HttpResponse::default() })
}

/// Returns the body of a request as text.
pub(super) fn body(request: &HttpRequest) -> String {
    String::from_utf8(request.body.clone().expect("a body")).expect("UTF-8")
}

/// Returns a room with a name, an attribute and fields.
fn room() -> Arc<Room> {
    let attribute = Attribute { value: "v".into(), auto_delete: false };
    let fields = [
        (Field::CloseReason, FieldValue::Text("over".into())),
        (Field::CloseCallback, FieldValue::Flag(true)),
        (Field::Owner, FieldValue::Text("alice".into())),
    ];
    Arc::new(Room {
        name: Some("Lobby".into()),
        attributes: [("k", attribute)].into_iter().collect(),
        ..fields.into_iter().collect()
    })
}

/// Makes every call of every service with this answer, and returns all results as text.
async fn every_call(answer: &TransportResult) -> String {
    let script = || access([answer.clone()]).0;
    let services: [Box<dyn Service>; 3] = [
        Box::new(Zim::new(script(), "admin".to_owned())),
        Box::new(Rtc::new(script(), Some(true))),
        Box::new(TencentLive::new(script(), "admin".to_owned())),
    ];
    let attribute = Attribute { value: "v".into(), auto_delete: false };
    let changes =
        [AttributeChange::Set("k".into(), attribute), AttributeChange::Delete("k".into())];
    let mut operations = vec![Operation::Create(room()), Operation::Destroy(room())];
    operations.extend(changes.map(|change| Operation::Patch(Patch::Attributes(vec![change]))));
    let name = [(Field::Name, FieldValue::Text("Hall".into()))];
    operations.push(Operation::Patch(Patch::Fields(name.into_iter().collect())));
    let (id, rooms) = (RoomId::new("lobby"), [RoomId::new("lobby")]);
    let mut results = Vec::new();
    for service in &services {
        let mut add = |result: &dyn std::fmt::Debug| results.push(format!("{result:?}"));
        for operation in &operations {
            add(&service.change(&id, operation).await);
        }
        let present = service.presences(&rooms).await;
        assert!(present.as_ref().is_ok_and(|present| present.len() == 1) || present.is_err());
        add(&present);
        add(&service.attributes(&id).await);
        add(&service.register("alice").await);
        add(&service.probe().await);
    }
    results.join("\n")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// JSON of any shape, with the names that the services read.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9 ]{0,4}".prop_map(Value::from),
        Just(Value::from("lobby")),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let name = prop_oneof![
            "(Response|RoomInfo|Metadata|Key|Value|Category|MemberCount|Owner_Account)",
            "(Data|UserCountList|UserCount|RoomId|Attributes|UserList|Count|ErrorList)",
            "(ErrKeyList|SubCode|NextFlag|RequestId|TakeSeatMode|MaxSeatCount|RoomName)",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_service_panic(
        json in json(),
        status in prop_oneof![Just(200_u16), 200..600_u16],
        code in prop_oneof![Just(None), Just(Some(0)), (0_i64..700_000_000).prop_map(Some)],
    ) {
        let mut json = json;
        if let (Value::Object(fields), Some(code)) = (&mut json, code) {
            fields.insert("Code".to_owned(), code.into());
            fields.insert("ErrorCode".to_owned(), code.into());
        }
        runtime().block_on(every_call(&response(status, json.to_string())));
    }

    #[test]
    fn no_bytes_make_a_service_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        runtime().block_on(every_call(&response(200, bytes)));
    }
}

#[tokio::test]
async fn deeply_nested_or_truncated_json_has_an_unknown_outcome() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let inside = format!(r#"{{"Code":0,"ErrorCode":0,"Response":{deep},"Data":{deep}}}"#);
    for body in [deep, inside, "{\"ErrorCode\":0,".to_owned(), "\u{feff}{}".to_owned()] {
        let results = every_call(&response(200, &body)).await;
        assert!(results.contains("class: Unknown"), "{results}");
        assert!(!results.contains("Ok(Receipt"), "{results}");
    }
}

#[tokio::test]
async fn no_error_of_a_service_contains_the_secret_or_signature() {
    for status in [200, 401, 429, 500] {
        let services: [fn(Access) -> Box<dyn Service>; 3] = [
            |access| Box::new(Zim::new(access, "admin".to_owned())),
            |access| Box::new(Rtc::new(access, None)),
            |access| Box::new(TencentLive::new(access, "admin".to_owned())),
        ];
        for service in services {
            let (access, script) = access([response(200, "{}")]);
            let service = service(access);
            let (id, destroy) = (RoomId::new("lobby"), Operation::Destroy(room()));
            service.change(&id, &destroy).await.expect_err("no answer");
            let query = script.sent()[0].query.clone();
            let page = query.replace('&', "&amp;");
            let signed = ["Signature=", "SignatureNonce=", "usersig="].into_iter();
            let signed: Vec<_> = signed
                .filter_map(|name| query.split('&').find_map(|part| part.strip_prefix(name)))
                .collect();
            assert!(!signed.is_empty());
            let debugged = format!("{:?}", script.sent()[0]);
            for text in
                [format!("<p>{query} {SECRET}</p>"), format!("<p>{page}</p>"), signed.join(" ")]
            {
                for body in [
                    text.clone(),
                    format!(
                        r#"{{"Code":9,"ErrorCode":60009,"Message":"{text}","ErrorInfo":"{text}"}}"#
                    ),
                    format!(r#"{{"Code":9,"ErrorCode":60009,"RequestId":"{text}"}}"#),
                    format!(
                        r#"{{"Code":0,"ErrorCode":0,"ActionStatus":"FAIL","ErrorInfo":"{text}","RequestId":"{text}"}}"#
                    ),
                ] {
                    *script.answers.lock().expect("no panic") = [response(status, body)].into();
                    let output = format!("{debugged} {:?}", service.change(&id, &destroy).await);
                    for hidden in signed.iter().chain([&SECRET]) {
                        assert!(!output.contains(hidden), "{hidden} in {output}");
                    }
                }
            }
        }
    }
}
