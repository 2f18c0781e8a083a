//! The URL of a state in PostgreSQL.

mod setting;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{DEFAULT_LEASE, LocationError, lease_of};

pub use setting::PostgresSetting;

/// The URL of a state in PostgreSQL, such as `postgres://roomctl@db.example/fleet?schema=live`. It
/// has libpq's syntax, but no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresUrl {
    /// The settings of the connection. Several hosts, and their ports, are separated by commas.
    pub settings: BTreeMap<PostgresSetting, String>,
    /// The schema that holds the state.
    pub schema: String,
    /// The length of the lease: the time until it expires without a renewal.
    pub lease: Duration,
}

/// The default schema.
const DEFAULT_SCHEMA: &str = "roomctl";
/// The longest name of a schema, in bytes: the server truncates longer ones.
const LONGEST_NAME: usize = 63;

/// The characters that are encoded in a user or a database.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The characters that are encoded in the value of a parameter.
const VALUE: &AsciiSet = &NAME.remove(b'/').remove(b',').remove(b':');

impl PostgresUrl {
    pub(super) fn parse(text: &str) -> Result<Self, LocationError> {
        let (_, rest) = text.split_once("://").unwrap_or_default();
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        // A password may contain any character, so that the parts after it may be misread.
        if user.contains([':', '@']) || database.contains('@') || query.contains('@') {
            return Err(LocationError::DatabasePassword);
        }
        if text.contains(['#', ' ']) || database.contains('/') {
            return Err(LocationError::NoDatabase("it contains a space, a `#` or too many `/`"));
        }
        let user = decoded(user)?;
        if user.contains(':') {
            return Err(LocationError::DatabasePassword);
        }
        let mut parts = UrlParts::default();
        parts.add_hosts(hosts)?;
        parts.add_unless_empty(PostgresSetting::User, user)?;
        parts.add_unless_empty(PostgresSetting::Database, decoded(database)?)?;
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            parts.add_parameter(parameter)?;
        }
        parts.into_url()
    }
}

/// The parts of a URL that are parsed so far.
#[derive(Default)]
struct UrlParts {
    settings: BTreeMap<PostgresSetting, String>,
    schema: Option<String>,
    lease: Option<Duration>,
}

impl UrlParts {
    fn add_hosts(&mut self, text: &str) -> Result<(), LocationError> {
        let mut hosts = Vec::new();
        let mut ports = Vec::new();
        for part in text.split(',') {
            let (host, port) = host_and_port(part)?;
            let host = decoded(host)?;
            if host.contains(',') {
                return Err(LocationError::NoDatabase("a host has a comma in its name"));
            }
            hosts.push(host);
            ports.push(port);
        }
        self.add_unless_empty(PostgresSetting::Host, hosts.join(","))?;
        if ports.iter().all(|port| port.is_empty()) {
            return Ok(());
        }
        self.add(PostgresSetting::Port, ports.join(","))
    }

    fn add_parameter(&mut self, text: &str) -> Result<(), LocationError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        match name.as_str() {
            "password" | "sslpassword" => Err(LocationError::DatabasePassword),
            "schema" if self.schema.is_some() => Err(LocationError::Repeated("schema")),
            "schema" if is_schema(&value) => {
                self.schema = Some(value);
                Ok(())
            }
            "schema" => Err(LocationError::Parameter(
                "schema",
                "a name of at most 63 lower-case letters, digits and `_`, which the server does not reserve",
            )),
            "lease" if self.lease.is_some() => Err(LocationError::Repeated("lease")),
            "lease" => {
                self.lease = Some(lease_of(&value).ok_or(LocationError::Lease(value))?);
                Ok(())
            }
            name => match PostgresSetting::named(name) {
                Some(setting) => self.add(setting, value),
                None => Err(LocationError::UnknownDatabaseParameter(name.to_owned())),
            },
        }
    }

    fn add_unless_empty(
        &mut self,
        setting: PostgresSetting,
        value: String,
    ) -> Result<(), LocationError> {
        if value.is_empty() { Ok(()) } else { self.add(setting, value) }
    }

    fn add(&mut self, setting: PostgresSetting, value: String) -> Result<(), LocationError> {
        if !setting.takes(&value) {
            return Err(LocationError::Parameter(setting.name(), setting.expected()));
        }
        match self.settings.insert(setting, value) {
            None => Ok(()),
            Some(_) => Err(LocationError::Repeated(setting.name())),
        }
    }

    fn into_url(self) -> Result<PostgresUrl, LocationError> {
        let Self { settings, schema, lease } = self;
        let count = |setting| settings.get(&setting).map_or(1, |list| list.split(',').count());
        let ports = count(PostgresSetting::Port);
        if ports > 1 && ports != count(PostgresSetting::Host) {
            return Err(LocationError::NoDatabase("the numbers of ports and hosts differ"));
        }
        Ok(PostgresUrl {
            settings,
            schema: schema.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned()),
            lease: lease.unwrap_or(DEFAULT_LEASE),
        })
    }
}

/// Returns whether a text is a list of libpq's keywords, such as `host=db password=…`. Taken as a
/// path, it would be printed with its password.
pub(super) fn is_keywords(text: &str) -> bool {
    let keyword = |word: &str| {
        ["host=", "dbname=", "password=", "passwd="].iter().any(|it| word.starts_with(it))
    };
    text.split_whitespace().any(keyword)
}

/// Splits `host:port`; an IPv6 address is in brackets.
fn host_and_port(text: &str) -> Result<(&str, &str), LocationError> {
    let brackets = LocationError::NoDatabase("an IPv6 address belongs in brackets");
    let Some(address) = text.strip_prefix('[') else {
        return match text.split_once(':') {
            Some((_, port)) if port.contains(':') => Err(brackets),
            Some(parts) => Ok(parts),
            None => Ok((text, "")),
        };
    };
    let (address, after) = address.split_once(']').ok_or_else(|| brackets.clone())?;
    match after.strip_prefix(':') {
        Some(port) => Ok((address, port)),
        None if after.is_empty() => Ok((address, "")),
        None => Err(brackets),
    }
}

fn decoded(text: &str) -> Result<String, LocationError> {
    let error = || LocationError::NoDatabase("it has a `%` that encodes no character");
    let is_hexadecimal = |code: &str| {
        code.get(..2).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if !text.split('%').skip(1).all(is_hexadecimal) {
        return Err(error());
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| error())?;
    if decoded.contains(char::is_control) { Err(error()) } else { Ok(decoded.into_owned()) }
}

fn is_schema(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(fits)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("pg_")
        && name != "information_schema"
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, schema, lease: _ } = self;
        let value = |setting| settings.get(&setting).map_or("", String::as_str);
        f.write_str("postgres://")?;
        if let Some(user) = settings.get(&PostgresSetting::User) {
            write!(f, "{}@", utf8_percent_encode(user, NAME))?;
        }
        let ports: Vec<&str> = value(PostgresSetting::Port).split(',').collect();
        for (at, host) in value(PostgresSetting::Host).split(',').enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            if host.contains(':') {
                write!(f, "[{host}]")?;
            } else {
                utf8_percent_encode(host, NAME).fmt(f)?;
            }
            match ports.get(at).or(ports.first()) {
                None | Some(&"") => {}
                Some(port) => write!(f, ":{port}")?,
            }
        }
        write!(f, "/{}", utf8_percent_encode(value(PostgresSetting::Database), NAME))?;
        let mut parameters: Vec<(&str, &str)> = settings
            .iter()
            .filter(|(setting, _)| !setting.is_in_place())
            .map(|(setting, value)| (setting.name(), value.as_str()))
            .collect();
        if schema != DEFAULT_SCHEMA {
            parameters.push(("schema", schema));
        }
        for (at, (name, value)) in parameters.into_iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}={}", utf8_percent_encode(value, VALUE))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
