//! The far end of a scenario: a wire, an exchange for its spans and one for its analogue lines, a telephone for each call,
//! those on ports of the box. It knows which telephone a call of ours belongs to, and tells afterwards what each one heard.

use std::path::Path;

use tipring_card::{Cause, Law, Micros, SpanId};
use tipring_dsp::{alaw_decode, dbm0_of, mu_to_a};
use tipring_resources::{Call, Direction, Sid};
use tipring_sim::{
    CallReport, Exchange, ExchangeConfig, Faults, Office, Phone, Planned, Reply, Side, SimCard, Step, Trouble, Wire,
    WireConfig,
};

use super::exchange::office_config;
use super::handsets::{Handsets, Seen};
use super::outcome::Moments;
use super::scenario::{Expect, Scenario};
use super::settings::zone;

/// Sound is what is louder than this, block by block.
const SOUND_DBM0: f32 = -45.0;
/// A scenario's time zero: the link is up by then and the box has restarted every channel.
pub const LINE_READY: Micros = Micros::from_ms(2_500);
/// A called telephone that has nothing to do listens for this long at most.
const LISTENS_MS: u32 = 3_600_000;
/// A wire moves in whole milliseconds.
const STEP_US: u64 = 1_000;

/// All telephones of a scenario.
pub struct Telephones {
    wire: Wire,
    exchange: Exchange,
    office: Option<Office>,
    handsets: Handsets,
    rings: Vec<Ring>,
    by_sid: Vec<(Sid, usize)>,
}

struct Ring {
    id: String,
    from: Option<String>,
    restricted: bool,
    to: String,
    /// The analogue line that it rings, from 1.
    line: Option<u8>,
    expect: Expect,
}

/// What came of one telephone's call.
#[derive(Default)]
pub struct Report {
    /// As the scenario names it; `-2`, `-3`… behind it for repeated ones.
    pub id: String,
    /// What was expected of it.
    pub expect: Expect,
    /// Q.850 cause of the end as the exchange knows it.
    pub cause: Option<u8>,
    /// All that was heard, G.711 A-law.
    pub heard: Vec<u8>,
    /// How much of it was sound.
    pub sound_ms: u64,
    /// From the ring to the answer.
    pub answered_after_ms: Option<u64>,
    /// From the answer to the first sound.
    pub first_sound_ms: Option<u64>,
    /// Steps done, and how each ended.
    pub steps: Vec<String>,
    /// The number shown, and the digits dialled, of a telephone that was called.
    pub called: Option<(String, String)>,
    /// When what happened.
    pub moments: Moments,
    /// Keys that were heard.
    pub keys: String,
}

impl Telephones {
    /// The wire and the exchanges of a scenario; every call is arranged.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, String> {
        let wire = Wire::new(WireConfig {
            spans: u16::from(scenario.spans),
            analog_ports: scenario.analog_lines,
            phone_ports: u16::try_from(scenario.telephone.len()).unwrap_or(0),
            seed,
            faults: faults(scenario),
            ..WireConfig::default()
        });
        let starts_at = Micros::from_ms(scenario.faults.exchange_late_ms);
        let subscribers = subscribers_of(scenario, false);
        let tones = subscribers.first().map(|_| zone(&scenario.country));
        let config = ExchangeConfig { starts_at, subscribers, tones, keeps_trace: false, ..ExchangeConfig::default() };
        let exchange = Exchange::new(wire.far(), config);
        let office = (scenario.analog_lines > 0)
            .then(|| Office::new(wire.far(), office_config(scenario, subscribers_of(scenario, true))));
        let handsets = Handsets::new(scenario, &wire);
        let mut telephones = Telephones { wire, exchange, office, handsets, rings: Vec::new(), by_sid: Vec::new() };
        for call in scenario.call.iter().map(toml::Spanned::get_ref) {
            for n in 0..call.times {
                telephones.arrange(call, n)?;
            }
        }
        Ok(telephones)
    }

    fn arrange(&mut self, call: &super::scenario::Call, n: u16) -> Result<(), String> {
        let id = if n == 0 { call.id.clone() } else { format!("{}-{}", call.id, n + 1) };
        let line = match (call.line, &self.office) {
            (Some(line), Some(office)) => office.lines().nth(usize::from(line).saturating_sub(1)),
            _ => None,
        };
        self.rings.push(Ring {
            id: id.clone(),
            from: call.from.clone(),
            restricted: call.restricted,
            to: call.to.clone(),
            line: call.line,
            expect: call.expect.clone(),
        });
        let arranged = tipring_sim::Call {
            id,
            at: LINE_READY + Micros::from_ms(call.at_ms + u64::from(n) * call.every_ms),
            from: call.from.clone(),
            name: call.name.clone(),
            restricted: call.restricted,
            to: call.to.clone(),
            line,
            steps: call.does.clone(),
            ..tipring_sim::Call::default()
        };
        let rung = match (&mut self.office, call.line) {
            (Some(office), Some(_)) => office.ring(arranged),
            _ => self.exchange.ring(arranged),
        };
        rung.map_err(|error| error.to_string())
    }

    /// The box's card.
    pub fn near(&self) -> SimCard {
        self.wire.near()
    }

    /// Somebody more who can be called over the E1, before all others.
    pub fn subscribe(&mut self, new: &super::scenario::Subscriber) {
        self.exchange.config_mut().subscribers.insert(0, subscriber(new));
    }

    /// Lets the far end live up to a moment.
    pub fn step(&mut self, now: Micros) {
        let whole = Micros(now.0 / STEP_US * STEP_US);
        self.wire.step(whole);
        self.exchange.step(whole);
        if let Some(office) = &mut self.office {
            office.step(whole);
        }
        self.handsets.step(whole);
    }

    /// When the far end has something to do of itself.
    pub fn deadline(&self) -> Option<Micros> {
        let office = self.office.as_ref().and_then(Office::deadline);
        let first = self.exchange.deadline().into_iter().chain(office).chain(self.handsets.deadline()).min();
        // Rounded up to the wire's next step.
        first.map(|at| Micros(at.0.div_ceil(STEP_US) * STEP_US))
    }

    /// Whether every call has rung and is over, and every telephone of the box is on hook.
    pub fn all_done(&self) -> bool {
        self.handsets.all_done() && self.exchange.is_idle() && self.office.as_ref().is_none_or(Office::is_idle)
    }

    fn rung(&self, ring: &Ring) -> Option<&CallReport> {
        match (&self.office, ring.line) {
            (Some(office), Some(_)) => office.call(&ring.id),
            _ => self.exchange.call(&ring.id),
        }
    }

    /// Which telephone a call of ours belongs to. Calls of the same numbers come in the order in which they rang.
    pub fn of_call(&mut self, call: &Call) -> Option<usize> {
        if let Some((_, at)) = self.by_sid.iter().find(|(sid, _)| *sid == call.sid) {
            return Some(*at);
        }
        if call.direction != Direction::Inbound || self.handsets.has(&call.line) {
            return None;
        }
        let taken = |at: usize| self.by_sid.iter().any(|(_, taken)| *taken == at);
        // A withheld number is kept nowhere.
        let from = |ring: &Ring| if ring.restricted { String::new() } else { ring.from.clone().unwrap_or_default() };
        let fits = |ring: &Ring| match ring.line {
            // An analogue line tells the number late, or never: the line itself says who it is.
            Some(line) => call.line.ends_with(&format!("/{line}")) && call.to_raw.is_empty(),
            None => ring.to == call.to_raw && from(ring) == call.from_raw,
        };
        let rung = |ring: &Ring| self.rung(ring).is_some();
        let at = (0..self.rings.len()).find(|&at| !taken(at) && fits(&self.rings[at]) && rung(&self.rings[at]))?;
        self.by_sid.push((call.sid, at));
        Some(at)
    }

    /// The call of ours that a telephone's call became.
    pub fn call_of(&self, id: &str) -> Option<Sid> {
        let at = self.rings.iter().position(|ring| ring.id == id)?;
        self.by_sid.iter().find(|(_, known)| *known == at).map(|(sid, _)| *sid)
    }

    /// What came of every call that rang at the box, in the order of the scenario.
    pub fn reports(&self) -> Vec<Report> {
        self.rings.iter().map(|ring| self.report(ring)).collect()
    }

    /// What the telephones on ports of the box saw, in the order of the scenario.
    pub fn seen(&self) -> Vec<Seen> {
        self.handsets.seen()
    }

    fn report(&self, ring: &Ring) -> Report {
        match self.rung(ring) {
            Some(call) => Report { id: ring.id.clone(), expect: ring.expect.clone(), ..told(call) },
            None => Report { id: ring.id.clone(), expect: ring.expect.clone(), ..Report::default() },
        }
    }

    /// What came of every call that the box made, as the called telephones know it: those of the E1 first, each in the
    /// order in which they were called.
    pub fn called(&self) -> Vec<Report> {
        let spans = (1..).map_while(|n| self.exchange.call(&format!("in-{n}")));
        let loops = (1..).map_while(|n| self.office.as_ref()?.call(&format!("in-{n}")));
        let numbered = spans.chain(loops).zip(1..);
        let report = |(call, n): (&CallReport, u32)| Report {
            id: format!("called-{n}"),
            called: Some((call.from.clone().unwrap_or_default(), call.to.clone())),
            ..told(call)
        };
        numbered.map(report).collect()
    }
}

fn told(call: &CallReport) -> Report {
    let phone = &call.phone;
    let heard = of_a_law(phone);
    let steps = phone.steps_ended().iter().map(|step| format!("{step:?}")).collect();
    Report {
        cause: call.cause.map(|Cause(cause)| cause),
        sound_ms: sound_ms(&heard),
        answered_after_ms: call.connected_at.map(|at| at.since(call.began_at).as_ms()),
        first_sound_ms: phone.first_sound_at().zip(call.connected_at).map(|(first, at)| first.since(at).as_ms()),
        steps,
        heard,
        moments: Moments {
            began_ms: call.began_at.as_ms(),
            rang_ms: call.alerting_at.map(Micros::as_ms),
            answered_ms: call.connected_at.map(Micros::as_ms),
            ended_ms: call.released_at.map(Micros::as_ms),
            heard_from_ms: phone.heard_from().map(Micros::as_ms),
            steps_ms: phone.steps_ended().iter().map(|step| step.at.as_ms()).collect(),
        },
        keys: phone.keys_heard().to_string(),
        ..Report::default()
    }
}

/// What a telephone heard, A-law whatever its line speaks.
pub(super) fn of_a_law(phone: &Phone) -> Vec<u8> {
    match phone.law() {
        Law::A => phone.heard().to_vec(),
        Law::Mu => phone.heard().iter().map(|&octet| mu_to_a(octet)).collect(),
    }
}

fn subscribers_of(scenario: &Scenario, analog: bool) -> Vec<tipring_sim::Subscriber> {
    let here = scenario.subscriber.iter().filter(|one| one.analog.is_none_or(|only| only == analog));
    here.map(subscriber).collect()
}

fn subscriber(one: &super::scenario::Subscriber) -> tipring_sim::Subscriber {
    tipring_sim::Subscriber {
        number: one.number.clone(),
        reply: match one.refuse {
            Some(cause) => Reply::Refuse(Cause(cause)),
            None if one.never => Reply::RingForever,
            None if one.ignores => Reply::Ignore,
            None => Reply::Answer {
                rings: Micros::from_ms(one.rings_ms),
                steps: one.does.clone().unwrap_or_else(|| vec![Step::AwaitHangup { limit_ms: LISTENS_MS }]),
            },
        },
    }
}

/// Milliseconds of sound in G.711 A-law octets.
pub fn sound_ms(heard: &[u8]) -> u64 {
    let loud = |block: &&[u8]| {
        let samples: Vec<i16> = block.iter().map(|&octet| alaw_decode(octet)).collect();
        dbm0_of(&samples) > SOUND_DBM0
    };
    heard.chunks_exact(80).filter(loud).count() as u64 * 10
}

/// Writes G.711 A-law octets as a WAV of 16-bit samples.
pub fn write_wav(file: &Path, octets: &[u8]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec)?;
    for &octet in octets {
        writer.write_sample(alaw_decode(octet))?;
    }
    writer.finalize()
}

fn faults(scenario: &Scenario) -> Faults {
    let wanted = scenario.faults;
    let mut planned = Vec::new();
    if let Some(at) = wanted.span_down_at_ms {
        let what = Trouble::SpanAlarm { span: SpanId(1), lasts: Micros::from_ms(wanted.span_down_for_ms) };
        planned.push(Planned { at: Micros::from_ms(at), what });
    }
    if let Some(at) = wanted.d_channel_down_at_ms {
        let what = Trouble::FramesVanish { span: SpanId(1), lasts: Micros::from_ms(wanted.d_channel_down_for_ms) };
        planned.push(Planned { at: Micros::from_ms(at), what });
    }
    if let Some(at) = wanted.card_gone_at_ms {
        planned.push(Planned { at: Micros::from_ms(at), what: Trouble::Remove(Side::Near) });
    }
    let frame_loss_ppm = 1_000_000_u32.checked_div(wanted.frame_loss_one_in).unwrap_or(0);
    Faults { frame_loss_ppm, planned, ..Faults::default() }
}
