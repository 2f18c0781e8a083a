//! One request from its arrival to its answer, with the latency and the bad days in between.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use http_body::Frame;
use tokio::time::sleep;

use crate::model::Kind;

use super::core::Luck;
use super::fault::{Fault, Work};
use super::gate::Caller;
use super::query::{Query, QueryError};
use super::wire::Answer;
use super::{Action, Emulator};

/// The longest body that is read.
const BODY_BYTES: usize = 1 << 20;

/// How long `hang` holds a request: longer than a client waits for one call.
const HOLD: Duration = Duration::from_secs(12);

/// When `hang` does its work: late, but within the time-out of one call, after which a client may take what
/// is not there for not done.
const LATE: Duration = Duration::from_secs(9);

/// What a proxy before the service says on a bad day.
const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";

/// An extension of a response whose connection is cut: over a socket nothing of it arrives, and in memory
/// its body ends in an error at once.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

/// A request as it came in.
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Result<Query, QueryError>,
    /// None where it could not be read whole.
    pub(super) body: Option<Bytes>,
}

/// A body that breaks off before its first byte: the server then cuts the connection.
struct Broken;

impl Received {
    /// The service that is asked: Tencent's by the path, ZEGOCLOUD's by the action.
    pub(super) fn kind(&self) -> Kind {
        if self.path != "/" {
            return Kind::TencentLive;
        }
        let name = self.query.as_ref().ok().and_then(|query| query.value("Action"));
        name.and_then(Action::named).map_or(Kind::Zim, Action::kind)
    }
}

/// Takes a request in. What it asks for goes on where the client hangs up, as it does at a real service.
pub(super) async fn receive(State(emulator): State<Emulator>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let received = Received {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        body: to_bytes(body, BODY_BYTES).await.ok(),
    };
    let processed = tokio::spawn(process(emulator, received));
    processed.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn process(emulator: Emulator, received: Received) -> Response {
    let Luck { fault, before, after } = emulator.luck();
    pause(before).await;
    let response = match (emulator.arrive(&received), fault) {
        (Err(refusal), _) => told(&emulator.refuse(received.kind(), refusal)),
        (Ok(caller), None) => told(&emulator.work(caller, &received)),
        (Ok(caller), Some(fault)) => strike(emulator, caller, &received, fault).await,
    };
    pause(after).await;
    response
}

/// Lets a fault strike a request that is otherwise well.
async fn strike(emulator: Emulator, caller: Caller, received: &Received, fault: Fault) -> Response {
    match fault {
        Fault::ServerError(work) => {
            perhaps(&emulator, caller, received, work);
            (StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
        }
        Fault::Busy => told(&emulator.busy(caller)),
        Fault::Reset(work) => {
            perhaps(&emulator, caller, received, work);
            cut()
        }
        Fault::Hang(work) => {
            hold(emulator, caller, received, work).await;
            cut()
        }
        Fault::Garbage => {
            let answer = emulator.work(caller, received);
            if emulator.heads() { Html(PAGE).into_response() } else { half(&answer) }
        }
    }
}

fn perhaps(emulator: &Emulator, caller: Caller, received: &Received, work: Work) {
    if emulator.lands(work) {
        emulator.work(caller, received);
    }
}

/// Holds a request, and does its work late. An emulator that was closed meanwhile is not kept open for it.
async fn hold(emulator: Emulator, caller: Caller, received: &Received, work: Work) {
    let lands = emulator.lands(work);
    let waiting = emulator.downgrade();
    drop(emulator);
    sleep(LATE).await;
    if lands && let Some(emulator) = waiting.upgrade() {
        emulator.work(caller, received);
    }
    sleep(HOLD.saturating_sub(LATE)).await;
}

async fn pause(span: Duration) {
    if !span.is_zero() {
        sleep(span).await;
    }
}

fn told(answer: &Answer) -> Response {
    json(text(answer))
}

/// The first half of an answer: JSON that breaks off.
fn half(answer: &Answer) -> Response {
    let mut text = text(answer);
    text.truncate(text.len() / 2);
    json(text)
}

fn text(answer: &Answer) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_default()
}

fn json(text: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

fn cut() -> Response {
    let mut response = Response::new(Body::new(Broken));
    response.extensions_mut().insert(Cut);
    response
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
