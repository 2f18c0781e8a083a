//! What can be said of a connection to PostgreSQL, by libpq's names.

/// Something that a URL, a service file or the environment says of a connection to PostgreSQL.
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
    /// The section of the service file that says the rest.
    Service,
    /// The file with passwords.
    PassFile,
    /// Whether the connection is encrypted, and how the server's certificate is checked.
    SslMode,
    /// The file with the certificates that are trusted, or `system`.
    SslRootCert,
    /// The file with the client's own certificate.
    SslCert,
    /// The file with its key.
    SslKey,
    /// Whether the password's check is bound to the server's certificate.
    ChannelBinding,
    /// How long a connection may take to come about, in seconds.
    ConnectTimeout,
    /// Which of several servers is taken.
    TargetSessionAttrs,
    /// What the server shows as the connection's program.
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

    /// Returns libpq's name.
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

    /// Returns the setting with a name of libpq.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name() == name)
    }

    /// Returns what a value has to be.
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

    /// Whether a value is as [`expected`](Self::expected).
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

    /// Whether a URL says it before its `?`.
    pub(super) fn is_in_place(self) -> bool {
        matches!(self, Self::Host | Self::Port | Self::User | Self::Database)
    }
}

/// An empty one is the default host.
fn is_host(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "-._:%".contains(c);
    text.starts_with('/') || text.chars().all(fits)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0) && text.bytes().all(|byte| byte.is_ascii_digit())
}
