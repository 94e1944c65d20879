//! Settles which implementation of TLS and its arithmetic all outgoing connections use: rustls with ring.

/// Makes ring the process's provider. Safe to call again: the first call wins.
pub fn install_provider() {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
