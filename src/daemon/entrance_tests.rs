//! The entrances of a running service, without a card.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::config::Config;
use crate::daemon::outcome::ScratchDir;
use crate::daemon::reload::apply;
use crate::daemon::serve::{Service, Wiring};

/// Longer than an answer takes.
const LIMIT: Duration = Duration::from_secs(20);

fn a_box(dir: &Path) -> Config {
    let mut config = Config::default();
    config.this.state_dir = dir.join("state");
    config.this.cache_dir = dir.join("cache");
    config.this.runtime_dir = dir.join("run");
    for address in [&mut config.listen.api, &mut config.listen.tls, &mut config.listen.proxy] {
        *address = "127.0.0.1:0".into();
    }
    config
}

async fn start(config: &Config) -> Service {
    let wiring = Wiring { seed: Some(1), ..Wiring::default() };
    Service::start(config, wiring).await.expect("it starts")
}

fn pem_of(service: &Service) -> String {
    service.entrances.certificates.as_ref().expect("certificates").authority().pem().to_string()
}

/// Asks on the plain port, and gives the whole answer.
async fn asks_plainly(at: SocketAddr, path: &'static str) -> String {
    let asked = move || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(at)?;
        stream.set_read_timeout(Some(LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    tokio::task::spawn_blocking(asked).await.expect("asked").expect("an answer")
}

/// Asks over TLS, after what the connection is begun with, and gives the whole answer.
async fn asks(at: SocketAddr, begin: &'static str, name: &'static str, pem: &str, path: &'static str) -> String {
    let pem = pem.to_string();
    let asked = move || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(at)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(begin.as_bytes())?;
        let mut head = Vec::new();
        while !begin.is_empty() && !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            stream.read_exact(&mut octet)?;
            head.extend(octet);
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let client = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(name).expect("a name");
        let session = ClientConnection::new(Arc::new(client), name).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: api.twilio.com\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        // An end without a farewell of TLS is none here: the length was announced.
        let _ = stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let asked = tokio::task::spawn_blocking(asked).await.expect("asked");
    asked.unwrap_or_else(|error| format!("refused: {error}"))
}

/// A certificate of the owner's for `localhost`, by an authority of the owner's.
fn bought(dir: &Path) -> (PathBuf, PathBuf, String) {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let issuer = rcgen::CertifiedIssuer::self_signed(params, key).expect("an authority");
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_string()]).expect("a name");
    let signed = params.signed_by(&key, &issuer).expect("signed");
    let (file, key_file) = (dir.join("owned.pem"), dir.join("owned-key.pem"));
    std::fs::write(&file, signed.pem()).expect("written");
    std::fs::write(&key_file, key.serialize_pem()).expect("written");
    (file, key_file, issuer.pem())
}

#[tokio::test]
async fn e6_the_api_is_there_over_tls_and_through_the_port_for_the_service() {
    let dir = ScratchDir::new().expect("a folder");
    let service = start(&a_box(&dir.path)).await;
    let entrances = &service.entrances;
    let (tls, proxy) = (entrances.tls.expect("TLS"), entrances.proxy.expect("the port"));
    let pem = pem_of(&service);
    let pem = pem.as_str();
    let path = "/2010-04-01/Accounts.json";
    let connect = "CONNECT api.twilio.com:443 HTTP/1.1\r\nHost: api.twilio.com:443\r\n\r\n";
    for (at, begin) in [(tls, ""), (proxy, connect)] {
        let answer = asks(at, begin, "api.twilio.com", pem, path).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("\"more_info\":\"https://api.twilio.com/errors/20003\""), "{answer}");
        assert!(asks(at, begin, "api.twilio.com", pem, "/readyz").await.ends_with("\r\n\r\nok\n"));
        let answer = asks(at, begin, "api.twilio.com", pem, "/ca.pem").await;
        assert!(answer.ends_with(pem), "{answer}");
    }
    service.stop(Duration::ZERO, std::future::pending()).await;
    // The authority is the same after a restart: nobody has to trust another one.
    let again = start(&a_box(&dir.path)).await;
    let told = asks(again.entrances.tls.expect("TLS"), "", "api.twilio.com", pem, "/readyz");
    let dropped = std::fs::read_to_string(dir.path.join("state/tls/ca.pem")).expect("kept");
    assert_eq!(pem_of(&again), dropped);
    assert!(told.await.ends_with("ok\n"));
    again.stop(Duration::ZERO, std::future::pending()).await;
}

#[tokio::test]
async fn e6_a_reload_takes_the_owners_certificate_and_refuses_a_broken_one_whole() {
    let dir = ScratchDir::new().expect("a folder");
    let old = a_box(&dir.path);
    let service = start(&old).await;
    let tls = service.entrances.tls.expect("TLS");
    let (file, key, authority) = bought(&dir.path);
    let mut new = old.clone();
    (new.listen.tls_certificate, new.listen.tls_key) = (file.clone(), key);
    let outcome = apply(&service, &old, &old, &new).await;
    assert!(outcome.ok && outcome.applied.len() == 2 && outcome.at_next_start.is_empty(), "{outcome:?}");
    assert!(asks(tls, "", "localhost", &authority, "/readyz").await.ends_with("ok\n"));
    let mut broken = new.clone();
    broken.listen.tls_key = file;
    let outcome = apply(&service, &old, &new, &broken).await;
    assert!(!outcome.ok && outcome.faults[0].contains("no private key in PEM"), "{outcome:?}");
    assert!(asks(tls, "", "localhost", &authority, "/readyz").await.ends_with("ok\n"), "the good one stays");
    let pem = pem_of(&service);
    assert!(
        asks(tls, "", "api.twilio.com", &pem, "/readyz").await.ends_with("ok\n"),
        "the service's names are the box's"
    );
    service.stop(Duration::ZERO, std::future::pending()).await;
}

#[tokio::test]
async fn a_broken_authority_silences_tls_and_not_the_box() {
    for with_tls in [false, true] {
        let dir = ScratchDir::new().expect("a folder");
        let mut config = a_box(&dir.path);
        if !with_tls {
            config.listen.tls.clear();
            config.listen.proxy.clear();
        }
        std::fs::create_dir_all(dir.path.join("state/tls")).expect("a folder");
        std::fs::write(dir.path.join("state/tls/ca-key.pem"), "rubbish").expect("written");
        let service = start(&config).await;
        let entrances = &service.entrances;
        assert!(entrances.certificates.is_none() && entrances.tls.is_none() && entrances.proxy.is_none());
        let answer = asks_plainly(service.api, "/2010-04-01/Accounts.json").await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(asks_plainly(service.api, "/ca.pem").await.starts_with("HTTP/1.1 404 "));
        let closed = ["listener: tls has stopped", "listener: proxy has stopped"];
        let wanted = if with_tls { closed.as_slice() } else { &[] };
        assert_eq!(service.observer.is_ready().await.reasons, wanted);
        // A reload that says nothing of certificates is taken.
        let outcome = apply(&service, &config, &config, &config).await;
        assert!(outcome.ok && outcome.complaints.len() == 1, "{outcome:?}");
        service.stop(Duration::ZERO, std::future::pending()).await;
    }
}
