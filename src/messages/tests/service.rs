//! The web service.

use tipring_egress::{Client, Config};
use tipring_messages::{Form, Gateway, HttpSettings, Outgoing, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub fn message(body: &str) -> Outgoing {
    let (from, to) = ("+4930111".into(), "+4930222".into());
    Outgoing { name: "SM1".into(), from, to, body: body.into() }
}

pub fn client() -> Client {
    Client::new(Config::default()).expect("a client")
}

/// What a service that answers with a status is asked, and what comes of it.
async fn asked(form: Form, status: u16) -> (String, Result<(), u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://me:secret@{}/sms?x=1", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"}") && !request.ends_with(b"mehr") && !request.ends_with(b"body=x") {
            assert!(socket.read_buf(&mut request).await.expect("a request") > 0);
        }
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        socket.write_all(answer.as_bytes()).await.expect("answered");
        String::from_utf8(request).expect("text")
    });
    let header = Some(("X-Key".to_owned(), "k".to_owned()));
    let settings = HttpSettings { url: url.parse().expect("a URL"), form, header };
    let gateway = Gateway::start(Settings::Http(settings), client(), mpsc::channel(1).0);
    let sent = gateway.send(message("Grüße & mehr")).await.map_err(|refused| {
        assert!(!refused.to_string().contains("secret"), "{refused}");
        refused.code()
    });
    (serving.await.expect("it ran"), sent)
}

#[tokio::test]
async fn b19_a_message_is_posted_as_a_form_or_as_json() {
    let (form, sent) = asked(Form::Form, 202).await;
    assert_eq!(sent, Ok(()));
    assert!(form.starts_with("POST /sms?x=1 HTTP/1.1\r\n") && form.to_lowercase().contains("x-key: k\r\n"), "{form}");
    assert!(form.ends_with("id=SM1&from=%2B4930111&to=%2B4930222&body=Gr%C3%BC%C3%9Fe+%26+mehr"), "{form}");
    let (json, sent) = asked(Form::Json, 200).await;
    assert_eq!(sent, Ok(()));
    let body: serde_json::Value = serde_json::from_str(json.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!((&body["to"], &body["body"]), (&"+4930222".into(), &"Grüße & mehr".into()));
}

#[tokio::test]
async fn b19_its_status_is_the_messages() {
    assert_eq!(asked(Form::Form, 400).await.1, Err(30007));
    assert_eq!(asked(Form::Form, 503).await.1, Err(30008));
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let url = format!("http://{free}/").parse().expect("a URL");
    let settings = HttpSettings { url, form: Form::Form, header: None };
    let gateway = Gateway::start(Settings::Http(settings), client(), mpsc::channel(1).0);
    assert_eq!(gateway.send(message("x")).await.map_err(|refused| refused.code()), Err(30008));
}
