//! The transport over the network.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, redirect, retry};
use serde_json::Value;

use super::{
    HttpRequest, HttpResponse, Method, Reach, Security, Sending, ServiceUrl, Transport,
    TransportError, clean,
};
use crate::model::CALL_TIMEOUT;

/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept: less than servers keep theirs, so that a request does not
/// meet a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(20);

/// The largest answer that is read, in bytes.
const LARGEST: usize = 4 << 20;

/// Sends requests over HTTP/1.1 and TLS, on connections that are kept.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
}

/// Why HTTP cannot be used at all, such as for want of root certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set up HTTPS: {0}")]
pub struct NetworkError(String);

impl HttpTransport {
    /// Makes a transport to the host of `url`.
    ///
    /// # Errors
    /// Returns [`NetworkError`] where TLS cannot be set up.
    pub fn new(url: &ServiceUrl) -> Result<Self, NetworkError> {
        // An error says that a provider is installed already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("roomctl/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .http1_only();
        let client = held_to(url, builder).build();
        let client = client.map_err(|error| NetworkError(cause(&error.without_url())))?;
        Ok(Self { client })
    }

    /// Posts JSON that holds no secret.
    pub(super) async fn post(&self, url: &str, body: &Value) -> Result<Response, TransportError> {
        let sent = self.client.post(url).json(body).send().await;
        sent.map_err(|error| failure(url, error))
    }

    fn request(&self, request: HttpRequest) -> RequestBuilder {
        let HttpRequest { call: _, method, url, query, body } = request;
        let url = url.with_query(&query);
        let builder = match method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
        };
        match body {
            Some(body) => builder.header(CONTENT_TYPE, "application/json").body(body),
            None => builder,
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: HttpRequest) -> Sending<'_> {
        Box::pin(async move {
            let host = request.url.host();
            let broken = |error| failure(&host, error);
            let response = self.request(request).send().await.map_err(broken)?;
            let header = |name| header(&response, name);
            let (date, retry_after) = (header(DATE), header(RETRY_AFTER));
            let status = response.status().as_u16();
            let body = body(&host, response).await?;
            Ok(HttpResponse { status, date, retry_after, body })
        })
    }
}

/// Loopback is reached without a proxy, `localhost` is this machine whatever a name server says,
/// and plain HTTP needs no root certificates, which take a while to load and may be missing.
fn held_to(url: &ServiceUrl, builder: ClientBuilder) -> ClientBuilder {
    let here: [SocketAddr; 2] = [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
    match (url.reach(), url.security()) {
        (Reach::Network, _) => builder.https_only(true),
        (Reach::Loopback, Security::Tls) => builder.no_proxy().resolve_to_addrs("localhost", &here),
        (Reach::Loopback, Security::Plain) => {
            builder.no_proxy().resolve_to_addrs("localhost", &here).tls_certs_only([])
        }
    }
}

fn header(response: &Response, name: HeaderName) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

async fn body(host: &str, mut response: Response) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| failure(host, error))? {
        if body.len() + part.len() > LARGEST {
            let message = format!("the answer of {host} is larger than {LARGEST} bytes");
            return Err(TransportError::Unknown(message));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn failure(host: &str, error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let cause = cause(&error);
    if error.is_connect() && error.is_timeout() {
        let seconds = CONNECT_TIMEOUT.as_secs();
        return TransportError::NotSent(format!("no connection to {host} within {seconds} s"));
    }
    if error.is_connect() || error.is_builder() {
        return TransportError::NotSent(format!("no connection to {host}: {cause}"));
    }
    if error.is_timeout() {
        let seconds = CALL_TIMEOUT.as_secs();
        return TransportError::Unknown(format!("no answer from {host} within {seconds} s"));
    }
    TransportError::Unknown(format!("the connection to {host} broke: {cause}"))
}

/// The innermost reason, which is the one that says something.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    clean(&innermost.to_string(), &[])
}

#[cfg(test)]
mod tests;
