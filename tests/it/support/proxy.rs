//! A proxy on loopback that lets the requests of a test fail on their way to a server.

#![allow(dead_code, reason = "two test programs share it, and each uses a part")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is passed on, and so is its answer.
    None,
    /// It does not arrive, and the connection is cut.
    Cut,
    /// It arrives, its answer is lost, and the connection is cut.
    LoseAnswer,
    /// The connection is cut now, and the request arrives when [`Proxy::deliver`] is called.
    Late,
    /// It is not passed on and not answered, as long as the client waits.
    Hang,
    /// The proxy answers: a status, such as `503 Slow Down`, headers, and a body.
    Answer { status: &'static str, headers: &'static str, body: String },
}

/// A request as the plan of a test sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Its path and query.
    pub(crate) target: String,
    /// How many requests came before.
    pub(crate) before: usize,
}

/// A proxy of one server. It serves until the process ends.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    line: Arc<Line>,
}

type Plan = Box<dyn FnMut(&Seen) -> Fault + Send>;

struct Line {
    server: SocketAddr,
    state: Mutex<State>,
}

struct State {
    plan: Plan,
    seen: Vec<Seen>,
    late: Vec<Vec<u8>>,
}

impl Fault {
    /// Returns the answer of an overloaded S3.
    pub(crate) fn slow_down() -> Self {
        let body = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>\
                    </Error>";
        let (status, headers) = ("503 Slow Down", "");
        Self::Answer { status, headers, body: body.to_owned() }
    }
}

impl Proxy {
    /// Starts a proxy of a server, which passes everything on.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { plan: Box::new(|_| Fault::None), seen: Vec::new(), late: Vec::new() };
        let line = Arc::new(Line { server, state: Mutex::new(state) });
        let accepting = Arc::clone(&line);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let line = Arc::clone(&accepting);
                // A connection that breaks is what a test is about.
                std::thread::spawn(move || drop(line.serve(client)));
            }
        });
        Self { address, line }
    }

    /// Says what becomes of the requests from now on.
    pub(crate) fn plan(&self, plan: impl FnMut(&Seen) -> Fault + Send + 'static) {
        self.line.state().plan = Box::new(plan);
    }

    /// Returns the requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.line.state().seen.clone()
    }

    /// Passes on the requests that were to be late, and returns how many there were.
    pub(crate) fn deliver(&self) -> usize {
        let late = std::mem::take(&mut self.line.state().late);
        for request in &late {
            self.line.pass(request).expect("delivered");
        }
        late.len()
    }
}

impl Line {
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
            let seen = Seen { method: word(), target: word(), before: state.seen.len() };
            state.seen.push(seen.clone());
            (state.plan)(&seen)
        };
        let answer = match fault {
            Fault::None => self.pass(&request)?,
            Fault::Cut => Vec::new(),
            Fault::LoseAnswer => {
                self.pass(&request)?;
                Vec::new()
            }
            Fault::Late => {
                self.state().late.push(request);
                Vec::new()
            }
            Fault::Hang => {
                // The client sends nothing more: this ends when it goes away.
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

    /// Passes a request on over a connection of its own, and returns the whole answer.
    fn pass(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(self.server)?;
        server.write_all(request)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Reads a request, and makes it the last of its connection; `None` if the client sent none.
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
