//! The transport over real sockets on loopback, with a server that misbehaves.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use tokio::sync::oneshot;

use super::super::{AllowedHosts, ServiceUrl};
use super::*;
use crate::model::Call;

/// Starts a server and returns its URL. It accepts one connection at a time, reads the head of a
/// request, and calls `serve` for the answer.
fn server(serve: impl Fn(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let head = BufReader::new(stream.try_clone().expect("a second handle"));
            let lines = head.lines().map_while(Result::ok);
            let _ = lines.take_while(|line| !line.is_empty()).count();
            serve(&mut stream);
        }
    });
    format!("http://{address}/")
}

fn answers(answer: &'static str) -> String {
    server(move |stream| {
        let _ = stream.write_all(answer.as_bytes());
    })
}

async fn send(url: &str) -> Result<HttpResponse, TransportError> {
    let url = url.parse().expect("a URL");
    let url = ServiceUrl::new(&url, |_| false, &AllowedHosts::none()).expect("loopback");
    let transport = HttpTransport::new(&url).expect("a client");
    let query = "Signature=hush".to_owned();
    let (call, method) = (Call::DestroyRoom, Method::Get);
    let host = url.host();
    let request = HttpRequest { call, method, url, query, body: None };
    let sent = within_timeout(&host, transport.send(request)).await;
    assert!(!format!("{sent:?}").contains("hush"), "{sent:?}");
    sent
}

#[tokio::test]
async fn status_headers_and_body_of_an_answer_are_read() {
    let url = answers(
        "HTTP/1.1 429 Slow down\r\nDate: Mon, 08 Mar 2021 07:22:23 GMT\r\nRetry-After: 3\r\n\
         Content-Length: 2\r\n\r\n{}",
    );
    let response = send(&url).await.expect("an answer");
    let date = Some("Mon, 08 Mar 2021 07:22:23 GMT".to_owned());
    let retry_after = Some("3".to_owned());
    assert_eq!(response, HttpResponse { status: 429, date, retry_after, body: b"{}".to_vec() });
}

#[tokio::test]
async fn localhost_is_reached_on_loopback() {
    let url = answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let response = send(&url.replace("127.0.0.1", "localhost")).await.expect("an answer");
    assert_eq!(response.status, 200);
}

#[test]
fn loopback_is_reached_without_a_proxy() {
    let this = std::env::current_exe().expect("a path");
    let test = "provider::http::network::tests::status_headers_and_body_of_an_answer_are_read";
    let mut command = Command::new(this);
    command.args(["--exact", test]).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, "http://127.0.0.1:1");
    }
    let output = command.output().expect("it runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (reached, mut is_reached) = oneshot::channel();
    let reached = std::sync::Mutex::new(Some(reached));
    let elsewhere = server(move |_| {
        reached.lock().expect("no panic").take().map(|reached| reached.send(()));
    });
    let url = server(move |stream| {
        let head = format!("HTTP/1.1 307 Away\r\nLocation: {elsewhere}\r\n");
        let _ = stream.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes());
    });
    assert_eq!(send(&url).await.expect("an answer").status, 307);
    assert!(is_reached.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn a_request_on_a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = send(&format!("http://{address}/")).await.expect_err("refused");
    let TransportError::NotSent(message) = error else { panic!("{error:?}") };
    assert!(message.starts_with(&format!("no connection to {address}: ")), "{message}");
}

#[tokio::test]
async fn a_request_on_a_broken_connection_has_an_unknown_outcome() {
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Code\":";
    for answer in ["", "HTTP/1.1 200 O", "garbage\r\n\r\n", long] {
        let error = send(&answers(answer)).await.expect_err("broken");
        assert!(matches!(error, TransportError::Unknown(_)), "{answer}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error() {
    let part = vec![b'x'; 65_536];
    let url = server(move |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&part).is_ok() {}
    });
    let error = send(&url).await.expect_err("too large");
    assert!(matches!(&error, TransportError::Unknown(m) if m.contains("larger")), "{error:?}");
}

#[tokio::test]
async fn a_server_that_hangs_times_out_after_ten_seconds() {
    let (received, is_received) = oneshot::channel();
    let received = std::sync::Mutex::new(Some(received));
    let url = server(move |_| {
        received.lock().expect("no panic").take().map(|received| received.send(()));
        thread::park();
    });
    let sending = tokio::spawn(async move { send(&url).await });
    is_received.await.expect("the request arrives");
    tokio::time::pause();
    let error = sending.await.expect("no panic").expect_err("no answer");
    let TransportError::Unknown(message) = error else { panic!("{error:?}") };
    assert!(message.ends_with("within 10 s"), "{message}");
}
