//! D13: which documents are brought to where they are kept, which are asked for there, and what becomes of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tipring_resources::{Method, Sid, SidKind};
use tipring_router::{Cached, HttpAnswer, HttpRequest};
use tipring_webhook::{Documents, Kept, Soon, Webhook, verify};
use url::Url;

use crate::server::{Server, answer, closed_port};
use crate::{KEY, body, callback, exchange, failed, request, webhook};

/// Keeps whatever it is brought; it is fresh for as long as the test says.
#[derive(Debug, Default)]
struct Drawer {
    kept: Mutex<BTreeMap<(Sid, String), Kept>>,
    fresh_s: Mutex<i64>,
    /// How often it was asked.
    asked: Mutex<usize>,
}

impl Documents for Drawer {
    fn kept<'a>(&'a self, account: Sid, name: &'a Url) -> Soon<'a, Option<Kept>> {
        *self.asked.lock().unwrap() += 1;
        let found = self.kept.lock().unwrap().get(&(account, name.to_string())).cloned();
        let fresh_s = *self.fresh_s.lock().unwrap();
        Box::pin(async move { found.map(|it| Kept { fresh_s, ..it }) })
    }

    fn keep<'a>(&'a self, account: Sid, name: &'a Url, document: &'a Kept) -> Soon<'a, ()> {
        self.kept.lock().unwrap().insert((account, name.to_string()), document.clone());
        Box::pin(async {})
    }
}

impl Drawer {
    fn fresh_for(seconds: i64) -> (Arc<Self>, Webhook) {
        let drawer = Arc::new(Self::default());
        *drawer.fresh_s.lock().unwrap() = seconds;
        (Arc::clone(&drawer), webhook().keeping(drawer))
    }

    /// Paths and queries of what it has.
    fn names(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        kept.keys().map(|it| it.1.split_once("//").unwrap().1.split_once('/').unwrap().1.to_owned()).collect()
    }

    fn only(&self) -> Kept {
        let kept = self.kept.lock().unwrap();
        assert_eq!(kept.len(), 1);
        kept.values().next().unwrap().clone()
    }
}

fn cacheable(headers: &str) -> String {
    format!("Content-Type: text/xml\r\n{headers}")
}

fn of(call: u128, url: &str, more: &[(&str, &str)]) -> HttpRequest {
    let sid = Sid::new(SidKind::Call, call).to_string();
    let mut params = vec![("CallSid", sid.as_str()), ("From", "+12025550100")];
    params.extend_from_slice(more);
    request(call, Method::Get, url, &params)
}

fn how(answer: &HttpAnswer) -> Option<Cached> {
    exchange(answer).cached
}

#[tokio::test]
async fn d13_a_fresh_document_is_used_in_the_next_call_and_told_so() {
    let server =
        Server::plain(|_, _| answer(200, &cacheable("Cache-Control: max-age=60\r\n"), "<Response>é</Response>"));
    let (drawer, webhook) = Drawer::fresh_for(60);
    let first = webhook.perform(&of(1, &server.url("/voice?a=1&CallSid=theirs"), &[]), KEY).await;
    assert_eq!(how(&first), None);
    let second = webhook.perform(&of(2, &server.url("/voice?a=1&CallSid=theirs"), &[]), KEY).await;
    assert_eq!((server.heard().len(), how(&second)), (1, Some(Cached::Hit)));
    let (HttpAnswer::Document { url, content_type, body, .. }, record) = (&second, exchange(&second)) else {
        panic!("{second:?}")
    };
    assert_eq!((content_type.as_deref(), body.as_slice()), (Some("text/xml"), "<Response>é</Response>".as_bytes()));
    // The URL of this call, as if it had been asked: references in the document count from it.
    assert!(url.contains("CallSid=theirs&CallSid=CA00000000000000000000000000000002&From="), "{url}");
    assert_eq!((record.status, record.method), (Some(200), Method::Get));
    assert!(record.response_headers.starts_with("x-tipring-cached: hit\n"), "{}", record.response_headers);
    assert!(record.response_headers.contains("cache-control: max-age=60\n"));
    // What is the application's own in its URL stays, and so does all that may come again.
    assert_eq!(drawer.names(), ["voice?a=1&CallSid=theirs&From=%2B12025550100"]);
    webhook.perform(&of(2, &server.url("/voice?a=1&CallSid=theirs"), &[("Digits", "1")]), KEY).await;
    assert_eq!(server.heard().len(), 2, "other digits are another question");
    let other =
        HttpRequest { account: Sid::new(SidKind::Account, 2), ..of(3, &server.url("/voice?a=1&CallSid=theirs"), &[]) };
    webhook.perform(&other, KEY).await;
    assert_eq!(server.heard().len(), 3, "and another account's");
}

#[tokio::test]
async fn d13_posts_and_notices_are_always_sent() {
    let server = Server::plain(|_, _| answer(200, &cacheable("Cache-Control: max-age=60\r\n"), "<Response/>"));
    let (drawer, webhook) = Drawer::fresh_for(60);
    for _ in 0..2 {
        webhook.perform(&HttpRequest { method: Method::Post, ..of(1, &server.url("/voice"), &[]) }, KEY).await;
        webhook.perform(&HttpRequest { method: Method::Get, ..callback(&server.url("/status")) }, KEY).await;
        webhook.perform(&callback(&server.url("/status")), KEY).await;
    }
    assert_eq!((server.heard().len(), drawer.names().len(), *drawer.asked.lock().unwrap()), (6, 0, 0));
}

#[tokio::test]
async fn d13_what_is_said_to_somebody_known_is_neither_kept_nor_used() {
    let server = Server::plain(|heard, _| {
        let cookie = if heard.target().starts_with("/sets") { "Set-Cookie: a=1\r\n" } else { "" };
        answer(200, &cacheable(&format!("Cache-Control: max-age=60\r\n{cookie}")), "<Response/>")
    });
    let (drawer, webhook) = Drawer::fresh_for(60);
    let ask = async |call: u128, url: String| webhook.perform(&of(call, &url, &[]), KEY).await;
    // It is there, but this caller has a cookie, or a password.
    ask(1, server.url("/voice")).await;
    assert_eq!(how(&ask(2, server.url("/voice")).await), Some(Cached::Hit));
    ask(3, server.url("/sets")).await;
    assert_eq!(how(&ask(3, server.url("/voice")).await), None);
    assert_eq!(how(&ask(4, server.at("ann:s3cret@127.0.0.1", "/voice")).await), None);
    assert_eq!(how(&ask(4, server.url("/voice")).await), None, "logged in since");
    assert_eq!(drawer.names(), ["voice?From=%2B12025550100"]);
    assert_eq!(server.heard().len(), 5);
}

#[tokio::test]
async fn d13_only_what_a_shared_cache_may_have_is_brought() {
    for (headers, kept) in [
        ("", false),
        ("Cache-Control: max-age=60\r\n", true),
        ("Cache-Control: s-maxage=60\r\n", true),
        ("Expires: Fri, 01 Jan 2100 00:00:00 GMT\r\n", true),
        ("ETag: W/\"1\"\r\n", true),
        ("Last-Modified: Fri, 01 Jan 2021 00:00:00 GMT\r\n", true),
        ("Cache-Control: max-age=60\r\nVary: Accept-Encoding, User-Agent\r\n", true),
        ("Cache-Control: No-Store\r\n", false),
        ("Cache-Control: max-age=60, PRIVATE\r\n", false),
        ("Cache-Control: max-age=60\r\nCache-Control: private\r\n", false),
        ("Cache-Control: max-age=60, private=\"x\"\r\n", false),
        ("Cache-Control: max-age=60\r\nSet-Cookie: a=1\r\n", false),
        ("Cache-Control: max-age=60\r\nVary: *\r\n", false),
        ("Cache-Control: max-age=60\r\nVary: Accept, cookie\r\n", false),
        ("Cache-Control: max-age=60\r\nVary: Authorization\r\n", false),
        ("Cache-Control: max-age=60\r\nVary: X-Twilio-Signature\r\n", false),
    ] {
        let whole = cacheable(headers);
        let server = Server::plain(move |_, _| answer(200, &whole, "<Response/>"));
        let (drawer, webhook) = Drawer::fresh_for(60);
        webhook.perform(&of(1, &server.url("/"), &[]), KEY).await;
        assert_eq!(drawer.names().len(), usize::from(kept), "{headers}");
    }
    for (status, kind) in [(203, "text/xml"), (200, "audio/mpeg")] {
        let headers = format!("Content-Type: {kind}\r\nCache-Control: max-age=60\r\n");
        let server = Server::plain(move |_, _| answer(status, &headers, "<Response/>"));
        let (drawer, webhook) = Drawer::fresh_for(60);
        webhook.perform(&of(1, &server.url("/"), &[]), KEY).await;
        assert_eq!(drawer.names().len(), 0, "{status} {kind}");
    }
}

#[tokio::test]
async fn d13_a_stale_document_is_asked_for_by_a_signed_condition() {
    let server = Server::plain(|heard, before| match before {
        0 => answer(
            200,
            &cacheable("ETag: \"1\"\r\nLast-Modified: x\r\nAge: 5\r\nCache-Control: max-age=1\r\n"),
            "<Response/>",
        ),
        1 => {
            assert_eq!((heard.header("if-none-match"), heard.header("if-modified-since")), (Some("\"1\""), Some("x")));
            answer(304, "ETag: W/\"1\"\r\nCache-Control: max-age=9\r\n", "")
        }
        // Of another document: it is asked for once more.
        2 => answer(304, "ETag: \"7\"\r\n", ""),
        _ => {
            assert_eq!(heard.header("if-none-match"), (before == 4).then_some("W/\"1\""));
            answer(200, &cacheable("ETag: \"8\"\r\n"), "<Response><Hangup/></Response>")
        }
    });
    let (drawer, webhook) = Drawer::fresh_for(0);
    let ask = async |call: u128| webhook.perform(&of(call, &server.url("/voice"), &[]), KEY).await;
    ask(1).await;
    let second = ask(2).await;
    assert_eq!((how(&second), body(&second)), (Some(Cached::Revalidated), "<Response/>"));
    assert!(exchange(&second).response_headers.starts_with("x-tipring-cached: revalidated\n"));
    let signed = &server.heard()[1];
    let url = format!("{}{}", server.url(""), signed.target());
    assert!(verify(KEY, &url, &[], signed.header("x-twilio-signature").unwrap()));
    let renewed = drawer.only();
    let header =
        |name: &str| renewed.headers.iter().filter(|it| it.0 == name).map(|it| it.1.as_str()).collect::<Vec<_>>();
    assert_eq!(
        (header("cache-control"), header("last-modified"), header("age")),
        (vec!["max-age=9"], vec!["x"], vec![])
    );
    let third = ask(3).await;
    assert_eq!((how(&third), body(&third), server.heard().len()), (None, "<Response><Hangup/></Response>", 4));
    assert_eq!(drawer.only().body, "<Response><Hangup/></Response>");
}

#[tokio::test]
async fn d13_a_stale_document_stands_in_for_a_server_that_fails_only_if_it_said_so() {
    let stale = |control: &str, status: u16| {
        let headers = cacheable(&format!("Cache-Control: {control}\r\n"));
        Server::plain(move |_, before| match before {
            0 => answer(200, &headers, "<Response/>"),
            _ => answer(status, "", "broken"),
        })
    };
    for (control, status, used) in [
        ("max-age=1, stale-if-error=60", 503, true),
        ("max-age=1, stale-if-error=60", 404, false),
        ("max-age=1, stale-if-error=5", 503, false),
        ("max-age=1", 503, false),
        ("max-age=1, stale-if-error=60, must-revalidate", 503, false),
    ] {
        let server = stale(control, status);
        let (_, webhook) = Drawer::fresh_for(-10);
        webhook.perform(&of(1, &server.url("/"), &[]), KEY).await;
        let done = webhook.perform(&of(2, &server.url("/"), &[]), KEY).await;
        let wanted = used.then_some(Cached::Stale);
        assert_eq!((how(&done), matches!(done, HttpAnswer::Document { .. })), (wanted, used), "{control} {status}");
        assert_eq!(server.heard().len(), 2, "it was asked");
    }
    // A server that is off.
    let (drawer, webhook) = Drawer::fresh_for(-10);
    let url = format!("http://{}/", closed_port());
    assert_eq!(failed(&webhook.perform(&of(1, &url, &[]), KEY).await).0, 11202);
    let name = format!("{url}?From=%2B12025550100");
    let headers = vec![("cache-control".to_owned(), "stale-if-error=60".to_owned())];
    let kept = Kept { headers, body: "<Response/>".into(), fresh_s: 0 };
    drawer.kept.lock().unwrap().insert((Sid::new(SidKind::Account, 1), name), kept);
    assert_eq!(how(&webhook.perform(&of(2, &url, &[]), KEY).await), Some(Cached::Stale));
}

#[tokio::test]
async fn d13_of_a_chain_of_redirects_each_url_has_its_own_answer() {
    let server = Server::plain(|heard, _| match heard.target().split('?').next().unwrap() {
        "/moved" => answer(301, "Location: /there?x=1\r\nCache-Control: max-age=60\r\n", ""),
        _ => answer(200, &cacheable("Cache-Control: max-age=60\r\n"), "<Response/>"),
    });
    let (drawer, webhook) = Drawer::fresh_for(60);
    for method in [Method::Get, Method::Post] {
        let done = webhook.perform(&HttpRequest { method, ..of(1, &server.url("/moved"), &[]) }, KEY).await;
        assert_eq!((body(&done), exchange(&done).redirects), ("<Response/>", 1));
        assert_eq!(how(&done).is_some(), method == Method::Post, "the second time only the last answer is there");
    }
    assert_eq!(drawer.names(), ["there?x=1"]);
    assert_eq!(server.heard().len(), 3);
}
