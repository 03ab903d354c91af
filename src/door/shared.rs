//! One secret that two hosts of one owner have, and what follows from it: the key pair by which the listening host is
//! known, and the word by which it knows who asks. Without an authority and without a certificate that ends: who has the
//! secret is the other host.
//!
//! The certificate is made anew at each start and says nothing; what is looked at is its key. It goes over the wire, so a
//! secret that can be guessed can be tried out against it: hence its length.

use std::fmt;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, PublicKeyData as _};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use sha2::{Digest as _, Sha256};

use crate::authority::Fault;

/// Characters of a secret at least: what `openssl rand -base64 32` gives has 44.
pub const SHARED_LEAST: usize = 32;

/// The secret.
pub struct Shared {
    pair: PrivatePkcs8KeyDer<'static>,
    token: String,
}

impl Shared {
    /// From the text that both hosts have; white space around it is not part of it. `None`: it is too short.
    pub fn new(secret: &str) -> Option<Shared> {
        let secret = secret.trim();
        if secret.chars().count() < SHARED_LEAST {
            return None;
        }
        let mut pair = ED25519.to_vec();
        pair.extend_from_slice(&derived("key pair", secret));
        let token = derived("token", secret).iter().map(|octet| format!("{octet:02x}")).collect();
        Some(Shared { pair: pair.into(), token })
    }

    /// The word that who asks says, once the way is encrypted.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// TLS 1.3 of the host that listens.
    pub fn server(&self) -> Result<Arc<ServerConfig>, Fault> {
        let pair = self.key_pair()?;
        let params = CertificateParams::new(vec![NAME.to_owned()]).map_err(made)?;
        let certificate = params.self_signed(&pair).map_err(made)?.der().clone();
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).map_err(made)?;
        let key = PrivateKeyDer::Pkcs8(self.pair.clone_key());
        let mut server = builder.with_no_client_auth().with_single_cert(vec![certificate], key).map_err(made)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(server))
    }

    /// TLS 1.3 of the host that asks: it believes nobody but who has the secret.
    pub fn client(&self) -> Result<Arc<ClientConfig>, Fault> {
        let known = self.key_pair()?.subject_public_key_info();
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).map_err(made)?;
        let verifier = Arc::new(OneKey { known, provider });
        let mut client = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(client))
    }

    fn key_pair(&self) -> Result<KeyPair, Fault> {
        KeyPair::from_pkcs8_der_and_sign_algo(&self.pair, &PKCS_ED25519).map_err(made)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Believes one public key, whatever the certificate around it says.
#[derive(Debug)]
struct OneKey {
    known: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = ParsedCertificate::try_from(end_entity)?;
        if shown.subject_public_key_info().as_ref() == self.known {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

fn derived(what: &str, secret: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in ["tipring shared secret", what, secret] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn made(error: impl fmt::Display) -> Fault {
    Fault::Made(error.to_string())
}

/// Who is asked for in the handshake; nobody looks at it.
const NAME: &str = "media.tipring";
/// What stands before the 32 octets of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
const ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
