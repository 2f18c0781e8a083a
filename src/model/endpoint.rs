//! The endpoint of a service, parsed once: credentials are sent over TLS or to loopback only.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::Url;

use super::{EMULATOR_HOST, Kind};

/// The endpoint of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The vendor's host.
    Vendor,
    /// The built-in emulator, inside this process.
    Emulator,
    /// Another URL: a region's host, or a server on loopback.
    Url(EndpointUrl),
}

/// A URL with a scheme, a host, a port and a path: https, or plain http on loopback.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointUrl(Url);

/// Why a text is not an endpoint. It never contains the text, which may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It cannot be parsed.
    #[error("is not a URL")]
    NotUrl,
    /// Its scheme is not supported, or it has no host.
    #[error("is not an http or https URL")]
    NotHttp,
    /// It contains a user or a password.
    #[error("contains a user or a password")]
    Credentials,
    /// It contains a query or a fragment.
    #[error("contains a query or a fragment")]
    Query,
    /// It is plain http to another host.
    #[error("is not encrypted: plain http is for loopback only")]
    NotEncrypted,
}

impl Endpoint {
    /// Returns the host, on loopback with its port. It identifies the servers that have the rooms.
    #[must_use]
    pub fn host(&self, kind: Kind) -> Box<str> {
        match self {
            Self::Vendor => kind.vendor_host().into(),
            Self::Emulator => EMULATOR_HOST.into(),
            Self::Url(url) if url.is_loopback() => {
                let port = url.0.port_or_known_default().unwrap_or_default();
                format!("{}:{port}", url.host()).into()
            }
            Self::Url(url) => url.host().into(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        match text {
            "vendor" => Ok(Self::Vendor),
            "emulator" => Ok(Self::Emulator),
            url => url.parse().map(Self::Url),
        }
    }
}

impl EndpointUrl {
    /// Returns the URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Returns the host, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Returns whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// Returns this URL with `path` appended to its path.
    #[must_use]
    pub fn join(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.0.path().trim_end_matches('/')));
        Self(url)
    }
}

impl FromStr for EndpointUrl {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        if text.is_empty() {
            return Err(InvalidEndpoint::Empty);
        }
        let url = Url::parse(text).map_err(|_| InvalidEndpoint::NotUrl)?;
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() || !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidEndpoint::NotHttp);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEndpoint::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidEndpoint::Query);
        }
        if url.scheme() == "http" && !is_loopback(host) {
            return Err(InvalidEndpoint::NotEncrypted);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_emulator_and_safe_urls_are_endpoints() {
        for text in [
            "https://zim-api-sgp.zego.im/",
            "https://zim-api.zego.im",
            "http://127.0.0.1:8787",
            "http://127.9.9.9/",
            "http://localhost:1/",
            "http://[::1]:8787/",
        ] {
            let url = text.parse().map(Endpoint::Url);
            assert_eq!(text.parse::<Endpoint>(), url, "{text}");
            assert!(url.is_ok(), "{text}");
        }
        assert_eq!("vendor".parse(), Ok(Endpoint::Vendor));
        assert_eq!("emulator".parse(), Ok(Endpoint::Emulator));
    }

    #[test]
    fn the_host_has_its_port_on_loopback_only() {
        for (text, named) in [
            ("vendor", "zim-api.zego.im"),
            ("emulator", "emulator"),
            ("https://zim-api-sgp.zego.im/", "zim-api-sgp.zego.im"),
            ("https://ZIM-api.zego.im:443/x", "zim-api.zego.im"),
            ("http://127.0.0.1:8787", "127.0.0.1:8787"),
            ("http://[::1]:1/", "[::1]:1"),
            ("http://localhost", "localhost:80"),
        ] {
            let endpoint: Endpoint = text.parse().expect("an endpoint");
            assert_eq!(&*endpoint.host(Kind::Zim), named, "{text}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for (text, error) in [
            ("", InvalidEndpoint::Empty),
            ("zim-api.zego.im", InvalidEndpoint::NotUrl),
            ("https:///", InvalidEndpoint::NotUrl),
            ("ftp://x/", InvalidEndpoint::NotHttp),
            ("file:///x", InvalidEndpoint::NotHttp),
            ("http://zim-api.zego.im/", InvalidEndpoint::NotEncrypted),
            ("http://localhost.evil.example/", InvalidEndpoint::NotEncrypted),
            ("http://127.0.0.1.evil.example/", InvalidEndpoint::NotEncrypted),
            ("http://[::2]/", InvalidEndpoint::NotEncrypted),
            ("https://user:x@x/", InvalidEndpoint::Credentials),
            ("https://user@x/", InvalidEndpoint::Credentials),
            ("https://x/?a=x", InvalidEndpoint::Query),
            ("https://x/#x", InvalidEndpoint::Query),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_joined_path_is_appended_to_the_path_of_the_url() {
        for (base, joined) in [
            ("https://api.vendor", "https://api.vendor/v4/x"),
            ("https://api.vendor/", "https://api.vendor/v4/x"),
            ("http://127.0.0.1:1/prefix", "http://127.0.0.1:1/prefix/v4/x"),
            ("http://127.0.0.1:1/prefix/", "http://127.0.0.1:1/prefix/v4/x"),
        ] {
            let base: EndpointUrl = base.parse().expect("an endpoint");
            assert_eq!(base.join("v4/x").to_string(), joined);
        }
    }
}
