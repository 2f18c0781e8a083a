//! A transport that calls the services in memory.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, Request, header};
use roomctl::emulator::Emulator;
use roomctl::provider::http::{HttpRequest, HttpResponse, Sending, Transport, TransportError};
use tower::ServiceExt;

use super::{Fuse, InjectedFault, Script};
use crate::stores::lease::LeaseStore;

/// The delay of a late request: within the time-out of a call.
const LATE: Duration = Duration::from_secs(9);

/// The page of a captive portal.
const PAGE: &str = "<html><body>Please log in to the network.</body></html>";

/// Sends requests to an emulator without a socket. Every request has two moments: its sending and
/// its answer.
pub(crate) struct InMemory {
    pub(crate) emulator: Emulator,
    pub(crate) fuse: Fuse,
    pub(crate) script: Script,
    /// The store that checks the send window of every call.
    pub(crate) leased: Option<LeaseStore>,
}

impl Transport for InMemory {
    fn send(&self, request: HttpRequest) -> Sending<'_> {
        Box::pin(async move {
            self.fuse.pass().await;
            if let Some(store) = &self.leased {
                store.note_call(&request);
            }
            let fault = self.script.send(&request);
            let lost = || TransportError::Unknown("connection reset".to_owned());
            let answer = match fault {
                Some(InjectedFault::Refused) => {
                    return Err(TransportError::NotSent("connection refused".to_owned()));
                }
                Some(InjectedFault::Answered(code)) => Ok(answered(code)),
                Some(InjectedFault::LostBefore) => Err(lost()),
                Some(InjectedFault::Hangs) => std::future::pending().await,
                Some(InjectedFault::Late) => {
                    let emulator = self.emulator.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(LATE).await;
                        // The client no longer waits for the answer.
                        let _ = deliver(emulator, request).await;
                    });
                    Err(lost())
                }
                Some(InjectedFault::LostAfter) => {
                    deliver(self.emulator.clone(), request).await.and_then(|_| Err(lost()))
                }
                Some(InjectedFault::Garbled) => {
                    let answer = deliver(self.emulator.clone(), request).await;
                    answer.map(|answer| HttpResponse { body: PAGE.as_bytes().to_vec(), ..answer })
                }
                None => deliver(self.emulator.clone(), request).await,
            };
            self.fuse.pass().await;
            answer
        })
    }
}

/// Returns an answer with a code, in the formats of all services.
fn answered(code: i64) -> HttpResponse {
    let zego = format!(r#""Code":{code},"Message":"not today""#);
    let tencent = format!(r#""ActionStatus":"FAIL","ErrorCode":{code},"ErrorInfo":"not today""#);
    let body = format!("{{{zego},{tencent}}}").into_bytes();
    HttpResponse { status: 200, date: None, retry_after: None, body }
}

/// Lets the service execute a request.
async fn deliver(emulator: Emulator, request: HttpRequest) -> Result<HttpResponse, TransportError> {
    let request = Request::builder()
        .method(request.method.as_str())
        .uri(request.target())
        .body(Body::from(request.body.unwrap_or_default()))
        .expect("a request");
    let response = emulator.router().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    // The body of a reset connection ends with an error.
    let body = to_bytes(body, usize::MAX).await;
    let body = body.map_err(|_| TransportError::Unknown("connection reset".to_owned()))?;
    Ok(HttpResponse {
        status: parts.status.as_u16(),
        date: text(&parts.headers, &header::DATE),
        retry_after: text(&parts.headers, &header::RETRY_AFTER),
        body: body.to_vec(),
    })
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
