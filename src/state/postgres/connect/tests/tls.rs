//! Verifying the certificates of servers.

use std::path::PathBuf;

use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::super::tls::{Policy, Trust};
use super::super::verifier::{Check, Verifier};
use super::*;

/// The authority that signed the next two. It is valid for no host.
const AUTHORITY: &[u8] = include_bytes!("../certificates/authority.pem");
/// For `db.example`.
const SERVER: &[u8] = include_bytes!("../certificates/server.pem");
/// The same with X.509 version 1, which has no host.
const VERSION_1: &[u8] = include_bytes!("../certificates/version-1.pem");
/// Valid for `db.example`, self-signed as an authority, as in PostgreSQL's manual.
const SELF_SIGNED: &[u8] = include_bytes!("../certificates/self-signed.pem");

fn certificate(pem: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem).expect("a certificate")
}

/// Returns whether a server with the certificate `presented` is accepted as `host`, if `root` is
/// trusted.
fn is_accepted(presented: &[u8], root: Option<&[u8]>, check: Check, host: &'static str) -> bool {
    let algorithms = default_provider().signature_verification_algorithms;
    let verifier = match root.map(certificate) {
        None => Verifier::of_any(algorithms),
        Some(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root.clone()).expect("a root");
            Verifier::of_authorities(roots, vec![root], check, algorithms)
        }
    };
    let host = ServerName::try_from(host).expect("a host");
    // In 2027, long before they expire.
    let now = UnixTime::since_unix_epoch(Duration::from_hours(500_000));
    verifier.verify_server_cert(&certificate(presented), &[], &host, &[], now).is_ok()
}

#[test]
fn certificates_are_verified_by_authority_and_host() {
    use Check::{Authority, AuthorityAndHost};
    let cases = [
        (SERVER, None, Authority, "other", true),
        (SELF_SIGNED, None, Authority, "other", true),
        (SERVER, Some(AUTHORITY), Authority, "other", true),
        (SERVER, Some(AUTHORITY), AuthorityAndHost, "db.example", true),
        (SERVER, Some(AUTHORITY), AuthorityAndHost, "other", false),
        (SERVER, Some(AUTHORITY), AuthorityAndHost, "10.0.0.1", false),
        (SERVER, Some(SELF_SIGNED), Authority, "db.example", false),
        (SELF_SIGNED, Some(AUTHORITY), Authority, "db.example", false),
        (SELF_SIGNED, Some(SELF_SIGNED), Authority, "other", true),
        (SELF_SIGNED, Some(SELF_SIGNED), AuthorityAndHost, "db.example", true),
        (SELF_SIGNED, Some(SELF_SIGNED), AuthorityAndHost, "other", false),
        (VERSION_1, Some(AUTHORITY), Authority, "db.example", false),
    ];
    for (at, (presented, root, check, host, accepted)) in cases.into_iter().enumerate() {
        assert_eq!(is_accepted(presented, root, check, host), accepted, "case {at}");
    }
}

#[test]
fn sslmode_is_interpreted_as_libpq_does() {
    use Check::{Authority, AuthorityAndHost};
    let file = |check| Trust::File(PathBuf::from("file"), check);
    let home = |check| Trust::File(PathBuf::from("home"), check);
    let cases = [
        (Some("disable"), Some("file"), true, Ok(Policy::Plain)),
        (None, None, true, Ok(Policy::Offered(Trust::Any))),
        (Some("allow"), None, true, Ok(Policy::Offered(Trust::Any))),
        (Some("prefer"), Some("file"), false, Ok(Policy::Offered(file(Authority)))),
        (Some("require"), None, false, Ok(Policy::Required(Trust::Any))),
        (Some("require"), None, true, Ok(Policy::Required(home(Authority)))),
        (Some("require"), Some("file"), true, Ok(Policy::Required(file(Authority)))),
        (Some("verify-ca"), None, true, Ok(Policy::Required(home(Authority)))),
        (Some("verify-full"), Some("file"), false, Ok(Policy::Required(file(AuthorityAndHost)))),
        (None, Some("system"), true, Ok(Policy::Required(Trust::System))),
        (Some("verify-full"), Some("system"), true, Ok(Policy::Required(Trust::System))),
        (Some("require"), Some("system"), true, Err("for sslmode=verify-full only")),
        (Some("verify-ca"), None, false, Err("set sslrootcert")),
        (Some("verify-full"), None, false, Err("set sslrootcert")),
    ];
    for (mode, roots, has_home, expected) in cases {
        let policy = Policy::of(mode, roots, has_home.then(|| PathBuf::from("home")));
        match (policy, expected) {
            (Ok(policy), Ok(expected)) => assert_eq!(policy, expected, "{mode:?} {roots:?}"),
            (Err(why), Err(part)) => assert!(why.contains(part), "{mode:?} {roots:?}: {why}"),
            (policy, expected) => panic!("{mode:?} {roots:?}: {policy:?}, not {expected:?}"),
        }
    }
}

#[test]
fn certificates_are_read_from_named_files_or_the_home_folder() {
    let text = |pem: &[u8]| String::from_utf8(pem.to_vec()).expect("a text");
    let home = Home::new()
        .with(".postgresql/root.crt", &text(AUTHORITY))
        .with("named.crt", &text(SERVER))
        .with("empty.crt", "");
    let trust = |query: &str| {
        let connector = connector(&format!("postgres://h/{query}"), &home.environment(&[]));
        format!("{:?}", connector.tls)
    };
    assert!(trust("?sslmode=require").contains(".postgresql/root.crt"));
    assert!(!trust("?sslmode=prefer").contains("root.crt"));
    assert_eq!(trust("?sslmode=disable"), "None");
    let named = format!("?sslmode=verify-full&sslrootcert={}/named.crt", home.path());
    assert!(trust(&named).contains("named.crt"));
    for (file, part) in [("none.crt", "No such file"), ("empty.crt", "contains no certificate")] {
        let text = format!("postgres://h/?sslrootcert={}/{file}", home.path());
        let why = refusal(&text, &home.environment(&[]));
        assert!(why.contains(part), "{file}: {why}");
    }
    let text = format!("postgres://h/?sslcert={}/named.crt", home.path());
    let why = refusal(&text, &home.environment(&[]));
    assert!(why.contains("sslkey (PGSSLKEY) is not"), "{why}");
}
