//! Connects the declared providers: their secrets, their endpoints, the built-in emulator.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::args::Global;
use super::context::variable;
use super::exit::Stopped;
use crate::applier::{Connection, Connections};
use crate::config::{ReadError, Size, read_regular};
use crate::emulator::{App, Data, Emulator, EmulatorConfig, EmulatorError, Running};
use crate::engine::{Access, Connected, Connector};
use crate::model::{
    Call, Clock, Desired, Endpoint, EndpointUrl, Kind, Provider, ProviderName, Secret,
    SecretSource, SecretSpec, StateLocation, Timestamp,
};
use crate::provider::http::{AllowedHosts, SystemClock};
use crate::provider::{self, Clocks};

/// The shortest accepted secret, in characters: a shorter one could not be distinguished from other text
/// when outputs are redacted.
const SHORTEST_SECRET: usize = 16;

/// The largest secret file that is read.
const LARGEST_SECRET_FILE: Size = Size(64 << 10);

/// Connects the declared providers, for one command.
pub(super) struct Providers<'a> {
    desired: &'a Desired,
    state: &'a StateLocation,
    global: &'a Global,
    /// The built-in emulator, if a provider is on it.
    emulator: RefCell<Option<Running>>,
    /// The connections, to count their calls.
    connected: RefCell<Connections>,
}

/// The time now.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// Returns an error if credentials are missing.
pub(super) fn require_secrets(desired: &Desired) -> Result<(), Stopped> {
    for (name, provider) in &desired.providers {
        if let Found::Missing(what) = secret(provider)? {
            let message = format!("provider `{name}`: {what}");
            return Err(Stopped::failed("no_credentials", message));
        }
    }
    Ok(())
}

impl<'a> Providers<'a> {
    /// Makes the connector of the declared providers. The built-in emulator keeps its rooms beside the state.
    pub(super) fn new(desired: &'a Desired, state: &'a StateLocation, global: &'a Global) -> Self {
        let (emulator, connected) = (RefCell::default(), RefCell::default());
        Self { desired, state, global, emulator, connected }
    }

    /// Returns the number of finished calls by provider, action and class.
    pub(super) fn calls(&self) -> BTreeMap<(ProviderName, Call, &'static str), u64> {
        let connected = self.connected.borrow();
        let of = |(name, connection): (&ProviderName, &Connection)| {
            let calls = connection.client.calls().into_iter();
            let name = name.clone();
            calls.map(move |((call, class), number)| ((name.clone(), call, class), number))
        };
        connected.iter().flat_map(of).collect()
    }
}

impl Connector for Providers<'_> {
    type Error = Stopped;

    /// Connects every declared provider with credentials.
    async fn connect(&self, access: Access) -> Result<Connected, Stopped> {
        let mut secrets = BTreeMap::new();
        let mut missing = BTreeMap::new();
        for (name, provider) in &self.desired.providers {
            match secret(provider)? {
                Found::Secret(secret) => drop(secrets.insert(name.clone(), secret)),
                Found::Missing(what) => drop(missing.insert(name.clone(), what)),
            }
        }
        let emulator = emulator(self.desired, &secrets, self.state, access).await?;
        let mut connections = Connections::new();
        for (name, secret) in secrets {
            let provider = &self.desired.providers[&name];
            let connection = connection(provider, secret, emulator.as_ref(), self.global)?;
            connections.insert(name, connection);
        }
        self.emulator.replace(emulator.map(|(_, running)| running));
        self.connected.replace(connections.clone());
        Ok(Connected { connections, missing })
    }

    /// Stops the built-in emulator, whose rooms are on disk.
    async fn close(&self) -> Result<(), Stopped> {
        let running = self.emulator.take();
        match running {
            Some(running) => running.shutdown().await.map_err(emulator_error),
            None => Ok(()),
        }
    }
}

/// Converts a failure of the emulator to the error of a command.
pub(super) fn emulator_error(error: EmulatorError) -> Stopped {
    Stopped::failed("emulator", format!("{:#}", anyhow::Error::from(error)))
}

enum Found {
    Secret(Secret),
    Missing(String),
}

/// Why there is no secret.
pub(super) enum NoSecret {
    /// It is not set.
    Missing(String),
    /// It cannot be read.
    Unreadable(String),
}

/// Returns the secret of a provider. For the built-in emulator one is generated if none is set.
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

/// Returns the secret of a source.
///
/// # Errors
/// Returns [`NoSecret`] if it is not set, is empty, or cannot be read.
pub(super) fn read_secret(source: &SecretSource) -> Result<Secret, NoSecret> {
    match source {
        SecretSource::Environment(name) => variable(name).map(Secret::new).ok_or_else(|| {
            NoSecret::Missing(format!(
                "the environment variable {name} is not set: set it to the application's secret"
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
            return Err(NoSecret::Missing(format!("secret_file {place} does not exist")));
        }
        Err(error) => return Err(unreadable(&error)),
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(&"it is not UTF-8"))?;
    match trimmed(&text) {
        "" => Err(NoSecret::Missing(format!("the secret_file {place} is empty"))),
        secret => Ok(Secret::new(secret.to_owned())),
    }
}

/// Rejects a secret that is too short to be distinguished from other text, or contains white space or
/// quotation marks. The error does not contain the secret.
pub(super) fn usable(secret: &Secret, place: &str, kind: Kind) -> Result<(), String> {
    let text = secret.expose();
    let fault = if !text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'')) {
        "contains characters that no secret has, such as white space or copied quotation marks"
            .to_owned()
    } else if text.len() < SHORTEST_SECRET {
        format!("contains a secret of fewer than {SHORTEST_SECRET} characters")
    } else {
        return Ok(());
    };
    Err(format!("{place} {fault}: it must contain {} and nothing else", digits(kind)))
}

/// Warns of a secret that does not have the vendor's format.
fn doubt(secret: &Secret, provider: &Provider) {
    let text = secret.expose();
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || text.len() != provider.kind().secret_digits() {
        let (place, digits) = (place(provider), digits(provider.kind()));
        let provider = &provider.name;
        tracing::warn!(%provider, "{place} does not look like {digits}: check that it is the right one");
    }
}

/// Returns a description of the secret in the vendor's console.
fn digits(kind: Kind) -> String {
    let SecretSpec { name, digits, variable: _ } = kind.spec().secret;
    format!("the {name} ({digits} hexadecimal digits)")
}

/// Returns the name of a secret's source.
fn place(provider: &Provider) -> String {
    match &provider.secret {
        SecretSource::Environment(name) => format!("the environment variable {name}"),
        SecretSource::File(path) => format!("the secret_file {}", path.display()),
    }
}

/// Returns a secret for one run of the built-in emulator, as long as the vendor's.
fn made_up(kind: Kind) -> Result<Secret, Stopped> {
    let mut bytes = vec![0; kind.secret_digits() / 2];
    getrandom::fill(&mut bytes).map_err(|error| {
        Stopped::failed("random", format!("the system provides no random numbers: {error}"))
    })?;
    Ok(Secret::new(hex::encode(bytes)))
}

/// Returns a secret file's text without one trailing newline.
fn trimmed(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

async fn emulator(
    desired: &Desired,
    secrets: &BTreeMap<ProviderName, Secret>,
    state: &StateLocation,
    access: Access,
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
    let data = match access {
        Access::Reads => Data::ReadOnly(path),
        Access::Changes => Data::File(path),
    };
    let settings = emulator_settings(desired, apps);
    let emulator = super::emulator::open(settings, data).await?;
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let running = emulator.listen(listen).await.map_err(emulator_error)?;
    Ok(Some((emulator, running)))
}

/// Returns the configuration of the built-in emulator for the declared providers.
pub(super) fn emulator_settings(desired: &Desired, apps: Vec<App>) -> EmulatorConfig {
    let dissolves =
        |provider: &Provider| Some((provider.app_id, provider.application.dissolve_after()?));
    let dissolve_after = desired.providers.values().filter_map(dissolves).collect();
    EmulatorConfig { dissolve_after, ..EmulatorConfig::new(apps) }
}

/// Returns the data file of the built-in emulator, beside the state.
pub(super) fn data_file(state: &StateLocation) -> std::path::PathBuf {
    state.beside("rooms.emulator.json")
}

fn connection(
    provider: &Provider,
    secret: Secret,
    emulator: Option<&(Emulator, Running)>,
    global: &Global,
) -> Result<Connection, Stopped> {
    let (url, clock): (EndpointUrl, Arc<dyn Clock>) = match (&provider.endpoint, emulator) {
        (Endpoint::Emulator, Some((emulator, running))) => {
            let url = format!("http://{}", running.address()).parse();
            let url = url.expect("an address on loopback is an endpoint");
            (url, Arc::new(emulator.clone()))
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
