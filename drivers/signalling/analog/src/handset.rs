//! Ear and mouth of a line on the audio side: blocks in, what was heard out; digits in, tones out. Allocates nothing
//! after construction. It knows no state of the line: it listens as it is told.
//!
//! Source: ITU-T Q.23 (digits), E.180 (tones, by the zone table), Telcordia GR-30 and ETSI EN 300 659 (caller id).

mod collector;
mod dialler;
mod keyed;
mod quiet;
mod telephone;

use heapless::Deque;
use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::fsk::{Demodulator, Standard};
use tipring_dsp::g711::Companding;
use tipring_dsp::progress::{Mode, Progress, Progressing};
use tipring_dsp::{Detector, ZoneId};

use crate::callerid::CallTime;
use crate::callerid::Content;
use crate::fxs::{News, Tone};
use crate::teller::{CallerIdTone, Manner};
use crate::words::{CallerId, CallerIdForm, Digits, Heard, Listen};
use collector::Collector;
use dialler::Dialler;
use keyed::Keyed;
use quiet::Quiet;
use telephone::Mouth;

/// One line's ear and mouth.
pub struct Handset {
    law: Companding,
    listen: Listen,
    progress: Progress,
    quiet: Quiet,
    mouth: Mouth,
    demodulator: Demodulator,
    collector: Collector,
    carrier: bool,
    keys: Detector,
    keyed: Keyed,
    dialler: Dialler,
    /// Blocks until the last digit has left the card, while digits are on their way.
    tail: Option<u8>,
    on_ms: u16,
    off_ms: u16,
    heard: Deque<Heard, HEARD>,
    lost: u32,
}

impl Handset {
    /// A handset that listens for nothing yet.
    pub fn new(law: Law, zone: ZoneId) -> Self {
        Handset {
            law: match law {
                Law::A => Companding::A,
                Law::Mu => Companding::Mu,
            },
            listen: Listen::Off,
            progress: Progress::new(zone),
            quiet: Quiet::default(),
            mouth: Mouth::new(zone),
            demodulator: Demodulator::new(),
            collector: Collector::default(),
            carrier: false,
            keys: Detector::new(),
            keyed: Keyed::default(),
            dialler: Dialler::default(),
            tail: None,
            on_ms: DIGIT_ON_MS,
            off_ms: DIGIT_OFF_MS,
            heard: Deque::new(),
            lost: 0,
        }
    }

    /// Digits sound and pause so long from the next string on; 100 and 100 ms unless told.
    pub fn set_digit_times(&mut self, on_ms: u16, off_ms: u16) {
        (self.on_ms, self.off_ms) = (on_ms.clamp(DIGIT_LEAST_MS, DIGIT_MOST_MS), off_ms.min(DIGIT_MOST_MS));
    }

    /// Listens so from now on; what was half heard is forgotten.
    pub fn listen(&mut self, listen: Listen) {
        self.listen = listen;
        match listen {
            Listen::Off => {}
            Listen::CallerId => {
                self.demodulator.reset();
                self.collector = Collector::default();
                self.carrier = false;
                self.keys = Detector::new();
                self.keyed = Keyed::default();
            }
            Listen::Keys => self.keys = Detector::new(),
            Listen::DialTone => self.progress.listen(Mode::BeforeDialling),
            Listen::Level => self.quiet = Quiet::default(),
            Listen::Progress | Listen::Hangup => {
                self.quiet = Quiet::default();
                self.progress.listen(Mode::Call);
            }
        }
    }

    /// Sends digits in place of whatever else would be said. Digits that were still going out are dropped.
    pub fn send(&mut self, digits: &Digits) {
        self.dialler.begin(digits);
        self.tail = self.dialler.is_busy().then_some(TAIL);
        if self.tail.is_none() {
            self.tell(Heard::Dialled);
        }
    }

    /// Whether digits are on their way: from [`Handset::send`] to [`Heard::Dialled`] or [`Heard::Broken`].
    pub fn is_sending(&self) -> bool {
        self.tail.is_some()
    }

    /// Whether digits are on their way and the last one has been given out, with its pause.
    pub fn is_in_tail(&self) -> bool {
        self.is_sending() && !self.dialler.is_busy()
    }

    /// Sends no more of the digits: what went out so far may have had a gap. Nothing, if none are on their way.
    pub fn break_off(&mut self) {
        if self.tail.take().is_some() {
            self.dialler = Dialler::default();
            self.tell(Heard::Broken);
        }
    }

    /// A block that came from the line.
    pub fn hear(&mut self, block: &Block) {
        if self.listen == Listen::Off {
            return;
        }
        let mut samples = [0; BLOCK];
        self.law.decode_into(block, &mut samples);
        if self.listen == Listen::CallerId {
            return self.hear_caller_id(&samples);
        }
        if self.listen == Listen::Keys {
            return self.hear_keys(&samples);
        }
        if self.listen.has_levels() {
            let silent = self.quiet.hears(&samples);
            if let Some(level) = self.quiet.level(self.law) {
                self.tell(Heard::Level(level));
            }
            if let Some(ms) = silent.filter(|_| self.listen == Listen::Hangup) {
                self.tell(Heard::BothSilent(ms));
            }
        }
        if self.listen == Listen::Level {
            return;
        }
        let Some(heard) = self.progress.block(&samples) else { return };
        let heard = match (self.listen, heard) {
            (Listen::DialTone | Listen::Progress | Listen::Hangup, Progressing::DialTone) => Heard::DialTone,
            (Listen::Progress | Listen::Hangup, Progressing::Busy) => Heard::Busy,
            (Listen::Progress | Listen::Hangup, Progressing::Congestion) => Heard::Congestion,
            (Listen::Progress | Listen::Hangup, Progressing::Howler) => Heard::Howler,
            (Listen::Progress, Progressing::Ringback) => Heard::Ringback,
            (Listen::Progress | Listen::Hangup, Progressing::Information) => Heard::Information,
            (Listen::Progress | Listen::Hangup, Progressing::Voice) => Heard::Voice,
            (Listen::Progress | Listen::Hangup, Progressing::Silence { ms }) => Heard::Silence(ms),
            _ => return,
        };
        self.tell(heard);
    }

    /// The block to be sent: replaced while digits are on their way. Tells whether it was.
    pub fn speak(&mut self, block: &mut Block) -> bool {
        let Some(tail) = &mut self.tail else {
            return false;
        };
        let mut samples = [0; BLOCK];
        if self.dialler.is_busy() {
            self.dialler.fill(&mut samples, self.on_ms, self.off_ms);
        } else {
            *tail -= 1;
            if *tail == 0 {
                self.tail = None;
                self.tell(Heard::Dialled);
            }
        }
        self.law.encode_into(&samples, block);
        true
    }

    /// The telephone on this port hears this tone in place of what goes to it; `None`: no tone.
    pub fn play(&mut self, tone: Option<Tone>) {
        self.mouth.play(tone);
    }

    /// Tells the telephone on this port something, in place of all else; [`Heard::Told`] follows. It is told no date: this
    /// side has none, and a telephone keeps its own.
    pub fn tell_telephone(&mut self, news: &News, manner: Manner) {
        let tone = match news {
            News::Caller(caller) => Some(CallerIdTone::of_caller(caller, manner, CallTime::default())),
            News::Waiting(waiting) => CallerIdTone::of_waiting(*waiting, manner),
        };
        match tone {
            Some(tone) => self.mouth.tell(tone),
            // There is no such word in digits.
            None => self.tell(Heard::Told),
        }
    }

    /// The block to be sent to a telephone: replaced while it hears a tone or is told something. Tells whether it was.
    pub fn replace(&mut self, block: &mut Block) -> bool {
        if !self.mouth.is_busy() {
            return false;
        }
        let mut samples = [0; BLOCK];
        if self.mouth.fill(&mut samples) {
            self.tell(Heard::Told);
        }
        self.law.encode_into(&samples, block);
        true
    }

    /// A block that goes to the line and is not the handset's own.
    pub fn says(&mut self, block: &Block) {
        if self.listen.has_levels() {
            let mut samples = [0; BLOCK];
            self.law.decode_into(block, &mut samples);
            self.quiet.says(&samples);
        }
    }

    /// What was heard, until `None`.
    pub fn poll(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Things heard that nobody polled in time.
    pub fn lost(&self) -> u32 {
        self.lost
    }

    /// All forms at once: which one a line uses is not known before it comes.
    fn hear_keys(&mut self, samples: &[i16; BLOCK]) {
        let mut pressed = None;
        self.keys.feed(samples, |key| pressed = Some(key));
        if let Some(key) = pressed {
            self.tell(Heard::Key(key));
        }
    }

    fn hear_caller_id(&mut self, samples: &[i16; BLOCK]) {
        let (collector, mut found) = (&mut self.collector, None);
        self.demodulator.feed(samples, |byte| found = collector.push(byte).or(found.take()));
        let form = self.demodulator.standard().map(|standard| match standard {
            Standard::Bell202 => CallerIdForm::Bell202,
            Standard::V23 => CallerIdForm::V23,
        });
        let mut found = found.map(|content| match content {
            Content::Caller(caller) => Heard::CallerId(CallerId { form, ..caller }),
            Content::MessageWaiting(waiting) => Heard::MessageWaiting(waiting),
        });
        let keyed = &mut self.keyed;
        keyed.block();
        self.keys.feed(samples, |key| found = keyed.push(key).map(Heard::CallerId).or(found.take()));
        let had_carrier = core::mem::replace(&mut self.carrier, self.demodulator.carrier());
        if let Some(heard) = found {
            self.tell(heard);
        } else if had_carrier && !self.carrier && self.collector.end_of_carrier() {
            self.tell(Heard::BadCallerId);
        }
    }

    /// When nobody polls, the newest is dropped: the first sign of a hang-up is the one that counts.
    fn tell(&mut self, heard: Heard) {
        if self.heard.push_back(heard).is_err() {
            self.lost = self.lost.saturating_add(1);
        }
    }
}

/// Things heard that wait to be polled. One block gives four at most.
const HEARD: usize = 8;
/// Blocks of silence after the digits: a card has eight buffers, so the last digit is on the wire by then.
const TAIL: u8 = 8;
/// A digit, as DAHDI sends it: every exchange takes it.
const DIGIT_ON_MS: u16 = 100;
const DIGIT_OFF_MS: u16 = 100;
/// Q.24: a receiver need not take a shorter tone.
const DIGIT_LEAST_MS: u16 = 40;
/// The line's time limit for dialling counts on a second a digit.
const DIGIT_MOST_MS: u16 = 500;
