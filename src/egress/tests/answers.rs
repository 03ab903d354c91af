//! What goes over the wire and what comes back.

use std::io::Write as _;
use tipring_egress::{Client, Config, Method, Request};

use crate::server::{Server, answer, answer_bytes, ok};
use crate::{client, get, gzip};

#[tokio::test]
async fn a_post_is_one_plain_http_1_request() {
    let server = Server::plain(|_, _| answer(201, "X-One: a\r\nx-one: b\r\nX-Latin: caf\u{e9}\r\n", "done"));
    let request = Request {
        method: Method::Post,
        headers: vec![
            ("X-Twilio-Signature".to_owned(), "abc=".to_owned()),
            ("Content-Type".to_owned(), "text/plain".to_owned()),
        ],
        body: "hello".into(),
        ..get(&server.url("/a/b?c=d%20e#ct=100"))
    };
    let response = client().send(request).await.expect("an answer");
    assert_eq!((response.status, response.header("x-one")), (201, Some("a")));
    assert_eq!(response.headers_named("x-one").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(response.url.as_str(), server.url("/a/b?c=d%20e"));
    assert_eq!(response.bytes().await.as_deref(), Ok(&b"done"[..]));
    let heard = &server.heard()[0];
    assert_eq!(heard.line, "POST /a/b?c=d%20e HTTP/1.1");
    assert_eq!(heard.body, "hello");
    assert_eq!(heard.header("content-length"), Some("5"));
    assert_eq!(heard.header("host"), Some(server.addr.to_string().as_str()));
    assert!(heard.header("user-agent").is_some_and(|it| it.starts_with("tipring/")), "{heard:?}");
    assert!(heard.raw_head.contains("\r\nX-Twilio-Signature: abc="), "{heard:?}");
    assert_eq!(heard.header("referer"), None);
}

#[tokio::test]
async fn every_method_keeps_its_shape() {
    let server =
        Server::plain(|heard, _| if heard.method() == "HEAD" { answer(200, "X-Length: 0\r\n", "") } else { ok("x") });
    for method in [Method::Get, Method::Post, Method::Head, Method::Put, Method::Delete] {
        let response = client().send(Request { method, ..get(&server.url("/")) }).await.expect("an answer");
        assert_eq!(response.status, 200);
        assert!(response.bytes().await.is_ok());
    }
    let heard = server.heard();
    let lines: Vec<&str> = heard.iter().map(|it| it.method()).collect();
    assert_eq!(lines, ["GET", "POST", "HEAD", "PUT", "DELETE"]);
    assert_eq!(heard[0].header("content-length"), None);
    assert_eq!(heard[1].header("content-length"), Some("0"), "an empty POST says so");
}

#[tokio::test]
async fn redirects_are_the_callers_business() {
    let server = Server::plain(|_, _| answer(302, "Location: /elsewhere\r\n", ""));
    let response = client().send(get(&server.url("/"))).await.expect("an answer");
    assert_eq!((response.status, response.header("location")), (302, Some("/elsewhere")));
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn gzip_is_asked_for_and_unpacked() {
    let packed = gzip::stored(b"<Response><Hangup/></Response>");
    let server = Server::plain(move |_, _| answer_bytes(200, "Content-Encoding: gzip\r\n", &packed));
    let body = client().send(get(&server.url("/"))).await.expect("an answer").bytes().await;
    assert_eq!(body.as_deref(), Ok(&b"<Response><Hangup/></Response>"[..]));
    assert!(server.heard()[0].header("accept-encoding").is_some_and(|it| it.contains("gzip")));
    let broken = Server::plain(|_, _| answer_bytes(200, "Content-Encoding: gzip\r\n", b"no gzip at all"));
    let fault = client().send(get(&broken.url("/"))).await.expect("a head").bytes().await.expect_err("no gzip");
    assert_eq!(fault.code(), 11200, "{fault}");
}

#[tokio::test]
async fn connections_are_kept_and_shared_by_clones() {
    let server = Server::plain(|_, _| ok("x"));
    let client = client();
    for _ in 0..5 {
        assert!(client.clone().send(get(&server.url("/"))).await.expect("an answer").bytes().await.is_ok());
    }
    assert!(server.heard().iter().all(|it| it.connection == 0));
}

#[tokio::test]
async fn many_requests_at_once() {
    let server = Server::plain(|heard, _| ok(heard.target()));
    let client = client();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (client, request) = (client.clone(), get(&server.at("localhost", &format!("/{number}"))));
        tasks.spawn(async move { (number, client.send(request).await.expect("an answer").bytes().await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (number, body) = done.expect("a task");
        assert_eq!(body.as_deref(), Ok(format!("/{number}").as_bytes()));
    }
}

#[tokio::test]
async fn a_server_on_ipv6_is_reached_by_its_address() {
    let Some(server) = Server::plain_on("[::1]:0", |_, _| ok("six")) else {
        drop(writeln!(std::io::stderr(), "SKIPPED: a_server_on_ipv6_is_reached_by_its_address needs a host with IPv6"));
        return;
    };
    let body = client().send(get(&server.url("/"))).await.expect("an answer").bytes().await;
    assert_eq!(body.as_deref(), Ok(&b"six"[..]));
    assert_eq!(server.heard()[0].header("host"), Some(server.addr.to_string().as_str()));
}

#[tokio::test]
async fn a_fixed_name_needs_no_name_server() {
    let server = Server::plain(|heard, _| ok(heard.header("host").unwrap_or_default()));
    let hosts = vec![("app.invalid".to_owned(), server.addr)];
    let client = Client::new(Config { hosts, ..Config::default() }).expect("a client");
    for (url, host) in [
        ("http://app.invalid/", "app.invalid".to_owned()),
        (server.at("app.invalid", "/").as_str(), format!("app.invalid:{}", server.addr.port())),
    ] {
        let body = client.send(get(url)).await.expect("an answer").bytes().await;
        assert_eq!(body.as_deref(), Ok(host.as_bytes()), "{url}");
    }
    assert_eq!(client.send(get("http://other.invalid/")).await.expect_err("unknown").code(), 11210);
}
