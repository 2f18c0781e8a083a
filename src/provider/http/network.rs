//! The transport over the network.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, redirect, retry};
use serde_json::Value;

use crate::model::EndpointUrl;

use super::{
    AllowedHosts, HttpRequest, HttpResponse, Method, Reach, Security, Sending, ServiceUrl,
    Transport, TransportError, clean, within_timeout,
};

/// The time-out of a connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection stays open: shorter than the time-outs of servers, so that no request is sent
/// on a connection that the server is closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest body of an answer that is read, in bytes.
const LARGEST: usize = 4 << 20;

/// Sends requests over HTTP/1.1 and TLS, on reused connections.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
}

/// Why HTTP cannot be used at all, such as missing root certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set up HTTPS: {0}")]
pub struct NetworkError(String);

impl HttpTransport {
    /// Returns a transport to the host of `url`.
    ///
    /// # Errors
    /// Returns [`NetworkError`] if TLS cannot be set up.
    pub fn new(url: &ServiceUrl) -> Result<Self, NetworkError> {
        crate::tls::use_ring();
        let builder = Client::builder()
            .user_agent(concat!("roomctl/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .http1_only();
        let client = with_security(url, builder).build();
        let client = client.map_err(|error| NetworkError(cause(&error.without_url())))?;
        Ok(Self { client })
    }

    async fn post(&self, url: &str, body: &Value) -> Result<(StatusCode, String), TransportError> {
        let broken = |error| failure(url, error);
        let response = self.client.post(url).json(body).send().await.map_err(broken)?;
        let status = response.status();
        Ok((status, response.text().await.map_err(broken)?))
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

/// Configures proxy, name resolution and TLS. Loopback is reached without a proxy, and `localhost` is never
/// looked up by DNS. Plain HTTP needs no root certificates, which take time to load and may be missing.
fn with_security(url: &ServiceUrl, builder: ClientBuilder) -> ClientBuilder {
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
    TransportError::Unknown(format!("the connection to {host} was lost: {cause}"))
}

/// Returns the innermost cause, which is the most specific one.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    clean(&innermost.to_string(), &[])
}

/// Posts `body`, which contains no secret, to `path` at a URL on loopback, such as a listening emulator.
///
/// # Errors
/// Returns a message if the URL is not on loopback, there is no answer, or the status is not a success.
pub async fn post_to_loopback(url: &EndpointUrl, path: &str, body: &Value) -> Result<(), String> {
    let base = ServiceUrl::new(url, |_| false, &AllowedHosts::none()).map_err(|e| e.to_string())?;
    if base.reach() != Reach::Loopback {
        return Err(format!("{} is not on this machine", base.host()));
    }
    let transport = HttpTransport::new(&base).map_err(|error| error.to_string())?;
    let url = url.join(path);
    let host = base.host();
    let (status, text) = within_timeout(&host, transport.post(url.as_url().as_str(), body))
        .await
        .map_err(|error| error.to_string())?;
    if status.is_success() { Ok(()) } else { Err(text) }
}

#[cfg(test)]
mod tests;
