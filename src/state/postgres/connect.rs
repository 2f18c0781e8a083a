//! Connects to a PostgreSQL server with the settings of the URL, the service file and the
//! environment.

mod failure;
mod password;
mod service;
mod settings;
mod tls;
mod verifier;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, NoTls};

use crate::model::{PostgresSetting, PostgresUrl, Secret};
use crate::state::lease::RemoteError;
use crate::state::{StateError, StoreEnvironment};

use failure::Failure;
use settings::Settings;
use tls::Tls;

pub(super) use failure::failed;

/// The default time-out of establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time-out that is used.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a connection may be idle before keepalive probes are sent.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// The interval of the keepalive probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// The number of unanswered probes after which the connection is lost.
const KEEPALIVE_RETRIES: u32 = 3;
/// How long sent data may stay unacknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// Opens connections to one database.
pub(super) struct Connector {
    servers: Vec<Server>,
    /// The settings that all servers share.
    shared: Config,
    /// Whether only a writable server is used; `None` if that depends on the number of servers.
    writable: Option<bool>,
    timeout: Duration,
    tls: Option<Tls>,
}

/// A server that may have the database.
#[derive(Clone, Debug)]
struct Server {
    /// A name, an address, or the folder of a socket.
    host: String,
    port: u16,
    password: Option<Secret>,
}

impl Connector {
    /// Combines the settings of the URL, the service file and the environment. Does not connect
    /// yet.
    pub(super) fn new(
        url: &PostgresUrl,
        environment: &StoreEnvironment,
    ) -> Result<Self, StateError> {
        Self::of(url, environment)
            .map_err(|why| StateError::Unusable { location: url.to_string(), why })
    }

    fn of(url: &PostgresUrl, environment: &StoreEnvironment) -> Result<Self, String> {
        let settings = Settings::read(url, environment)?;
        let user = settings.user()?;
        let database = settings.database(&user);
        let servers = password::with_passwords(&settings, &user, &database)?;
        let mut shared = Config::new();
        let application = settings.value(PostgresSetting::ApplicationName).unwrap_or("roomctl");
        shared.user(user).dbname(database).application_name(application);
        shared.channel_binding(match settings.value(PostgresSetting::ChannelBinding) {
            Some("disable") => ChannelBinding::Disable,
            Some("require") => ChannelBinding::Require,
            _ => ChannelBinding::Prefer,
        });
        shared.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
        shared.keepalives_retries(KEEPALIVE_RETRIES).tcp_user_timeout(TCP_USER_TIMEOUT);
        let attributes = settings.value(PostgresSetting::TargetSessionAttrs);
        Ok(Self {
            servers,
            shared,
            writable: attributes.map(|attributes| attributes != "any"),
            timeout: connect_timeout(settings.value(PostgresSetting::ConnectTimeout)),
            tls: Tls::of(&settings)?,
        })
    }

    /// Returns the hosts and ports of the servers, as errors show them.
    pub(super) fn servers(&self) -> String {
        let servers: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
        servers.join(", ")
    }

    /// Opens a connection to the first server that takes it, whose task ends with the client.
    pub(super) async fn connect(&self) -> Result<Client, RemoteError> {
        let mut failures = Vec::new();
        for server in &self.servers {
            match self.connect_to(server).await {
                Ok(client) => return Ok(client),
                Err(failure) => {
                    let is_final = failure.is_final();
                    failures.push(failure.of_server(&server.to_string()));
                    if is_final {
                        break;
                    }
                }
            }
        }
        Err(failure::of_all(&failures))
    }

    /// Tries the addresses of a server in order.
    async fn connect_to(&self, server: &Server) -> Result<Client, Failure> {
        if server.is_socket() {
            return self.connect_by(&self.config(server, None, 1)).await;
        }
        let addresses = timeout(self.timeout, lookup_host((server.host.as_str(), server.port)));
        let addresses = addresses.await.map_err(|_| Failure::no_address("no answer in time"))?;
        let addresses = addresses.map_err(|error| Failure::no_address(&error.to_string()))?;
        let addresses: Vec<IpAddr> = addresses.map(|address: SocketAddr| address.ip()).collect();
        let mut failure = Failure::no_address("the name has no address");
        for address in &addresses {
            match self.connect_by(&self.config(server, Some(*address), addresses.len())).await {
                Ok(client) => return Ok(client),
                Err(next) if next.is_final() => return Err(next),
                Err(next) => failure = next,
            }
        }
        Err(failure)
    }

    /// Returns the settings for one server at one address.
    fn config(&self, server: &Server, address: Option<IpAddr>, addresses: usize) -> Config {
        let mut config = self.shared.clone();
        config.host(&server.host).port(server.port);
        if let Some(address) = address {
            config.hostaddr(address);
        }
        if let Some(password) = &server.password {
            config.password(password.expose());
        }
        // The rest of the time-out is for TLS and the log-in.
        config.connect_timeout(self.timeout.mul_f64(0.8));
        let several = self.servers.len() > 1 || addresses > 1;
        if self.writable.unwrap_or(several) {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        config.ssl_mode(match &self.tls {
            // A Unix socket is local: like libpq, it is never encrypted.
            Some(tls) if !server.is_socket() => tls.mode(),
            Some(_) | None => SslMode::Disable,
        });
        config
    }

    async fn connect_by(&self, config: &Config) -> Result<Client, Failure> {
        let connected = async {
            if let Some(tls) = &self.tls {
                let (client, connection) = config.connect(tls.connector()).await?;
                tokio::spawn(connection);
                Ok(client)
            } else {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        };
        match timeout(self.timeout, connected).await {
            Ok(result) => result.map_err(|error: tokio_postgres::Error| Failure::of(&error)),
            Err(_) => Err(Failure::no_answer(self.timeout)),
        }
    }
}

impl Server {
    fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, password: _ } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Omits the passwords.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { servers, shared, writable, timeout, tls } = self;
        f.debug_struct("Connector")
            .field("servers", servers)
            .field("user", &shared.get_user())
            .field("database", &shared.get_dbname())
            .field("writable", writable)
            .field("timeout", timeout)
            .field("tls", tls)
            .finish()
    }
}

/// Returns the time-out of establishing a connection. Zero, which libpq takes as unlimited, becomes
/// the maximum.
fn connect_timeout(seconds: Option<&str>) -> Duration {
    match seconds.map(str::parse) {
        Some(Ok(0)) => MAX_CONNECT_TIMEOUT,
        Some(Ok(seconds)) => Duration::from_secs(seconds).min(MAX_CONNECT_TIMEOUT),
        Some(Err(_)) | None => CONNECT_TIMEOUT,
    }
}

/// Returns the secrets of a database that the environment, and the files that it names, contain.
pub(super) fn secrets(url: &PostgresUrl, environment: &StoreEnvironment) -> Vec<Secret> {
    settings::passwords(url, environment)
        .into_iter()
        // A word that every URL of a database contains is not redacted, or no URL could be printed.
        .filter(|text| !["postgres", "postgresql", settings::PROGRAM].contains(&text.as_str()))
        .map(Secret::new)
        .collect()
}

#[cfg(test)]
mod tests;
