//! Connects the declared providers: their secrets, their endpoints, the built-in emulator.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::args::Global;
use super::context::variable;
use super::exit::{Exit, Stopped};
use crate::applier::{Connection, Connections, Observers};
use crate::config::{ReadError, Size, read_regular};
use crate::emulator::{App, Data, Emulator, EmulatorConfig, EmulatorError, Running};
use crate::model::{
    Application, Clock, Desired, Endpoint, Finding, Kind, Provider, ProviderName, Secret,
    SecretSource, Timestamp,
};
use crate::provider::http::{AllowedHosts, SystemClock};
use crate::provider::{self, Clocks, Observer, PreviousRun, ReadOnly};
use crate::state::{LastCalls, Snapshot};

/// The shortest secret that is taken, in characters: a shorter one could not be told from other text,
/// which is to be kept out of every output.
const SHORTEST_SECRET: usize = 16;

/// The largest secret file that is read.
const LARGEST_SECRET_FILE: Size = Size(64 << 10);

/// What a command does with the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It only looks: the built-in emulator's world is left untouched.
    Looks,
    /// It changes rooms.
    Changes,
}

/// The providers that can be called.
pub(super) struct Connected {
    /// The connections.
    pub(super) connections: Connections,
    /// The providers that have no credentials, and which are missing.
    pub(super) missing: BTreeMap<ProviderName, String>,
    /// The built-in emulator, where a provider is on it.
    pub(super) emulator: Option<Running>,
}

/// The time now.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// Connects every declared provider whose credentials are there.
pub(super) async fn connect(
    desired: &Desired,
    state: &Path,
    purpose: Use,
    global: &Global,
) -> Result<Connected, Stopped> {
    let mut secrets = BTreeMap::new();
    let mut missing = BTreeMap::new();
    for (name, provider) in &desired.providers {
        match secret(provider)? {
            Found::Secret(secret) => drop(secrets.insert(name.clone(), secret)),
            Found::Missing(what) => drop(missing.insert(name.clone(), what)),
        }
    }
    let emulator = emulator(desired, &secrets, state, purpose).await?;
    let mut connections = Connections::new();
    for (name, secret) in secrets {
        let provider = &desired.providers[&name];
        let connection = connection(provider, secret, emulator.as_ref(), global)?;
        connections.insert(name, connection);
    }
    let emulator = emulator.map(|(_, running)| running);
    Ok(Connected { connections, missing, emulator })
}

/// Refuses to go on where credentials are missing.
pub(super) fn require_secrets(desired: &Desired) -> Result<(), Stopped> {
    for (name, provider) in &desired.providers {
        if let Found::Missing(what) = secret(provider)? {
            return Err(no_credentials(name, &what));
        }
    }
    Ok(())
}

impl Connected {
    /// No connection at all: nothing is asked.
    pub(super) fn none() -> Self {
        Self { connections: BTreeMap::new(), missing: BTreeMap::new(), emulator: None }
    }

    /// Refuses to go on where credentials are missing.
    pub(super) fn require_credentials(&self) -> Result<(), Stopped> {
        let missing = self.missing.iter().next();
        missing.map_or(Ok(()), |(name, what)| Err(no_credentials(name, what)))
    }

    /// A word on every provider that was not asked for want of credentials.
    pub(super) fn not_asked(&self) -> Vec<Finding> {
        let word = |(name, what): (&ProviderName, &String)| {
            let message = format!("provider `{name}` was not asked");
            Finding::warning("not_asked", message).help(what.clone())
        };
        self.missing.iter().map(word).collect()
    }

    /// Observers that never register an operator.
    pub(super) fn read_only(&self) -> Observers {
        let eye = |(name, connection): (&ProviderName, &Connection)| {
            let eye: Arc<dyn Observer> = Arc::new(ReadOnly::new(connection.client.clone()));
            (name.clone(), eye)
        };
        self.connections.iter().map(eye).collect()
    }

    /// Takes the limits as used up until the last calls of the run before.
    pub(super) fn resume(&self, snapshot: &Snapshot, desired: &Desired) {
        let unclean = snapshot.ended_uncleanly;
        let previous = if unclean { PreviousRun::Unclean } else { PreviousRun::Clean };
        let none = BTreeMap::new();
        for (name, connection) in &self.connections {
            let old = || desired.moved.iter().find(|moved| moved.to == *name).map(|it| &it.from);
            let last = snapshot.last_calls.get(name);
            let last = last.or_else(|| snapshot.last_calls.get(old()?)).unwrap_or(&none);
            connection.client.begin_run(last, now(), previous);
        }
    }

    fn last_calls(&self) -> LastCalls {
        let last = |(name, connection): (&ProviderName, &Connection)| {
            (name.clone(), connection.client.last_calls(now()))
        };
        self.connections.iter().map(last).collect()
    }

    /// Ends the built-in emulator, whose world is on disk, after work that ended so; tells when the
    /// last calls were made.
    pub(super) async fn close(
        self,
        done: Result<Exit, Stopped>,
    ) -> (Result<Exit, Stopped>, LastCalls) {
        let last_calls = self.last_calls();
        let closed = match self.emulator {
            Some(running) => running.shutdown().await.map_err(emulator_error),
            None => Ok(()),
        };
        (done.and_then(|exit| closed.map(|()| exit)), last_calls)
    }
}

fn no_credentials(name: &ProviderName, what: &str) -> Stopped {
    Stopped::failed("no_credentials", format!("provider `{name}`: {what}"))
}

/// A failure of the emulator as the end of a command.
pub(super) fn emulator_error(error: EmulatorError) -> Stopped {
    Stopped::failed("emulator", format!("{:#}", anyhow::Error::from(error)))
}

enum Found {
    Secret(Secret),
    Missing(String),
}

/// Why there is no secret.
pub(super) enum NoSecret {
    /// None is there.
    Missing(String),
    /// What is there cannot be read.
    Unreadable(String),
}

/// The secret of a provider. On the built-in emulator one is made where none is set.
fn secret(provider: &Provider) -> Result<Found, Stopped> {
    let bad = |fault| Stopped::failed("secret", format!("provider `{}`: {fault}", provider.name));
    match (read_secret(&provider.secret), provider.emulated()) {
        (Err(NoSecret::Unreadable(fault)), _) => Err(bad(fault)),
        (Err(NoSecret::Missing(_)), true) => Ok(Found::Secret(made_up(provider.kind())?)),
        (Err(NoSecret::Missing(what)), false) => Ok(Found::Missing(what)),
        (Ok(secret), _) => match usable(&secret, &place(provider), provider.kind()) {
            Ok(()) => Ok(Found::Secret(secret)),
            Err(fault) => Err(bad(fault)),
        },
    }
}

/// What a source of a secret holds.
///
/// # Errors
/// Returns [`NoSecret`] where nothing is there, or it is empty, and where it cannot be read.
pub(super) fn read_secret(source: &SecretSource) -> Result<Secret, NoSecret> {
    match source {
        SecretSource::Environment(name) => variable(name).map(Secret::new).ok_or_else(|| {
            NoSecret::Missing(format!(
                "the environment variable {name} is not set: put the application's secret into it"
            ))
        }),
        SecretSource::File(path) => secret_file(path),
    }
}

fn secret_file(path: &Path) -> Result<Secret, NoSecret> {
    let place = path.display();
    let unreadable = |why: &dyn Display| {
        NoSecret::Unreadable(format!("the secret_file {place} cannot be read: {why}"))
    };
    let bytes = match read_regular(path, LARGEST_SECRET_FILE) {
        Ok(bytes) => bytes,
        Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => {
            return Err(NoSecret::Missing(format!("there is no secret_file {place}")));
        }
        Err(error) => return Err(unreadable(&error)),
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(&"it is not UTF-8"))?;
    match trimmed(&text) {
        "" => Err(NoSecret::Missing(format!("the secret_file {place} is empty"))),
        secret => Ok(Secret::new(secret.to_owned())),
    }
}

/// Says what is wrong with a secret that cannot be one, and never the secret: it is too short to be
/// told from other text, or holds white space or quotation marks.
pub(super) fn usable(secret: &Secret, place: &str, kind: Kind) -> Result<(), String> {
    let text = secret.expose();
    let fault = if !text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'')) {
        "holds what is no secret, such as white space or quotation marks that were copied along"
            .to_owned()
    } else if text.len() < SHORTEST_SECRET {
        format!("holds a secret of fewer than {SHORTEST_SECRET} characters")
    } else {
        return Ok(());
    };
    Err(format!("{place} {fault}: put {} into it and nothing else", digits(kind)))
}

/// Warns of a secret that does not look like one of the vendor's.
fn doubt(secret: &Secret, provider: &Provider) {
    let text = secret.expose();
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || text.len() != provider.kind().secret_digits() {
        let (place, digits) = (place(provider), digits(provider.kind()));
        let provider = &provider.name;
        tracing::warn!(%provider, "{place} does not look like {digits}: check that it is the right one");
    }
}

/// What the vendor's console shows as the secret.
fn digits(kind: Kind) -> String {
    let name = match kind {
        Kind::Rtc | Kind::Zim => "ServerSecret",
        Kind::TencentLive => "SecretKey",
    };
    format!("the {name} ({} hexadecimal digits)", kind.secret_digits())
}

/// Where the secret of a provider stands.
fn place(provider: &Provider) -> String {
    match &provider.secret {
        SecretSource::Environment(name) => format!("the environment variable {name}"),
        SecretSource::File(path) => format!("the secret_file {}", path.display()),
    }
}

/// A secret for one run of the built-in emulator, as long as the vendor's are.
fn made_up(kind: Kind) -> Result<Secret, Stopped> {
    let mut bytes = vec![0; kind.secret_digits() / 2];
    getrandom::fill(&mut bytes).map_err(|error| {
        Stopped::failed("random", format!("the system has no random numbers: {error}"))
    })?;
    Ok(Secret::new(hex::encode(bytes)))
}

/// A secret file's text without the one newline at its end.
fn trimmed(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

async fn emulator(
    desired: &Desired,
    secrets: &BTreeMap<ProviderName, Secret>,
    state: &Path,
    purpose: Use,
) -> Result<Option<(Emulator, Running)>, Stopped> {
    let emulated = desired.providers.values().filter(|provider| provider.emulated());
    let apps: Vec<App> = emulated
        .filter_map(|provider| {
            let secret = secrets.get(&provider.name)?.clone();
            Some(App { kind: provider.kind(), app_id: provider.app_id, secret })
        })
        .collect();
    if apps.is_empty() {
        return Ok(None);
    }
    let path = data_file(state);
    let data = match purpose {
        Use::Looks => Data::ReadOnly(path),
        Use::Changes => Data::File(path),
    };
    let settings = emulator_settings(desired, apps);
    let emulator = super::emulator::open(settings, data).await?;
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let running = emulator.listen(listen).await.map_err(emulator_error)?;
    Ok(Some((emulator, running)))
}

/// How the built-in emulator is set up: as the providers say of their services.
pub(super) fn emulator_settings(desired: &Desired, apps: Vec<App>) -> EmulatorConfig {
    let dissolves = |provider: &Provider| match provider.application {
        Application::Rtc { .. } | Application::Zim { .. } => None,
        Application::TencentLive { dissolve_after, .. } => Some((provider.app_id, dissolve_after)),
    };
    let dissolve_after = desired.providers.values().filter_map(dissolves).collect();
    EmulatorConfig { dissolve_after, ..EmulatorConfig::new(apps) }
}

/// Where the built-in emulator keeps its world: beside the state.
pub(super) fn data_file(state: &Path) -> std::path::PathBuf {
    state.with_file_name("rooms.emulator.json")
}

fn connection(
    provider: &Provider,
    secret: Secret,
    emulator: Option<&(Emulator, Running)>,
    global: &Global,
) -> Result<Connection, Stopped> {
    let (url, clock): (String, Arc<dyn Clock>) = match (&provider.endpoint, emulator) {
        (Endpoint::Emulator, Some((emulator, running))) => {
            (format!("http://{}", running.address()), Arc::new(emulator.clone()))
        }
        (Endpoint::Url(url), _) => (url.clone(), Arc::new(SystemClock)),
        (Endpoint::Vendor | Endpoint::Emulator, _) => {
            (provider::vendor_url(provider.kind()), Arc::new(SystemClock))
        }
    };
    if !provider.emulated() {
        doubt(&secret, provider);
    }
    let allowed: AllowedHosts = global.allow_endpoints.iter().collect();
    let clocks = Clocks { signing: Arc::new(SystemClock), rooms: clock.clone() };
    let client = provider::connect(provider, &url, secret, clocks, &allowed).map_err(|error| {
        Stopped::failed("endpoint", format!("provider `{}`: {error}", provider.name))
    })?;
    Ok(Connection { provider: provider.clone(), client: Arc::new(client), clock })
}
