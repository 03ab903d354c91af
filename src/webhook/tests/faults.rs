//! Limits, overrides and retries of a whole request, and E6's error path.

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::server::{Reply, Server, Silent, answer, closed_port, ok};
use crate::{KEY, body, callback, exchange, failed, post, webhook};

#[tokio::test]
async fn every_fault_of_the_network_has_its_code() {
    let done = webhook().perform(&post(&format!("http://{}/", closed_port())), KEY).await;
    let (code, text, record) = failed(&done);
    assert_eq!((code, record.status), (11202, None));
    assert!(text.contains("running"), "{text}");
    let done = webhook().perform(&post("http://no-such-host.invalid/"), KEY).await;
    assert_eq!(failed(&done).0, 11210);
    let ftp = Server::plain(|_, _| Reply::Close(b"220 ready\r\n".to_vec()));
    assert_eq!(failed(&webhook().perform(&post(&ftp.url("/")), KEY).await).0, 11206);
}

#[tokio::test]
async fn a_hanging_application_ends_by_rt_and_by_tt() {
    let server = Server::plain(|_, _| Reply::Hang(Vec::new()));
    let done = webhook().perform(&post(&server.url("/#rt=100")), KEY).await;
    assert_eq!(failed(&done).0, 11200, "{}", failed(&done).1);
    assert_eq!(server.heard().len(), 1, "no retry after a read timeout by default");
    let done = webhook().perform(&post(&server.url("/#tt=100")), KEY).await;
    assert_eq!(failed(&done).0, 11203, "{}", failed(&done).1);
    assert!(exchange(&done).duration_ms >= 100);
}

#[tokio::test]
async fn the_total_time_covers_redirects_and_retries() {
    let server = Server::plain(
        |_, before| {
            if before == 0 { answer(307, "Location: /\r\n", "") } else { Reply::Hang(Vec::new()) }
        },
    );
    let done = webhook().perform(&post(&server.url("/#tt=150&rc=5&rp=all")), KEY).await;
    let (code, text, _) = failed(&done);
    assert_eq!(code, 11203, "{text}");
    assert!(text.contains("150 ms"), "the limit that was set, not what was left of it: {text}");
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn a_retry_gets_what_time_is_left() {
    let server = Server::plain(|_, _| Reply::Hang(Vec::new()));
    let done = webhook().perform(&post(&server.url("/#rt=200&tt=500&rc=5&rp=rt")), KEY).await;
    // Two tries of 200 ms, and a third that has 100 ms.
    assert_eq!(failed(&done).0, 11203, "{}", failed(&done).1);
    assert!((2..=3).contains(&server.heard().len()), "{}", server.heard().len());
}

#[tokio::test]
async fn a_connection_is_tried_twice_by_default() {
    for (fragment, times) in [("#ct=100", 2), ("#ct=100&rc=0", 1), ("#ct=100&rc=2", 3), ("#ct=100&rp=5xx", 1)] {
        let silent = Silent::new();
        let done = webhook().perform(&post(&format!("https://{}/{fragment}", silent.addr())), KEY).await;
        assert_eq!(failed(&done).0, 11201);
        assert_eq!(silent.connections().len(), times, "{fragment}");
    }
}

#[tokio::test]
async fn retries_follow_the_policy_with_one_token() {
    let failing = |until: usize, status: u16| {
        Server::plain(move |_, before| if before < until { answer(status, "", "no") } else { ok("yes") })
    };
    let server = failing(2, 503);
    let done = webhook().perform(&post(&server.url("/#rc=2&rp=5xx")), KEY).await;
    assert_eq!(body(&done), "yes");
    let tokens: Vec<_> =
        server.heard().iter().map(|it| it.header("i-twilio-idempotency-token").map(str::to_owned)).collect();
    assert_eq!(tokens, vec![Some("token-1".to_owned()); 3]);
    for (until, status, fragment, heard) in
        [(9, 503, "#rc=2&rp=5xx", 3), (9, 503, "#rc=5&rp=4xx", 1), (9, 404, "#rc=1&rp=4xx", 2), (9, 500, "", 1)]
    {
        let server = failing(until, status);
        let done = webhook().perform(&post(&server.url(&format!("/{fragment}"))), KEY).await;
        assert_eq!(failed(&done).0, 11200);
        assert_eq!(server.heard().len(), heard, "{fragment}");
    }
}

#[tokio::test]
async fn wrong_overrides_are_named_and_nobody_is_asked() {
    let server = Server::plain(|_, _| ok("x"));
    for (fragment, code) in [("#rp=3xx", 11243), ("#rc=9", 11243), ("#ct=1", 11100), ("#tt=x", 11100)] {
        let done = webhook().perform(&post(&server.url(&format!("/{fragment}"))), KEY).await;
        assert_eq!(failed(&done).0, code, "{fragment}");
    }
    assert!(server.heard().is_empty());
}

#[tokio::test]
async fn a_large_document_is_refused_and_a_large_answer_to_a_notice_is_not() {
    let server = Server::plain(|_, _| answer(200, "Content-Type: text/xml\r\n", &"x".repeat(100_000)));
    let done = webhook().perform(&post(&server.url("/")), KEY).await;
    let (code, _, record) = failed(&done);
    assert_eq!(code, 11750);
    assert!(record.response_body.len() <= 65_536);
    let done = webhook().perform(&callback(&server.url("/")), KEY).await;
    assert_eq!(exchange(&done).status, Some(200));
    assert!(body(&done).len() <= 65_536);
    let exact = Server::plain(|_, _| answer(200, "Content-Type: text/xml\r\n", &"x".repeat(65_536)));
    assert_eq!(body(&webhook().perform(&post(&exact.url("/")), KEY).await).len(), 65_536);
}

#[tokio::test]
async fn e6_a_bad_certificate_takes_the_error_path() {
    tipring_egress::install_provider();
    let key = KeyPair::generate().expect("a key");
    let cert = CertificateParams::new(vec!["localhost".to_owned()])
        .and_then(|it| it.self_signed(&key))
        .expect("a certificate");
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], private)
        .expect("a server");
    let server = Server::tls(config, |_, _| ok("x"));
    let done = webhook().perform(&post(&server.at("localhost", "/")), KEY).await;
    assert_eq!(failed(&done).0, 11237, "{}", failed(&done).1);
    assert!(server.heard().is_empty());
}

#[tokio::test]
async fn many_calls_at_once_keep_apart() {
    let server = Server::plain(|heard, _| match heard.header("cookie") {
        Some(it) => ok(it),
        None => {
            answer(200, &format!("Content-Type: text/xml\r\nSet-Cookie: call={}\r\n", &heard.target()[1..]), "first")
        }
    });
    let webhook = webhook();
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..60 {
        let (webhook, url) = (webhook.clone(), server.url(&format!("/{call}")));
        calls.spawn(async move {
            let ask = crate::request(call, tipring_resources::Method::Post, &url, &[]);
            let first = body(&webhook.perform(&ask, KEY).await).to_owned();
            let second = body(&webhook.perform(&ask, KEY).await).to_owned();
            (call, first, second)
        });
    }
    while let Some(done) = calls.join_next().await {
        let (call, first, second) = done.expect("a call");
        assert_eq!((first, second), ("first".to_owned(), format!("call={call}")));
    }
}
