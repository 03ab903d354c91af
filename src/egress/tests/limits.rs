//! Every limit ends a request in its own way, and quickly.

use tipring_egress::{Client, Config, Fault, Limits, Method, Request, Stage};
use tipring_guard::{Destinations, Mode, Rules};

use crate::server::{Reply, Server, Silent, answer, answer_bytes, closed_port, ok};
use crate::{client, get, gzip, hasty, url};

const HEAD_OF_100: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";

async fn whole(request: Request) -> Result<String, Fault> {
    let body = client().send(request).await?.bytes().await?;
    Ok(String::from_utf8(body.to_vec()).expect("UTF-8"))
}

#[track_caller]
fn says(fault: &Fault, code: u32, part: &str) {
    assert_eq!(fault.code(), code, "{fault}");
    let text = fault.to_string();
    assert!(text.contains(part), "{text}");
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let addr = closed_port();
    let fault = whole(get(&format!("http://{addr}/voice?Digits=1234"))).await.expect_err("refused");
    says(&fault, 11202, "refused");
    assert!(fault.to_string().contains(&format!("http://{addr}/voice")), "{fault}");
    assert!(!fault.to_string().contains("1234"), "{fault}");
    assert_eq!(fault.stage(), Stage::Connect);
}

#[tokio::test]
async fn a_connection_that_never_comes_about_is_tried_again() {
    let silent = Silent::new();
    let mut request = hasty(&format!("https://{}/", silent.addr()));
    request.limits.connect_ms = 40;
    request.limits.attempts = 3;
    let fault = whole(request).await.expect_err("no TLS, no connection");
    says(&fault, 11201, "within 40 ms");
    assert_eq!(silent.connections().len(), 3);
}

#[tokio::test]
async fn a_hanging_application_is_given_up() {
    let server = Server::plain(|_, _| Reply::Hang(Vec::new()));
    let mut request = hasty(&server.url("/"));
    request.limits.attempts = 5;
    let fault = whole(request).await.expect_err("silence");
    says(&fault, 11200, "no answer within 60 ms");
    assert_eq!(fault.stage(), Stage::Answer);
    assert_eq!(server.heard().len(), 1, "an application that may have acted is not asked again");
}

#[tokio::test]
async fn an_answer_that_stops_half_way_is_given_up() {
    let server = Server::plain(|_, _| Reply::Hang(HEAD_OF_100.to_vec()));
    let fault = whole(hasty(&server.url("/"))).await.expect_err("half an answer");
    says(&fault, 11200, "stopped for more than 60 ms");
}

#[tokio::test]
async fn the_total_time_covers_head_and_body() {
    let begun = std::time::Instant::now();
    let limits = Limits { total_ms: 80, ..Limits::default() };
    for script in [Vec::new(), HEAD_OF_100.to_vec()] {
        let server = Server::plain(move |_, _| Reply::Hang(script.clone()));
        let fault = whole(Request { limits, ..get(&server.url("/")) }).await.expect_err("too late");
        says(&fault, 11203, "within 80 ms");
    }
    let silent = Silent::new();
    let fault = whole(Request { limits, ..get(&format!("https://{}/", silent.addr())) }).await.expect_err("too late");
    says(&fault, 11203, "within 80 ms");
    assert!(begun.elapsed().as_secs() < 10, "no other limit ended it: {:?}", begun.elapsed());
}

#[tokio::test]
async fn unknown_names_and_foreign_protocols_are_told_apart() {
    let fault = whole(get("http://no-such-host.invalid/")).await.expect_err("no such host");
    says(&fault, 11210, "name server");
    let ssh = Server::plain(|_, _| Reply::Close(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()));
    let fault = whole(get(&ssh.url("/"))).await.expect_err("not HTTP");
    says(&fault, 11206, "not HTTP");
    let empty = Server::plain(|_, _| Reply::Close(Vec::new()));
    let fault = whole(get(&empty.url("/"))).await.expect_err("no answer at all");
    says(&fault, 11200, "broke");
    let cut = Server::plain(|_, _| Reply::Close(HEAD_OF_100.to_vec()));
    let fault = whole(get(&cut.url("/"))).await.expect_err("cut short");
    says(&fault, 11200, "broke");
}

#[tokio::test]
async fn a_large_body_is_refused_however_it_comes() {
    let declared = Server::plain(|_, _| Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n".to_vec()));
    says(&whole(get(&declared.url("/"))).await.expect_err("declared"), 11750, "65536 bytes");
    let sent = Server::plain(|_, _| answer_bytes(200, "", &vec![b'x'; 10_000_000]));
    says(&whole(get(&sent.url("/"))).await.expect_err("sent"), 11750, "65536 bytes");
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = Server::plain(|_, _| {
        Reply::Endless(head.to_vec(), b"400\r\n".iter().copied().chain([b'x'; 1024]).chain(*b"\r\n").collect())
    });
    says(&whole(get(&endless.url("/"))).await.expect_err("endless"), 11750, "65536 bytes");
    let bomb = gzip::bomb(40_000);
    assert!(bomb.len() < 66_000, "{} bytes that unpack to 10 MB", bomb.len());
    let packed = Server::plain(move |_, _| answer_bytes(200, "Content-Encoding: gzip\r\n", &bomb));
    let fault =
        whole(Request { limits: Limits { max_body: 1_000_000, ..Limits::default() }, ..get(&packed.url("/")) }).await;
    says(&fault.expect_err("bomb"), 11750, "1000000 bytes");
}

/// Informational answers (RFC 9110, 15.2) come before the answer, any number of them.
#[tokio::test]
async fn informational_answers_are_passed_over_and_no_answer_at_all() {
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n".to_vec();
    let server = Server::plain(move |_, _| {
        Reply::Keep([&hints[..], b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"].concat())
    });
    assert_eq!(whole(get(&server.url("/"))).await, Ok("ok".to_owned()));
    assert_eq!(whole(get(&server.url("/"))).await, Ok("ok".to_owned()), "nothing is left over");
    let endless =
        Server::plain(|_, _| Reply::Endless(Vec::new(), b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20)));
    let fault = whole(hasty(&endless.url("/"))).await.expect_err("no answer");
    assert!((11200..=11206).contains(&fault.code()), "{} {fault}", fault.code());
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes() {
    let server = Server::plain(|_, _| answer(200, "", &"x".repeat(4_096)));
    assert_eq!(whole(hasty(&server.url("/"))).await.map(|it| it.len()), Ok(4_096));
    let server = Server::plain(|_, _| answer(200, "", &"x".repeat(4_097)));
    assert_eq!(whole(hasty(&server.url("/"))).await.map_err(|it| it.code()), Err(11750));
}

#[tokio::test]
async fn an_endless_head_is_cut() {
    let server = Server::plain(|_, _| Reply::Endless(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 4_096]));
    let fault = whole(get(&server.url("/"))).await.expect_err("endless head");
    assert_eq!(fault.code(), 11206, "{fault}");
    let server = Server::plain(|_, _| Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".repeat(100)));
    let fault = whole(get(&server.url("/"))).await.expect_err("endless headers");
    assert_eq!(fault.code(), 11206, "{fault}");
}

#[tokio::test]
async fn an_idle_connection_that_closes_under_a_request_is_replaced() {
    // The second request arrives over the kept connection, which the server closes without a word.
    let server = Server::plain(|_, before| if before == 1 { Reply::Close(Vec::new()) } else { ok("<Response/>") });
    let client = client();
    for _ in 0..2 {
        let request = Request { method: Method::Post, body: "a=b".into(), ..get(&server.url("/")) };
        let body = client.send(request).await.expect("an answer").bytes().await;
        assert_eq!(body.as_deref(), Ok(&b"<Response/>"[..]));
    }
    let connections: Vec<usize> = server.heard().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}

#[tokio::test]
async fn refused_destinations_hear_nothing() {
    let server = Server::plain(|_, _| ok("secret"));
    let here = server.addr.to_string();
    let rules = Rules { refuse: vec![here.parse().expect("a place")], ..Rules::default() };
    let guarded =
        Client::new(Config { destinations: Destinations::new(rules), ..Config::default() }).expect("a client");
    // By literal address, and by a name that only resolution betrays.
    for it in [server.url("/"), server.at("localhost", "/")] {
        let fault = guarded.send(get(&it)).await.expect_err("refused");
        says(&fault, 11205, "inner listener");
    }
    let fault = guarded.send(get("http://169.254.169.254/latest/meta-data")).await.expect_err("refused");
    says(&fault, 11205, "link-local");
    let fault = guarded.send(get("ftp://app.example/")).await.expect_err("refused");
    says(&fault, 11205, "scheme");
    assert!(server.heard().is_empty());
}

#[tokio::test]
async fn strict_mode_reaches_listed_places_only() {
    let listed = Server::plain(|_, _| ok("listed"));
    let other = Server::plain(|_, _| ok("other"));
    let place = format!("localhost:{}", listed.addr.port());
    let rules = Rules { mode: Mode::Strict, listed: vec![place.parse().expect("a place")], ..Rules::default() };
    let strict = Client::new(Config { destinations: Destinations::new(rules), ..Config::default() }).expect("a client");
    let body = strict.send(get(&listed.at("localhost", "/"))).await.expect("listed").bytes().await;
    assert_eq!(body.as_deref(), Ok(&b"listed"[..]));
    for it in [other.at("localhost", "/"), listed.url("/")] {
        assert_eq!(strict.send(get(&it)).await.expect_err("not listed").code(), 11205);
    }
}

#[tokio::test]
async fn headers_that_cannot_be_sent_are_named() {
    for (name, value, part) in [
        ("X-Bad\r\nEvil", "1", "no header name"),
        ("X-Bad", "1\r\nEvil: 2", "no header can carry"),
        ("Host", "other.example", "set by the client"),
        ("Content-Length", "3", "set by the client"),
    ] {
        let request = Request {
            headers: vec![(name.to_owned(), value.to_owned())],
            url: url("http://127.0.0.1:1/"),
            ..get("http://x/")
        };
        says(&client().send(request).await.expect_err(name), 11100, part);
    }
}
