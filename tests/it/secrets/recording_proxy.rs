//! A proxy that records every request, so that tests know which signatures must not leak.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

/// What the proxy does with a request.
#[derive(Clone, Copy)]
pub(super) enum Behaviour {
    /// Forwards it to this service.
    Forward(SocketAddr),
    /// Answers with the request's first line, in HTML or in the service's JSON error format.
    Echo { status: &'static str, json: bool },
    /// Answers with a redirect whose `Location` contains the request's query.
    Redirect,
    /// Closes the connection without an answer.
    Close,
}

/// A proxy on loopback that keeps the bytes of every request.
pub(super) struct RecordingProxy {
    pub(super) url: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl RecordingProxy {
    pub(super) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let recorded = received.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let recorded = recorded.clone();
                thread::spawn(move || behaviour.serve(stream, &recorded));
            }
        });
        Self { url, received }
    }

    /// Returns every ZEGO signature that was sent.
    pub(super) fn signatures(&self) -> Vec<String> {
        let received = self.received.lock().expect("no panic under the lock");
        let text = String::from_utf8_lossy(&received);
        let hex = |text: &str| text.chars().take_while(char::is_ascii_hexdigit).collect::<String>();
        let found = text.split("Signature=").skip(1).map(hex);
        found.filter(|signature| signature.len() == 32).collect()
    }

    /// Returns every UserSig that was sent, and the digest inside each.
    pub(super) fn user_sigs(&self) -> Vec<String> {
        let received = self.received.lock().expect("no panic under the lock");
        let text = String::from_utf8_lossy(&received);
        let sent = text.split("usersig=").skip(1).filter_map(|rest| rest.split(['&', ' ']).next());
        let sent: Vec<String> = sent.map(|it| it.replace("%2A", "*")).collect();
        let inside: Vec<String> = sent.iter().map(|user_sig| digest(user_sig)).collect();
        sent.into_iter().chain(inside).collect()
    }
}

/// Returns the digest inside a UserSig.
fn digest(user_sig: &str) -> String {
    let packed = user_sig.replace('*', "+").replace('-', "/").replace('_', "=");
    let packed = STANDARD.decode(packed).expect("base64");
    let content: Value = serde_json::from_reader(ZlibDecoder::new(&packed[..])).expect("JSON");
    content["TLS.sig"].as_str().expect("a digest").to_owned()
}

impl Behaviour {
    /// Serves one connection. Its IO errors are ignored: the test checks the client's output.
    fn serve(self, mut client: TcpStream, received: &Arc<Mutex<Vec<u8>>>) {
        if let Self::Forward(service) = self {
            return forward(client, service, received);
        }
        let Some(request) = read_request(&mut client) else { return };
        received.lock().expect("no panic under the lock").extend_from_slice(&request);
        let request = String::from_utf8_lossy(&request).into_owned();
        let first = request.lines().next().unwrap_or_default();
        let answer = match self {
            Self::Echo { status, json: false } => {
                let body = format!("<html><h1>{first}</h1></html>");
                response(status, "Content-Type: text/html", &body)
            }
            Self::Echo { status, json: true } => {
                let body = json!({
                    "Code": 2, "Message": first, "RequestId": first,
                    "ActionStatus": "FAIL", "ErrorCode": 60_002, "ErrorInfo": first,
                });
                response(status, "Content-Type: application/json", &body.to_string())
            }
            Self::Redirect => {
                let target = first.split(' ').nth(1).unwrap_or("/");
                let location = format!("Location: http://127.0.0.1:9{target}");
                response("302 Found", &location, "")
            }
            Self::Close | Self::Forward(_) => return,
        };
        drop(client.write_all(answer.as_bytes()));
        drop(client.shutdown(Shutdown::Write));
    }
}

fn response(status: &str, header: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Reads one request: its head, and a body of the declared content length.
fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = client.read(&mut part).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(request);
        }
    }
}

/// Copies bytes in both directions, and records the client's.
fn forward(client: TcpStream, service: SocketAddr, received: &Arc<Mutex<Vec<u8>>>) {
    let Ok(upstream) = TcpStream::connect(service) else { return };
    let (Ok(mut from_service), Ok(mut to_client)) = (upstream.try_clone(), client.try_clone())
    else {
        return;
    };
    thread::spawn(move || {
        drop(std::io::copy(&mut from_service, &mut to_client));
        drop(to_client.shutdown(Shutdown::Write));
    });
    let (mut client, mut upstream) = (client, upstream);
    let mut part = [0; 4096];
    while let Some(read) = client.read(&mut part).ok().filter(|read| *read > 0) {
        received.lock().expect("no panic under the lock").extend_from_slice(&part[..read]);
        if upstream.write_all(&part[..read]).is_err() {
            break;
        }
    }
    drop(upstream.shutdown(Shutdown::Write));
}
