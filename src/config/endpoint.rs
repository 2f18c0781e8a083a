//! Where a service answers: credentials are sent over TLS, or to loopback.

use std::net::IpAddr;

use url::Url;

use crate::model::{EMULATOR_HOST, Endpoint, Finding, Kind};

/// Reads an endpoint: `vendor`, `emulator`, or a URL.
///
/// # Errors
/// Returns a finding that does not repeat the text: it may come from a variable.
pub(super) fn endpoint(text: &str) -> Result<Endpoint, Box<Finding>> {
    match text {
        "" => Err(refused("`endpoint` is empty")),
        "vendor" => Ok(Endpoint::Vendor),
        "emulator" => Ok(Endpoint::Emulator),
        _ => url(text),
    }
}

/// The host that answers at an endpoint, on loopback with its port: which servers hold the rooms.
pub(super) fn host(kind: Kind, endpoint: &Endpoint) -> Box<str> {
    match endpoint {
        Endpoint::Vendor => kind.vendor_host().into(),
        Endpoint::Emulator => EMULATOR_HOST.into(),
        Endpoint::Url(text) => {
            let url = Url::parse(text).ok();
            let url = url.as_ref().and_then(|url| Some((url, url.host_str()?)));
            match url {
                Some((url, host)) if loopback(url) => {
                    let port = url.port_or_known_default().unwrap_or_default();
                    format!("{host}:{port}").into()
                }
                Some((_, host)) => host.into(),
                None => text.as_str().into(),
            }
        }
    }
}

fn url(text: &str) -> Result<Endpoint, Box<Finding>> {
    let url = Url::parse(text).map_err(|_| refused("`endpoint` is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused("`endpoint` is no http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("`endpoint` holds a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("`endpoint` holds a query or a fragment"));
    }
    if url.scheme() == "http" && !loopback(&url) {
        return Err(refused("`endpoint` is not encrypted: plain http goes to loopback only"));
    }
    Ok(Endpoint::Url(text.to_owned()))
}

/// Whether a URL's host is this machine.
fn loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn refused(message: &str) -> Box<Finding> {
    let finding = Finding::error("endpoint", message)
        .help("write `vendor`, `emulator`, or a URL such as `https://zim-api-sgp.zego.im/`");
    Box::new(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_vendor_emulator_and_safe_urls() {
        for text in [
            "https://zim-api-sgp.zego.im/",
            "https://zim-api.zego.im",
            "http://127.0.0.1:8787",
            "http://127.9.9.9/",
            "http://localhost:1/",
            "http://[::1]:8787/",
        ] {
            assert_eq!(endpoint(text), Ok(Endpoint::Url(text.to_owned())));
        }
        assert_eq!(endpoint("vendor"), Ok(Endpoint::Vendor));
        assert_eq!(endpoint("emulator"), Ok(Endpoint::Emulator));
    }

    #[test]
    fn the_host_is_named_with_its_port_on_loopback_only() {
        for (text, named) in [
            ("vendor", "zim-api.zego.im"),
            ("emulator", "emulator"),
            ("https://zim-api-sgp.zego.im/", "zim-api-sgp.zego.im"),
            ("https://ZIM-api.zego.im:443/x", "zim-api.zego.im"),
            ("http://127.0.0.1:8787", "127.0.0.1:8787"),
            ("http://[::1]:1/", "[::1]:1"),
            ("http://localhost", "localhost:80"),
        ] {
            let endpoint = endpoint(text).expect("an endpoint");
            assert_eq!(&*host(Kind::Zim, &endpoint), named, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_without_repeating_it() {
        for text in [
            "",
            "zim-api.zego.im",
            "ftp://x/",
            "http://zim-api.zego.im/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "https://user:hush@x/",
            "https://hush@x/",
            "https://x/?a=hush",
            "https://x/#hush",
            "file:///hush",
        ] {
            let finding = endpoint(text).expect_err(text);
            assert!(!finding.message.contains("hush"), "{text}");
        }
    }
}
