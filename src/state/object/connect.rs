//! The client of each service, configured from the environment.

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
    /// The service's host, with its port if it is not the default.
    pub(super) host: String,
    /// Whose endpoint it uses.
    pub(super) endpoint: Endpoint,
}

/// The address of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ServiceAddress {
    url: String,
    host: String,
    endpoint: Endpoint,
}

/// The suffixes of the vendors' hosts, including private links and national clouds.
const VENDORS: &[&str] = &[
    ".amazonaws.com",
    ".amazonaws.com.cn",
    "storage.googleapis.com",
    ".blob.core.windows.net",
    ".blob.core.chinacloudapi.cn",
    ".blob.core.usgovcloudapi.net",
];

/// Creates the client of a service. Sends nothing yet.
///
/// # Errors
/// Returns a sentence about what is missing or wrong.
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

/// Returns the secrets of a service that the environment, and the files that it names, contain.
pub(super) fn secrets(service: ObjectService, environment: &StoreEnvironment) -> Vec<Secret> {
    let texts = match service {
        ObjectService::S3 => s3::secrets(environment),
        ObjectService::Gcs => gcs::secrets(environment),
        ObjectService::Azure => azure::secrets(environment),
    };
    texts.into_iter().map(Secret::new).collect()
}

impl StoreEnvironment {
    /// Returns the values of the variables of `names` that are set.
    fn values(&self, names: &[&str]) -> Vec<String> {
        names.iter().filter_map(|name| self.0.get(*name).cloned()).collect()
    }

    /// Returns the path of a file that a variable names, or of one in the home folder if the
    /// variable is not set.
    pub(super) fn file(&self, variable: &str, in_home: &str) -> Option<PathBuf> {
        let home = || Some(Path::new(self.first(&["HOME", "USERPROFILE"])?.1).join(in_home));
        self.variable(variable).map(PathBuf::from).or_else(home)
    }
}

impl ServiceAddress {
    /// Returns the address of the vendor's service.
    fn vendor(host: String) -> Self {
        Self { url: format!("https://{host}"), host, endpoint: Endpoint::Vendor }
    }

    /// Returns the address that a setting contains: HTTPS, or plain HTTP on this machine.
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

/// Disables retries: the caller reads the outcome of a write.
fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// Returns the options of a client. The time-outs are set in `http`.
fn client_options() -> ClientOptions {
    ClientOptions::new().with_allow_http(true)
}

/// Describes the error of a client builder. It contains no URL, since the builder gets none.
fn unusable(error: &object_store::Error) -> String {
    format!("its credentials cannot be used: {}", super::http::cause(error))
}

/// Checks that a file is readable. The client reads it again whenever it renews a token.
fn check_readable(setting: &str, path: &str) -> Result<(), String> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{setting} names {path}, which cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests;
