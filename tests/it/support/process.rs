//! Runs the real binary against a service in the test process, and kills it at a chosen request.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use roomctl::emulator::App;
use roomctl::model::Kind;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};

use super::world::APP;
use super::{World, write};

/// The fate of the request at which a process is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It never arrives.
    Lost,
    /// It is executed, and the answer is lost.
    Done,
    /// It is executed when the next run sends its first request: before that request, or after it.
    Late(Order),
}

/// The order of execution of two requests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Before,
    After,
}

/// A world whose service listens on loopback.
pub(crate) struct Served {
    pub(crate) world: World,
    address: SocketAddr,
    interceptor: Arc<Interceptor>,
    server: JoinHandle<()>,
}

/// The interceptor of requests between the processes and the service.
#[derive(Default)]
struct Interceptor {
    next: Mutex<Plan>,
    reached: Notify,
}

/// The plan of the interceptor.
#[derive(Default)]
struct Plan {
    /// The number of requests that pass before the one at which the process is killed.
    passing: u64,
    fate: Option<Fate>,
    late: Option<(Request, Next, Order)>,
}

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Killed,
    Exited { code: Option<i32>, words: String },
}

impl Served {
    pub(crate) async fn new(world: World) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let interceptor = Arc::new(Interceptor::default());
        let router = world.emulator.router().layer(from_fn_with_state(interceptor.clone(), pass));
        let server = tokio::spawn(async { axum::serve(listener, router).await.expect("served") });
        Self { world, address, interceptor, server }
    }

    /// Writes a file of the fleet as rooms.yaml, for this service and with these limits.
    pub(crate) fn declare(&self, text: &str, limits: &str) {
        let endpoint = format!("endpoint: \"http://{}\", {limits}", self.address);
        let text = text.replace("endpoint: emulator", &endpoint);
        write(&self.world.folder.path().join("rooms.yaml"), &text);
    }

    /// Applies what is declared.
    pub(crate) async fn apply(&self) -> End {
        self.apply_until(u64::MAX, Fate::Lost).await
    }

    /// Applies what is declared, and kills the process at the request after `passing` requests.
    pub(crate) async fn apply_until(&self, passing: u64, fate: Fate) -> End {
        self.run_until(&["apply", "--auto-approve", "--allow-destroy", "100"], passing, fate).await
    }

    /// Runs the binary with these arguments.
    pub(crate) async fn run(&self, arguments: &[&str]) -> End {
        self.run_until(arguments, u64::MAX, Fate::Lost).await
    }

    async fn run_until(&self, arguments: &[&str], passing: u64, fate: Fate) -> End {
        {
            let mut next = self.interceptor.next();
            (next.passing, next.fate) = (passing, Some(fate));
        }
        let mut child = self.start(arguments);
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut ended = spawn_blocking(move || {
            let mut words = String::new();
            stdout.read_to_string(&mut words).expect("UTF-8");
            words
        });
        let killed = tokio::select! {
            words = &mut ended => Err(words.expect("read")),
            () = self.interceptor.reached.notified() => Ok(()),
        };
        if killed.is_ok() {
            child.kill().expect("killed");
        }
        let status = spawn_blocking(move || child.wait()).await.expect("joined").expect("ended");
        match killed {
            Ok(()) => End::Killed,
            Err(words) => End::Exited { code: status.code(), words: words + &self.stderr() },
        }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let folder = self.world.folder.path();
        let stderr = File::create(folder.join("stderr")).expect("a file");
        Command::new(env!("CARGO_BIN_EXE_roomctl"))
            .current_dir(folder)
            .args(arguments)
            .env_clear()
            .envs(Kind::ALL.iter().map(|kind| {
                let App { kind: _, app_id: _, secret } = App::with_own_secret(*kind, APP);
                (kind.default_secret_variable(), secret.expose().to_owned())
            }))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("a process")
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.world.folder.path().join("stderr")).expect("the standard error")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Interceptor {
    fn next(&self) -> MutexGuard<'_, Plan> {
        self.next.lock().expect("the plan")
    }

    /// Returns the late request to execute with the current one, and the fate of the current one.
    fn take_plan(&self) -> (Option<(Request, Next, Order)>, Option<Fate>) {
        let mut next = self.next();
        let late = next.late.take();
        if next.passing > 0 {
            next.passing -= 1;
            return (late, None);
        }
        next.passing = u64::MAX;
        (late, next.fate)
    }
}

/// Lets a request pass, or has the process killed at it.
async fn pass(
    State(interceptor): State<Arc<Interceptor>>,
    request: Request,
    next: Next,
) -> Response {
    let (late, fate) = interceptor.take_plan();
    let after = match late {
        Some((request, next, Order::Before)) => {
            next.run(request).await;
            None
        }
        Some((request, next, Order::After)) => Some((request, next)),
        None => None,
    };
    let passed = match fate {
        None => Some(next.run(request).await),
        Some(Fate::Lost) => None,
        Some(Fate::Done) => {
            next.run(request).await;
            None
        }
        Some(Fate::Late(order)) => {
            interceptor.next().late = Some((request, next, order));
            None
        }
    };
    if let Some((request, next)) = after {
        next.run(request).await;
    }
    if let Some(response) = passed {
        return response;
    }
    interceptor.reached.notify_one();
    std::future::pending().await
}
