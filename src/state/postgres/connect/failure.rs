//! Classifies errors of PostgreSQL by their SQLSTATE, with advice.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use rustls::pki_types::InvalidDnsNameError;
use tokio_postgres::Error;

use crate::state::lease::RemoteError;

/// The longest text of a server that is printed, in characters.
const LONGEST: usize = 200;

/// Such a server is tried again, because a failover may be in progress.
const READ_ONLY: &str = "it is a standby or a read-only server";

/// Why no connection was established.
#[derive(Debug)]
pub(super) struct Failure {
    error: RemoteError,
    /// Whether no other server is tried, because it would refuse the same credentials.
    is_final: bool,
}

impl Failure {
    /// Classifies an error of the log-in.
    pub(super) fn of(error: &Error) -> Self {
        let state = error.code().map_or("", |state| state.code());
        Self { error: of_connecting(error), is_final: state.starts_with("28") }
    }

    /// Returns the failure of a host name without an address.
    pub(super) fn no_address(why: &str) -> Self {
        let why = format!("the host name cannot be resolved: {}", clean(why));
        Self { error: RemoteError::Unreachable(why), is_final: false }
    }

    /// Returns the failure of a server that does not answer in time.
    pub(super) fn no_answer(after: Duration) -> Self {
        let why = format!("no answer within {} s", after.as_secs());
        Self { error: RemoteError::Unavailable(why), is_final: false }
    }

    pub(super) fn is_final(&self) -> bool {
        self.is_final
    }

    /// Adds the server to the error.
    pub(super) fn of_server(self, server: &str) -> RemoteError {
        let named = |why| format!("{server}: {why}");
        match self.error {
            RemoteError::Unavailable(why) => RemoteError::Unavailable(named(why)),
            RemoteError::Unreachable(why) => RemoteError::Unreachable(named(why)),
            RemoteError::Denied(why) => RemoteError::Denied(named(why)),
        }
    }
}

/// Combines the failures of all servers. If one of them is transient, so is the result.
pub(super) fn of_all(failures: &[RemoteError]) -> RemoteError {
    let text: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let text = text.join("; ");
    if failures.iter().any(|failure| matches!(failure, RemoteError::Unavailable(_))) {
        RemoteError::Unavailable(text)
    } else if failures.iter().any(|failure| matches!(failure, RemoteError::Denied(_))) {
        RemoteError::Denied(text)
    } else {
        RemoteError::Unreachable(text)
    }
}

/// Classifies an error of a statement.
pub(in crate::state::postgres) fn failed(error: &Error) -> RemoteError {
    if let Some(answer) = error.as_db_error() {
        return by_state(answer.code().code(), answer.message());
    }
    let is_of_connection = error.is_closed() || cause::<io::Error>(error).is_some();
    let text = library_text(error);
    if is_of_connection {
        RemoteError::Unavailable(format!("the connection was lost ({text})"))
    } else {
        RemoteError::Denied(format!("{text}: the tables may be of another version of roomctl"))
    }
}

fn of_connecting(error: &Error) -> RemoteError {
    if let Some(answer) = error.as_db_error() {
        return by_state(answer.code().code(), answer.message());
    }
    if error.is_closed() {
        return RemoteError::Unavailable("the server closed the connection".to_owned());
    }
    let Some(io) = cause::<io::Error>(error) else { return of_login(error) };
    if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return of_tls(tls);
    }
    of_network(io)
}

fn of_network(error: &io::Error) -> RemoteError {
    use io::ErrorKind as Kind;
    let text = clean(&error.to_string());
    let cause = error.get_ref();
    let kind = error.kind();
    if cause.and_then(|cause| cause.downcast_ref::<InvalidDnsNameError>()).is_some() {
        RemoteError::Denied(format!("{text}: no certificate can match this host"))
    } else if kind == Kind::PermissionDenied && cause.is_some() {
        // The client library detected that the server is read-only.
        RemoteError::Unavailable(READ_ONLY.to_owned())
    } else if kind == Kind::PermissionDenied {
        RemoteError::Denied(format!(
            "{text}: this user may not connect to the socket; name a host and a port"
        ))
    } else if matches!(
        kind,
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof
    ) {
        RemoteError::Unavailable(format!("the server closed the connection ({text})"))
    } else if matches!(kind, Kind::Other | Kind::InvalidData | Kind::InvalidInput) {
        // The answer could not be parsed, or the connection ended within it.
        RemoteError::Unreachable(format!(
            "the answer is not from a PostgreSQL server ({text}): check host and port"
        ))
    } else {
        RemoteError::Unreachable(format!("no connection: {text}"))
    }
}

/// Classifies an error that comes from the client library, not from the server or the network.
fn of_login(error: &Error) -> RemoteError {
    let text = library_text(error);
    let advice = if text.contains("password missing") {
        "the server asks for a password: set PGPASSWORD, or have one in a password file (PGPASSFILE or \
         ~/.pgpass) or a service file"
    } else if text.contains("does not support TLS") {
        "the server accepts no encrypted connections: enable TLS there, or allow unencrypted ones by \
         sslmode=prefer"
    } else if text.contains("channel binding") {
        "channel_binding=require needs TLS and a password of kind scram-sha-256 on the server"
    } else if text.contains("unsupported") {
        "let the server's pg_hba.conf use scram-sha-256, md5, password, cert, peer or trust"
    } else {
        "check that a PostgreSQL server answers there, and its password"
    };
    RemoteError::Denied(format!("{text}: {advice}"))
}

fn of_tls(error: &rustls::Error) -> RemoteError {
    use CertificateError as Certificate;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        let text = clean(&error.to_string());
        let advice = "check TLS on the server, and sslmode and sslcert here";
        return RemoteError::Denied(format!("TLS failed ({text}): {advice}"));
    };
    let text = clean(&error.to_string());
    RemoteError::Denied(if matches!(certificate, Certificate::NotValidForNameContext { .. }) {
        format!(
            "{text}: connect by a name in the certificate's subjectAltName (its CN does not count), or check \
             only who signed it by sslmode=verify-ca"
        )
    } else if matches!(
        certificate,
        Certificate::UnknownIssuer
            | Certificate::BadSignature
            | Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    ) {
        "the server's certificate was not signed by an authority that is trusted: set sslrootcert to a file \
         with the certificate of the authority that signed it"
            .to_owned()
    } else if matches!(certificate, Certificate::ExpiredContext { .. }) {
        "the server's certificate expired: renew it".to_owned()
    } else {
        format!(
            "{text}: the server needs a valid certificate of X.509 version 3 that is not an authority's; \
             a self-signed one is accepted if sslrootcert is the same"
        )
    })
}

/// Classifies an error that the server, or a pooler before it, reported.
fn by_state(state: &str, message: &str) -> RemoteError {
    let text = format!("{} ({})", clean(message), clean(state));
    if state == "25006" {
        return RemoteError::Unavailable(format!("{text}: {READ_ONLY}"));
    }
    match advice(state, message) {
        None => RemoteError::Unavailable(text),
        Some("") => RemoteError::Denied(text),
        Some(advice) => RemoteError::Denied(format!("{text}: {advice}")),
    }
}

/// Returns the advice for a permanent error; `None` if the error is transient.
fn advice(state: &str, message: &str) -> Option<&'static str> {
    const PASSWORD: &str = "check the user, and the password in PGPASSWORD, the password file or the \
                            service file";
    const DATABASE: &str =
        "create it (`createdb`), or name another one in the URL or in PGDATABASE";
    const STARTUP: &str =
        "allow this parameter in the pooler (`ignore_startup_parameters` of PgBouncer)";
    let mentions = |part| message.contains(part);
    match (state.get(..2).unwrap_or_default(), state) {
        // PgBouncer reports all its errors with one SQLSTATE.
        ("08", "08P01") if mentions("no such database") => Some(DATABASE),
        ("08", "08P01") if mentions("no such user") || mentions("auth") => Some(PASSWORD),
        ("08", "08P01") if mentions("unsupported startup parameter") => Some(STARTUP),
        ("57", "57P04") => Some(DATABASE),
        // Lost connections, exhausted resources, conflicts, shutdowns and time-outs.
        ("08" | "40" | "53" | "57", _) | (_, "25P03" | "25P04" | "55P03" | "55006") => None,
        _ if mentions("too many clients") || mentions("max clients reached") => None,
        ("28", "28000") if mentions("no encryption") || mentions("SSL off") => {
            Some("the server's pg_hba.conf accepts only encrypted connections: set sslmode=require")
        }
        ("28", "28000") if mentions("certificate") => {
            Some("set sslcert and sslkey to the files of the user's certificate and its key")
        }
        ("28", "28000") if mentions("pg_hba.conf") => {
            Some("the server's pg_hba.conf has to allow this user, database and address")
        }
        ("28", _) => Some(PASSWORD),
        ("3D", _) => Some(DATABASE),
        ("42", "42501") if mentions("for database") => {
            Some("its owner has to GRANT CONNECT on it, and CREATE for the first use, to the user")
        }
        ("42", "42501") => Some(
            "to plan, the user needs USAGE on the schema and SELECT on its tables; to write, INSERT, UPDATE \
             and DELETE too, and for the first use CREATE on the schema, or on the database if there is none",
        ),
        ("23", "23514") | ("22", "22003") => Some(
            "a row of the state was changed by hand: run `roomctl state repair`, or restore a backup",
        ),
        ("3F", _) | ("42", "42P01" | "42703" | "42883") => Some(
            "the schema does not contain a complete state: restore it from a backup, or name another one \
             (`?schema=`)",
        ),
        _ => Some(""),
    }
}

fn cause<E: std::error::Error + 'static>(error: &Error) -> Option<&E> {
    error.source().and_then(|source| source.downcast_ref())
}

/// Returns the message of the client library, followed by that of the cause.
fn library_text(error: &Error) -> String {
    let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
    clean(&format!("{error}{cause}"))
}

/// Returns a text of a server as one line of printable characters, at most 200.
fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = text.chars().take(LONGEST + 1).map(plain).collect();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
