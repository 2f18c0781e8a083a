//! Logging in: TLS, and the kinds of passwords.

use std::path::Path;
use std::process::{Command, Stdio};

use roomctl::state::{self, Found, StoreEnvironment};

use crate::support::postgres::{self, Database, PASSWORD};
use crate::support::servers;

/// Creates an authority and a certificate for `localhost` in the server's folder.
const CERTIFICATES: &str = "{ openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority \
    -keyout authority.key -out authority.crt && openssl req -newkey rsa:2048 -nodes -subj /CN=server \
    -keyout server.key -out server.csr && echo subjectAltName=DNS:localhost >names && openssl x509 -req \
    -in server.csr -days 2 -CA authority.crt -CAkey authority.key -CAcreateserial -extfile names \
    -out server.crt && chmod 600 server.key; } 2>/dev/null";

/// Configures the server for connections with TLS only, and for three kinds of passwords. Returns
/// the certificate of its authority; reports and returns `None` if openssl is missing.
fn encrypt(database: &Database) -> Option<String> {
    let openssl = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
    if !openssl.is_ok_and(|status| status.success()) {
        servers::missing("openssl");
        return None;
    }
    let rules = "hostssl all md5 all md5\\nhostssl all clear all password\\n\
                 host all postgres all scram-sha-256\\nhostssl all all all scram-sha-256\\n";
    // `cat` reads the output of COPY, which must be consumed.
    let run = |script: &str| database.sql(&format!("COPY (SELECT) TO PROGRAM $$cat; {script}$$"));
    run(CERTIFICATES);
    run(&format!("printf '{rules}' >pg_hba.conf"));
    for role in ["md5", "clear"] {
        let password = if role == "md5" { "md5" } else { "scram-sha-256" };
        database.sql(&format!(
            "SET password_encryption = '{password}'; CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"
        ));
    }
    database.sql("ALTER SYSTEM SET ssl = on");
    database.sql("SELECT pg_reload_conf()");
    Some(database.sql("SELECT pg_read_file('authority.crt')"))
}

/// Reads a state that does not exist yet, as `user`, over a connection to `place`, a host and
/// parameters.
async fn read(database: &Database, user: &str, place: &str, password: &str) -> Result<(), String> {
    let (host, parameters) = place.split_once('?').expect("parameters");
    let port = database.address.port();
    let url = format!("postgres://{user}@{host}:{port}/fleet?{parameters}");
    let environment = [("PGPASSWORD".to_owned(), password.to_owned())];
    let location = url.parse().map_err(|error| format!("{error}"))?;
    let store = state::open(&location, &StoreEnvironment::of(environment));
    let snapshot = store.map_err(|error| error.to_string())?.read().await;
    let snapshot = snapshot.map_err(|error| error.to_string())?;
    assert_eq!(snapshot.found, Found::New);
    Ok(())
}

#[tokio::test]
async fn log_ins_follow_sslmode_and_the_server_rules() {
    let Some(server) = postgres::durable() else { return };
    let database = server.database();
    let Some(authority) = encrypt(&database) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (trusted, other) = (file("authority.crt"), file("other.crt"));
    write(Path::new(&trusted), &authority);
    let another = include_str!("../../../../src/state/postgres/connect/certificates/authority.pem");
    write(Path::new(&other), another);
    let by_authority = format!("sslmode=verify-ca&sslrootcert={trusted}");
    let by_name = format!("sslmode=verify-full&sslrootcert={trusted}");
    let by_other = format!("sslmode=require&sslrootcert={other}");
    let accepted = [
        ("fleet", "localhost?sslmode=prefer"),
        ("fleet", "127.0.0.1?sslmode=require"),
        ("fleet", "127.0.0.1?sslmode=require&channel_binding=require"),
        ("fleet", &format!("127.0.0.1?{by_authority}")),
        ("fleet", &format!("localhost?{by_name}")),
        ("md5", &format!("localhost?{by_name}")),
        ("clear", &format!("localhost?{by_name}")),
    ];
    for (user, place) in accepted {
        assert_eq!(read(&database, user, place, PASSWORD).await, Ok(()), "{user} {place}");
    }
    let refused = [
        ("fleet", "localhost?sslmode=disable", PASSWORD, "set sslmode=require"),
        ("fleet", &format!("127.0.0.1?{by_name}"), PASSWORD, "is only valid for DnsName"),
        ("fleet", &format!("localhost?{by_other}"), PASSWORD, "set sslrootcert to a file"),
        ("fleet", "localhost?sslrootcert=system", PASSWORD, "set sslrootcert to a file"),
        ("md5", "localhost?channel_binding=require", PASSWORD, "channel_binding=require needs"),
        (
            "fleet",
            "localhost?sslmode=require",
            "another password",
            "check the user, and the password",
        ),
        (
            "md5",
            "localhost?sslmode=require",
            "another password",
            "check the user, and the password",
        ),
        ("nobody", "localhost?sslmode=require", PASSWORD, "check the user, and the password"),
    ];
    for (user, place, password, part) in refused {
        let error = read(&database, user, place, password).await.expect_err(place);
        assert!(error.contains(part) && !error.contains(password), "{user} {place}: {error}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own files need not survive a crash")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}
