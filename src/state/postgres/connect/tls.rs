//! TLS to the server, configured by `sslmode` and the certificate files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::model::PostgresSetting;

use super::settings::Settings;
use super::verifier::{Check, Verifier};

/// The TLS configuration of connections.
pub(super) struct Tls {
    required: bool,
    trust: Trust,
    connector: MakeRustlsConnect,
}

/// The servers that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Any server.
    Any,
    /// Those whose certificate chains to one in a file.
    File(PathBuf, Check),
    /// Those whose certificate chains to one that the system trusts, and is valid for the host.
    System,
}

/// The policy that `sslmode` and the certificates result in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Nothing is encrypted.
    Plain,
    /// Connections are encrypted if the server offers it.
    Offered(Trust),
    /// Connections without encryption are refused.
    Required(Trust),
}

impl Policy {
    /// Interprets `sslmode` as libpq does: with a file of root certificates `require` means
    /// `verify-ca`.
    ///
    /// # Errors
    /// Returns a sentence about a missing setting.
    pub(super) fn of(
        mode: Option<&str>,
        roots: Option<&str>,
        roots_in_home: Option<PathBuf>,
    ) -> Result<Self, String> {
        if roots == Some("system") {
            return match mode {
                None | Some("verify-full") => Ok(Self::Required(Trust::System)),
                Some(_) => Err(
                    "sslrootcert=system is for sslmode=verify-full only: anyone can get a certificate that \
                     the system trusts, so the host name must be verified"
                        .to_owned(),
                ),
            };
        }
        let named = roots.map(PathBuf::from);
        let in_file =
            |path: Option<PathBuf>, check| path.map_or(Trust::Any, |path| Trust::File(path, check));
        let certificates = named.clone().or(roots_in_home);
        let verified = |check| {
            match &certificates {
            Some(path) => Ok(Self::Required(Trust::File(path.clone(), check))),
            None => Err("there are no certificates to check the server's against: set sslrootcert (in the \
                         URL, or PGSSLROOTCERT) to a file with the authority's, or to `system` together \
                         with sslmode=verify-full"
                .to_owned()),
        }
        };
        match mode {
            Some("disable") => Ok(Self::Plain),
            Some("require") => Ok(Self::Required(in_file(certificates, Check::Authority))),
            Some("verify-ca") => verified(Check::Authority),
            Some("verify-full") => verified(Check::AuthorityAndHost),
            // `allow` and `prefer`, which is the default.
            Some(_) | None => Ok(Self::Offered(in_file(named, Check::Authority))),
        }
    }
}

impl Tls {
    /// Reads the certificates; `None` if connections are not encrypted.
    ///
    /// # Errors
    /// Returns a sentence about a file that cannot be used.
    pub(super) fn of(settings: &Settings<'_>) -> Result<Option<Self>, String> {
        let policy = Policy::of(
            settings.value(PostgresSetting::SslMode),
            settings.value(PostgresSetting::SslRootCert),
            settings.in_home("root.crt"),
        )?;
        let (required, trust) = match policy {
            Policy::Plain => return Ok(None),
            Policy::Offered(trust) => (false, trust),
            Policy::Required(trust) => (true, trust),
        };
        let provider = Arc::new(default_provider());
        let verifier = verifier(&trust, &provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match client_certificate(settings)? {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("sslcert and sslkey cannot be used together: {error}"))?,
        };
        Ok(Some(Self { required, trust, connector: MakeRustlsConnect::new(config) }))
    }

    /// Returns whether TLS is required or preferred.
    pub(super) fn mode(&self) -> SslMode {
        if self.required { SslMode::Require } else { SslMode::Prefer }
    }

    /// Returns the connector that encrypts a connection.
    pub(super) fn connector(&self) -> MakeRustlsConnect {
        self.connector.clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { required, trust, connector: _ } = self;
        f.debug_struct("Tls")
            .field("required", required)
            .field("trust", trust)
            .finish_non_exhaustive()
    }
}

fn verifier(
    trust: &Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let algorithms = provider.signature_verification_algorithms;
    match trust {
        Trust::Any => Ok(Arc::new(Verifier::of_any(algorithms))),
        Trust::File(path, check) => {
            let certificates = certificates("sslrootcert", path)?;
            let mut roots = RootCertStore::empty();
            for certificate in &certificates {
                let added = roots.add(certificate.clone());
                added.map_err(|error| unusable("sslrootcert", path, &error.to_string()))?;
            }
            Ok(Arc::new(Verifier::of_authorities(roots, certificates, *check, algorithms)))
        }
        Trust::System => {
            let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
            let verifier = verifier.map_err(|error| {
                format!("the certificates that the system trusts cannot be read: {error}")
            })?;
            Ok(Arc::new(verifier))
        }
    }
}

/// Returns the client's certificate chain and its key; `None` if there is none.
fn client_certificate(
    settings: &Settings<'_>,
) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, String> {
    let file = |setting, in_home| {
        let named = settings.value(setting).map(PathBuf::from);
        named.or_else(|| settings.in_home(in_home))
    };
    let Some(certificate) = file(PostgresSetting::SslCert, "postgresql.crt") else {
        return Ok(None);
    };
    let key = file(PostgresSetting::SslKey, "postgresql.key")
        .ok_or("sslcert is set, but sslkey (PGSSLKEY) is not: set it to the file with its key")?;
    let chain = certificates("sslcert", &certificate)?;
    let private = PrivateKeyDer::from_pem_file(&key)
        .map_err(|error| unusable("sslkey", &key, &error.to_string()))?;
    Ok(Some((chain, private)))
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unusable = |why: &str| unusable(setting, path, why);
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates = certificates.map_err(|error| unusable(&error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable("it contains no certificate in PEM form"));
    }
    Ok(certificates)
}

fn unusable(setting: &str, path: &Path, why: &str) -> String {
    format!("{setting}: {} cannot be used: {why}", path.display())
}
