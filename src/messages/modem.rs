//! A GSM modem: AT commands on a serial port, PDU mode. One thread owns the port; what it is to send waits in a bounded
//! queue. The port is opened again when it is lost. Sources: 3GPP TS 27.005 (+CMGF, +CMGS, +CNMI, +CMGR, +CMGD, +CPIN),
//! TS 27.007.

mod line;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::parts::{Collector, parts};
use crate::pdu::{Deliver, submit};
use crate::{Adapter, Outgoing, Refused, Sending, Told};
use line::{Lines, Word};

/// The modem.
#[derive(Clone, Debug)]
pub struct ModemSettings {
    /// Its serial port.
    pub port: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// The card's PIN; empty: it has none.
    pub pin: String,
}

/// A modem on its thread.
#[derive(Debug)]
pub struct Modem {
    orders: std_mpsc::SyncSender<Order>,
}

struct Order {
    message: Outgoing,
    back: oneshot::Sender<Result<(), Refused>>,
}

/// Messages that wait for the modem; it takes some seconds for each.
const ORDERS: usize = 64;
/// An ordinary command is answered by then.
const COMMAND: Duration = Duration::from_secs(5);
/// The network has taken a message by then (27.005 says nothing; modems give up after about 40 s).
const SENDING: Duration = Duration::from_secs(60);
/// A read gives up after this, so that orders and messages in take turns.
const TURN: Duration = Duration::from_millis(50);
/// Before a lost port is opened again.
const AGAIN: Duration = Duration::from_secs(5);

impl Modem {
    /// Starts the thread; messages that come in go to `tell`.
    pub fn start(settings: ModemSettings, tell: mpsc::Sender<Told>) -> Modem {
        let (orders, taken) = std_mpsc::sync_channel(ORDERS);
        let run = move || serve(&settings, &taken, &tell);
        if let Err(error) = std::thread::Builder::new().name("gsm modem".into()).spawn(run) {
            tracing::error!(%error, "cannot start the modem's thread");
        }
        Modem { orders }
    }
}

impl Adapter for Modem {
    fn send(&self, message: Outgoing) -> Sending<'_> {
        let (back, answer) = oneshot::channel();
        let ordered = self.orders.try_send(Order { message, back });
        Box::pin(async move {
            match ordered {
                Ok(()) => answer.await.unwrap_or_else(|_| Err(Refused::Away("the modem's thread has ended".into()))),
                Err(std_mpsc::TrySendError::Full(_)) => Err(Refused::Full(ORDERS)),
                Err(std_mpsc::TrySendError::Disconnected(_)) => {
                    Err(Refused::Away("the modem's thread has ended".into()))
                }
            }
        })
    }
}

fn serve(settings: &ModemSettings, orders: &std_mpsc::Receiver<Order>, tell: &mpsc::Sender<Told>) {
    let mut collector = Collector::default();
    loop {
        let why = match Talk::open(settings) {
            Ok(mut talk) => match talk.run(orders, tell, &mut collector) {
                Ok(()) => return,
                Err(why) => why,
            },
            Err(why) => why,
        };
        let why = format!("{}: {why}; check the modem and messages.port", settings.port.display());
        tracing::warn!("{why}");
        // Who waits is told, and who comes meanwhile.
        let until = Instant::now() + AGAIN;
        loop {
            match orders.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(order) => drop(order.back.send(Err(Refused::Away(why.clone())))),
                Err(std_mpsc::RecvTimeoutError::Timeout) => break,
                Err(std_mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// One port, from its opening to its loss.
struct Talk {
    port: Box<dyn serialport::SerialPort>,
    lines: Lines,
    reference: u8,
    /// Places in the modem's store where messages wait.
    waiting: Vec<u32>,
}

/// Why a command did not do what it should.
enum Failed {
    /// The modem said so.
    Word(String),
    /// The port or the modem is gone.
    Gone(String),
}

impl Talk {
    fn open(settings: &ModemSettings) -> Result<Talk, String> {
        let opened = serialport::new(settings.port.to_string_lossy(), settings.baud).timeout(TURN).open();
        let port = opened.map_err(|error| format!("cannot be opened: {error}"))?;
        let mut talk = Talk { port, lines: Lines::default(), reference: 0, waiting: Vec::new() };
        let pin = format!("AT+CPIN=\"{}\"", settings.pin);
        for (command, must) in [
            ("AT", true),
            ("ATE0", true),
            ("AT+CMEE=1", false),
            (pin.as_str(), false),
            ("AT+CMGF=0", true),
            // A message that comes in is stored, and its place told.
            ("AT+CNMI=2,1,0,0,0", true),
        ] {
            if command == pin && settings.pin.is_empty() {
                continue;
            }
            match talk.command(command, COMMAND) {
                Ok(_) => {}
                Err(Failed::Word(word)) if must => return Err(format!("{command} was answered {word}")),
                Err(Failed::Word(_)) => {}
                Err(Failed::Gone(why)) => return Err(why),
            }
        }
        Ok(talk)
    }

    /// Until nobody sends any more (`Ok`) or the modem is lost.
    fn run(
        &mut self,
        orders: &std_mpsc::Receiver<Order>,
        tell: &mpsc::Sender<Told>,
        collector: &mut Collector,
    ) -> Result<(), String> {
        loop {
            match orders.try_recv() {
                Ok(Order { message, back }) => match self.send(&message) {
                    Ok(()) => drop(back.send(Ok(()))),
                    Err(Failed::Word(word)) => {
                        drop(back.send(Err(Refused::Unwanted(format!("the modem answered {word}")))));
                    }
                    Err(Failed::Gone(why)) => {
                        drop(back.send(Err(Refused::Away(why.clone()))));
                        return Err(why);
                    }
                },
                Err(std_mpsc::TryRecvError::Disconnected) => return Ok(()),
                Err(std_mpsc::TryRecvError::Empty) => {}
            }
            if let Some(place) = self.waiting.pop() {
                self.fetch(place, tell, collector)?;
                continue;
            }
            self.read()?;
            while let Some(word) = self.lines.next() {
                self.unasked(&word);
            }
        }
    }

    /// Sends all parts of a message.
    fn send(&mut self, message: &Outgoing) -> Result<(), Failed> {
        self.reference = self.reference.wrapping_add(1);
        let parts = parts(&message.body, self.reference);
        for part in parts.map_err(|of| Failed::Word(format!("nothing: the text needs {of} messages")))? {
            let (pdu, length) = submit(&message.to, &part);
            self.write(format!("AT+CMGS={length}\r").as_bytes())?;
            self.until(COMMAND, |word| matches!(word, Word::Prompt))?;
            self.write(format!("{pdu}\u{1a}").as_bytes())?;
            self.until(SENDING, |word| matches!(word, Word::Ok))?;
        }
        Ok(())
    }

    /// Reads a message that came in, and takes it out of the modem's store.
    fn fetch(&mut self, place: u32, tell: &mpsc::Sender<Told>, collector: &mut Collector) -> Result<(), String> {
        let lines = match self.command(&format!("AT+CMGR={place}"), COMMAND) {
            Ok(lines) => lines,
            Err(Failed::Word(word)) => {
                tracing::warn!(place, "a message in the modem cannot be read: {word}");
                return Ok(());
            }
            Err(Failed::Gone(why)) => return Err(why),
        };
        let pdu = lines.iter().skip_while(|line| !line.starts_with("+CMGR")).nth(1);
        match pdu.map(|pdu| Deliver::read(pdu)) {
            Some(Ok(Deliver { from, part })) => {
                if let Some(body) = collector.take(&from, part) {
                    let _ = tell.blocking_send(Told::In { from, to: String::new(), body });
                }
            }
            Some(Err(error)) => tracing::warn!(%error, "a message that came in is passed over"),
            None => {}
        }
        match self.command(&format!("AT+CMGD={place}"), COMMAND) {
            Err(Failed::Gone(why)) => Err(why),
            _ => Ok(()),
        }
    }

    /// Says a command; what comes before its OK.
    fn command(&mut self, command: &str, limit: Duration) -> Result<Vec<String>, Failed> {
        self.write(format!("{command}\r").as_bytes())?;
        self.until(limit, |word| matches!(word, Word::Ok))
    }

    /// Waits for a word; an error word ends it.
    fn until(&mut self, limit: Duration, wanted: impl Fn(&Word) -> bool) -> Result<Vec<String>, Failed> {
        let by = Instant::now() + limit;
        let mut lines = Vec::new();
        loop {
            while let Some(word) = self.lines.next() {
                if wanted(&word) {
                    return Ok(lines);
                }
                self.unasked(&word);
                match word {
                    Word::Error(why) => return Err(Failed::Word(why)),
                    Word::Line(line) if lines.len() < MAX_LINES => lines.push(line),
                    _ => {}
                }
            }
            if Instant::now() >= by {
                return Err(Failed::Gone(format!("no answer within {} s", limit.as_secs())));
            }
            self.read().map_err(Failed::Gone)?;
        }
    }

    /// What the modem tells by itself.
    fn unasked(&mut self, word: &Word) {
        if let Word::Stored(place) = word
            && self.waiting.len() < MAX_WAITING
        {
            self.waiting.push(*place);
        }
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), Failed> {
        self.port.write_all(octets).map_err(|error| Failed::Gone(error.to_string()))
    }

    /// Reads what there is, for a turn at most.
    fn read(&mut self) -> Result<(), String> {
        let mut octets = [0; 256];
        match self.port.read(&mut octets) {
            Ok(0) => Err("the port was closed".into()),
            Ok(count) => {
                self.lines.take(&octets[..count]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted) => {
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Lines of one answer.
const MAX_LINES: usize = 64;
/// Places of messages that wait; a modem's store has about as many.
const MAX_WAITING: usize = 256;
