//! Slow and silent clients, and more of them than there are places.

use tipring_door::{Bounds, Doors, HEADER_OCTETS};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{LIMIT, SHORT, TheBox, app, get, head, listen, to_the_end};

/// One limit is short, so that it is the one that is seen.
fn only(change: impl FnOnce(&mut Bounds)) -> Bounds {
    let mut bounds = Bounds { silence: LIMIT * 3, header: LIMIT * 3, handshake: LIMIT * 3 };
    change(&mut bounds);
    bounds
}

#[tokio::test]
async fn a_handshake_that_does_not_come_gives_its_place_back() {
    let it = TheBox::open(only(|bounds| bounds.handshake = SHORT), 2).await;
    let mut silent = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(it.tls).await.expect("a connection");
        stream.write_all(&[22, 3, 1]).await.expect("the beginning of a hello");
        silent.push(stream);
    }
    // Both places are taken; the third client is served when they are free again.
    let mut stream = it.shake("localhost").await.expect("a handshake");
    get(&mut stream, "localhost", "/").await;
    for stream in &mut silent {
        to_the_end(stream).await;
    }
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_ends_its_connection() {
    let it = TheBox::open(only(|bounds| bounds.header = SHORT), 2).await;
    let mut slow = it.shake("localhost").await.expect("a handshake");
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.expect("half a head");
    slow.flush().await.expect("sent");
    to_the_end(&mut slow).await;
    let (told, _) = (it.asks("CONNECT api.twilio.com:443 HTTP/1.1\r\nHost: x\r\n\r\n").await.0, ());
    assert!(told.contains(" 200 "), "{told}");
}

#[tokio::test]
async fn plain_listeners_have_the_same_limits() {
    for bounds in [only(|bounds| bounds.header = SHORT), only(|bounds| bounds.silence = SHORT)] {
        let (listener, at) = listen().await;
        let places = std::sync::Arc::new(Semaphore::new(2));
        tokio::spawn(tipring_door::plain(Doors::sharing(listener, places).with(bounds), app()));
        let mut silent = Vec::new();
        for _ in 0..5 {
            let mut one = TcpStream::connect(at).await.expect("a connection");
            one.write_all(b"GET / HTTP/1.1\r\nHost: x").await.expect("half a request");
            silent.push(one);
        }
        let mut asks = TcpStream::connect(at).await.expect("a connection");
        let (_, body) = get(&mut asks, "x", "/here").await;
        assert_eq!(body, "http://x/here");
        for one in &mut silent {
            to_the_end(one).await;
        }
    }
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let it = TheBox::open(Bounds::default(), 2).await;
    let mut stream = it.shake("localhost").await.expect("a handshake");
    let long = "x".repeat(HEADER_OCTETS * 2);
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {long}").as_bytes()).await;
    let _ = stream.flush().await;
    let told = head(&mut stream).await;
    assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
}

#[tokio::test]
async fn an_old_request_without_a_host_is_still_served() {
    let it = TheBox::open(Bounds::default(), 2).await;
    let mut stream = it.shake("localhost").await.expect("a handshake");
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await.expect("sent");
    let told = to_the_end(&mut stream).await;
    assert!(told.contains(" 200 ") && told.ends_with("/readyz"), "{told}");
}
