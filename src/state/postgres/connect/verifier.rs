//! Verifies the certificate of a server by the rules of `sslmode`, which are weaker than those of a
//! browser.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What is verified in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The authority that signed it.
    Authority,
    /// The authority that signed it, and the host.
    AuthorityAndHost,
}

/// Verifies the certificate of a server. The proof that the server has its key is always verified,
/// because the log-in may be bound to the certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    authorities: Option<Authorities>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Authorities {
    roots: RootCertStore,
    /// The same certificates: a server may use one of them itself, self-signed.
    own: Vec<CertificateDer<'static>>,
    check: Check,
}

impl Verifier {
    /// Accepts any certificate.
    pub(super) fn of_any(algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { authorities: None, algorithms }
    }

    /// Accepts certificates that chain to one of `roots`, and the certificates in `own`.
    pub(super) fn of_authorities(
        roots: RootCertStore,
        own: Vec<CertificateDer<'static>>,
        check: Check,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { authorities: Some(Authorities { roots, own, check }), algorithms }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(Authorities { roots, own, check }) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        let parsed = ParsedCertificate::try_from(certificate)?;
        if !own.contains(certificate) {
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        match check {
            Check::Authority => {}
            Check::AuthorityAndHost => verify_server_name(&parsed, host)?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
