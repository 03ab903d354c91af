//! The face at a TCP address: what goes over both hops, who may enter, and what a stranger gets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tipring_card::Law;
use tipring_door::{Certificates, Shared, Wanted};
use tipring_media::{Entry, MediaClient, MediaRequest, Remote, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::origin::Origin;
use crate::room::{Room, wave};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn shared() -> Shared {
    Shared::new(SECRET).unwrap()
}

/// Opens the room to the network; where.
fn opened(room: &mut Room, tls: bool) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let entry = Entry { token: shared().token().into(), tls: tls.then(|| shared().server().unwrap()) };
    room.handle.open_to_network(listener, entry).unwrap();
    at
}

fn client(at: SocketAddr, secret: &Shared, tls: bool) -> MediaClient {
    MediaClient::remote(Remote {
        host: at.ip().to_string(),
        port: at.port(),
        token: secret.token().into(),
        tls: tls.then(|| secret.client().unwrap()),
    })
}

fn wanted(url: &str) -> MediaRequest {
    MediaRequest { account: "AC1".into(), source: Source::Url(url.into()), law: Law::A }
}

async fn heard(client: &MediaClient, wanted: MediaRequest) -> usize {
    let mut stream = client.fetch(wanted).await.unwrap();
    let mut octets = 0;
    while let Some(piece) = stream.next().await {
        octets += piece.unwrap().len();
    }
    octets
}

/// Passes on what comes, and keeps what was asked.
struct Tap {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(target).await.unwrap();
                let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.into_split(), far.into_split());
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let mut piece = [0; 4_096];
                    while let Ok(read @ 1..) = near_in.read(&mut piece).await {
                        kept.lock().unwrap().extend_from_slice(&piece[..read]);
                        far_out.write_all(&piece[..read]).await.unwrap();
                    }
                });
                tokio::spawn(async move { tokio::io::copy(&mut far_in, &mut near_out).await });
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<u8> {
        self.asked.lock().unwrap().clone()
    }
}

/// An origin that speaks TLS under an authority of its own; what it is asked is kept.
async fn encrypted_origin(certificates: &Arc<Certificates>) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(String::new())));
    let (acceptor, kept) = (TlsAcceptor::from(certificates.server().unwrap()), Arc::clone(&asked));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&head).to_ascii_lowercase());
            let sound = wave(8_000, 1, 500.0, 0.5);
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {}\r\n\r\n", sound.len());
            stream.write_all(&[answer.as_bytes(), &sound].concat()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    (address, asked)
}

#[tokio::test]
async fn e7_inside_is_plain_http_with_the_scheme_in_a_header_and_the_last_hop_is_tls() {
    let folder = std::env::temp_dir().join(format!("tipring-media-origin-{}", std::process::id()));
    let names = Wanted { names: vec!["origin.example".into()], ..Wanted::default() };
    let certificates = Certificates::open(&folder, names, std::time::SystemTime::now()).unwrap();
    let (origin, asked) = encrypted_origin(&certificates).await;
    let outward = Tap::before(origin).await;
    let mut room = Room::with(|config| {
        config.egress = tipring_egress::Client::new(tipring_egress::Config {
            extra_ca_pems: vec![certificates.authority().pem().into()],
            hosts: vec![("origin.example".into(), outward.address)],
            ..tipring_egress::Config::default()
        })
        .unwrap();
    })
    .await;
    let face = opened(&mut room, false);
    let inward = Tap::before(face).await;
    let played = heard(&client(inward.address, &shared(), false), wanted("https://origin.example/a.wav")).await;
    assert_eq!(played, 4_000);
    // Inside: readable, http, and a header that orders the other thing.
    let inner = String::from_utf8(inward.asked()).unwrap().to_ascii_lowercase();
    assert!(inner.starts_with("get http://origin.example/a.wav http/1.1\r\n"), "{inner}");
    assert!(inner.contains("\r\nx-origin-scheme: https\r\n"), "{inner}");
    // Outside: a handshake's record first, and nothing that can be read.
    let outer = outward.asked();
    assert_eq!(outer[..2], [22, 3], "TLS");
    assert!(!String::from_utf8_lossy(&outer).contains("a.wav"));
    // The origin is told nothing of the inside.
    let asked = asked.lock().unwrap().clone();
    assert!(asked.starts_with("get /a.wav http/1.1\r\n"), "{asked}");
    assert!(
        !asked.contains("authorization") && !asked.contains("x-origin-scheme") && !asked.contains("tipring-account")
    );
    // From another address of this host, as from any other, the inside is closed.
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], face.port()));
    assert!(TcpStream::connect(elsewhere).await.is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

/// The answer to a request as it stands, without and with a word.
async fn asks(at: SocketAddr, line: &str, authorization: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let text = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n{authorization}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn e17_a_stranger_gets_nothing_fetched_said_heard_or_told() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 0.5)).await;
    let mut room = Room::open().await;
    let at = opened(&mut room, false);
    let targets = [
        format!("GET {}", origin.url("/a.wav")),
        "GET http://media.tipring/status".into(),
        "GET http://media.tipring/music".into(),
        "DELETE http://media.tipring/entries?prefix=".into(),
        "POST http://listen.tipring/en".into(),
        "GET http://speech.tipring/man/00".into(),
        "GET /".into(),
    ];
    let wrong = format!("Authorization: Bearer {}\r\n", Shared::new(&"x".repeat(40)).unwrap().token());
    for target in &targets {
        for word in ["", "Authorization: Bearer \r\n", "Authorization: Basic eDp4\r\n", wrong.as_str()] {
            let answer = asks(at, target, word).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{target} with {word:?}: {answer}");
        }
    }
    origin.was_asked(0);
    assert_eq!(room.handle.counters().strangers, 4 * targets.len() as u64);
    let right = format!("Authorization: Bearer {}\r\n", shared().token());
    assert!(asks(at, &targets[1], &right).await.starts_with("HTTP/1.1 200 "));
    // Who has another key is told which host refuses, and what helps.
    let fault = client(at, &Shared::new(&"x".repeat(40)).unwrap(), false).fetch(wanted(&origin.url("/a.wav"))).await;
    let fault = fault.unwrap_err();
    assert!(fault.text.contains(&at.to_string()) && fault.text.contains("media.key_file"), "{fault}");
}

#[tokio::test]
async fn e17_sounds_speech_and_listening_pass_between_two_hosts_over_tls() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 0.5)).await;
    let mut room = Room::open().await;
    let at = opened(&mut room, true);
    let tap = Tap::before(at).await;
    let far = client(tap.address, &shared(), true);
    assert_eq!(heard(&far, wanted(&origin.url("/a.wav"))).await, 4_000);
    let source = Source::Speech { text: "hi".into(), voice: "man".into(), language: "en".into(), markup: None };
    assert_eq!(heard(&far, MediaRequest { account: "AC1".into(), source, law: Law::A }).await, 960);
    assert_eq!(far.status().await.unwrap().counters.fetches, 1);
    let over = String::from_utf8_lossy(&tap.asked()).into_owned();
    assert!(!over.contains("a.wav") && !over.contains(shared().token()), "nobody on the way reads it");
    // Neither a client without TLS nor one that has another secret gets in.
    for stranger in [client(at, &shared(), false), client(at, &Shared::new(&"x".repeat(40)).unwrap(), true)] {
        let fault = stranger.fetch(wanted(&origin.url("/b.wav"))).await.unwrap_err();
        assert!(fault.code == 11200 && fault.text.contains(&at.to_string()), "{fault}");
    }
    origin.was_asked(1);
}

#[tokio::test]
async fn e17_a_layer_that_goes_away_is_told_with_place_and_remedy_and_used_again() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 0.5)).await;
    let mut room = Room::open().await;
    let at = opened(&mut room, true);
    let far = client(at, &shared(), true);
    assert_eq!(heard(&far, wanted(&origin.url("/a.wav"))).await, 4_000);
    room.restart(|_| {}).await;
    let fault = far.fetch(wanted(&origin.url("/a.wav"))).await.unwrap_err();
    assert_eq!(fault.code, 11200);
    let place = format!("https://{at}: ");
    assert!(fault.text.starts_with(&place) && fault.text.contains("does `tipring media` run there"), "{fault}");
    let listener = std::net::TcpListener::bind(at).unwrap();
    let entry = Entry { token: shared().token().into(), tls: Some(shared().server().unwrap()) };
    room.handle.open_to_network(listener, entry).unwrap();
    assert_eq!(heard(&far, wanted(&origin.url("/a.wav"))).await, 4_000);
    origin.was_asked(1);
}
