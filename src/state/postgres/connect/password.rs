//! Passwords: the selection of a server's password, and libpq's password file.

use std::fs::{self, Metadata};
use std::path::Path;

use crate::model::Secret;

use super::Server;
use super::settings::{PasswordSource, Settings, is_default_socket};

/// A file of lines `host:port:database:user:password`.
pub(super) struct PasswordFile(Vec<Line>);

struct Line {
    /// Host, port, database, user.
    fields: [Field; 4],
    password: String,
}

/// A pattern in a field of a line.
#[derive(PartialEq, Eq)]
enum Field {
    Any,
    Only(String),
}

/// A password from a file.
struct Match<'a> {
    password: &'a str,
    /// Whether its line names the host.
    names_host: bool,
}

/// Returns the servers with their passwords.
///
/// # Errors
/// Returns a sentence about a file that cannot be read, or about a server that is not trusted with
/// a password.
pub(super) fn with_passwords(
    settings: &Settings<'_>,
    user: &str,
    database: &str,
) -> Result<Vec<Server>, String> {
    let servers = settings.servers()?;
    let file = match &settings.password {
        Some(_) => None,
        None => settings.password_file()?,
    };
    let with_password = |(host, port): (String, u16)| {
        let password = match (&settings.password, &file) {
            (Some((password, source)), _) => {
                let source = match source {
                    PasswordSource::Environment => "PGPASSWORD",
                    PasswordSource::ServiceFile => "the password of the service",
                };
                check_trusted(settings, &host, source)?;
                Some(password.clone())
            }
            (None, Some(file)) => match file.find(&host, port, database, user) {
                Some(found) if found.names_host => Some(Secret::new(found.password.to_owned())),
                Some(found) => {
                    check_trusted(
                        settings,
                        &host,
                        "a password that the password file has for any host",
                    )?;
                    Some(Secret::new(found.password.to_owned()))
                }
                None => None,
            },
            (None, None) => None,
        };
        Ok(Server { host, port, password })
    };
    servers.into_iter().map(with_password).collect()
}

/// Checks that a host may get a password that names no host. A file in a pull request may name any
/// host in its URL, and such a host must not get the password.
fn check_trusted(settings: &Settings<'_>, host: &str, password: &str) -> Result<(), String> {
    if settings.trusts(host) {
        return Ok(());
    }
    Err(format!(
        "only the URL names the host {host}, and {password} may be meant for another one: set \
         PGHOST={host} too, or keep the password in a password file (PGPASSFILE or ~/.pgpass) on a line \
         that names the host"
    ))
}

impl PasswordFile {
    /// Reads a file, to which other users must have no access.
    ///
    /// # Errors
    /// Returns a sentence with the fix.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let unreadable = |error| format!("the password file {shown} cannot be read: {error}");
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(format!("the password file {shown} is not a regular file"));
        }
        if is_open_to_others(&metadata) {
            return Err(format!(
                "the password file {shown} is open to other users: `chmod 0600` it"
            ));
        }
        Ok(Self::parse(&fs::read_to_string(path).map_err(unreadable)?))
    }

    /// Parses a file. Invalid lines are skipped, as libpq does.
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(Line::parse).collect())
    }

    /// Returns the password of the first line that matches.
    fn find(&self, host: &str, port: u16, database: &str, user: &str) -> Option<Match<'_>> {
        let host = if is_default_socket(host) { "localhost" } else { host };
        let port = port.to_string();
        let line = self.0.iter().find(|line| {
            let wanted = [host, &port, database, user];
            line.fields.iter().zip(wanted).all(|(field, wanted)| field.allows(wanted))
        })?;
        let names_host = line.fields[0] != Field::Any;
        Some(Match { password: &line.password, names_host })
    }

    /// Returns all of its passwords.
    pub(super) fn into_passwords(self) -> Vec<String> {
        self.0.into_iter().map(|line| line.password).collect()
    }
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut field = || {
            let (raw, after) = split_at_colon(rest)?;
            rest = after;
            Some(if raw == "*" { Field::Any } else { Field::Only(unescaped(raw)) })
        };
        let fields = [field()?, field()?, field()?, field()?];
        Some(Self { fields, password: unescaped(rest) })
    }
}

impl Field {
    fn allows(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => only == text,
        }
    }
}

/// Splits at the first colon that has no backslash before it.
fn split_at_colon(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let colon = text.find(|c: char| {
        let is_end = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    })?;
    Some((&text[..colon], &text[colon + 1..]))
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}
