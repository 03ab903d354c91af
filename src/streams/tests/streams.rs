//! What a server gets, what it may say, and each way in which a stream can fail.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::{SinkExt as _, StreamExt as _};
use tipring_card::{BLOCK, Law};
use tipring_egress::{Client, Config};
use tipring_streams::{Incoming, Stream, TO_SERVER, Told, Track};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::server::{LIMIT, MU, SID, Server, certificate, client, listener, next, open, order};

async fn pair(tracks: &[Track]) -> (Stream, mpsc::Receiver<Told>, Server<tokio::net::TcpStream>) {
    let (listener, at) = listener().await;
    let (stream, mut told) = open(client(), order(format!("ws://ann:secret@{at}/media?x=1#frag"), tracks));
    let (socket, _) = listener.accept().await.expect("a connection");
    let server = Server::take(socket).await;
    assert!(matches!(next(&mut told).await, Told::Started));
    (stream, told, server)
}

#[tokio::test]
async fn the_upgrade_is_signed_and_the_talk_begins_as_the_dialect_has_it() {
    let (_stream, _told, mut server) = pair(&[MU, Track { law: Law::Mu, outbound: true }]).await;
    assert_eq!(server.path, "/media?x=1");
    let host = server.header("host").expect("a host").to_owned();
    assert_eq!(server.header("x-twilio-signature"), Some(format!("signed ws://{host}/media?x=1").as_str()));
    assert_eq!(server.header("authorization"), Some("Basic YW5uOnNlY3JldA=="));
    assert_eq!(server.next().await["event"], "connected");
    let start = server.next().await;
    assert_eq!((&start["event"], &start["sequenceNumber"]), (&"start".into(), &"1".into()));
    assert_eq!(start["start"]["customParameters"]["greeting"], "hello ☎");
    assert_eq!(start["start"]["tracks"], serde_json::json!(["inbound", "outbound"]));
}

#[tokio::test]
async fn mu_law_goes_out_bit_for_bit_and_a_law_within_a_step() {
    for (law, recoded) in [(Law::Mu, false), (Law::A, true)] {
        let (mut stream, mut told, mut server) = pair(&[Track { law, outbound: false }]).await;
        server.next().await;
        server.next().await;
        let sound: Vec<u8> = (0..100 * BLOCK).map(|n| (n * 7 % 256) as u8).collect();
        for block in sound.chunks(BLOCK) {
            stream.block(0, block.try_into().expect("a block")).expect("there is room");
        }
        let mut got = Vec::new();
        for n in 1..=50 {
            let media = server.next().await;
            assert_eq!(media["media"]["chunk"], n.to_string());
            assert_eq!(media["media"]["timestamp"], ((n - 1) * 20).to_string());
            got.extend(BASE64.decode(media["media"]["payload"].as_str().expect("a text")).expect("Base64"));
        }
        let wanted = if recoded { sound.iter().map(|it| tipring_dsp::a_to_mu(*it)).collect() } else { sound };
        assert_eq!(got, wanted);
        stream.key(b'5').expect("there is room");
        assert_eq!(server.next().await["dtmf"]["digit"], "5");
        stream.mark("one".into()).expect("there is room");
        assert_eq!(server.next().await["mark"]["name"], "one");
        stream.close();
        let stop = server.next().await;
        assert_eq!((&stop["event"], &stop["stop"]["callSid"]), (&"stop".into(), &"CA1".into()));
        let close = tokio::time::timeout(LIMIT, server.socket.next()).await.expect("in time");
        assert!(matches!(close, Some(Ok(Message::Close(_)))), "{close:?}");
        assert!(matches!(next(&mut told).await, Told::Stopped));
    }
}

#[tokio::test]
async fn sound_marks_and_clear_are_heard_in_order_and_nonsense_is_warned_of() {
    let (_stream, mut told, mut server) = pair(&[MU]).await;
    let sound: Vec<u8> = (0..=255).cycle().take(5003).collect();
    let payload = BASE64.encode(&sound);
    server.say(format!(r#"{{"event":"media","streamSid":"{SID}","media":{{"payload":"{payload}"}}}}"#)).await;
    server.say(format!(r#"{{"event":"mark","streamSid":"{SID}","mark":{{"name":"m"}}}}"#)).await;
    server.say("hello").await;
    server.say(r#"{"event":"sing"}"#).await;
    server.socket.send(Message::binary(vec![1, 2])).await.expect("sent");
    server.say(format!(r#"{{"event":"clear","streamSid":"{SID}"}}"#)).await;
    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(match next(&mut told).await {
            Told::Heard(Incoming::Media(octets)) => {
                assert_eq!(octets, sound);
                0
            }
            Told::Heard(Incoming::Mark(name)) if name == "m" => 1,
            Told::Heard(Incoming::Clear) => 2,
            Told::Warned(warning) => warning.code,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(heard, [0, 1, 31950, 31951, 31950, 2]);
    server.socket.close(None).await.expect("closed");
    assert!(matches!(next(&mut told).await, Told::Stopped), "the server's close is the end, and no fault");
}

#[tokio::test]
async fn no_more_than_so_many_warnings_are_told() {
    let (_stream, mut told, mut server) = pair(&[MU]).await;
    for _ in 0..3 * tipring_streams::MAX_WARNINGS {
        server.say("x").await;
    }
    server.socket.close(None).await.expect("closed");
    let mut warnings = 0;
    while let Told::Warned(_) = next(&mut told).await {
        warnings += 1;
    }
    assert_eq!(warnings, tipring_streams::MAX_WARNINGS);
}

/// The code with which a stream to this URL fails.
async fn fails(client: Client, url: String) -> u32 {
    let (_stream, mut told) = open(client, order(url, &[MU]));
    match next(&mut told).await {
        Told::Failed(fault) => fault.code(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_failure_has_its_code() {
    assert_eq!(fails(client(), "https://127.0.0.1/".into()).await, 31922);
    assert_eq!(fails(client(), "no url".into()).await, 31923);
    assert_eq!(fails(client(), "ws://169.254.169.254/".into()).await, 31900, "the guard refuses it");
    let (taken, at) = listener().await;
    drop(taken);
    assert_eq!(fails(client(), format!("ws://{at}/")).await, 31902);
    // An answer that is no upgrade.
    let (listener, at) = listener().await;
    let answering = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4096];
            let read = socket.read(&mut request).await.expect("a request");
            assert!(read > 0);
            let _ = socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    assert_eq!(fails(client(), format!("ws://{at}/")).await, 31920);
    assert_eq!(fails(client(), format!("wss://{at}/")).await, 31910, "no TLS there");
    answering.await.expect("it answered");
}

#[tokio::test]
async fn a_failure_does_not_show_credentials() {
    let (taken, at) = listener().await;
    drop(taken);
    for (url, code) in [
        ("wss://ann:s3cret@:::/media".to_owned(), 31923),
        ("wss://ann:s3cret@host:99999/media".to_owned(), 31923),
        ("ann:s3cret@host/media".to_owned(), 31923),
        ("https://ann:s3cret@127.0.0.1/".to_owned(), 31922),
        ("ws://ann:s3cret@169.254.169.254/".to_owned(), 31900),
        (format!("ws://ann:s3cret@{at}/"), 31902),
    ] {
        let (_stream, mut told) = open(client(), order(url, &[MU]));
        let Told::Failed(fault) = next(&mut told).await else { panic!("it is opened") };
        assert_eq!(fault.code(), code, "{fault}");
        for shown in [fault.to_string(), format!("{fault:?}")] {
            assert!(!shown.contains("s3cret") && !shown.contains("ann"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_and_so_is_a_broken_protocol() {
    let (_stream, mut told, server) = pair(&[MU]).await;
    drop(server);
    match next(&mut told).await {
        Told::Failed(fault) => assert_eq!(fault.code(), 31921),
        other => panic!("{other:?}"),
    }
    let (_stream, mut told, mut server) = pair(&[MU]).await;
    // A frame with reserved bits.
    server.socket.get_mut().write_all(&[0xf1, 0x01, b'x']).await.expect("sent");
    match next(&mut told).await {
        Told::Failed(fault) => assert_eq!(fault.code(), 31924),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_is_given_up_and_nothing_grows() {
    let (stream, _told, _server) = pair(&[MU]).await;
    // Far more than the sockets of both sides hold.
    let mut sent = 0;
    let fault = loop {
        match stream.block(0, &[0; BLOCK]) {
            Ok(()) => sent += 1,
            Err(fault) => break fault,
        }
        tokio::task::yield_now().await;
        assert!(sent < 10_000_000, "nothing holds it up");
    };
    assert_eq!(fault.code(), 31930);
    assert!(sent >= TO_SERVER);
}

#[tokio::test]
async fn a_server_that_closes_while_sound_goes_out_breaks_nothing() {
    let (stream, mut told, mut server) = pair(&[MU]).await;
    // Its side of the connection stays open: only the close is said.
    server.socket.send(Message::Close(None)).await.expect("sent");
    let mut talking = tokio::time::interval(Duration::from_millis(10));
    let last = loop {
        tokio::select! {
            _ = talking.tick() => stream.block(0, &[0; BLOCK]).expect("there is room"),
            last = next(&mut told) => break last,
        }
    };
    assert!(matches!(last, Told::Stopped), "{last:?}");
}

#[tokio::test]
async fn wss_needs_a_known_ca() {
    let (config, pem) = certificate();
    let (listener, at) = listener().await;
    let port = at.rsplit(':').next().expect("a port").to_owned();
    let taking = tokio::spawn(async move {
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        let (socket, _) = listener.accept().await.expect("a connection");
        assert!(acceptor.accept(socket).await.is_err(), "our side hangs up on it");
        let (socket, _) = listener.accept().await.expect("a connection");
        let mut server = Server::take(acceptor.accept(socket).await.expect("TLS")).await;
        server.next().await
    });
    let hosts = vec![("localhost".to_owned(), ([127, 0, 0, 1], 0).into())];
    let stranger = Client::new(Config { hosts: hosts.clone(), ..Config::default() }).expect("a client");
    assert_eq!(fails(stranger, format!("wss://localhost:{port}/")).await, 31910);
    let friend = Client::new(Config { hosts, extra_ca_pems: vec![pem], ..Config::default() }).expect("a client");
    let (_stream, mut told) = open(friend, order(format!("wss://localhost:{port}/"), &[MU]));
    assert!(matches!(next(&mut told).await, Told::Started));
    assert_eq!(taking.await.expect("it ran")["event"], "connected");
}
