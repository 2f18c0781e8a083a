//! The hosts that credentials may be sent to: the vendor's, loopback, and hosts from the command line.

use std::collections::BTreeSet;

use reqwest::Url;

use crate::model::EndpointUrl;

/// Hosts besides the vendor's and loopback that credentials may be sent to: the values of
/// `--allow-endpoint`, each a host or `host:port`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(BTreeSet<String>);

/// The URL of a service that credentials may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl(EndpointUrl);

/// How a service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On this machine: without a proxy, and plain HTTP is allowed.
    Loopback,
    /// Over the network: HTTPS, by the system's proxy if one is set.
    Network,
}

/// Whether the requests are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS.
    Tls,
    /// Plain HTTP: for loopback only.
    Plain,
}

/// The host of an endpoint is neither the vendor's nor loopback, and is not allowed on the command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "credentials are sent to the vendor's hosts and to loopback only, and {0} is neither: \
     `--allow-endpoint {0}` allows it for this run"
)]
pub struct HostNotAllowed(String);

impl AllowedHosts {
    /// Allows no host besides the vendor's and loopback.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    fn contains(&self, url: &Url, host: &str) -> bool {
        let port = url.port_or_known_default().unwrap_or(0);
        self.0.contains(host) || self.0.contains(&format!("{host}:{port}"))
    }
}

impl<S: AsRef<str>> FromIterator<S> for AllowedHosts {
    fn from_iter<I: IntoIterator<Item = S>>(hosts: I) -> Self {
        Self(hosts.into_iter().map(|host| host.as_ref().to_ascii_lowercase()).collect())
    }
}

impl ServiceUrl {
    /// Checks that credentials may be sent to an endpoint. `is_vendor` returns whether a host is the
    /// vendor's.
    ///
    /// # Errors
    /// Returns [`HostNotAllowed`] for another host.
    pub fn new(
        url: &EndpointUrl,
        is_vendor: fn(&str) -> bool,
        allowed: &AllowedHosts,
    ) -> Result<Self, HostNotAllowed> {
        let host = url.host();
        if url.is_loopback() || is_vendor(host) || allowed.contains(url.as_url(), host) {
            return Ok(Self(url.clone()));
        }
        Err(HostNotAllowed(host.to_owned()))
    }

    /// Returns how the service is reached.
    #[must_use]
    pub fn reach(&self) -> Reach {
        if self.0.is_loopback() { Reach::Loopback } else { Reach::Network }
    }

    /// Returns whether the requests are encrypted.
    #[must_use]
    pub fn security(&self) -> Security {
        if self.0.as_url().scheme() == "https" { Security::Tls } else { Security::Plain }
    }

    /// Returns the host, and the port if the URL has one.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host();
        self.0.as_url().port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns the path; `/` if the URL has none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.as_url().path()
    }

    /// Returns this URL with `path` appended to its path.
    pub(crate) fn join(&self, path: &str) -> Self {
        Self(self.0.join(path))
    }

    /// Returns the whole URL with an encoded query, for sending only: it contains the signature.
    pub(crate) fn with_query(&self, query: &str) -> Url {
        let mut url = self.0.as_url().clone();
        url.set_query(Some(query));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, allowed: &[&str]) -> Result<ServiceUrl, HostNotAllowed> {
        let url = text.parse().expect("an endpoint");
        ServiceUrl::new(&url, |host| host == "api.vendor", &allowed.iter().collect())
    }

    #[test]
    fn credentials_are_sent_to_the_vendor_and_to_loopback() {
        for text in [
            "https://api.vendor/",
            "https://API.Vendor",
            "http://127.0.0.1:8787",
            "http://127.9.9.9",
            "http://[::1]:1/",
            "http://localhost:80/prefix/",
        ] {
            assert!(check(text, &[]).is_ok(), "{text} is refused");
        }
    }

    #[test]
    fn credentials_are_not_sent_to_other_hosts() {
        for text in [
            "https://example.com/",
            "https://api.vendor.example.com/",
            "https://xapi.vendor/",
            "https://api.vendor./",
            "https://localhost.example.com/",
            "https://128.0.0.1/",
            "https://[::2]/",
        ] {
            assert!(check(text, &[]).is_err(), "{text} is accepted");
        }
    }

    #[test]
    fn the_command_line_allows_further_hosts() {
        assert!(check("https://proxy.corp/zim", &["PROXY.corp"]).is_ok());
        assert!(check("https://proxy.corp:8443/", &["proxy.corp:8443"]).is_ok());
        assert!(check("https://proxy.corp:8444/", &["proxy.corp:8443"]).is_err());
        let refused = check("https://proxy.corp/", &[]).expect_err("not allowed");
        assert!(refused.to_string().contains("--allow-endpoint proxy.corp"), "{refused}");
    }
}
