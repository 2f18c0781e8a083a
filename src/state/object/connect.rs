//! The client of each service, as the environment says how to reach it.

mod azure;
mod gcs;
mod s3;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::{Host, Url};

use super::http::is_loopback;
use super::remote::Endpoint;
use crate::model::{ObjectService, ObjectUrl, Secret};
use crate::state::StoreEnvironment;

/// A client of a service.
pub(super) struct Connected {
    /// The client.
    pub(super) store: Arc<dyn ObjectStore>,
    /// The service's host, with its port if it is not the usual one.
    pub(super) host: String,
    /// Whose endpoint it is at.
    pub(super) endpoint: Endpoint,
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    url: String,
    host: String,
    endpoint: Endpoint,
}

/// How the names of the vendors' hosts end, those of private links and of clouds for one country too.
const VENDORS: &[&str] = &[
    ".amazonaws.com",
    ".amazonaws.com.cn",
    "storage.googleapis.com",
    ".blob.core.windows.net",
    ".blob.core.chinacloudapi.cn",
    ".blob.core.usgovcloudapi.net",
];

/// Prepares the client of a service; nothing is sent yet.
///
/// # Errors
/// Returns a sentence that says what is missing or wrong.
pub(super) fn connect(
    url: &ObjectUrl,
    environment: &StoreEnvironment,
) -> Result<Connected, String> {
    match url.service {
        ObjectService::S3 => s3::connect(&url.bucket, environment),
        ObjectService::Gcs => gcs::connect(&url.bucket, environment),
        ObjectService::Azure => azure::connect(&url.bucket, environment),
    }
}

/// Returns the secrets by which a service is reached, as far as the environment and its files hold them.
pub(super) fn secrets(service: ObjectService, environment: &StoreEnvironment) -> Vec<Secret> {
    let texts = match service {
        ObjectService::S3 => s3::secrets(environment),
        ObjectService::Gcs => gcs::secrets(environment),
        ObjectService::Azure => azure::secrets(environment),
    };
    texts.into_iter().map(Secret::new).collect()
}

impl StoreEnvironment {
    /// Returns the values of those variables that are set.
    fn values(&self, names: &[&str]) -> Vec<String> {
        names.iter().filter_map(|name| self.0.get(*name).cloned()).collect()
    }

    /// Returns the path of a file that a variable names, or else of one in the home folder.
    pub(super) fn file(&self, variable: &str, in_home: &str) -> Option<PathBuf> {
        let home = || Some(Path::new(self.first(&["HOME", "USERPROFILE"])?.1).join(in_home));
        self.variable(variable).map(PathBuf::from).or_else(home)
    }
}

impl Place {
    /// The vendor's own.
    fn vendor(host: String) -> Self {
        Self { url: format!("https://{host}"), host, endpoint: Endpoint::Vendor }
    }

    /// The one that a setting names: HTTPS, or plain HTTP on this machine.
    fn custom(setting: &str, text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| format!("{setting} is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(format!(
                "{setting} contains a user name, a password or a query: remove it; credentials have their \
                 own variables"
            ));
        }
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err(format!(
                    "{setting} is plain HTTP to {host}, and credentials are sent unencrypted only to this \
                     machine: use https"
                ));
            }
            _ => return Err(format!("{setting} is not an https URL")),
        }
        let host = match (url.host(), url.port()) {
            (None, _) => return Err(format!("{setting} names no host")),
            (Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_)), None) => host.to_owned(),
            (Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_)), Some(port)) => {
                format!("{host}:{port}")
            }
        };
        let is_vendors = VENDORS.iter().any(|domain| host.ends_with(domain));
        let endpoint = if is_vendors { Endpoint::Vendor } else { Endpoint::Custom };
        let url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, host, endpoint })
    }
}

/// No retries: what became of a write is for the caller to read.
fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// The time-outs are in `http`; only what a client is told of its own is here.
fn client_options() -> ClientOptions {
    ClientOptions::new().with_allow_http(true)
}

/// Returns what an error of a builder says: it names no URL, as no URL is given to it.
fn unusable(error: &object_store::Error) -> String {
    format!("its credentials cannot be used: {}", super::http::cause(error))
}

/// Checks that a file can be read, which is done anew whenever a token is renewed.
fn check_readable(setting: &str, path: &str) -> Result<(), String> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{setting} names {path}, which cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests;
