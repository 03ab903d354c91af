//! A GSM modem: AT commands on a serial port, PDU mode. One thread owns the port; what it is to send waits in a bounded
//! queue. The port is opened again when it is lost. Sources: 3GPP TS 27.005 (+CMGF, +CMGS, +CNMI, +CPMS, +CMGL, +CMGR,
//! +CMGD), TS 27.007 (+CPIN, +CMEE).

mod inbox;
mod line;
mod pin;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::parts::parts;
use crate::pdu::submit;
use crate::{Adapter, Outgoing, Refused, Sending, Told};
use inbox::{Act, Inbox};
use line::{Lines, Word};
use pin::{Pin, State};

/// The modem.
#[derive(Clone)]
pub struct ModemSettings {
    /// Its serial port.
    pub port: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// The card's PIN; empty: it has none.
    pub pin: String,
}

/// Never shows the PIN.
impl std::fmt::Debug for ModemSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (port, baud) = (&self.port, &self.baud);
        f.debug_struct("ModemSettings").field("port", port).field("baud", baud).finish_non_exhaustive()
    }
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
/// A modem that does not answer the first command at once is asked again.
const HELLO: Duration = Duration::from_secs(1);
/// So often.
const HELLOS: usize = 3;
/// What a modem still says after a text that was broken off has come by then.
const QUIET: Duration = Duration::from_millis(200);
/// The network has taken a message by then (27.005 says nothing; modems give up after about 40 s).
const SENDING: Duration = Duration::from_secs(60);
/// A whole store is listed by then.
const LISTING: Duration = Duration::from_secs(30);
/// A card that has taken its PIN says that it is ready by then.
const READY: Duration = Duration::from_secs(3);
/// A read gives up after this, so that orders and messages in take turns.
const TURN: Duration = Duration::from_millis(50);
/// Before a lost port is opened again.
const AGAIN: Duration = Duration::from_secs(5);
/// Breaks a text off (27.005, 3.5.1).
const ESCAPE: u8 = 0x1b;

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
    let (mut inbox, mut pin, mut last) = (Inbox::default(), Pin::new(&settings.pin), String::new());
    loop {
        let why = match Talk::open(settings, &mut pin) {
            Ok(mut talk) => match talk.run(orders, tell, &mut inbox) {
                Ok(()) => return,
                Err(why) => why,
            },
            Err(Unopened::Away(why)) => why,
            Err(Unopened::Locked(why)) => return locked(&format!("{}: {why}", settings.port.display()), orders),
        };
        let why = format!("{}: {why}; check the modem and messages.port", settings.port.display());
        if why != last {
            tracing::warn!("{why}");
        }
        // Who waits is told, and who comes meanwhile.
        let until = Instant::now() + AGAIN;
        loop {
            match orders.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(order) => drop(order.back.send(Err(Refused::Away(why.clone())))),
                Err(std_mpsc::RecvTimeoutError::Timeout) => break,
                Err(std_mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
        last = why;
    }
}

/// The modem is left alone until somebody has changed the configuration: another try could block the card.
fn locked(why: &str, orders: &std_mpsc::Receiver<Order>) {
    tracing::error!("{why}; the modem is not used until tipring is started again");
    for order in orders {
        drop(order.back.send(Err(Refused::Away(why.to_owned()))));
    }
}

/// One port, from its opening to its loss.
struct Talk {
    port: Box<dyn serialport::SerialPort>,
    lines: Lines,
    reference: u8,
    /// Places in the modem's store of which it has told.
    stored: Vec<u32>,
}

/// Why a command did not do what it should.
enum Failed {
    /// The modem said so.
    Word(String),
    /// The port or the modem is gone.
    Gone(String),
}

/// Why there is no talk with the modem.
enum Unopened {
    /// Later there may be one.
    Away(String),
    /// The card is locked, and only a person can help.
    Locked(String),
}

impl Failed {
    fn of(self, command: &str) -> String {
        match self {
            Failed::Word(word) => format!("{command} was answered {word}"),
            Failed::Gone(why) => why,
        }
    }
}

impl Talk {
    fn open(settings: &ModemSettings, pin: &mut Pin) -> Result<Talk, Unopened> {
        let opened = serialport::new(settings.port.to_string_lossy(), settings.baud).timeout(TURN).open();
        let port = opened.map_err(|error| Unopened::Away(format!("cannot be opened: {error}")))?;
        let mut talk = Talk { port, lines: Lines::default(), reference: 0, stored: Vec::new() };
        talk.greet().map_err(Unopened::Away)?;
        talk.unlock(pin)?;
        for (command, must) in [
            ("AT+CMGF=0", true),
            // The card's store is the one that is looked at.
            ("AT+CPMS=\"SM\",\"SM\",\"SM\"", false),
            // A message that comes in is stored, and its place told.
            ("AT+CNMI=2,1,0,0,0", true),
        ] {
            match talk.command(command, COMMAND) {
                Ok(_) => {}
                Err(Failed::Word(_)) if !must => {}
                Err(failed) => return Err(Unopened::Away(failed.of(command))),
            }
        }
        Ok(talk)
    }

    /// Until the modem listens to commands. One that waits for a text, because nobody gave it to the end, would take them
    /// for that text.
    fn greet(&mut self) -> Result<(), String> {
        let mut said = Ok(());
        for _ in 0..HELLOS {
            self.write(&[ESCAPE]).map_err(|failed| failed.of("an escape"))?;
            self.hush()?;
            said = self.command("AT", HELLO).map(|_| ()).map_err(|failed| failed.of("AT"));
            if said.is_ok() {
                break;
            }
        }
        said?;
        for (command, must) in [("ATE0", true), ("AT+CMEE=1", false)] {
            match self.command(command, COMMAND) {
                Err(failed) if must || matches!(failed, Failed::Gone(_)) => return Err(failed.of(command)),
                _ => {}
            }
        }
        Ok(())
    }

    /// What it still had to say is no answer to what comes next.
    fn hush(&mut self) -> Result<(), String> {
        let until = Instant::now() + QUIET;
        while Instant::now() < until {
            self.read()?;
            while let Some(word) = self.lines.next() {
                self.unasked(&word);
            }
        }
        Ok(())
    }

    /// Until the card is ready; its PIN is entered where it wants it and may be.
    fn unlock(&mut self, pin: &mut Pin) -> Result<(), Unopened> {
        let state = self.card()?;
        let Some(entry) = pin.entry(&state).map_err(Unopened::Locked)? else {
            return Ok(());
        };
        match self.command(&entry, COMMAND) {
            Ok(_) => {}
            Err(Failed::Word(word)) => return Err(Unopened::Locked(pin.refused(&word))),
            Err(failed) => return Err(Unopened::Away(failed.of("AT+CPIN="))),
        }
        let by = Instant::now() + READY;
        loop {
            // Some are busy at first.
            match self.command("AT+CPIN?", COMMAND).map(|lines| State::of(&lines)) {
                Ok(state) if state == State::Ready || Instant::now() >= by => {
                    return pin.entry(&state).map(|_| ()).map_err(Unopened::Locked);
                }
                Err(failed @ Failed::Gone(_)) => return Err(Unopened::Away(failed.of("AT+CPIN?"))),
                Err(failed) if Instant::now() >= by => return Err(Unopened::Away(failed.of("AT+CPIN?"))),
                _ => self.read().map_err(Unopened::Away)?,
            }
        }
    }

    fn card(&mut self) -> Result<State, Unopened> {
        let told = self.command("AT+CPIN?", COMMAND);
        told.map(|lines| State::of(&lines)).map_err(|failed| Unopened::Away(failed.of("AT+CPIN?")))
    }

    /// Until nobody sends any more (`Ok`) or the modem is lost.
    fn run(
        &mut self,
        orders: &std_mpsc::Receiver<Order>,
        tell: &mpsc::Sender<Told>,
        inbox: &mut Inbox,
    ) -> Result<(), String> {
        inbox.begin(Instant::now());
        loop {
            match orders.try_recv() {
                Ok(order) => self.carry_out(order)?,
                Err(std_mpsc::TryRecvError::Disconnected) => return Ok(()),
                Err(std_mpsc::TryRecvError::Empty) => {}
            }
            self.stored.drain(..).for_each(|place| inbox.stored(place));
            match inbox.act(Instant::now()) {
                Some(act) => self.look(act, tell, inbox)?,
                None => {
                    self.read()?;
                    while let Some(word) = self.lines.next() {
                        self.unasked(&word);
                    }
                }
            }
        }
    }

    fn carry_out(&mut self, Order { message, back }: Order) -> Result<(), String> {
        // Whoever gave it has said meanwhile that it has failed.
        if back.is_closed() {
            return Ok(());
        }
        match self.send(&message) {
            Ok(()) => drop(back.send(Ok(()))),
            Err(Failed::Word(word)) => {
                drop(back.send(Err(Refused::Unwanted(format!("the modem answered {word}")))));
            }
            Err(Failed::Gone(why)) => {
                drop(back.send(Err(Refused::Away(why.clone()))));
                return Err(why);
            }
        }
        Ok(())
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

    /// Does something at the modem's store.
    fn look(&mut self, act: Act, tell: &mpsc::Sender<Told>, inbox: &mut Inbox) -> Result<(), String> {
        let (command, limit) = match act {
            Act::List => ("AT+CMGL=4".to_owned(), LISTING),
            Act::Read(place) => (format!("AT+CMGR={place}"), COMMAND),
            Act::Empty(place) => (format!("AT+CMGD={place}"), COMMAND),
        };
        let said = match self.command(&command, limit) {
            Ok(lines) => Some(lines),
            Err(Failed::Word(word)) => {
                tracing::warn!("the modem answered {word} to {command}");
                None
            }
            Err(Failed::Gone(why)) => return Err(why),
        };
        let now = Instant::now();
        match (act, said) {
            (Act::List, Some(lines)) => inbox.listed(now, listed(&lines), tell),
            (Act::List, None) => inbox.later(now),
            (Act::Read(place), Some(lines)) => {
                let pdu = lines.iter().skip_while(|line| !line.starts_with("+CMGR")).nth(1);
                if let Some(pdu) = pdu {
                    inbox.read(now, place, pdu.clone(), tell);
                }
            }
            (Act::Read(_), None) => {}
            (Act::Empty(place), said) => inbox.emptied(place, said.is_some()),
        }
        Ok(())
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
            && self.stored.len() < inbox::MAX_WAITING
        {
            self.stored.push(*place);
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

/// Places and PDUs of messages that came in, by a list: `+CMGL: 3,1,,24` and the next line. What was written here to be
/// sent (2, 3) is somebody else's.
fn listed(lines: &[String]) -> Vec<(u32, String)> {
    let place = |line: &str| {
        let mut fields = line.strip_prefix("+CMGL:")?.split(',').map(str::trim);
        let place = fields.next()?.parse().ok()?;
        matches!(fields.next(), Some("0" | "1")).then_some(place)
    };
    lines.windows(2).filter_map(|pair| Some((place(&pair[0])?, pair[1].clone()))).collect()
}

/// Lines of one answer: two for each message of a full store.
const MAX_LINES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_those_that_came_in() {
        let lines = ["+CMGL: 3,1,,24", "AA", "+CMGL: 7,0,\"Ann\",24", "BB", "+CMGL: 8,2,,24", "CC", "+CMGL: x"];
        let lines: Vec<String> = lines.map(str::to_owned).into();
        assert_eq!(listed(&lines), [(3, "AA".into()), (7, "BB".into())]);
    }

    #[test]
    fn settings_are_shown_without_the_pin() {
        let settings = ModemSettings { port: "/dev/ttyUSB2".into(), baud: 9600, pin: "4711".into() };
        let shown = format!("{settings:?}");
        assert!(shown.contains("ttyUSB2") && !shown.contains("4711"), "{shown}");
    }
}
