//! A box with several lines of one office: one of them calls another.

use tipring_card::{Event, Hook, Micros};
use tipring_sim::{CallReport, Office, OfficeConfig, Wire, WireConfig};

use crate::{
    subscriber::{BoxLine, DIAL, RINGBACK},
    support::ms,
};

/// The numbers of the three lines.
pub const NUMBERS: [&str; 3] = ["5550101", "5550102", "5550103"];

pub struct PairWorld {
    pub wire: Wire,
    pub office: Office,
    /// Line 1 calls, line 2 is called, line 3 is there.
    pub ends: Vec<BoxLine>,
    step: Micros,
}

impl PairWorld {
    pub fn new(config: OfficeConfig) -> PairWorld {
        PairWorld::stepping(config, ms(10))
    }

    /// Its office and its box look so seldom.
    pub fn stepping(config: OfficeConfig, step: Micros) -> PairWorld {
        PairWorld::made(WireConfig { spans: 0, analog_ports: 3, ..WireConfig::default() }, config, step)
    }

    pub fn on(wire: WireConfig, config: OfficeConfig) -> PairWorld {
        PairWorld::made(wire, config, ms(10))
    }

    fn made(wire: WireConfig, config: OfficeConfig, step: Micros) -> PairWorld {
        let wire = Wire::new(wire);
        let line_numbers = match config.line_numbers.is_empty() {
            true => NUMBERS.iter().zip(1..).map(|(number, line)| (number.to_string(), line)).collect(),
            false => config.line_numbers,
        };
        let office = Office::new(wire.far(), OfficeConfig { line_numbers, ..config });
        let ends = office.lines().map(|id| BoxLine::new(&wire, id)).collect();
        let mut world = PairWorld { wire, office, ends, step };
        world.run(ms(2_500)); // rings are told from now on
        world
    }

    pub fn now(&self) -> u64 {
        self.wire.now().as_ms()
    }

    pub fn run(&mut self, time: Micros) {
        let end = self.wire.now() + time;
        while self.wire.now() < end {
            self.wire.step(self.wire.now() + self.step);
            self.office.step(self.wire.now());
            self.ends.iter_mut().for_each(|end| end.listen(self.wire.now().as_ms()));
        }
    }

    #[track_caller]
    pub fn run_until(&mut self, limit_ms: u64, what: &str, done: impl Fn(&PairWorld) -> bool) -> u64 {
        let end = self.now() + limit_ms;
        while !done(self) {
            assert!(self.now() < end, "no {what} within {limit_ms} ms:\n{}", self.story());
            self.run(self.step);
        }
        self.now()
    }

    /// Seizes a line, waits for dial tone and dials.
    #[track_caller]
    pub fn dials(&mut self, end: usize, digits: &str) {
        self.ends[end].line.hook(Hook::Start).expect("the line is on hook");
        self.run_until(3_000, "seizure", |world| world.ends[end].saw(Event::HookComplete));
        self.run_until(3_000, "dial tone", |world| world.ends[end].sounds(DIAL));
        self.presses(end, digits);
    }

    #[track_caller]
    pub fn presses(&mut self, end: usize, digits: &str) {
        let before = self.ends[end].count(Event::DialComplete);
        self.ends[end].line.dial(digits).expect("digits");
        self.run_until(10_000, "end of dialling", |world| world.ends[end].count(Event::DialComplete) > before);
    }

    /// Line 1 calls line 2, which rings; nobody has answered yet.
    #[track_caller]
    pub fn rings(&mut self) {
        self.dials(0, NUMBERS[1]);
        self.run_until(2_000, "ringback", |world| world.ends[0].sounds(RINGBACK));
        self.run_until(2_000, "ring", |world| world.ends[1].saw(Event::RingBegin));
    }

    /// Line 2 answers, and both are connected; what was seen so far is forgotten.
    #[track_caller]
    pub fn answers(&mut self) {
        self.ends[1].line.hook(Hook::OffHook).expect("it can be lifted");
        self.run_until(1_000, "answer", |world| world.office.calls().filter(|c| c.connected_at.is_some()).count() == 2);
        self.run(ms(1_000)); // a drop of the battery is told from now on
        self.ends.iter_mut().for_each(|end| end.events.clear());
    }

    #[track_caller]
    pub fn connected(config: OfficeConfig) -> PairWorld {
        let mut world = PairWorld::new(config);
        world.rings();
        world.answers();
        world
    }

    /// On hook, until the office has seen it.
    pub fn hangs_up(&mut self, end: usize) {
        self.ends[end].line.hook(Hook::OnHook).expect("any line can be on hook");
        self.run(ms(1_270));
    }

    /// The report of the line that dialled, and that of the called one.
    #[track_caller]
    pub fn reports(&self) -> [&CallReport; 2] {
        ["in-1", "in-1-rung"].map(|id| self.office.call(id).expect("there is a report"))
    }

    pub fn story(&self) -> String {
        self.office.trace().iter().map(|line| format!("{line}\n")).collect()
    }
}
