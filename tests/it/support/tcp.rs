//! A TCP proxy on loopback with fault injection for the connections to a server.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc as blocking};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::postgres::free_port;

/// What happens to the bytes of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They are forwarded.
    Pass,
    /// They are held. Those of clients whose connection is cut meanwhile are held until
    /// [`TcpProxy::deliver`].
    Hold,
    /// They are dropped.
    Drop,
}

/// A proxy of one server. It serves on a separate thread until it is dropped.
pub(crate) struct TcpProxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    commands: mpsc::UnboundedSender<Command>,
}

/// The state that the test and the connections share.
struct Shared {
    plan: watch::Sender<Plan>,
    seen: watch::Sender<Counts>,
}

/// The faults that a test has set.
#[derive(Clone, Copy)]
struct Plan {
    requests: Flow,
    answers: Flow,
    /// How often all connections were cut.
    cuts: u64,
    /// Connections with a lower number of cuts deliver the bytes that they held.
    delivered: u64,
    /// The number of answers that pass before one is lost with its connection.
    until_loss: Option<u64>,
    /// The number of answers after which all connections are cut.
    until_cut: Option<u64>,
}

/// The counts of what the proxy has seen.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// The number of accepted connections.
    connections: u64,
    /// How often bytes of a client were held or dropped.
    requests: u64,
    /// How often bytes of the server were held or dropped.
    answers: u64,
}

/// Whether to accept connections from now on, and the channel for the reply.
struct Command(bool, blocking::Sender<()>);

/// A direction of a connection.
#[derive(Clone, Copy)]
enum Direction {
    Requests,
    Answers,
}

impl TcpProxy {
    /// Starts a proxy of a server without faults.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let (requests, answers) = (Flow::Pass, Flow::Pass);
        let plan =
            Plan { requests, answers, cuts: 0, delivered: 0, until_loss: None, until_cut: None };
        let (plan, seen) = (watch::Sender::new(plan), watch::Sender::default());
        let shared = Arc::new(Shared { plan, seen });
        let serving = Arc::clone(&shared);
        let (commands, receiver) = mpsc::unbounded_channel();
        let address = SocketAddr::new(server.ip(), free_port());
        let (ready, started) = blocking::channel();
        commands.send(Command(true, ready)).expect("its channel");
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_io().build().expect("a runtime");
            runtime.block_on(accept(address, server, serving, receiver));
        });
        started.recv().expect("a free port");
        Self { address, shared, commands }
    }

    /// Sets what happens to the bytes of clients from now on.
    pub(crate) fn requests(&self, flow: Flow) {
        self.shared.plan.send_modify(|plan| plan.requests = flow);
    }

    /// Sets what happens to the bytes of the server from now on.
    pub(crate) fn answers(&self, flow: Flow) {
        self.shared.plan.send_modify(|plan| plan.answers = flow);
    }

    /// Cuts all connections, and accepts new ones.
    pub(crate) fn cut(&self) {
        self.shared.plan.send_modify(|plan| plan.cuts += 1);
    }

    /// Cuts all connections after `answers` further answers. The next answer is lost.
    pub(crate) fn lose_answer_after(&self, answers: u64) {
        self.shared.plan.send_modify(|plan| plan.until_loss = Some(answers));
    }

    /// Cuts all connections right after `answers` further answers, at least one.
    pub(crate) fn cut_after(&self, answers: u64) {
        self.shared.plan.send_modify(|plan| plan.until_cut = Some(answers));
    }

    /// Returns whether the planned loss of an answer has happened.
    pub(crate) fn has_lost_answer(&self) -> bool {
        self.shared.plan.borrow().until_loss.is_none()
    }

    /// Forwards the held bytes of clients whose connections were cut: they arrive late.
    pub(crate) fn deliver(&self) {
        self.shared.plan.send_modify(|plan| plan.delivered = plan.cuts);
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
        self.commands.send(Command(listen, done)).expect("its thread");
        answer.recv().expect("its thread");
    }

    /// Waits until bytes of the server are held or dropped for the first time, so that it has
    /// answered.
    pub(crate) async fn until_answer_stopped(&self) {
        let mut seen = self.shared.seen.subscribe();
        seen.wait_for(|seen| seen.answers > 0).await.expect("its thread");
    }

    /// Waits until `times` further connections are accepted.
    pub(crate) async fn until_connected(&self, times: u64) {
        let mut seen = self.shared.seen.subscribe();
        let before = seen.borrow().connections;
        seen.wait_for(|seen| seen.connections >= before + times).await.expect("its thread");
    }

    /// Waits until bytes of a client are held or dropped for the first time.
    pub(crate) async fn until_request_stopped(&self) {
        let mut seen = self.shared.seen.subscribe();
        seen.wait_for(|seen| seen.requests > 0).await.expect("its thread");
    }
}

/// Serves until the proxy is dropped.
async fn accept(
    address: SocketAddr,
    server: SocketAddr,
    shared: Arc<Shared>,
    mut commands: mpsc::UnboundedReceiver<Command>,
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
            command = commands.recv() => {
                let Some(Command(listen, done)) = command else { return };
                listener = if listen { TcpListener::bind(address).await.ok() } else { None };
                // Without a reply the waiting test fails.
                if listen == listener.is_some() {
                    done.send(()).expect("the waiting test");
                }
            }
            accepted = accepted => {
                let Ok((client, _)) = accepted else { continue };
                shared.seen.send_modify(|seen| seen.connections += 1);
                connections.spawn(serve(client, server, Arc::clone(&shared)));
            }
        }
    }
}

/// Serves a connection.
async fn serve(client: TcpStream, server: SocketAddr, shared: Arc<Shared>) {
    let cuts = shared.plan.borrow().cuts;
    // If the server is stopped, the connection of the client is closed.
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let pipe = |direction| Pipe { shared: Arc::clone(&shared), cuts, direction };
    tokio::join!(
        pipe(Direction::Requests).run(from_client, to_server),
        pipe(Direction::Answers).run(from_server, to_client),
    );
}

/// One direction of a connection.
struct Pipe {
    shared: Arc<Shared>,
    /// How often all connections had been cut when this one was accepted.
    cuts: u64,
    direction: Direction,
}

impl Pipe {
    /// Forwards bytes until either end closes, or the connection is cut.
    async fn run(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let (cuts, mut plan) = (self.cuts, self.shared.plan.subscribe());
            let read = tokio::select! {
                biased;
                _ = plan.wait_for(|plan| plan.cuts != cuts) => break,
                read = from.read(&mut buffer) => read.unwrap_or(0),
            };
            if read == 0 || !self.forward(&buffer[..read], &mut to).await {
                break;
            }
        }
        // The other end may be closed already.
        drop(to.shutdown().await);
    }

    /// Forwards, holds or drops bytes. Returns whether the connection continues.
    async fn forward(&self, bytes: &[u8], to: &mut OwnedWriteHalf) -> bool {
        let (direction, mut plan) = (self.direction, self.shared.plan.subscribe());
        if matches!(direction, Direction::Answers) && self.is_to_be_lost() {
            return false;
        }
        let flow = move |plan: &Plan| match direction {
            Direction::Requests => plan.requests,
            Direction::Answers => plan.answers,
        };
        if flow(&plan.borrow()) != Flow::Pass {
            self.shared.seen.send_modify(|seen| match direction {
                Direction::Requests => seen.requests += 1,
                Direction::Answers => seen.answers += 1,
            });
        }
        let cuts = self.cuts;
        // The flow. Of cut connections requests may arrive late, but answers never do.
        let decided = move |plan: &Plan| match (plan.cuts == cuts, direction) {
            (true, _) => Some(flow(plan)).filter(|flow| *flow != Flow::Hold),
            (false, Direction::Requests) => (plan.delivered > cuts).then_some(Flow::Pass),
            (false, Direction::Answers) => Some(Flow::Drop),
        };
        let now = plan.wait_for(|plan| decided(plan).is_some()).await;
        let Ok(Some(now)) = now.map(|plan| decided(&plan)) else { return false };
        let passed = now != Flow::Pass || to.write_all(bytes).await.is_ok();
        passed && !(matches!(direction, Direction::Answers) && self.is_to_be_cut())
    }

    /// Counts a forwarded answer. Cuts all connections after the last planned one.
    fn is_to_be_cut(&self) -> bool {
        self.shared.plan.send_if_modified(|plan| {
            plan.until_cut = plan.until_cut.and_then(|answers| answers.checked_sub(1));
            let is_last = plan.until_cut == Some(0);
            if is_last {
                plan.until_cut = None;
                plan.cuts += 1;
            }
            is_last
        })
    }

    /// Counts an answer. Cuts all connections if it is the one to lose.
    fn is_to_be_lost(&self) -> bool {
        let mut lost = false;
        self.shared.plan.send_modify(|plan| {
            lost = plan.until_loss == Some(0);
            plan.until_loss = plan.until_loss.and_then(|answers| answers.checked_sub(1));
            plan.cuts += u64::from(lost);
        });
        lost
    }
}
