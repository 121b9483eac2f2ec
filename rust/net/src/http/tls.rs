//! What a TLS connection trusts: the roots of the system (`SSL_CERT_FILE`, `SSL_CERT_DIR`), else those of Mozilla that
//! are compiled in, for small containers have none.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::NetError;

/// The configuration that HTTP and WebSocket share: TLS 1.2 and 1.3, *ring*.
pub(crate) fn configuration() -> Result<ClientConfig, NetError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| NetError::Tls(error.to_string()))?;
    let system = rustls_native_certs::load_native_certs().certs;
    Ok(builder.with_root_certificates(roots(system)).with_no_client_auth())
}

/// The system's roots that can be read; those compiled in if there is none.
fn roots(system: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    let (taken, _) = store.add_parsable_certificates(system);
    if taken == 0 {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_machine_without_readable_roots_trusts_those_compiled_in() {
        let compiled = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(compiled > 50, "{compiled}");
        assert_eq!(roots(Vec::new()).len(), compiled);
        assert_eq!(roots(vec![CertificateDer::from(b"no certificate".to_vec())]).len(), compiled);
        assert!(configuration().unwrap().crypto_provider().cipher_suites.len() > 3);
    }
}
