//! The settings of a connection: from the URL, then the service file, then the environment.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::model::{PostgresSetting, PostgresUrl, Secret};
use crate::state::StoreEnvironment;

use super::password::PasswordFile;
use super::service;

/// The name of this program, as the server shows it.
pub(super) const PROGRAM: &str = "roomctl";

/// The folders in which local servers have their socket.
const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/tmp"];
/// The folder of a user's files for PostgreSQL, in the home folder.
const HOME_FOLDER: &str = ".postgresql";

/// Variables of libpq that change where a password is sent or how the server is authenticated. They
/// are not supported, and are refused because ignoring them would be unsafe.
const REFUSED_VARIABLES: &[&str] = &[
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLMINPROTOCOLVERSION",
];

/// The settings of a connection.
pub(super) struct Settings<'a> {
    values: BTreeMap<PostgresSetting, String>,
    /// The hosts from the service file and the environment, not the URL. They may get a password
    /// that names no host.
    hosts: Vec<String>,
    /// A password that names no host.
    pub(super) password: Option<(Secret, PasswordSource)>,
    environment: &'a StoreEnvironment,
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PasswordSource {
    /// The environment.
    Environment,
    /// The service file.
    ServiceFile,
}

impl<'a> Settings<'a> {
    /// Combines the settings of the URL, the service file and the environment.
    ///
    /// # Errors
    /// Returns a sentence about what is missing or wrong.
    pub(super) fn read(
        url: &PostgresUrl,
        environment: &'a StoreEnvironment,
    ) -> Result<Self, String> {
        if let Some(name) =
            REFUSED_VARIABLES.iter().find(|name| environment.variable(name).is_some())
        {
            return Err(format!("{name} is set, which roomctl does not support: unset it"));
        }
        let service = service_values(url, environment)?;
        let mut values = url.settings.clone();
        let mut hosts = Vec::new();
        let mut add = |setting, value: String, source: &str| {
            let fits = PostgresSetting::takes(setting, &value);
            if !fits {
                return Err(format!("{source} is invalid: expected {}", setting.expected()));
            }
            if setting == PostgresSetting::Host {
                hosts.extend(value.split(',').map(str::to_owned));
            }
            values.entry(setting).or_insert(value);
            Ok(())
        };
        for (setting, value) in service.values {
            add(setting, value, &format!("`{}` in the service file", setting.name()))?;
        }
        for setting in PostgresSetting::ALL {
            let name = variable(setting);
            if let Some(value) = environment.variable(name) {
                add(setting, value.to_owned(), name)?;
            }
        }
        let service = service.password.map(|text| (text, PasswordSource::ServiceFile));
        let password = environment.variable("PGPASSWORD").map(str::to_owned);
        let password = password.map(|text| (text, PasswordSource::Environment));
        let password = service.or(password).map(|(text, source)| (Secret::new(text), source));
        Ok(Self { values, hosts, password, environment })
    }

    /// Returns the value of a setting.
    pub(super) fn value(&self, setting: PostgresSetting) -> Option<&str> {
        self.values.get(&setting).map(String::as_str)
    }

    /// Returns the user; by default that of the operating system.
    pub(super) fn user(&self) -> Result<String, String> {
        let system = || Some(self.environment.first(&["USER", "LOGNAME", "USERNAME"])?.1);
        let user = self.value(PostgresSetting::User).or_else(system);
        user.map(str::to_owned).ok_or_else(|| {
            "no user is set: name it in the URL (`postgres://USER@HOST/DATABASE`) or in PGUSER"
                .to_owned()
        })
    }

    /// Returns the database; by default the one with the user's name.
    pub(super) fn database(&self, user: &str) -> String {
        self.value(PostgresSetting::Database).unwrap_or(user).to_owned()
    }

    /// Returns the hosts and their ports.
    pub(super) fn servers(&self) -> Result<Vec<(String, u16)>, String> {
        let hosts: Vec<&str> =
            self.value(PostgresSetting::Host).unwrap_or_default().split(',').collect();
        let ports: Vec<&str> =
            self.value(PostgresSetting::Port).unwrap_or_default().split(',').collect();
        if ports.len() > 1 && ports.len() != hosts.len() {
            return Err(
                "the numbers of ports and hosts differ: give one port for all hosts, or one for each"
                    .to_owned(),
            );
        }
        let server = |(at, host): (usize, &&str)| {
            let port = ports.get(at).or(ports.first()).and_then(|port| port.parse().ok());
            let port = port.unwrap_or(5432);
            let host = if host.is_empty() { default_host(port) } else { (*host).to_owned() };
            (host, port)
        };
        Ok(hosts.iter().enumerate().map(server).collect())
    }

    /// Returns whether a host may get a password that names no host. The URL alone is not trusted,
    /// since a file in a pull request may contain it.
    pub(super) fn trusts(&self, host: &str) -> bool {
        let is_loopback = || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        host.starts_with('/')
            || host == "localhost"
            || is_loopback()
            || self.hosts.iter().any(|named| named.eq_ignore_ascii_case(host))
    }

    /// Returns the password file; `None` if none is named and the default one does not exist.
    pub(super) fn password_file(&self) -> Result<Option<PasswordFile>, String> {
        password_file(self.value(PostgresSetting::PassFile), self.environment)
    }

    /// Returns the path of a file in the user's folder for PostgreSQL, if it exists.
    pub(super) fn in_home(&self, name: &str) -> Option<PathBuf> {
        let path = home(self.environment)?.join(HOME_FOLDER).join(name);
        path.is_file().then_some(path)
    }
}

/// Returns every password in the environment and the files that it names.
pub(super) fn passwords(url: &PostgresUrl, environment: &StoreEnvironment) -> Vec<String> {
    // An unreadable file is reported when connecting.
    let service = service_values(url, environment).unwrap_or_default();
    let value = |setting: PostgresSetting| {
        let of_url = url.settings.get(&setting).or(service.values.get(&setting));
        of_url.map(String::as_str).or_else(|| environment.variable(variable(setting)))
    };
    let file = password_file(value(PostgresSetting::PassFile), environment);
    let in_file = file.ok().flatten().map(PasswordFile::into_passwords).unwrap_or_default();
    let variable = environment.variable("PGPASSWORD").map(str::to_owned);
    variable.into_iter().chain(service.password).chain(in_file).collect()
}

/// Returns the environment variable of a setting.
fn variable(setting: PostgresSetting) -> &'static str {
    match setting {
        PostgresSetting::Host => "PGHOST",
        PostgresSetting::Port => "PGPORT",
        PostgresSetting::User => "PGUSER",
        PostgresSetting::Database => "PGDATABASE",
        PostgresSetting::Service => "PGSERVICE",
        PostgresSetting::PassFile => "PGPASSFILE",
        PostgresSetting::SslMode => "PGSSLMODE",
        PostgresSetting::SslRootCert => "PGSSLROOTCERT",
        PostgresSetting::SslCert => "PGSSLCERT",
        PostgresSetting::SslKey => "PGSSLKEY",
        PostgresSetting::ChannelBinding => "PGCHANNELBINDING",
        PostgresSetting::ConnectTimeout => "PGCONNECT_TIMEOUT",
        PostgresSetting::TargetSessionAttrs => "PGTARGETSESSIONATTRS",
        PostgresSetting::ApplicationName => "PGAPPNAME",
    }
}

/// Reads the section of the service file that the URL or the environment names.
fn service_values(
    url: &PostgresUrl,
    environment: &StoreEnvironment,
) -> Result<service::Service, String> {
    let name = url.settings.get(&PostgresSetting::Service).map(String::as_str);
    let Some(name) = name.or_else(|| environment.variable(variable(PostgresSetting::Service)))
    else {
        return Ok(service::Service::default());
    };
    let own = match environment.variable("PGSERVICEFILE") {
        Some(path) => Some(PathBuf::from(path)),
        None => {
            home(environment).map(|home| home.join(".pg_service.conf")).filter(|it| it.is_file())
        }
    };
    let common = environment.variable("PGSYSCONFDIR");
    let common = common.map(|folder| Path::new(folder).join("pg_service.conf"));
    for path in own.into_iter().chain(common.filter(|path| path.is_file())) {
        let text = fs::read_to_string(&path).map_err(|error| {
            format!("the service file {} cannot be read: {error}", path.display())
        })?;
        let service =
            service::parse(&text, name).map_err(|why| format!("{}: {why}", path.display()))?;
        if let Some(service) = service {
            return Ok(service);
        }
    }
    Err(format!(
        "there is no service `{name}`: add a section [{name}] to ~/.pg_service.conf, or to the file that \
         PGSERVICEFILE names"
    ))
}

fn password_file(
    named: Option<&str>,
    environment: &StoreEnvironment,
) -> Result<Option<PasswordFile>, String> {
    let own = || home(environment).map(|home| home.join(".pgpass")).filter(|path| path.is_file());
    let path = named.map(PathBuf::from).or_else(own);
    path.map(|path| PasswordFile::read(&path)).transpose()
}

fn home(environment: &StoreEnvironment) -> Option<PathBuf> {
    environment.first(&["HOME", "USERPROFILE"]).map(|(_, path)| PathBuf::from(path))
}

/// Returns whether a host is one of the default socket folders.
pub(super) fn is_default_socket(host: &str) -> bool {
    SOCKET_FOLDERS.contains(&host)
}

/// Returns the default host: the socket folder of a local server if there is one, or else loopback.
fn default_host(port: u16) -> String {
    let has_socket = |folder: &&&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
    let folder = SOCKET_FOLDERS.iter().find(has_socket);
    folder.map_or_else(|| "localhost".to_owned(), |folder| (*folder).to_owned())
}
