//! The box's own certificate authority: made at the first start, kept in two files, and used to sign the certificates that
//! the box shows. Clients that trust its certificate trust this box under every name it answers to.
//!
//! The authority's name comes from its key, so the certificate can be made again from the key alone.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};

use crate::der;

/// The authority's certificate, in the folder that it is kept in.
pub const CA_FILE: &str = "ca.pem";
/// Its key.
pub const KEY_FILE: &str = "ca-key.pem";
/// How long the authority lives: longer than a box does.
pub const CA_DAYS: u64 = 3_653;
/// How long a certificate of the box lives; clients refuse more than 398 days.
pub const LEAF_DAYS: u64 = 397;
/// It is renewed when it has so long to live.
pub const RENEW_DAYS: u64 = 30;
/// Certificates of the box begin before they are made: clocks differ.
const BEFORE: Duration = Duration::from_secs(86_400);
/// 2026: a clock that shows less has not been set yet. The authority begins here, whatever the clock shows: at the first
/// start it may be ahead as well, and an authority of the future would be believed by nobody once it is right.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// What is wrong with keys and certificates.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {why}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Why, with the remedy.
        why: String,
    },
    /// The library refuses.
    #[error("certificates: {0}")]
    Made(String),
}

impl Fault {
    pub(crate) fn content(path: &Path, why: impl Into<String>) -> Fault {
        Fault::Content { path: path.into(), why: why.into() }
    }

    fn made(error: impl std::fmt::Display) -> Fault {
        Fault::Made(error.to_string())
    }
}

/// The authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    provider: Arc<CryptoProvider>,
}

impl Authority {
    /// The authority that is kept in this folder; it is made if it is not there.
    pub fn open(folder: &Path, now: SystemTime) -> Result<Authority, Fault> {
        let (key_file, file) = (folder.join(KEY_FILE), folder.join(CA_FILE));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| Fault::File { path: folder.into(), error })?;
        let key = match (read(&key_file)?, file.exists()) {
            (Some(text), _) => {
                KeyPair::from_pem(&text).map_err(|error| Fault::content(&key_file, error.to_string()))?
            }
            (None, true) => {
                let why = format!("is missing, {CA_FILE} is there; bring it back, or move {CA_FILE} away for a new CA");
                return Err(Fault::content(&key_file, why));
            }
            (None, false) => {
                let key = KeyPair::generate().map_err(Fault::made)?;
                write(&key_file, &key.serialize_pem(), 0o600)?;
                key
            }
        };
        let params = params_of_ca(&key, now);
        let pem = match read(&file)? {
            Some(pem) => pem,
            None => {
                let pem = params.self_signed(&key).map_err(Fault::made)?.pem();
                write(&file, &pem, 0o644)?;
                pem
            }
        };
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
        let certificate = certificate.map_err(|error| Fault::content(&file, format!("no certificate: {error}")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let pair = CertifiedKey::from_der(vec![certificate.clone()], der_of(&key), &provider);
        pair.map_err(|_| {
            Fault::content(&file, format!("is not of the key in {KEY_FILE}; move it away, it is made anew"))
        })?;
        Ok(Authority { issuer: Issuer::new(params, key), certificate, pem, provider })
    }

    /// Its certificate, for those who are to trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its end.
    pub fn not_after(&self) -> Option<SystemTime> {
        der::not_after(&self.certificate)
    }

    pub(crate) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// A server's certificate for these names.
    pub(crate) fn sign(&self, names: Vec<String>, key: &KeyPair, now: SystemTime) -> Result<Signed, Fault> {
        let now = at_least(now);
        let mut params = CertificateParams::new(names).map_err(Fault::made)?;
        params.distinguished_name = named("tipring");
        let (not_before, not_after) = (now - BEFORE, now - BEFORE + days(LEAF_DAYS));
        params.not_before = date(not_before);
        params.not_after = date(not_after);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let mut serial = [0; 16];
        let drawn = self.provider.secure_random.fill(&mut serial);
        drawn.map_err(|_| Fault::Made("the system has no random numbers".into()))?;
        // Positive, and of one length.
        serial[0] = serial[0] & 0x7f | 0x40;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let signed = params.signed_by(key, &self.issuer).map_err(Fault::made)?;
        let chain = vec![signed.der().clone(), self.certificate.clone()];
        let pair = CertifiedKey::from_der(chain, der_of(key), &self.provider).map_err(Fault::made)?;
        Ok(Signed { pair: Arc::new(pair), not_before, not_after })
    }
}

/// A certificate that the authority has signed.
pub(crate) struct Signed {
    pub(crate) pair: Arc<CertifiedKey>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

impl Signed {
    /// Whether another one is to take its place: it is near its end, or of a future that a wrong clock has shown.
    pub(crate) fn is_due(&self, now: SystemTime) -> bool {
        let is_set = now >= UNIX_EPOCH + EARLIEST;
        at_least(now) + days(RENEW_DAYS) >= self.not_after || is_set && now < self.not_before
    }
}

/// SHA-256 of the first certificate in a PEM text, as browsers and `openssl x509 -fingerprint -sha256` show it.
pub fn fingerprint(pem: &str) -> Option<String> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let octets = Sha256::digest(&certificate);
    Some(octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":"))
}

/// When the first certificate in a PEM text ends.
pub fn not_after(pem: &str) -> Option<SystemTime> {
    der::not_after(&CertificateDer::from_pem_slice(pem.as_bytes()).ok()?)
}

/// The day of a moment, in UTC: `2036-11-29`.
pub fn day(moment: SystemTime) -> String {
    date(moment).date().to_string()
}

fn params_of_ca(key: &KeyPair, now: SystemTime) -> CertificateParams {
    let now = at_least(now);
    let short: String =
        Sha256::digest(key.public_key_raw()).iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!("tipring box {short}"));
    params.not_before = date(UNIX_EPOCH + EARLIEST);
    params.not_after = date(now + days(CA_DAYS));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

/// A clock that was not set yet makes no certificate that is over before it begins.
fn at_least(now: SystemTime) -> SystemTime {
    now.max(UNIX_EPOCH + EARLIEST)
}

pub(crate) fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

fn date(moment: SystemTime) -> time::OffsetDateTime {
    time::OffsetDateTime::from(moment).replace_nanosecond(0).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

fn der_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(key.serialize_der().into())
}

/// A text, or nothing where there is no file.
fn read(file: &Path) -> Result<Option<String>, Fault> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::File { path: file.into(), error }),
    }
}

/// Writes a file whole or not at all.
fn write(file: &Path, text: &str, mode: u32) -> Result<(), Fault> {
    let part = file.with_extension("part");
    let written = || -> std::io::Result<()> {
        let _ = std::fs::remove_file(&part);
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&part)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&part, file)
    };
    written().map_err(|error| Fault::File { path: file.into(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_begins_before_whatever_the_clock_shows_at_the_first_start() {
        let earliest = UNIX_EPOCH + EARLIEST;
        for (n, clock) in [UNIX_EPOCH, earliest + days(300), earliest + days(5_000)].into_iter().enumerate() {
            let folder = std::env::temp_dir().join(format!("tipring-authority-{}-{n}", std::process::id()));
            let authority = Authority::open(&folder, clock).expect("an authority");
            let (begin, end) = der::validity(&authority.certificate).expect("its dates");
            assert_eq!(begin, earliest);
            assert_eq!(end, clock.max(earliest) + days(CA_DAYS));
            std::fs::remove_dir_all(&folder).expect("removed");
        }
    }
}
