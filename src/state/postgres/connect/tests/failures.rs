//! Classifying the errors of a scripted server.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Starts a server that answers the requests on each connection with `answers` in order, then
/// closes it. Returns its port.
async fn server(answers: Vec<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            for answer in &answers {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer).await;
            }
        }
    });
    port
}

/// Starts a server that refuses every connection. Returns its port.
async fn refusing(state: &str, message: &str) -> u16 {
    let fields = format!("SFATAL\0VFATAL\0C{state}\0M{message}\0\0");
    server(vec![frame(b'E', fields.as_bytes())]).await
}

/// Returns a port without a listener.
async fn closed() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").port()
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message").to_be_bytes();
    [&[kind], length.as_slice(), body].concat()
}

/// Connects to the first of these ports that accepts, and returns the error.
async fn error(ports: &[u16], query: &str) -> RemoteError {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let text = format!("postgres://u@{}/d?sslmode=disable{query}", hosts.join(","));
    let environment = environment(&[("PGPASSWORD", "hush")]);
    let error = connector(&text, &environment).connect().await.expect_err("an error");
    assert!(!error.to_string().contains("hush"), "{error}");
    error
}

#[tokio::test]
async fn errors_are_transient_or_permanent_by_their_sqlstate() {
    let transient = [
        ("57P01", "terminating connection due to administrator command"),
        ("57P02", "terminating connection because of crash of another server process"),
        ("57P03", "the database system is starting up"),
        ("57014", "canceling statement due to statement timeout"),
        ("57P05", "terminating connection due to idle-session timeout"),
        ("08006", "server closed the connection unexpectedly"),
        ("08P01", "no more connections allowed (max_client_conn)"),
        ("08P01", "query_wait_timeout"),
        ("53300", "sorry, too many clients already"),
        ("53100", "could not extend file: No space left on device"),
        ("40001", "could not serialize access due to concurrent update"),
        ("40P01", "deadlock detected"),
        ("55P03", "canceling statement due to lock timeout"),
        ("25P03", "terminating connection due to idle-in-transaction timeout"),
        ("25006", "cannot execute UPDATE in a read-only transaction"),
        ("XX000", "MaxClientsInSessionMode: max clients reached"),
    ];
    for (state, message) in transient {
        let port = refusing(state, message).await;
        let mut expected = format!("127.0.0.1:{port}: {message} ({state})");
        if state == "25006" {
            expected += ": it is a standby or a read-only server";
        }
        assert_eq!(error(&[port], "").await, RemoteError::Unavailable(expected));
    }
    let permanent = [
        ("28P01", "password authentication failed for user \"u\"", "PGPASSWORD"),
        ("28000", "role \"u\" does not exist", "check the user"),
        ("28000", "no pg_hba.conf entry for host \"h\", no encryption", "sslmode=require"),
        ("28000", "no pg_hba.conf entry for host \"h\", SSL encryption", "has to allow"),
        ("28000", "connection requires a valid client certificate", "set sslcert"),
        ("3D000", "database \"d\" does not exist", "createdb"),
        ("57P04", "database was dropped", "createdb"),
        ("08P01", "no such database: d", "createdb"),
        ("08P01", "no such user: u", "PGPASSWORD"),
        ("08P01", "auth failed", "PGPASSWORD"),
        ("08P01", "unsupported startup parameter: x", "pooler"),
        ("42501", "permission denied for schema roomctl", "to plan, the user needs USAGE"),
        ("3F000", "schema \"roomctl\" does not exist", "restore it"),
        ("42P01", "relation \"roomctl.head\" does not exist", "restore it"),
        (
            "23514",
            "new row for relation \"head\" violates check constraint \"head_epoch_check\"",
            "run `roomctl state repair`",
        ),
        ("42601", "syntax error at or near \"x\"", "(42601)"),
        ("XX000", "Tenant or user not found", "(XX000)"),
    ];
    for (state, message, advice) in permanent {
        let port = refusing(state, message).await;
        let RemoteError::Denied(why) = error(&[port], "").await else { panic!("{state}") };
        assert!(why.starts_with(&format!("127.0.0.1:{port}: {message} ({state})")), "{why}");
        assert!(why.contains(advice), "{why}");
    }
}

#[tokio::test]
async fn a_message_of_a_server_is_shortened_to_one_line() {
    let port = refusing("57P03", &format!("first\u{1b}[2J\nsecond {}", "x".repeat(300))).await;
    let why = error(&[port], "").await.to_string();
    assert!(why.contains(": first [2J second xxx") && why.chars().count() < 260, "{why}");
}

#[tokio::test]
async fn a_refused_connection_is_unreachable_and_a_lost_one_is_unavailable() {
    let refused = error(&[closed().await], "").await;
    assert!(matches!(&refused, RemoteError::Unreachable(why) if why.contains("no connection")));
    let unknown = connector("postgres://u@unknown.invalid/", &environment(&[])).connect().await;
    assert!(matches!(unknown, Err(RemoteError::Unreachable(_))), "{:?}", unknown.err());
    let lost = error(&[server(vec![Vec::new()]).await], "").await;
    assert!(
        matches!(&lost, RemoteError::Unavailable(why) if why.contains("closed the connection"))
    );
    let other =
        error(&[server(vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()]).await], "").await;
    let RemoteError::Unreachable(why) = other else { panic!("{other:?}") };
    assert!(why.contains("the answer is not from a PostgreSQL server"), "{why}");
}

#[tokio::test]
async fn a_missing_requirement_of_the_server_is_reported() {
    let no_tls = server(vec![b"N".to_vec()]).await;
    let text = format!("postgres://u@127.0.0.1:{no_tls}/d?sslmode=require");
    let error = connector(&text, &environment(&[])).connect().await.expect_err("an error");
    assert!(matches!(&error, RemoteError::Denied(why) if why.contains("accepts no encrypted")));
    let cleartext = server(vec![frame(b'R', &3_u32.to_be_bytes())]).await;
    let text = format!("postgres://u@127.0.0.1:{cleartext}/d?sslmode=disable");
    let error = connector(&text, &environment(&[])).connect().await.expect_err("an error");
    assert!(matches!(&error, RemoteError::Denied(why) if why.contains("set PGPASSWORD")));
    let kerberos = server(vec![frame(b'R', &7_u32.to_be_bytes())]).await;
    let error = super::failures::error(&[kerberos], "").await;
    assert!(matches!(&error, RemoteError::Denied(why) if why.contains("pg_hba.conf use scram")));
}

#[tokio::test]
async fn servers_are_tried_in_order_until_one_refuses_the_password() {
    let (closed, starting) = (closed().await, refusing("57P03", "starting up").await);
    let (missing, password) = (refusing("3D000", "no db").await, refusing("28P01", "no").await);
    let unavailable = error(&[closed, missing, starting], "").await;
    let RemoteError::Unavailable(why) = unavailable else { panic!("{unavailable:?}") };
    for port in [closed, missing, starting] {
        assert!(why.contains(&format!("127.0.0.1:{port}: ")), "{why}");
    }
    assert!(matches!(error(&[closed, missing], "").await, RemoteError::Denied(_)));
    assert!(matches!(error(&[closed, closed], "").await, RemoteError::Unreachable(_)));
    let refused = error(&[closed, password, starting], "").await;
    let RemoteError::Denied(why) = refused else { panic!("{refused:?}") };
    assert!(!why.contains(&starting.to_string()), "{why}");
}

/// Returns the answers of a server that accepts every log-in and reports whether it is read-only.
fn session(read_only: &str) -> Vec<Vec<u8>> {
    let name = b"transaction_read_only\0";
    let column = [&[0, 1], name.as_slice(), &[0; 6], &[0, 0, 0, 25], &[0xff; 2], &[0; 6]].concat();
    let length = u32::try_from(read_only.len()).expect("a short text").to_be_bytes();
    let row = [&[0, 1], length.as_slice(), read_only.as_bytes()].concat();
    let ready = frame(b'Z', b"I");
    let answer = [frame(b'T', &column), frame(b'D', &row), frame(b'C', b"SHOW\0"), ready.clone()];
    // It closes the connection at the next request.
    vec![[frame(b'R', &[0; 4]), ready].concat(), answer.concat(), Vec::new()]
}

#[tokio::test]
async fn of_several_servers_only_a_writable_one_is_used() {
    let (standby, primary) = (server(session("on")).await, server(session("off")).await);
    let standbys = error(&[standby, standby], "").await;
    let RemoteError::Unavailable(why) = &standbys else { panic!("{standbys:?}") };
    assert!(why.contains("it is a standby or a read-only server"), "{why}");
    let connected = |ports: [u16; 2], query: &'static str| async move {
        let [one, other] = ports;
        let text =
            format!("postgres://u@127.0.0.1:{one},127.0.0.1:{other}/d?sslmode=disable{query}");
        connector(&text, &environment(&[])).connect().await.is_ok()
    };
    assert!(connected([standby, primary], "").await);
    assert!(connected([standby, standby], "&target_session_attrs=any").await);
    let alone = format!("postgres://u@127.0.0.1:{standby}/d?sslmode=disable");
    assert!(connector(&alone, &environment(&[])).connect().await.is_ok());
    let primary_only = error(&[standby], "&target_session_attrs=primary").await;
    assert!(matches!(primary_only, RemoteError::Unavailable(_)), "{primary_only:?}");
}

#[tokio::test]
async fn a_statement_on_a_lost_connection_is_unavailable() {
    let port = server(session("off")).await;
    let text = format!("postgres://u@127.0.0.1:{port}/d?sslmode=disable&target_session_attrs=any");
    let client = connector(&text, &environment(&[])).connect().await.expect("a connection");
    client.simple_query("SHOW x").await.expect("an answer");
    let error = client.simple_query("SHOW x").await.expect_err("an error");
    let failed = failed(&error);
    assert!(
        matches!(&failed, RemoteError::Unavailable(why) if why.contains("connection was lost"))
    );
}
