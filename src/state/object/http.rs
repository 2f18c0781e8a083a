//! HTTP for the clients of object stores: the route to each host, and a record of a call's last
//! exchange.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use reqwest::{Client, ClientBuilder, redirect, retry};
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;

/// The time-out of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The time-out of connecting to a metadata service, which is one hop away or absent.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// The time-out of a call that transfers up to a mebibyte, including the requests for its
/// credentials.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection stays open: shorter than the time-outs of servers, so that no request
/// is sent on a connection that the server is closing.
const IDLE: Duration = Duration::from_secs(20);

/// The largest object that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// The bytes that a call may transfer for each second beyond [`CALL_TIMEOUT`].
const BYTES_PER_SECOND: u64 = 1 << 20;

tokio::task_local! {
    static CALL: RefCell<Call>;
}

/// A call in progress. It may send several requests, including those for credentials.
struct Call {
    started: Instant,
    last: Option<Exchange>,
}

/// The last exchange of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// The store, or a credentials service, answered.
    Answered(Answer),
    /// The host did not answer, or its answer could not be read.
    Failed(String, ConnectionError),
}

/// Why there is no answer: a sentence that names the host but no URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ConnectionError {
    /// No connection was established: nothing was sent.
    Unconnected(String),
    /// Any other error: the request may have arrived.
    Unanswered(String),
}

/// Makes a call, and returns its result and its last exchange; `None` if nothing was sent.
pub(super) async fn recorded<T>(call: impl Future<Output = T>) -> (T, Option<Exchange>) {
    let state = RefCell::new(Call { started: Instant::now(), last: None });
    CALL.scope(state, async {
        let result = call.await;
        (result, CALL.with(|call| call.borrow_mut().last.take()))
    })
    .await
}

/// Sends requests over HTTP/1.1 without redirects and retries. Clones share the connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Http(Arc<Clients>);

/// A client for each route, built on first use: loading the root certificates takes a while, and
/// they may be missing.
#[derive(Debug, Default)]
struct Clients {
    network: OnceLock<Client>,
    loopback: OnceLock<Client>,
    plain: OnceLock<Client>,
    metadata: OnceLock<Client>,
}

/// The route to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// Over the network with TLS, through the system's proxy if one is set.
    Network,
    /// On this machine with TLS, without a proxy.
    Loopback,
    /// On this machine with plain HTTP.
    Plain,
    /// The metadata service of a machine or a container, with plain HTTP and without a proxy.
    Metadata,
}

/// Why an exchange failed.
#[derive(Debug)]
struct Failure(String);

impl HttpConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Http {
    fn call<'service, 'call>(
        &'service self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'call>>
    where
        'service: 'call,
        Self: 'call,
    {
        Box::pin(self.exchange(request))
    }
}

impl Http {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = request.uri().authority().map_or("", |authority| authority.as_str()).to_owned();
        let (exchange, result) = match self.send(&host, request).await {
            Ok((response, body)) => {
                let header = |name: &str| response.headers().get(name)?.to_str().ok();
                let answer = Answer::read(&host, response.status().as_u16(), header, &body);
                let response = response.map(|_| HttpResponseBody::from(body));
                (Exchange::Answered(answer), Ok(response))
            }
            Err(why) => {
                let sentence = why.sentence().to_owned();
                let error = HttpError::new(HttpErrorKind::Unknown, Failure(sentence));
                (Exchange::Failed(host, why), Err(error))
            }
        };
        // Outside of a call the exchange is not needed.
        let _ = CALL.try_with(|call| call.borrow_mut().last = Some(exchange));
        result
    }

    /// Sends a request, and reads the whole answer.
    async fn send(
        &self,
        host: &str,
        request: HttpRequest,
    ) -> Result<(HttpResponse, Bytes), ConnectionError> {
        use ConnectionError::{Unanswered, Unconnected};
        let uri = request.uri();
        let route = route(uri.host().unwrap_or_default(), uri.scheme_str() == Some("https"));
        let route = route
            .ok_or_else(|| Unconnected(format!("plain HTTP to {host} is refused: use https")))?;
        let client = self.0.client(route);
        let client = client.map_err(|why| Unconnected(format!("cannot set up HTTPS: {why}")))?;
        let started = CALL.try_with(|call| call.borrow().started);
        let started = started.unwrap_or_else(|_| Instant::now());
        let allowed = |length| CALL_TIMEOUT + allowance(length);
        let late = |allowed: Duration| {
            Unanswered(format!("no answer from {host} within {} s", allowed.as_secs()))
        };

        let sent = request.body().content_length() as u64;
        let response = timeout_at(started + allowed(sent), client.call(request)).await;
        let response = response.map_err(|_| late(allowed(sent)))?;
        let response = response.map_err(|error| {
            let why = cause(&error);
            if error.kind() == HttpErrorKind::Connect {
                Unconnected(format!("no connection to {host}: {why}"))
            } else {
                Unanswered(format!("no answer from {host}: {why}"))
            }
        })?;
        let length = response.body().size_hint().lower();
        let (parts, body) = response.into_parts();
        let body = timeout_at(started + allowed(length.max(sent)), whole(body)).await;
        let body = body.map_err(|_| late(allowed(length.max(sent))))?;
        let body =
            body.map_err(|why| Unanswered(format!("the connection to {host} was lost: {why}")))?;
        Ok((HttpResponse::from_parts(parts, Vec::new().into()), body))
    }
}

impl ConnectionError {
    /// Returns the sentence.
    pub(super) fn sentence(&self) -> &str {
        match self {
            Self::Unconnected(why) | Self::Unanswered(why) => why,
        }
    }
}

impl Clients {
    fn client(&self, route: Route) -> Result<&Client, String> {
        let client = match route {
            Route::Network => &self.network,
            Route::Loopback => &self.loopback,
            Route::Plain => &self.plain,
            Route::Metadata => &self.metadata,
        };
        if client.get().is_none() {
            // Two concurrent calls may both build one. The second is dropped.
            let _ = client.set(build_client(route).map_err(|error| cause(&error))?);
        }
        client.get().ok_or_else(|| "no client".to_owned())
    }
}

/// Builds the client of a route. Loopback and metadata services bypass the proxy, `localhost`
/// resolves to loopback without a name server, and plain HTTP loads no root certificates.
fn build_client(route: Route) -> Result<Client, reqwest::Error> {
    crate::tls::use_ring();
    let here: [SocketAddr; 2] = [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
    let builder: ClientBuilder = Client::builder()
        .user_agent(concat!("roomctl/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .http1_only();
    let builder = match route {
        Route::Network => builder.https_only(true),
        Route::Loopback => builder.https_only(true).no_proxy().resolve_to_addrs("localhost", &here),
        Route::Plain => builder.no_proxy().resolve_to_addrs("localhost", &here).tls_certs_only([]),
        Route::Metadata => builder.no_proxy().tls_certs_only([]).connect_timeout(METADATA_TIMEOUT),
    };
    builder.build()
}

/// Returns the route to a host; `None` if it would send credentials over the network in plain text.
fn route(host: &str, secure: bool) -> Option<Route> {
    match (is_loopback(host), secure) {
        (true, true) => Some(Route::Loopback),
        (true, false) => Some(Route::Plain),
        (false, true) => Some(Route::Network),
        (false, false) => is_metadata_service(host).then_some(Route::Metadata),
    }
}

/// Returns whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

/// Returns whether AWS, Google or Azure serve credentials to their machines and containers at this
/// address.
fn is_metadata_service(host: &str) -> bool {
    host == "metadata.google.internal"
        || address(host).is_some_and(|address| match address {
            IpAddr::V4(address) => address.is_link_local(),
            // The metadata services of AWS machines and containers.
            IpAddr::V6(address) => address.segments()[..2] == [0xfd00, 0x0ec2],
        })
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Returns the extra time of a call that transfers more than a mebibyte.
fn allowance(length: u64) -> Duration {
    Duration::from_secs(
        (length.saturating_sub(1) / BYTES_PER_SECOND).min(LARGEST / BYTES_PER_SECOND),
    )
}

async fn whole(body: HttpResponseBody) -> Result<Bytes, String> {
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|error| cause(&error))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() as u64 + data.len() as u64 > LARGEST {
                return Err(format!("its answer is larger than {LARGEST} bytes"));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}

/// Returns the innermost cause, which is the most specific one and contains no URL.
pub(super) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    super::answer::clean(&innermost.to_string())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(why) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_loopback_and_metadata_services_only() {
        let cases = [
            ("127.0.0.1", false, Some(Route::Plain)),
            ("[::1]", false, Some(Route::Plain)),
            ("localhost", true, Some(Route::Loopback)),
            ("169.254.169.254", false, Some(Route::Metadata)),
            ("[fd00:ec2::254]", false, Some(Route::Metadata)),
            ("metadata.google.internal", false, Some(Route::Metadata)),
            ("s3.example.com", true, Some(Route::Network)),
            ("s3.example.com", false, None),
            ("10.0.0.1", false, None),
            ("[fd00::1]", false, None),
            ("localhost.example.com", false, None),
        ];
        for (host, secure, expected) in cases {
            assert_eq!(route(host, secure), expected, "{host}");
        }
    }

    #[test]
    fn a_large_object_has_a_longer_timeout() {
        let mebibytes = |n: u64| allowance(n << 20).as_secs();
        assert_eq!([allowance(0).as_secs(), mebibytes(1), mebibytes(30)], [0, 0, 29]);
        assert_eq!(allowance(u64::MAX).as_secs(), 1024);
    }
}
