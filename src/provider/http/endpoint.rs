//! The hosts that credentials may be sent to: the vendor's, loopback, and hosts named on the command line.

use std::collections::BTreeSet;
use std::net::IpAddr;

use reqwest::Url;

/// Hosts besides the vendor's and loopback that credentials may be sent to: what
/// `--allow-endpoint` named, each a host or `host:port`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(BTreeSet<String>);

/// The URL of a service that credentials may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl(Url);

/// How a service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On this machine: without a proxy, and plain HTTP is allowed.
    Loopback,
    /// Over the network: HTTPS, by the system's proxy if one is set.
    Network,
}

/// The protection of the requests on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS.
    Tls,
    /// None: for loopback only.
    Plain,
}

/// Why nothing may be sent to an endpoint, by what the user does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It cannot be read.
    #[error("the endpoint is not a URL ({0}): write one such as `https://zim-api.zego.im/`")]
    Unreadable(String),
    /// It holds more than a scheme, a host, a port and a path.
    #[error("the endpoint of {0} may not hold a user, a password, a query or a fragment")]
    Excess(String),
    /// It is neither the vendor's nor loopback, and was not named on the command line.
    #[error(
        "credentials are sent to the vendor's hosts and to loopback only, and {0} is neither: \
         `--allow-endpoint {0}` allows it for this run"
    )]
    NotAllowed(String),
    /// It is not on this machine and not HTTPS.
    #[error("the endpoint of {0} must be https: plain http is for loopback only")]
    Plain(String),
}

impl AllowedHosts {
    /// Allows no host besides the vendor's and loopback.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    fn hold(&self, url: &Url, host: &str) -> bool {
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
    /// Checks that credentials may be sent to a URL: `is_vendor` knows the vendor's hosts.
    ///
    /// # Errors
    /// Returns [`EndpointError`] for a URL that is broken, not allowed, or not safe.
    pub fn new(
        text: &str,
        is_vendor: fn(&str) -> bool,
        allowed: &AllowedHosts,
    ) -> Result<Self, EndpointError> {
        let url = Url::parse(text).map_err(|error| EndpointError::Unreadable(error.to_string()))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if host.is_empty() || !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::Unreadable("no host on http or https".to_owned()));
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Excess(host));
        }
        let url = Self(url);
        if url.reach() == Reach::Loopback {
            return Ok(url);
        }
        if !is_vendor(&host) && !allowed.hold(&url.0, &host) {
            return Err(EndpointError::NotAllowed(host));
        }
        match url.security() {
            Security::Tls => Ok(url),
            Security::Plain => Err(EndpointError::Plain(host)),
        }
    }

    /// Returns how it is reached.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let loopback = host == "localhost" || address.is_ok_and(|ip| ip.is_loopback());
        if loopback { Reach::Loopback } else { Reach::Network }
    }

    /// Returns the protection of the requests on their way.
    #[must_use]
    pub fn security(&self) -> Security {
        if self.0.scheme() == "https" { Security::Tls } else { Security::Plain }
    }

    /// Returns the host, and the port if the URL has one.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns the path, `/` if the URL has none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Returns this URL with a path joined to its own.
    pub(crate) fn join(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.path().trim_end_matches('/')));
        Self(url)
    }

    /// Returns the whole URL with an encoded query: for the wire only.
    pub(crate) fn with_query(&self, query: &str) -> Url {
        let mut url = self.0.clone();
        url.set_query(Some(query));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, allowed: &[&str]) -> Result<ServiceUrl, EndpointError> {
        ServiceUrl::new(text, |host| host == "api.vendor", &allowed.iter().collect())
    }

    #[test]
    fn credentials_go_to_the_vendor_and_to_loopback() {
        for text in [
            "https://api.vendor/",
            "https://API.Vendor",
            "http://127.0.0.1:8787",
            "http://127.9.9.9",
            "http://[::1]:1/",
            "http://localhost:80/prefix/",
        ] {
            assert!(check(text, &[]).is_ok(), "{text}");
        }
    }

    #[test]
    fn credentials_go_nowhere_else() {
        for text in [
            "https://example.com/",
            "https://api.vendor.example.com/",
            "https://xapi.vendor/",
            "https://api.vendor./",
            "http://localhost.example.com/",
            "http://128.0.0.1/",
            "http://[::2]/",
        ] {
            let refused = check(text, &[]);
            assert!(matches!(&refused, Err(EndpointError::NotAllowed(_))), "{text}: {refused:?}");
        }
        assert!(matches!(check("http://api.vendor/", &[]), Err(EndpointError::Plain(_))));
        assert!(matches!(check("https://a:b@api.vendor/", &[]), Err(EndpointError::Excess(_))));
        assert!(matches!(check("https://api.vendor/?x=1", &[]), Err(EndpointError::Excess(_))));
        for text in ["", "api.vendor", "ftp://api.vendor/", "https:///", "file:///etc/passwd"] {
            assert!(check(text, &["api.vendor"]).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_joined_to_that_of_the_url() {
        for (base, joined) in [
            ("https://api.vendor", "/v4/x"),
            ("https://api.vendor/", "/v4/x"),
            ("http://127.0.0.1:1/prefix", "/prefix/v4/x"),
            ("http://127.0.0.1:1/prefix/", "/prefix/v4/x"),
        ] {
            let url = check(base, &[]).expect("allowed");
            assert_eq!((url.join("v4/x").path(), url.join("v4/x").host()), (joined, url.host()));
        }
    }

    #[test]
    fn the_command_line_may_name_one_more() {
        assert!(check("https://proxy.corp/zim", &["PROXY.corp"]).is_ok());
        assert!(check("https://proxy.corp:8443/", &["proxy.corp:8443"]).is_ok());
        assert!(check("https://proxy.corp:8444/", &["proxy.corp:8443"]).is_err());
        assert!(matches!(
            check("http://proxy.corp/", &["proxy.corp"]),
            Err(EndpointError::Plain(_))
        ));
        let refused = check("https://proxy.corp/", &[]).expect_err("not allowed");
        assert!(refused.to_string().contains("--allow-endpoint proxy.corp"), "{refused}");
    }
}
