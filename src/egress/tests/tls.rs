//! E6: TLS towards application servers, with private CAs and every way to get a certificate wrong.

use std::net::TcpListener;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tipring_egress::{Client, Config, Fault, install_provider};

use crate::get;
use crate::server::{Server, ok};

/// A certificate authority of our own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a CA"))
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A server's certificate under this authority.
    fn server(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(names);
        change(&mut params);
        let cert = params.signed_by(&key, &self.0).expect("a certificate");
        config(cert.der().clone(), &key)
    }
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|&it| it.to_owned()).collect::<Vec<_>>()).expect("names")
}

fn self_signed(names: &[&str]) -> ServerConfig {
    let key = KeyPair::generate().expect("a key");
    let cert = params(names).self_signed(&key).expect("a certificate");
    config(cert.der().clone(), &key)
}

fn config(cert: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    install_provider();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert], key).expect("a server")
}

fn trusting(authority: &Authority) -> Client {
    Client::new(Config { extra_ca_pems: vec![authority.pem()], ..Config::default() }).expect("a client")
}

async fn fault(client: &Client, url: &str) -> Fault {
    client.send(get(url)).await.expect_err("no trust")
}

#[tokio::test]
async fn e6_a_private_ca_can_be_installed() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(&["localhost", "127.0.0.1"], |_| {}), |_, _| ok("<Response/>"));
    let client = trusting(&authority);
    for it in [server.at("localhost", "/"), server.url("/")] {
        let body = client.send(get(&it)).await.expect("an answer").bytes().await;
        assert_eq!(body.as_deref(), Ok(&b"<Response/>"[..]), "{it}");
    }
}

#[tokio::test]
async fn e6_every_wrong_certificate_has_its_code_and_the_application_hears_nothing() {
    let authority = Authority::new();
    let client = trusting(&authority);
    let expired = |it: &mut CertificateParams| {
        (it.not_before, it.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    };
    let future = |it: &mut CertificateParams| {
        (it.not_before, it.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
    };
    let cases = [
        ("wrong name", authority.server(&["other.example"], |_| {}), 11235, "other.example"),
        ("expired", authority.server(&["localhost"], expired), 11236, "expired"),
        ("not yet valid", authority.server(&["localhost"], future), 11236, "clock"),
        ("self-signed", self_signed(&["localhost"]), 11237, "trusted CA"),
        ("other CA", Authority::new().server(&["localhost"], |_| {}), 11237, "trusted CA"),
    ];
    for (name, config, code, part) in cases {
        let server = Server::tls(config, |_, _| ok("x"));
        let fault = fault(&client, &server.at("user:secret@localhost", "/voice")).await;
        assert_eq!(fault.code(), code, "{name}: {fault}");
        assert!(fault.to_string().contains(part) && !fault.to_string().contains("secret"), "{name}: {fault}");
        assert!(server.heard().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn e6_without_the_private_ca_there_is_no_trust() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(&["localhost"], |_| {}), |_, _| ok("x"));
    let stranger = Client::new(Config::default()).expect("a client");
    assert_eq!(fault(&stranger, &server.at("localhost", "/")).await.code(), 11237);
    let careless = Client::new(Config { insecure: true, ..Config::default() }).expect("a client");
    assert_eq!(careless.send(get(&server.at("localhost", "/"))).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn e6_plain_and_tls_mixed_up_are_told_apart() {
    let authority = Authority::new();
    let plain = Server::plain(|_, _| ok("x"));
    let https_to_plain = format!("https://localhost:{}/", plain.addr.port());
    let found = fault(&trusting(&authority), &https_to_plain).await;
    assert_eq!(found.code(), 11220, "{found}");
    let tls = Server::tls(authority.server(&["localhost"], |_| {}), |_, _| ok("x"));
    let http_to_tls = format!("http://localhost:{}/", tls.addr.port());
    let found = fault(&trusting(&authority), &http_to_tls).await;
    assert!(matches!(found.code(), 11206 | 11200), "{found}");
    assert!(tls.heard().is_empty());
}

#[tokio::test]
async fn e6_a_server_that_hangs_up_on_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let found = fault(&Client::new(Config::default()).expect("a client"), &url).await;
    assert_eq!(found.code(), 11220, "{found}");
}

#[test]
fn e6_a_file_that_is_no_ca_is_refused_with_its_number() {
    let good = Authority::new().pem();
    for bad in
        [b"".to_vec(), b"not PEM".to_vec(), b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec()]
    {
        let fault =
            Client::new(Config { extra_ca_pems: vec![good.clone(), bad], ..Config::default() }).expect_err("no CA");
        assert!(fault.to_string().contains("CA file 2: "), "{fault}");
    }
}
