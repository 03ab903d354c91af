//! A box on one analogue line, made of a raw channel: it moves its hook, presses keys and notes what it hears and sees.
//! At the other end is an office.

use std::ops::{Deref, DerefMut};

use tipring_analog::{Handset, Heard, Listen};
use tipring_card::{BLOCK, Card, CardError, Channel, ChannelId, Event, Hook, Law, Micros, Setup};
use tipring_dsp::{ZoneId, g711::Companding, level::dbm0_at, level::dbm0_of};
use tipring_sim::{Office, OfficeConfig, Reply, Step, Subscriber, Wire, WireConfig};

use crate::support::ms;

/// The box's end of one line.
pub struct BoxLine {
    pub line: Box<dyn Channel>,
    pub id: ChannelId,
    /// Everything heard, as samples.
    pub heard: Vec<i16>,
    /// The same as octets of the line.
    pub octets: Vec<u8>,
    says: std::collections::VecDeque<u8>,
    pub events: Vec<(u64, Event)>,
    /// What an ear for caller id made of it.
    pub told: Vec<Heard>,
    ear: Option<Handset>,
}

impl BoxLine {
    pub fn new(wire: &Wire, id: ChannelId) -> BoxLine {
        let mut line = wire.near().open(id).expect("the line is free");
        line.setup(Setup::Audio(Law::Mu)).expect("voice");
        BoxLine {
            line,
            id,
            heard: Vec::new(),
            octets: Vec::new(),
            says: Default::default(),
            events: Vec::new(),
            told: Vec::new(),
            ear: None,
        }
    }

    pub fn listen(&mut self, now: u64) {
        let mut block = [0; BLOCK];
        loop {
            match self.line.read(&mut block) {
                Ok(_) => {
                    let mut samples = [0; BLOCK];
                    Companding::Mu.decode_into(&block, &mut samples);
                    self.heard.extend(samples);
                    self.octets.extend(block);
                    if !self.says.is_empty() {
                        let next: Vec<u8> = self.says.drain(..self.says.len().min(BLOCK)).collect();
                        self.line.write(&next).expect("read paces write");
                    }
                    if let Some(ear) = &mut self.ear {
                        ear.hear(&block);
                        self.told.extend(core::iter::from_fn(|| ear.poll()));
                    }
                }
                Err(CardError::EventPending) => {
                    self.events.extend(self.line.event().ok().flatten().map(|event| (now, event)));
                }
                Err(_) => return,
            }
        }
    }

    /// Listens for caller id from now on.
    pub fn hears_caller_id(&mut self, zone: ZoneId) {
        let mut ear = Handset::new(Law::Mu, zone);
        ear.listen(Listen::CallerId);
        self.ear = Some(ear);
    }

    /// Says something, block by block, two blocks ahead.
    pub fn says(&mut self, octets: &[u8]) {
        for _ in 0..2 {
            self.line.write(&[Law::Mu.silence(); BLOCK]).expect("there is room");
        }
        self.says.extend(octets);
    }

    pub fn saw(&self, event: Event) -> bool {
        self.count(event) > 0
    }

    pub fn count(&self, event: Event) -> usize {
        self.events.iter().filter(|seen| seen.1 == event).count()
    }

    /// The last `ms` of what was heard.
    pub fn last(&self, ms: usize) -> &[i16] {
        &self.heard[self.heard.len().saturating_sub(ms * 8)..]
    }

    /// Whether the last tenth of a second was these frequencies.
    pub fn sounds(&self, hz: &[f32]) -> bool {
        let last = self.last(100);
        last.len() == 800 && hz.iter().all(|&hz| dbm0_at(last, hz) > -18.0) && dbm0_of(last) > -14.0
    }

    /// Whether the last tenth of a second was silence.
    pub fn is_quiet(&self) -> bool {
        dbm0_of(self.last(100)) < -55.0
    }

    /// Sound and silence in turn over the last `ms`, each in milliseconds rounded to ten; what is cut at the ends is
    /// left out.
    pub fn rhythm(&self, ms: usize) -> Vec<u64> {
        let loud: Vec<bool> = self.last(ms).chunks(BLOCK).map(|block| dbm0_of(block) > -30.0).collect();
        let mut turns: Vec<u64> = loud.chunk_by(|a, b| a == b).map(|run| run.len() as u64 * 10).collect();
        turns.pop();
        turns.drain(..turns.len().min(1));
        turns
    }
}

/// A box that uses one line, in the world of that line.
pub struct LineWorld {
    pub wire: Wire,
    pub office: Office,
    end: BoxLine,
}

impl Deref for LineWorld {
    type Target = BoxLine;

    fn deref(&self) -> &BoxLine {
        &self.end
    }
}

impl DerefMut for LineWorld {
    fn deref_mut(&mut self) -> &mut BoxLine {
        &mut self.end
    }
}

impl LineWorld {
    pub fn new(config: OfficeConfig) -> LineWorld {
        LineWorld::on(WireConfig { spans: 0, analog_ports: 2, ..WireConfig::default() }, config)
    }

    pub fn on(wire: WireConfig, config: OfficeConfig) -> LineWorld {
        let wire = Wire::new(wire);
        let office = Office::new(wire.far(), config);
        let end = BoxLine::new(&wire, office.lines().next().expect("a line"));
        let mut world = LineWorld { wire, office, end };
        world.run(ms(2_500)); // rings are told from now on
        world
    }

    /// An office with these subscribers and otherwise its usual ways.
    pub fn calling(subscribers: Vec<(&str, Reply)>) -> LineWorld {
        LineWorld::new(OfficeConfig { subscribers: subscribers_of(subscribers), ..OfficeConfig::default() })
    }

    pub fn now(&self) -> u64 {
        self.wire.now().as_ms()
    }

    pub fn run(&mut self, time: Micros) {
        let end = self.wire.now() + time;
        while self.wire.now() < end {
            self.wire.step(self.wire.now() + ms(10));
            self.office.step(self.wire.now());
            self.end.listen(self.wire.now().as_ms());
        }
    }

    #[track_caller]
    pub fn run_until(&mut self, limit_ms: u64, what: &str, done: impl Fn(&LineWorld) -> bool) -> u64 {
        let end = self.now() + limit_ms;
        while !done(self) {
            assert!(self.now() < end, "no {what} within {limit_ms} ms: {:?}\n{}", self.events, self.story());
            self.run(ms(10));
        }
        self.now()
    }

    /// Seizes the line and waits until the hook has settled.
    #[track_caller]
    pub fn seizes(&mut self) {
        self.line.hook(Hook::Start).expect("the line is on hook");
        self.run_until(3_000, "seizure", |world| world.saw(Event::HookComplete));
    }

    /// Seizes the line, waits for dial tone and dials.
    #[track_caller]
    pub fn dials(&mut self, digits: &str) {
        self.seizes();
        self.run_until(3_000, "dial tone", |world| world.sounds(DIAL));
        self.presses(digits);
    }

    #[track_caller]
    pub fn presses(&mut self, digits: &str) {
        let before = self.count(Event::DialComplete);
        self.line.dial(digits).expect("digits");
        self.run_until(10_000, "end of dialling", |world| world.count(Event::DialComplete) > before);
    }

    /// On hook, until the office has seen it and the line can be used again.
    pub fn hangs_up(&mut self) {
        self.line.hook(Hook::OnHook).expect("any line can be on hook");
        self.run(ms(4_000));
    }

    pub fn story(&self) -> String {
        self.office.trace().iter().map(|line| format!("{line}\n")).collect()
    }
}

pub fn subscribers_of(subscribers: Vec<(&str, Reply)>) -> Vec<Subscriber> {
    let one = |(number, reply): (&str, Reply)| Subscriber { number: number.into(), reply };
    subscribers.into_iter().map(one).collect()
}

pub fn answers(rings_ms: u64, steps: Vec<Step>) -> Reply {
    Reply::Answer { rings: ms(rings_ms), steps }
}

/// Tones of the United States.
pub const DIAL: &[f32] = &[350.0, 440.0];
pub const RINGBACK: &[f32] = &[440.0, 480.0];
pub const BUSY: &[f32] = &[480.0, 620.0];
