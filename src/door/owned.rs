//! A certificate that the owner of the box brought: a PEM file of the chain, the server's first, and one of its key.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::authority::Fault;
use crate::der;

/// Octets of either file.
const FILE_MAX: u64 = 256 * 1024;
/// Certificates of a chain.
const CHAIN_MAX: usize = 8;

/// A certificate of the owner's.
#[derive(Clone, Debug)]
pub struct Owned {
    pub(crate) pair: Arc<CertifiedKey>,
    /// Its end.
    pub not_after: Option<SystemTime>,
}

impl Owned {
    /// Reads and judges both files.
    pub fn read(certificate: &Path, key: &Path) -> Result<Owned, Fault> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&octets(certificate)?).collect();
        let chain = chain.map_err(|error| Fault::content(certificate, format!("no certificate in PEM: {error}")))?;
        if chain.is_empty() || chain.len() > CHAIN_MAX {
            let why = format!(
                "1 to {CHAIN_MAX} certificates in PEM are wanted, the server's first; there are {}",
                chain.len()
            );
            return Err(Fault::content(certificate, why));
        }
        let secret = PrivateKeyDer::from_pem_slice(&octets(key)?);
        let secret = secret.map_err(|error| Fault::content(key, format!("no private key in PEM: {error}")))?;
        let not_after = der::not_after(&chain[0]);
        let provider: CryptoProvider = rustls::crypto::ring::default_provider();
        let pair = CertifiedKey::from_der(chain, secret, &provider);
        let pair =
            pair.map_err(|error| Fault::content(key, format!("not the key of {}: {error}", certificate.display())))?;
        Ok(Owned { pair: Arc::new(pair), not_after })
    }
}

fn octets(file: &Path) -> Result<Vec<u8>, Fault> {
    let failed = |error| Fault::File { path: file.into(), error };
    let length = std::fs::metadata(file).map_err(failed)?.len();
    if length > FILE_MAX {
        return Err(Fault::content(file, format!("{length} octets; at most {FILE_MAX} are read")));
    }
    std::fs::read(file).map_err(failed)
}
