//! One line of a call, for its timeline: the moments that answer "why did it end?", in seconds since the call has the
//! line. Not the record of the line: that is the ring.

use tipring_analog::{Level, Record, Sign, fxs};
use tipring_card::{Event as ChannelEvent, Micros, Supervision};

use super::words::POLARITY;
use super::{Flight, NOTHING_DBM0, What};

/// Characters of a summary: far below what a timeline takes of a line's words.
const MAX_SUMMARY: usize = 360;

/// How a call is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallOver {
    /// Now.
    pub now: Micros,
    /// It was dialled by us.
    pub dialled: bool,
}

/// The moments of a telephone's call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PhoneMoments {
    rings: u16,
    lifted: Option<Micros>,
    dialled: Option<Micros>,
    through: Option<Micros>,
    flashes: u16,
    put_down: Option<Micros>,
}

impl PhoneMoments {
    pub fn takes(&mut self, now: Micros, input: &fxs::Input) {
        match input {
            fxs::Input::Line(ChannelEvent::RingerOn) => self.rings = self.rings.saturating_add(1),
            fxs::Input::Line(ChannelEvent::RingOffHook) => {
                if self.put_down.is_some() {
                    *self = PhoneMoments::default();
                }
                self.lifted = self.lifted.or(Some(now));
            }
            fxs::Input::Line(ChannelEvent::OnHook) => self.put_down = Some(now),
            fxs::Input::Command(fxs::Command::Through) => self.through = Some(now),
            _ => {}
        }
    }

    pub fn gives(&mut self, now: Micros, output: &fxs::Output) {
        match output {
            fxs::Output::Event(fxs::Event::Dialled(_)) => self.dialled = Some(now),
            fxs::Output::Event(fxs::Event::Flash) => self.flashes = self.flashes.saturating_add(1),
            _ => {}
        }
    }
}

/// Of a line towards an exchange.
pub(crate) fn of_line(flight: &Flight, record: &Record, over: CallOver) -> String {
    // A dial that was refused leaves the record of the call before.
    let seized = record.off_hook.is_some_and(|at| at >= flight.began);
    let none = Record::default();
    let record = if over.dialled && !seized { &none } else { record };
    let began = record.first_ring.map_or(flight.began, |ring| ring.min(flight.began));
    let mut line = Line { began, text: "line: ".to_owned(), empty: true };
    match (record.first_ring, record.bursts) {
        (Some(_), 0 | 1) => line.add("rang once".to_owned()),
        (Some(_), bursts) => line.add(format!("rang {bursts} times")),
        (None, _) => {}
    }
    line.at("caller id", record.caller_id);
    if record.bad_caller_ids > 0 {
        line.add(format!("caller id spoilt {} times", record.bad_caller_ids));
    }
    line.at("off hook", record.off_hook.filter(|_| record.answer.is_none() || over.dialled));
    line.at("dial tone", record.dial_tone);
    if let Some(at) = record.sent {
        line.at(&format!("{} sent", digits(flight.digits)), Some(at));
    }
    line.at("ringback", record.ringback);
    if let Some((at, by)) = record.answer {
        let guess = by.is_some_and(|by| by > Supervision::Reversal);
        line.at(if guess { "answered (a guess)" } else { "answered" }, Some(at));
    }
    let reversed = flight.of_call().filter(|entry| entry.what == What::Word(POLARITY)).last().map(|entry| entry.last);
    match record.reversals {
        0 => {}
        1 => line.at("reversal", reversed),
        n => line.at(&format!("{n} reversals, the last"), reversed),
    }
    match record.hang_up.filter(|(_, sign)| *sign != Sign::Ours) {
        Some((at, sign)) => line.at(sign.text(), Some(at)),
        None => line.at(if record.off_hook.is_some() { "let go" } else { "not answered, over" }, Some(over.now)),
    }
    line.at("on hook", record.on_hook.filter(|at| record.off_hook.is_some_and(|off| *at >= off)));
    line.end(flight.loudest)
}

/// Of a port for a telephone.
pub(crate) fn of_phone(flight: &Flight, moments: &PhoneMoments, now: Micros) -> String {
    let mut line = Line { began: flight.began, text: "telephone: ".to_owned(), empty: true };
    match moments.rings {
        0 => {}
        1 => line.add("rang once".to_owned()),
        rings => line.add(format!("rang {rings} times")),
    }
    line.at("lifted", moments.lifted);
    line.at(&format!("{} dialled", digits(flight.digits)), moments.dialled);
    line.at("through", moments.through);
    match moments.flashes {
        0 => {}
        1 => line.add("flashed once".to_owned()),
        flashes => line.add(format!("flashed {flashes} times")),
    }
    match moments.put_down {
        Some(at) => line.at("put down", Some(at)),
        None => line.at("let go", Some(now)),
    }
    line.end(flight.loudest)
}

fn digits(n: u8) -> String {
    format!("{n} {}", if n == 1 { "digit" } else { "digits" })
}

struct Line {
    began: Micros,
    text: String,
    empty: bool,
}

impl Line {
    fn add(&mut self, text: String) {
        if !std::mem::replace(&mut self.empty, false) {
            self.text.push_str(", ");
        }
        self.text.push_str(&text);
    }

    fn at(&mut self, what: &str, at: Option<Micros>) {
        if let Some(at) = at {
            let ms = at.since(self.began).as_ms();
            self.add(format!("{what} at {}.{} s", ms / 1_000, ms % 1_000 / 100));
        }
    }

    fn end(mut self, loudest: Option<Level>) -> String {
        let way = |level: i8| if level <= NOTHING_DBM0 { "nothing".to_owned() } else { level.to_string() };
        if let Some(Level { from_line, to_line }) = loudest {
            self.text.push_str(&format!("; loudest {}/{} dBm0", way(from_line), way(to_line)));
        }
        match self.text.char_indices().nth(MAX_SUMMARY) {
            Some((at, _)) => self.text[..at].to_owned(),
            None => self.text,
        }
    }
}
