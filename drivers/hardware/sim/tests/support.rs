//! A whole little world: a wire, an exchange at its far end, and a PBX of the same make at its near end. The PBX answers
//! with telephones, so both ends of every call can be looked at.

use tipring_card::{Cause, Law, Micros, SpanId};
use tipring_isdn::Role;
use tipring_sim::{
    Call, CallReport, Exchange, ExchangeConfig, Faults, FirstFrame, Reply, Step, Subscriber, Wire, WireConfig,
};

pub const SPAN: SpanId = SpanId(1);

pub fn ms(ms: u64) -> Micros {
    Micros::from_ms(ms)
}

pub struct World {
    pub wire: Wire,
    pub exchange: Exchange,
    pub pbx: Exchange,
    pub step: Micros,
}

impl World {
    pub fn new(faults: Faults, answers: Vec<Step>) -> World {
        World::with(WireConfig { faults, ..WireConfig::default() }, answers)
    }

    pub fn with(config: WireConfig, answers: Vec<Step>) -> World {
        let wire = Wire::new(config);
        let reply = Reply::Answer { rings: ms(500), steps: answers };
        let subscribers = vec![
            Subscriber { number: "17".into(), reply: Reply::Refuse(Cause::USER_BUSY) },
            Subscriber { number: "18".into(), reply: Reply::Ignore },
            Subscriber { number: "19".into(), reply: Reply::RingForever },
            Subscriber { number: "100".into(), reply },
        ];
        let pbx = ExchangeConfig { role: Role::User, subscribers: subscribers.clone(), ..ExchangeConfig::default() };
        let exchange = ExchangeConfig { subscribers, ..ExchangeConfig::default() };
        World {
            exchange: Exchange::new(wire.far(), exchange),
            pbx: Exchange::new(wire.near(), pbx),
            wire,
            step: ms(10),
        }
    }

    /// A world whose wire loses nothing, not even first frames.
    pub fn good(answers: Vec<Step>) -> World {
        World::new(Faults { first_frame: FirstFrame::Kept, ..Faults::default() }, answers)
    }

    pub fn run(&mut self, time: Micros) {
        let end = self.wire.now() + time;
        while self.wire.now() < end {
            self.wire.step(self.wire.now() + self.step);
            self.exchange.step(self.wire.now());
            self.pbx.step(self.wire.now());
        }
    }

    /// Runs until nobody has anything to do, at most `limit`.
    #[track_caller]
    pub fn run_out(&mut self, limit: Micros) {
        let end = self.wire.now() + limit;
        while !(self.exchange.is_idle() && self.pbx.is_idle()) {
            assert!(self.wire.now() < end, "not idle after {limit:?}:\n{}", self.story());
            self.run(self.step);
        }
    }

    pub fn rings(&mut self, id: &str, to: &str, steps: Vec<Step>) {
        let call = Call {
            id: id.into(),
            at: self.wire.now(),
            from: Some("2025550100".into()),
            name: Some("A Caller".into()),
            to: to.into(),
            steps,
            ..Call::default()
        };
        self.exchange.ring(call).unwrap();
    }

    pub fn story(&self) -> String {
        self.exchange.trace().iter().map(|line| format!("{line}\n")).collect()
    }
}

/// A waiting, listening telephone.
pub fn answer() -> Step {
    Step::AwaitAnswer { limit_ms: 20_000 }
}

pub fn stay() -> Step {
    Step::AwaitHangup { limit_ms: 60_000 }
}

/// Octets that tell their place; never silence.
pub fn pattern(seed: u32, octets: u32) -> Vec<u8> {
    (0..octets)
        .map(|i| tipring_card::contract::octet(seed, i))
        .map(|o| if o == Law::A.silence() { 0 } else { o })
        .collect()
}

/// Where `wanted` begins in what a telephone heard, whole and unchanged.
#[track_caller]
pub fn place_of(wanted: &[u8], report: &CallReport) -> usize {
    let heard = report.phone.heard();
    let place = heard.windows(wanted.len()).position(|window| window == wanted);
    place.unwrap_or_else(|| {
        panic!("{}: {} octets heard, the {} wanted are not in it", report.id, heard.len(), wanted.len())
    })
}
