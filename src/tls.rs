//! The TLS provider of the process, which every HTTP client needs before it is built.

/// Makes `ring` the provider, unless one is installed already.
pub(crate) fn use_ring() {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
