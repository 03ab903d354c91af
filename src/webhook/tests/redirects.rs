//! A18: redirects, as a browser follows them.

use tipring_resources::Method;
use tipring_router::HttpAnswer;
use tipring_webhook::verify;

use crate::server::{Server, answer, ok};
use crate::{KEY, body, exchange, failed, pairs, post, request, webhook};

#[tokio::test]
async fn a18_301_to_303_become_a_get_without_form() {
    for status in [301, 302, 303] {
        let server = Server::plain(move |_, before| match before {
            0 => answer(status, "Location: next?x=1\r\n", "moved"),
            _ => ok("<Response/>"),
        });
        let done = webhook().perform(&post(&server.url("/app/voice?a=b")), KEY).await;
        assert_eq!(body(&done), "<Response/>");
        let HttpAnswer::Document { url, exchange, .. } = &done else { panic!("{done:?}") };
        assert_eq!(*url, server.url("/app/next?x=1"), "the base of relative URLs moves along");
        assert_eq!((exchange.redirects, exchange.method), (1, Method::Get));
        let heard = &server.heard()[1];
        assert_eq!((heard.line.as_str(), heard.body.as_str()), ("GET /app/next?x=1 HTTP/1.1", ""));
        assert_eq!(heard.header("content-type"), None);
        let signature = heard.header("x-twilio-signature").unwrap_or_default();
        assert!(verify(KEY, &server.url("/app/next?x=1"), &[], signature), "signed anew");
    }
}

#[tokio::test]
async fn a18_307_and_308_keep_method_and_form() {
    for status in [307, 308] {
        let server = Server::plain(move |_, before| match before {
            0 => answer(status, "Location: /next\r\n", ""),
            _ => ok("<Response/>"),
        });
        let done = webhook().perform(&post(&server.url("/voice")), KEY).await;
        assert_eq!(body(&done), "<Response/>");
        let heard = &server.heard()[1];
        assert_eq!((heard.line.as_str(), heard.body.as_str()), ("POST /next HTTP/1.1", "CallSid=CA1&Digits=1"));
        assert_eq!(heard.header("i-twilio-idempotency-token"), server.heard()[0].header("i-twilio-idempotency-token"));
        let signature = heard.header("x-twilio-signature").unwrap_or_default();
        assert!(verify(KEY, &server.url("/next"), &pairs(&[("CallSid", "CA1"), ("Digits", "1")]), signature));
        assert!(!verify(KEY, &server.url("/voice"), &pairs(&[("CallSid", "CA1"), ("Digits", "1")]), signature));
    }
}

#[tokio::test]
async fn a18_an_endless_chain_ends_in_11215() {
    let server = Server::plain(|_, before| answer(302, &format!("Location: /{before}\r\n"), ""));
    let done = webhook().perform(&post(&server.url("/")), KEY).await;
    let (code, text, record) = failed(&done);
    assert_eq!((code, record.redirects, record.status), (11215, 10, Some(302)));
    assert!(text.contains("/10"), "{text}");
    assert_eq!(server.heard().len(), 11);
}

#[tokio::test]
async fn a18_ten_redirects_are_followed() {
    let server =
        Server::plain(|_, before| if before < 10 { answer(302, "Location: /\r\n", "") } else { ok("<Response/>") });
    let done = webhook().perform(&post(&server.url("/")), KEY).await;
    assert_eq!((body(&done), exchange(&done).redirects), ("<Response/>", 10));
}

#[tokio::test]
async fn a18_redirects_to_other_servers_and_to_nowhere() {
    let other = Server::plain(|_, _| ok("other"));
    let away = other.url("/voice");
    let server = Server::plain(move |_, _| answer(302, &format!("Location: {away}\r\n"), ""));
    assert_eq!(body(&webhook().perform(&post(&server.url("/")), KEY).await), "other");
    for (headers, code) in [
        ("", 11200),
        ("Location: http://[\r\n", 11200),
        ("Location: ftp://app/x\r\n", 11205),
        ("Location: file:///etc/passwd\r\n", 11100),
        ("Location: http://169.254.169.254/latest\r\n", 11205),
    ] {
        let server = Server::plain(move |_, _| answer(302, headers, ""));
        let done = webhook().perform(&post(&server.url("/")), KEY).await;
        assert_eq!(failed(&done).0, code, "{headers:?} {}", failed(&done).1);
    }
    let odd = Server::plain(|_, _| answer(304, "Location: /x\r\n", ""));
    assert_eq!(failed(&webhook().perform(&post(&odd.url("/")), KEY).await).0, 11200);
}

#[tokio::test]
async fn a18_parameters_of_a_get_are_not_sent_twice() {
    let server = Server::plain(|_, before| if before == 0 { answer(307, "Location: /b?x=1\r\n", "") } else { ok("x") });
    webhook().perform(&request(1, Method::Get, &server.url("/a"), &[("Digits", "1")]), KEY).await;
    let lines: Vec<String> = server.heard().into_iter().map(|it| it.line).collect();
    assert_eq!(lines, ["GET /a?Digits=1 HTTP/1.1", "GET /b?x=1 HTTP/1.1"]);
}
