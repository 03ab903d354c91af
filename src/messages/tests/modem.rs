//! A modem on a pseudo-terminal that speaks as real ones do: echo until it is told not to, lines between CR LF, a prompt,
//! a store from which messages are read and deleted.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use tipring_messages::{Deliver, Gateway, ModemSettings, Settings, Told};
use tokio::sync::mpsc;

use crate::service::{client, message};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

/// What the test tells the modem.
enum Order {
    /// A message comes in: its PDU.
    Comes(String),
    /// It refuses what is sent.
    Refuses,
}

struct Fake {
    pty: File,
    echo: bool,
    refuses: bool,
    store: Vec<(u32, String)>,
    /// PDUs that were sent.
    sent: std_mpsc::Sender<String>,
}

fn plugged() -> (PathBuf, std_mpsc::Sender<Order>, std_mpsc::Receiver<String>) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&pty).expect("ours");
    unlockpt(&pty).expect("open");
    let name = ptsname(&pty, Vec::new()).expect("a name").into_string().expect("text");
    // Somebody holds the other end, so that it stays when the box lets go of it.
    let held = File::options().read(true).write(true).open(&name).expect("its other end");
    let raw = rustix::termios::tcgetattr(&held).map(|mut termios| {
        termios.make_raw();
        termios
    });
    rustix::termios::tcsetattr(&held, rustix::termios::OptionalActions::Now, &raw.expect("settings")).expect("raw");
    let (order, orders) = std_mpsc::channel();
    let (tell, sent) = std_mpsc::channel();
    let fake = Fake { pty: pty.into(), echo: true, refuses: false, store: Vec::new(), sent: tell };
    std::thread::spawn(move || {
        let _held = held;
        fake.run(&orders);
    });
    (name.into(), order, sent)
}

impl Fake {
    fn run(mut self, orders: &std_mpsc::Receiver<Order>) {
        let mut held = Vec::new();
        loop {
            while let Some(end) = held.iter().position(|it| *it == b'\r') {
                let line: Vec<u8> = held.drain(..=end).collect();
                let line = String::from_utf8(line).expect("text");
                self.command(line.trim(), &mut held);
            }
            match orders.try_recv() {
                Ok(Order::Comes(pdu)) => {
                    let place = self.store.len() as u32 + 1;
                    self.store.push((place, pdu));
                    self.say(&format!("\r\n+CMTI: \"SM\",{place}\r\n"));
                }
                Ok(Order::Refuses) => self.refuses = true,
                Err(std_mpsc::TryRecvError::Disconnected) => return,
                Err(std_mpsc::TryRecvError::Empty) => {}
            }
            let limit = rustix::event::Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
            let mut ready = [rustix::event::PollFd::new(&self.pty, rustix::event::PollFlags::IN)];
            if rustix::event::poll(&mut ready, Some(&limit)).expect("polled") > 0 {
                let mut octets = [0; 512];
                let Ok(count) = self.pty.read(&mut octets) else { return };
                if self.echo {
                    let _ = self.pty.write_all(&octets[..count]);
                }
                held.extend_from_slice(&octets[..count]);
            }
        }
    }

    fn command(&mut self, line: &str, held: &mut Vec<u8>) {
        if let Some(length) = line.strip_prefix("AT+CMGS=") {
            let length: usize = length.parse().expect("a length");
            self.say("\r\n> ");
            while !held.contains(&0x1a) {
                let mut octets = [0; 512];
                let count = self.pty.read(&mut octets).expect("a text");
                held.extend_from_slice(&octets[..count]);
            }
            let end = held.iter().position(|it| *it == 0x1a).expect("its end");
            let pdu: Vec<u8> = held.drain(..=end).collect();
            let pdu = String::from_utf8(pdu[..end].to_vec()).expect("text");
            assert_eq!(pdu.len() / 2 - 1, length, "the length that was announced");
            if self.refuses {
                return self.say("\r\n+CMS ERROR: 38\r\n");
            }
            let _ = self.sent.send(pdu);
            return self.say("\r\n+CMGS: 7\r\n\r\nOK\r\n");
        }
        if let Some(place) = line.strip_prefix("AT+CMGR=") {
            let found = self.store.iter().find(|(at, _)| at.to_string() == place).map(|(_, pdu)| pdu.clone());
            return match found {
                Some(pdu) => self.say(&format!("\r\n+CMGR: 0,,{}\r\n{pdu}\r\n\r\nOK\r\n", pdu.len() / 2 - 1)),
                None => self.say("\r\n+CMS ERROR: 321\r\n"),
            };
        }
        if let Some(place) = line.strip_prefix("AT+CMGD=") {
            self.store.retain(|(at, _)| at.to_string() != place);
        }
        match line {
            "ATE0" => self.echo = false,
            "AT+CPIN=\"1234\"" => return self.say("\r\n+CME ERROR: 3\r\n"),
            _ => {}
        }
        self.say("\r\nOK\r\n");
    }

    fn say(&mut self, text: &str) {
        self.pty.write_all(text.as_bytes()).expect("said");
    }
}

fn gateway(port: PathBuf) -> (Gateway, mpsc::Receiver<Told>) {
    let (tell, told) = mpsc::channel(16);
    let settings = ModemSettings { port, baud: 115_200, pin: "1234".into() };
    (Gateway::start(Settings::Modem(settings), client(), tell), told)
}

/// A message out as the network brings it to somebody.
fn delivered(submitted: &str) -> String {
    let digits = usize::from_str_radix(&submitted[6..8], 16).expect("a length").div_ceil(2) * 2;
    let (address, rest) = submitted[6..].split_at(4 + digits);
    let first = if &submitted[2..3] == "4" { "40" } else { "00" };
    format!("00{first}{address}{}62119231000000{}", &rest[..4], &rest[4..])
}

#[tokio::test]
async fn b19_a_long_message_goes_out_in_parts_and_a28_one_comes_in() {
    let (port, order, sent) = plugged();
    let (gateway, mut told) = gateway(port);
    let body = "Ein längerer Text, der nicht in eine einzige Nachricht passt. ".repeat(4);
    let done = tokio::time::timeout(LIMIT, gateway.send(message(&body))).await.expect("in time");
    assert_eq!(done, Ok(()));
    let parts: Vec<String> = sent.try_iter().collect();
    assert_eq!(parts.len(), 2);
    for part in &parts {
        assert_eq!(Deliver::read(&delivered(part)).expect("it can be read").from, "+4930222");
        order.send(Order::Comes(delivered(part))).expect("it runs");
    }
    let next = tokio::time::timeout(LIMIT, told.recv()).await.expect("in time");
    assert_eq!(next, Some(Told::In { from: "+4930222".into(), to: String::new(), body }));
}

#[tokio::test]
async fn b19_what_the_modem_refuses_is_told_with_its_word() {
    let (port, order, _sent) = plugged();
    order.send(Order::Refuses).expect("it runs");
    let (gateway, _told) = gateway(port);
    let done = tokio::time::timeout(LIMIT, gateway.send(message("x"))).await.expect("in time");
    let refused = done.expect_err("refused");
    assert!(refused.code() == 30007 && refused.to_string().contains("+CMS ERROR: 38"), "{refused}");
}

#[tokio::test]
async fn b19_a_modem_that_is_not_there_is_told_and_nothing_waits() {
    let (gateway, _told) = gateway("/dev/no-such-modem".into());
    let done = tokio::time::timeout(LIMIT, gateway.send(message("x"))).await.expect("in time");
    let refused = done.expect_err("refused");
    assert!(refused.code() == 30008 && refused.to_string().contains("no-such-modem"), "{refused}");
}
