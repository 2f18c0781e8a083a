//! Processes one request, with latency and fault injection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use http_body::Frame;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use super::core::Disturbance;
use super::fault::{Fault, Work};
use super::handle::Emulator;
use super::request::{Caller, Query, RawRequest};
use super::response::Answer;

/// The longest body that is read.
const BODY_BYTES: usize = 1 << 20;

/// How long `hang` holds a request: longer than a client waits for one call.
const HANG_TIME: Duration = Duration::from_secs(12);

/// When `hang` does its work: within the time-out of one call. After that a client may conclude from a
/// missing room that the call was not done.
const WORK_DELAY: Duration = Duration::from_secs(9);

/// The page of a proxy in front of a service that is down.
const GARBAGE_PAGE: &str =
    "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";

/// Marks a response whose connection is cut: over a socket nothing of it is received, and without a
/// socket its body fails.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

/// A body that fails before its first byte, so that the server cuts the connection.
struct Broken;

/// Processes a request. Its work continues if the client disconnects, like that of a real service.
pub(super) async fn receive(State(emulator): State<Emulator>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let raw = RawRequest {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        body: to_bytes(body, BODY_BYTES).await.ok(),
    };
    let processed = tokio::spawn(process(emulator, Arc::new(raw))).await;
    processed.flatten().unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn process(emulator: Emulator, raw: Arc<RawRequest>) -> Result<Response, JoinError> {
    let Disturbance { fault, before, after } = emulator.disturbance();
    pause(before).await;
    let response = match (emulator.admit(&raw), fault) {
        (Err(refusal), _) => answered(&emulator.refuse(raw.kind(), refusal)),
        (Ok(caller), None) => answered(&work(&emulator, caller, &raw).await?),
        (Ok(caller), Some(fault)) => inject(emulator, caller, &raw, fault).await?,
    };
    pause(after).await;
    Ok(response)
}

/// Does the work of a request, on a blocking thread if it writes to a disk.
async fn work(
    emulator: &Emulator,
    caller: Caller,
    raw: &Arc<RawRequest>,
) -> Result<Answer, JoinError> {
    if !emulator.is_on_disk() || caller.action.only_reads() {
        return Ok(emulator.work(caller, raw));
    }
    let (emulator, raw) = (emulator.clone(), Arc::clone(raw));
    spawn_blocking(move || emulator.work(caller, &raw)).await
}

/// Injects a fault into a request that would otherwise be accepted.
async fn inject(
    emulator: Emulator,
    caller: Caller,
    raw: &Arc<RawRequest>,
    fault: Fault,
) -> Result<Response, JoinError> {
    Ok(match fault {
        Fault::ServerError(done) => {
            work_if(&emulator, caller, raw, done).await?;
            (StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
        }
        Fault::Busy => answered(&emulator.busy(caller)),
        Fault::Reset(done) => {
            work_if(&emulator, caller, raw, done).await?;
            cut()
        }
        Fault::Hang(done) => {
            hold(emulator, caller, raw, done).await?;
            cut()
        }
        Fault::Garbage => {
            let answer = work(&emulator, caller, raw).await?;
            if emulator.coin() { Html(GARBAGE_PAGE).into_response() } else { half(&answer) }
        }
    })
}

async fn work_if(
    emulator: &Emulator,
    caller: Caller,
    raw: &Arc<RawRequest>,
    done: Work,
) -> Result<(), JoinError> {
    if emulator.is_done(done) {
        work(emulator, caller, raw).await?;
    }
    Ok(())
}

/// Holds a request, and does its work late, unless the emulator is closed by then.
async fn hold(
    emulator: Emulator,
    caller: Caller,
    raw: &Arc<RawRequest>,
    done: Work,
) -> Result<(), JoinError> {
    let is_done = emulator.is_done(done);
    let weak = emulator.downgrade();
    drop(emulator);
    sleep(WORK_DELAY).await;
    if is_done && let Some(emulator) = weak.upgrade() {
        work(&emulator, caller, raw).await?;
    }
    sleep(HANG_TIME.saturating_sub(WORK_DELAY)).await;
    Ok(())
}

async fn pause(duration: Duration) {
    if !duration.is_zero() {
        sleep(duration).await;
    }
}

fn answered(answer: &Answer) -> Response {
    json(text(answer))
}

/// Returns the first half of an answer: truncated JSON.
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
