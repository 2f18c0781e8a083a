//! A proxy on loopback with fault injection for requests to a server.

#![allow(dead_code, reason = "two test programs share it, and each uses a part")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// The fault of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No fault: the request and its answer are forwarded.
    None,
    /// The request does not arrive, and the connection is cut.
    Cut,
    /// The request arrives, its answer is lost, and the connection is cut.
    LoseAnswer,
    /// The connection is cut now, and the request arrives when [`Proxy::deliver`] is called.
    Late,
    /// The request is neither forwarded nor answered while the client waits.
    Hang,
    /// The proxy answers: a status, such as `503 Slow Down`, headers, and a body.
    Answer { status: &'static str, headers: &'static str, body: String },
}

/// A request, as passed to the plan of a test.
#[derive(Clone, Debug)]
pub(crate) struct SeenRequest {
    pub(crate) method: String,
    /// Its path and query.
    pub(crate) target: String,
    /// The number of earlier requests.
    pub(crate) before: usize,
}

/// A proxy of one server. It serves until the process ends.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

type Plan = Box<dyn FnMut(&SeenRequest) -> Fault + Send>;

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
}

struct State {
    plan: Plan,
    seen: Vec<SeenRequest>,
    late: Vec<Vec<u8>>,
}

impl Fault {
    /// Returns the answer of an overloaded S3 server.
    pub(crate) fn slow_down() -> Self {
        let body = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>\
                    </Error>";
        let (status, headers) = ("503 Slow Down", "");
        Self::Answer { status, headers, body: body.to_owned() }
    }
}

impl Proxy {
    /// Starts a proxy of a server without faults.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { plan: Box::new(|_| Fault::None), seen: Vec::new(), late: Vec::new() };
        let shared = Arc::new(Shared { server, state: Mutex::new(state) });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                // Broken connections are expected.
                std::thread::spawn(move || drop(shared.serve(client)));
            }
        });
        Self { address, shared }
    }

    /// Sets the function that decides the fault of each request.
    pub(crate) fn plan(&self, plan: impl FnMut(&SeenRequest) -> Fault + Send + 'static) {
        self.shared.state().plan = Box::new(plan);
    }

    /// Returns the requests so far.
    pub(crate) fn seen(&self) -> Vec<SeenRequest> {
        self.shared.state().seen.clone()
    }

    /// Forwards the late requests, and returns their number.
    pub(crate) fn deliver(&self) -> usize {
        let late = std::mem::take(&mut self.shared.state().late);
        for request in &late {
            self.shared.forward(request).expect("delivered");
        }
        late.len()
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the one request of a connection.
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some(request) = read_request(&mut client)? else { return Ok(()) };
        let fault = {
            let mut state = self.state();
            let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line).into_owned();
            let mut words = line.split(' ').map(str::to_owned);
            let mut word = || words.next().unwrap_or_default();
            let seen = SeenRequest { method: word(), target: word(), before: state.seen.len() };
            state.seen.push(seen.clone());
            (state.plan)(&seen)
        };
        let answer = match fault {
            Fault::None => self.forward(&request)?,
            Fault::Cut => Vec::new(),
            Fault::LoseAnswer => {
                self.forward(&request)?;
                Vec::new()
            }
            Fault::Late => {
                self.state().late.push(request);
                Vec::new()
            }
            Fault::Hang => {
                // The client sends nothing more: this returns when it disconnects.
                client.read_to_end(&mut Vec::new())?;
                Vec::new()
            }
            Fault::Answer { status, headers, body } => format!(
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
        };
        client.write_all(&answer)?;
        client.shutdown(Shutdown::Both)
    }

    /// Forwards a request over a new connection, and returns the whole answer.
    fn forward(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(self.server)?;
        server.write_all(request)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Reads a request, and sets `Connection: close` in it; `None` if the client sent none.
fn read_request(client: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        match client.read(&mut buffer)? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = bytes.split_off(end + 4);
    let missing = length.unwrap_or(0_usize).saturating_sub(body.len());
    let already = body.len();
    body.resize(already + missing, 0);
    client.read_exact(&mut body[already..])?;
    let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head = kept.collect::<Vec<_>>().join("\r\n");
    let mut request = format!("{head}\r\nConnection: close\r\n\r\n").into_bytes();
    request.extend_from_slice(&body);
    Ok(Some(request))
}
