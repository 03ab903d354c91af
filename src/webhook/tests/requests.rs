//! A6, E1, E2: what an application server gets to see, and how it proves who sent it.

use tipring_resources::Method;
use tipring_router::HttpAnswer;
use tipring_webhook::verify;
use url::form_urlencoded;

use crate::server::{Heard, Server, answer, ok};
use crate::{KEY, body, callback, exchange, failed, get, post, request, webhook};

const FIELDS: [(&str, &str); 6] = [
    ("CallSid", "CA1"),
    ("From", "+49301234"),
    ("Name", "Jürgen & ☎"),
    ("Repeated", "b"),
    ("Repeated", "a"),
    ("Empty", ""),
];

/// What an application's verifier does: its own URL, the form that it got, the header.
fn verifies(server: &Server, heard: &Heard, key: &str) -> bool {
    let form: Vec<(String, String)> = form_urlencoded::parse(heard.body.as_bytes()).into_owned().collect();
    verify(key, &server.url(heard.target()), &form, heard.header("x-twilio-signature").unwrap_or_default())
}

#[tokio::test]
async fn a6_post_sends_a_form_with_the_right_type() {
    let server = Server::plain(|_, _| ok("<Response/>"));
    let done = webhook().perform(&request(1, Method::Post, &server.url("/voice?a=1"), &FIELDS), KEY).await;
    assert_eq!(body(&done), "<Response/>");
    let heard = &server.heard()[0];
    assert_eq!(heard.line, "POST /voice?a=1 HTTP/1.1");
    assert_eq!(heard.header("content-type"), Some("application/x-www-form-urlencoded; charset=UTF-8"));
    assert_eq!(heard.header("user-agent"), Some("TwilioProxy/1.1"));
    assert_eq!(heard.header("i-twilio-idempotency-token"), Some("token-1"));
    assert_eq!(heard.body, "CallSid=CA1&From=%2B49301234&Name=J%C3%BCrgen+%26+%E2%98%8E&Repeated=b&Repeated=a&Empty=");
    assert_eq!(exchange(&done).request_variables, heard.body);
    assert_eq!(exchange(&done).status, Some(200));
}

#[tokio::test]
async fn a6_get_sends_a_query_and_no_body() {
    let server = Server::plain(|_, _| ok("<Response/>"));
    for (path, before) in [("/voice", "/voice?"), ("/voice?", "/voice?"), ("/voice?x=%2f&y", "/voice?x=%2f&y&")] {
        webhook().perform(&request(1, Method::Get, &server.url(path), &FIELDS[..2]), KEY).await;
        let heard = server.heard().pop().expect("a request");
        assert_eq!(heard.line, format!("GET {before}CallSid=CA1&From=%2B49301234 HTTP/1.1"));
        assert_eq!(
            (heard.body.as_str(), heard.header("content-type"), heard.header("content-length")),
            ("", None, None)
        );
    }
    webhook().perform(&get(&server.url("/plain")), KEY).await;
    assert_eq!(server.heard()[3].line, "GET /plain HTTP/1.1");
}

#[tokio::test]
async fn e1_post_and_get_are_signed_as_they_are_sent() {
    let server = Server::plain(|_, _| ok("<Response/>"));
    for method in [Method::Get, Method::Post] {
        for path in ["/voice", "/voice?b=2&a=1", "/with%20space/ü?q=a+b#ct=1000"] {
            webhook().perform(&request(1, method, &server.url(path), &FIELDS), KEY).await;
            let heard = server.heard().pop().expect("a request");
            assert!(verifies(&server, &heard, KEY), "{method:?} {path}: {heard:?}");
        }
    }
}

#[tokio::test]
async fn e2_altered_stray_and_unsigned_requests_are_refused_by_the_verifier() {
    let server = Server::plain(|_, _| ok("<Response/>"));
    webhook().perform(&request(1, Method::Post, &server.url("/voice"), &FIELDS), KEY).await;
    let heard = &server.heard()[0];
    assert!(verifies(&server, heard, KEY));
    assert!(!verifies(&server, heard, "the token of another account"));
    let altered = Heard { body: heard.body.replace("CA1", "CA2"), ..heard.clone() };
    assert!(!verifies(&server, &altered, KEY));
    let stray = Heard { body: format!("{}&Extra=1", heard.body), ..heard.clone() };
    assert!(!verifies(&server, &stray, KEY));
    let elsewhere = Heard { line: heard.line.replace("/voice", "/admin"), ..heard.clone() };
    assert!(!verifies(&server, &elsewhere, KEY));
    let unsigned = Heard { headers: Vec::new(), ..heard.clone() };
    assert!(!verifies(&server, &unsigned, KEY));
}

#[tokio::test]
async fn a_documents_content_type_and_place_are_passed_on() {
    let server = Server::plain(|_, _| answer(200, "Content-Type: text/plain; charset=utf-8\r\n", "Hello"));
    let done = webhook().perform(&post(&server.url("/a/b?c=d#tt=5000")), KEY).await;
    let HttpAnswer::Document { url, content_type, .. } = &done else { panic!("{done:?}") };
    assert_eq!(
        (url.as_str(), content_type.as_deref()),
        (server.url("/a/b?c=d").as_str(), Some("text/plain; charset=utf-8"))
    );
    let untyped = Server::plain(|_, _| answer(200, "", "<Response/>"));
    let done = webhook().perform(&post(&untyped.url("/")), KEY).await;
    assert!(matches!(&done, HttpAnswer::Document { content_type: None, .. }), "{done:?}");
}

#[tokio::test]
async fn audio_is_left_to_be_played_by_its_url() {
    let server = Server::plain(|_, _| answer(200, "Content-Type: Audio/MPEG\r\n", &"x".repeat(1_000_000)));
    let done = webhook().perform(&post(&server.url("/menu.mp3")), KEY).await;
    assert_eq!(body(&done), "");
}

#[tokio::test]
async fn errors_and_empty_answers_have_their_codes_and_keep_the_answer_for_people() {
    let broken = Server::plain(|_, _| answer(500, "X-Debug: yes\r\n", "Traceback: line 1"));
    let done = webhook().perform(&post(&broken.url("/voice")), KEY).await;
    let (code, text, record) = failed(&done);
    assert_eq!((code, record.status), (11200, Some(500)));
    assert!(text.contains("500") && text.contains("log"), "{text}");
    assert_eq!(record.response_body, "Traceback: line 1");
    assert!(record.response_headers.contains("x-debug: yes\n"), "{}", record.response_headers);
    let done = webhook().perform(&callback(&broken.url("/status")), KEY).await;
    assert_eq!(failed(&done).0, 15003);
    for status in [200, 204] {
        let empty = Server::plain(move |_, _| answer(status, "Content-Type: text/xml\r\n", ""));
        assert_eq!(failed(&webhook().perform(&post(&empty.url("/")), KEY).await).0, 11770);
        let done = webhook().perform(&callback(&empty.url("/")), KEY).await;
        assert_eq!(exchange(&done).status, Some(status), "a notice needs no body");
        assert_eq!(body(&done), "");
    }
}

#[tokio::test]
async fn no_url_is_told_without_asking_anybody() {
    for url in ["", "voice.xml", "/voice", "http://", "mailto:a@b", "http://u:p@:1/", "https://u:p@exa mple/"] {
        let done = webhook().perform(&post(url), KEY).await;
        let (code, text, record) = failed(&done);
        assert_eq!(code, 11100, "{url}: {text}");
        assert!(!text.contains("u:p") && !record.url.contains("u:p"), "{text} {}", record.url);
    }
}
