//! Real servers of object stores on free ports of loopback: moto for S3, azurite for Azure. Each is
//! started once per test process and ends with it.

#![allow(dead_code, reason = "two test programs share it, and each uses a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

/// Runs a server in a temporary folder until standard input ends, at the latest with the test
/// process.
const UNTIL_INPUT_ENDS: &str = r#"
folder=$(mktemp -d) && cd "$folder" || exit 1
"$@" 2>&1 &
server=$!
cat >/dev/null
kill -9 "$server"
cd / && rm -rf "$folder"
"#;

/// The account of azurite, and its key, which is public:
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite>.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server that runs while its standard input is open.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _input: ChildStdin,
}

/// A bucket or a container on a server, and the environment variables for it.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// The scheme of its URLs and its name, such as `s3://one`.
    pub(crate) url: String,
    /// The server.
    pub(crate) address: SocketAddr,
    variables: Vec<(&'static str, String)>,
}

impl Bucket {
    /// Returns the environment with another address of the server, such as that of a proxy.
    pub(crate) fn environment_at(&self, address: SocketAddr) -> Vec<(String, String)> {
        let (from, to) = (self.address.to_string(), address.to_string());
        let variables = self.variables.iter();
        variables.map(|(name, value)| ((*name).to_owned(), value.replace(&from, &to))).collect()
    }

    /// Returns the environment.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.environment_at(self.address)
    }
}

/// Creates a bucket in moto. Reports and returns `None` if moto is not installed.
pub(crate) fn s3(name: &str) -> Option<Bucket> {
    static MOTO: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let program = installed("moto/bin/moto_server")?;
        Some(Server::start(&program, &["-H", "127.0.0.1", "-p", "0"], "Running on http://"))
    };
    let address = MOTO.get_or_init(start).as_ref()?.address;
    request(address, "PUT", &format!("/{name}"));
    let variables = vec![
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
        ("AWS_ENDPOINT_URL_S3", format!("http://{address}")),
    ];
    Some(Bucket { url: format!("s3://{name}"), address, variables })
}

/// Creates a container in azurite. Reports and returns `None` if azurite is not installed.
pub(crate) fn azure(name: &str) -> Option<Bucket> {
    static AZURITE: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let program = installed("azurite/node_modules/.bin/azurite-blob")?;
        let arguments = [
            "--inMemoryPersistence",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            "0",
        ];
        Some(Server::start(&program, &arguments, "successfully listens on http://"))
    };
    let address = AZURITE.get_or_init(start).as_ref()?.address;
    request(address, "PUT", &format!("/{ACCOUNT}/{name}?restype=container&{}", azure_sas()));
    let variables = vec![
        ("AZURE_STORAGE_ACCOUNT", ACCOUNT.to_owned()),
        ("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT_KEY.to_owned()),
        ("AZURE_STORAGE_ENDPOINT", format!("http://{address}/{ACCOUNT}")),
    ];
    Some(Bucket { url: format!("az://{name}"), address, variables })
}

/// Returns a shared access signature of azurite's account:
/// <https://learn.microsoft.com/rest/api/storageservices/create-account-sas>.
pub(crate) fn azure_sas() -> String {
    let (version, expiry) = ("2019-12-12", "2099-01-01T00:00:00Z");
    let signed = format!("{ACCOUNT}\nrwdlacup\nb\nsco\n\n{expiry}\n\n\n{version}\n");
    let key = BASE64_STANDARD.decode(ACCOUNT_KEY).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    mac.update(signed.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
    format!("sv={version}&ss=b&srt=sco&sp=rwdlacup&se={expiry}&sig={signature}")
}

impl Server {
    /// Starts a server, and waits until it prints its address.
    fn start(program: &Path, arguments: &[&str], before_address: &str) -> Self {
        let started = Self::try_start(program, arguments, before_address);
        started.unwrap_or_else(|| panic!("{} does not listen", program.display()))
    }

    /// Starts a server, and waits until it prints its address; `None` if it ends before.
    pub(crate) fn try_start(
        program: &Path,
        arguments: &[&str],
        before_address: &str,
    ) -> Option<Self> {
        let mut child = Command::new("sh")
            .args(["-c", UNTIL_INPUT_ENDS, "sh"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh");
        let input = child.stdin.take().expect("a pipe");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once(before_address)?.1.trim().to_owned()))
            .and_then(|address| address.parse().ok());
        // The output must be read, or the server blocks eventually.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(drop);
            child.wait()
        });
        Some(Self { address: address?, _input: input })
    }
}

/// Returns the path of a program that `.ci/stores` installed. Reports a missing one, which fails in
/// CI.
#[expect(clippy::disallowed_methods, reason = "a test's own environment")]
fn installed(program: &str) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("stores").join(program);
    if path.exists() {
        return Some(path);
    }
    missing(&path.display().to_string());
    None
}

/// Reports that a server is not installed, which fails in CI.
#[expect(clippy::disallowed_methods, reason = "a test's own environment")]
pub(crate) fn missing(server: &str) {
    let missing = format!("{server} is missing: run .ci/stores");
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!ci, "{missing}");
    // Written directly, since the test harness captures the output of passing tests.
    let words = format!("\n!!! NOT RUN: the tests against this server. {missing}\n\n");
    std::io::stderr().write_all(words.as_bytes()).expect("stderr");
}

/// Sends a request without body. Panics if it fails.
fn request(address: SocketAddr, method: &str, target: &str) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nx-ms-version: \
         2019-12-12\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}
