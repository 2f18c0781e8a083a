//! A proxy on loopback that passes bytes on to a server, and lets the connections of a test fail.

#![allow(dead_code, reason = "each test uses a part")]

use std::net::SocketAddr;
use std::sync::mpsc as blocking;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::postgres::free_port;

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They are passed on.
    Pass,
    /// They wait. Those that were sent before their connection was cut are passed on with the others.
    Hold,
    /// They are dropped.
    Drop,
}

/// A proxy of one server. It serves, on a thread of its own, until it is dropped.
pub(crate) struct TcpProxy {
    pub(crate) address: SocketAddr,
    plan: watch::Sender<Plan>,
    stopped: watch::Receiver<Stopped>,
    orders: mpsc::UnboundedSender<Order>,
}

/// What a test says.
#[derive(Clone, Copy)]
struct Plan {
    requests: Flow,
    answers: Flow,
    /// How often the connections were cut.
    cuts: u64,
}

/// What did not pass.
#[derive(Clone, Copy, Default)]
struct Stopped {
    /// How often bytes of a client were held or dropped.
    requests: u64,
    /// How often bytes of the server were.
    answers: u64,
}

/// Whether connections are accepted from now on, and who waits until that is so.
struct Order(bool, blocking::Sender<()>);

/// A direction of a connection.
#[derive(Clone, Copy)]
enum Direction {
    Requests,
    Answers,
}

impl TcpProxy {
    /// Starts a proxy of a server, which passes everything on.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let plan = Plan { requests: Flow::Pass, answers: Flow::Pass, cuts: 0 };
        let (plan, plans) = watch::channel(plan);
        let (noted, stopped) = watch::channel(Stopped::default());
        let (orders, ordered) = mpsc::unbounded_channel();
        let address = SocketAddr::new(server.ip(), free_port());
        let (ready, started) = blocking::channel();
        orders.send(Order(true, ready)).expect("its channel");
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_io().build().expect("a runtime");
            runtime.block_on(accept(address, server, plans, noted, ordered));
        });
        started.recv().expect("a free port");
        Self { address, plan, stopped, orders }
    }

    /// Says what becomes of the bytes of clients from now on.
    pub(crate) fn requests(&self, flow: Flow) {
        self.plan.send_modify(|plan| plan.requests = flow);
    }

    /// Says what becomes of the bytes of the server from now on.
    pub(crate) fn answers(&self, flow: Flow) {
        self.plan.send_modify(|plan| plan.answers = flow);
    }

    /// Cuts all connections, and accepts new ones.
    pub(crate) fn cut(&self) {
        self.plan.send_modify(|plan| plan.cuts += 1);
    }

    /// Refuses new connections from now on.
    pub(crate) fn refuse(&self) {
        self.listen(false);
    }

    /// Accepts connections again.
    pub(crate) fn accept(&self) {
        self.listen(true);
    }

    fn listen(&self, listen: bool) {
        let (done, answer) = blocking::channel();
        self.orders.send(Order(listen, done)).expect("its thread");
        answer.recv().expect("its thread");
    }

    /// How often bytes of the server were held or dropped so far.
    pub(crate) fn stopped_answers(&self) -> u64 {
        self.stopped.borrow().answers
    }

    /// Waits until bytes of the server are held or dropped for the first time: it has answered.
    pub(crate) async fn until_answer_stopped(&self) {
        let mut stopped = self.stopped.clone();
        stopped.wait_for(|stopped| stopped.answers > 0).await.expect("its thread");
    }

    /// Waits until bytes of a client are held or dropped for the first time.
    pub(crate) async fn until_request_stopped(&self) {
        let mut stopped = self.stopped.clone();
        stopped.wait_for(|stopped| stopped.requests > 0).await.expect("its thread");
    }
}

/// Serves until the proxy is dropped.
async fn accept(
    address: SocketAddr,
    server: SocketAddr,
    plan: watch::Receiver<Plan>,
    noted: watch::Sender<Stopped>,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    let mut connections = JoinSet::new();
    let mut listener: Option<TcpListener> = None;
    loop {
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            order = orders.recv() => {
                let Some(Order(listen, done)) = order else { return };
                listener = if listen { TcpListener::bind(address).await.ok() } else { None };
                // Without an answer the test fails: it waits for one.
                if listen == listener.is_some() {
                    done.send(()).expect("who waits");
                }
            }
            accepted = accepted => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(serve(client, server, plan.clone(), noted.clone()));
            }
        }
    }
}

/// Serves a connection.
async fn serve(
    client: TcpStream,
    server: SocketAddr,
    plan: watch::Receiver<Plan>,
    noted: watch::Sender<Stopped>,
) {
    let cuts = plan.borrow().cuts;
    // A client whose server is gone meets the end of its connection.
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let line = |direction| Line { plan: plan.clone(), noted: noted.clone(), cuts, direction };
    tokio::join!(
        line(Direction::Requests).pass(from_client, to_server),
        line(Direction::Answers).pass(from_server, to_client),
    );
}

/// One direction of a connection.
struct Line {
    plan: watch::Receiver<Plan>,
    noted: watch::Sender<Stopped>,
    /// How often connections had been cut before this one came.
    cuts: u64,
    direction: Direction,
}

impl Line {
    /// Passes bytes on until either end closes, or the connection is cut.
    async fn pass(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let (cuts, mut plan) = (self.cuts, self.plan.clone());
            let read = tokio::select! {
                biased;
                _ = plan.wait_for(|plan| plan.cuts != cuts) => break,
                read = from.read(&mut buffer) => read.unwrap_or(0),
            };
            if read == 0 || !self.pass_on(&buffer[..read], &mut to).await {
                break;
            }
        }
        // The other end may be gone already.
        drop(to.shutdown().await);
    }

    /// Returns whether the connection goes on.
    async fn pass_on(&mut self, bytes: &[u8], to: &mut OwnedWriteHalf) -> bool {
        let direction = self.direction;
        let flow = move |plan: &Plan| match direction {
            Direction::Requests => plan.requests,
            Direction::Answers => plan.answers,
        };
        if flow(&self.plan.borrow()) != Flow::Pass {
            self.noted.send_modify(|stopped| match direction {
                Direction::Requests => stopped.requests += 1,
                Direction::Answers => stopped.answers += 1,
            });
        }
        // The request of a connection that was cut arrives late; its answer never does.
        let cut = |plan: &Plan| matches!(direction, Direction::Answers) && plan.cuts != self.cuts;
        let now = self.plan.wait_for(|plan| flow(plan) != Flow::Hold || cut(plan)).await;
        let Ok(now) = now.map(|plan| flow(&plan)) else { return false };
        now != Flow::Pass || to.write_all(bytes).await.is_ok()
    }
}
