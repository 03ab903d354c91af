//! A17: cookies of one call, and of no other.

use tipring_resources::{Method, Sid, SidKind};

use crate::server::{Server, answer, ok};
use crate::{KEY, request, webhook};

#[tokio::test]
async fn a17_a_cookie_returns_in_its_own_call_only() {
    let server = Server::plain(|heard, before| match before {
        0 => answer(
            200,
            "Content-Type: text/xml\r\nSet-Cookie: sid=one; Path=/\r\nSet-Cookie: lang=de; Path=/ivr\r\n",
            "<Response/>",
        ),
        _ => ok(heard.header("cookie").unwrap_or("none")),
    });
    let webhook = webhook();
    let ask = async |call: u128, path: &str| {
        let done = webhook.perform(&request(call, Method::Post, &server.url(path), &[]), KEY).await;
        crate::body(&done).to_owned()
    };
    assert_eq!(ask(1, "/first").await, "<Response/>");
    assert_eq!(ask(1, "/second").await, "sid=one");
    assert_eq!(ask(1, "/ivr/menu").await, "lang=de; sid=one");
    assert_eq!(ask(2, "/second").await, "none", "another caller's call");
    webhook.forget(Sid::new(SidKind::Call, 1));
    assert_eq!(ask(1, "/third").await, "none", "the call is over");
}

#[tokio::test]
async fn a17_redirects_and_errors_set_cookies_too() {
    let server = Server::plain(|heard, before| match before {
        0 => answer(302, "Location: /b\r\nSet-Cookie: a=1\r\n", ""),
        1 => answer(500, "Set-Cookie: b=2\r\n", heard.header("cookie").unwrap_or("none")),
        _ => ok(heard.header("cookie").unwrap_or("none")),
    });
    let webhook = webhook();
    let done = webhook.perform(&request(1, Method::Post, &server.url("/a"), &[]), KEY).await;
    assert_eq!(crate::exchange(&done).response_body, "a=1");
    let done = webhook.perform(&request(1, Method::Get, &server.url("/fallback"), &[]), KEY).await;
    assert_eq!(crate::body(&done), "a=1; b=2");
}

#[tokio::test]
async fn a17_other_hosts_see_no_cookie() {
    let other = Server::plain(|heard, _| ok(heard.header("cookie").unwrap_or("none")));
    let away = other.at("localhost", "/");
    let server = Server::plain(move |_, _| answer(302, &format!("Location: {away}\r\nSet-Cookie: secret=1\r\n"), ""));
    let done = webhook().perform(&request(1, Method::Get, &server.url("/"), &[]), KEY).await;
    assert_eq!(crate::body(&done), "none");
}
