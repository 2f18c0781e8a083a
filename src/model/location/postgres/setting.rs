//! The settings of a connection to PostgreSQL, with libpq's names.

/// A setting of a connection to PostgreSQL, from a URL, a service file or the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PostgresSetting {
    /// The hosts, separated by commas: names, addresses, or folders of a socket.
    Host,
    /// Their ports: one for all, or as many as there are hosts.
    Port,
    /// The user.
    User,
    /// The database.
    Database,
    /// The section of the service file with the other settings.
    Service,
    /// The file with passwords.
    PassFile,
    /// Whether the connection is encrypted, and how the server's certificate is checked.
    SslMode,
    /// The file with the trusted root certificates, or `system`.
    SslRootCert,
    /// The file with the client's own certificate.
    SslCert,
    /// The file with its key.
    SslKey,
    /// Whether the authentication is bound to the server's certificate.
    ChannelBinding,
    /// The time-out of establishing a connection, in seconds.
    ConnectTimeout,
    /// The kind of server that is used if there are several.
    TargetSessionAttrs,
    /// The name that the server shows for the connection.
    ApplicationName,
}

impl PostgresSetting {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Host,
        Self::Port,
        Self::User,
        Self::Database,
        Self::Service,
        Self::PassFile,
        Self::SslMode,
        Self::SslRootCert,
        Self::SslCert,
        Self::SslKey,
        Self::ChannelBinding,
        Self::ConnectTimeout,
        Self::TargetSessionAttrs,
        Self::ApplicationName,
    ];

    /// Returns libpq's name of the setting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Port => "port",
            Self::User => "user",
            Self::Database => "dbname",
            Self::Service => "service",
            Self::PassFile => "passfile",
            Self::SslMode => "sslmode",
            Self::SslRootCert => "sslrootcert",
            Self::SslCert => "sslcert",
            Self::SslKey => "sslkey",
            Self::ChannelBinding => "channel_binding",
            Self::ConnectTimeout => "connect_timeout",
            Self::TargetSessionAttrs => "target_session_attrs",
            Self::ApplicationName => "application_name",
        }
    }

    /// Returns the setting with this name of libpq.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name() == name)
    }

    /// Describes the valid values.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Host => "host names, addresses, or absolute paths of a socket's folder",
            Self::Port => "numbers from 1 to 65535",
            Self::User
            | Self::Database
            | Self::Service
            | Self::PassFile
            | Self::SslRootCert
            | Self::SslCert
            | Self::SslKey
            | Self::ApplicationName => "a value",
            Self::SslMode => "disable, allow, prefer, require, verify-ca or verify-full",
            Self::ChannelBinding => "disable, prefer or require",
            Self::ConnectTimeout => "a number of seconds",
            Self::TargetSessionAttrs => "any, read-write or primary",
        }
    }

    /// Returns whether a value is valid, as [`expected`](Self::expected) describes.
    #[must_use]
    pub fn takes(self, value: &str) -> bool {
        match self {
            Self::Host => value.split(',').all(is_host),
            Self::Port => value.split(',').all(|port| port.is_empty() || is_port(port)),
            Self::User
            | Self::Database
            | Self::Service
            | Self::PassFile
            | Self::SslRootCert
            | Self::SslCert
            | Self::SslKey
            | Self::ApplicationName => !value.is_empty(),
            Self::SslMode => ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
                .contains(&value),
            Self::ChannelBinding => ["disable", "prefer", "require"].contains(&value),
            Self::ConnectTimeout => value.parse::<u32>().is_ok(),
            Self::TargetSessionAttrs => ["any", "read-write", "primary"].contains(&value),
        }
    }

    /// Returns whether a URL has the setting before its `?`.
    pub(super) fn is_in_place(self) -> bool {
        matches!(self, Self::Host | Self::Port | Self::User | Self::Database)
    }
}

/// Returns whether a text may be a host. An empty one is the default host.
fn is_host(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "-._:%".contains(c);
    text.starts_with('/') || text.chars().all(fits)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0) && text.bytes().all(|byte| byte.is_ascii_digit())
}
