//! Services on loopback: `roomctl emulator` in its own process, and a service that never answers.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Stdio};

use super::test_dir::{CommandResult, TestDir};

/// The secret of the served application.
pub(crate) const SECRET: &str = "s3cr3t-of-the-served-application";

/// An emulator in a process of its own; dropping this value kills the process.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// The output up to the line "press Ctrl-C to stop".
    pub(crate) greeting: String,
    // Keeps the pipe open, so that the emulator can write to it.
    _stdout: BufReader<ChildStdout>,
}

impl Served {
    /// Serves app 1 with [`SECRET`], on a free port.
    pub(crate) fn start(dir: &TestDir, options: &str) -> Self {
        Self::start_with(dir, SECRET, options)
    }

    /// Serves app 1 with this secret, on a free port.
    pub(crate) fn start_with(dir: &TestDir, secret: &str, options: &str) -> Self {
        let mut command = dir.command(&format!("emulator --listen 127.0.0.1:0 {options}"));
        command.env("ZEGO_SERVER_SECRET", secret).env("TENCENT_SECRET_KEY", secret);
        command.stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the emulator starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("its stdout"));
        let mut greeting = String::new();
        while !greeting.contains("press Ctrl-C to stop") {
            let read = stdout.read_line(&mut greeting).expect("its greeting");
            assert!(read > 0, "the emulator ended early: {greeting}");
        }
        let url = greeting.lines().find_map(|line| line.strip_prefix("listening on "));
        let url = url.expect("the address it listens on").to_owned();
        Self { child, url, greeting, _stdout: stdout }
    }

    /// Returns the address that the emulator listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, address) = self.url.split_once("//").expect("a URL");
        address.parse().expect("an address and a port")
    }

    /// Runs a command against the emulator, with its secret.
    pub(crate) fn run(&self, dir: &TestDir, line: &str) -> CommandResult {
        dir.run_with(&[("ZIM_ENDPOINT", &self.url), ("ZEGO_SERVER_SECRET", SECRET)], line)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A service that accepts a call and never answers it.
pub(crate) struct Silent {
    listener: TcpListener,
    pub(crate) url: String,
}

impl Silent {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        Self { listener, url }
    }

    /// Waits until a call has arrived, and returns its open connection.
    pub(crate) fn called(&self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().expect("a connection");
        let mut first = [0; 1];
        stream.read_exact(&mut first).expect("a call");
        stream
    }
}
