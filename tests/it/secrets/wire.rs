//! A wire that hears every request: what was signed, so that nobody else may know it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

/// What happens to a request.
#[derive(Clone, Copy)]
pub(super) enum Behaviour {
    /// A service answers it.
    Forward(SocketAddr),
    /// It is answered with its own first line, as HTML or in the words of the service.
    Mirror { status: &'static str, json: bool },
    /// It is sent elsewhere, its query in the address.
    Redirect,
    /// Its connection is cut.
    Cut,
}

/// A listener on loopback that keeps what it hears.
pub(super) struct Wire {
    pub(super) url: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    pub(super) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = heard.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let ears = ears.clone();
                thread::spawn(move || behaviour.serve(stream, &ears));
            }
        });
        Self { url, heard }
    }

    /// Every signature that was sent.
    pub(super) fn signatures(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("what was heard");
        let text = String::from_utf8_lossy(&heard);
        let hex = |text: &str| text.chars().take_while(char::is_ascii_hexdigit).collect::<String>();
        let found = text.split("Signature=").skip(1).map(hex);
        found.filter(|signature| signature.len() == 32).collect()
    }

    /// Every UserSig that was sent, and the digest inside it.
    pub(super) fn user_sigs(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("what was heard");
        let text = String::from_utf8_lossy(&heard);
        let sent = text.split("usersig=").skip(1).filter_map(|rest| rest.split(['&', ' ']).next());
        let sent: Vec<String> = sent.map(|it| it.replace("%2A", "*")).collect();
        let inside: Vec<String> = sent.iter().map(|user_sig| digest(user_sig)).collect();
        sent.into_iter().chain(inside).collect()
    }
}

/// The digest inside a UserSig.
fn digest(user_sig: &str) -> String {
    let packed = user_sig.replace('*', "+").replace('-', "/").replace('_', "=");
    let packed = STANDARD.decode(packed).expect("base64");
    let said: Value = serde_json::from_reader(ZlibDecoder::new(&packed[..])).expect("JSON");
    said["TLS.sig"].as_str().expect("a digest").to_owned()
}

impl Behaviour {
    /// What goes wrong on a connection is nothing to the wire: the client's words are what is tested.
    fn serve(self, mut client: TcpStream, ears: &Arc<Mutex<Vec<u8>>>) {
        if let Self::Forward(service) = self {
            return forward(client, service, ears);
        }
        let Some(request) = read_request(&mut client) else { return };
        ears.lock().expect("what is heard").extend_from_slice(&request);
        let request = String::from_utf8_lossy(&request).into_owned();
        let first = request.lines().next().unwrap_or_default();
        let answer = match self {
            Self::Mirror { status, json: false } => {
                let body = format!("<html><h1>{first}</h1></html>");
                response(status, "Content-Type: text/html", &body)
            }
            Self::Mirror { status, json: true } => {
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
            Self::Cut | Self::Forward(_) => return,
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

/// A whole request: its head, and as much of a body as it says.
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

/// Carries bytes both ways, and keeps those of the client.
fn forward(client: TcpStream, service: SocketAddr, ears: &Arc<Mutex<Vec<u8>>>) {
    let Ok(upstream) = TcpStream::connect(service) else { return };
    let (Ok(mut answers), Ok(mut asker)) = (upstream.try_clone(), client.try_clone()) else {
        return;
    };
    thread::spawn(move || {
        drop(std::io::copy(&mut answers, &mut asker));
        drop(asker.shutdown(Shutdown::Write));
    });
    let (mut client, mut upstream) = (client, upstream);
    let mut part = [0; 4096];
    while let Some(read) = client.read(&mut part).ok().filter(|read| *read > 0) {
        ears.lock().expect("what is heard").extend_from_slice(&part[..read]);
        if upstream.write_all(&part[..read]).is_err() {
            break;
        }
    }
    drop(upstream.shutdown(Shutdown::Write));
}
