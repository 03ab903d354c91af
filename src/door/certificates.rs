//! What the box shows of itself in a handshake, chosen by the name that is asked for. All of it can be swapped under open
//! connections: they keep what they have, the next handshake takes what is new.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::authority::{Authority, Fault, Signed};
use crate::names::{Names, is_service};
use crate::owned::Owned;

/// Certificates for names of the service that no wildcard covers (`api.dublin.ie1.twilio.com`), made when they are asked
/// for; the oldest leaves.
pub const MINTED_MAX: usize = 64;
/// How often the box looks whether its certificate is to be renewed or its addresses have changed.
pub const RENEWAL_LOOK: Duration = Duration::from_secs(60);
/// What every certificate of the box is for, beside its own names.
const SERVICE_NAMES: [&str; 2] = ["api.twilio.com", "*.twilio.com"];

/// What the configuration says of certificates.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Names of the box that it does not know itself.
    pub names: Vec<String>,
    /// The owner's certificate.
    pub owned: Option<Owned>,
}

/// The box's certificates.
pub struct Certificates {
    authority: Authority,
    shown: RwLock<Shown>,
}

struct Shown {
    more: Vec<String>,
    names: Names,
    key: KeyPair,
    leaf: Signed,
    minted: VecDeque<(String, Signed)>,
    owned: Option<Owned>,
}

impl Certificates {
    /// Opens the authority in `folder`, or makes it, and signs a certificate for the names of this box.
    pub fn open(folder: &Path, wanted: Wanted, now: SystemTime) -> Result<Arc<Certificates>, Fault> {
        let authority = Authority::open(folder, now)?;
        let names = Names::of_box(&wanted.names);
        let shown = Shown::new(&authority, wanted.names, names, wanted.owned, now)?;
        Ok(Arc::new(Certificates { authority, shown: RwLock::new(shown) }))
    }

    /// The authority.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// When what is shown under the box's own names ends.
    pub fn not_after(&self) -> SystemTime {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown.owned.as_ref().and_then(|owned| owned.not_after).unwrap_or(shown.leaf.not_after)
    }

    /// Whether a host is this box, under a name of its own.
    pub fn is_own(&self, host: &str) -> bool {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).names.is_own(host)
    }

    /// Takes what another configuration says.
    pub fn take(&self, wanted: Wanted, now: SystemTime) -> Result<(), Fault> {
        let names = Names::of_box(&wanted.names);
        let shown = Shown::new(&self.authority, wanted.names, names, wanted.owned, now)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }

    /// Signs a new certificate if the old one is near its end, was signed while the clock was ahead, or the box has other
    /// names; true if it did.
    pub fn renew(&self, now: SystemTime) -> Result<bool, Fault> {
        let (more, names, owned) = {
            let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
            let names = Names::of_box(&shown.more);
            if !shown.leaf.is_due(now) && names == shown.names {
                return Ok(false);
            }
            (shown.more.clone(), names, shown.owned.clone())
        };
        let shown = Shown::new(&self.authority, more, names, owned, now)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(true)
    }

    /// Renews what is due by this clock, for ever.
    pub async fn keep(self: Arc<Self>, clock: impl Fn() -> SystemTime + Send) {
        let mut look = tokio::time::interval(RENEWAL_LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            match self.renew(clock()) {
                Ok(true) => tracing::info!("the box has a new certificate"),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the box's certificate cannot be renewed"),
            }
        }
    }

    /// TLS 1.2 and 1.3 with these certificates.
    pub fn server(self: &Arc<Self>) -> Result<Arc<ServerConfig>, Fault> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(self.authority.provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| Fault::Made(error.to_string()))?;
        let mut server = builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _);
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(server))
    }

    /// What is shown to whoever asks for this name.
    fn shown_as(&self, name: Option<&str>, now: SystemTime) -> Arc<CertifiedKey> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let owned = shown.owned.as_ref().map(|owned| &owned.pair);
        let Some(name) = name.map(str::to_ascii_lowercase) else {
            return Arc::clone(owned.unwrap_or(&shown.leaf.pair));
        };
        if let Some(owned) = owned.filter(|pair| is_for(pair, &name) || !is_service(&name)) {
            return Arc::clone(owned);
        }
        if is_for(&shown.leaf.pair, &name) || !is_service(&name) {
            return Arc::clone(&shown.leaf.pair);
        }
        let known = shown.minted.iter().find(|(minted, _)| *minted == name);
        if let Some((_, signed)) = known.filter(|(_, signed)| !signed.is_due(now)) {
            return Arc::clone(&signed.pair);
        }
        drop(shown);
        self.mint(name, now)
    }

    /// A certificate for a name of the service that no wildcard covers.
    fn mint(&self, name: String, now: SystemTime) -> Arc<CertifiedKey> {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        match self.authority.sign(vec![name.clone()], &shown.key, now) {
            Ok(signed) => {
                shown.minted.retain(|(minted, _)| *minted != name);
                if shown.minted.len() >= MINTED_MAX {
                    shown.minted.pop_front();
                }
                let pair = Arc::clone(&signed.pair);
                shown.minted.push_back((name, signed));
                pair
            }
            Err(error) => {
                tracing::error!(%error, name, "no certificate could be made for this name");
                Arc::clone(&shown.leaf.pair)
            }
        }
    }
}

impl Shown {
    fn new(
        authority: &Authority,
        more: Vec<String>,
        names: Names,
        owned: Option<Owned>,
        now: SystemTime,
    ) -> Result<Shown, Fault> {
        let key = KeyPair::generate().map_err(|error| Fault::Made(error.to_string()))?;
        let all = SERVICE_NAMES.iter().map(ToString::to_string).chain(names.all()).collect();
        let leaf = authority.sign(all, &key, now)?;
        Ok(Shown { more, names, key, leaf, minted: VecDeque::new(), owned })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown_as(hello.server_name(), SystemTime::now()))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

fn is_for(pair: &CertifiedKey, name: &str) -> bool {
    let (Some(certificate), Ok(name)) = (pair.cert.first(), ServerName::try_from(name)) else {
        return false;
    };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_that_was_minted_while_the_clock_was_ahead_is_minted_again() {
        let folder = std::env::temp_dir().join(format!("tipring-minted-{}", std::process::id()));
        let now = SystemTime::now();
        let it = Certificates::open(&folder, Wanted::default(), now).expect("certificates");
        let name = Some("api.dublin.ie1.twilio.com");
        let ahead = it.shown_as(name, now + Duration::from_secs(100 * 86_400));
        let right = it.shown_as(name, now);
        assert!(!Arc::ptr_eq(&ahead, &right), "it is of the future");
        assert!(Arc::ptr_eq(&it.shown_as(name, now), &right), "it is kept");
        assert_eq!(it.shown.read().expect("not poisoned").minted.len(), 1);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
