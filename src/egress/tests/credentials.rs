//! E8: credentials of the URL answer a 401 and are never seen elsewhere.

use tipring_egress::{Client, Config, Method, Request};

use crate::server::{Heard, Reply, Server, answer, closed_port, ok};
use crate::{client, get};

/// Asks for digests with this offer; takes any that has the parts.
fn digest_server(offer: &'static str, parts: &'static [&'static str]) -> Server {
    Server::plain(move |heard, _| match heard.header("authorization") {
        Some(it) if parts.iter().all(|part| it.contains(part)) => ok("in"),
        _ => answer(401, &format!("WWW-Authenticate: {offer}\r\n"), "out"),
    })
}

fn basic(heard: &Heard) -> Reply {
    match heard.header("authorization") {
        // user:p@ss
        Some("Basic dXNlcjpwQHNz") => ok("in"),
        _ => answer(401, "WWW-Authenticate: Basic realm=\"app\"\r\n", "out"),
    }
}

#[tokio::test]
async fn e8_basic_is_sent_after_the_challenge_only() {
    let server = Server::plain(|heard, _| basic(heard));
    let request =
        Request { method: Method::Post, body: "a=b".into(), ..get(&server.at("user:p%40ss@localhost", "/voice")) };
    let response = client().send(request).await.expect("an answer");
    assert_eq!(response.status, 200);
    assert_eq!(response.url.as_str(), server.at("localhost", "/voice"));
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].header("authorization"), None);
    assert!(heard.iter().all(|it| it.body == "a=b" && it.method() == "POST"));
    assert!(heard.iter().all(|it| !it.raw_head.contains("p@ss") && !it.raw_head.contains("p%40ss")));
}

#[tokio::test]
async fn e8_a_wrong_password_is_tried_once() {
    let server = Server::plain(|heard, _| basic(heard));
    let response = client().send(get(&server.at("user:wrong@localhost", "/"))).await.expect("an answer");
    assert_eq!(response.status, 401);
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn e8_without_credentials_a_401_is_an_answer() {
    let server = Server::plain(|heard, _| basic(heard));
    assert_eq!(client().send(get(&server.url("/"))).await.expect("an answer").status, 401);
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn e8_digest_signs_path_and_query() {
    let server = digest_server(
        "Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256, opaque=\"o\"",
        &["username=\"user\"", "uri=\"/voice?x=1\"", "algorithm=SHA-256", "opaque=\"o\"", "qop=auth", "nc=00000001"],
    );
    let response = client().send(get(&server.at("user:secret@localhost", "/voice?x=1"))).await.expect("an answer");
    assert_eq!(response.status, 200);
    let heard = server.heard();
    assert!(heard.iter().all(|it| !it.raw_head.contains("secret")), "{heard:?}");
}

#[tokio::test]
async fn e8_a_stale_nonce_is_replaced_once() {
    let server = Server::plain(|heard, before| match heard.header("authorization") {
        Some(it) if it.contains("nonce=\"2\"") => ok("in"),
        _ => answer(
            401,
            &format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{}\", stale={}\r\n", before + 1, before > 0),
            "",
        ),
    });
    assert_eq!(client().send(get(&server.at("u:p@localhost", "/"))).await.expect("an answer").status, 200);
    assert_eq!(server.heard().len(), 3);
    let never = Server::plain(|_, before| {
        answer(401, &format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{before}\", stale=true\r\n"), "")
    });
    assert_eq!(client().send(get(&never.at("u:p@localhost", "/"))).await.expect("an answer").status, 401);
    assert_eq!(never.heard().len(), 3, "a server that is never content ends");
}

#[tokio::test]
async fn e8_hostile_challenges_do_no_harm() {
    for offer in [
        "",
        "Digest",
        "Digest nonce=",
        "Digest realm=\"\u{1}\", nonce=\"x\"",
        "Basic, Basic, ,,,=,\"",
        "Digest realm=\"r\", nonce=\"n\", algorithm=evil\u{7f}",
    ] {
        let server = Server::plain(move |_, _| answer(401, &format!("WWW-Authenticate: {offer}\r\n"), ""));
        if let Ok(response) = client().send(get(&server.at("u:p@localhost", "/"))).await {
            assert_eq!(response.status, 401, "{offer}");
        }
        assert!(server.heard().len() <= 2, "{offer}");
    }
}

#[tokio::test]
async fn e8_no_fault_and_no_debug_text_shows_credentials() {
    let dead = format!("http://ann:s3cret@{}/voice?x=s3cret#ct=1", closed_port());
    let request = get(&dead);
    let shown = format!("{request:?}");
    assert!(!shown.contains("ann") && !shown.contains("s3cret@"), "{shown}");
    let server = Server::plain(|_, _| ok("x"));
    let response = client().send(get(&server.at("ann:s3cret@localhost", "/"))).await.expect("an answer");
    let texts = [
        client().send(request).await.expect_err("refused").to_string(),
        client().send(get("http://ann:s3cret@no-such-host.invalid/")).await.expect_err("unknown").to_string(),
        client().send(get("http://ann:s3cret@169.254.1.1/")).await.expect_err("forbidden").to_string(),
        format!("{:?}", client().send(get(&dead)).await.expect_err("refused")),
        format!("{response:?}"),
        format!("{:?}", Client::new(Config::default()).expect("a client")),
    ];
    for text in texts {
        assert!(!text.contains("s3cret") && !text.contains("ann:"), "{text}");
    }
}
