//! A message centre: binds, answers, delivers, sends receipts, asks for signs of life.

use std::time::Duration;

use tipring_messages::{Gateway, Settings, SmppSettings, Told};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::service::{client, message};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

struct Centre {
    socket: TcpStream,
}

struct Pdu {
    command: u32,
    status: u32,
    sequence: u32,
    body: Vec<u8>,
}

impl Centre {
    /// Takes a connection and its bind.
    async fn bound(listener: &TcpListener, status: u32) -> Centre {
        let (socket, _) = listener.accept().await.expect("a connection");
        let mut centre = Centre { socket };
        let bind = centre.next().await;
        assert_eq!(bind.command, 9);
        assert!(bind.body.starts_with(b"me\0secret\0\0\x34"), "{:?}", bind.body);
        centre.say(0x8000_0009, status, bind.sequence, b"centre\0").await;
        centre
    }

    async fn next(&mut self) -> Pdu {
        let read = async {
            let length = self.socket.read_u32().await.expect("a length");
            let command = self.socket.read_u32().await.expect("a command");
            let status = self.socket.read_u32().await.expect("a status");
            let sequence = self.socket.read_u32().await.expect("a number");
            let mut body = vec![0; length as usize - 16];
            self.socket.read_exact(&mut body).await.expect("a body");
            Pdu { command, status, sequence, body }
        };
        tokio::time::timeout(LIMIT, read).await.expect("in time")
    }

    async fn say(&mut self, command: u32, status: u32, sequence: u32, body: &[u8]) {
        let head = [16 + body.len() as u32, command, status, sequence];
        let octets: Vec<u8> = head.into_iter().flat_map(u32::to_be_bytes).chain(body.iter().copied()).collect();
        // In two pieces, as networks do.
        let (first, second) = octets.split_at(octets.len() / 2);
        self.socket.write_all(first).await.expect("said");
        self.socket.flush().await.expect("said");
        self.socket.write_all(second).await.expect("said");
    }
}

async fn started(enquire: Duration) -> (TcpListener, Gateway, mpsc::Receiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (system_id, password) = ("me".to_owned(), "secret".to_owned());
    let settings = SmppSettings { address, tls: false, system_id, password, system_type: String::new(), enquire };
    let (tell, told) = mpsc::channel(16);
    let gateway = Gateway::start(Settings::Smpp(settings), client(), tell);
    (listener, gateway, told)
}

/// A message that the centre brings.
fn delivery(class: u8, text: &str) -> Vec<u8> {
    let mut body = b"\0\x01\x01493022\0\x01\x01493011\0".to_vec();
    body.extend([class, 0, 0, 0, 0, 0, 0, 0, 0, text.len() as u8]);
    body.extend(text.as_bytes());
    body
}

#[tokio::test]
async fn b19_a_long_message_is_submitted_in_parts_and_its_receipt_is_told() {
    let (listener, gateway, mut told) = started(Duration::from_secs(60)).await;
    let mut centre = Centre::bound(&listener, 0).await;
    let body = "x".repeat(200);
    let sender = gateway.clone();
    let sending = tokio::spawn(async move { sender.send(message(&body)).await });
    let (first, second) = (centre.next().await, centre.next().await);
    assert_eq!((first.command, second.command), (4, 4));
    assert!(first.body.starts_with(b"\0\x01\x014930111\0\x01\x014930222\0\x40"), "{:?}", first.body);
    // Answered the other way round.
    centre.say(0x8000_0004, 0, second.sequence, b"b\0").await;
    centre.say(0x8000_0004, 0, first.sequence, b"a\0").await;
    assert_eq!(sending.await.expect("it ran"), Ok(()));
    centre.say(5, 0, 70, &delivery(4, "id:a stat:ENROUTE err:000")).await;
    assert_eq!(centre.next().await.command, 0x8000_0005);
    centre.say(5, 0, 71, &delivery(4, "id:a stat:DELIVRD err:000")).await;
    centre.say(5, 0, 72, &delivery(0, "hello @")).await;
    let next = tokio::time::timeout(LIMIT, told.recv()).await.expect("in time");
    assert!(matches!(&next, Some(Told::Delivered { name }) if name == "SM1"), "{next:?}");
    let (body, taken) = came(&mut told).await;
    assert!(body.starts_with("hello "), "{body}");
    taken.send(()).expect("it waits");
    assert_eq!((centre.next().await.status, centre.next().await.sequence), (0, 72));
}

/// The next message that came in, and who waits for it.
async fn came(told: &mut mpsc::Receiver<Told>) -> (String, tokio::sync::oneshot::Sender<()>) {
    match tokio::time::timeout(LIMIT, told.recv()).await.expect("in time") {
        Some(Told::In { from, to, body, taken }) => {
            assert_eq!((from.as_str(), to.as_str()), ("+493022", "+493011"));
            (body, taken)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_in_is_answered_when_it_is_kept_and_brought_again_when_it_is_not() {
    let (listener, _gateway, mut told) = started(Duration::from_secs(60)).await;
    let mut centre = Centre::bound(&listener, 0).await;
    // Two parts by their parameters: the first one is never brought again.
    let part = |n: u8, text: &str| {
        let mut body = delivery(0, text);
        body.extend([2, 0x0c, 0, 2, 1, 7, 2, 0x0e, 0, 1, 2, 2, 0x0f, 0, 1, n]);
        body
    };
    centre.say(5, 0, 80, &part(1, "good ")).await;
    let answer = centre.next().await;
    assert_eq!((answer.command, answer.sequence, answer.status), (0x8000_0005, 80, 0));
    for (sequence, keeps, status) in [(81, false, 0x14), (82, true, 0)] {
        centre.say(5, 0, sequence, &part(2, "morning")).await;
        let (body, taken) = came(&mut told).await;
        assert_eq!(body, "good morning");
        // The connection lives while somebody keeps it.
        centre.say(0x15, 0, 90, &[]).await;
        assert_eq!(centre.next().await.command, 0x8000_0015);
        if keeps {
            taken.send(()).expect("it waits");
        } else {
            drop(taken);
        }
        let answer = centre.next().await;
        assert_eq!((answer.command, answer.sequence, answer.status), (0x8000_0005, sequence, status));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_not_passed_over() {
    let (listener, _gateway, mut told) = started(Duration::from_secs(60)).await;
    let mut centre = Centre::bound(&listener, 0).await;
    let mut cut = delivery(0, "hello");
    cut.truncate(cut.len() - 2);
    for (sequence, body) in [(1, cut), (2, delivery(4, "no receipt")), (3, vec![0])] {
        centre.say(5, 0, sequence, &body).await;
        let answer = centre.next().await;
        assert_eq!((answer.command, answer.sequence, answer.status), (0x8000_0005, sequence, 8));
    }
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn an_order_that_was_given_up_is_not_submitted_late() {
    let (listener, gateway, _told) = started(Duration::from_secs(60)).await;
    // Nobody has bound yet.
    assert!(tokio::time::timeout(Duration::from_millis(1), gateway.send(message("old"))).await.is_err());
    let sending = tokio::spawn(async move { gateway.send(message("new")).await });
    let mut centre = Centre::bound(&listener, 0).await;
    let submitted = centre.next().await;
    assert!(submitted.command == 4 && submitted.body.ends_with(b"new"), "{:?}", submitted.body);
    centre.say(0x8000_0004, 0, submitted.sequence, b"a\0").await;
    assert_eq!(sending.await.expect("it ran"), Ok(()));
}

#[tokio::test]
async fn b19_a_refusal_is_told_and_a_sign_of_life_is_asked_for_and_given() {
    let (listener, gateway, _told) = started(Duration::from_millis(50)).await;
    let mut centre = Centre::bound(&listener, 0).await;
    let enquiry = centre.next().await;
    assert_eq!(enquiry.command, 0x15);
    centre.say(0x8000_0015, 0, enquiry.sequence, &[]).await;
    let sender = gateway.clone();
    let sending = tokio::spawn(async move { sender.send(message("x")).await });
    centre.say(0x15, 0, 9, &[]).await;
    let mut answered = false;
    while !answered || !sending.is_finished() {
        let pdu = tokio::time::timeout(LIMIT, centre.next()).await.expect("in time");
        match pdu.command {
            0x8000_0015 => answered = true,
            4 => centre.say(0x8000_0004, 0x0b, pdu.sequence, &[]).await,
            command => centre.say(0x8000_0000 | command, 0, pdu.sequence, &[]).await,
        }
    }
    let refused = sending.await.expect("it ran").expect_err("refused");
    assert!(refused.code() == 30007 && refused.to_string().contains("0xb"), "{refused}");
}

#[tokio::test]
async fn b19_a_bind_that_is_refused_is_told_to_who_sends() {
    let (listener, gateway, _told) = started(Duration::from_secs(60)).await;
    let sending = tokio::spawn(async move { gateway.send(message("x")).await });
    let _centre = Centre::bound(&listener, 0x0e).await;
    let refused = tokio::time::timeout(LIMIT, sending).await.expect("in time").expect("it ran").expect_err("away");
    assert!(refused.code() == 30008 && refused.to_string().contains("0xe"), "{refused}");
}
