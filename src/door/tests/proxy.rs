//! The port for programs that keep their address of the cloud.

use std::sync::Arc;

use tipring_door::{Bounds, Doors};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{TheBox, app, get, listen, shake, to_the_end, trusting};

fn connect(target: &str) -> String {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")
}

#[tokio::test]
async fn e6_a_tunnel_to_the_service_ends_in_the_box() {
    let it = TheBox::open(Bounds::default(), 8).await;
    let own = format!("phone.office.lan:{}", it.tls.port());
    for (target, name) in [
        ("api.twilio.com:443", "api.twilio.com"),
        ("API.Twilio.com:443", "api.twilio.com"),
        ("monitor.twilio.com:443", "monitor.twilio.com"),
        ("api.dublin.ie1.twilio.com:443", "api.dublin.ie1.twilio.com"),
        ("localhost:443", "localhost"),
        ("127.0.0.1:443", "127.0.0.1"),
        (own.as_str(), "phone.office.lan"),
    ] {
        let (head, tunnel) = it.asks(&connect(target)).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{target}: {head}");
        let mut stream = shake(tunnel, it.trusting(), name).await.unwrap_or_else(|error| panic!("{target}: {error}"));
        for path in ["/v1/Alerts", "/2010-04-01/Accounts"] {
            let (_, body) = get(&mut stream, name, path).await;
            assert_eq!(body, format!("https://{name}{path}"));
        }
    }
    // As older clients write it.
    let (head, tunnel) = it.asks("CONNECT api.twilio.com:443 HTTP/1.0\r\n\r\n").await;
    assert!(head.contains(" 200 "), "{head}");
    shake(tunnel, it.trusting(), "api.twilio.com").await.expect("a handshake");
}

#[tokio::test]
async fn e6_a_tunnel_to_anybody_else_is_refused_with_a_sentence() {
    let it = TheBox::open(Bounds::default(), 8).await;
    for target in [
        "example.com:443",
        "twilio.com:443",
        "api.twilio.com.evil.test:443",
        "eviltwilio.com:443",
        "api.twilio.com:22",
        "api.twilio.com:80",
        "api.twilio.com:",
        "127.0.0.1:22",
        "192.0.2.1:443",
        "[2001:db8::1]:443",
    ] {
        let (head, mut stream) = it.asks(&connect(target)).await;
        let refused = head.starts_with("HTTP/1.1 403 ") || head.starts_with("HTTP/1.1 400 ");
        assert!(refused, "{target}: {head}");
        if head.starts_with("HTTP/1.1 403 ") && target == "example.com:443" {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            let mut body = vec![0; length.parse().expect("a number")];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut body).await.expect("a body");
            let text = String::from_utf8(body).expect("text");
            assert!(text.contains("example.com:443 is not reached from here"), "{text}");
        }
    }
}

#[tokio::test]
async fn plain_requests_through_the_port_need_leave_and_never_go_elsewhere() {
    let closed = TheBox::open(Bounds::default(), 8).await;
    let open = TheBox::with(Bounds::default(), 8, true).await;
    let mut stream = TcpStream::connect(open.proxy).await.expect("a connection");
    let (_, body) = get(&mut stream, "api.twilio.com", "http://api.twilio.com/2010-04-01/Accounts").await;
    assert_eq!(body, "http://api.twilio.com/2010-04-01/Accounts");
    let (head, _) = get(&mut stream, "example.com", "http://example.com/").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let (head, text) = get(&mut stream, "example.com", "http://ann:s3cret@example.com/").await;
    assert!(head.starts_with("HTTP/1.1 403 ") && !text.contains("s3cret"), "{head}{text}");
    let (head, _) = get(&mut stream, "box", "/2010-04-01/Accounts").await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    let mut stream = TcpStream::connect(closed.proxy).await.expect("a connection");
    let (head, text) = get(&mut stream, "api.twilio.com", "http://api.twilio.com/2010-04-01/Accounts").await;
    assert!(head.starts_with("HTTP/1.1 403 ") && text.contains("plain = true"), "{head}{text}");
    for target in ["/ca.pem", "http://api.twilio.com/ca.pem"] {
        let (_, pem) = get(&mut stream, "box", target).await;
        assert_eq!(pem, closed.certificates.authority().pem());
        trusting(&pem);
    }
}

#[tokio::test]
async fn the_application_knows_who_asks_on_every_way() {
    let it = TheBox::with(Bounds::default(), 8, true).await;
    let (_, tunnel) = it.asks(&connect("api.twilio.com:443")).await;
    let own = tunnel.local_addr().expect("an address").to_string();
    let mut stream = shake(tunnel, it.trusting(), "api.twilio.com").await.expect("a handshake");
    assert_eq!(get(&mut stream, "api.twilio.com", "/from").await.1, own, "through the tunnel");
    let mut stream = it.shake("localhost").await.expect("a handshake");
    let own = stream.get_ref().0.local_addr().expect("an address").to_string();
    assert_eq!(get(&mut stream, "localhost", "/from").await.1, own, "over TLS");
    let (listener, plain) = listen().await;
    tokio::spawn(tipring_door::plain(Doors::sharing(listener, Arc::new(Semaphore::new(2))), app()));
    let mut stream = TcpStream::connect(plain).await.expect("a connection");
    let own = stream.local_addr().expect("an address").to_string();
    assert_eq!(get(&mut stream, "localhost", "/from").await.1, own, "in plain");
}

#[tokio::test]
async fn a_tunnel_that_does_not_speak_tls_is_closed() {
    // One place for this port; the other one is in the hand of the TLS port.
    let it = TheBox::open(Bounds::default(), 2).await;
    let (head, mut tunnel) = it.asks(&connect("api.twilio.com:443")).await;
    assert!(head.contains(" 200 "), "{head}");
    tokio::io::AsyncWriteExt::write_all(&mut tunnel, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let rest = to_the_end(&mut tunnel).await;
    assert!(!rest.contains("HTTP/1.1"), "{rest}");
    // Its only place is free again.
    let (head, tunnel) = it.asks(&connect("api.twilio.com:443")).await;
    assert!(head.contains(" 200 "), "{head}");
    shake(tunnel, Arc::clone(&it.trusting()), "api.twilio.com").await.expect("a handshake");
}
