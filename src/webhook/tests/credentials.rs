//! E8: credentials in URLs of applications.

use tipring_router::HttpAnswer;
use tipring_webhook::verify;

use crate::server::{Heard, Reply, Server, answer, closed_port, ok};
use crate::{KEY, body, exchange, failed, get, post, request, webhook};

/// Lets in ann with her password s3cret.
fn guarded(heard: &Heard) -> Reply {
    match heard.header("authorization") {
        Some("Basic YW5uOnMzY3JldA==") => ok("<Response/>"),
        _ => answer(401, "WWW-Authenticate: Basic realm=\"app\"\r\n", "who?"),
    }
}

#[tokio::test]
async fn e8_a_401_is_answered_and_the_url_shows_nothing() {
    let server = Server::plain(|heard, _| guarded(heard));
    let done = webhook().perform(&post(&server.at("ann:s3cret@localhost", "/voice")), KEY).await;
    assert_eq!(body(&done), "<Response/>");
    assert!(!format!("{done:?}").contains("s3cret"), "{done:?}");
    let HttpAnswer::Document { url, .. } = &done else { panic!("{done:?}") };
    assert_eq!(*url, server.at("localhost", "/voice"));
    for heard in server.heard() {
        let form: Vec<_> = url::form_urlencoded::parse(heard.body.as_bytes()).into_owned().collect();
        let signature = heard.header("x-twilio-signature").unwrap_or_default();
        assert!(verify(KEY, url, &form, signature), "signed without credentials, both times");
    }
}

#[tokio::test]
async fn e8_a_call_stays_logged_in_and_other_calls_do_not() {
    let server = Server::plain(|heard, _| guarded(heard));
    let webhook = webhook();
    webhook.perform(&post(&server.at("ann:s3cret@localhost", "/voice")), KEY).await;
    // A relative URL in the document leads here, without credentials.
    let done = webhook.perform(&post(&server.at("localhost", "/next")), KEY).await;
    assert_eq!(body(&done), "<Response/>");
    let other = request(2, tipring_resources::Method::Post, &server.at("localhost", "/next"), &[]);
    assert_eq!(failed(&webhook.perform(&other, KEY).await).0, 11200);
}

#[tokio::test]
async fn e8_credentials_that_were_refused_are_not_kept() {
    let server = Server::plain(|heard, _| guarded(heard));
    let webhook = webhook();
    webhook.perform(&post(&server.at("ann:wrong@localhost", "/voice")), KEY).await;
    webhook.perform(&post(&server.at("localhost", "/next")), KEY).await;
    let tried = server.heard().iter().filter(|it| it.header("authorization").is_some()).count();
    assert_eq!((server.heard().len(), tried), (3, 1));
}

#[tokio::test]
async fn e8_a_login_follows_a_redirect_to_the_same_server_only() {
    let same = Server::plain(|heard, _| match (heard.target(), guarded(heard)) {
        ("/voice", Reply::Keep(bytes)) if bytes.starts_with(b"HTTP/1.1 200") => answer(302, "Location: /inner\r\n", ""),
        (_, reply) => reply,
    });
    assert_eq!(body(&webhook().perform(&get(&same.at("ann:s3cret@localhost", "/voice")), KEY).await), "<Response/>");
    let thief = Server::plain(|_, _| answer(401, "WWW-Authenticate: Basic realm=\"give me\"\r\n", ""));
    let away = thief.url("/");
    let server = Server::plain(move |_, _| answer(302, &format!("Location: {away}\r\n"), ""));
    assert_eq!(failed(&webhook().perform(&get(&server.at("ann:s3cret@localhost", "/")), KEY).await).0, 11200);
    assert!(thief.heard().iter().all(|it| it.header("authorization").is_none()));
}

#[tokio::test]
async fn e8_failures_and_their_records_show_no_credentials() {
    let wrong = Server::plain(|heard, _| guarded(heard));
    let leaky = Server::plain(|_, _| answer(302, "Location: http://bob:s3cret@no-such-host.invalid/x\r\n", ""));
    let nowhere = Server::plain(|_, _| answer(302, "Location: http://bob:s3cret@:0:0/x\r\n", ""));
    let urls = [
        wrong.at("ann:wrong-s3cret@localhost", "/voice"),
        leaky.at("ann:s3cret@localhost", "/"),
        nowhere.at("ann:s3cret@localhost", "/"),
        format!("http://ann:s3cret@{}/", closed_port()),
        "http://ann:s3cret@no-such-host.invalid/#rp=wrong".to_owned(),
        "http://ann:s3cret@:0:0/".to_owned(),
        "ftp://ann:s3cret@app/".to_owned(),
        "ann:s3cret@localhost/".to_owned(),
    ];
    for url in urls {
        let done = webhook().perform(&post(&url), KEY).await;
        let _ = failed(&done);
        let shown = format!("{done:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("ann") && !shown.contains("bob"), "{shown}");
    }
    let done = webhook().perform(&post(&wrong.at("ann:nope@localhost", "/voice")), KEY).await;
    assert!(failed(&done).1.contains("user:password@"), "{}", failed(&done).1);
    assert_eq!(exchange(&done).status, Some(401));
}
