//! The transport of HTTP requests: a trait that tests can implement.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::ServiceUrl;
use crate::model::{CALL_TIMEOUT, Call};

/// The result of sending a request.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'a>>;

/// Sends each request once and follows no redirects. The caller applies the time-out.
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
    /// The service's URL.
    pub url: ServiceUrl,
    /// The query, percent-encoded, for sending only: it contains the signature.
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

/// An HTTP response, as far as the services read it.
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

/// Why there is no answer, by whether the request was sent. It contains no query and no secret.
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
    /// Returns the path and the query, for sending only: the query contains the signature.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}?{}", self.url.path(), self.query)
    }
}

impl Method {
    /// Returns the method's name in HTTP.
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

/// Waits for the answer of `host`, at most for [`CALL_TIMEOUT`], the time-out of a whole call.
pub(crate) async fn within_timeout<T>(
    host: &str,
    sending: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    tokio::time::timeout(CALL_TIMEOUT, sending).await.unwrap_or_else(|_| {
        let seconds = CALL_TIMEOUT.as_secs();
        Err(TransportError::Unknown(format!("no answer from {host} within {seconds} s")))
    })
}
