//! One request and one answer: what a service needs of HTTP, and what a test can stand in for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::ServiceUrl;
use crate::model::{CALL_TIMEOUT, Call};

/// What sending a request comes to.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'a>>;

/// Sends requests, one attempt each, following no redirect.
pub trait Transport: Send + Sync {
    /// Sends one request and reads the whole answer.
    fn send(&self, request: HttpRequest) -> Sending<'_>;
}

/// A request that is signed already. Its `Debug` shows neither the query nor the body.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The call, for logs.
    pub call: Call,
    /// The method.
    pub method: Method,
    /// Where the service is.
    pub url: ServiceUrl,
    /// The query, percent-encoded: it holds the signature, so it is for the wire only.
    pub query: String,
    /// The JSON body.
    pub body: Option<Vec<u8>>,
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// An answer, as far as services look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The header `Date`.
    pub date: Option<String>,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer, by what is known of the request. Never a query or a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request was never sent: it is known not to be done.
    #[error("{0}")]
    NotSent(String),
    /// The request may have arrived.
    #[error("{0}")]
    Unknown(String),
}

impl HttpRequest {
    /// The path and the query: for the wire only.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}?{}", self.url.path(), self.query)
    }
}

impl Method {
    /// The method as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, method, url, query: _, body: _ } = self;
        write!(f, "HttpRequest({call}: {} {}{})", method.as_str(), url.host(), url.path())
    }
}

/// Sends one request and gives it up after [`CALL_TIMEOUT`], whatever the transport does.
pub(crate) async fn within_timeout(
    transport: &dyn Transport,
    request: HttpRequest,
) -> Result<HttpResponse, TransportError> {
    let host = request.url.host();
    let sending = transport.send(request);
    tokio::time::timeout(CALL_TIMEOUT, sending).await.unwrap_or_else(|_| {
        let seconds = CALL_TIMEOUT.as_secs();
        Err(TransportError::Unknown(format!("no answer from {host} within {seconds} s")))
    })
}
