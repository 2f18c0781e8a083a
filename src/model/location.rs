//! Where a state is kept: a path, or the URL of an object or a database.

mod postgres;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use url::Url;

pub use postgres::{PostgresSetting, PostgresUrl};

/// The default length of a lease: the time until it expires without a renewal.
const DEFAULT_LEASE: Duration = Duration::from_mins(1);
/// The shortest lease that a URL may set.
const SHORTEST_LEASE: Duration = Duration::from_secs(15);
/// The longest lease that a URL may set, which bounds the wait after a crashed run.
const LONGEST_LEASE: Duration = Duration::from_mins(10);

/// Where a state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateLocation {
    /// In a local file.
    File(PathBuf),
    /// In an object store.
    Object(ObjectUrl),
    /// In a schema of a PostgreSQL database.
    Postgres(PostgresUrl),
}

/// The URL of a state in an object store, such as `s3://bucket/fleet/rooms.json?lease=20s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectUrl {
    /// The service.
    pub service: ObjectService,
    /// The bucket, or the container.
    pub bucket: String,
    /// The key of the state's document.
    pub key: String,
    /// The length of the lease: the time until it expires without a renewal.
    pub lease: Duration,
}

/// A service that stores objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectService {
    /// Amazon S3, and stores with the same API.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

/// Why a text is not a valid location of a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Its scheme is unknown.
    #[error("unknown scheme: expected a path, or an s3://, gs://, az:// or postgres:// URL")]
    UnknownScheme,
    /// It contains a password.
    #[error(
        "the URL contains a user name or a password: remove it; credentials come from the environment, a \
         profile, or the machine's identity"
    )]
    Password,
    /// It is the URL of a database, and contains a password.
    #[error(
        "the URL contains a password (or an `@`, which is written `%40`): remove it; a password comes from \
         PGPASSWORD, from a password file (PGPASSFILE or ~/.pgpass), or from a service file"
    )]
    DatabasePassword,
    /// It is not a valid URL of an object.
    #[error("{0}: expected {scheme}://BUCKET/KEY, such as {scheme}://my-bucket/rooms.state.json", scheme = .1.scheme())]
    NoObject(&'static str, ObjectService),
    /// It is a list of libpq's keywords, which may contain a password.
    #[error(
        "a list of keywords: expected postgres://USER@HOST:PORT/DATABASE; a password comes from PGPASSWORD, \
         from a password file (PGPASSFILE or ~/.pgpass), or from a service file"
    )]
    Keywords,
    /// It is not a valid URL of a database.
    #[error(
        "{0}: expected postgres://USER@HOST:PORT/DATABASE, such as postgres://roomctl@db.example/fleet"
    )]
    NoDatabase(&'static str),
    /// It is the URL of an object with an unknown parameter.
    #[error("unknown parameter `{0}`: only `lease` is known, as in `?lease=20s`")]
    UnknownParameter(String),
    /// It is the URL of a database with an unknown parameter.
    #[error("unknown parameter `{0}`: known are `schema`, `lease`, {known}", known = known_settings())]
    UnknownDatabaseParameter(String),
    /// It has a parameter twice.
    #[error("`{0}` is given twice")]
    Repeated(&'static str),
    /// One of its parameters has an invalid value.
    #[error("invalid `{0}`: expected {1}")]
    Parameter(&'static str, &'static str),
    /// Its lease is not a duration, or is out of range.
    #[error("invalid lease `{0}`: expected 15s to 10m, such as `?lease=20s`")]
    Lease(String),
}

impl StateLocation {
    /// Returns the path of a local file that belongs to the same fleet: beside the state, or in the
    /// working folder if the state is at a URL.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        match self {
            Self::File(path) => path.with_file_name(name),
            Self::Object(_) | Self::Postgres(_) => PathBuf::from(name),
        }
    }

    /// Resolves a path against the folder of the file that contains it. A URL does not change.
    #[must_use]
    pub fn in_folder(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            Self::Object(_) | Self::Postgres(_) => self,
        }
    }
}

impl ObjectService {
    /// Returns the scheme of its URLs.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
        }
    }
}

impl ObjectUrl {
    fn parse(service: ObjectService, text: &str) -> Result<Self, LocationError> {
        let no_object = |what| LocationError::NoObject(what, service);
        let url = Url::parse(text).map_err(|_| no_object("invalid URL"))?;
        if url.port().is_some() || url.fragment().is_some() {
            return Err(no_object("it has a port or a fragment"));
        }
        let bucket = url.host_str().filter(|host| !host.is_empty());
        let bucket = bucket.ok_or_else(|| no_object("it has no bucket"))?.to_owned();
        let key = url.path().trim_start_matches('/');
        let key = percent_encoding::percent_decode_str(key).decode_utf8();
        let key = key.map_err(|_| no_object("its key is not UTF-8"))?.into_owned();
        if key.is_empty() || key.ends_with('/') || key.split('/').any(is_no_segment) {
            return Err(no_object("it has no object key"));
        }
        let mut lease = DEFAULT_LEASE;
        for (name, value) in url.query_pairs() {
            if name != "lease" {
                return Err(LocationError::UnknownParameter(name.into_owned()));
            }
            lease = lease_of(&value).ok_or_else(|| LocationError::Lease(value.into_owned()))?;
        }
        Ok(Self { service, bucket, key, lease })
    }
}

/// Returns whether a URL has a user or password before its host. An invalid URL with an `@` counts
/// as one.
fn has_password(text: &str) -> bool {
    let named = |url: &Url| !url.username().is_empty() || url.password().is_some();
    text.contains('@') && Url::parse(text).as_ref().map_or(true, named)
}

/// Returns whether a segment of a key is unusable: object stores accept it as a name, but clients
/// and proxies do not.
fn is_no_segment(segment: &str) -> bool {
    segment.is_empty() || segment == "." || segment == ".." || segment.contains(char::is_control)
}

fn known_settings() -> String {
    PostgresSetting::ALL.map(|setting| format!("`{}`", setting.name())).join(", ")
}

fn lease_of(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    let lease = match unit {
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        _ => return None,
    };
    (SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease).then_some(lease)
}

impl FromStr for StateLocation {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, _)) = text.split_once("://") else {
            if postgres::is_keywords(text) {
                return Err(LocationError::Keywords);
            }
            return Ok(Self::File(PathBuf::from(text)));
        };
        if matches!(scheme, "postgres" | "postgresql") {
            return PostgresUrl::parse(text).map(Self::Postgres);
        }
        if has_password(text) {
            return Err(LocationError::Password);
        }
        let service = match scheme {
            "s3" => ObjectService::S3,
            "gs" => ObjectService::Gcs,
            "az" => ObjectService::Azure,
            _ => return Err(LocationError::UnknownScheme),
        };
        ObjectUrl::parse(service, text).map(Self::Object)
    }
}

impl From<&Path> for StateLocation {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PathBuf> for StateLocation {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Object(url) => url.fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, bucket, key, lease: _ } = self;
        write!(f, "{}://{bucket}/{key}", service.scheme())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Result<ObjectUrl, LocationError> {
        match text.parse()? {
            StateLocation::Object(url) => Ok(url),
            other @ (StateLocation::File(_) | StateLocation::Postgres(_)) => {
                panic!("not the URL of an object: {other}")
            }
        }
    }

    #[test]
    fn a_path_is_a_file() {
        let file: StateLocation = "a/b c.json".parse().expect("a path");
        assert_eq!(file, StateLocation::File("a/b c.json".into()));
        let there = file.in_folder(Path::new("conf"));
        assert_eq!(there, StateLocation::File("conf/a/b c.json".into()));
    }

    #[test]
    fn a_url_names_service_bucket_key_and_lease() {
        let url = object("s3://my-bucket/fleet/rooms.json?lease=20s").expect("a URL");
        let lease = Duration::from_secs(20);
        let (bucket, key) = ("my-bucket".to_owned(), "fleet/rooms.json".to_owned());
        assert_eq!(url, ObjectUrl { service: ObjectService::S3, bucket, key, lease });
        assert_eq!(url.to_string(), "s3://my-bucket/fleet/rooms.json");
        assert_eq!(object("gs://b/k").expect("a URL").lease, DEFAULT_LEASE);
        assert_eq!(object("az://b/a%20b").expect("a URL").key, "a b");
        assert_eq!(object("gs://b/team@x/k").expect("a URL").key, "team@x/k");
    }

    #[test]
    fn an_invalid_url_of_a_state_is_refused() {
        let cases = [
            ("s3://user:pw@b/k", "password"),
            ("s3://user@b/k", "password"),
            ("s3://u:p/w@b/k", "password"),
            ("host=db password=pw dbname=fleet", "a list of keywords"),
            ("postgres://u:pw@h/db", "password"),
            ("https://u:pw@h/k", "password"),
            ("s3:///k", "no bucket"),
            ("s3://b", "no object"),
            ("s3://b/", "no object"),
            ("s3://b/k/", "no object"),
            ("s3://b/a//k", "no object"),
            ("s3://b:9/k", "port"),
            ("s3://b/k?lease=5s", "invalid lease `5s`"),
            ("s3://b/k?lease=1h", "invalid lease `1h`"),
            ("s3://b/k?lease=", "invalid lease ``"),
            ("s3://b/k?region=x", "unknown parameter `region`"),
            ("http://h/k", "unknown scheme"),
        ];
        for (text, part) in cases {
            let error = object(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
