//! A real PostgreSQL server, and PgBouncer in front of it, on free ports of loopback. Both end with
//! the test process.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::servers::{self, Server};

/// The password of the superuser.
const SUPERUSER_PASSWORD: &str = "only-the-tests-know-it";

/// The password of the role that owns the database.
pub(crate) const PASSWORD: &str = "s3cr3t-of-the-database";

/// The shell script that controls a server.
const SCRIPT: &str = include_str!("postgres.sh");

/// Runs PgBouncer in a temporary folder until standard input ends. Its configuration and its users
/// are arguments.
const BOUNCER: &str = r#"
printf '%s\n' "$2" >bouncer.ini && printf '%s\n' "$3" >users.txt || exit 1
as=
if [ "$(id -u)" = 0 ]; then
    chown -R nobody .
    as="setpriv --reuid=$(id -u nobody) --regid=$(id -g nobody) --clear-groups"
fi
exec $as "$1" bouncer.ini
"#;

/// The ports that are tried. Outgoing connections use other ports.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How often another port is tried, because another process may take a free port first.
const TRIES: usize = 20;

/// A PostgreSQL server.
pub(crate) struct Postgres {
    programs: PathBuf,
    port: u16,
    control: Mutex<Control>,
    schemas: AtomicUsize,
}

/// The shell that controls a server.
struct Control {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A schema on a server, which need not exist yet, and the environment variables for it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// The server, or a pooler or proxy in front of it.
    pub(crate) address: SocketAddr,
    pub(crate) schema: String,
    pub(crate) user: String,
    psql: PathBuf,
    port: u16,
}

/// Which crashes the acknowledged commits of a server survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// Any crash.
    Full,
    /// Crashes of the server, but not of the machine.
    WithoutSync,
}

/// Returns the server that all tests of this process share. Reports and returns `None` if
/// PostgreSQL is not installed.
pub(crate) fn shared() -> Option<&'static Postgres> {
    static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
    SHARED.get_or_init(|| Postgres::start_new(Durability::WithoutSync)).as_ref()
}

/// Returns an unused schema on the shared server.
pub(crate) fn database() -> Option<Database> {
    shared().map(Postgres::database)
}

/// Starts a separate server that syncs every commit.
pub(crate) fn durable() -> Option<Postgres> {
    Postgres::start_new(Durability::Full)
}

/// Starts PgBouncer in transaction mode in front of a server.
pub(crate) fn bouncer(server: &Postgres) -> Option<Server> {
    let Some(program) = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
        .map(Path::new)
        .into_iter()
        .find(|it| it.exists())
    else {
        servers::missing("PgBouncer");
        return None;
    };
    let users = format!("\"fleet\" \"{}\"\n\"postgres\" \"{SUPERUSER_PASSWORD}\"", secret());
    let started = (0..TRIES).find_map(|_| {
        let configuration = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = users.txt\n\
             pool_mode = transaction\nmax_client_conn = 1000\ndefault_pool_size = 10\n\
             server_login_retry = 1",
            server.port,
            free_port()
        );
        let program = program.to_str().expect("UTF-8");
        let arguments = ["-c", BOUNCER, "sh", program, &configuration, &users];
        Server::try_start(Path::new("sh"), &arguments, "listening on ")
    });
    Some(started.expect("a port for PgBouncer"))
}

impl Postgres {
    /// Starts a server. Reports and returns `None` if PostgreSQL is not installed.
    fn start_new(durability: Durability) -> Option<Self> {
        let Some(programs) = installed() else {
            servers::missing("PostgreSQL");
            return None;
        };
        let mut child = Command::new("sh");
        child.args(["-c", SCRIPT, "sh"]).arg(&programs).args([SUPERUSER_PASSWORD, &secret()]);
        child.args(["max_connections = 300", "shared_buffers = 32MB"]);
        match durability {
            Durability::Full => {}
            Durability::WithoutSync => {
                child.args(["fsync = off", "full_page_writes = off"]);
            }
        }
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || child.wait());
        let mut control = Control { input, output };
        let port = (0..TRIES).map(|_| free_port()).find(|port| control.command("start", *port));
        let port = port.expect("a server that starts");
        assert!(control.command("create", port), "no role, or no database");
        let (control, schemas) = (Mutex::new(control), AtomicUsize::default());
        Some(Self { programs, port, control, schemas })
    }

    /// Returns the server's address.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns an unused schema.
    pub(crate) fn database(&self) -> Database {
        let schema = format!("state_{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        let psql = self.programs.join("psql");
        let (address, user, port) = (self.address(), "fleet".to_owned(), self.port);
        Database { address, schema, user, psql, port }
    }

    /// Stops the server at once, as a crash does.
    pub(crate) fn stop(&self) {
        assert!(self.command("stop"), "the server does not stop");
    }

    /// Starts the server again, and waits until it has recovered.
    pub(crate) fn start(&self) {
        assert!(self.command("start"), "the server does not start");
    }

    fn command(&self, command: &str) -> bool {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        control.command(command, self.port)
    }
}

impl Control {
    /// Sends a command to the shell, and returns whether it succeeded.
    fn command(&mut self, command: &str, port: u16) -> bool {
        writeln!(self.input, "{command} {port}").expect("a pipe");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("a pipe");
        answer == "done\n"
    }
}

impl Database {
    /// Returns the URL of its state.
    pub(crate) fn url(&self) -> String {
        let Self { address, schema, .. } = self;
        format!("postgres://{address}/fleet?schema={schema}&lease=15s")
    }

    /// Returns the environment variables for it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let variables = [("PGUSER", self.user.as_str()), ("PGPASSWORD", PASSWORD)];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Returns the same schema with another address, such as that of a pooler or proxy.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Returns the same schema with a new role that may only log in.
    pub(crate) fn by_new_role(&self) -> Self {
        let user = format!("role_{}", self.schema);
        self.sql(&format!("CREATE ROLE {user} LOGIN PASSWORD '{}'", secret()));
        Self { user, ..self.clone() }
    }

    /// Returns the same schema with a new role that may create schemas.
    pub(crate) fn by_new_owner(&self) -> Self {
        let owner = self.by_new_role();
        self.sql(&format!("GRANT CREATE ON DATABASE fleet TO {}", owner.user));
        owner
    }

    /// Executes statements as the superuser, directly on the server, with the schema as search
    /// path. Returns their result: one row per line, with `|` between columns.
    #[track_caller]
    pub(crate) fn sql(&self, statements: &str) -> String {
        let output = Command::new(&self.psql)
            .args([
                "-X",
                "-A",
                "-t",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
                "-U",
                "postgres",
            ])
            .args(["-p", &self.port.to_string(), "-d", "fleet", "-c", statements])
            .env("PGPASSWORD", SUPERUSER_PASSWORD)
            .env("PGOPTIONS", format!("-c search_path={}", self.schema))
            .output()
            .expect("psql");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statements}\n{errors}");
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// Terminates all connections of its role.
    pub(crate) fn terminate_backends(&self) {
        let role = &self.user;
        self.sql(&format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '{role}'"
        ));
    }
}

/// Returns the SCRAM secret of [`PASSWORD`] with a single iteration:
/// <https://www.rfc-editor.org/rfc/rfc5802>. The usual number of iterations would take most of the
/// time of an unoptimized test.
fn secret() -> String {
    const SALT: &[u8] = b"salt of the tests";
    let mac = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes()
    };
    let salted = mac(PASSWORD.as_bytes(), &[SALT, &1_u32.to_be_bytes()]);
    let stored = Sha256::digest(mac(&salted, &[b"Client Key"]));
    let (salt, stored) = (BASE64_STANDARD.encode(SALT), BASE64_STANDARD.encode(stored));
    let server = BASE64_STANDARD.encode(mac(&salted, &[b"Server Key"]));
    format!("SCRAM-SHA-256$1:{salt}${stored}:{server}")
}

/// Returns the folder of the newest installed server's programs.
fn installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.map_while(Result::ok).filter_map(|version| {
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        Some((number, version.path().join("bin")))
    });
    let complete = |(_, programs): &(u32, PathBuf)| {
        ["initdb", "postgres", "pg_ctl", "psql"].iter().all(|name| programs.join(name).exists())
    };
    versions.filter(complete).max().map(|(_, programs)| programs)
}

/// Returns a port that is currently free.
pub(super) fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(PORTS)).find(free).expect("a free port")
}
