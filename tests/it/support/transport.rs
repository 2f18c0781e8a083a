//! The service in memory behind the client's own transport.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, Request, header};
use roomctl::emulator::Emulator;
use roomctl::provider::http::{HttpRequest, HttpResponse, Sending, Transport, TransportError};
use tower::ServiceExt;

use super::Fuse;

/// Sends to an emulator without a socket. Every request is two moments: its sending, and its answer.
pub(crate) struct InMemory {
    pub(crate) emulator: Emulator,
    pub(crate) fuse: Fuse,
}

impl Transport for InMemory {
    fn send(&self, request: HttpRequest) -> Sending<'_> {
        Box::pin(async move {
            self.fuse.pass().await;
            let request = Request::builder()
                .method(request.method.as_str())
                .uri(request.target())
                .body(Body::from(request.body.unwrap_or_default()))
                .expect("a request");
            let response = self.emulator.router().oneshot(request).await.expect("infallible");
            let (parts, body) = response.into_parts();
            // The body of a connection that is cut ends in an error.
            let body = to_bytes(body, usize::MAX).await;
            self.fuse.pass().await;
            let body = body.map_err(|_| TransportError::Unknown("connection reset".to_owned()))?;
            Ok(HttpResponse {
                status: parts.status.as_u16(),
                date: text(&parts.headers, &header::DATE),
                retry_after: text(&parts.headers, &header::RETRY_AFTER),
                body: body.to_vec(),
            })
        })
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
