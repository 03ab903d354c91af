//! A modem on a pseudo-terminal that speaks as real ones do: echo until it is told not to, lines between CR LF, a prompt,
//! a store from which messages are read and deleted.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex};
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

/// What it was told, command by command.
type Log = Arc<Mutex<Vec<String>>>;

struct Fake {
    pty: File,
    echo: bool,
    refuses: bool,
    /// The card wants this PIN; when it was entered the card says this, whether it is right or not.
    lock: Option<(&'static str, &'static str)>,
    /// The length of a text that it waits for.
    prompt: Option<usize>,
    store: Vec<(u32, String)>,
    /// PDUs that were sent.
    sent: std_mpsc::Sender<String>,
    log: Log,
}

/// How it stands when the box comes.
#[derive(Default)]
struct Stands {
    lock: Option<(&'static str, &'static str)>,
    prompt: Option<usize>,
    store: Vec<(u32, String)>,
}

fn plugged() -> (PathBuf, std_mpsc::Sender<Order>, std_mpsc::Receiver<String>) {
    let (port, order, sent, _) = standing(Stands::default());
    (port, order, sent)
}

fn standing(stands: Stands) -> (PathBuf, std_mpsc::Sender<Order>, std_mpsc::Receiver<String>, Log) {
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
    let log = Log::default();
    let Stands { lock, prompt, store } = stands;
    let (pty, log_of_fake) = (pty.into(), log.clone());
    let fake = Fake { pty, echo: true, refuses: false, lock, prompt, store, sent: tell, log: log_of_fake };
    std::thread::spawn(move || {
        let _held = held;
        fake.run(&orders);
    });
    (name.into(), order, sent, log)
}

impl Fake {
    fn run(mut self, orders: &std_mpsc::Receiver<Order>) {
        let mut held = Vec::new();
        loop {
            while self.step(&mut held) {}
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

    /// Takes what is whole of what it was told.
    fn step(&mut self, held: &mut Vec<u8>) -> bool {
        if let Some(length) = self.prompt {
            // Everything is text, to its end or to an escape.
            let Some(end) = held.iter().position(|it| matches!(*it, 0x1a | 0x1b)) else { return false };
            let text: Vec<u8> = held.drain(..=end).collect();
            self.prompt = None;
            match text[end] {
                0x1b => self.say("\r\nOK\r\n"),
                _ => self.text(String::from_utf8(text[..end].to_vec()).expect("text"), length),
            }
            return true;
        }
        held.retain(|it| *it != 0x1b);
        let Some(end) = held.iter().position(|it| *it == b'\r') else { return false };
        let line: Vec<u8> = held.drain(..=end).collect();
        let line = String::from_utf8(line).expect("text");
        self.log.lock().expect("a log").push(line.trim().to_owned());
        self.command(line.trim());
        true
    }

    fn text(&mut self, pdu: String, length: usize) {
        assert_eq!(pdu.len() / 2 - 1, length, "the length that was announced");
        if self.refuses {
            return self.say("\r\n+CMS ERROR: 38\r\n");
        }
        let _ = self.sent.send(pdu);
        self.say("\r\n+CMGS: 7\r\n\r\nOK\r\n");
    }

    fn command(&mut self, line: &str) {
        if let Some(length) = line.strip_prefix("AT+CMGS=") {
            self.prompt = Some(length.parse().expect("a length"));
            return self.say("\r\n> ");
        }
        if line == "AT+CMGL=4" {
            let list: String = (self.store.iter())
                .map(|(place, pdu)| format!("\r\n+CMGL: {place},1,,{}\r\n{pdu}", pdu.len() / 2 - 1))
                .collect();
            return self.say(&format!("{list}\r\n\r\nOK\r\n"));
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
        match (line, self.lock) {
            ("ATE0", _) => self.echo = false,
            ("AT+CPIN?", None) => self.say("\r\n+CPIN: READY\r\n"),
            ("AT+CPIN?", Some(_)) => self.say("\r\n+CPIN: SIM PIN\r\n"),
            (line, Some((pin, word))) if line.starts_with("AT+CPIN=") => {
                self.lock = self.lock.filter(|_| line != format!("AT+CPIN=\"{pin}\""));
                return self.say(word);
            }
            (line, None) if line.starts_with("AT+CPIN=") => return self.say("\r\n+CME ERROR: 3\r\n"),
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
    let (from, said, _taken) = came(&mut told).await;
    assert_eq!((from.as_str(), said), ("+4930222", body));
}

/// The next message that came in.
async fn came(told: &mut mpsc::Receiver<Told>) -> (String, String, tokio::sync::oneshot::Sender<()>) {
    match tokio::time::timeout(LIMIT, told.recv()).await.expect("in time") {
        Some(Told::In { from, body, taken, .. }) => (from, body, taken),
        other => panic!("{other:?}"),
    }
}

/// Waits until it was told so many commands that begin like this; which they are.
fn told_to(log: &Log, begin: &str, count: usize) -> Vec<String> {
    let until = std::time::Instant::now() + LIMIT;
    loop {
        let commands: Vec<String> =
            log.lock().expect("a log").iter().filter(|line| line.starts_with(begin)).cloned().collect();
        if commands.len() >= count || std::time::Instant::now() >= until {
            return commands;
        }
        std::thread::yield_now();
    }
}

/// "hellohello" from +46708251358, at a second of the same minute.
fn hello(second: &str) -> String {
    format!("00040B916407281553F800006211922100{second}000AE8329BFD4697D9EC37")
}

#[tokio::test]
async fn a_message_that_lay_in_the_store_is_read_in_order_and_leaves_when_it_is_kept() {
    let store = vec![(3, hello("20")), (7, hello("10"))];
    let (port, _order, _sent, log) = standing(Stands { store, ..Stands::default() });
    let (gateway, mut told) = gateway(port);
    let ((_, body, first), (_, _, second)) = (came(&mut told).await, came(&mut told).await);
    assert_eq!(body, "hellohello");
    first.send(()).expect("it waits");
    assert_eq!(told_to(&log, "AT+CMGD=", 1), ["AT+CMGD=7"], "the older one, and not the one that nobody has kept");
    second.send(()).expect("it waits");
    assert_eq!(told_to(&log, "AT+CMGD=", 2), ["AT+CMGD=7", "AT+CMGD=3"]);
    drop(gateway);
}

#[tokio::test]
async fn a_modem_that_was_left_at_its_prompt_is_brought_back() {
    let (port, _order, sent, _) = standing(Stands { prompt: Some(30), ..Stands::default() });
    let (gateway, _told) = gateway(port);
    let done = tokio::time::timeout(LIMIT, gateway.send(message("x"))).await.expect("in time");
    assert_eq!((done, sent.try_iter().count()), (Ok(()), 1));
}

#[tokio::test]
async fn a_wrong_pin_is_entered_once_and_the_modem_is_left_alone() {
    // Refused with a word, and taken without one.
    for word in ["\r\n+CME ERROR: 16\r\n", "\r\nOK\r\n"] {
        let (port, _order, _sent, log) = standing(Stands { lock: Some(("9999", word)), ..Stands::default() });
        let (gateway, _told) = gateway(port);
        for _ in 0..3 {
            let done = tokio::time::timeout(LIMIT, gateway.send(message("x"))).await.expect("in time");
            let refused = done.expect_err("refused").to_string();
            assert!(refused.contains("does not take its PIN") && !refused.contains("1234"), "{refused}");
        }
        assert_eq!(told_to(&log, "AT+CPIN=", 1).len(), 1);
    }
}

#[tokio::test]
async fn a_right_pin_opens_the_card() {
    let lock = Some(("1234", "\r\nOK\r\n"));
    let (port, _order, sent, log) = standing(Stands { lock, ..Stands::default() });
    let (gateway, _told) = gateway(port);
    let done = tokio::time::timeout(LIMIT, gateway.send(message("x"))).await.expect("in time");
    assert_eq!((done, sent.try_iter().count(), told_to(&log, "AT+CPIN=", 1).len()), (Ok(()), 1, 1));
}

#[tokio::test]
async fn an_order_that_was_given_up_is_not_sent_late() {
    let (port, _order, sent) = plugged();
    let (gateway, _told) = gateway(port);
    // Longer than a future is looked at, shorter than the modem takes to greet.
    let given_up = tokio::time::timeout(Duration::from_millis(1), gateway.send(message("old"))).await;
    assert!(given_up.is_err());
    let done = tokio::time::timeout(LIMIT, gateway.send(message("new"))).await.expect("in time");
    let sent: Vec<String> = sent.try_iter().collect();
    assert_eq!((done, sent.len()), (Ok(()), 1));
    assert_eq!(Deliver::read(&delivered(&sent[0])).expect("it can be read").part.text, "new");
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
